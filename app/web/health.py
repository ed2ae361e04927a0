"""Whether the process is up, and whether it can serve: database, migrations, job worker."""

from __future__ import annotations

import json

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from app.db import DatabaseBusy, DatabaseDown
from app.web.context import current_context
from app.web.errors import problem
from app.web.migrations import newest_revision

bp = Blueprint("health", __name__)

_STATE = """
    SELECT (SELECT version_num FROM alembic_version),
           EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 s')
"""


@bp.get("/healthz")
def tell_health() -> ResponseReturnValue:
    return {"status": "ok"}


@bp.get("/readyz")
def tell_readiness() -> ResponseReturnValue:
    """200 when everything is in order; else 503 with the reasons."""
    try:
        revision, worker_is_up = current_context().database.call(_STATE, ())
    except (DatabaseBusy, DatabaseDown):
        return _not_ready(["the database does not answer"])
    reasons = []
    if revision != newest_revision():
        reasons.append("the database has not been migrated to this version")
    if not worker_is_up:
        reasons.append("no job worker has reported within 30 seconds")
    if reasons:
        return _not_ready(reasons)
    return {"status": "ready"}


def _not_ready(reasons: list[str]) -> Response:
    return problem(503, "not_ready", json.dumps(reasons), extra={"reasons": reasons})
