"""The dashboard and a month's reports over HTTP, with many postings in the books."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import psycopg
import requests
from werkzeug.security import generate_password_hash

from app.core.actor import SYSTEM
from app.core.clock import SHANGHAI, utc_now
from app.db import open_database
from app.queries.reports import REPORTS
from app.services.ledger_days import fold_ledger_days
from app.services.rollups import fold_rollups
from app.services.snapshots import read_watermark, take_balance_snapshots
from bench.output import Row, say
from bench.seeds import DESK_PASSWORD, Seed, at, clone
from bench.servers import Server, serve
from runtime.postgres import Urls

POSTINGS = int(os.environ.get("POSTINGS") or 1_000_000)
ROUNDS = int(os.environ.get("ROUNDS") or 20)
_TIMES = 32  # So often has each member paid, every 66 hours: nearly three months.
_EVERY_HOURS = 66
_ASKED_P95_MS = 200
_GROUPS = ("day", "hour", "store", "cashier")


def report(urls: Urls, home: Path) -> None:
    """Every report of a whole month, the dashboard, and its figures; the slowest row counts."""
    seed = Seed(
        name="reports",
        members=max(1, POSTINGS // (4 + 3 * _TIMES)),
        rounds=_TIMES,
        every_hours=_EVERY_HOURS,
        stores=1_000,
        vouchers=POSTINGS // 10,
    )
    database = clone(urls, seed, "bench_reports")
    last = _ready(urls, database)
    first = (last.replace(day=1) - timedelta(days=1)).replace(day=1)
    until = last.replace(day=1) - timedelta(days=1)
    with serve(urls, home, database) as server:
        desk = _sign_in(server)
        days = f"from={first:%Y-%m-%d}&to={until:%Y-%m-%d}"
        paths = {"dashboard": "/console/?period=month", "its figures": "/console/figures/"}
        for name in REPORTS:
            for group in _GROUPS if name == "takings" else ("",):
                case = f"{name} {group}".strip()
                paths[case] = f"/console/reports/?report={name}&group={group}&{days}"
        for case, path in paths.items():
            _measure(desk, f"{seed.postings:,} postings, {case}", path, server)


def _measure(desk: tuple[str, requests.Session], case: str, path: str, server: Server) -> None:
    base, session = desk
    times = []
    for _ in range(ROUNDS + 2):
        began = time.perf_counter()
        session.get(f"{base}{path}", timeout=120).raise_for_status()
        times.append((time.perf_counter() - began) * 1000)
    times = sorted(times[2:])
    p95 = times[int(len(times) * 0.95) - 1]
    Row(
        bench="reports",
        case=case,
        ours=p95,
        unit="ms p95",
        baseline=_ASKED_P95_MS,
        baseline_name="asked for",
        ratio=_ASKED_P95_MS / p95,
        p50_ms=times[len(times) // 2],
        p99_ms=times[-1],
        rss_mb=server.rss_mb(),
    ).print()


def _ready(urls: Urls, database: str) -> datetime:
    """Somebody at the desk, everything kept as the worker would have; the last local day."""
    with psycopg.connect(at(urls.superuser_url, database), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ab_user (id, first_name, last_name, username, password, email, active)"
            " VALUES (1000001, 'desk', '', 'bench-desk', %s, 'desk@bench.invalid', true)",
            (generate_password_hash(DESK_PASSWORD),),
        )
        connection.execute(
            "INSERT INTO staff (id, merchant_id, user_id, name, role) OVERRIDING SYSTEM VALUE"
            " VALUES (1000001, 1, 1000001, 'desk', 'platform_finance')"
        )
        row = connection.execute("SELECT max(occurred_at) FROM posting").fetchone()
    assert row is not None
    opened, began = open_database(at(urls.database_url, database)), time.monotonic()
    with opened.unit_of_work(SYSTEM) as session:
        watermark = read_watermark(session)
    with opened.unit_of_work(SYSTEM) as session:
        take_balance_snapshots(session, watermark=watermark, now=utc_now())
        fold_ledger_days(session, watermark=watermark, now=utc_now())
        fold_rollups(session, now=utc_now())
    opened.dispose()
    say(f"figures kept in {time.monotonic() - began:.0f} s")
    with psycopg.connect(at(urls.superuser_url, database), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE hourly_rollup, hour_range, ledger_day, member_month")
    last: datetime = row[0].astimezone(SHANGHAI)
    return last


def _sign_in(server: Server) -> tuple[str, requests.Session]:
    base, session = f"http://127.0.0.1:{server.port}", requests.Session()
    page = session.get(f"{base}/login/", timeout=30).text
    token = unescape(re.findall(r'name="csrf_token" value="([^"]+)"', page)[0])
    fields = {"username": "bench-desk", "password": DESK_PASSWORD, "csrf_token": token}
    session.post(f"{base}/login/", data=fields, timeout=30).raise_for_status()
    return base, session
