"""The tables. Flask-AppBuilder's own (``ab_*``) are imported first: they share our metadata."""

from flask_appbuilder.security.sqla import models as _fab_models  # noqa: F401

from app.models import (  # noqa: F401
    cards,
    contents,
    decisions,
    exports,
    ledger,
    notices,
    official_account,
    people,
    plumbing,
    print_files,
    reconciliations,
    refund_requests,
    rollups,
    sales,
    saved_reports,
    searching,
    settings,
    statements,
    tenants,
    tills,
    traffic,
    voucher_records,
    vouchers,
)
from app.models.base import Base

metadata = Base.metadata
