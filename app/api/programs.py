"""What can be topped up."""

from __future__ import annotations

from typing import Any

from app.api import account_schemas as schemas
from app.api.blueprint import bp
from app.core.actor import PUBLIC
from app.queries.stored_value.programs import list_programs
from app.web.context import current_context
from app.web.limits import OPEN_TO_ALL, limited
from app.web.paging import page


@bp.get("/programs")
@bp.doc(security=[])
@limited(OPEN_TO_ALL, by_address=True)
@bp.response(200, schemas.Programs)
def show_programs() -> dict[str, Any]:
    """Card programs on sale with their bonus tiers; the one that is used unless named is first."""
    with current_context().database.unit_of_work(PUBLIC) as session:
        return page(list_programs(session), None)
