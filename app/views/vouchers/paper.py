"""All the consoles' pages about paper, to be registered."""

from __future__ import annotations

from typing import Any

from app.views.vouchers.batch_desk import BatchDesk
from app.views.vouchers.batch_requests import BatchRequestDesk
from app.views.vouchers.import_desk import ImportDesk
from app.views.vouchers.paper_desk import PaperDesk
from app.views.vouchers.paper_lists import (
    Stock,
    TaskDesk,
    VoucherFinder,
    VoucherImports,
    VoucherTasks,
)

PAPER: tuple[type[Any], ...] = (
    *(BatchDesk, PaperDesk, Stock, VoucherTasks, TaskDesk, VoucherImports, ImportDesk),
    *(VoucherFinder, BatchRequestDesk),
)
