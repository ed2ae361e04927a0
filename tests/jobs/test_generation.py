"""Generation and activation by a worker process that is killed for real: the count is exact."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text

from app.core.actor import SYSTEM
from app.models.voucher_records import VoucherTask, VoucherTaskKind
from app.models.vouchers import VoucherBatch
from app.services.vouchers.voucher_tasks import (
    TaskOrder,
    approve_task,
    ask_for_generation,
    ask_for_task,
)

ROOT = Path(__file__).resolve().parents[2]
QUANTITY = 120_000
ACTIVATED = 40_000
PATIENCE_SECONDS = 300  # On a machine that has much else to do.
# The task itself, in a process of its own; the queue's way to it is tests/jobs/test_worker's.
PROGRAM = """
import sys
from app.factory import create_app
from app.flows.vouchers import voucher_tasks
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
        deadline = time.monotonic() + PATIENCE_SECONDS
        # In the middle of a chunk: some are committed, the next one is being written.
        while _generated(database, batch) < min(before + 20_000, QUANTITY):
            assert time.monotonic() < deadline
            assert worker.poll() is None or _generated(database, batch) == QUANTITY
            time.sleep(0.02)
        if kills < 3 and worker.poll() is None:
            worker.send_signal(signal.SIGKILL)
            kills += 1
        worker.wait(PATIENCE_SECONDS)
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


def test_a_killed_activation_goes_on_and_nothing_is_booked_twice(
    make, database, test_database, tmp_path
):
    """Half of a range is active when the worker dies; the books say so, then and afterwards."""
    batch = make.batch(quantity=ACTIVATED, face_value_fen=1_00)
    make.vouchers(batch, activate=False)
    maker, checker = make.actor(make.staff()), make.actor(make.staff())
    order = TaskOrder(kind=VoucherTaskKind.activate, batch_id=batch.id)
    with database.unit_of_work(SYSTEM) as session:
        task_id = ask_for_task(session, order=order, actor=maker).id
        approve_task(session, task_id=task_id, approver=checker)
    environ = {
        **os.environ,
        "KAQUAN_HOME": str(tmp_path),
        "DATABASE_URL": test_database.database_url,
        "PYTHONPATH": str(ROOT),
    }
    _ensure_keys(tmp_path, environ)
    command = [sys.executable, "-c", PROGRAM, str(task_id)]
    with subprocess.Popen(command, cwd=ROOT, env=environ) as worker:
        try:
            wait_until_begun(database, task_id)
        finally:
            worker.send_signal(signal.SIGKILL)
    active, booked_fen, done = _active_and_booked(database, batch)
    assert active == done
    assert booked_fen == active * 1_00
    subprocess.run(command, cwd=ROOT, env=environ, check=True, timeout=PATIENCE_SECONDS)
    assert _active_and_booked(database, batch) == (ACTIVATED, ACTIVATED * 1_00, ACTIVATED)
    with database.unit_of_work(SYSTEM) as session:
        again = ask_for_task(session, order=order, actor=maker).id
        approve_task(session, task_id=again, approver=checker)
    subprocess.run(
        [*command[:-1], str(again)], cwd=ROOT, env=environ, check=True, timeout=PATIENCE_SECONDS
    )
    assert _active_and_booked(database, batch) == (ACTIVATED, ACTIVATED * 1_00, ACTIVATED)


def wait_until_begun(database, task_id: int) -> None:
    """Until the first step is committed; the second one is under way then."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    done = 0
    while not done:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        with database.unit_of_work(SYSTEM) as session:
            done = session.get_one(VoucherTask, task_id).done


def _active_and_booked(database, batch) -> tuple[int, int, int]:
    """How many are active, what the books owe for them in fen, and how many tasks say they did."""
    with database.unit_of_work(SYSTEM) as session:
        row = session.execute(
            text(
                "SELECT (SELECT count(*) FROM voucher WHERE batch_id = :id AND status = 'active'),"
                " (SELECT coalesce(-sum(amount_fen), 0)::bigint FROM posting"
                "  WHERE account = 'voucher' AND batch_id = :id),"
                " (SELECT sum(done) FROM voucher_task WHERE batch_id = :id AND kind = 'activate')"
            ),
            {"id": batch.id},
        ).one()
    return row[0], row[1], row[2]


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
