"""Commands: ``bin/kaquan <command>``. What goes to standard output is for programs."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time

import click
import psycopg
from alembic import command
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from app.cli_contents import register_content_commands
from app.cli_reconcile import reconcile
from app.cli_records import register_record_commands
from app.cli_settlement import register_settlement_commands
from app.cli_vouchers import vouchers_group
from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.demo import DEMO_ACCOUNTS
from app.flows.demo_contents import seed_demo_contents
from app.flows.demo_settlement import seed_demo_settlement
from app.jobs.worker import run_worker
from app.models.base import OPERATOR_ID
from app.queries.invariants import check_invariants
from app.services.audit_chain import verify_audit
from app.services.demo import is_empty, make_demo_voucher_codes, seed_demo, seed_history
from app.services.demo.crowd import load_crowd, size_crowd
from app.services.demo.voucher_codes import program_of_issuer
from app.views import write_roles
from app.web.context import current_context
from app.web.migrations import alembic_config

db_group = AppGroup("db", help="The database: migrations and first data.")
audit_group = AppGroup("audit", help="The audit log.")
demo_group = AppGroup("demo", help="Demo data. Refused in production.")


def register_commands(app: Flask) -> None:
    app.cli.add_command(db_group)
    app.cli.add_command(demo_group)
    app.cli.add_command(audit_group)
    app.cli.add_command(vouchers_group)
    app.cli.add_command(worker)
    app.cli.add_command(verify)
    app.cli.add_command(reconcile)
    register_record_commands(app)
    register_content_commands(app)
    register_settlement_commands(app)


@click.command()
def worker() -> None:
    """Work on jobs until told to stop."""
    context = current_context()
    assert context.settings.database_url is not None
    run_worker(context, context.settings.database_url)


@click.command()
def verify() -> None:
    """Ask every invariant; one JSON line each, exit 1 when one is broken."""
    try:
        with current_context().database.unit_of_work(SYSTEM) as session:
            results = check_invariants(session)
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
        sys.exit(f"kaquan: is the database prepared (make run, bin/kaquan db prepare)? {reason}")
    for result in results:
        line = {"id": result.id, "ok": result.ok, "checked": result.checked, "bad": result.bad}
        click.echo(json.dumps(line))
    sys.exit(0 if all(result.ok for result in results) else 1)


@audit_group.command("verify")
def verify_audit_log() -> None:
    """Follow the audit log's chain; one JSON line, exit 1 when something was changed.

    Keep its "head" somewhere else: it tells later whether the end was cut off.
    """
    with current_context().database.unit_of_work(SYSTEM) as session:
        verdict = verify_audit(session)
    line = {
        "ok": verdict.ok,
        "checked": verdict.checked,
        "unsealed": verdict.unsealed,
        "first_bad_id": verdict.first_bad_id,
        "head": verdict.head.hex(),
    }
    click.echo(json.dumps(line))
    sys.exit(0 if verdict.ok else 1)


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
    write_roles(current_app)
    if not context.settings.demo:
        return
    with context.database.unit_of_work(SYSTEM) as session:
        if is_empty(session):
            seed_demo(session, password=context.settings.demo_password, now=utc_now())
            seed_history(session, keys=context.keys, now=utc_now())
    seed_demo_settlement(context)
    seed_demo_contents(context)


@demo_group.command("voucher-codes")
@click.option("--merchant", "merchant_code", default=None, help="The issuer's code.")
@click.option("--count", type=click.IntRange(1, 100_000), required=True)
@click.option("--face-value-fen", type=click.IntRange(1, 10_000_000), required=True)
@click.option("--kind", type=click.Choice(["payment", "top-up"]), default="payment")
def voucher_codes(merchant_code: str | None, count: int, face_value_fen: int, kind: str) -> None:
    """Print fresh active secret codes, one a line."""
    context = _demo_context()
    with context.database.unit_of_work(SYSTEM) as session:
        codes = make_demo_voucher_codes(
            session,
            merchant_code=merchant_code,
            count=count,
            face_value_fen=face_value_fen,
            kind=kind.replace("-", ""),
            keys=context.keys,
            now=utc_now(),
        )
    click.echo("\n".join(codes))


@demo_group.command("seed")
@click.option("--merchants", type=click.IntRange(0, 100_000), required=True)
@click.option("--stores", type=click.IntRange(0, 1_000_000), required=True)
@click.option("--members", type=click.IntRange(0, 100_000_000), required=True)
@click.option("--payments", type=click.IntRange(0, 1_000_000_000), required=True)
def seed(merchants: int, stores: int, members: int, payments: int) -> None:
    """Fill the database for load tests, beside what is there; one JSON line says with what."""
    context = _demo_context()
    if context.settings.database_admin_url is None:
        sys.exit("kaquan: set DATABASE_ADMIN_URL (the owner) to fill the database")
    with context.database.unit_of_work(SYSTEM) as session:
        program_id = program_of_issuer(session, OPERATOR_ID)
    began = time.monotonic()
    try:
        crowd = size_crowd(
            merchants=merchants, stores=stores, members=members, payments=payments,
            program_id=program_id, code=f"load{secrets.token_hex(3)}-", now=utc_now(),
        )  # fmt: skip
    except ValueError as error:
        sys.exit(f"kaquan: {error}")
    admin_url = context.settings.database_admin_url
    with psycopg.connect(admin_url, cursor_factory=psycopg.ClientCursor) as connection:
        load_crowd(connection.cursor(), crowd, keys=context.keys)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    made = {"merchants": merchants, "stores": stores, "members": members, "payments": payments}
    click.echo(json.dumps({**made, "seconds": round(time.monotonic() - began, 1)}))


@demo_group.command("info")
def info() -> None:
    """Print where this demo is and who can sign in, as one JSON object."""
    settings = _demo_context().settings
    accounts = [
        {
            "username": account.username,
            "password": settings.demo_password,
            "role": account.role.value,
        }
        for account in DEMO_ACCOUNTS
    ]
    about = {
        "base_url": settings.public_base_url,
        "wechat_api_base": settings.wechat.api_base,
        "wechatpay_api_base": settings.wechat.pay_api_base,
        "accounts": accounts,
    }
    click.echo(json.dumps(about, ensure_ascii=False))


def _demo_context():  # type: ignore[no-untyped-def]
    context = current_context()
    if not context.settings.demo:
        sys.exit("kaquan: demo commands work in demo mode only")
    return context
