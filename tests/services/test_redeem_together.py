"""Vouchers that are redeemed together: the effects of one by one, and who is left out."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM, Role
from app.core.clock import local_day, utc_now
from app.core.keys import token_digest
from app.flows.vouchers.redeeming import redeem_scanned
from app.models.cards import Bearer
from app.models.tenants import StoreStatus
from app.models.vouchers import BatchKind, Voucher
from app.services.vouchers.batches import Acceptance
from app.services.vouchers.redemptions import REDEEM, ScannedVoucher, read_code

_ROWS = {
    "redemption": "SELECT * FROM redemption WHERE id = :id",
    "entry": "SELECT * FROM journal_entry WHERE reference = concat('redemption', chr(58), :id)",
    "posting": "SELECT p.* FROM posting p JOIN journal_entry e ON e.id = p.entry_id"
    " WHERE e.reference = concat('redemption', chr(58), :id) ORDER BY p.account, p.amount_fen",
    "outbox": "SELECT * FROM outbox_message WHERE topic = 'voucher.redeemed' AND subject_id = :id",
    "audit": "SELECT * FROM audit_record WHERE action = 'voucher.redeemed' AND subject_id = :id",
    "kept": "SELECT * FROM idempotency_record WHERE subject_id = :id AND caller = :caller",
    "voucher": "SELECT v.status, v.frozen FROM voucher v JOIN redemption r ON r.voucher_id = v.id"
    " WHERE r.id = :id",
}
# What is another one's for every redemption: ids, numbers, instants, keys.
_OWN = {
    "id", "entry_id", "reference", "redemption_no", "voucher_id", "serial_no", "redeemed_at",
    "created_at", "occurred_at", "subject_id", "key", "request_hash", "answer", "batch_id",
}  # fmt: skip


class Counter:
    """A store with a cashier, where another merchant's paper is good, too."""

    def __init__(self, make) -> None:
        self.make = make
        self.merchant, self.issuer = make.merchant(commission_bp=70), make.merchant()
        self.store = make.store(self.merchant)
        self.cashier = make.staff(Role.cashier, self.store)

    def codes(self, quantity: int = 1, **about) -> list[str]:
        accepted = [Acceptance(merchant_id=m.id) for m in (self.merchant, self.issuer)]
        about = {"issuer": self.issuer, "accepted_by": accepted, **about}
        return self.make.vouchers(self.make.batch(quantity=quantity, **about))

    def call(self, code: str, *, key: str | None = None, staff=None) -> ScannedVoucher:
        key = key or uuid.uuid4().hex
        digest = token_digest(self.make.staff_token(staff or self.cashier))
        request = hashlib.sha256(f"{key} {code}".encode()).digest()
        digests = self.make.keys.code_digests(read_code(code))
        return ScannedVoucher(digest, key, request, digests)

    def together(self, *calls: ScannedVoucher):
        return redeem_scanned(self.make.database, calls)

    def alone(self, call: ScannedVoucher):
        verdict, status, answer, _ = self.make.database.call(REDEEM, call)
        return verdict, status, answer

    def left_by(self, session, answer: str):
        """All rows of the redemption without what is another one's each time, and its answer."""
        told = json.loads(answer)
        query = text("SELECT id FROM redemption WHERE redemption_no = :no")
        redemption_id = session.scalar(query, {"no": told["redemption_no"]})
        found = {"id": redemption_id, "caller": f"staff:{self.cashier.id}"}
        rows = {}
        for table, statement in _ROWS.items():
            all_rows = session.execute(text(statement), found).mappings().all()
            rows[table] = [{k: v for k, v in row.items() if k not in _OWN} for row in all_rows]
        for name in ("redemption_no", "serial_no", "redeemed_at"):
            assert told.pop(name)
        return rows, told


@pytest.fixture
def counter(make):
    return Counter(make)


PAPER = {
    "sold": {"sale_price_fen": 90_00, "bearer": Bearer.issuer},
    "sold at a discount that the platform bears": {"sale_price_fen": 90_00},
    "given away by the issuer": {"sale_price_fen": 0, "bearer": Bearer.issuer},
}


@pytest.mark.parametrize("about", PAPER.values(), ids=PAPER.keys())
def test_together_leaves_the_same_rows_as_alone(counter, session, about):
    first, *others = counter.codes(3, face_value_fen=100_00, **about)
    verdict, status, answer = counter.alone(counter.call(first))
    assert verdict == "redeemed"
    expected = counter.left_by(session, answer)
    assert all(expected[0].values())
    answers = counter.together(*(counter.call(code) for code in others))
    assert sorted(answers) == [0, 1]
    for one in answers.values():
        assert one.status == status
        assert counter.left_by(session, one.text) == expected


def test_an_answer_is_kept_for_whoever_sends_the_call_again(counter):
    call = counter.call(*counter.codes())
    first = counter.together(call)[0]
    assert counter.together(call) == {}
    assert counter.alone(call) == ("replay", 201, first.text)


def test_each_is_answered_in_its_own_place(counter):
    faces = [10_00, 20_00, 30_00]
    calls = [counter.call(*counter.codes(face_value_fen=face)) for face in faces]
    calls.insert(1, calls[0]._replace(code_digests=[b"nothing"], key=uuid.uuid4().hex))
    answers = counter.together(*calls)
    told = {place: json.loads(answer.text)["face_value_fen"] for place, answer in answers.items()}
    assert told == {0: 10_00, 2: 20_00, 3: 30_00}


def test_a_voucher_that_comes_twice_is_redeemed_once(counter):
    [code] = counter.codes()
    calls = [counter.call(code), counter.call(code)]
    assert sorted(counter.together(*calls)) == [0]
    assert counter.alone(calls[1])[0] == "voucher_already_redeemed"


def test_a_key_that_comes_twice_with_two_vouchers_stands_for_neither(counter):
    key = uuid.uuid4().hex
    calls = [counter.call(code, key=key) for code in counter.codes(2)]
    assert counter.together(*calls) == {}
    assert [counter.alone(call)[0] for call in calls] == ["redeemed", "idempotency_key_reused"]


def test_the_group_waits_for_nobody(counter, test_database):
    calls = [counter.call(code) for code in counter.codes(2)]
    with psycopg.connect(test_database.superuser_url) as busy:
        busy.execute(
            "SELECT FROM voucher WHERE code_digest = ANY (%s) FOR UPDATE", [calls[0].code_digests]
        )
        assert sorted(counter.together(*calls)) == [1]
    assert sorted(counter.together(calls[0])) == [0]


def _set_voucher(counter, call, **values):
    with counter.make.database.unit_of_work(SYSTEM) as session:
        found = session.query(Voucher).filter(Voucher.code_digest.in_(call.code_digests)).one()
        for name, value in values.items():
            setattr(found, name, value)
    return call


def _frozen(counter):
    return _set_voucher(counter, counter.call(*counter.codes()), frozen=True)


def _expired(counter):
    yesterday = local_day(utc_now()) - timedelta(days=1)
    return _set_voucher(counter, counter.call(*counter.codes()), expires_on=yesterday)


def _of_other_kind(counter):
    program = counter.make.program(issuer=counter.issuer)
    return counter.call(*counter.codes(kind=BatchKind.topup, program=program))


def _of_strangers(counter):
    accepted = [Acceptance(merchant_id=counter.issuer.id)]
    return counter.call(*counter.codes(accepted_by=accepted))


def _closed_store(counter):
    call = counter.call(*counter.codes())
    with counter.make.database.unit_of_work(SYSTEM) as session:
        session.merge(counter.store).status = StoreStatus.closed
    return call


def _without_a_terminal(counter):
    call = counter.call(*counter.codes())
    with counter.make.database.unit_of_work(SYSTEM) as session:
        session.merge(counter.store).terminal_required = True
    return call


def _member(counter):
    token = counter.make.member_token(counter.make.member())
    return counter.call(*counter.codes())._replace(token_digest=token_digest(token))


def _without_a_store(counter):
    staff = counter.make.staff(Role.merchant_admin, merchant=counter.merchant)
    return counter.call(*counter.codes(), staff=staff)


LEFT_OUT = {
    _frozen: "voucher_frozen",
    _expired: "voucher_expired",
    _of_other_kind: "voucher_of_other_kind",
    _of_strangers: "voucher_not_found",
    _closed_store: "store_closed",
    _without_a_terminal: "terminal_required",
    _member: "unauthenticated",
    _without_a_store: "store_required",
}


@pytest.mark.parametrize("case", LEFT_OUT, ids=lambda case: case.__name__.strip("_"))
def test_who_is_not_plain_is_left_out_and_told_alone(counter, case):
    call = case(counter)
    assert counter.together(call) == {}
    assert counter.alone(call)[0] == LEFT_OUT[case]
