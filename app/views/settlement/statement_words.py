"""What the kinds and parts of statements are called, and the headings of their files."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext

from app.core.errors import N_
from app.models.base import OPERATOR_ID
from app.models.statements import LineKind, StatementPart
from app.queries.settlement.statements import SumRow
from app.views.cells import state_name

PARTS: Mapping[StatementPart, str] = {
    StatementPart.card_own: N_("Cards, own programs"),
    StatementPart.card_group: N_("Cards, group programs"),
    StatementPart.wechat: N_("WeChat Pay"),
    StatementPart.paper: N_("Paper vouchers"),
    StatementPart.commission: N_("Commission"),
    StatementPart.bonus: N_("Bonus"),
    StatementPart.promotion: N_("Promotion"),
    StatementPart.cash: N_("Cash"),
    StatementPart.other: N_("Other"),
}


def kind_name(kind: LineKind) -> str:
    return state_name(kind)


def part_name(part: StatementPart) -> str:
    return gettext(PARTS[part])


def whose(row: SumRow) -> str:
    """The batch of paper, or whose cards; a merchant is not told who other issuers are."""
    if row.batch_id is not None:
        return row.batch or gettext("Another issuer's batch")
    return issuer_name(row.issuer_id, row.issuer)


def issuer_name(issuer_id: int | None, issuer: str | None) -> str:
    if issuer_id is None:
        return ""
    if issuer_id == OPERATOR_ID:
        return gettext("Platform")
    return issuer or gettext("Another issuer")


def store_name(store: str | None) -> str:
    return store or gettext("Company, no store")
