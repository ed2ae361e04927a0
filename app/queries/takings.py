"""What was taken and what is owed: the figures on the consoles' first page.

Read in the reader's scope: a store sees its own, a merchant its stores', the platform everything.
Whole hours come from the hourly figures, the rest from the business rows; a test adds the ledger's
postings up and compares. Periods are of whole local days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.queries.figure_sql import hours_of, read_figures


def _takings(kept: str) -> str:
    return f"""
    SELECT
        p.fen AS payments_fen, p.card_fen AS payments_card_fen, p.events AS payments,
        (SELECT coalesce(sum(amount_fen), 0)::bigint FROM refund
          WHERE origin = 'payment' AND created_at >= :since AND created_at < :until
            AND replaces_id IS NULL) AS refunds_fen,
        r.fen AS redemptions_fen, r.events AS redemptions,
        (SELECT coalesce(sum(face_value_fen), 0)::bigint FROM redemption
          WHERE reversed_at >= :since AND reversed_at < :until) AS reversed_redemptions_fen,
        t.fen AS top_ups_fen, t.bonus_fen AS bonuses_fen, t.events AS top_ups,
        (SELECT count(*) FROM member
          WHERE created_at >= :since AND created_at < :until) AS new_members
    FROM (SELECT coalesce(sum(amount_fen), 0)::bigint AS fen,
                 coalesce(sum(card_fen), 0)::bigint AS card_fen,
                 coalesce(sum(events), 0)::bigint AS events
            FROM ({hours_of("payment_paid", kept)}) x) p,
         (SELECT coalesce(sum(amount_fen), 0)::bigint AS fen,
                 coalesce(sum(events), 0)::bigint AS events
            FROM ({hours_of("redemption", kept)}) x) r,
         (SELECT coalesce(sum(amount_fen), 0)::bigint AS fen,
                 coalesce(sum(bonus_fen), 0)::bigint AS bonus_fen,
                 coalesce(sum(events), 0)::bigint AS events
            FROM ({hours_of("top_up_credited", kept)}) x) t"""  # noqa: S608 - made of constants


_TAKINGS, _TAKINGS_IN_TOTAL = _takings("hour"), _takings("total")
_BY_STORE = f"""
    SELECT t.store_id, s.name, t.takings_fen FROM (
        SELECT store_id, sum(amount_fen)::bigint AS takings_fen FROM (
            SELECT store_id, amount_fen FROM ({hours_of("payment_paid", "day")}) p
            UNION ALL
            SELECT store_id, amount_fen FROM ({hours_of("redemption", "day")}) r
        ) taken GROUP BY store_id) t JOIN store s ON s.id = t.store_id
    ORDER BY takings_fen DESC, store_id LIMIT :limit"""  # noqa: S608 - made of constants


def _by_hour(kept: str) -> str:
    return f"""
    SELECT extract(hour FROM at AT TIME ZONE 'Asia/Shanghai')::int AS hour,
           sum(amount_fen)::bigint AS fen
    FROM ({hours_of("payment_paid", kept)}) p GROUP BY 1 ORDER BY 1"""  # noqa: S608 - made of constants


_BY_HOUR, _BY_HOUR_IN_TOTAL = _by_hour("hour"), _by_hour("total")


@dataclass(frozen=True, kw_only=True)
class Takings:
    """What happened in a period. Payments and redemptions are gross; refunds stand beside them."""

    payments_fen: int
    payments_card_fen: int
    payments: int
    refunds_fen: int
    redemptions_fen: int
    redemptions: int
    reversed_redemptions_fen: int
    top_ups_fen: int
    bonuses_fen: int
    top_ups: int
    new_members: int

    @property
    def takings_fen(self) -> int:
        """What the stores took: cards, WeChat Pay and paper."""
        return self.payments_fen + self.redemptions_fen

    @property
    def payments_wechat_fen(self) -> int:
        return self.payments_fen - self.payments_card_fen


@dataclass(frozen=True, kw_only=True)
class StoreTakings:
    store_id: int
    name: str
    takings_fen: int


def sum_takings(session: Session, *, since: datetime, until: datetime) -> Takings:
    """The period's figures; ``until`` is the first instant after it."""
    values = {"since": since, "until": until}
    [row] = read_figures(session, _TAKINGS, values, in_total=_TAKINGS_IN_TOTAL)
    return Takings(**row._mapping)


def rank_stores(
    session: Session, *, since: datetime, until: datetime, limit: int
) -> Sequence[StoreTakings]:
    """The stores that took most, first."""
    rows = read_figures(session, _BY_STORE, {"since": since, "until": until, "limit": limit})
    return [StoreTakings(**row._mapping) for row in rows]


def sum_by_hour(session: Session, *, since: datetime, until: datetime) -> Sequence[int]:
    """The payments of each hour of one local day, in fen: 24 of them."""
    hours = [0] * 24
    values = {"since": since, "until": until}
    for row in read_figures(session, _BY_HOUR, values, in_total=_BY_HOUR_IN_TOTAL):
        hours[row.hour] = row.fen
    return hours
