"""Generation by a worker process that is killed for real, again and again: the count is exact."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text

from app.core.actor import SYSTEM
from app.models.vouchers import VoucherBatch
from app.services.voucher_tasks import ask_for_generation

ROOT = Path(__file__).resolve().parents[2]
QUANTITY = 120_000
# The task itself, in a process of its own; the queue's way to it is tests/jobs/test_worker's.
PROGRAM = """
import sys
from app.factory import create_app
from app.flows import voucher_tasks
from config import load_settings
app = create_app(load_settings())
context = app.extensions["kaquan"]
print("at work", flush=True)
for _ in range(40):
    voucher_tasks.work(context, int(sys.argv[1]))
"""


def test_a_killed_generation_goes_on_and_counts_exactly(make, database, test_database, tmp_path):
    batch = make.batch(quantity=QUANTITY, face_value_fen=1_00)
    with database.unit_of_work(SYSTEM) as session:
        task_id = ask_for_generation(session, batch_id=batch.id, actor=SYSTEM).id
    environ = {
        **os.environ,
        "KAQUAN_HOME": str(tmp_path),
        "DATABASE_URL": test_database.database_url,
        "PYTHONPATH": str(ROOT),
    }
    _ensure_keys(tmp_path, environ)
    kills = 0
    while _generated(database, batch) < QUANTITY:
        before = _generated(database, batch)
        worker = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(task_id)], cwd=ROOT, env=environ
        )
        deadline = time.monotonic() + 300
        # In the middle of a chunk: some are committed, the next one is being written.
        while _generated(database, batch) < min(before + 20_000, QUANTITY):
            assert time.monotonic() < deadline
            assert worker.poll() is None or _generated(database, batch) == QUANTITY
            time.sleep(0.02)
        if kills < 3 and worker.poll() is None:
            worker.send_signal(signal.SIGKILL)
            kills += 1
        worker.wait(300)
    assert kills >= 1, "three, unless this machine was too busy to look in between"
    with database.unit_of_work(SYSTEM) as session:
        row = session.execute(
            text(
                "SELECT count(*), count(DISTINCT serial_no), count(DISTINCT code_digest),"
                " (SELECT sum(quantity) FROM voucher_chunk WHERE batch_id = :id),"
                " (SELECT count(*) FROM voucher_event WHERE batch_id = :id AND kind = 'generated')"
                " FROM voucher WHERE batch_id = :id"
            ),
            {"id": batch.id},
        ).one()
        status = session.get_one(VoucherBatch, batch.id).status.name
    assert tuple(row) == (QUANTITY, QUANTITY, QUANTITY, QUANTITY, 1)
    assert status == "generated"


def _generated(database, batch) -> int:
    with database.unit_of_work(SYSTEM) as session:
        return session.get_one(VoucherBatch, batch.id).generated_count


def _ensure_keys(home: Path, environ: dict[str, str]) -> None:
    program = (
        "from pathlib import Path; import sys;"
        "from app.wechat_simulator.keys import ensure_keys; ensure_keys(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, str(home / "simulator")]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)
