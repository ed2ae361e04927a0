"""The tables. Flask-AppBuilder's own (``ab_*``) are imported first: they share our metadata."""

from flask_appbuilder.security.sqla import models as _fab_models  # noqa: F401

from app.models import (  # noqa: F401
    cards,
    decisions,
    exports,
    ledger,
    notices,
    people,
    plumbing,
    print_files,
    refund_requests,
    rollups,
    sales,
    settings,
    tenants,
    tills,
    voucher_records,
    vouchers,
)
from app.models.base import Base

metadata = Base.metadata
