"""What a process loads is what it needs: memory and the time until a command answers."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

FACES = ("app.views", "app.pos", "app.api", "app.site", "app.factory", "app.wechat_simulator.wsgi")
# Uploaded workbooks, the words' dictionaries, fonts: read at their first use.
HEAVY = ("openpyxl", "rjieba", "pypinyin", "fontTools")


def loaded(module: str) -> set[str]:
    """The names of all modules that a fresh interpreter holds after importing this one."""
    script = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_worker_and_commands_start_without_the_web_faces():
    found = loaded("app.cli.commands, app.cli.worker")
    assert "app.jobs.worker" in found
    assert not found.intersection((*FACES, *HEAVY))


def test_verify_starts_without_the_demo_and_the_queue():
    found = loaded("app.cli.commands, app.cli.checks")
    assert "app.queries.invariants" in found
    assert not found.intersection({"app.services.demo", "app.jobs.worker", "app.views"})


def test_an_export_reads_the_lists_declarations_without_the_consoles():
    found = loaded("app.cli.commands, app.cli.exports")
    assert "app.views.lists.sales" in found
    assert not found.intersection({"app.views.consoles", "app.views.builder", *HEAVY})


def test_nobody_hashes_a_password_in_order_to_start():
    """One takes 32 MB, which would be the peak of every small process."""
    script = """if True:
        import hashlib
        def refuse(*_arguments, **_options):
            raise AssertionError("hashed while importing")
        hashlib.scrypt = hashlib.pbkdf2_hmac = refuse
        import app.cli.commands, app.cli.worker, app.cli.exports
    """
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
