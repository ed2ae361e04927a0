"""What the consoles do with paper, each in one transaction. Whose it is was looked at before."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor, Scope
from app.core.clock import utc_now
from app.flows import once
from app.flows.context import Context
from app.flows.once import Body, MoneyCall
from app.models.voucher_records import VoucherTaskKind, VoucherTaskStatus
from app.models.vouchers import VoucherBatch
from app.services.vouchers import batch_requests, batches, old_cards, voucher_imports, voucher_tasks
from app.services.vouchers.batches import Acceptance, BatchDesign, BatchNotFound, BatchTerms
from app.services.vouchers.old_cards import DryRun
from app.services.vouchers.voucher_custody import hand_over
from app.services.vouchers.voucher_events import Holder, SerialRange
from app.services.vouchers.voucher_replacements import replace_voucher
from app.services.vouchers.voucher_sales import NoVouchersToChange
from app.services.vouchers.voucher_tasks import TaskOrder


def draft(
    context: Context,
    actor: Actor,
    call: MoneyCall,
    *,
    issuer_id: int,
    name: str,
    terms: BatchTerms,
    accepted_by: Sequence[Acceptance],
    design: BatchDesign,
) -> int:
    """Draft a batch, once for each form that is sent. Returns its id."""

    def effect(session: Session) -> Body:
        batch_requests.require_may_draft(
            session, issuer_id=issuer_id, terms=terms, accepted_by=accepted_by, maker=actor
        )
        batch = batches.create_batch(
            session,
            issuer_id=issuer_id,
            name=name,
            terms=terms,
            accepted_by=accepted_by,
            design=design,
            strict=context.settings.sold_rules_strict,
            maker=actor,
            now=utc_now(),
        )
        return {"id": batch.id}

    return int(json.loads(once.run_once(context, call, effect).text)["id"])


def approve(context: Context, actor: Actor, *, batch_id: int) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        batches.approve_batch(session, batch_id=batch_id, approver=actor)


def cancel(context: Context, actor: Actor, *, batch_id: int, reason: str) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        batch_requests.require_may_cancel(session, batch_id=batch_id, actor=actor)
        batches.cancel_batch(session, batch_id=batch_id, reason=reason, actor=actor)


def close(context: Context, actor: Actor, *, batch_id: int, reason: str) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        batches.close_batch(session, batch_id=batch_id, reason=reason, actor=actor)


def generate(context: Context, actor: Actor, *, batch_id: int) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        voucher_tasks.ask_for_generation(session, batch_id=batch_id, actor=actor)


def give(
    context: Context,
    actor: Actor,
    *,
    batch_id: int,
    serials: SerialRange | None,
    taker: Holder,
    reason: str | None = None,
) -> int:
    """Hand paper over. Returns how many vouchers."""
    with context.database.unit_of_work(SYSTEM) as session:
        return hand_over(
            session, batch_id=batch_id, serials=serials, taker=taker, actor=actor, reason=reason
        )


def ask(context: Context, actor: Actor, order: TaskOrder) -> tuple[str, int]:
    """Ask for a task; a small one that needs no second person is done at once.

    Returns its state's name, and how many vouchers it has changed by now.

    Raises:
        BatchNotFound: A merchant may do this to what it issues itself only.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        batch = session.get(VoucherBatch, order.batch_id)
        if batch is None or not _may_change(actor, batch):
            raise BatchNotFound
        task = voucher_tasks.ask_for_task(session, order=order, actor=actor)
        voucher_tasks.begin_task(session, task=task, keys=context.keys, now=utc_now())
        if task.status is VoucherTaskStatus.done and task.done == 0:
            raise NoVouchersToChange
        return task.status.name, task.done


def ask_for_holder(
    context: Context, actor: Actor, *, kind: VoucherTaskKind, holder: Holder, reason: str
) -> int:
    """The same for all that a holder has in hand. Returns of how many vouchers there is talk."""
    with context.database.unit_of_work(SYSTEM) as session:
        tasks = voucher_tasks.ask_for_holders_paper(
            session, kind=kind, holder=holder, reason=reason, actor=actor
        )
        for task in tasks:
            voucher_tasks.begin_task(session, task=task, keys=context.keys, now=utc_now())
        return sum(task.quantity for task in tasks)


def decide_task(
    context: Context, actor: Actor, *, task_id: int, approved: bool, reason: str = ""
) -> tuple[str, int]:
    """A second person lets a task be done, or not."""
    with context.database.unit_of_work(SYSTEM) as session:
        if not approved:
            task = voucher_tasks.refuse_task(session, task_id=task_id, reason=reason, actor=actor)
            return task.status.name, 0
        task = voucher_tasks.approve_task(session, task_id=task_id, approver=actor)
        voucher_tasks.begin_task(session, task=task, keys=context.keys, now=utc_now())
        return task.status.name, task.done


def exchange(context: Context, actor: Actor, *, damaged: str, fresh: str, reason: str) -> None:
    """Exchange a damaged voucher for another one."""
    with context.database.unit_of_work(SYSTEM) as session:
        replace_voucher(
            session, damaged=damaged, fresh=fresh, reason=reason, actor=actor, now=utc_now()
        )


def try_import(context: Context, *, rows: Sequence[tuple[int, Sequence[str]]]) -> DryRun:
    """The dry run: nothing is written, and no transaction waits while the rows are read."""
    reader = old_cards.read_rows(rows, now=utc_now())
    for some in reader.steps():
        with context.database.unit_of_work(SYSTEM) as session:
            reader.find_known_among(some, session=session, keys=context.keys)
    return reader.dry_run()


def keep_import(
    context: Context,
    actor: Actor,
    *,
    dry_run: DryRun,
    program_id: int,
    file_name: str,
    content: bytes,
) -> int:
    with context.database.unit_of_work(SYSTEM) as session:
        return voucher_imports.keep_import(
            session,
            dry_run=dry_run,
            program_id=program_id,
            file_name=file_name,
            content=content,
            keys=context.keys,
            maker=actor,
        ).id


def decide_import(context: Context, actor: Actor, *, import_id: int, approved: bool) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        now = utc_now()
        if approved:
            voucher_imports.carry_out_import(
                session, import_id=import_id, approver=actor, keys=context.keys, now=now
            )
        else:
            voucher_imports.discard_import(session, import_id=import_id, actor=actor, now=now)


def _may_change(actor: Actor, batch: VoucherBatch) -> bool:
    return actor.scope is not Scope.merchant or batch.merchant_id == actor.merchant_id
