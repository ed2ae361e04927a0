"""Whose hands the paper of a batch is in, as ranges of its running numbers that never overlap."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import PLATFORM_ROLES, Actor, Scope
from app.core.errors import N_, Category, DomainError
from app.core.serials import is_serial, make_serial, running_number
from app.models.tills import VoucherSale, VoucherSaleItem
from app.models.voucher_records import VoucherHolding
from app.models.vouchers import VoucherBatch
from app.services.vouchers.voucher_events import PLATFORM, Holder, SerialRange

Numbers = tuple[int, int]


class SerialMistyped(DomainError):
    code = "serial_mistyped"
    category = Category.INVALID
    template = N_("This serial number has a typing error. Please compare it with the paper.")


class SerialOfOtherBatch(DomainError):
    code = "serial_of_other_batch"
    category = Category.INVALID
    template = N_("This serial number is not of this batch. Please compare it with the paper.")


class SerialRangeReversed(DomainError):
    code = "serial_range_reversed"
    category = Category.INVALID
    template = N_("The first serial number is behind the last one. Please exchange them.")


class NotInHand(DomainError):
    code = "vouchers_not_in_hand"
    category = Category.CONFLICT
    template = N_(
        "Not all of these vouchers are in the hands of whoever gives them. Please look at the"
        " stock and choose a range of it."
    )


class VouchersBeingSold(DomainError):
    code = "vouchers_being_sold"
    category = Category.CONFLICT
    template = N_(
        "Some of these vouchers are being paid for at a till at this moment. Please wait until that"
        " sale has ended, or cancel it there first."
    )


def numbers_of(batch: VoucherBatch, serials: SerialRange | None) -> Numbers:
    """A range as running numbers, both included; without one the whole batch.

    Raises:
        SerialMistyped, SerialOfOtherBatch, SerialRangeReversed
    """
    if serials is None:
        return 1, batch.quantity
    if not (is_serial(serials.first) and is_serial(serials.last)):
        raise SerialMistyped
    first, last = running_number(serials.first), running_number(serials.last)
    for number, serial in ((first, serials.first), (last, serials.last)):
        within = 1 <= number <= batch.quantity
        if not within or make_serial(batch.batch_no, number) != serial:
            raise SerialOfOtherBatch
    if first > last:
        raise SerialRangeReversed
    return first, last


def serials_of(batch: VoucherBatch, numbers: Numbers) -> SerialRange:
    return SerialRange(
        first=make_serial(batch.batch_no, numbers[0]), last=make_serial(batch.batch_no, numbers[1])
    )


def put_in_hand(session: Session, *, batch: VoucherBatch, numbers: Numbers, holder: Holder) -> None:
    """Give a range that nobody has to a holder, joined to what it has on either side.

    PostgreSQL refuses it (``holding_once``) if somebody has a part of it.
    """
    first, last = numbers
    for neighbour in _held_by(session, batch, holder):
        if neighbour.last_number == first - 1:
            first = neighbour.first_number
        elif neighbour.first_number == last + 1:
            last = neighbour.last_number
        else:
            continue
        session.delete(neighbour)
    session.flush()
    session.add(_holding(batch, (first, last), holder))
    session.flush()


def hands_of(actor: Actor) -> Holder | None:
    """In whose hands the paper must be that somebody passes on; None: whoever's."""
    if actor.scope is Scope.system or actor.role in PLATFORM_ROLES:
        return None
    assert actor.merchant_id is not None, "staff have a merchant"
    return Holder(merchant_id=actor.merchant_id, store_id=actor.store_id)


def find_holder(session: Session, *, batch: VoucherBatch, numbers: Numbers) -> Holder:
    """Who has a range in hand, if it is one holder who has all of it. Its rows are locked.

    Raises:
        NotInHand: A part of it is elsewhere, or was sold.
    """
    held = _overlapping(session, batch, numbers)
    holders = {Holder(merchant_id=h.merchant_id, store_id=h.store_id) for h in held}
    first, last = numbers
    covered = sum(min(h.last_number, last) - max(h.first_number, first) + 1 for h in held)
    if covered != last - first + 1 or len(holders) != 1:
        raise NotInHand
    return holders.pop()


def require_not_being_sold(
    session: Session, *, batch: VoucherBatch, numbers: Numbers, sale_no: str | None = None
) -> None:
    """Refuse a range of which some is held by a till's open sale, other than the one named.

    Raises:
        VouchersBeingSold
    """
    serials = serials_of(batch, numbers)
    being_sold = select(VoucherSaleItem.sale_id).join(
        VoucherSale, VoucherSale.id == VoucherSaleItem.sale_id
    )
    being_sold = being_sold.where(
        VoucherSaleItem.held,
        VoucherSaleItem.serial_no.between(serials.first, serials.last),
        VoucherSale.batch_id == batch.id,
        VoucherSale.sale_no.is_distinct_from(sale_no),
    )
    if session.scalar(being_sold.limit(1)) is not None:
        raise VouchersBeingSold


def take_from(
    session: Session,
    *,
    batch: VoucherBatch,
    numbers: Numbers,
    holder: Holder,
    sale_no: str | None = None,
) -> None:
    """Take a range out of a holder's hands; what is left on either side stays there.

    Args:
        batch: Locked already, so that no till begins to sell of it meanwhile.
        sale_no: The sale for which it is taken.

    Raises:
        NotInHand: Not all of it is in these hands. Nothing was taken then.
        VouchersBeingSold: A till's open sale holds some of it.
    """
    if find_holder(session, batch=batch, numbers=numbers) != holder:
        raise NotInHand
    require_not_being_sold(session, batch=batch, numbers=numbers, sale_no=sale_no)
    first, last = numbers
    held = _overlapping(session, batch, numbers)
    rest = [(h.first_number, first - 1) for h in held if h.first_number < first]
    rest += [(last + 1, h.last_number) for h in held if h.last_number > last]
    for one in held:
        session.delete(one)
    session.flush()
    session.add_all(_holding(batch, left, holder) for left in rest)
    session.flush()


def put_in_platforms_hand(session: Session, *, batch: VoucherBatch) -> None:
    """Where all paper begins."""
    put_in_hand(session, batch=batch, numbers=(1, batch.quantity), holder=PLATFORM)


def ranges_held(session: Session, *, holder: Holder) -> Sequence[VoucherHolding]:
    """All that a holder has, of every batch, in order. A merchant's stores are others."""
    query = select(VoucherHolding).where(VoucherHolding.merchant_id == holder.merchant_id)
    query = query.where(VoucherHolding.store_id.is_not_distinct_from(holder.store_id))
    return session.scalars(
        query.order_by(VoucherHolding.batch_id, VoucherHolding.first_number)
    ).all()


def _overlapping(
    session: Session, batch: VoucherBatch, numbers: Numbers
) -> Sequence[VoucherHolding]:
    return session.scalars(
        select(VoucherHolding)
        .where(
            VoucherHolding.batch_id == batch.id,
            VoucherHolding.first_number <= numbers[1],
            VoucherHolding.last_number >= numbers[0],
        )
        .order_by(VoucherHolding.first_number)
        .with_for_update()
    ).all()


def _held_by(session: Session, batch: VoucherBatch, holder: Holder) -> Sequence[VoucherHolding]:
    query = select(VoucherHolding).where(
        VoucherHolding.batch_id == batch.id,
        VoucherHolding.merchant_id == holder.merchant_id,
        VoucherHolding.store_id.is_not_distinct_from(holder.store_id),
    )
    return session.scalars(query.with_for_update()).all()


def _holding(batch: VoucherBatch, numbers: Numbers, holder: Holder) -> VoucherHolding:
    serials = serials_of(batch, numbers)
    return VoucherHolding(
        batch_id=batch.id,
        merchant_id=holder.merchant_id,
        store_id=holder.store_id,
        first_number=numbers[0],
        last_number=numbers[1],
        first_serial_no=serials.first,
        last_serial_no=serials.last,
    )
