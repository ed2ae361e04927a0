"""Lists and exports: pages of ten million payments against ten thousand, and a million rows out."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import psycopg
import requests

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.db import open_database
from app.services.rollups import fold_rollups
from app.views.records import PAGE
from app.wechat_simulator.keys import ensure_keys
from bench.output import Row, say
from bench.seeds import DESK_PASSWORD, ROOT, SECRETS, Seed, at, prepare_seed
from bench.servers import Server, serve
from runtime.postgres import Urls

_ROUNDS = 40
_COPIED = (
    "payment_no, created_at, store_id, member_id, amount_fen, card_fen, wechat_fen, status,"
    " commission_bp, commission_fen, refunded_card_fen, refunded_wechat_fen, merchant_id,"
    " pay_point_id, staff_id, wechat_transaction_id, paid_at, closed_at"
)
_ASKED = 50_000  # Rows a second that an export to xlsx has to make.
MILLION = 1_000_000


def read_lists(urls: Urls, home: Path, many: Seed, few: Seed) -> None:
    """The first page, a filtered page, a deep page and a total, at both sizes in turns."""
    big, small = _ready(urls, many), _ready(urls, few)
    with serve(urls, home, big) as at_big, serve(urls, home, small) as at_small:
        here, there = _signed_in(at_big), _signed_in(at_small)
        days = "from=2026-03-01&to=2026-04-30"
        cases = {
            "first page": ("", ""),
            "filtered page": (f"store_id=5&{days}", f"store_id=5&{days}"),
            "page 1,000": (_before(many, 1000), _before(few, 300)),
        }
        for case, (ours, theirs) in cases.items():
            _compare_pages(case, here, there, f"list/?{ours}", f"list/?{theirs}", at_big, few)
        for case, query in (("total of a filter", f"store_id=5&{days}"), ("total of all", "")):
            _compare_pages(case, here, there, f"totals/?{query}", f"totals/?{query}", at_big, few)


def export_rows(urls: Urls, home: Path, many: Seed) -> None:
    """A month's million out of ten, by the command, to xlsx and csv; COPY of the same beside it."""
    database = _ready(urls, many)
    first, last, rows = _a_million(urls, database)
    for kind in ("xlsx", "csv"):
        ours, theirs, memory = [], [], 0.0
        for _ in range(2):
            rate, rss = _export(urls, home, database, kind, first, last)
            ours.append(rate)
            memory = max(memory, rss)
            if kind == "csv":
                theirs.append(rows / _copy(urls, home, database, first, last))
            say(f"export {kind}: {rate:,.0f} rows/s of {rows:,}, {rss:.0f} MB")
        Row(
            bench="export",
            case=kind,
            ours=statistics.median(ours),
            unit="rows/s",
            baseline=statistics.median(theirs) if theirs else _ASKED,
            baseline_name="COPY" if theirs else "asked for",
            rss_mb=memory,
        ).print()


class _Desk:
    """Somebody signed in at the platform's console."""

    def __init__(self, server: Server) -> None:
        self._base = f"http://127.0.0.1:{server.port}"
        self._session = requests.Session()
        page = self._session.get(f"{self._base}/login/", timeout=30).text
        token = unescape(re.findall(r'name="csrf_token" value="([^"]+)"', page)[0])
        fields = {"username": "bench-desk", "password": DESK_PASSWORD, "csrf_token": token}
        answer = self._session.post(f"{self._base}/login/", data=fields, timeout=30)
        answer.raise_for_status()

    def milliseconds(self, path: str) -> float:
        began = time.perf_counter()
        answer = self._session.get(f"{self._base}/console/payments/{path}", timeout=60)
        took = (time.perf_counter() - began) * 1000
        answer.raise_for_status()
        if path.startswith("list/"):
            shown = answer.text.count("/console/payments/show/")
            assert shown == PAGE, f"{path} shows {shown} rows"
        return took


def _signed_in(server: Server) -> _Desk:
    return _Desk(server)


def _compare_pages(
    case: str, here: _Desk, there: _Desk, ours: str, theirs: str, server: Server, few: Seed
) -> None:
    for desk, path in ((here, ours), (there, theirs)):
        for _ in range(4):
            desk.milliseconds(path)
    seen, beside = [], []
    for _ in range(_ROUNDS):
        seen.append(here.milliseconds(ours))
        beside.append(there.milliseconds(theirs))
    median, base = statistics.median(seen), statistics.median(beside)
    Row(
        bench="lists",
        case=case,
        ours=median,
        unit="ms",
        baseline=base,
        baseline_name=f"{few.bare_payments:,} payments",
        ratio=base / median,
        p50_ms=median,
        p99_ms=sorted(seen)[int(len(seen) * 0.99)],
        rss_mb=server.rss_mb(),
    ).print()


def _before(seed: Seed, page: int) -> str:
    return f"before={seed.bare_payments - (page - 1) * PAGE + 1}"


def _ready(urls: Urls, seed: Seed) -> str:
    """The seed's database with its hours summed, as the worker would have done."""
    name = prepare_seed(urls, seed)
    opened = open_database(at(urls.database_url, name))
    began = time.monotonic()
    with opened.unit_of_work(SYSTEM) as session:
        hours = fold_rollups(session, now=utc_now())
    opened.dispose()
    if hours:
        say(f"{hours:,} hours of {name} summed in {time.monotonic() - began:.0f} s")
        with psycopg.connect(at(urls.superuser_url, name), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE hourly_rollup, hour_range")
    return name


def _a_million(urls: Urls, database: str) -> tuple[str, str, int]:
    """Local days in the middle of the year that have a million payments, or all there are."""
    query = (
        "WITH days AS (SELECT (created_at AT TIME ZONE 'Asia/Shanghai')::date AS day FROM payment"
        " WHERE id BETWEEN (SELECT max(id) FROM payment) / 2 AND"
        " (SELECT max(id) FROM payment) / 2 + %s)"
        " SELECT min(day)::text, max(day)::text, count(*) FROM days"
    )
    with psycopg.connect(at(urls.superuser_url, database)) as connection:
        row = connection.execute(query, (MILLION,)).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def _export(
    urls: Urls, home: Path, database: str, kind: str, first: str, last: str
) -> tuple[float, float]:
    """Rows a second of the command, with its start left out, and its largest resident memory."""
    ensure_keys(home / "simulator")  # The program starts with them only; nobody asks WeChat here.
    out = home / f"export.{kind}"
    environ = {
        **os.environ,
        **SECRETS,
        "KAQUAN_HOME": str(home),
        "DATABASE_URL": at(urls.database_url, database),
        "DATABASE_ADMIN_URL": at(urls.database_admin_url, database),
        "PYTHONPATH": str(ROOT),
        "FLASK_APP": "app.factory:create_app",
        "LOG_LEVEL": "WARNING",
    }
    words = ["export", "payments", "--from", first, "--to", last, "--format", kind]
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", *words, "--out", str(out)],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    told = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "the export failed"
    answer = json.loads(told.splitlines()[-1])
    out.unlink()
    return answer["rows"] / answer["seconds"], usage.ru_maxrss / 1000


def _copy(urls: Urls, home: Path, database: str, first: str, last: str) -> float:
    """The seconds of PostgreSQL's own COPY of the same columns, bare, into a file."""
    where = (
        f"created_at >= timestamp '{first}' AT TIME ZONE 'Asia/Shanghai'"
        f" AND created_at < (date '{last}' + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'"
    )
    out = home / "copy.csv"
    began = time.monotonic()
    with (
        psycopg.connect(at(urls.superuser_url, database)) as connection,
        connection.cursor() as cursor,
        open(out, "wb") as file,
        cursor.copy(
            f"COPY (SELECT {_COPIED} FROM payment WHERE {where} ORDER BY id DESC)"
            " TO STDOUT WITH (FORMAT csv)"
        ) as copy,
    ):
        for piece in copy:
            file.write(piece)
    seconds = time.monotonic() - began
    out.unlink()
    return seconds
