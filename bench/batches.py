"""Generating a batch, by a process of its own, against a bare COPY of the very same rows.

Meanwhile the web server is asked for a page again and again: consoles have to answer.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import psycopg

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.db import open_database
from app.models.cards import Bearer
from app.models.voucher_records import VoucherTask
from app.models.vouchers import BatchKind, BatchStatus, VoucherBatch
from app.services import journal
from app.services.vouchers import voucher_tasks
from bench import checks
from bench.output import Row, say
from bench.seeds import KEYS, ROOT, Seed, at, clone
from bench.servers import serve
from runtime.postgres import Urls

SEED = Seed(name="young", members=2_500)
PAUSE_SECONDS = 0.05


def batch(urls: Urls, home: Path) -> None:
    """A hundred thousand codes, then a million."""
    database = clone(urls, SEED, "bench_batch")
    with serve(urls, home, database) as server:
        for quantity in (100_000, 1_000_000):
            _generate_and_copy(urls, database, server.port, quantity)
    checks.check_books(urls, database)


def work(database_url: str, task_id: int) -> None:
    """What the job does, without the pause in which it hands itself on."""
    database = open_database(database_url)
    began = time.monotonic()
    more = True
    while more:
        with database.unit_of_work(SYSTEM) as session:
            more = voucher_tasks.work_on_task(session, task_id=task_id, keys=KEYS, now=utc_now())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    sys.stdout.write(f"{time.monotonic() - began} {peak}\n")


def _generate_and_copy(urls: Urls, database: str, port: int, quantity: int) -> None:
    url = at(urls.database_url, database)
    batch_id, task_id = _ask(url, quantity)
    waits: list[float] = []
    stop = threading.Event()
    asker = threading.Thread(target=_keep_asking, args=(port, waits, stop))
    asker.start()
    child = subprocess.run(
        [sys.executable, "-m", "bench.batches", url, str(task_id)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    ours, peak_mb = map(float, child.stdout.split())  # A worker has been started long ago.
    stop.set()
    asker.join()
    bare = _copy_the_same(at(urls.superuser_url, database), batch_id, quantity)
    say(f"{quantity:,} vouchers in {ours:.1f} s; a bare COPY of them {bare:.1f} s")
    waits.sort()
    Row(
        bench="batch",
        case=f"{quantity} codes",
        ours=quantity / ours,
        unit="codes/s",
        baseline=quantity / bare,
        baseline_name="bare COPY of the same rows",
        p50_ms=statistics.median(waits) * 1e3,
        p99_ms=waits[int(len(waits) * 0.99)] * 1e3,
        rss_mb=peak_mb,
    ).print()


def _ask(url: str, quantity: int) -> tuple[int, int]:
    with open_database(url).unit_of_work(SYSTEM) as session:
        batch_id, _ = journal.next_document(
            session, table="voucher_batch", letter="B", now=utc_now()
        )
        made = VoucherBatch(
            id=batch_id, merchant_id=2, batch_no=f"{utc_now():%y%m%d}{batch_id:04d}",
            name="bench", kind=BatchKind.payment, status=BatchStatus.approved,
            face_value_fen=100_00, sale_price_fen=100_00, bearer=Bearer.platform,
            quantity=quantity, created_by_id=1, approved_by_id=2,
        )  # fmt: skip
        session.add(made)
        session.flush()
        task: VoucherTask = voucher_tasks.ask_for_generation(
            session, batch_id=batch_id, actor=SYSTEM
        )
        return batch_id, task.id


def _copy_the_same(url: str, batch_id: int, quantity: int) -> float:
    """Seconds for a bare COPY of the batch's rows into a table with the same indexes."""
    with psycopg.connect(url, autocommit=True) as connection, TemporaryFile() as rows:
        connection.execute("DROP TABLE IF EXISTS bare_voucher")
        connection.execute("CREATE TABLE bare_voucher (LIKE voucher INCLUDING ALL)")
        select = f"SELECT * FROM voucher WHERE batch_id = {int(batch_id)} ORDER BY id"
        with connection.cursor().copy(f"COPY ({select}) TO STDOUT") as out:
            for block in out:
                rows.write(block)
        rows.seek(0)
        began = time.monotonic()
        _feed(connection, rows)
        seconds = time.monotonic() - began
        counted = connection.execute("SELECT count(*) FROM bare_voucher").fetchone()
        assert counted == (quantity,), counted
        connection.execute("DROP TABLE bare_voucher")
    return seconds


def _feed(connection: psycopg.Connection[tuple[object, ...]], rows: IO[bytes]) -> None:
    with connection.cursor().copy("COPY bare_voucher FROM STDIN") as copy:
        while block := rows.read(1 << 20):
            copy.write(block)


def _keep_asking(port: int, waits: list[float], stop: threading.Event) -> None:
    """A page that reads the database, again and again."""
    while not stop.is_set():
        began = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/stores", timeout=30) as page:
            page.read()
        waits.append(time.monotonic() - began)
        stop.wait(PAUSE_SECONDS)


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]))
