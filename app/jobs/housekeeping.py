"""What time does by itself: value goes back or expires, balances are kept, the audit log sealed."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.db import Database
from app.flows.context import Context
from app.services.audit_chain import read_audit_watermark, seal_audit
from app.services.ledger_days import fold_ledger_days
from app.services.messaging.notices import write_expiry_notices
from app.services.people.member_merges import follow_merges
from app.services.publishing.contents import publish_due
from app.services.rollups import fold_rollups
from app.services.sales import top_ups
from app.services.settlement.statement_decisions import deem_confirmed
from app.services.snapshots import read_watermark, take_balance_snapshots
from app.services.stored_value.expiry import expire_lots
from app.services.stored_value.gifts import return_expired_gifts
from app.services.vouchers.voucher_endings import expire_vouchers

BATCH = 5000

# Old news: answers beyond any retry, messages handed over, buckets that are full again. Big tables
# lie in the order of their creation, and a small index on it finds what is old.
_CLEANUPS = {
    "idempotency_record": "created_at < now() - interval '30 days'",
    "outbox_message": "created_at < now() - interval '3 days' AND sent_at IS NOT NULL",
    "feed_event": "published_at < now() - interval '7 days'",
    "rate_limit_bucket": "refilled_at < now() - interval '1 day'",
    "one_time_secret": "expires_at < now() - interval '1 day'",
    "payment_code": "expires_at < now() - interval '1 day'",
    "notice": "created_at < now() - interval '180 days'",
    "report_delivery": "created_at < now() - interval '180 days'",
    "job_failure": "failed_at < now() - interval '90 days'",
}


def return_gifts(context: Context) -> None:
    """Nobody has claimed them in time."""
    _until_done(context.database, lambda session: return_expired_gifts(session, now=utc_now()))


def return_unclaimed(context: Context) -> None:
    """Nobody has bound the phone in time."""
    _until_done(context.database, lambda session: top_ups.return_unclaimed(session, now=utc_now()))


def expire(context: Context) -> None:
    _until_done(context.database, lambda session: expire_lots(session, now=utc_now()))
    _until_done(context.database, lambda session: expire_vouchers(session, now=utc_now()))


def tell_of_expiry(context: Context) -> None:
    """Some days ahead, so that the value can still be used."""
    account = context.settings.telling_account
    _until_done(
        context.database,
        lambda session: write_expiry_notices(session, now=utc_now(), account=account),
    )


def follow_joined(context: Context) -> None:
    """What a call under way gave to an account after it was joined to another."""
    _until_done(context.database, lambda session: follow_merges(session, now=utc_now()))


def keep_balances(context: Context) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        watermark = read_watermark(session)
    with context.database.unit_of_work(SYSTEM) as session:
        take_balance_snapshots(session, watermark=watermark, now=utc_now())
    with context.database.unit_of_work(SYSTEM) as session:
        fold_ledger_days(session, watermark=watermark, now=utc_now())


def fold(context: Context) -> None:
    """Hourly figures, an hour at a time when it is over."""
    with context.database.unit_of_work(SYSTEM) as session:
        fold_rollups(session, now=utc_now())


def deem(context: Context) -> None:
    """Merchants that have said nothing about their statements for too long."""
    _until_done(context.database, lambda session: deem_confirmed(session, now=utc_now()))


def publish(context: Context) -> None:
    """Content whose time has come, and content whose time is over."""
    _until_done(context.database, lambda session: publish_due(session, now=utc_now()))


def seal(context: Context) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        watermark = read_audit_watermark(session)
    _until_done(context.database, lambda session: seal_audit(session, watermark=watermark))


def clean_up(context: Context) -> None:
    for table, old in _CLEANUPS.items():
        statement = text(
            f"DELETE FROM {table} WHERE ctid = ANY (ARRAY("  # noqa: S608 - made of constants
            f"SELECT ctid FROM {table} WHERE {old} LIMIT {BATCH}))"
        )
        _until_done(
            context.database,
            lambda session, statement=statement: session.execute(statement).rowcount,
        )


def _until_done(database: Database, step: Callable[[Session], int]) -> None:
    """Batch after batch, each in a transaction of its own: nobody waits long for our locks."""
    while True:
        with database.unit_of_work(SYSTEM) as session:
            if step(session) == 0:
                return
