"""``bin/kaquan worker``: the job process. It knows no web face of the program."""

from __future__ import annotations

import click

from app.jobs.worker import run_worker
from app.web.context import current_context


@click.command()
def worker() -> None:
    """Work on jobs until told to stop."""
    context = current_context()
    assert context.settings.database_url is not None
    run_worker(context, context.settings.database_url)
