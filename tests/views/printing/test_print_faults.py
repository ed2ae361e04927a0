"""A full disk and a run that died: a sentence, nothing left over, and another file afterwards."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager

import pytest

from app.core.actor import SYSTEM
from app.flows.vouchers import printing
from app.models.print_files import PrintFileStatus
from app.services.vouchers import (
    print_files,
)
from tests.documents.test_sealed_files import small_disk
from tests.views.printing.print_runs import (
    ask,
    chunks_left,
    newest,
    on_disk,
    released,
)


@pytest.mark.parametrize("disk", ["a small file system", "a limit of the kernel's"])
def test_a_full_disk_fails_with_a_sentence_and_leaves_nothing(context, browsers, batch, disk):
    asker, _ = browsers
    assert ask(asker, batch).status_code == 302
    folder = context.settings.home / "print"
    folder.mkdir(exist_ok=True)
    before = on_disk(context)
    with small_disk(20_000) if disk.startswith("a limit") else small_file_system(folder):
        printing.make_print_file(context, newest(context, batch).id)
        assert not [name for name in on_disk(context) if name not in before]
    file = newest(context, batch)
    assert (file.status, file.problem, file.sealed_key) == (
        *(PrintFileStatus.failed, "disk_full", None),
    )
    assert on_disk(context) == before
    page = asker.get(f"/console/print/{batch.id}").text
    assert "服务器磁盘已满" in page
    assert f"/console/print/{batch.id}/ask" in page  # It can be asked for again from here.
    assert chunks_left(context, batch) == 1
    released(context, browsers, batch)  # With room again, another one is made.


@contextmanager
def small_file_system(folder):
    """A file system of four pages, really full; for those who may mount one."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a file system; the kernel's limit is tried instead")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_run_that_died_is_made_again_and_its_file_is_swept(context, browsers, batch):
    ask(browsers[0], batch)
    file = newest(context, batch)
    with context.database.unit_of_work(SYSTEM) as session:
        dead = print_files.start_making(session, print_file_id=file.id, keys=context.keys)
    assert dead is not None
    printing.sealed_path(context, dead.run).parent.mkdir(exist_ok=True)
    printing.sealed_path(context, dead.run).write_bytes(b"of a run that died")
    printing.make_print_file(context, file.id)  # The sweep of stalled jobs runs it again.
    assert newest(context, batch).status is PrintFileStatus.sealed
    with context.database.unit_of_work(SYSTEM) as session:
        assert not print_files.report_progress(session, order=dead, rows=5)
    printing.remove_unneeded(context)
    assert f"{dead.run}.sealed" not in on_disk(context)
    assert f"{newest(context, batch).run}.sealed" in on_disk(context)
    run = newest(context, batch).run
    printing.make_print_file(context, file.id)  # Once more changes nothing.
    assert newest(context, batch).run == run
