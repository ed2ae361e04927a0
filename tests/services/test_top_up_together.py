"""Cash that is taken at several tills together: the effects of one by one, and who is left out."""

from __future__ import annotations

import hashlib
import json
import uuid

import psycopg
import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.clock import utc_now
from app.core.keys import token_digest
from app.flows.sales.taking_cash import take_cash_together
from app.models.cards import Bearer, CardStatus, ProgramStatus
from app.models.people import MemberStatus
from app.models.tenants import StoreStatus
from app.services.sales.cash_top_ups import TAKE, CashTaken, reverse_cash_top_up
from app.services.tills import shifts

_ROWS = {
    "top-up": "SELECT * FROM top_up WHERE id = :id",
    "entry": "SELECT * FROM journal_entry"
    " WHERE id IN (SELECT entry_id FROM posting WHERE top_up_id = :id)",
    "posting": "SELECT * FROM posting WHERE top_up_id = :id ORDER BY account, amount_fen",
    "outbox": "SELECT * FROM outbox_message WHERE topic = 'top_up.credited' AND subject_id = :id",
    "audit": "SELECT * FROM audit_record WHERE action = 'top_up.cash' AND subject_id = :id",
    "kept": "SELECT * FROM idempotency_record WHERE subject_id = :id AND caller = :caller",
    "card": "SELECT c.balance_fen, c.status FROM card c JOIN top_up t ON t.card_id = c.id"
    " WHERE t.id = :id",
    "lot": "SELECT l.*, p.amount_fen FROM lot l JOIN posting p ON p.lot_id = l.id"
    " WHERE p.top_up_id = :id ORDER BY l.id",
    "drawer": "SELECT s.* FROM shift_entry s JOIN posting p USING (entry_id)"
    " WHERE p.top_up_id = :id AND p.account = 'cash:store'",
}
# What is another one's for every top-up: ids, numbers, instants, keys.
_OWN = {
    "id", "entry_id", "reference", "top_up_no", "top_up_id", "member_id", "card_id", "lot_id",
    "created_at", "paid_at", "credited_at", "occurred_at", "expires_at", "subject_id", "key",
    "request_hash", "answer",
}  # fmt: skip


class Counter:
    """A store with a cashier, members with a card of a program that gives a bonus."""

    def __init__(self, make, *, bearer: Bearer = Bearer.issuer) -> None:
        self.make = make
        self.merchant = make.merchant()
        self.store = make.store(self.merchant)
        self.cashier = make.staff(Role.cashier, self.store)
        self.program = make.program(
            issuer=make.merchant(), accepted_by=[self.merchant], tiers={100_00: 20_00},
            bonus_bearer=bearer, bonus_days=30, registered_cap_fen=1_000_00, min_top_up_fen=5,
        )  # fmt: skip

    def member(self):
        """With a card of 10 yuan, who has been here before. And that card."""
        member = self.make.member()
        self.meet(member)
        return member, self.make.card(member, self.program, principal_fen=10_00)

    def meet(self, member) -> None:
        with self.make.database.unit_of_work(SYSTEM) as session:
            ids = {"member_id": member.id, "merchant_id": self.merchant.id}
            session.execute(text("SELECT kaquan.meet(:member_id, :merchant_id)"), ids)

    def call(self, fen: int = 100_00, *, key: str | None = None, card=None, staff=None, phone=None):
        key = key or uuid.uuid4().hex
        digest = token_digest(self.make.staff_token(staff or self.cashier))
        request = hashlib.sha256(f"{key} {fen}".encode()).digest()
        card_no = None if phone else (card or self.member()[1]).card_no
        phone_digest = self.make.keys.phone_digest(phone) if phone else None
        return CashTaken(digest, key, request, phone_digest, card_no, self.program.id, fen)

    def together(self, *calls: CashTaken):
        return take_cash_together(self.make.database, calls)

    def alone(self, call: CashTaken):
        values = (*call[:4], None, *call[4:])
        return self.make.database.call(TAKE, values)[:3]

    def set(self, row, **values):
        with self.make.database.unit_of_work(SYSTEM) as session:
            merged = session.merge(row)
            for name, value in values.items():
                setattr(merged, name, value)

    def left_by(self, session, answer: str):
        """All rows of the top-up without what is another one's each time, and its answer."""
        told = json.loads(answer)
        names = {"id": int(told["id"]), "caller": f"staff:{self.cashier.id}"}
        rows = {}
        for table, query in _ROWS.items():
            found = session.execute(text(query), names).mappings().all()
            rows[table] = [{k: v for k, v in row.items() if k not in _OWN} for row in found]
        assert told.pop("card")["balance_fen"] == rows["card"][0]["balance_fen"]
        for name in ("id", "top_up_no", "created_at"):
            assert told.pop(name)
        return rows, {**told, "member": set(told["member"])}


@pytest.fixture
def counter(make):
    return Counter(make)


@pytest.mark.parametrize("fen", [50_00, 100_00], ids=["without a bonus", "with a bonus"])
@pytest.mark.parametrize("bearer", Bearer, ids=lambda bearer: bearer.name)
@pytest.mark.parametrize("in_shift", [False, True], ids=["no shift", "in a shift"])
def test_together_leaves_the_same_rows_as_alone(make, session, fen, bearer, in_shift):
    counter = Counter(make, bearer=bearer)
    if in_shift:
        _open_shift(counter)
    verdict, status, answer = counter.alone(counter.call(fen))
    assert verdict == "credited"
    expected = counter.left_by(session, answer)
    assert all(rows for table, rows in expected[0].items() if in_shift or table != "drawer")
    answers = counter.together(counter.call(fen), counter.call(fen))
    assert sorted(answers) == [0, 1]
    for one in answers.values():
        assert one.status == status
        assert counter.left_by(session, one.text) == expected


def test_an_answer_is_kept_for_whoever_sends_the_call_again(counter):
    call = counter.call()
    first = counter.together(call)[0]
    assert counter.together(call) == {}
    assert counter.alone(call) == ("replay", 201, first.text)


def test_each_is_answered_in_its_own_place(counter):
    calls = [counter.call(fen) for fen in (10_00, 20_00, 30_00)]
    calls.insert(1, calls[0]._replace(card_no="9260101nobody", key=uuid.uuid4().hex))
    answers = counter.together(*calls)
    told = {place: json.loads(answer.text)["amount_fen"] for place, answer in answers.items()}
    assert told == {0: 10_00, 2: 20_00, 3: 30_00}


def test_a_phone_names_the_member_as_a_card_does(counter):
    phone = counter.make.phone()
    member = counter.make.member(phone=phone)
    card = counter.make.card(member, counter.program, principal_fen=1_00)
    calls = [counter.call(phone=phone), counter.call()]
    assert sorted(counter.together(*calls)) == [1]  # He has never been here.
    assert counter.alone(calls[0])[0] == "credited"
    again = json.loads(counter.together(counter.call(phone=phone))[0].text)
    assert again["card"] == {
        "id": str(card.id), "card_no": card.card_no, "balance_fen": 1_00 + 2 * 120_00,
    }  # fmt: skip


def test_a_members_second_call_is_left_for_later(counter):
    _, card = counter.member()
    calls = [counter.call(card=card), counter.call(card=card)]
    assert sorted(counter.together(*calls)) == [0]
    assert json.loads(counter.alone(calls[1])[2])["card"]["balance_fen"] == 10_00 + 2 * 120_00


def test_a_key_that_comes_twice_for_two_members_stands_for_neither(counter):
    key = uuid.uuid4().hex
    calls = [counter.call(10_00, key=key), counter.call(20_00, key=key)]
    assert counter.together(*calls) == {}
    assert [counter.alone(call)[0] for call in calls] == ["credited", "idempotency_key_reused"]


def test_a_cashier_with_a_limit_has_one_call_in_a_group(counter):
    staff = counter.make.staff(Role.cashier, counter.store, daily_cash_limit_fen=150_00)
    calls = [counter.call(80_00, staff=staff), counter.call(80_00, staff=staff)]
    assert sorted(counter.together(*calls)) == [0]
    assert counter.together(calls[1]) == {}
    assert counter.alone(calls[1])[0] == "daily_cash_limit_exceeded"
    assert sorted(counter.together(counter.call(70_00, staff=staff))) == [0]


def test_what_a_cashier_has_taken_is_kept_and_added_up_anew_when_need_be(counter):
    cashier = counter.make.staff(Role.cashier, counter.store, daily_cash_limit_fen=100_00)
    manager = counter.make.staff(Role.store_manager, counter.store)
    kept = text("SELECT taken_fen FROM cash_day WHERE staff_id = :id")

    def taken() -> int | None:
        with counter.make.database.unit_of_work(SYSTEM) as unit:
            return unit.scalar(kept, {"id": cashier.id})

    first = json.loads(counter.together(counter.call(30_00, staff=cashier))[0].text)
    assert taken() == 30_00
    assert counter.alone(counter.call(50_00, staff=cashier))[0] == "credited"
    assert taken() == 80_00
    with counter.make.database.unit_of_work(SYSTEM) as unit:
        reverse_cash_top_up(
            unit, top_up_no=first["top_up_no"], reason="typed wrongly", now=utc_now(),
            till=counter.make.actor(manager),
        )  # fmt: skip
    assert taken() is None
    assert counter.together(counter.call(60_00, staff=cashier)) == {}
    assert sorted(counter.together(counter.call(50_00, staff=cashier))) == [0]
    assert taken() == 100_00
    counter.set(cashier, daily_cash_limit_fen=None)
    assert sorted(counter.together(counter.call(40_00, staff=cashier))) == [0]
    assert taken() == 100_00  # Nobody counts for whom there is no limit.


def test_what_was_taken_on_another_day_does_not_count(counter, database):
    cashier = counter.make.staff(Role.cashier, counter.store, daily_cash_limit_fen=100_00)
    old = "INSERT INTO cash_day (staff_id, on_day, taken_fen) VALUES (:id, '2026-01-05', 9000)"
    with database.unit_of_work(SYSTEM) as session:
        session.execute(text(old), {"id": cashier.id})
    assert sorted(counter.together(counter.call(100_00, staff=cashier))) == [0]
    assert counter.alone(counter.call(5, staff=cashier))[0] == "daily_cash_limit_exceeded"


_BUSY = {
    "the card": "SELECT FROM card WHERE card_no = '{card_no}' FOR UPDATE",
    "the member": "SELECT FROM member WHERE id = (SELECT member_id FROM card"
    " WHERE card_no = '{card_no}') FOR UPDATE",
    "the drawer's shift": "SELECT FROM shift WHERE staff_id = {staff_id} FOR UPDATE",
    "the cashier with a limit": "SELECT FROM staff WHERE id = {staff_id} FOR UPDATE",
}


@pytest.mark.parametrize("busy", _BUSY.values(), ids=_BUSY.keys())
def test_the_group_waits_for_nobody(counter, test_database, busy):
    _open_shift(counter)
    counter.set(counter.cashier, daily_cash_limit_fen=10_000_00)
    other = counter.make.staff(Role.cashier, counter.store)
    calls = [counter.call(), counter.call(staff=other)]
    lock = busy.format(card_no=calls[0].card_no, staff_id=counter.cashier.id)
    with psycopg.connect(test_database.superuser_url) as holder:
        assert holder.execute(lock).rowcount == 1
        assert sorted(counter.together(*calls)) == [1]
    assert sorted(counter.together(calls[0])) == [0]


def _open_shift(counter):
    cashier = counter.cashier
    till = Actor(
        scope=Scope.store, staff_id=cashier.id, merchant_id=cashier.merchant_id,
        store_id=cashier.store_id, role=cashier.role,
    )  # fmt: skip
    with counter.make.database.unit_of_work(SYSTEM) as session:
        shifts.open_shift(session, till=till, opening_float_fen=0, now=utc_now())


def _frozen_card(counter):
    _, card = counter.member()
    counter.set(card, status=CardStatus.frozen)
    return counter.call(card=card)


def _frozen_member(counter):
    member, card = counter.member()
    counter.set(member, status=MemberStatus.frozen)
    return counter.call(card=card)


def _over_the_cap(counter):
    return counter.call(1_000_00)


def _below_the_minimum(counter):
    return counter.call(4)


def _closed_store(counter):
    call = counter.call()
    counter.set(counter.store, status=StoreStatus.closed)
    return call


def _without_a_terminal(counter):
    call = counter.call()
    counter.set(counter.store, terminal_required=True)
    return call


def _without_a_shift(counter):
    call = counter.call()
    counter.set(counter.store, shift_required=True)
    return call


def _off_sale(counter):
    call = counter.call()
    counter.set(counter.program, status=ProgramStatus.offsale)
    return call


def _of_another_program(counter):
    return counter.call()._replace(program_id=counter.make.program(issuer=counter.merchant).id)


def _without_the_card(counter):
    """He has been here, and has no card of this program yet."""
    phone = counter.make.phone()
    counter.meet(counter.make.member(phone=phone))
    return counter.call(phone=phone)


def _member(counter):
    member, _ = counter.member()
    return counter.call()._replace(token_digest=token_digest(counter.make.member_token(member)))


def _without_a_store(counter):
    staff = counter.make.staff(Role.merchant_admin, merchant=counter.merchant)
    return counter.call(staff=staff)


LEFT_OUT = {
    _frozen_card: "card_frozen",
    _frozen_member: "member_frozen",
    _over_the_cap: "card_cap_exceeded",
    _below_the_minimum: "top_up_below_minimum",
    _closed_store: "store_closed",
    _without_a_terminal: "terminal_required",
    _without_a_shift: "shift_required",
    _off_sale: "program_not_found",
    _of_another_program: "program_not_found",
    _without_the_card: "credited",
    _member: "unauthenticated",
    _without_a_store: "store_required",
}


@pytest.mark.parametrize("case", LEFT_OUT, ids=lambda case: case.__name__.strip("_"))
def test_who_is_not_plain_is_left_out_and_told_alone(counter, case):
    call = case(counter)
    assert counter.together(call) == {}
    assert counter.alone(call)[0] == LEFT_OUT[case]
