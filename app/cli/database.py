"""``bin/kaquan db``: migrations and first data."""

from __future__ import annotations

import os
import sys

import psycopg
from alembic import command
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.flows.demo.contents import seed_demo_contents
from app.flows.demo.settlement import seed_demo_settlement
from app.services.demo import is_empty, seed_demo, seed_history
from app.views.consoles import need_consoles, write_roles
from app.web.context import current_context
from app.web.migrations import alembic_config

db_group = AppGroup("db", help="The database: migrations and first data.")


@db_group.command("prepare")
def prepare() -> None:
    """Migrate, and in demo mode fill an empty database."""
    context = current_context()
    if context.settings.database_admin_url is None:
        sys.exit("kaquan: set DATABASE_ADMIN_URL (the owner) to migrate")
    os.environ.setdefault("DATABASE_URL", context.settings.database_url or "")
    try:
        command.upgrade(alembic_config(), "head")
    except (psycopg.Error, DBAPIError) as error:
        sys.exit(f"kaquan: the database could not be migrated: {str(error).splitlines()[0]}")
    need_consoles(current_app)
    write_roles(current_app)
    if not context.settings.demo:
        return
    with context.database.unit_of_work(SYSTEM) as session:
        if is_empty(session):
            seed_demo(session, password=context.settings.demo_password)
            seed_history(session, keys=context.keys, now=utc_now())
    seed_demo_settlement(context)
    seed_demo_contents(context)
