"""Killed in the middle of making a print file, the job makes it again: one file, every voucher."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time

import pytest
from sqlalchemy import func, select

from app.core.actor import SYSTEM
from app.documents.sealed_files import read_sealed
from app.flows.vouchers import printing
from app.models.print_files import CodePanel, PrintFile, PrintFileStatus, PrintFormat, PrintLayout
from app.models.vouchers import Voucher
from app.services.vouchers import batches, print_files, print_releases
from tests.conftest import ROOT
from tests.documents.papers import page_count, render, scan

QUANTITY = 10_000
MAKE = (
    "import sys; from app.flows.starting import build_context;"
    " from app.flows.vouchers import printing; from config import load_settings;"
    " printing.make_print_file(build_context(load_settings()), int(sys.argv[1]))"
)


@pytest.fixture
def context(app):
    return app.extensions["kaquan"]


def ask(context, make) -> int:
    batch, asker = make.batch(quantity=QUANTITY), make.actor(make.staff())
    with context.database.unit_of_work(SYSTEM) as session:
        batches.generate_vouchers(session, batch_id=batch.id, keys=context.keys, actor=SYSTEM)
    with context.database.unit_of_work(SYSTEM) as session:
        return print_files.request_print_file(
            session,
            batch_id=batch.id,
            print_format=PrintFormat.pdf,
            layout=PrintLayout.a4,
            panel=CodePanel.open,
            requester=asker,
        ).id


def start_job(context, test_database, file_id: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "KAQUAN_HOME": str(context.settings.home),
        "DATABASE_URL": test_database.database_url,
        "PORT": "8000",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen([sys.executable, "-c", MAKE, str(file_id)], env=environment, cwd=ROOT)


def look(context, file_id: int) -> PrintFile:
    with context.database.unit_of_work(SYSTEM) as session:
        return session.get_one(PrintFile, file_id)


@pytest.mark.slow
def test_a_killed_job_is_made_again_whole(context, make, test_database):
    file_id = ask(context, make)
    job = start_job(context, test_database, file_id)
    try:
        until = time.monotonic() + 60
        while look(context, file_id).rows_done == 0 and time.monotonic() < until:
            time.sleep(0.02)
        half = look(context, file_id)
        assert 0 < half.rows_done < QUANTITY
    finally:
        job.kill()
        job.wait()
    left = {path.name for path in (context.settings.home / "print").iterdir()}
    assert f"{half.run}.part" in left
    assert half.status is PrintFileStatus.making

    again = start_job(context, test_database, file_id)
    assert again.wait(timeout=120) == 0
    file = look(context, file_id)
    assert (file.status, file.rows_done) == (PrintFileStatus.sealed, QUANTITY)
    assert file.run != half.run

    with context.database.unit_of_work(SYSTEM) as session:
        print_releases.release_print_file(
            session,
            print_file_id=file_id,
            releaser=make.actor(make.staff()),
            now=file.created_at,
        )
        asker = session.get_one(PrintFile, file_id).requested_by_id
        committed = session.scalar(select(func.count()).where(Voucher.batch_id == file.batch_id))
    taker = make.actor(make.staff())
    own = {"print_file_id": file_id, "taker": type(taker)(scope=taker.scope, staff_id=asker)}
    printing.begin_taking_out(context, **own)
    taken = printing.take_out(context, **own)
    path = printing.sealed_path(context, taken.run)
    document = b"".join(read_sealed(path, key=taken.file_key, name=taken.run))
    assert hashlib.sha256(document).digest() == file.sha256
    assert committed == QUANTITY
    assert page_count(document) == 2 * QUANTITY // 8
    assert len(scan(render(document, page_count(document) - 2))) == 8
