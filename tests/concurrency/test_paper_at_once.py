"""Paper on several connections at once: activated once, frozen or redeemed, handed over once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.errors import DomainError
from app.core.serials import make_serial
from app.models.voucher_records import VoucherHolding, VoucherTaskKind
from app.models.vouchers import Voucher, VoucherStatus
from app.services.vouchers import voucher_endings, voucher_tasks
from app.services.vouchers.voucher_custody import hand_over
from app.services.vouchers.voucher_events import Holder, SerialRange
from app.services.vouchers.voucher_tasks import TaskOrder
from tests.served import at_once


@pytest.fixture(autouse=True)
def _sound_books(world):
    yield
    world.require_sound_books()


def _together(*work):
    """Each in a unit of work of its own; the code of its refusal, or what it gave."""

    def one(effect):
        try:
            with effect.args[0].unit_of_work(SYSTEM) as session:
                return effect.func(session, *effect.args[1:])
        except DomainError as refusal:
            return refusal.code

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(one, work))


def _some(batch, first, last):
    return SerialRange(
        first=make_serial(batch.batch_no, first), last=make_serial(batch.batch_no, last)
    )


def test_two_activations_that_overlap_make_each_voucher_good_once(world, shop, keys):
    batch = world.make.batch(issuer=shop.merchant, face_value_fen=1_00, quantity=300)
    world.make.vouchers(batch, activate=False)

    def activate(session, first, last):
        order = TaskOrder(
            kind=VoucherTaskKind.activate, batch_id=batch.id, serials=_some(batch, first, last)
        )
        task = voucher_tasks.ask_for_task(session, order=order, actor=SYSTEM)
        voucher_tasks.begin_task(session, task=task, keys=keys, now=utc_now())
        return task.done

    ranges = [(1, 200), (101, 300), (1, 300), (150, 160)] * 2
    database = world.make.database
    done = _together(*(partial(activate, database, *one) for one in ranges))
    assert sum(done) == 300
    assert world.booked(batch_id=batch.id)["voucher"] == -300_00


def test_freezing_and_redeeming_at_once_ends_with_one_of_the_two(world, shop):
    batch = world.make.batch(issuer=shop.merchant, face_value_fen=1_00, quantity=24)
    codes = world.make.vouchers(batch)

    def freeze():
        with world.make.database.unit_of_work(SYSTEM) as session:
            return voucher_endings.freeze_vouchers(
                session, batch_id=batch.id, serials=None, reason="stolen", actor=SYSTEM
            )

    redeem = [partial(shop.cashier.post, "/pos/api/redemptions", {"code": code}) for code in codes]
    answers = at_once([*redeem[:12], freeze, *redeem[12:]])
    frozen = answers.pop(12)
    told = Counter("redeemed" if a.status_code == 201 else a.json().get("code") for a in answers)
    assert set(told) <= {"redeemed", "voucher_frozen"}
    assert told["redeemed"] + frozen == 24
    with world.make.database.unit_of_work(SYSTEM) as session:
        rows = session.scalars(select(Voucher).where(Voucher.batch_id == batch.id)).all()
    assert not [v for v in rows if v.frozen == (v.status is VoucherStatus.redeemed)]


def test_a_range_is_handed_to_one_of_many(world, shop):
    batch = world.make.batch(issuer=shop.merchant, quantity=50)
    world.make.vouchers(batch, activate=False)
    office = Holder(merchant_id=shop.merchant.id)
    store = Holder(merchant_id=shop.merchant.id, store_id=shop.store.id)

    def give(session, taker, first, last):
        return hand_over(
            session, batch_id=batch.id, serials=_some(batch, first, last), taker=taker,
            actor=SYSTEM,
        )  # fmt: skip

    database = world.make.database
    work = [(office, 1, 30), (store, 20, 40), (store, 1, 50), (office, 10, 12)]
    _together(*(partial(give, database, *one) for one in work))
    with database.unit_of_work(SYSTEM) as session:
        held = session.scalars(
            select(VoucherHolding)
            .where(VoucherHolding.batch_id == batch.id)
            .order_by(VoucherHolding.first_number)
        ).all()
    numbers = [n for h in held for n in range(h.first_number, h.last_number + 1)]
    assert numbers == list(range(1, 51))


def test_a_paper_is_sold_once_or_handed_over_and_never_both(world, shop):
    batch = world.make.batch(issuer=shop.merchant, quantity=8, face_value_fen=1_00)
    world.make.vouchers(batch, activate=False)
    serials = world.make.stock(batch, shop.store)
    office = Holder(merchant_id=shop.merchant.id)

    def give_back(number):
        try:
            with world.make.database.unit_of_work(SYSTEM) as session:
                return hand_over(
                    session, batch_id=batch.id, serials=_some(batch, number, number),
                    taker=office, actor=SYSTEM,
                )  # fmt: skip
        except DomainError as refusal:
            return refusal.code

    def sell(till, tender, serial):
        return till.post("/pos/api/voucher-sales", {"tender": tender, "serials": [serial]})

    work = []
    for number, serial in enumerate(serials, start=1):
        tender = "wechat" if number % 2 else "cash"
        work += [
            partial(sell, shop.cashier, tender, serial),
            partial(give_back, number),
            partial(sell, shop.manager, tender, serial),
        ]
    answers = at_once(work)
    for at in range(0, len(answers), 3):
        first, given, second = answers[at : at + 3]
        codes = [answer.status_code for answer in (first, second)]
        assert codes.count(201) + (given == 1) == 1, (codes, given)
        assert codes.count(201) + codes.count(409) == 2, [first.text, second.text]
        refused = {answer.json()["code"] for answer in (first, second) if answer.status_code == 409}
        assert refused <= {"paper_not_in_stock", "vouchers_being_sold"}
        assert given in {1, "vouchers_not_in_hand", "vouchers_being_sold"}


def test_one_sale_sent_often_with_one_key_takes_the_paper_once(world, shop):
    batch = world.make.batch(issuer=shop.merchant, quantity=4, face_value_fen=1_00)
    world.make.vouchers(batch, activate=False)
    serials = world.make.stock(batch, shop.store)
    body = {"tender": "cash", "serials": serials[:2]}
    answers = at_once(
        [partial(shop.cashier.post, "/pos/api/voucher-sales", body, key=f"once-{batch.id}")] * 6
    )
    told = Counter(answer.status_code for answer in answers)
    assert told[201] >= 1
    assert set(told) <= {201, 409}, [answer.text for answer in answers]
    numbers = {answer.json()["sale_no"] for answer in answers if answer.status_code == 201}
    assert len(numbers) == 1
    assert world.booked(batch_id=batch.id)["voucher"] == -2_00
    with world.make.database.unit_of_work(SYSTEM) as session:
        held = session.scalars(
            select(VoucherHolding).where(VoucherHolding.batch_id == batch.id)
        ).all()
    assert [(one.first_number, one.last_number) for one in held] == [(3, 4)]
