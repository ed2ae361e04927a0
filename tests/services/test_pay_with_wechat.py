"""The rest of a payment by WeChat: what is asked for, and how the answer of it is kept."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import timedelta

import pytest

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.keys import token_digest
from app.models.people import AccessToken, MemberIdentity
from app.models.plumbing import IdempotencyRecord
from app.models.sales import Payment
from app.services.sales import payments
from app.services.sales.payments import WeChatOrder

MINI, ACCOUNT = "wx-mini", "wx-account"
SHEET = json.dumps({"package": "prepay_id=wx1", "paySign": "signed"})


class Counter:
    """A member whose card has ten yuan and who pays fifteen at a store."""

    def __init__(self, make) -> None:
        self.make = make
        self.merchant = make.merchant()
        self.store = make.store(self.merchant)
        self.point = make.pay_point(self.store)
        self.member = make.member()
        make.card(self.member, make.program(issuer=self.merchant), principal_fen=10_00)
        self.token = make.member_token(self.member)
        self.key = uuid.uuid4().hex
        with make.database.unit_of_work(SYSTEM) as session:
            for appid in (MINI, ACCOUNT):
                openid = f"{appid}-{self.member.id}"
                session.add(MemberIdentity(member_id=self.member.id, appid=appid, openid=openid))

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.key.encode()).digest()

    def sign_in(self, appid: str, token: str) -> None:
        with self.make.database.unit_of_work(SYSTEM) as session:
            session.add(
                AccessToken(
                    token_digest=token_digest(token), member_id=self.member.id, appid=appid,
                    expires_at=utc_now() + timedelta(days=1),
                )
            )  # fmt: skip

    def pay(self, fen: int = 15_00, token: str | None = None) -> tuple[str, int, WeChatOrder]:
        values = payments.pay_values(
            token_digest=token_digest(token or self.token), key=self.key, request_hash=self.hash,
            amount_fen=fen, pay_point=self.point.token, usual_appid=MINI,
        )  # fmt: skip
        verdict, _, _, payment_id, *order = self.make.database.call(payments.PAY, values)
        return verdict, payment_id, WeChatOrder(*order)

    def keep(self, payment_id: int, prepay_id: str | None) -> dict:
        identity = (f"member:{self.member.id}", self.key, self.hash)
        values = (payment_id, prepay_id, prepay_id and SHEET, *identity)
        [answer] = self.make.database.call(payments.KEEP_PREPAY, values)
        with self.make.database.unit_of_work(SYSTEM) as session:
            kept = session.get_one(IdempotencyRecord, (identity[0], self.key))
            assert (kept.http_status, kept.answer, kept.subject_id) == (201, answer, payment_id)
        return json.loads(answer)

    def row(self, payment_id: int) -> Payment:
        with self.make.database.unit_of_work(SYSTEM) as session:
            return session.get_one(Payment, payment_id)

    def end_lease(self) -> None:
        with self.make.database.unit_of_work(SYSTEM) as session:
            kept = session.get_one(IdempotencyRecord, (f"member:{self.member.id}", self.key))
            kept.lease_until = utc_now()


@pytest.fixture
def counter(make) -> Counter:
    return Counter(make)


def test_a_covered_payment_asks_for_nothing(counter):
    verdict, _, order = counter.pay(10_00)
    assert verdict == "paid"
    assert set(order) == {None}


def test_the_order_is_for_what_the_card_does_not_give(counter):
    verdict, payment_id, order = counter.pay()
    row = counter.row(payment_id)
    assert verdict == "pending"
    assert order == WeChatOrder(
        order_no=row.payment_no, status="pending", amount_fen=5_00, store_name=counter.store.name,
        payer_openid=f"{MINI}-{counter.member.id}", appid=MINI, expires_at=row.expires_at,
        prepay_id=None, caller=f"member:{counter.member.id}",
    )  # fmt: skip
    assert row.payer_appid is None  # The usual app costs no write.


def test_the_paying_session_decides_the_app(counter):
    account, mini = uuid.uuid4().hex, uuid.uuid4().hex
    counter.sign_in(ACCOUNT, account)
    counter.sign_in(MINI, mini)
    _, payment_id, order = counter.pay(token=account)
    assert (order.appid, order.payer_openid) == (ACCOUNT, f"{ACCOUNT}-{counter.member.id}")
    assert counter.row(payment_id).payer_appid == ACCOUNT
    counter.end_lease()
    assert counter.pay(token=mini)[1:] == (payment_id, order)  # Taken over: the very same order.


def test_a_call_that_goes_on_later_asks_for_the_same_order(counter):
    _, payment_id, order = counter.pay()
    assert counter.pay()[0] == "request_in_progress"
    counter.end_lease()
    assert counter.pay() == ("pending", payment_id, order)


def test_wechats_answer_is_kept_and_given_again(counter):
    _, payment_id, _ = counter.pay()
    told = counter.keep(payment_id, "wx1")
    assert (told["status"], told["card_fen"], told["wechat_fen"]) == ("pending", 10_00, 5_00)
    assert told["wechat_pay"] == json.loads(SHEET)
    assert counter.row(payment_id).prepay_id == "wx1"
    assert counter.pay()[0] == "replay"


def test_a_payment_that_ended_meanwhile_shows_no_sheet(counter, make):
    _, payment_id, _ = counter.pay()
    with make.database.unit_of_work(SYSTEM) as session:
        payments.release_payment(session, payment_id=payment_id, now=utc_now())
    told = counter.keep(payment_id, "wx1")
    assert (told["status"], told["wechat_pay"]) == ("closed", None)
    assert counter.row(payment_id).prepay_id is None


def test_what_was_paid_already_is_told_without_a_sheet(counter, make):
    _, payment_id, order = counter.pay()
    with make.database.unit_of_work(SYSTEM) as session:
        outcome = payments.confirm_payment(
            session, order_no=order.order_no, transaction_id=uuid.uuid4().hex, paid_fen=5_00,
            now=utc_now(),
        )  # fmt: skip
    assert outcome == "captured"
    told = counter.keep(payment_id, None)
    assert (told["status"], told["wechat_pay"]) == ("paid", None)
    assert told["paid_at"] is not None


def test_an_old_order_is_read_without_deciding_its_app_anew(counter, make):
    _, payment_id, order = counter.pay()
    counter.keep(payment_id, "wx1")
    counter.sign_in(ACCOUNT, uuid.uuid4().hex)
    with make.database.unit_of_work(SYSTEM) as session:
        read = payments.load_wechat_order(session, payment_id=payment_id, appid=MINI)
    assert read == order._replace(prepay_id="wx1")
    assert counter.row(payment_id).payer_appid is None
