"""Consumption records (消费记录): electronic cards and paper vouchers together, newest first.

The union has no key of its own in time. Each half is read along its own key, which its indexes
know, and the two are merged by time: page 1,000 costs what the first one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, request, url_for
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import select

from app.core.errors import N_
from app.models.consumptions import Consumption, ConsumptionKind
from app.views import filters, roles
from app.views.records import PAGE, Records

_VIEWS = {ConsumptionKind.card: "Payments", ConsumptionKind.paper: "Redemptions"}
_ENDLESS = 10**17


class Consumptions(Records):
    route_base = "/console/consumptions"
    datamodel = SQLAInterface(Consumption)
    include_route_methods = Records.include_route_methods - {"show"}
    title_text = N_("Consumption records")
    explanation = N_("What was paid from cards and by WeChat, and what was redeemed on paper.")
    list_columns = ["document_no", "occurred_at", "kind", "merchant_id", "store_id", "member_id",
                    "batch_id", "staff_id", "amount_fen", "returned_fen", "status"]  # fmt: skip
    show_columns = [*list_columns, "card_fen", "wechat_fen"]
    when = "occurred_at"
    filter_columns = ("kind", "tender", "status", "merchant_id", "store_id", "staff_id",
                      "batch_id")  # fmt: skip
    search_in = ("document_no",)
    sums = ("amount_fen", "card_fen", "wechat_fen", "returned_fen")

    def _page(self) -> tuple[Sequence[Any], str | None, str | None]:
        """One page, merged from the two halves, and the addresses of the pages around it."""
        after = _marks(request.args.get("after", ""))
        before = _marks(request.args.get("before", ""))
        if after is not None:
            found = self._merged(after, newer=True)
            rows, more = found[:PAGE][::-1], len(found) > PAGE
            newer, older = more, True
        else:
            found = self._merged(before or (_ENDLESS, _ENDLESS), newer=False)
            rows, more = found[:PAGE], len(found) > PAGE
            newer, older = before is not None, more
        if not rows:
            return rows, self._address() if before or after else None, None
        marks = after or before or (_ENDLESS, _ENDLESS)
        first, last = _around(rows, marks, backwards=after is not None)
        return (
            rows,
            self._address(after=_written(first)) if newer else None,
            self._address(before=_written(last)) if older else None,
        )

    def _merged(self, marks: tuple[int, int], *, newer: bool) -> Sequence[Any]:
        """Rows beyond the marks, the nearest first: always the nearer head of the two halves."""
        halves = [
            list(self._half(kind, mark, newer=newer))
            for kind, mark in zip(ConsumptionKind, marks, strict=True)
        ]
        found: list[Any] = []
        while len(found) <= PAGE and any(halves):
            heads = [half for half in halves if half]
            nearest = (min if newer else max)(heads, key=lambda half: half[0].occurred_at)
            found.append(nearest.pop(0))
        return found

    def _half(self, kind: ConsumptionKind, mark: int, *, newer: bool) -> Sequence[Any]:
        key = Consumption.record_id
        query = self._narrowed(select(Consumption), self.narrowing(request.args))
        query = query.where(Consumption.kind == kind)
        query = query.where(key > mark if newer else key < mark)
        return self._all(query.order_by(key if newer else key.desc()).limit(PAGE + 1))

    def _url(self, row: Any) -> str | None:
        view = _VIEWS[row.kind]
        allowed = roles.allows(g.actor.role, "can_show", view)
        return url_for(f"{view}.show", pk=row.record_id) if allowed else None


def _around(
    rows: Sequence[Any], marks: tuple[int, int], *, backwards: bool
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The marks before the first and behind the last row. A half without a row keeps its place.

    Reading down, ``marks`` is the upper border of the page, reading up the lower one.
    """
    first, last = [], []
    for kind, mark in zip(ConsumptionKind, marks, strict=True):
        ids = [row.record_id for row in rows if row.kind is kind]
        # A border lies between two rows; "newer" asks for keys above it, "older" for those below.
        if ids:
            first.append(ids[0])
            last.append(ids[-1])
        elif backwards:
            first.append(mark)
            last.append(mark + 1)
        else:
            first.append(mark - 1)
            last.append(mark)
    return (first[0], first[1]), (last[0], last[1])


def _marks(typed: str) -> tuple[int, int] | None:
    card, dot, paper = typed.partition(".")
    one, other = filters.number(card), filters.number(paper)
    return (one, other) if dot and one is not None and other is not None else None


def _written(marks: tuple[int, int]) -> str:
    return f"{marks[0]}.{marks[1]}"
