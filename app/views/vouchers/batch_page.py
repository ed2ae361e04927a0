"""What stands on a batch's page beside its facts: buttons, warnings, stock, tasks, events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g
from flask_babel import gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.actor import Scope
from app.core.clock import local_day
from app.models.tenants import Merchant, Store
from app.models.voucher_records import VoucherEvent, VoucherHolding, VoucherTask
from app.models.vouchers import BatchAcceptance, Voucher, VoucherBatch
from app.queries.vouchers.voucher_stories import Line, tell_story
from app.services.vouchers.voucher_rules import RuleWarning, Validity, warn_of_rules_for_sold
from app.views.cells import Cell, cell, column_name, event_name
from app.views.desks import Action, action, those_allowed

_MOST_ACCEPTORS = 200


def buttons(batch: VoucherBatch) -> Sequence[Action]:
    """What may be done with a batch in its state, by the reader."""
    state, pk = batch.status.name, batch.id
    issued = g.actor.scope is not Scope.merchant or g.actor.merchant_id == batch.merchant_id
    offered: list[Action | None] = []
    if state == "draft":
        offered += _draft_buttons(batch) if issued else []
    if state == "approved":
        offered.append(action(gettext("Generate"), "BatchDesk.generate", tone="main", pk=pk))
    if state != "cancelled" and not batch.is_imported:
        offered.append(action(gettext("Printing"), "PrintDesk.show", pk=pk))
    if state in {"generated", "printed", "closed"}:
        offered += _paper_buttons(batch, issued=issued)
    return those_allowed(*offered)


def _draft_buttons(batch: VoucherBatch) -> list[Action | None]:
    pk, mine = batch.id, batch.created_by_id == g.actor.staff_id
    approve = action(gettext("Approve"), "BatchDesk.approve", tone="main", pk=pk)
    cancel = action(gettext("Cancel draft"), "BatchDesk.cancel", tone="danger", pk=pk)
    return [None if mine else approve, cancel]


def _paper_buttons(batch: VoucherBatch, *, issued: bool) -> list[Action | None]:
    pk, open_ = batch.id, batch.status.name != "closed"
    offered = [action(gettext("Figures"), "BatchDesk.report", tone="main", pk=pk)]
    if not batch.is_imported:
        offered.append(action(gettext("Hand over"), "PaperDesk.hand_over", pk=pk))
    if open_:
        offered.append(action(gettext("Activate"), "PaperDesk.activate", pk=pk))
    if issued:
        offered.append(action(gettext("Freeze"), "PaperDesk.freeze", tone="danger", pk=pk))
        offered.append(action(gettext("Unfreeze"), "PaperDesk.unfreeze", pk=pk))
        offered.append(action(gettext("Void"), "PaperDesk.void", tone="danger", pk=pk))
    if open_:
        offered.append(action(gettext("Close batch"), "BatchDesk.close", tone="danger", pk=pk))
    return offered


def related(view: Any, batch: VoucherBatch) -> Any:
    """Tables under the facts: who redeems it, in whose hands it is, what happened."""
    session = view.datamodel.session
    held = ("first_serial_no", "last_serial_no", "quantity", "merchant_id", "store_id", "since")
    tasks = ("id", "kind", "status", "quantity", "done", "asked_by_id", "created_at")
    events = ("occurred_at", "kind", "first_serial_no", "last_serial_no", "quantity", "staff_id",
              "reason")  # fmt: skip
    here = batch.id
    return [
        (gettext("Tasks"), *view.related_rows(VoucherTask, VoucherTask.batch_id == here, tasks)),
        (gettext("In whose hands"),
         *view.related_rows(VoucherHolding, VoucherHolding.batch_id == here, held)),
        (gettext("Redeemed by"), *_acceptors(session, batch)),
        (gettext("What happened"),
         *view.related_rows(VoucherEvent, VoucherEvent.batch_id == here, events)),
    ]  # fmt: skip


def _acceptors(
    session: Session, batch: VoucherBatch
) -> tuple[Sequence[str], Sequence[Sequence[Cell]]]:
    """Where it is redeemed: all stores of a merchant, or one of them in each line."""
    rows = session.execute(
        select(Merchant.name, BatchAcceptance.store_id, Store.name)
        .select_from(BatchAcceptance)
        .join(Merchant, Merchant.id == BatchAcceptance.merchant_id)
        .outerjoin(Store, Store.id == BatchAcceptance.store_id)
        .where(BatchAcceptance.batch_id == batch.id)
        .order_by(BatchAcceptance.merchant_id, BatchAcceptance.store_id)
        .limit(_MOST_ACCEPTORS)
    )
    lines = [
        [cell("name", merchant), cell("name", gettext("All stores") if one is None else store)]
        for merchant, one, store in rows
    ]
    if len(lines) == _MOST_ACCEPTORS:  # Whoever approves the batch must not take it for all.
        whole = select(func.count()).where(BatchAcceptance.batch_id == batch.id)
        rest = (session.scalar(whole) or 0) - len(lines)
        said = gettext("and %(count)s more") % {"count": f"{rest:,}"}
        lines += [[cell("name", said), cell("name", None)]] if rest else []
    return [column_name("merchant_id"), column_name("store_id")], lines


def story(session: Session, voucher: Voucher) -> Sequence[tuple[str, Line]]:
    """A voucher's story with the names of its events in the reader's language."""
    return [(event_name(line.kind), line) for line in tell_story(session, voucher=voucher)]


def warnings(batch: VoucherBatch) -> Sequence[RuleWarning]:
    """What the law says of a sold batch that this one is outside of."""
    return warn_of_rules_for_sold(
        face_value_fen=batch.face_value_fen,
        sale_price_fen=0 if batch.is_imported else batch.sale_price_fen,
        validity=Validity(batch.expires_on, batch.days_from_activation),
        today=local_day(batch.created_at),
    )


def progress(session: Session, batch: VoucherBatch) -> dict[str, object]:
    """Generation and the tasks under way, as the page's script wants them."""
    tasks = session.scalars(
        select(VoucherTask)
        .where(VoucherTask.batch_id == batch.id)
        .order_by(VoucherTask.id.desc())
        .limit(5)
    ).all()
    under_way = [t for t in tasks if t.status.name in {"waiting", "running"}]
    return {
        "status": batch.status.name,
        "generated": batch.generated_count,
        "quantity": batch.quantity,
        "busy": bool(under_way),
        "tasks": [
            {"id": str(t.id), "position": t.position, "quantity": t.quantity} for t in under_way
        ],
    }
