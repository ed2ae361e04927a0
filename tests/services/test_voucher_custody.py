"""Custody: ranges go from hand to hand without a gap or an overlap, and are sold out of stock."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.core.serials import make_serial
from app.models.ledger import JournalEntry
from app.models.tills import SaleTender
from app.models.voucher_records import VoucherEvent, VoucherHolding
from app.models.vouchers import BatchStatus, Voucher, VoucherBatch, VoucherStatus
from app.services.refusals import Forbidden
from app.services.vouchers import batches, voucher_endings, voucher_holdings, voucher_sales
from app.services.vouchers.voucher_custody import HolderDoesNotAccept, SameHolder, hand_over
from app.services.vouchers.voucher_events import PLATFORM, Holder, SerialRange
from app.services.vouchers.voucher_holdings import NotInHand, put_in_hand
from app.services.vouchers.voucher_replacements import NotReplaceable, replace_voucher
from app.services.vouchers.voucher_sales import NotForSale, sell_at_till
from tests.books import balance_fen, postings_of

F, S = 100_00, 90_00


@pytest.fixture
def issuer(make):
    return make.merchant()


@pytest.fixture
def store(make, issuer):
    return make.store(issuer)


@pytest.fixture
def batch(make, issuer):
    """Ten vouchers of 100 yuan for 90, generated, not active, in the platform's hands."""
    made = make.batch(issuer=issuer, face_value_fen=F, sale_price_fen=S, quantity=10)
    make.vouchers(made, activate=False)
    return made


def some(batch, first, last):
    return SerialRange(
        first=make_serial(batch.batch_no, first), last=make_serial(batch.batch_no, last)
    )


def give(session, batch, first, last, taker, actor=SYSTEM):
    return hand_over(
        session, batch_id=batch.id, serials=some(batch, first, last), taker=taker, actor=actor
    )


def stock(session, batch):
    rows = session.execute(
        select(
            VoucherHolding.merchant_id, VoucherHolding.store_id,
            VoucherHolding.first_number, VoucherHolding.last_number,
        )
        .where(VoucherHolding.batch_id == batch.id)
        .order_by(VoucherHolding.first_number)
    )  # fmt: skip
    return [tuple(row) for row in rows]


def test_paper_goes_down_to_a_store_and_back(session, make, batch, issuer, store):
    office, shop = Holder(merchant_id=issuer.id), Holder(merchant_id=issuer.id, store_id=store.id)
    assert stock(session, batch) == [(1, None, 1, 10)]
    assert give(session, batch, 3, 8, office) == 6
    assert give(session, batch, 4, 5, shop) == 2
    assert stock(session, batch) == [
        (1, None, 1, 2), (issuer.id, None, 3, 3), (issuer.id, store.id, 4, 5),
        (issuer.id, None, 6, 8), (1, None, 9, 10),
    ]  # fmt: skip
    assert give(session, batch, 4, 5, office) == 2
    assert give(session, batch, 3, 8, PLATFORM) == 6
    assert stock(session, batch) == [(1, None, 1, 10)]
    kinds = session.scalars(
        select(VoucherEvent.kind).where(VoucherEvent.batch_id == batch.id).order_by(VoucherEvent.id)
    )
    names = [kind.name for kind in kinds]
    assert names[-4:] == ["handed_over", "handed_over", "returned", "returned"]


def test_what_is_in_two_hands_is_not_handed_over_as_one(session, batch, issuer):
    office = Holder(merchant_id=issuer.id)
    give(session, batch, 1, 4, office)
    with pytest.raises(NotInHand):
        give(session, batch, 4, 6, office)
    with pytest.raises(SameHolder):
        give(session, batch, 1, 2, office)


def test_postgresql_refuses_ranges_that_overlap(session, batch):
    whole = session.get_one(VoucherBatch, batch.id)
    with pytest.raises(IntegrityError, match="holding_once"), session.begin_nested():
        put_in_hand(
            session, batch=whole, numbers=(10, 10), holder=Holder(merchant_id=batch.merchant_id)
        )


def test_paper_goes_only_to_those_who_redeem_it(session, make, batch):
    stranger = make.store()
    for taker in (
        Holder(merchant_id=stranger.merchant_id),
        Holder(merchant_id=stranger.merchant_id, store_id=stranger.id),
        Holder(merchant_id=batch.merchant_id, store_id=stranger.id),
    ):
        with pytest.raises(HolderDoesNotAccept):
            give(session, batch, 1, 1, taker)


def test_a_store_gives_back_what_it_has_and_nothing_else(session, make, batch, issuer, store):
    manager = make.actor(make.staff(Role.store_manager, store))
    other = make.store(issuer)
    give(session, batch, 1, 5, Holder(merchant_id=issuer.id, store_id=store.id))
    with pytest.raises(NotInHand):
        give(session, batch, 6, 6, Holder(merchant_id=issuer.id), manager)
    with pytest.raises(Forbidden):
        give(session, batch, 1, 1, Holder(merchant_id=issuer.id, store_id=other.id), manager)
    assert give(session, batch, 1, 1, Holder(merchant_id=issuer.id), manager) == 1


def test_another_batchs_or_a_reversed_range_is_refused(session, make, batch, issuer):
    other = make.batch(issuer=issuer, quantity=20)
    with pytest.raises(voucher_holdings.SerialOfOtherBatch):
        hand_over(
            session, batch_id=batch.id, serials=some(other, 1, 2),
            taker=Holder(merchant_id=issuer.id), actor=SYSTEM,
        )  # fmt: skip
    for first, last, error in (
        (2, 1, voucher_holdings.SerialRangeReversed),
        (10, 11, voucher_holdings.SerialOfOtherBatch),
    ):
        with pytest.raises(error):
            give(session, batch, first, last, Holder(merchant_id=issuer.id))


@pytest.mark.parametrize("tender", SaleTender)
def test_a_till_sells_paper_of_its_own_stock(session, batch, issuer, store, tender):
    shop = Holder(merchant_id=issuer.id, store_id=store.id)
    give(session, batch, 1, 5, shop)
    took = sell(session, batch, store, "1", (1, 1), (3, 4), tender=tender)
    account, taker = ("cash:store", issuer.id) if tender is SaleTender.cash else ("bank:wechat", 1)
    entry = session.get_one(JournalEntry, took)
    assert (entry.kind, entry.reference) == ("vouchers_sold_at_till", f"voucher-sale:{batch.id}-1")
    assert postings_of(session, f"voucher-sale:{batch.id}-1") == sorted(
        [(account, taker, 3 * S), ("receivable:voucher-sales", issuer.id, -3 * S)]
    )
    assert balance_fen(session, "voucher", batch_id=batch.id) == -3 * F
    assert balance_fen(session, "receivable:voucher-sales", batch_id=batch.id) == 0
    assert stock(session, batch)[:2] == [(issuer.id, store.id, 2, 2), (issuer.id, store.id, 5, 5)]
    for again in ((1, 1), (2, 3), (6, 6)):  # Sold, partly sold, and not of this store's stock.
        with pytest.raises(NotInHand):
            sell(session, batch, store, "2", again)


def sell(session, batch, store, no, *ranges, tender=SaleTender.cash):
    return sell_at_till(
        session, sale_no=f"{batch.id}-{no}", serials=[some(batch, *one) for one in ranges],
        tender=tender, store=store, seller=SYSTEM, now=utc_now(),
    )  # fmt: skip


def test_frozen_paper_is_not_sold(session, batch, issuer, store):
    give(session, batch, 1, 5, Holder(merchant_id=issuer.id, store_id=store.id))
    voucher_endings.freeze_vouchers(
        session, batch_id=batch.id, serials=some(batch, 2, 2), reason="torn", actor=SYSTEM
    )
    with pytest.raises(NotForSale):
        sell(session, batch, store, "3", (1, 3))


def test_a_damaged_voucher_is_exchanged_without_money(session, make, batch, issuer, store):
    give(session, batch, 1, 5, Holder(merchant_id=issuer.id, store_id=store.id))
    sell(session, batch, store, "4", (1, 1))
    before = balance_fen(session, "voucher", batch_id=batch.id)
    manager = make.actor(make.staff(Role.store_manager, store))
    old, new = (make_serial(batch.batch_no, n) for n in (1, 2))
    exchange = {"damaged": old, "reason": "washed", "actor": manager, "now": utc_now()}
    with pytest.raises(NotInHand):
        replace_voucher(session, fresh=make_serial(batch.batch_no, 7), **exchange)
    made = replace_voucher(session, fresh=new, **exchange)
    assert made.status is VoucherStatus.active
    gone = session.scalars(select(Voucher).where(Voucher.serial_no == old)).one()
    assert (gone.status, gone.replaced_by_id) == (VoucherStatus.voided, made.id)
    assert balance_fen(session, "voucher", batch_id=batch.id) == before
    with pytest.raises(NotReplaceable):
        replace_voucher(session, fresh=make_serial(batch.batch_no, 3), **exchange)


def test_events_are_never_edited(session, batch):
    with pytest.raises(DBAPIError):
        session.execute(
            text("UPDATE voucher_event SET quantity = 0 WHERE batch_id = :id"), {"id": batch.id}
        )


def test_a_draft_is_cancelled_and_a_printed_batch_closed(session, make, issuer, batch):
    draft = batches.create_batch(
        session, issuer_id=issuer.id, name="x", maker=SYSTEM, now=utc_now(),
        terms=batches.BatchTerms(
            kind=batches.BatchKind.payment, face_value_fen=1, sale_price_fen=1, quantity=1
        ),
        accepted_by=[batches.Acceptance(merchant_id=issuer.id)],
    )  # fmt: skip
    batches.cancel_batch(session, batch_id=draft.id, reason="twice", actor=SYSTEM)
    with pytest.raises(batches.BatchStateConflict):
        batches.approve_batch(session, batch_id=draft.id, approver=make.actor(make.staff()))
    session.get_one(VoucherBatch, batch.id).status = BatchStatus.printed
    batches.close_batch(session, batch_id=batch.id, reason="over", actor=SYSTEM)
    with pytest.raises(batches.BatchStateConflict):
        voucher_sales.activate_vouchers(
            session, batch_id=batch.id, serials=None, actor=SYSTEM, now=utc_now()
        )
