"""Where one's own saved reports lead: the list of them, and each one's address today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import local_day, utc_now
from app.models.saved_reports import SavedReport
from app.services import saved_reports


def list_own(session: Session) -> Sequence[SavedReport]:
    """By name. The wall shows nobody else's."""
    return session.scalars(select(SavedReport).order_by(SavedReport.name)).all()


def links_to_saved(session: Session) -> Sequence[tuple[str, str]]:
    """The names and addresses of one's saved reports, for the reports' page."""
    return [(one.name, url_of(one)) for one in list_own(session)]


def url_of(saved: SavedReport) -> str:
    """The report with its filters, and with the days that it means today."""
    if saved.first_on is not None and saved.last_on is not None:
        first, last = saved.first_on, saved.last_on
    else:
        first, last = saved_reports.days_of(saved.span, local_day(utc_now()))
    chosen: dict[str, Any] = {
        name: saved.plan[name] for name in ("group", "merchant_id", "store_id") if saved.plan[name]
    }
    days = {"from": first.isoformat(), "to": last.isoformat()}
    return url_for("Reports.show", report=saved.report, **days, **chosen)
