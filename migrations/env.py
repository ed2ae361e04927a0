"""Alembic's environment: migrates as the owner, then lays the code (functions, policies) anew."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from app.db import driver_url
from app.models import metadata
from app.models.policies import render_policies

CODE = Path(__file__).parent / "code"
_FOREIGN = ("procrastinate_",)
_BY_CODE = "code_"  # Indexes that are laid with the code: on expressions, or of an extension.


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    if name is None:
        return True
    if kind == "index":
        return not name.startswith(_BY_CODE)
    return not (kind == "table" and name.startswith(_FOREIGN))


def lay_code(connection: Connection) -> None:
    """Functions, triggers, policies and grants are code: laid whole after every migration."""
    # Straight to the driver: scripts have several statements, and percent signs of their own.
    cursor = connection.connection.cursor()
    for script in sorted(CODE.glob("*.sql")):
        cursor.execute(script.read_text())
    for statement in render_policies():
        cursor.execute(statement)
    cursor.execute((CODE / "grants.psql").read_text())


def run() -> None:
    url = driver_url(os.environ["DATABASE_ADMIN_URL"])
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '4s'"))
        connection.execute(text("SELECT pg_advisory_lock(hashtext('kaquan migrations'))"))
        connection.commit()
        context.configure(
            connection=connection, target_metadata=metadata, include_name=include_name
        )
        with context.begin_transaction():
            context.run_migrations()
            login = os.environ.get("DATABASE_URL")
            connection.execute(
                text("SELECT set_config('kaquan.login', :login, true)"),
                {"login": driver_url(login).username if login else ""},
            )
            if connection.scalar(text("SELECT to_regclass('public.posting')")) is not None:
                lay_code(connection)


run()
