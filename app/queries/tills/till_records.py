"""What a store's till has done: found again by kind, state, number or its last digits."""

# ruff: noqa: S608 - what is put together here are constants of this module.
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

KINDS = ("payment", "redemption", "top_up", "refund", "voucher_sale")

# Each kind by its store's own index; only then are the few rows of a page merged by time.
_PARTS = {
    "payment": (
        "SELECT 'payment' AS kind, id, payment_no AS number, status, amount_fen, card_fen,"
        " wechat_fen, 0::bigint AS cash_fen, 0::bigint AS bonus_fen,"
        " refunded_card_fen + refunded_wechat_fen AS refunded_fen, NULL::text AS reference,"
        " member_id, staff_id, terminal_id, created_at AS at FROM payment"
        " WHERE store_id = :store_id"
    ),
    "redemption": (
        "SELECT 'redemption', id, redemption_no,"
        " CASE WHEN reversed_at IS NULL THEN 'redeemed' ELSE 'reversed' END, face_value_fen, 0, 0,"
        " 0, 0, 0, serial_no, NULL::bigint, staff_id, terminal_id, redeemed_at"
        " FROM redemption WHERE store_id = :store_id"
    ),
    "top_up": (
        "SELECT 'top_up', id, top_up_no, status, amount_fen, 0, 0, amount_fen, bonus_fen, 0,"
        " NULL, member_id, staff_id, terminal_id, created_at"
        " FROM top_up WHERE store_id = :store_id AND channel = 'cash'"
    ),
    "refund": (
        "SELECT 'refund', id, refund_no, status, amount_fen, card_fen, wechat_fen, 0, 0, 0,"
        " order_no, member_id, staff_id, terminal_id, created_at"
        " FROM refund WHERE store_id = :store_id AND origin = 'payment'"
    ),
    "voucher_sale": (
        "SELECT 'voucher_sale', id, sale_no, status, amount_fen, 0,"
        " CASE tender WHEN 'wechat' THEN amount_fen ELSE 0 END,"
        " CASE tender WHEN 'cash' THEN amount_fen ELSE 0 END, 0, 0, NULL, NULL::bigint, staff_id,"
        " terminal_id, created_at FROM voucher_sale WHERE store_id = :store_id"
    ),
}
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}
# A number begins with its kind's letter.
_KIND_OF_LETTER = {
    "P": "payment",
    "R": "redemption",
    "T": "top_up",
    "F": "refund",
    "S": "voucher_sale",
}
_BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+08:00")
_END = datetime.fromisoformat("9999-01-01T00:00:00+08:00")


@dataclass(frozen=True, kw_only=True)
class TillRecord:
    """One event of a store. ``position`` is where the next page begins."""

    kind: str
    id: int
    number: str
    status: str
    amount_fen: int
    card_fen: int
    wechat_fen: int
    cash_fen: int
    bonus_fen: int
    refunded_fen: int
    reference: str | None
    member_name: str | None
    phone_masked: str | None
    staff_name: str | None
    terminal_name: str | None
    at: datetime

    @property
    def position(self) -> tuple[int, int, int]:
        return int(self.at.timestamp() * 1_000_000), _RANK[self.kind], self.id


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is looked for. ``digits``: a number (券号, too), or the last four of one or more."""

    kind: str | None
    status: str | None
    digits: str | None
    since: datetime
    until: datetime


def find_records(
    session: Session,
    *,
    store_id: int,
    wanted: Wanted,
    after: tuple[int, ...] | None,
    limit: int,
) -> Sequence[TillRecord]:
    """The newest first, in the reader's scope."""
    kinds = KINDS if wanted.kind is None else (wanted.kind,)
    narrowed = " UNION ALL ".join(
        f"({_narrowed(kind, wanted, after)} ORDER BY at DESC, id DESC LIMIT :limit)"
        for kind in kinds
    )
    statement = text(
        "SELECT f.kind, f.id, f.number, f.status, f.amount_fen, f.card_fen, f.wechat_fen,"
        " f.cash_fen, f.bonus_fen, f.refunded_fen, f.reference, m.nickname AS member_name,"
        " m.phone_masked, s.name AS staff_name, d.name AS terminal_name, f.at"
        f" FROM ({narrowed}) f LEFT JOIN member m ON m.id = f.member_id"
        " LEFT JOIN staff s ON s.id = f.staff_id LEFT JOIN terminal d ON d.id = f.terminal_id"
        " ORDER BY f.at DESC, f.rank, f.id DESC LIMIT :limit"
    )
    rows = session.execute(statement, _values(store_id, wanted, after, limit))
    return [TillRecord(**row._mapping) for row in rows]


def find_record(session: Session, *, store_id: int, number: str) -> TillRecord | None:
    """One event by its whole number, of any day."""
    kind = _KIND_OF_LETTER.get(number[:1])
    if kind is None:
        return None
    wanted = Wanted(kind=kind, status=None, digits=number, since=_BEGINNING, until=_END)
    found = find_records(session, store_id=store_id, wanted=wanted, after=None, limit=1)
    return found[0] if found and found[0].number == number else None


def _narrowed(kind: str, wanted: Wanted, after: tuple[int, ...] | None) -> str:
    columns = (
        "kind, id, number, status, amount_fen, card_fen, wechat_fen, cash_fen, bonus_fen,"
        " refunded_fen, reference, member_id, staff_id, terminal_id, at"
    )
    found = (
        f"SELECT *, {_RANK[kind]} AS rank FROM ({_PARTS[kind]}) p({columns})"
        " WHERE at >= :since AND at < :until"
    )
    if wanted.status is not None:
        found += " AND status = :status"
    if wanted.digits is not None:
        found += " AND (number = :digits OR reference = :digits OR number LIKE :ending)"
    if after is not None:
        # The same instant: by kind, then by id, as the list is sorted.
        found += (
            " AND (at < :at OR (at = :at AND"
            f" ({_RANK[kind]} > :rank OR ({_RANK[kind]} = :rank AND id < :id))))"
        )
    return found


def _values(
    store_id: int, wanted: Wanted, after: tuple[int, ...] | None, limit: int
) -> dict[str, object]:
    values: dict[str, object] = {
        "store_id": store_id,
        "since": wanted.since,
        "until": wanted.until,
        "limit": limit,
    }
    if wanted.status is not None:
        values["status"] = wanted.status
    if wanted.digits is not None:
        values |= {"digits": wanted.digits, "ending": f"%{wanted.digits}"}
    if after is not None:
        seconds, micros = divmod(after[0], 1_000_000)
        at = datetime.fromtimestamp(seconds, wanted.since.tzinfo).replace(microsecond=micros)
        values |= {"at": at, "rank": after[1], "id": after[2]}
    return values
