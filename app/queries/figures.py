"""What the dashboards' charts draw: the rows of ``takings``, split by day, hour and kind.

Read in the reader's scope, like everything here. ``until`` is always the first instant after;
periods are of whole local days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.core.clock import local_day
from app.models.sales import TopUpChannel
from app.queries.figure_sql import hours_of, read_figures
from app.queries.trial_balance import OUTSTANDING, trial_balance
from app.queries.vouchers.batch_sql import PAPER, booked_until

_LOCAL_DAY = "(at AT TIME ZONE 'Asia/Shanghai')::date"


def _by_day(kept: str) -> str:
    return f"""
    SELECT day, sum(payments)::bigint AS payments_fen, sum(redemptions)::bigint AS redemptions_fen,
           sum(top_ups)::bigint AS top_ups_fen, sum(members)::bigint AS new_members
    FROM (
        SELECT {_LOCAL_DAY} AS day, amount_fen AS payments, 0 AS redemptions, 0 AS top_ups,
               0 AS members
          FROM ({hours_of("payment_paid", kept)}) p
        UNION ALL
        SELECT {_LOCAL_DAY}, 0, amount_fen, 0, 0 FROM ({hours_of("redemption", kept)}) r
        UNION ALL
        SELECT {_LOCAL_DAY}, 0, 0, amount_fen, 0 FROM ({hours_of("top_up_credited", kept)}) t
        UNION ALL
        SELECT (created_at AT TIME ZONE 'Asia/Shanghai')::date, 0, 0, 0, 1
          FROM member WHERE created_at >= :since AND created_at < :until
    ) happened GROUP BY day"""  # noqa: S608 - made of constants


def _by_channel(kept: str) -> str:
    return f"""
    SELECT kind AS channel, sum(amount_fen)::bigint AS amount_fen,
           sum(bonus_fen)::bigint AS bonus_fen, sum(events)::bigint AS top_ups
    FROM ({hours_of("top_up_credited", kept)}) t GROUP BY kind"""  # noqa: S608 - made of constants


_BY_DAY, _BY_DAY_IN_TOTAL = _by_day("day"), _by_day("total")
_BY_CHANNEL, _BY_CHANNEL_IN_TOTAL = _by_channel("day"), _by_channel("total")
_BY_BATCH = f"""
    WITH booked AS ({booked_until("'infinity'::date", since="'infinity'::date")})
    SELECT b.id AS batch_id, b.name, b.batch_no, v.active, v.redeemed, v.ended
      FROM (SELECT * FROM voucher_batch ORDER BY id DESC LIMIT :limit) b
      LEFT JOIN booked k ON k.batch_id = b.id {PAPER}
     WHERE v.active + v.redeemed + v.ended > 0
     ORDER BY b.id DESC"""  # noqa: S608 - made of constants


@dataclass(frozen=True, kw_only=True)
class DayFigures:
    """One local day, in fen; members are counted on the day on which they joined."""

    day: date
    payments_fen: int = 0
    redemptions_fen: int = 0
    top_ups_fen: int = 0
    new_members: int = 0


@dataclass(frozen=True, kw_only=True)
class ChannelFigures:
    channel: TopUpChannel
    amount_fen: int
    bonus_fen: int
    top_ups: int


@dataclass(frozen=True, kw_only=True)
class BatchFigures:
    """What became of a batch's vouchers that were activated, in vouchers."""

    batch_id: int
    name: str
    batch_no: str
    active: int
    redeemed: int
    ended: int

    @property
    def activated(self) -> int:
        return self.active + self.redeemed + self.ended

    @property
    def rate_bp(self) -> int:
        """The redemption rate (核销率) in basis points, rounded down."""
        return self.redeemed * 10_000 // self.activated


def sum_by_day(session: Session, *, since: datetime, until: datetime) -> Sequence[DayFigures]:
    """Every local day of the period, also those on which nothing happened."""
    values = {"since": since, "until": until}
    rows = read_figures(session, _BY_DAY, values, in_total=_BY_DAY_IN_TOTAL)
    known = {row.day: DayFigures(**row._mapping) for row in rows}
    first, last = local_day(since), local_day(until - timedelta(microseconds=1))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [known.get(day, DayFigures(day=day)) for day in days]


def sum_by_channel(
    session: Session, *, since: datetime, until: datetime
) -> Sequence[ChannelFigures]:
    """Top-ups by the channel that they came through, in the channels' own order."""
    values = {"since": since, "until": until}
    rows = read_figures(session, _BY_CHANNEL, values, in_total=_BY_CHANNEL_IN_TOTAL)
    found = {row.channel: row for row in rows}
    return [
        ChannelFigures(
            channel=channel,
            amount_fen=found[channel.name].amount_fen,
            bonus_fen=found[channel.name].bonus_fen,
            top_ups=found[channel.name].top_ups,
        )
        for channel in TopUpChannel
        if channel.name in found
    ]


def count_by_batch(session: Session, *, limit: int) -> Sequence[BatchFigures]:
    """The newest batches of which something was activated, with what became of it."""
    rows = read_figures(session, _BY_BATCH, {"limit": limit})
    return [BatchFigures(**row._mapping) for row in rows]


def outstanding_by_account(session: Session) -> Sequence[tuple[str, int]]:
    """The outstanding liability by the account on which it stands: cards, paper, gifts, …"""
    sums = dict.fromkeys(OUTSTANDING, 0)
    for balance in trial_balance(session):
        if balance.account in sums:
            sums[balance.account] -= balance.balance_fen
    return [(account, fen) for account, fen in sums.items() if fen]
