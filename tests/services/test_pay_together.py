"""Payments that go to the database together: the effects of one by one, and who is left out."""

from __future__ import annotations

import hashlib
import json
import uuid

import psycopg
import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM, Role
from app.core.keys import token_digest
from app.flows.sales.paying import pay_scanned
from app.models.cards import Bearer, Card, CardStatus
from app.models.people import MemberStatus
from app.models.tenants import MerchantStatus, StoreStatus
from app.services.sales import payments
from app.services.sales.payments import ScannedPayment

_ROWS = {
    "payment": "SELECT * FROM payment WHERE id = :id",
    "entry": "SELECT * FROM journal_entry"
    " WHERE id IN (SELECT entry_id FROM posting WHERE payment_id = :id)",
    "posting": "SELECT * FROM posting WHERE payment_id = :id ORDER BY account, amount_fen, card_id",
    "outbox": "SELECT * FROM outbox_message WHERE topic = 'payment.paid' AND subject_id = :id",
    "audit": "SELECT * FROM audit_record WHERE action = 'payment.paid' AND subject_id = :id",
    "kept": "SELECT * FROM idempotency_record WHERE subject_id = :id AND caller = :caller",
    "card": "SELECT balance_fen, status FROM card WHERE member_id = :member_id ORDER BY id",
    "lot": "SELECT l.kind, l.remaining_fen FROM lot l JOIN card c ON c.id = l.card_id"
    " WHERE c.member_id = :member_id ORDER BY l.id",
}
# What is another one's for every payment: ids, numbers, instants, keys.
_OWN = {
    "id", "entry_id", "reference", "payment_no", "member_id", "payment_id", "card_id", "lot_id",
    "created_at", "paid_at", "occurred_at", "subject_id", "caller", "key", "request_hash", "answer",
}  # fmt: skip


class Counter:
    """A store with its own cards and a group's, and members who call."""

    def __init__(self, make) -> None:
        self.make = make
        self.merchant, self.other = make.merchant(commission_bp=70), make.merchant()
        self.store = make.store(self.merchant, name="锦里店")
        self.point = make.pay_point(self.store)
        accepted = [self.merchant, self.other]
        self.programs = [
            make.program(issuer=self.other, accepted_by=accepted, bonus_bearer=Bearer.issuer),
            make.program(issuer=self.merchant, accepted_by=accepted, bonus_bearer=Bearer.platform),
        ]

    def member(self, *balances: tuple[int, int]):
        """With a card of each program: principal and bonus in fen. He has paid here before."""
        member = self.make.member()
        for program, (principal, bonus) in zip(self.programs, balances, strict=False):
            self.make.card(member, program, principal_fen=principal, bonus_fen=bonus)
        with self.make.database.unit_of_work(SYSTEM) as session:
            ids = {"member_id": member.id, "merchant_id": self.merchant.id}
            session.execute(text("SELECT kaquan.meet(:member_id, :merchant_id)"), ids)
        return member

    def call(self, member, fen: int, *, key: str | None = None, point=None) -> ScannedPayment:
        key = key or uuid.uuid4().hex
        digest = token_digest(self.make.member_token(member))
        request = hashlib.sha256(key.encode()).digest()
        return ScannedPayment(digest, key, request, (point or self.point).token, fen)

    def together(self, *calls: ScannedPayment):
        return pay_scanned(self.make.database, calls)

    def alone(self, call: ScannedPayment):
        values = payments.pay_values(**call._asdict(), usual_appid="wxdemo")
        verdict, status, answer, *_ = self.make.database.call(payments.PAY, values)
        return verdict, status, answer

    def left_by(self, session, member, answer: str):
        """All rows of the payment without what is another one's each time, and its answer."""
        told = json.loads(answer)
        caller = f"member:{member.id}"
        names = {"id": int(told["id"]), "member_id": member.id, "caller": caller}
        rows = {}
        for table, query in _ROWS.items():
            found = session.execute(text(query), names).mappings().all()
            rows[table] = [{k: v for k, v in row.items() if k not in _OWN} for row in found]
        for name in ("id", "payment_no", "created_at", "paid_at"):
            assert told.pop(name)
        return rows, told


@pytest.fixture
def counter(make):
    return Counter(make)


BALANCES = {
    "one lot": [(50_00, 0)],
    "to the last fen": [(20_00, 0)],
    "principal and bonus, borne by the issuer": [(15_00, 60_00)],
    "own card before the group's": [(50_00, 10_00), (12_00, 0)],
    "a bonus that the platform bears": [(1_00, 0), (18_00, 9_00)],
}


@pytest.mark.parametrize("balances", BALANCES.values(), ids=BALANCES.keys())
def test_together_leaves_the_same_rows_as_alone(counter, session, balances):
    alone, *others = [counter.member(*balances) for _ in range(3)]
    verdict, status, answer = counter.alone(counter.call(alone, 20_00))
    assert verdict == "paid"
    expected = counter.left_by(session, alone, answer)
    assert all(expected[0][table] for table in ("payment", "entry", "posting", "outbox", "audit"))
    answers = counter.together(*(counter.call(member, 20_00) for member in others))
    assert sorted(answers) == [0, 1]
    for place, member in enumerate(others):
        assert answers[place].status == status
        assert counter.left_by(session, member, answers[place].text) == expected


def test_an_answer_is_kept_for_whoever_sends_the_call_again(counter):
    call = counter.call(counter.member((50_00, 0)), 20_00)
    first = counter.together(call)[0]
    assert counter.together(call) == {}
    assert counter.alone(call) == ("replay", 201, first.text)


def test_each_is_answered_in_its_own_place(counter):
    members = [counter.member((100_00, 0)) for _ in range(5)]
    calls = [counter.call(member, (place + 1) * 100) for place, member in enumerate(members)]
    calls.insert(2, counter.call(counter.member((1_00, 0)), 50_00))
    answers = counter.together(*calls)
    assert sorted(answers) == [0, 1, 3, 4, 5]
    paid = {place: json.loads(answer.text)["amount_fen"] for place, answer in answers.items()}
    assert paid == {place: calls[place].amount_fen for place in answers}


def test_a_member_pays_once_in_a_group_and_the_second_call_alone(counter):
    member = counter.member((50_00, 0))
    calls = [counter.call(member, 30_00), counter.call(member, 30_00)]
    assert sorted(counter.together(*calls)) == [0]
    assert counter.alone(calls[1])[0] == "pending"


def test_the_group_waits_for_nobody(counter, test_database):
    waiting, ready = counter.member((50_00, 0), (50_00, 0)), counter.member((50_00, 0))
    calls = [counter.call(waiting, 10_00), counter.call(ready, 10_00)]
    with psycopg.connect(test_database.superuser_url) as busy:
        busy.execute(
            "SELECT FROM card WHERE member_id = %s ORDER BY id LIMIT 1 FOR UPDATE", [waiting.id]
        )
        assert sorted(counter.together(*calls)) == [1]
    assert sorted(counter.together(calls[0])) == [0]


def test_a_key_that_somebody_is_at_is_left_out(counter, test_database):
    member = counter.member((50_00, 0))
    call = counter.call(member, 10_00)
    with psycopg.connect(test_database.superuser_url) as busy:
        busy.execute(
            "SELECT kaquan.claim_key(%s, %s, %s)", [f"member:{member.id}", call.key, b"another"]
        )
        assert counter.together(call) == {}


def _set(counter, row, **values):
    with counter.make.database.unit_of_work(SYSTEM) as session:
        row = session.get_one(type(row), row.id)
        for name, value in values.items():
            setattr(row, name, value)


def _stranger(counter):
    member = counter.make.member()
    counter.make.card(member, counter.programs[0], principal_fen=50_00)
    return counter.call(member, 10_00)


def _frozen_member(counter):
    member = counter.member((50_00, 0))
    _set(counter, member, status=MemberStatus.frozen)
    return counter.call(member, 10_00)


def _frozen_card(counter):
    member = counter.member((50_00, 0))
    with counter.make.database.unit_of_work(SYSTEM) as session:
        session.query(Card).filter_by(member_id=member.id).update({"status": CardStatus.frozen})
    return counter.call(member, 10_00)


def _closed_store(counter):
    call = counter.call(counter.member((50_00, 0)), 10_00)
    _set(counter, counter.store, status=StoreStatus.closed)
    return call


def _frozen_merchant(counter):
    call = counter.call(counter.member((50_00, 0)), 10_00)
    _set(counter, counter.merchant, status=MerchantStatus.frozen)
    return call


def _cashier(counter):
    cashier = counter.make.staff(Role.cashier, counter.store)
    call = counter.call(counter.member((50_00, 0)), 10_00)
    return call._replace(token_digest=token_digest(counter.make.staff_token(cashier)))


def _nobody(counter):
    call = counter.call(counter.member((50_00, 0)), 10_00)
    return call._replace(token_digest=b"?" * 32)


def _nowhere(counter):
    return counter.call(counter.member((50_00, 0)), 10_00)._replace(pay_point="no-such-point")


LEFT_OUT = {
    _stranger: "paid",
    _frozen_member: "member_frozen",
    _frozen_card: "pending",
    _closed_store: "store_closed",
    _frozen_merchant: "store_closed",
    _cashier: "unauthenticated",
    _nobody: "unauthenticated",
    _nowhere: "pay_point_not_found",
}


@pytest.mark.parametrize("case", LEFT_OUT, ids=lambda case: case.__name__.strip("_"))
def test_who_is_not_plain_is_left_out_and_told_alone(counter, case):
    call = case(counter)
    assert counter.together(call) == {}
    assert counter.alone(call)[0] == LEFT_OUT[case]
