"""Paper sold over the counter: held while it is being paid, made good when the price is there.

Cash is there at once. For WeChat Pay the order is written first and its papers are held, so that no
other till sells them; WeChat's word makes exactly these good, and a closed order lets them go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, text, update
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.core.serials import batch_no_of, is_serial, running_number
from app.models.sales import Refund, RefundOrigin, RefundStatus
from app.models.tenants import Store
from app.models.tills import SaleTender, VoucherSale, VoucherSaleItem, VoucherSaleStatus
from app.models.vouchers import BatchKind, Voucher, VoucherBatch
from app.services import journal, ledger
from app.services.ledger import Leg
from app.services.tills import shifts
from app.services.vouchers.batches import ON_PAPER, lock_batch
from app.services.vouchers.voucher_events import Holder, SerialRange
from app.services.vouchers.voucher_holdings import (
    NotInHand,
    SerialMistyped,
    SerialRangeReversed,
    serials_of,
)
from app.services.vouchers.voucher_sales import NotForSale, require_for_sale, sell_at_till

LIFETIME = timedelta(minutes=10)
MOST_AT_ONCE = 200
_ACCEPTED = text("SELECT kaquan.batch_accepted(:batch_id, :merchant_id, :store_id)")


class PaperNotForSale(DomainError):
    code = "paper_not_for_sale"
    category = Category.CONFLICT
    template = N_(
        "Not all of these can be sold here: some are frozen, used, out of date, given away free of"
        " charge, or not all of one batch. Please compare the serial numbers with the paper."
    )


class PaperNotInStock(DomainError):
    code = "paper_not_in_stock"
    category = Category.CONFLICT
    template = N_(
        "Not all of these are in this store's stock: some are sold already, or were never handed"
        " over to it. Please compare the serial numbers with the paper, and look at the stock."
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


def quote_papers(session: Session, *, chosen: Chosen, till: Actor, now: datetime) -> PapersSeen:
    """What the chosen papers cost. Nothing stays held; a sale looks again.

    Raises:
        As begin_sale.
    """
    batch, papers = _hold(session, chosen, till, now)
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
        SerialMistyped, SerialRangeReversed, TooMuchPaper, BatchExpired
        PaperNotInStock: Also for paper that does not exist, so that a till cannot probe.
        PaperNotForSale; VouchersBeingSold: Another till's customer is paying for some of it.
    """
    assert till.merchant_id is not None, "a till belongs to a merchant"
    assert till.store_id is not None, "and to one of its stores"
    assert till.staff_id is not None, "somebody sells"
    batch, papers = _hold(session, chosen, till, now)
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
    entry_id = _sell(session, sale, till, now)
    shifts.note_cash(session, shift_id=shift_id, entry_id=entry_id, till=till)
    _end(session, sale, VoucherSaleStatus.sold, now)
    return sale


def confirm_sale(
    session: Session, *, order_no: str, transaction_id: str, paid_fen: int, now: datetime
) -> str:
    """WeChat has the customer's money: make exactly the held papers good.

    Returns:
        ``sold``, ``repeated``, ``amount_differs``, or ``late``: the sale was closed before, or the
        papers were frozen or taken out of business meanwhile; the money goes back.
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


def _hold(
    session: Session, chosen: Chosen, till: Actor, now: datetime
) -> tuple[VoucherBatch, Sequence[Voucher]]:
    """The chosen papers, which are in the store's stock and can be sold; they and it are locked."""
    batch_no, numbers = _numbers(chosen)
    found = session.scalars(
        select(VoucherBatch).where(VoucherBatch.batch_no == batch_no)
    ).one_or_none()
    if found is None or not 1 <= numbers[0] <= numbers[-1] <= found.quantity:
        raise PaperNotInStock
    about = {"batch_id": found.id, "merchant_id": till.merchant_id, "store_id": till.store_id}
    # A top-up card is redeemed in the app: no counter has to accept what it only sells.
    if found.kind is not BatchKind.topup and not session.scalar(_ACCEPTED, about):
        raise PaperNotInStock
    batch = lock_batch(session, batch_id=found.id, states=ON_PAPER)
    assert till.merchant_id is not None, "a till belongs to a merchant"
    holder = Holder(merchant_id=till.merchant_id, store_id=till.store_id)
    ranges = _ranges(batch, numbers)
    try:
        for one in ranges:
            require_for_sale(session, batch=batch, serials=one, holder=holder, now=now)
    except NotInHand:
        raise PaperNotInStock from None
    except NotForSale:
        raise PaperNotForSale from None
    chosen_ones = or_(*(Voucher.serial_no.between(one.first, one.last) for one in ranges))
    query = select(Voucher).where(Voucher.batch_id == batch.id, chosen_ones)
    return batch, session.scalars(query.order_by(Voucher.id)).all()


def _numbers(chosen: Chosen) -> tuple[str, Sequence[int]]:
    """The number of the batch, and the running numbers in it, in order."""
    span = chosen.span
    serials = [*chosen.serials, *(() if span is None else (span.first, span.last))]
    if not all(is_serial(one) for one in serials):
        raise SerialMistyped
    if len({batch_no_of(one) for one in serials}) != 1:
        raise PaperNotForSale
    numbers = {running_number(one) for one in chosen.serials}
    if span is not None:
        first, last = running_number(span.first), running_number(span.last)
        if first > last:
            raise SerialRangeReversed
        if last - first >= MOST_AT_ONCE:
            raise TooMuchPaper
        numbers.update(range(first, last + 1))
    if len(numbers) > MOST_AT_ONCE:
        raise TooMuchPaper
    return batch_no_of(serials[0]), sorted(numbers)


def _ranges(batch: VoucherBatch, numbers: Sequence[int]) -> Sequence[SerialRange]:
    """Running numbers in order, as few ranges as they make."""
    ends: list[tuple[int, int]] = []
    for number in numbers:
        if ends and ends[-1][1] == number - 1:
            ends[-1] = (ends[-1][0], number)
        else:
            ends.append((number, number))
    return [serials_of(batch, one) for one in ends]


def _hand_out_if_possible(session: Session, sale: VoucherSale, now: datetime) -> bool:
    seller = Actor(
        scope=session.info["actor"].scope,
        staff_id=sale.staff_id,
        merchant_id=sale.merchant_id,
        store_id=sale.store_id,
        terminal_id=sale.terminal_id,
    )
    try:
        with session.begin_nested():
            _sell(session, sale, seller, now)
    except DomainError:
        session.refresh(sale)
        return False
    return True


def _sell(session: Session, sale: VoucherSale, seller: Actor, now: datetime) -> int:
    """Take the sale's papers out of the stock and make them good; the entry with the money."""
    serials = session.scalars(
        select(VoucherSaleItem.serial_no).where(VoucherSaleItem.sale_id == sale.id)
    ).all()
    batch = session.get_one(VoucherBatch, sale.batch_id)
    return sell_at_till(
        session,
        sale_no=sale.sale_no,
        serials=_ranges(batch, sorted(running_number(one) for one in serials)),
        tender=sale.tender,
        store=session.get_one(Store, sale.store_id),
        seller=seller,
        now=now,
    )


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
