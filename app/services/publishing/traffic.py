"""Traffic statistics: visits are kept in batches, and forgotten in time. Sums: traffic_sums."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.business_settings import TRAFFIC_RAW_DAYS
from app.core.clock import local_day
from app.core.visits import Visit, plain, read_agent, read_source, visitor_of
from app.models.traffic import TrafficFold, TrafficSalt
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


def open_day(session: Session, *, day: date) -> bytes:
    """Make the day's partition and its salt, once. Returns the salt."""
    session.execute(text("SELECT kaquan.open_traffic_day(:day)"), {"day": day})
    session.execute(
        insert(TrafficSalt).values(day=day, salt=secrets.token_bytes(32)).on_conflict_do_nothing()
    )
    return session.scalars(select(TrafficSalt.salt).where(TrafficSalt.day == day)).one()


def keep_visits(
    session: Session,
    *,
    visits: Sequence[Visit],
    own_host: str,
    region_of: Callable[[str], str] = lambda _address: "",
) -> int:
    """Keep a batch by one statement. Bots are left out. Returns how many were kept.

    Args:
        region_of: Province and city of an address; empty where nobody knows.
    """
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
                "keyword": plain(visit.keyword, 40) or word,
                "campaign": plain(visit.campaign, 60),
                "region": region_of(visit.address),
                "digests": [digest.hex() for digest in visit.code_digests],
            }
        )
    if rows:
        session.execute(_KEEP, {"rows": json.dumps(rows)})
    return len(rows)


def forget_visits(session: Session, *, now: datetime) -> int:
    """Drop the days whose time is over, and the salts of all days but today. How many days."""
    today = local_day(now)
    before = today - timedelta(days=read_setting(session, TRAFFIC_RAW_DAYS))
    session.execute(delete(TrafficSalt).where(TrafficSalt.day < today))
    session.execute(delete(TrafficFold).where(TrafficFold.day < before))
    dropped: int = session.scalars(
        text("SELECT kaquan.drop_traffic_days(:before)"), {"before": before}
    ).one()
    return dropped


def kept_days(session: Session) -> list[date]:
    """The local days whose views are still there."""
    return list(session.scalars(text("SELECT * FROM kaquan.traffic_days() ORDER BY 1")))
