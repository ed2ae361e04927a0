"""All the consoles' pages about paper, to be registered."""

from __future__ import annotations

from typing import Any

from app.views.batch_desk import BatchDesk
from app.views.batch_requests import BatchRequestDesk
from app.views.import_desk import ImportDesk
from app.views.paper_desk import PaperDesk
from app.views.paper_lists import Stock, TaskDesk, VoucherFinder, VoucherImports, VoucherTasks

PAPER: tuple[type[Any], ...] = (
    *(BatchDesk, PaperDesk, Stock, VoucherTasks, TaskDesk, VoucherImports, ImportDesk),
    *(VoucherFinder, BatchRequestDesk),
)
