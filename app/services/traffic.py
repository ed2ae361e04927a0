"""Traffic statistics: visits are kept in batches, summed by day, and forgotten in time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.business_settings import TRAFFIC_RAW_DAYS
from app.core.clock import local_day
from app.core.visits import Visit, read_agent, read_source, visitor_of
from app.models.traffic import TrafficSalt
from app.services.business_settings import read_setting

_KEEP = text("""
    INSERT INTO page_view (viewed_at, kind, face, merchant_id, batch_id, visitor, path, seconds,
                           device, client, source, keyword, campaign, region)
    SELECT v.viewed_at, v.kind, v.face,
           coalesce(b.merchant_id, (SELECT d.merchant_id FROM search_document d
                                    WHERE d.url = v.path LIMIT 1)),
           b.id, v.visitor, v.path, v.seconds, v.device, v.client, v.source, v.keyword, v.campaign,
           v.region
    FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS v(
        viewed_at timestamptz, kind text, face text, visitor bigint, path text, seconds int,
        device text, client text, source text, keyword text, campaign text, region text,
        digests jsonb)
    LEFT JOIN LATERAL (
        SELECT vo.batch_id FROM voucher vo
        WHERE jsonb_array_length(v.digests) > 0 AND vo.code_digest IN (
            SELECT decode(d, 'hex') FROM jsonb_array_elements_text(v.digests) d)
        LIMIT 1
    ) paper ON true
    LEFT JOIN voucher_batch b ON b.id = paper.batch_id
""")
# A visit is a visitor's views with less than half an hour between them: a first view has none
# before it, a last one none after it. One sort of the day tells both.
_READ_DAY = text("""
    CREATE TEMP TABLE day_view ON COMMIT DROP AS
    SELECT merchant_id, visitor, viewed_at, path, device, client, face, region, source, keyword,
           campaign,
           lag(viewed_at) OVER turn IS NULL AS is_new,
           coalesce(viewed_at - lag(viewed_at) OVER turn > interval '30 minutes', true) AS enters,
           coalesce(lead(viewed_at) OVER turn - viewed_at > interval '30 minutes', true) AS leaves
    FROM page_view WHERE kind = 'view' AND viewed_at >= :since AND viewed_at < :until
    WINDOW turn AS (PARTITION BY visitor ORDER BY viewed_at, id)
""")
_FORGET_SUMS = (
    text("DELETE FROM traffic_day WHERE day = :day"),
    text("DELETE FROM traffic_hour WHERE hour >= :since AND hour < :until"),
)
_SUM = """
    INSERT INTO traffic_day (day, merchant_id, dimension, name, views, visitors, visits, bounces,
                             seconds, entries, exits)
    SELECT :day, {merchant}, '{dimension}', {name}, count(*), {visitors},
           count(*) FILTER (WHERE enters), count(*) FILTER (WHERE enters AND leaves), 0,
           count(*) FILTER (WHERE enters), count(*) FILTER (WHERE leaves)
    FROM day_view WHERE {where} GROUP BY {group}
"""
_DISTINCT = "count(DISTINCT visitor)"
# A device and what follows of it is one visitor's all day long: new visitors are to be counted.
_FIRST = "count(*) FILTER (WHERE is_new)"


def _statement(dimension: str, *, own: bool) -> str:
    name = "''" if dimension == "all" else dimension
    steady = dimension in {"all", "device", "client", "face", "region"} and not own
    came = dimension in {"source", "keyword", "campaign"}
    where = ["merchant_id IS NOT NULL"] if own else []
    where += [f"enters AND {dimension} <> ''"] if came else []
    group = [*(["merchant_id"] if own else []), *([] if dimension == "all" else [dimension])]
    return _SUM.format(
        merchant="merchant_id" if own else "NULL::bigint",
        dimension=dimension,
        name=name,
        visitors=_FIRST if steady else _DISTINCT,
        where=" AND ".join(where) or "true",
        group=", ".join(group) or "()",
    )


DIMENSIONS = ("all", "path", "face", "device", "client", "region", "source", "keyword", "campaign")
_SUMS = [text(_statement(name, own=own)) for own in (False, True) for name in DIMENSIONS]
_SECONDS = text("""
    UPDATE traffic_day t SET seconds = coalesce(s.seconds, 0)
    FROM (
        SELECT NULL::bigint AS merchant_id, 'all' AS dimension, '' AS name, sum(seconds) AS seconds
        FROM page_view WHERE kind = 'leave' AND viewed_at >= :since AND viewed_at < :until
        UNION ALL
        SELECT NULL, 'path', path, sum(seconds)
        FROM page_view WHERE kind = 'leave' AND viewed_at >= :since AND viewed_at < :until
        GROUP BY path
        UNION ALL
        SELECT merchant_id, 'all', '', sum(seconds)
        FROM page_view WHERE kind = 'leave' AND viewed_at >= :since AND viewed_at < :until
          AND merchant_id IS NOT NULL GROUP BY merchant_id
        UNION ALL
        SELECT merchant_id, 'path', path, sum(seconds)
        FROM page_view WHERE kind = 'leave' AND viewed_at >= :since AND viewed_at < :until
          AND merchant_id IS NOT NULL GROUP BY merchant_id, path
    ) s
    WHERE t.day = :day AND t.merchant_id IS NOT DISTINCT FROM s.merchant_id
      AND t.dimension = s.dimension AND t.name = s.name
""")
# Scans of printed codes, with how many different devices: the first step of the funnel.
_SCANS = text("""
    INSERT INTO traffic_day (day, merchant_id, dimension, name, views, visitors, visits, bounces,
                             seconds, entries, exits)
    SELECT :day, merchant_id, 'batch', batch_id::text, count(*), count(DISTINCT visitor),
           0, 0, 0, 0, 0
    FROM page_view
    WHERE kind = 'scan' AND batch_id IS NOT NULL AND viewed_at >= :since AND viewed_at < :until
    GROUP BY GROUPING SETS ((batch_id), (batch_id, merchant_id))
""")
_HOURS = text("""
    INSERT INTO traffic_hour (hour, merchant_id, views, visitors)
    SELECT date_trunc('hour', viewed_at), merchant_id, count(*), count(DISTINCT visitor)
    FROM day_view WHERE merchant_id IS NOT NULL GROUP BY 1, 2
    UNION ALL
    SELECT date_trunc('hour', viewed_at), NULL, count(*), count(DISTINCT visitor)
    FROM day_view GROUP BY 1
""")


def open_day(session: Session, *, day: date) -> bytes:
    """Make the day's partition and its salt, once. Returns the salt."""
    session.execute(text("SELECT kaquan.open_traffic_day(:day)"), {"day": day})
    session.execute(
        insert(TrafficSalt).values(day=day, salt=secrets.token_bytes(32)).on_conflict_do_nothing()
    )
    return session.scalars(select(TrafficSalt.salt).where(TrafficSalt.day == day)).one()


def keep_visits(session: Session, *, visits: Sequence[Visit], own_host: str) -> int:
    """Keep a batch by one statement. Bots are left out. Returns how many were kept."""
    salts: dict[date, bytes] = {}
    rows = []
    for visit in visits:
        client = read_agent(visit.agent)
        if client.bot:
            continue
        day = local_day(visit.at)
        if day not in salts:
            salts[day] = open_day(session, day=day)
        source, word = read_source(visit.referrer, own_host=own_host)
        rows.append(
            {
                "viewed_at": visit.at.isoformat(),
                "kind": visit.kind,
                "face": visit.face,
                "visitor": visitor_of(visit, salt=salts[day]),
                "path": visit.path,
                "seconds": visit.seconds,
                "device": client.device,
                "client": client.name,
                "source": source,
                "keyword": visit.keyword or word,
                "campaign": visit.campaign,
                "region": "",
                "digests": [digest.hex() for digest in visit.code_digests],
            }
        )
    if rows:
        session.execute(_KEEP, {"rows": json.dumps(rows)})
    return len(rows)


def fold_day(session: Session, *, day: date, since: datetime, until: datetime) -> None:
    """Sum a local day anew from its views. Two folds at once take turns."""
    given = {"day": day, "since": since, "until": until}
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('kaquan traffic fold'))"))
    session.execute(text("SELECT set_config('statement_timeout', '180s', true)"))
    session.execute(text("SELECT set_config('work_mem', '192MB', true)"))
    session.execute(text("DROP TABLE IF EXISTS day_view"))
    session.execute(_READ_DAY, given)
    session.execute(text("ANALYZE day_view"))
    for statement in (*_FORGET_SUMS, *_SUMS, _SECONDS, _SCANS, _HOURS):
        session.execute(statement, given)


def forget_visits(session: Session, *, now: datetime) -> int:
    """Drop the days whose time is over, and the salts of all days but today. How many days."""
    today = local_day(now)
    before = today - timedelta(days=read_setting(session, TRAFFIC_RAW_DAYS))
    session.execute(delete(TrafficSalt).where(TrafficSalt.day < today))
    dropped: int = session.scalars(
        text("SELECT kaquan.drop_traffic_days(:before)"), {"before": before}
    ).one()
    return dropped
