"""Traffic as people look at it: sums of some days, what stands out in them, and right now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from app.models.searching import SearchWord
from app.models.traffic import TrafficDay, TrafficHour

LIVE_MINUTES = 30


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Of a name within a dimension, or of all. Visitors are those of each day, added up."""

    name: str = ""
    views: int = 0
    visitors: int = 0
    visits: int = 0
    bounces: int = 0
    seconds: int = 0
    entries: int = 0
    exits: int = 0

    @property
    def bounce_bp(self) -> int:
        """Visits of one view only, in basis points of all."""
        return self.bounces * 10_000 // self.visits if self.visits else 0

    @property
    def seconds_a_visit(self) -> int:
        return self.seconds // self.visits if self.visits else 0


@dataclass(frozen=True, kw_only=True)
class Word:
    word: str
    searches: int
    found_none: int


@dataclass(frozen=True, kw_only=True)
class BatchScans:
    """A batch's way from paper to counter: scanned, by how many devices, redeemed."""

    batch_no: str
    name: str
    scans: int
    scanners: int
    redeemed: int


@dataclass(frozen=True, kw_only=True)
class Live:
    """The last half hour: views a minute, the oldest first, and the pages that are read."""

    minutes: Sequence[int]
    visitors: int
    pages: Sequence[tuple[str, int]]


_COLUMNS = ("views", "visitors", "visits", "bounces", "seconds", "entries", "exits")
_LIVE = text("""
    SELECT least(29, floor(extract(epoch FROM (cast(:now AS timestamptz) - viewed_at)) / 60))::int
               AS ago, path, visitor
    FROM page_view WHERE kind = 'view' AND viewed_at > :since AND viewed_at <= :now
    ORDER BY viewed_at DESC LIMIT 20000
""")
_FUNNEL = text("""
    SELECT b.batch_no, b.name, s.scans, s.scanners,
           (SELECT count(*) FROM redemption r JOIN voucher v ON v.id = r.voucher_id
            WHERE v.batch_id = b.id AND r.reversed_at IS NULL
              AND r.redeemed_at >= :since AND r.redeemed_at < :until) AS redeemed
    FROM (SELECT name::bigint AS batch_id, sum(views) AS scans, sum(visitors) AS scanners
          FROM traffic_day
          WHERE dimension = 'batch' AND day BETWEEN :first AND :last
            AND merchant_id IS NOT DISTINCT FROM cast(:merchant AS bigint)
          GROUP BY name ORDER BY 2 DESC LIMIT 20) s
    JOIN voucher_batch b ON b.id = s.batch_id ORDER BY s.scans DESC, b.id
""")


def sum_all(session: Session, *, first: date, last: date, merchant_id: int | None) -> Sums:
    """Everything of these local days. ``merchant_id`` None: of the whole platform."""
    [found] = session.execute(
        select(*_sums()).where(*_those("all", first, last, merchant_id))
    ).all()
    return _read(found)


def sum_by_day(
    session: Session, *, first: date, last: date, merchant_id: int | None
) -> list[tuple[date, Sums]]:
    """Day by day, days without a view too."""
    rows = session.execute(
        select(TrafficDay.day, *_sums())
        .where(*_those("all", first, last, merchant_id))
        .group_by(TrafficDay.day)
    )
    known = {row.day: _read(row) for row in rows}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [(day, known.get(day, Sums())) for day in days]


def sum_by_hour(
    session: Session, *, since: datetime, merchant_id: int | None
) -> list[tuple[int, int]]:
    """Views and visitors of the 24 hours from an instant on."""
    rows = session.execute(
        select(TrafficHour.hour, TrafficHour.views, TrafficHour.visitors).where(
            TrafficHour.hour >= since,
            TrafficHour.hour < since + timedelta(days=1),
            _of(TrafficHour.merchant_id, merchant_id),
        )
    ).all()
    found = {int((row.hour - since).total_seconds() // 3600): row for row in rows}
    return [(found[n].views, found[n].visitors) if n in found else (0, 0) for n in range(24)]


def top(
    session: Session,
    *,
    dimension: str,
    first: date,
    last: date,
    merchant_id: int | None,
    limit: int = 12,
) -> list[Sums]:
    """What has the most views in one dimension."""
    rows = session.execute(
        select(TrafficDay.name, *_sums())
        .where(*_those(dimension, first, last, merchant_id))
        .group_by(TrafficDay.name)
        .order_by(func.sum(TrafficDay.views).desc(), TrafficDay.name)
        .limit(limit)
    )
    return [_read(row, name=row.name) for row in rows]


def searched_words(
    session: Session, *, first: date, last: date, found_none: bool, limit: int = 20
) -> list[Word]:
    """What was looked for on our own pages most; or most of what found nothing."""
    none = func.sum(SearchWord.found_none)
    query = (
        select(SearchWord.word, func.sum(SearchWord.searches).label("searches"), none.label("none"))
        .where(SearchWord.day.between(first, last))
        .group_by(SearchWord.word)
        .order_by((none if found_none else func.sum(SearchWord.searches)).desc(), SearchWord.word)
        .limit(limit)
    )
    if found_none:
        query = query.having(none > 0)
    return [
        Word(word=row.word, searches=int(row.searches), found_none=int(row.none))
        for row in session.execute(query)
    ]


def funnel(
    session: Session,
    *,
    first: date,
    last: date,
    since: datetime,
    until: datetime,
    merchant_id: int | None,
) -> list[BatchScans]:
    """Batches whose codes were scanned in these days, and what was redeemed of them then."""
    given = {"first": first, "last": last, "since": since, "until": until, "merchant": merchant_id}
    return [
        BatchScans(
            batch_no=row.batch_no,
            name=row.name,
            scans=int(row.scans),
            scanners=int(row.scanners),
            redeemed=row.redeemed,
        )
        for row in session.execute(_FUNNEL, given)
    ]


def read_live(session: Session, *, now: datetime) -> Live:
    """The last half hour from the views themselves. For the platform only."""
    rows = session.execute(
        _LIVE, {"now": now, "since": now - timedelta(minutes=LIVE_MINUTES)}
    ).all()
    minutes = [0] * LIVE_MINUTES
    pages: dict[str, int] = {}
    for row in rows:
        minutes[LIVE_MINUTES - 1 - row.ago] += 1
        pages[row.path] = pages.get(row.path, 0) + 1
    most = sorted(pages.items(), key=lambda page: (-page[1], page[0]))[:8]
    return Live(minutes=minutes, visitors=len({row.visitor for row in rows}), pages=most)


def _sums() -> list[ColumnElement[int]]:
    return [func.coalesce(func.sum(getattr(TrafficDay, name)), 0).label(name) for name in _COLUMNS]


def _those(
    dimension: str, first: date, last: date, merchant_id: int | None
) -> list[ColumnElement[bool]]:
    return [
        TrafficDay.day.between(first, last),
        TrafficDay.dimension == dimension,
        _of(TrafficDay.merchant_id, merchant_id),
    ]


def _of(column: Any, merchant_id: int | None) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.is_(None) if merchant_id is None else column == merchant_id
    return found


def _read(row: Any, *, name: str = "") -> Sums:
    return Sums(name=name, **{column: int(getattr(row, column)) for column in _COLUMNS})
