"""What the consoles' fields ask while somebody types: up to twenty rows that fit, as JSON.

Each kind is a right of its own, held by those who have a field of that kind on a page of theirs.
"""

from __future__ import annotations

from typing import Any

from flask import abort, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access

from app.core.actor import PLATFORM_ROLES
from app.models.vouchers import VoucherBatch
from app.views import choosing
from app.views.choosing import MOST_FOUND, Choosing, about, option
from app.views.filters import number, words


class Choices(BaseView):  # type: ignore[misc]
    """Read in the reader's scope; what is another's is found by nobody."""

    route_base = "/console/choices"
    default_view = "merchants"

    @expose("/merchants/")
    @has_access
    def merchants(self) -> ResponseReturnValue:
        return self._answer(choosing.merchants())

    @expose("/businesses/")
    @has_access
    def businesses(self) -> ResponseReturnValue:
        return self._answer(choosing.businesses())

    @expose("/issuers/")
    @has_access
    def issuers(self) -> ResponseReturnValue:
        return self._answer(choosing.issuers())

    @expose("/employers/")
    @has_access
    def employers(self) -> ResponseReturnValue:
        return self._answer(choosing.employers())

    @expose("/writers/")
    @has_access
    def writers(self) -> ResponseReturnValue:
        return self._answer(choosing.writers())

    @expose("/stores/")
    @has_access
    def stores(self) -> ResponseReturnValue:
        return self._answer(choosing.stores(_merchant()))

    @expose("/programs/")
    @has_access
    def programs(self) -> ResponseReturnValue:
        return self._answer(choosing.programs(_merchant()))

    @expose("/staff/")
    @has_access
    def staff(self) -> ResponseReturnValue:
        return self._answer(choosing.staff())

    @expose("/batches/")
    @has_access
    def batches(self) -> ResponseReturnValue:
        return self._answer(choosing.batches())

    @expose("/statements/")
    @has_access
    def statements(self) -> ResponseReturnValue:
        return self._answer(choosing.statements())

    @expose("/terminals/")
    @has_access
    def terminals(self) -> ResponseReturnValue:
        return self._answer(choosing.terminals())

    @expose("/acceptors/")
    @has_access
    def acceptors(self) -> ResponseReturnValue:
        return self._answer(choosing.acceptors())

    @expose("/holders/")
    @has_access
    def holders(self) -> ResponseReturnValue:
        return self._answer(choosing.holders())

    @expose("/takers/<int:pk>")
    @has_access
    def takers(self, pk: int) -> ResponseReturnValue:
        """Of a batch."""
        batch = self.appbuilder.session.get(VoucherBatch, pk) if pk < 2**63 else None
        if batch is None:
            abort(404)
        return self._answer(choosing.takers(batch))

    @expose("/own-takers/")
    @has_access
    def own_takers(self) -> ResponseReturnValue:
        return self._answer(choosing.own_takers(g.actor.merchant_id))

    def _answer(self, chosen_from: Choosing) -> ResponseReturnValue:
        typed = words(request.args, "q")
        found = chosen_from.find(self.appbuilder.session, typed)
        # Whoever has one merchant knows whose everything is.
        whose = g.actor.role in PLATFORM_ROLES
        items: list[dict[str, Any]] = [
            {
                "value": one.value,
                "name": option(one).label,
                "about": about(one) if whose else one.number,
            }
            for one in found
        ]
        items += [
            {"value": one.value, "name": one.label, "about": ""}
            for one in chosen_from.fixed_like(typed)
        ]
        answer = jsonify(items=items, more=len(found) == MOST_FOUND)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _merchant() -> int | None:
    return number(request.args.get("merchant", ""))
