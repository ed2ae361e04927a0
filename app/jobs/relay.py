"""The relay: takes what transactions left in the outbox and hands it to the queue, in batches.

Hot transactions only insert a row. Deferring a job notifies, and a notification takes a lock of the
whole database at commit, so that is done here, a few times a second, and not by every payment.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.notice_templates import TellingAccount
from app.db import DatabaseBusy, DatabaseDown
from app.flows.context import Context
from app.jobs.queue import PRIORITY, QUEUE, TASK_OF_TOPIC
from app.models.plumbing import OutboxMessage

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.2
BATCH = 500

_DEFER = text("""
    SELECT procrastinate_defer_jobs_v1(array_agg(ROW(
        queue, task, priority, NULL, NULL, jsonb_build_object('subject_id', subject_id), NULL
    )::procrastinate_job_to_defer_v1))
    FROM unnest(cast(:queues AS text[]), cast(:tasks AS text[]), cast(:priorities AS int[]),
                cast(:subjects AS bigint[])) job(queue, task, priority, subject_id)
""")
_PUBLISH = text(
    "SELECT kaquan.publish_feed(:messages), kaquan.write_notices(:messages, :appid, :kinds)"
)
_NO_ACCOUNT = TellingAccount(appid="", kinds=())


def relay_batch(session: Session, *, now: datetime, account: TellingAccount = _NO_ACCOUNT) -> int:
    """Hand over the oldest messages, and mark them, in one transaction. Returns how many.

    Args:
        account: The official account, which tells its followers of some of what happens.
    """
    messages = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.sent_at.is_(None))
        .order_by(OutboxMessage.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    if not messages:
        return 0
    jobs = [(TASK_OF_TOPIC[m.topic], m.subject_id) for m in messages if m.topic in TASK_OF_TOPIC]
    if jobs:
        tasks, subjects = zip(*jobs, strict=True)
        priorities = [PRIORITY.get(task, 0) for task in tasks]
        session.execute(
            _DEFER,
            {
                "queues": [QUEUE.get(task, "default") for task in tasks],
                "tasks": list(tasks),
                "priorities": priorities,
                "subjects": list(subjects),
            },
        )
    session.execute(
        _PUBLISH,
        {
            "messages": [message.id for message in messages],
            "appid": account.appid,
            "kinds": list(account.kinds),
        },
    )
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_([message.id for message in messages]))
        .values(sent_at=now)
    )
    return len(messages)


def run_relay(context: Context, stop: threading.Event) -> None:
    """Relay until told to stop. A lost database is waited for."""
    while not stop.is_set():
        try:
            with context.database.unit_of_work(SYSTEM) as session:
                handed_over = relay_batch(
                    session, now=utc_now(), account=context.settings.telling_account
                )
        except (DBAPIError, DatabaseBusy, DatabaseDown) as error:
            log.warning("the relay waits for the database: %s", error)
            handed_over = 0
            stop.wait(1.0)
        if handed_over < BATCH:
            stop.wait(PAUSE_SECONDS)
