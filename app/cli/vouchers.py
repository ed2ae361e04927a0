"""``bin/kaquan vouchers …``: what the consoles do with paper, one JSON line for each answer.

Whoever does it is named by ``--as``: two people are two user names here, too.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.cli.names import find_id, find_merchant, find_person, find_store
from app.cli.refusals import ended_by_refusals
from app.core.actor import SYSTEM
from app.documents.uploads import read_sheet
from app.flows.once import MoneyCall, hash_request
from app.flows.vouchers import paper
from app.models.cards import Bearer
from app.models.voucher_records import VoucherTaskKind
from app.models.vouchers import BatchKind, VoucherBatch
from app.queries.vouchers.batch_reports import report_batch
from app.queries.vouchers.voucher_stories import find_voucher, tell_story
from app.services.vouchers.batches import BatchDesign, BatchTerms
from app.services.vouchers.voucher_events import Holder, SerialRange
from app.services.vouchers.voucher_tasks import TaskOrder
from app.web.context import current_context

vouchers_group = AppGroup("vouchers", help="Paper: batches, custody, activation, freezing, import.")

_AS = click.option("--as", "username", required=True, help="Whose doing it is: a user name.")
_BATCH = click.option("--batch", "batch_no", required=True, help="The batch number.")
_FIRST = click.option("--first", default=None, help="First serial number; none: the whole batch.")
_LAST = click.option("--last", default=None, help="Last serial number; none: only the first one.")
_REASON = click.option("--reason", required=True)


@vouchers_group.command("draft")
@_AS
@click.option("--merchant", "merchant_code", required=True, help="The issuer's code.")
@click.option("--name", required=True)
@click.option("--kind", type=click.Choice([kind.name for kind in BatchKind]), default="payment")
@click.option("--program", "program_id", type=int, default=None)
@click.option("--quantity", type=int, required=True)
@click.option("--face-value-fen", type=int, required=True)
@click.option("--sale-price-fen", type=int, required=True)
@click.option("--expires-on", type=click.DateTime(["%Y-%m-%d"]), default=None)
@click.option("--days-from-activation", type=int, default=None)
@click.option("--bearer", type=click.Choice([bearer.name for bearer in Bearer]), default="platform")
def draft(
    username: str,
    merchant_code: str,
    name: str,
    kind: str,
    program_id: int | None,
    quantity: int,
    face_value_fen: int,
    sale_price_fen: int,
    expires_on: datetime | None,
    days_from_activation: int | None,
    bearer: str,
) -> None:
    """Draft a batch that the issuer's stores redeem. Drafted again under one name: the same one."""
    actor = find_person(username)
    terms = BatchTerms(
        kind=BatchKind[kind],
        face_value_fen=face_value_fen,
        sale_price_fen=sale_price_fen,
        quantity=quantity,
        bearer=Bearer[bearer],
        program_id=program_id,
        expires_on=None if expires_on is None else expires_on.date(),
        days_from_activation=days_from_activation,
    )
    said = hash_request("cli", "vouchers draft", [merchant_code, name, repr(terms)])
    call = MoneyCall(caller=actor.caller, key=f"cli:{said.hex()[:40]}", request_hash=said)
    with ended_by_refusals():
        pk = paper.draft(
            current_context(),
            actor,
            call,
            issuer_id=find_merchant(merchant_code),
            name=name,
            terms=terms,
            accepted_by=(),
            design=BatchDesign(title=name),
        )
    _say(_status(pk))


@vouchers_group.command("approve")
@_AS
@_BATCH
def approve(username: str, batch_no: str) -> None:
    """Let a draft be generated: the second person."""
    pk = _batch_id(batch_no)
    with ended_by_refusals():
        paper.approve(current_context(), find_person(username), batch_id=pk)
    _say(_status(pk))


@vouchers_group.command("generate")
@_AS
@_BATCH
def generate(username: str, batch_no: str) -> None:
    """Hand the generation to the worker."""
    pk = _batch_id(batch_no)
    with ended_by_refusals():
        paper.generate(current_context(), find_person(username), batch_id=pk)
    _say(_status(pk))


@vouchers_group.command("status")
@_BATCH
def status(batch_no: str) -> None:
    """A batch's figures."""
    _say(_status(_batch_id(batch_no)))


@vouchers_group.command("hand-over")
@_AS
@_BATCH
@_FIRST
@_LAST
@click.option("--to-merchant", required=True, help="The merchant's code; platform: give it back.")
@click.option("--to-store", default=None, help="The store's code; none: the merchant's office.")
def hand_over(
    username: str,
    batch_no: str,
    first: str | None,
    last: str | None,
    to_merchant: str,
    to_store: str | None,
) -> None:
    """Hand a range of paper over, or back."""
    with ended_by_refusals():
        count = paper.give(
            current_context(),
            find_person(username),
            batch_id=_batch_id(batch_no),
            serials=_range(first, last),
            taker=_holder(to_merchant, to_store),
        )
    _say({"handed_over": count})


@vouchers_group.command("do")
@click.argument("what", type=click.Choice(["activate", "freeze", "unfreeze", "void"]))
@_AS
@_BATCH
@_FIRST
@_LAST
@_REASON
def change(
    what: str, username: str, batch_no: str, first: str | None, last: str | None, reason: str
) -> None:
    """Activate, freeze, unfreeze or void a batch or a range of it."""
    order = TaskOrder(
        kind=VoucherTaskKind[what],
        batch_id=_batch_id(batch_no),
        serials=_range(first, last),
        reason=reason,
    )
    with ended_by_refusals():
        state, count = paper.ask(current_context(), find_person(username), order)
    _say({"status": state, "changed": count})


@vouchers_group.command("decide")
@_AS
@click.option("--task", "task_id", type=int, required=True)
@click.option("--refuse", is_flag=True)
@click.option("--reason", default="")
def decide(*, username: str, task_id: int, refuse: bool, reason: str) -> None:
    """Approve a task that waits for a second person, or refuse it."""
    with ended_by_refusals():
        state, count = paper.decide_task(
            current_context(), find_person(username), task_id=task_id, approved=not refuse,
            reason=reason,
        )  # fmt: skip
    _say({"status": state, "changed": count})


@vouchers_group.command("story")
@click.argument("serial_no")
def story(serial_no: str) -> None:
    """What happened to a voucher, one line each. A secret code is never an argument."""
    with current_context().database.unit_of_work(SYSTEM) as session:
        voucher = find_voucher(session, typed=serial_no, keys=current_context().keys)
        if voucher is None:
            sys.exit("kaquan: no such voucher")
        for line in tell_story(session, voucher=voucher):
            _say({"at": line.occurred_at.isoformat(), "what": line.kind, "by": line.staff,
                  "from": line.giver, "to": line.taker, "no": line.url_no})  # fmt: skip


@vouchers_group.command("import")
@_AS
@click.option("--program", "program_id", type=int, required=True)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_cards(username: str, program_id: int, file: Path) -> None:
    """Look at a spreadsheet of old cards; in order, it waits for a second person."""
    content = file.read_bytes()
    with ended_by_refusals():
        rows = [(row.number, row.cells) for row in read_sheet(file.name, content)]
        dry_run = paper.try_import(current_context(), rows=rows)
        for problem in dry_run.problems:
            click.echo(f"row {problem.row}: {problem.sentence}", err=True)
        pk = paper.keep_import(
            current_context(),
            find_person(username),
            dry_run=dry_run,
            program_id=program_id,
            file_name=file.name,
            content=content,
        )
    _say({"import": pk, "rows": len(dry_run.cards), "total_fen": dry_run.total_fen,
          "totals": dry_run.by_expiry()})  # fmt: skip


@vouchers_group.command("take-over")
@_AS
@click.option("--import", "import_id", type=int, required=True)
@click.option("--discard", is_flag=True)
def take_over(*, username: str, import_id: int, discard: bool) -> None:
    """Take the cards of an import over: the second person has compared the totals."""
    with ended_by_refusals():
        paper.decide_import(
            current_context(), find_person(username), import_id=import_id, approved=not discard
        )
    _say({"import": import_id, "status": "discarded" if discard else "imported"})


def _status(batch_id: int) -> dict[str, object]:
    with current_context().database.unit_of_work(SYSTEM) as session:
        batch = session.get_one(VoucherBatch, batch_id)
        report = report_batch(session, batch=batch)
        figures = {
            name: getattr(report, name).count
            for name in ("inactive", "active", "redeemed", "voided", "expired", "frozen")
        }
        return {
            "batch_no": batch.batch_no,
            "status": batch.status.name,
            "quantity": batch.quantity,
            "generated": batch.generated_count,
            **figures,
            "outstanding_fen": report.active.fen,
            "booked_fen": report.booked_fen,
        }


def _batch_id(batch_no: str) -> int:
    wanted = select(VoucherBatch.id).where(VoucherBatch.batch_no == batch_no)
    return find_id(wanted, otherwise=f"there is no batch {batch_no}")


def _holder(merchant_code: str, store_code: str | None) -> Holder:
    merchant_id = find_merchant(merchant_code)
    if store_code is None:
        return Holder(merchant_id=merchant_id)
    return Holder(merchant_id=merchant_id, store_id=find_store(merchant_id, store_code))


def _range(first: str | None, last: str | None) -> SerialRange | None:
    if first is None:
        return None
    return SerialRange(first=first, last=last or first)


def _say(answer: dict[str, object]) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False))
