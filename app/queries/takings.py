"""What was taken and what is owed: the figures on the consoles' first page.

Read in the reader's scope: a store sees its own, a merchant its stores', the platform everything.
They are counted on the business rows; a test adds the ledger's postings up and compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_TAKINGS = text("""
    SELECT
        (SELECT coalesce(sum(amount_fen), 0)::bigint FROM payment
          WHERE paid_at >= :since AND paid_at < :until) AS payments_fen,
        (SELECT coalesce(sum(card_fen), 0)::bigint FROM payment
          WHERE paid_at >= :since AND paid_at < :until) AS payments_card_fen,
        (SELECT count(*) FROM payment
          WHERE paid_at >= :since AND paid_at < :until) AS payments,
        (SELECT coalesce(sum(amount_fen), 0)::bigint FROM refund
          WHERE origin = 'payment' AND created_at >= :since AND created_at < :until
            AND replaces_id IS NULL) AS refunds_fen,
        (SELECT coalesce(sum(face_value_fen), 0)::bigint FROM redemption
          WHERE redeemed_at >= :since AND redeemed_at < :until) AS redemptions_fen,
        (SELECT count(*) FROM redemption
          WHERE redeemed_at >= :since AND redeemed_at < :until) AS redemptions,
        (SELECT coalesce(sum(face_value_fen), 0)::bigint FROM redemption
          WHERE reversed_at >= :since AND reversed_at < :until) AS reversed_redemptions_fen,
        (SELECT coalesce(sum(amount_fen), 0)::bigint FROM top_up
          WHERE credited_at >= :since AND credited_at < :until) AS top_ups_fen,
        (SELECT coalesce(sum(bonus_fen), 0)::bigint FROM top_up
          WHERE credited_at >= :since AND credited_at < :until) AS bonuses_fen,
        (SELECT count(*) FROM top_up
          WHERE credited_at >= :since AND credited_at < :until) AS top_ups,
        (SELECT count(*) FROM member
          WHERE created_at >= :since AND created_at < :until) AS new_members
""")
_BY_STORE = text("""
    SELECT store_id, s.name, sum(fen)::bigint AS takings_fen FROM (
        SELECT store_id, amount_fen AS fen FROM payment
         WHERE paid_at >= :since AND paid_at < :until
        UNION ALL
        SELECT store_id, face_value_fen FROM redemption
         WHERE redeemed_at >= :since AND redeemed_at < :until
    ) taken JOIN store s ON s.id = store_id
    GROUP BY store_id, s.name ORDER BY takings_fen DESC, store_id LIMIT :limit
""")
_BY_HOUR = text("""
    SELECT extract(hour FROM paid_at AT TIME ZONE 'Asia/Shanghai')::int AS hour,
           sum(amount_fen)::bigint AS fen
    FROM payment WHERE paid_at >= :since AND paid_at < :until GROUP BY 1 ORDER BY 1
""")


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
    row = session.execute(_TAKINGS, {"since": since, "until": until}).one()
    return Takings(**row._mapping)


def rank_stores(
    session: Session, *, since: datetime, until: datetime, limit: int
) -> Sequence[StoreTakings]:
    """The stores that took most, first."""
    rows = session.execute(_BY_STORE, {"since": since, "until": until, "limit": limit})
    return [StoreTakings(**row._mapping) for row in rows]


def sum_by_hour(session: Session, *, since: datetime, until: datetime) -> Sequence[int]:
    """The payments of each hour of one local day, in fen: 24 of them."""
    hours = [0] * 24
    for row in session.execute(_BY_HOUR, {"since": since, "until": until}):
        hours[row.hour] = row.fen
    return hours
