"""The search box of every page: straight to the one record, or a page of what it may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext

from app.queries.lookups import MOST, Hit, Wanted, find_records, read_wanted
from app.views import roles
from app.views.cells import Cell, column_name
from app.views.lists import business, members, paper, sales
from app.views.names import cell_of, find_names
from app.views.records import Records
from app.views.settlement.statements import Statements
from app.views.stored_value.adjustments import Adjustments
from app.views.stored_value.card_returns import CardReturns
from app.web.context import current_context

_LONGEST = 80
_VIEWS: Mapping[str, type[Records]] = {
    "member": members.Members,
    "card": members.Cards,
    "payment": sales.Payments,
    "top_up": sales.TopUps,
    "refund": sales.Refunds,
    "gift": sales.Gifts,
    "voucher": paper.Vouchers,
    "redemption": paper.Redemptions,
    "batch": paper.Batches,
    "adjustment": Adjustments,
    "card_return": CardReturns,
    "statement": Statements,
    "merchant": business.Merchants,
    "store": business.Stores,
    "pay_point": business.PayPoints,
}


class Search(BaseView):
    """Posted, so that a phone number is written to no address and no log."""

    route_base = "/console/search"
    default_view = "find"

    @expose("/", methods=("POST",))
    @has_access
    @permission_name("list")
    def find(self) -> ResponseReturnValue:
        typed = request.form.get("q", "").strip()[:_LONGEST]
        wanted = read_wanted(typed, phone_digest=current_context().keys.phone_digest)
        hits = self._hits(wanted)
        if len(hits) == 1:
            return redirect(url_for(f"{_view_of(hits[0]).__name__}.show", pk=hits[0].id))
        return self.render_template(
            "console/search.html",
            typed="" if wanted.phone_digest else typed,
            asked=bool(typed),
            most=MOST,
            groups=[self._group(kind, list(same)) for kind, same in groupby(hits, _kind)],
        )

    def _hits(self, wanted: Wanted) -> Sequence[Hit]:
        if not wanted.words:
            return []
        allowed = [
            kind
            for kind, view in _VIEWS.items()
            if roles.allows(g.actor.role, "can_show", view.__name__)
        ]
        return find_records(self.appbuilder.session, wanted=wanted, kinds=allowed)

    def _group(
        self, kind: str, hits: Sequence[Hit]
    ) -> tuple[str, Sequence[str], Sequence[Sequence[Cell]]]:
        """One kind's hits as a table with the first columns of its list."""
        view = _VIEWS[kind]
        columns = list(view.list_columns)[:6]
        rows = [hit.row for hit in hits]
        names = find_names(self.appbuilder.session, rows, columns)
        table = []
        for hit in hits:
            first, *others = (cell_of(hit.row, column, names) for column in columns)
            url = url_for(f"{view.__name__}.show", pk=hit.id)
            table.append([Cell(first.text, first.kind, first.tone, url), *others])
        return gettext(view.title_text), [column_name(column) for column in columns], table


def _kind(hit: Hit) -> str:
    return hit.kind


def _view_of(hit: Hit) -> type[Records]:
    return _VIEWS[hit.kind]
