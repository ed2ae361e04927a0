"""Reading statements: what they add up to, their lines, and what issuers and acceptors clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.models.statements import LineKind, StatementPart, StatementStatus

_SUMS = text(
    "SELECT m.store_id, s.name AS store, m.kind, m.part, m.issuer_id, i.name AS issuer,"
    " m.batch_id, b.name AS batch, m.line_count, m.amount_fen"
    " FROM statement_sum m LEFT JOIN store s ON s.id = m.store_id"
    " LEFT JOIN merchant i ON i.id = m.issuer_id LEFT JOIN voucher_batch b ON b.id = m.batch_id"
    " WHERE m.statement_id = :statement"
    " ORDER BY m.store_id, m.issuer_id, m.batch_id"
)
_STORES = text(
    "SELECT l.store_id, s.name AS store, count(*)::int AS line_count,"
    " sum(l.amount_fen)::bigint AS amount_fen"
    " FROM statement_line l LEFT JOIN store s ON s.id = l.store_id"
    " WHERE l.statement_id = :statement GROUP BY l.store_id, s.name ORDER BY l.store_id NULLS LAST"
)
_LINES = text(
    "SELECT l.id, s.name AS store, l.kind, l.occurred_at, l.document_no, l.own_card_fen,"
    " l.group_card_fen, l.wechat_fen, l.paper_fen, l.commission_fen, l.borne_fen, l.cash_fen,"
    " l.other_fen, l.amount_fen, l.is_late"
    " FROM statement_line l LEFT JOIN store s ON s.id = l.store_id"
    " WHERE l.statement_id = :statement"
    " AND (:every OR l.store_id IS NOT DISTINCT FROM :store) ORDER BY l.store_id, l.id"
)
_STATEMENTS = text(
    "SELECT s.id, s.statement_no, s.merchant_id, m.name AS merchant, s.status, s.period_first_on,"
    " s.period_last_on, s.due_on, s.opening_fen, s.earned_fen, s.cash_fen, s.due_fen, s.line_count,"
    " s.bank_reference,"
    " coalesce(p.card_own, 0)::bigint AS card_own_fen,"
    " coalesce(p.card_group, 0)::bigint AS card_group_fen,"
    " coalesce(p.wechat, 0)::bigint AS wechat_fen, coalesce(p.paper, 0)::bigint AS paper_fen,"
    " coalesce(p.commission, 0)::bigint AS commission_fen,"
    " coalesce(p.borne, 0)::bigint AS borne_fen, coalesce(p.other, 0)::bigint AS other_fen"
    " FROM statement s JOIN merchant m ON m.id = s.merchant_id LEFT JOIN LATERAL ("
    "   SELECT sum(amount_fen) FILTER (WHERE part = 'card_own') AS card_own,"
    "          sum(amount_fen) FILTER (WHERE part = 'card_group') AS card_group,"
    "          sum(amount_fen) FILTER (WHERE part = 'wechat') AS wechat,"
    "          sum(amount_fen) FILTER (WHERE part = 'paper') AS paper,"
    "          sum(amount_fen) FILTER (WHERE part = 'commission') AS commission,"
    "          sum(amount_fen) FILTER (WHERE part IN ('bonus', 'promotion')) AS borne,"
    "          sum(amount_fen) FILTER (WHERE part = 'other') AS other"
    "   FROM statement_sum WHERE statement_id = s.id) p ON true"
    " WHERE s.status <> 'collecting' AND s.period_last_on BETWEEN :first AND :last"
    " ORDER BY s.merchant_id, s.period_last_on"
)
_CLEARING = text(
    "SELECT m.issuer_id, i.name AS issuer, m.merchant_id AS acceptor_id, a.name AS acceptor,"
    " min(s.period_first_on) AS first_on, max(s.period_last_on) AS last_on,"
    " string_agg(DISTINCT s.statement_no, '、') AS statements,"
    " coalesce(sum(m.amount_fen) FILTER (WHERE m.part = 'card_group' AND m.kind = 'payment'), 0)"
    "   ::bigint AS cards_fen,"
    " coalesce(sum(m.amount_fen) FILTER (WHERE m.part = 'card_group' AND m.kind <> 'payment'), 0)"
    "   ::bigint AS returned_fen,"
    " coalesce(sum(m.amount_fen) FILTER (WHERE m.part = 'paper'), 0)::bigint AS paper_fen,"
    " sum(m.amount_fen)::bigint AS total_fen"
    " FROM statement_sum m JOIN statement s ON s.id = m.statement_id AND s.status <> 'collecting'"
    " LEFT JOIN merchant i ON i.id = m.issuer_id LEFT JOIN merchant a ON a.id = m.merchant_id"
    " WHERE m.issuer_id <> m.merchant_id AND m.part IN ('card_group', 'paper')"
    " AND s.period_last_on BETWEEN :first AND :last"
    " GROUP BY 1, 2, 3, 4 ORDER BY 1, 3"
)
_AT_ONCE = 2_000


@dataclass(frozen=True, kw_only=True)
class SumRow:
    """A part of a statement at a store. Names are empty where the reader may not know them."""

    store_id: int | None
    store: str | None
    kind: LineKind
    part: StatementPart
    issuer_id: int | None
    issuer: str | None
    batch_id: int | None
    batch: str | None
    line_count: int
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class StoreTotal:
    """What a statement's lines at a store come to; without a store: what is the company's."""

    store_id: int | None
    store: str | None
    line_count: int
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class LineRow:
    """One line as it is printed; amounts signed for the merchant."""

    id: int
    store: str | None
    kind: LineKind
    occurred_at: datetime
    document_no: str
    own_card_fen: int
    group_card_fen: int
    wechat_fen: int
    paper_fen: int
    commission_fen: int
    borne_fen: int
    cash_fen: int
    other_fen: int
    amount_fen: int
    is_late: bool


@dataclass(frozen=True, kw_only=True)
class StatementRow:
    """A statement with its parts, for the workbook of all merchants."""

    id: int
    statement_no: str
    merchant_id: int
    merchant: str
    status: StatementStatus
    period_first_on: date
    period_last_on: date
    due_on: date
    opening_fen: int
    earned_fen: int
    cash_fen: int
    due_fen: int
    line_count: int
    bank_reference: str
    card_own_fen: int
    card_group_fen: int
    wechat_fen: int
    paper_fen: int
    commission_fen: int
    borne_fen: int
    other_fen: int


@dataclass(frozen=True, kw_only=True)
class ClearingRow:
    """What an issuer's cards and paper came to at another merchant's stores, before commission."""

    issuer_id: int
    issuer: str | None
    acceptor_id: int
    acceptor: str | None
    first_on: date
    last_on: date
    statements: str
    cards_fen: int
    returned_fen: int
    paper_fen: int
    total_fen: int


def read_sums(session: Session, *, statement_id: int) -> list[SumRow]:
    """By store, the company's own last; what was paid before what was refunded."""
    rows = session.execute(_SUMS, {"statement": statement_id})
    found = [
        SumRow(**{**_values(row), "kind": LineKind(row.kind), "part": StatementPart(row.part)})
        for row in rows
    ]
    kinds, parts = list(LineKind), list(StatementPart)
    return sorted(
        found,
        key=lambda row: (
            row.store_id is None,
            row.store_id or 0,
            kinds.index(row.kind),
            parts.index(row.part),
        ),
    )


def read_stores(session: Session, *, statement_id: int) -> list[StoreTotal]:
    """From the lines themselves, so that they can be held against the sums."""
    return [
        StoreTotal(**_values(row)) for row in session.execute(_STORES, {"statement": statement_id})
    ]


def stream_lines(
    session: Session, *, statement_id: int, store_id: int | None = None, every: bool = False
) -> Iterator[LineRow]:
    """The lines of one store (or of the company, or all), some thousands at a time."""
    rows = session.execute(
        _LINES,
        {"statement": statement_id, "store": store_id, "every": every},
        execution_options={"yield_per": _AT_ONCE},
    )
    for row in rows:
        yield LineRow(**{**_values(row), "kind": LineKind(row.kind)})


def read_statements(session: Session, *, first: date, last: date) -> list[StatementRow]:
    """The statements whose period ends within these days."""
    rows = session.execute(_STATEMENTS, {"first": first, "last": last})
    return [StatementRow(**{**_values(row), "status": StatementStatus(row.status)}) for row in rows]


def read_clearing(session: Session, *, first: date, last: date) -> list[ClearingRow]:
    """By pair of issuer and acceptor, of the statements whose period ends within these days."""
    rows = session.execute(_CLEARING, {"first": first, "last": last})
    return [ClearingRow(**_values(row)) for row in rows]


def _values(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)
