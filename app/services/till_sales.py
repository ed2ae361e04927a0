"""Paper sold over the counter: held while it is being paid, made good when the price is there.

Cash is there at once. For WeChat Pay the order is written first and its papers are held, so that no
other till sells them; WeChat's word makes exactly these good, and a closed order lets them go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, text, update
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.core.serials import is_serial
from app.models.sales import Refund, RefundOrigin, RefundStatus
from app.models.tills import SaleTender, VoucherSale, VoucherSaleItem, VoucherSaleStatus
from app.models.vouchers import Voucher, VoucherBatch, VoucherStatus
from app.services import journal, ledger, shifts
from app.services.batches import ON_PAPER, lock_batch
from app.services.ledger import Leg
from app.services.till_papers import hand_out
from app.services.voucher_events import SerialRange
from app.services.voucher_holdings import SerialMistyped

LIFETIME = timedelta(minutes=10)
MOST_AT_ONCE = 200
_ACCEPTED = text("SELECT kaquan.batch_accepted(:batch_id, :merchant_id, :store_id)")


class PaperNotForSale(DomainError):
    code = "paper_not_for_sale"
    category = Category.CONFLICT
    template = N_(
        "Not all of these can be sold here: some are sold, frozen, of another batch or none of this"
        " store's. Please compare the serial numbers with the paper."
    )


class TooMuchPaper(DomainError):
    code = "too_much_paper"
    category = Category.INVALID
    template = N_("Please sell at most 200 vouchers at once.")


class SaleNotFound(DomainError):
    code = "sale_not_found"
    category = Category.NOT_FOUND
    template = N_("No such sale. Please check the number.")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the customer takes: single serial numbers, or everything from one to another."""

    serials: Sequence[str] = ()
    span: SerialRange | None = None


@dataclass(frozen=True, kw_only=True)
class PapersSeen:
    """What a customer would take and pay."""

    batch: str
    kind: str
    quantity: int
    face_value_fen: int
    amount_fen: int


def quote_papers(session: Session, *, chosen: Chosen, till: Actor) -> PapersSeen:
    """What the chosen papers cost. Nothing is held; a sale looks again.

    Raises:
        As begin_sale.
    """
    batch, papers = _take(session, chosen, till)
    return PapersSeen(
        batch=batch.name,
        kind=batch.kind.name,
        quantity=len(papers),
        face_value_fen=batch.face_value_fen,
        amount_fen=batch.sale_price_fen * len(papers),
    )


def begin_sale(
    session: Session, *, chosen: Chosen, tender: SaleTender, till: Actor, now: datetime
) -> VoucherSale:
    """Hold the chosen papers under a sale of their own. Nothing is paid and nothing is good yet.

    Raises:
        SerialMistyped, TooMuchPaper; PaperNotForSale: Also for another merchant's paper.
    """
    assert till.merchant_id is not None, "a till belongs to a merchant"
    assert till.store_id is not None, "and to one of its stores"
    assert till.staff_id is not None, "somebody sells"
    batch, papers = _take(session, chosen, till)
    sale_id, sale_no = journal.next_document(session, table="voucher_sale", letter="S", now=now)
    sale = VoucherSale(
        id=sale_id, sale_no=sale_no, merchant_id=till.merchant_id, store_id=till.store_id,
        batch_id=batch.id, staff_id=till.staff_id, terminal_id=till.terminal_id, tender=tender,
        status=VoucherSaleStatus.pending, quantity=len(papers),
        amount_fen=batch.sale_price_fen * len(papers), created_at=now,
        expires_at=now + LIFETIME if tender is SaleTender.wechat else None,
    )  # fmt: skip
    session.add(sale)
    session.flush()
    session.add_all(
        VoucherSaleItem(
            sale_id=sale_id, voucher_id=paper.id, merchant_id=till.merchant_id,
            store_id=till.store_id, serial_no=paper.serial_no,
        )
        for paper in papers
    )  # fmt: skip
    journal.audit(
        session, "voucher_sale.begun", actor=till, subject_id=sale_id,
        detail={"quantity": len(papers), "tender": tender.name},
    )  # fmt: skip
    session.flush()
    return sale


def sell_for_cash(session: Session, *, chosen: Chosen, till: Actor, now: datetime) -> VoucherSale:
    """Take the price in cash and make the papers good, in one go.

    Raises:
        As begin_sale; ShiftRequired
    """
    shift_id = shifts.hold_shift(session, till=till)
    sale = begin_sale(session, chosen=chosen, tender=SaleTender.cash, till=till, now=now)
    sale.shift_id = shift_id
    entry_id = hand_out(session, sale=sale, serials=_serials(session, sale), seller=till, now=now)
    shifts.note_cash(session, shift_id=shift_id, entry_id=entry_id, till=till)
    _end(session, sale, VoucherSaleStatus.sold, now)
    return sale


def confirm_sale(
    session: Session, *, order_no: str, transaction_id: str, paid_fen: int, now: datetime
) -> str:
    """WeChat has the customer's money: make exactly the held papers good.

    Returns:
        ``sold``, ``repeated``, ``amount_differs``, or ``late``: the sale was closed before, or the
        papers were taken out of business meanwhile; the money goes back.
    """
    sale = _lock(session, VoucherSale.sale_no == order_no)
    if sale.wechat_transaction_id == transaction_id:
        return "repeated"
    if paid_fen != sale.amount_fen:
        return "amount_differs"
    sale.wechat_transaction_id = transaction_id
    open_states = {VoucherSaleStatus.pending, VoucherSaleStatus.closing}
    if sale.status in open_states and _hand_out_if_possible(session, sale, now):
        _end(session, sale, VoucherSaleStatus.sold, now)
        return "sold"
    _end(session, sale, VoucherSaleStatus.closed, now)
    _give_back(session, sale, now)
    return "late"


def find_sale(session: Session, *, sale_no: str) -> VoucherSale | None:
    """A sale that the reader may see."""
    found: VoucherSale | None = session.scalars(
        select(VoucherSale).where(VoucherSale.sale_no == sale_no)
    ).one_or_none()
    return found


def keep_code_url(session: Session, *, sale_id: int, code_url: str) -> VoucherSale:
    sale = _lock(session, VoucherSale.id == sale_id)
    if sale.status is VoucherSaleStatus.pending:
        sale.code_url = code_url
    return sale


def begin_closing(session: Session, *, sale_id: int) -> VoucherSale:
    sale = _lock(session, VoucherSale.id == sale_id)
    if sale.status is VoucherSaleStatus.pending:
        sale.status = VoucherSaleStatus.closing
    return sale


def close_sale(session: Session, *, sale_id: int, now: datetime) -> VoucherSale:
    """The order is closed at WeChat: its papers may be sold again."""
    sale = _lock(session, VoucherSale.id == sale_id)
    if sale.status in {VoucherSaleStatus.pending, VoucherSaleStatus.closing}:
        _end(session, sale, VoucherSaleStatus.closed, now)
    return sale


def _take(session: Session, chosen: Chosen, till: Actor) -> tuple[VoucherBatch, Sequence[Voucher]]:
    wanted = set(chosen.serials)
    bounds = [] if chosen.span is None else [chosen.span.first, chosen.span.last]
    if not all(is_serial(one) for one in [*wanted, *bounds]):
        raise SerialMistyped
    ways: list[ColumnElement[bool]] = [Voucher.serial_no.in_(wanted)]
    if chosen.span is not None:
        ways.append(Voucher.serial_no.between(chosen.span.first, chosen.span.last))
    found = session.scalars(
        select(Voucher).where(or_(*ways)).order_by(Voucher.id).limit(MOST_AT_ONCE + 1)
    ).all()
    if len(found) > MOST_AT_ONCE:
        raise TooMuchPaper
    if not found or len({paper.batch_id for paper in found}) != 1:
        raise PaperNotForSale
    if wanted - {paper.serial_no for paper in found}:
        raise PaperNotForSale
    batch = session.get_one(VoucherBatch, found[0].batch_id)
    about = {
        "batch_id": batch.id,
        "merchant_id": till.merchant_id,
        "store_id": till.store_id,
    }
    sold_here = batch.merchant_id == till.merchant_id and session.scalar(_ACCEPTED, about)
    if not sold_here or batch.sale_price_fen == 0:
        raise PaperNotForSale
    batch = lock_batch(session, batch_id=batch.id, states=ON_PAPER)
    return batch, _lock_papers(session, [paper.id for paper in found])


def _lock_papers(session: Session, ids: Sequence[int]) -> Sequence[Voucher]:
    papers = session.scalars(
        select(Voucher)
        .where(Voucher.id.in_(ids))
        .order_by(Voucher.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    held = session.scalar(
        select(VoucherSaleItem.voucher_id)
        .where(VoucherSaleItem.voucher_id.in_(ids), VoucherSaleItem.held)
        .limit(1)
    )
    fresh = all(paper.status is VoucherStatus.inactive and not paper.frozen for paper in papers)
    if held is not None or not fresh:
        raise PaperNotForSale
    return papers


def _hand_out_if_possible(session: Session, sale: VoucherSale, now: datetime) -> bool:
    seller = Actor(
        scope=session.info["actor"].scope,
        staff_id=sale.staff_id,
        merchant_id=sale.merchant_id,
        store_id=sale.store_id,
        terminal_id=sale.terminal_id,
    )
    serials = _serials(session, sale)
    try:
        with session.begin_nested():
            hand_out(session, sale=sale, serials=serials, seller=seller, now=now)
    except DomainError:
        session.refresh(sale)
        return False
    return True


def _serials(session: Session, sale: VoucherSale) -> Sequence[str]:
    return session.scalars(
        select(VoucherSaleItem.serial_no)
        .where(VoucherSaleItem.sale_id == sale.id)
        .order_by(VoucherSaleItem.serial_no)
    ).all()


def _end(session: Session, sale: VoucherSale, status: VoucherSaleStatus, now: datetime) -> None:
    sale.status = status
    if status is VoucherSaleStatus.sold:
        sale.sold_at = now
    else:
        sale.closed_at = sale.closed_at or now
    session.execute(
        update(VoucherSaleItem).where(VoucherSaleItem.sale_id == sale.id).values(held=False)
    )
    journal.send_later(
        session,
        f"voucher_sale.{status.name}",
        subject_id=sale.id,
        merchant_id=sale.merchant_id,
        store_id=sale.store_id,
    )
    session.flush()


def _give_back(session: Session, sale: VoucherSale, now: datetime) -> None:
    """Money for papers that nobody got was never ours to keep."""
    refund_id, refund_no = journal.next_document(session, table="refund", letter="F", now=now)
    session.add(
        Refund(
            id=refund_id, refund_no=refund_no, merchant_id=sale.merchant_id,
            store_id=sale.store_id, voucher_sale_id=sale.id, origin=RefundOrigin.voucher_sale,
            status=RefundStatus.processing, amount_fen=sale.amount_fen, card_fen=0,
            wechat_fen=sale.amount_fen, order_no=sale.sale_no, order_fen=sale.amount_fen,
            reason="vouchers not sold",
        )
    )  # fmt: skip
    session.flush()
    late, asked = f"voucher-sale:{sale.sale_no}:late", f"refund:{refund_id}:requested"
    steps = (
        ("voucher_sale_late", late, "bank:wechat", "unapplied:wechat"),
        ("refund_requested", asked, "unapplied:wechat", "refunds:wechat"),
    )
    for kind, reference, debit, credited in steps:
        ledger.post_entry(
            session,
            kind=kind,
            reference=reference,
            legs=[
                Leg(account=debit, amount_fen=sale.amount_fen, refund_id=refund_id),
                Leg(account=credited, amount_fen=-sale.amount_fen, refund_id=refund_id),
            ],
            now=now,
        )
    journal.send_later(session, "refund.requested", subject_id=refund_id)


def _lock(session: Session, condition: object) -> VoucherSale:
    found: VoucherSale | None = session.scalars(
        select(VoucherSale)
        .where(condition)  # type: ignore[arg-type]
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise SaleNotFound
    return found
