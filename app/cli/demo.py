"""``bin/kaquan demo``: codes to try, crowds for load tests, and who can sign in."""

from __future__ import annotations

import json
import secrets
import sys
import time

import click
import psycopg
from flask.cli import AppGroup

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.demo import DEMO_ACCOUNTS
from app.flows.context import Context
from app.models.base import OPERATOR_ID
from app.services.demo import make_demo_voucher_codes
from app.services.demo.crowd import load_crowd, size_crowd
from app.services.demo.voucher_codes import program_of_issuer
from app.web.context import current_context

demo_group = AppGroup("demo", help="Demo data. Refused in production.")


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


def _demo_context() -> Context:
    context = current_context()
    if not context.settings.demo:
        sys.exit("kaquan: demo commands work in demo mode only")
    return context
