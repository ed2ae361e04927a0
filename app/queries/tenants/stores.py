"""Stores as a member looks for them: nearest first, open now, taking my cards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from app.core import opening_hours
from app.core.clock import local_day


@dataclass(frozen=True, kw_only=True)
class SpecialDaySeen:
    """Days with other hours than usual; without times the store is closed."""

    first_on: date
    last_on: date
    opens_at: time | None
    closes_at: time | None
    note: str


@dataclass(frozen=True, kw_only=True)
class StoreSeen:
    """A store; ``distance_m`` in metres along the ground, coordinates in GCJ-02 degrees."""

    id: int
    name: str
    merchant: str
    address: str
    phone: str
    lat: float | None
    lng: float | None
    distance_m: int | None
    open_now: bool
    opens_at: time | None
    closes_at: time | None
    accepts_my_cards: bool
    special_days: Sequence[SpecialDaySeen] = ()


@dataclass(frozen=True, kw_only=True)
class PayPointSeen:
    """The store behind a scanned code."""

    token: str
    store_id: int
    store_name: str
    merchant_name: str
    open: bool


SOON_DAYS = 30  # Special days are told so long before.

# How far is looked first, in metres; each further look goes four times as far, the last everywhere.
_FIRST_LOOK_M, _LAST_LOOK_M = 500, 600_000
_METRES_A_DEGREE = 111_195.0

# The spherical law of cosines, with the earth's mean radius; least() guards acos against rounding,
# but takes no notice of NULL: without a position there is no distance.
_DISTANCE = """
    CASE WHEN s.lat IS NOT NULL AND s.lng IS NOT NULL THEN (6371008.8 * acos(least(1.0,
        sin(radians(cast(:lat AS float8))) * sin(radians(s.lat))
        + cos(radians(cast(:lat AS float8))) * cos(radians(s.lat))
        * cos(radians(s.lng - cast(:lng AS float8)))
    )))::bigint END"""
# Only what is shown is looked up further: whose cards it takes. Stores have few different hours;
# each is asked once: at night, when nearly all are closed, a page would ask for every store.
_STORES = """
    SELECT found.*, kaquan.is_store_open(found.id, found.hours, :now) AS open_now,
        (SELECT jsonb_agg(d ORDER BY d.first_on) FROM store_special_day d
         WHERE d.store_id = found.id AND d.last_on >= :today AND d.first_on < :soon) AS special,
        EXISTS (
        SELECT FROM card c JOIN program_acceptance a ON a.program_id = c.program_id
        WHERE :member AND a.merchant_id = found.merchant_id AND c.status = 'active') AS accepts
    FROM (
        SELECT * FROM (
            SELECT s.id, s.name, s.merchant_id, m.name AS merchant, s.address, s.phone, s.lat,
                s.lng, s.hours, {distance} AS distance_m
            FROM store s JOIN merchant m ON m.id = s.merchant_id
            WHERE s.status = 'open' AND m.status = 'active' {where}
              AND (cast(:store_id AS bigint) IS NULL OR s.id = :store_id)
              AND (cast(:city AS text) IS NULL OR s.city = :city)
              AND (NOT :mine_only OR (:member AND s.merchant_id IN (
                   SELECT a.merchant_id FROM card c
                   JOIN program_acceptance a ON a.program_id = c.program_id
                   WHERE c.status = 'active')))
              AND (NOT :open_only OR CASE
                   WHEN s.id IN (SELECT d.store_id FROM store_special_day d
                                 WHERE d.last_on >= cast(:today AS date) - 1
                                   AND d.first_on <= cast(:today AS date))
                   THEN kaquan.is_store_open(s.id, s.hours, :now)
                   ELSE s.hours IN (
                       SELECT usual.hours FROM ({different}) usual
                       WHERE kaquan.is_store_open(0, usual.hours, :now)) END)
              AND (cast(:q AS text) IS NULL OR position(lower(:q) IN lower(s.name || ' ' || m.name
                   || ' ' || s.address || ' ' || s.city)) > 0)
        ) measured
        WHERE (coalesce(distance_m, {nowhere}), id) > (:after_distance, :after_id)
          AND coalesce(distance_m, {nowhere}) <= :radius
        ORDER BY coalesce(distance_m, {nowhere}), id LIMIT :limit
    ) found ORDER BY coalesce(distance_m, {nowhere}), id
"""
# With a position, a store without one comes last; without, all are equally far.
_NOWHERE_M = 100_000_000
_IN_BOX = (
    "AND point({0}.lng::float8, {0}.lat::float8) <@ box(point(:west, :south), point(:east, :north))"
)


# Different hours one after the other by their index, so that no store is read for them.
_NEXT_HOURS = """
        (SELECT hours FROM store ORDER BY hours LIMIT 1)
        UNION ALL
        SELECT (SELECT s.hours FROM store s WHERE s.hours > next.hours ORDER BY s.hours LIMIT 1)
        FROM next WHERE next.hours IS NOT NULL"""
_HOURS_BY_INDEX = f"""
        WITH RECURSIVE next (hours) AS ({_NEXT_HOURS})
        SELECT hours FROM next WHERE hours IS NOT NULL"""  # noqa: S608 - made of constants
# Without OFFSET each store would be asked before DISTINCT.
_HOURS_OF_STORES = "SELECT DISTINCT o.hours FROM store o WHERE true {same_place} OFFSET 0"


def _written(
    *, distance: str, nowhere: int, where: str = "", same_place: str = "",
    different: str = _HOURS_OF_STORES,
) -> TextClause:  # fmt: skip
    hours = different.format(same_place=same_place)
    return text(_STORES.format(distance=distance, nowhere=nowhere, where=where, different=hours))


_BEHIND = " AND s.id > :after_id"  # Said once more, so that the key is where reading begins.
_BY_ID = _written(distance="NULL::bigint", nowhere=-1, where=_BEHIND)
_BY_ID_WITH_FEW_HOURS = _written(
    distance="NULL::bigint", nowhere=-1, where=_BEHIND, different=_HOURS_BY_INDEX
)
_EVERYWHERE = _written(distance=_DISTANCE, nowhere=_NOWHERE_M)
_NEARBY = _written(
    distance=_DISTANCE,
    nowhere=_NOWHERE_M,
    where=_IN_BOX.format("s"),
    same_place=_IN_BOX.format("o"),
)
# Where few stores can be meant, those are measured and no others, however far away they are.
_FEW = 2_000
_AMONG = _written(
    distance=_DISTANCE,
    nowhere=_NOWHERE_M,
    where="AND s.id = ANY (:ids)",
    same_place="AND o.id = ANY (:ids)",
)
_AMONG_BY_ID = _written(
    distance="NULL::bigint",
    nowhere=-1,
    where="AND s.id = ANY (:ids)",
    same_place="AND o.id = ANY (:ids)",
)
_TAKING_MY_CARDS = text("""
    SELECT s.id FROM store s WHERE s.merchant_id = ANY (ARRAY(
        SELECT a.merchant_id FROM card c JOIN program_acceptance a ON a.program_id = c.program_id
        WHERE c.status = 'active'))
    LIMIT :most
""")
# Where nearly each store has hours of its own this gives up, which the NULL says.
_PERHAPS_OPEN = text(f"""
    WITH RECURSIVE next (hours) AS ({_NEXT_HOURS}
    ), usual AS MATERIALIZED (SELECT hours FROM next LIMIT :most_hours)
    SELECT found.id FROM (
            SELECT hours FROM usual WHERE kaquan.is_store_open(0, hours, :now) OFFSET 0
        ) now_open CROSS JOIN LATERAL (
            SELECT s.id FROM store s  -- An equation would be looked for in every store.
            WHERE s.hours >= now_open.hours AND s.hours <= now_open.hours
            ORDER BY s.hours, s.id LIMIT :most) found
    UNION ALL SELECT d.store_id FROM store_special_day d
        WHERE d.last_on >= cast(:today AS date) - 1 AND d.first_on <= cast(:today AS date)
    UNION ALL SELECT NULL FROM usual HAVING count(*) = :most_hours
    LIMIT :most
""")  # noqa: S608 - made of constants
_MOST_HOURS = 200
_PAY_POINT = text("""
    SELECT pp.token, s.id AS store_id, s.name AS store_name, m.name AS merchant_name,
           s.status = 'open' AND m.status = 'active' AS open
    FROM pay_point pp JOIN store s ON s.id = pp.store_id JOIN merchant m ON m.id = s.merchant_id
    WHERE pp.token = :token AND pp.status = 'active'
""")

_PAY_POINTS = text("""
    SELECT pp.token, s.id AS store_id, s.name AS store_name, m.name AS merchant_name, true AS open
    FROM pay_point pp JOIN store s ON s.id = pp.store_id JOIN merchant m ON m.id = s.merchant_id
    WHERE pp.status = 'active' AND s.status = 'open' AND m.status = 'active'
    ORDER BY pp.id LIMIT :limit
""")


def list_stores(
    session: Session,
    *,
    now: datetime,
    lat: float | None,
    lng: float | None,
    q: str | None,
    limit: int,
    after: tuple[int, int] | None,
    member: bool,
    store_id: int | None = None,
    city: str | None = None,
    open_only: bool = False,
    mine_only: bool = False,
) -> tuple[list[StoreSeen], tuple[int, int] | None]:
    """One page of open stores, nearest first (in the order of their ids without a position).

    Args:
        after: Distance in metres (-1 when none was asked for) and id of the last store shown.
        member: Whether the session is in a member's scope, so that the cards seen are hers.
        store_id: That store only.
        city: Stores of that city only.
        open_only: Only those that are open now.
        mine_only: Only those that take one of the member's cards; none without a member.
    """
    after_distance, after_id = after or (-2, 0)
    given = {
        "q": q or None,
        "city": city or None,
        "member": member,
        "store_id": store_id,
        "limit": limit + 1,
        "after_distance": after_distance,
        "after_id": after_id,
        "radius": 2 * _NOWHERE_M,
        "now": now,
        "today": local_day(now),
        "soon": local_day(now) + timedelta(days=SOON_DAYS),
        "open_only": open_only,
        "mine_only": mine_only,
    }
    if lat is None or lng is None:
        rows = _in_order(session, given)
    else:
        rows = _look_around(session, given, lat=lat, lng=lng)
    stores = [_seen(row, now) for row in rows[:limit]]
    if len(rows) <= limit:
        return stores, None
    last = rows[limit - 1]
    nowhere = -1 if lat is None else _NOWHERE_M
    return stores, (nowhere if last.distance_m is None else last.distance_m, last.id)


def find_pay_point(session: Session, token: str) -> PayPointSeen | None:
    row = session.execute(_PAY_POINT, {"token": token}).one_or_none()
    return None if row is None else PayPointSeen(**row._mapping)


def list_pay_points(session: Session, *, limit: int) -> list[PayPointSeen]:
    """The first pay points of trading stores, for a demo's visitors: they hang openly."""
    return [PayPointSeen(**row._mapping) for row in session.execute(_PAY_POINTS, {"limit": limit})]


def _in_order(session: Session, given: dict[str, Any]) -> Sequence[Row[Any]]:
    """The page in the order of ids; of those that may be meant, where these are few."""
    found = _asked_first(session, given)
    if found is None:
        return session.execute(_BY_ID, given).all()
    if len(found) == _FEW:
        return session.execute(_BY_ID_WITH_FEW_HOURS, given).all()
    return session.execute(_AMONG_BY_ID, {**given, "ids": found}).all()


def _look_around(
    session: Session, given: dict[str, Any], *, lat: float, lng: float
) -> Sequence[Row[Any]]:
    """The page of nearest stores. Boxes grow until one has it whole, so that few are measured."""
    here = {"lat": lat, "lng": lng}
    ids = _few_ids(session, given)
    if ids is not None:
        return session.execute(_AMONG, {**given, **here, "ids": ids}).all()
    radius = max(_FIRST_LOOK_M, given["after_distance"])
    narrowed = any(given[name] is not None for name in ("q", "store_id", "city"))
    while radius <= _LAST_LOOK_M and not narrowed:
        box = _box(lat, lng, radius)
        if box is None:
            break
        rows = session.execute(_NEARBY, {**given, **box, **here, "radius": radius}).all()
        if len(rows) >= given["limit"]:
            return rows
        radius *= 4
    return session.execute(_EVERYWHERE, {**given, **here}).all()


def _few_ids(session: Session, given: dict[str, Any]) -> Sequence[int] | None:
    """Stores of which some may be meant, and no others; None where they are too many to name."""
    ids = _asked_first(session, given)
    return None if ids is None or len(ids) == _FEW else ids


def _asked_first(session: Session, given: dict[str, Any]) -> Sequence[int] | None:
    """The first stores of which some may be meant; None where that cannot be said quickly."""
    if not (given["mine_only"] or given["open_only"]):
        return None
    asked = _TAKING_MY_CARDS if given["mine_only"] else _PERHAPS_OPEN
    ids = session.scalars(asked, {**given, "most": _FEW, "most_hours": _MOST_HOURS}).all()
    return None if None in ids else ids


def _box(lat: float, lng: float, radius_m: float) -> dict[str, float] | None:
    """A box around the circle; none near the poles and across the date line."""
    high = radius_m / _METRES_A_DEGREE * 1.001
    if abs(lat) + high > 85:
        return None
    wide = high / math.cos(math.radians(abs(lat) + high))
    if abs(lng) + wide > 180:
        return None
    return {"west": lng - wide, "east": lng + wide, "south": lat - high, "north": lat + high}


def read_special_days(kept: list[dict[str, Any]] | None) -> list[SpecialDaySeen]:
    """Special days as PostgreSQL makes JSON of them."""
    return [
        SpecialDaySeen(
            first_on=date.fromisoformat(one["first_on"]),
            last_on=date.fromisoformat(one["last_on"]),
            opens_at=one["opens"] and time.fromisoformat(one["opens"]),
            closes_at=one["closes"] and time.fromisoformat(one["closes"]),
            note=one["note"],
        )
        for one in kept or []
    ]


def _seen(row: Row[Any], now: datetime) -> StoreSeen:
    opens_at, closes_at = _hours_today(row, now)
    return StoreSeen(
        id=row.id,
        name=row.name,
        merchant=row.merchant,
        address=row.address,
        phone=row.phone,
        lat=row.lat and float(row.lat),
        lng=row.lng and float(row.lng),
        distance_m=row.distance_m,
        open_now=row.open_now,
        opens_at=opens_at,
        closes_at=closes_at,
        accepts_my_cards=row.accepts,
        special_days=read_special_days(row.special),
    )


def _hours_today(row: Row[Any], now: datetime) -> tuple[time | None, time | None]:
    """From the first opening to the last closing of the local day; none when it never closes."""
    today = local_day(now)
    for day in read_special_days(row.special):
        if day.first_on <= today <= day.last_on:
            return day.opens_at, day.closes_at
    spans = opening_hours.spans_on(opening_hours.read(row.hours), today)
    return (spans[0].opens, spans[-1].closes) if spans else (None, None)
