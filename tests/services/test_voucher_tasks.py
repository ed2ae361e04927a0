"""Tasks with many vouchers: by two people where asked, step by step, killed and done once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.core.actor import SYSTEM
from app.core.clock import local_day, utc_now
from app.models.voucher_records import VoucherTask, VoucherTaskKind, VoucherTaskStatus
from app.models.vouchers import BatchKind, Voucher, VoucherBatch
from app.services.two_people import SecondPersonRequired
from app.services.vouchers import batches, voucher_chunks, voucher_rules, voucher_tasks
from app.services.vouchers.batches import BatchTerms
from app.services.vouchers.voucher_custody import hand_over
from app.services.vouchers.voucher_events import Holder
from app.services.vouchers.voucher_rules import Validity, warn_of_rules_for_sold
from app.services.vouchers.voucher_tasks import TaskOrder
from tests.books import balance_fen, count_vouchers
from tests.services.test_voucher_custody import some

F = 100_00


@pytest.fixture
def person(make):
    return make.actor(make.staff())


@pytest.fixture
def paper(make):
    """Ten vouchers, generated and not active."""
    made = make.batch(face_value_fen=F, quantity=10)
    make.vouchers(made, activate=False)
    return made


def ask(session, batch, kind, actor, serials=None):
    order = TaskOrder(kind=kind, batch_id=batch.id, serials=serials, reason="lost")
    return voucher_tasks.ask_for_task(session, order=order, actor=actor)


def begin(session, task, keys):
    voucher_tasks.begin_task(session, task=task, keys=keys, now=utc_now())


def statuses(session, batch):
    return count_vouchers(session, batch.id)


def test_generation_goes_on_where_it_was_left_and_counts_exactly(
    session, make, keys, person, monkeypatch
):
    monkeypatch.setattr(voucher_chunks, "CHUNK", 4)
    monkeypatch.setattr(batches, "CHUNK", 4)
    batch = make.batch(quantity=10)
    task = voucher_tasks.ask_for_generation(session, batch_id=batch.id, actor=person)
    with pytest.raises(batches.BatchStateConflict):
        voucher_tasks.ask_for_generation(session, batch_id=batch.id, actor=person)
    seen = []
    more = True
    while more:
        more = voucher_tasks.work_on_task(session, task_id=task.id, keys=keys, now=utc_now())
        seen.append((task.done, session.get_one(VoucherBatch, batch.id).status.name))
    assert seen == [(4, "generating"), (8, "generating"), (10, "generated")]
    assert not voucher_tasks.work_on_task(session, task_id=task.id, keys=keys, now=utc_now())
    numbers = session.execute(
        select(func.count(), func.count(Voucher.serial_no.distinct())).where(
            Voucher.batch_id == batch.id
        )
    ).one()
    assert tuple(numbers) == (10, 10)


def test_a_step_that_dies_leaves_nothing_and_the_next_one_makes_it(
    session, make, keys, person, monkeypatch
):
    monkeypatch.setattr(voucher_chunks, "CHUNK", 4)
    monkeypatch.setattr(batches, "CHUNK", 4)
    batch = make.batch(quantity=10)
    task = voucher_tasks.ask_for_generation(session, batch_id=batch.id, actor=person)
    session.flush()
    step = session.begin_nested()
    voucher_tasks.work_on_task(session, task_id=task.id, keys=keys, now=utc_now())
    step.rollback()
    session.expire_all()
    assert statuses(session, batch) == {}
    while voucher_tasks.work_on_task(session, task_id=task.id, keys=keys, now=utc_now()):
        pass
    assert statuses(session, batch) == {"inactive": 10}


def test_a_few_are_activated_by_one_person_at_once(session, paper, keys, person):
    task = ask(session, paper, VoucherTaskKind.activate, person, some(paper, 2, 4))
    begin(session, task, keys)
    assert (task.status, task.done) == (VoucherTaskStatus.done, 3)
    assert statuses(session, paper) == {"inactive": 7, "active": 3}
    again = ask(session, paper, VoucherTaskKind.activate, person, some(paper, 3, 5))
    begin(session, again, keys)
    assert again.done == 1
    assert balance_fen(session, "voucher", batch_id=paper.id) == -4 * F


def test_many_are_activated_by_two_people(session, paper, keys, make, person, monkeypatch):
    monkeypatch.setattr(voucher_tasks, "ALONE", 5)
    monkeypatch.setattr(voucher_tasks, "STEP", 3)
    task = ask(session, paper, VoucherTaskKind.activate, person)
    begin(session, task, keys)
    assert task.status is VoucherTaskStatus.asked
    with pytest.raises(SecondPersonRequired):
        voucher_tasks.approve_task(session, task_id=task.id, approver=person)
    voucher_tasks.approve_task(session, task_id=task.id, approver=make.actor(make.staff()))
    begin(session, task, keys)
    assert (task.status, task.done) == (VoucherTaskStatus.done, 10)
    assert balance_fen(session, "voucher", batch_id=paper.id) == -10 * F


def test_a_task_is_decided_once(session, paper, make, person):
    task = ask(session, paper, VoucherTaskKind.unfreeze, person)
    voucher_tasks.refuse_task(session, task_id=task.id, reason="no", actor=person)
    with pytest.raises(voucher_tasks.TaskDecided):
        voucher_tasks.approve_task(session, task_id=task.id, approver=make.actor(make.staff()))


def test_freezing_takes_one_person_and_unfreezing_two(session, paper, keys, make, person):
    freeze = ask(session, paper, VoucherTaskKind.freeze, person)
    begin(session, freeze, keys)
    assert freeze.done == 10
    task = ask(session, paper, VoucherTaskKind.unfreeze, person)
    begin(session, task, keys)
    assert task.done == 0
    voucher_tasks.approve_task(session, task_id=task.id, approver=make.actor(make.staff()))
    begin(session, task, keys)
    assert task.done == 10


def test_postgresql_too_asks_for_a_second_person(session, paper, person):
    task = ask(session, paper, VoucherTaskKind.unfreeze, person)
    with pytest.raises(IntegrityError, match="task_second_person"):
        session.execute(
            text("UPDATE voucher_task SET status = 'waiting', approved_by_id = asked_by_id"
                 " WHERE id = :id"), {"id": task.id},
        )  # fmt: skip


def test_postgresql_lets_no_batch_past_its_maker(session, make):
    batch = make.batch()
    with pytest.raises(IntegrityError, match="batch_second_person"):
        session.execute(
            text("UPDATE voucher_batch SET approved_by_id = created_by_id WHERE id = :id"),
            {"id": batch.id},
        )


def test_all_that_a_store_has_in_hand_is_frozen(session, make, keys, person):
    issuer = make.merchant()
    store = make.store(issuer)
    holder = Holder(merchant_id=issuer.id, store_id=store.id)
    papers = [make.batch(issuer=issuer, quantity=10) for _ in range(2)]
    for batch in papers:
        make.vouchers(batch)
        serials = some(batch, 3, 5)
        hand_over(session, batch_id=batch.id, serials=serials, taker=holder, actor=SYSTEM)
    tasks = voucher_tasks.ask_for_holders_paper(
        session, kind=VoucherTaskKind.freeze, holder=holder, reason="burglary", actor=person
    )
    for task in tasks:
        begin(session, task, keys)
    frozen = select(Voucher.batch_id, func.count()).where(Voucher.frozen)
    mine = [batch.id for batch in papers]
    found = session.execute(frozen.where(Voucher.batch_id.in_(mine)).group_by(Voucher.batch_id))
    assert dict(tuple(row) for row in found) == dict.fromkeys(mine, 3)
    with pytest.raises(voucher_tasks.NothingInHand):
        voucher_tasks.ask_for_holders_paper(
            session, kind=VoucherTaskKind.freeze, holder=Holder(merchant_id=issuer.id),
            reason="x", actor=person,
        )  # fmt: skip


def test_a_large_task_is_handed_to_the_job(session, paper, keys, person, monkeypatch):
    monkeypatch.setattr(voucher_tasks, "AT_ONCE", 5)
    task = ask(session, paper, VoucherTaskKind.freeze, person)
    begin(session, task, keys)
    assert task.status is VoucherTaskStatus.waiting
    sent = text("SELECT subject_id FROM outbox_message WHERE topic = 'voucher_task.wanted'")
    assert task.id in session.scalars(sent).all()


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001, 10_000_000])
def test_a_batch_has_one_to_a_million_vouchers(session, make, quantity):
    terms = BatchTerms(
        kind=BatchKind.payment, face_value_fen=1, sale_price_fen=1, quantity=quantity
    )
    with pytest.raises(batches.BatchInvalid):
        batches.create_batch(
            session, issuer_id=make.merchant().id, name="x", terms=terms, maker=SYSTEM,
            now=utc_now(),
        )  # fmt: skip


def test_rules_for_what_is_sold_warn_with_their_source_or_stop(session, make):
    today = local_day(utc_now())
    long = Validity(today + timedelta(days=1096), None)
    short = Validity(None, 365)

    def warn(face, price, validity):
        return warn_of_rules_for_sold(
            face_value_fen=face, sale_price_fen=price, validity=validity, today=today
        )

    assert len(warn(1_000_01, 1, short)) == 2
    assert all(warning.source for warning in warn(1_000_01, 1, short))
    assert not warn(1_000_00, 900_00, long)
    assert not warn(1_000_00, 900_00, Validity(None, None))
    assert not warn(5_000_00, 0, short)  # What is given away is free.
    issuer = make.store().merchant_id
    terms = BatchTerms(
        kind=BatchKind.payment, face_value_fen=1_000_01, sale_price_fen=1, quantity=1
    )
    named = {"issuer_id": issuer, "name": "x", "terms": terms, "maker": SYSTEM, "now": utc_now()}
    with pytest.raises(voucher_rules.SoldBatchOutsideRules):
        batches.create_batch(session, strict=True, **named)
    assert batches.create_batch(session, **named).id


def test_a_generation_is_asked_for_once_by_postgresql_too(session, make, person):
    batch = make.batch()
    voucher_tasks.ask_for_generation(session, batch_id=batch.id, actor=person)
    again = VoucherTask(
        merchant_id=batch.merchant_id,
        batch_id=batch.id,
        kind=VoucherTaskKind.generate,
        quantity=1,
    )
    step = session.begin_nested()
    session.add(again)
    with pytest.raises(IntegrityError, match="uq_voucher_task_generate"):
        session.flush()
    step.rollback()
