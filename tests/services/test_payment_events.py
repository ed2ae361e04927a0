"""Top-ups, payments, refunds and gifts: what each event of the design's table books."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.actor import Actor, Role, Scope
from app.core.clock import utc_now
from app.core.keys import token_digest
from app.models.cards import Bearer
from app.models.sales import Payment, Refund, TopUpChannel
from app.models.tenants import Terminal
from app.services.people.members import bind_phone
from app.services.ports import RefundState, WeChatRefund
from app.services.sales import cash_top_ups, payments, refunds, top_ups
from app.services.stored_value import gifts
from tests.books import balance_fen, postings_of

_keys = itertools.count(1)


@pytest.fixture
def shop(make):
    """A merchant at one percent, its store, pay point and a program whose bonus it bears."""
    merchant = make.merchant(commission_bp=100)
    store = make.store(merchant)
    program = make.program(issuer=merchant, bonus_bearer=Bearer.issuer)
    return merchant, store, make.pay_point(store), program


def _me(member):
    return Actor(scope=Scope.member, member_id=member.id)


def _pay(make, member, pay_point, amount_fen):
    key = f"pay-{next(_keys)}"
    values = payments.pay_values(
        token_digest=token_digest(make.member_token(member)),
        key=key,
        request_hash=hashlib.sha256(key.encode()).digest(),
        pay_point=pay_point.token,
        amount_fen=amount_fen,
        usual_appid="wxdemo",
    )
    verdict, _, _, payment_id, *_ = make.database.call(payments.PAY, values)
    return verdict, payment_id


def _manager(make, store):
    return make.actor(make.staff(Role.store_manager, store))


def _confirm(session, payment_id, transaction_id):
    payment = session.get(Payment, payment_id)
    return payments.confirm_payment(
        session, order_no=payment.payment_no, transaction_id=transaction_id,
        paid_fen=payment.wechat_fen, now=utc_now(),
    )  # fmt: skip


def test_a_wechat_top_up_with_bonus(session, make, shop):
    merchant, _, _, program = shop
    member = make.member()
    top_up = _begin(session, make, member, program, 300_00)
    top_up.bonus_fen = 60_00
    _settle(session, top_up)
    assert postings_of(session, f"top-up:{top_up.id}:credited") == sorted(
        [
            ("bank:wechat", 1, 300_00),
            ("bonus-borne:merchant", merchant.id, 60_00),
            ("card", merchant.id, -300_00),
            ("card", merchant.id, -60_00),
        ]
    )


def _begin(session, make, payer, program, amount_fen, phone=None):
    return top_ups.begin_wechat_top_up(
        session, payer=_me(payer), amount_fen=amount_fen, phone=phone, program_id=program.id,
        keys=make.keys, now=utc_now(),
    )  # fmt: skip


def _settle(session, top_up):
    session.flush()
    return top_ups.confirm_top_up(
        session, order_no=top_up.top_up_no, transaction_id=f"t-{top_up.top_up_no}",
        paid_fen=top_up.amount_fen, now=utc_now(),
    )  # fmt: skip


def test_a_top_up_for_an_unbound_phone_waits_and_arrives(session, make, shop):
    merchant, _, _, program = shop
    phone = make.phone()
    top_up = _begin(session, make, make.member(), program, 50_00, phone)
    assert _settle(session, top_up) == "kept"
    assert postings_of(session, f"top-up:{top_up.id}:paid") == [
        ("bank:wechat", 1, 50_00),
        ("pending:top-up", 1, -50_00),
    ]
    member = make.member()
    owner = bind_phone(session, member_id=member.id, phone=phone, keys=make.keys)
    assert top_ups.deliver_to_phone(session, member=owner, now=utc_now()) == 50_00
    assert postings_of(session, f"top-up:{top_up.id}:credited") == [
        ("card", merchant.id, -50_00),
        ("pending:top-up", 1, 50_00),
    ]


def test_money_for_a_phone_that_nobody_binds_goes_back(session, make, shop):
    *_, program = shop
    top_up = _begin(session, make, make.member(), program, 50_00, make.phone())
    _settle(session, top_up)
    top_ups.return_unclaimed(session, now=utc_now() + timedelta(days=31))
    session.flush()
    refund = session.query(Refund).filter_by(top_up_id=top_up.id).one()
    assert postings_of(session, f"refund:{refund.id}:requested") == [
        ("pending:top-up", 1, 50_00),
        ("refunds:wechat", 1, -50_00),
    ]


def test_a_cash_top_up_and_its_reversal(session, make, shop):
    merchant, store, _, program = shop
    card = make.card(
        make.member(), program, principal_fen=80_00, channel=TopUpChannel.cash, store=store
    )
    top_up = session.query(top_ups.TopUp).filter_by(card_id=card.id).one()
    assert postings_of(session, f"top-up:{top_up.id}:credited") == [
        ("card", merchant.id, -80_00),
        ("cash:store", merchant.id, 80_00),
    ]
    cash_top_ups.reverse_cash_top_up(
        session, top_up_no=top_up.top_up_no, reason="wrong card", till=_manager(make, store),
        now=utc_now(),
    )  # fmt: skip
    assert postings_of(session, f"top-up:{top_up.id}:credited:reversed") == [
        ("card", merchant.id, 80_00),
        ("cash:store", merchant.id, -80_00),
    ]


def test_a_payment_pays_the_store_less_commission_and_charges_the_bonus(session, make, shop):
    merchant, _, pay_point, program = shop
    member = make.member()
    make.card(member, program, principal_fen=30_00, bonus_fen=20_00)
    verdict, payment_id = _pay(make, member, pay_point, 50_00)
    assert verdict == "paid"
    assert postings_of(session, f"payment:{payment_id}:ended") == sorted(
        [
            ("card", merchant.id, 30_00),
            ("card", merchant.id, 20_00),
            ("payable:merchant", merchant.id, -49_50),
            ("income:commission", 1, -50),
            ("payable:merchant", merchant.id, 20_00),
            ("bonus-borne:merchant", merchant.id, -20_00),
        ]
    )


@pytest.fixture
def combined(make, shop):
    """30 yuan from the card, 20 of them bonus, and 70 to come from WeChat."""
    _, _, pay_point, program = shop
    member = make.member()
    card = make.card(member, program, principal_fen=10_00, bonus_fen=20_00)
    verdict, payment_id = _pay(make, member, pay_point, 100_00)
    assert verdict == "pending"
    return card, payment_id


def test_the_card_part_of_a_combined_payment_is_held(session, shop, combined):
    merchant = shop[0]
    assert postings_of(session, f"payment:{combined[1]}:held") == sorted(
        [("card", merchant.id, 10_00), ("card", merchant.id, 20_00), ("held", merchant.id, -30_00)]
    )


def test_wechats_confirmation_captures_the_hold(session, shop, combined):
    merchant = shop[0]
    _, payment_id = combined
    assert _confirm(session, payment_id, f"w-{payment_id}") == "captured"
    assert _confirm(session, payment_id, f"w-{payment_id}") == "repeated"
    assert postings_of(session, f"payment:{payment_id}:ended") == sorted(
        [
            ("held", merchant.id, 30_00),
            ("bank:wechat", 1, 70_00),
            ("payable:merchant", merchant.id, -99_00),
            ("income:commission", 1, -1_00),
            ("payable:merchant", merchant.id, 20_00),
            ("bonus-borne:merchant", merchant.id, -20_00),
        ]
    )


def test_closing_gives_the_hold_back_and_a_later_success_is_not_ours(session, shop, combined):
    merchant = shop[0]
    card, payment_id = combined
    payments.begin_closing(session, payment_id=payment_id, now=utc_now())
    payments.release_payment(session, payment_id=payment_id, now=utc_now())
    assert postings_of(session, f"payment:{payment_id}:ended") == sorted(
        [("held", merchant.id, 30_00), ("card", merchant.id, -10_00), ("card", merchant.id, -20_00)]
    )
    assert balance_fen(session, "card", card_id=card.id) == -30_00
    assert _confirm(session, payment_id, f"w-{payment_id}") == "late"
    assert postings_of(session, f"payment:{payment_id}:late") == [
        ("bank:wechat", 1, 70_00),
        ("unapplied:wechat", 1, -70_00),
    ]
    refund = session.query(Refund).filter_by(payment_id=payment_id).one()
    assert postings_of(session, f"refund:{refund.id}:requested") == [
        ("refunds:wechat", 1, -70_00),
        ("unapplied:wechat", 1, 70_00),
    ]


def test_a_refund_goes_back_tender_by_tender(session, make, shop, combined):
    merchant, store, *_ = shop
    card, payment_id = combined
    _confirm(session, payment_id, f"w-{payment_id}")
    refund = refunds.refund_payment(
        session, payment_no=session.get(Payment, payment_id).payment_no, amount_fen=50_00,
        reason="returned goods", till=_manager(make, store), now=utc_now(),
    )  # fmt: skip
    assert (refund.card_fen, refund.wechat_fen, refund.commission_fen) == (15_00, 35_00, 50)
    card_part = postings_of(session, f"refund:{refund.id}:card")
    assert ("income:commission", 1, 15) in card_part
    assert ("payable:merchant", merchant.id, 14_85) in card_part
    assert sum(fen for account, _, fen in card_part if account == "card") == -15_00
    assert postings_of(session, f"refund:{refund.id}:requested") == [
        ("income:commission", 1, 35),
        ("payable:merchant", merchant.id, 34_65),
        ("refunds:wechat", 1, -35_00),
    ]
    told = WeChatRefund(
        refund_no=refund.refund_no, order_no=refund.order_no, state=RefundState.SUCCESS,
        refund_id=f"r-{refund.id}", refund_fen=35_00,
    )  # fmt: skip
    assert refunds.note_wechat_refund(session, told=told, now=utc_now()) == "succeeded"
    assert postings_of(session, f"refund:{refund.id}:succeeded") == [
        ("bank:wechat", 1, -35_00),
        ("refunds:wechat", 1, 35_00),
    ]
    assert balance_fen(session, "card", card_id=card.id) == -15_00


def test_a_refund_that_wechat_closed_is_asked_again_for_the_same_person_and_terminal(
    session, make, shop, combined
):
    _, payment_id = combined
    _confirm(session, payment_id, f"w-{payment_id}")
    terminal = Terminal(merchant_id=shop[1].merchant_id, store_id=shop[1].id, name="前台")
    session.add(terminal)
    session.flush()
    till = replace(_manager(make, shop[1]), terminal_id=terminal.id)
    refund = refunds.refund_payment(
        session, payment_no=session.get(Payment, payment_id).payment_no, amount_fen=50_00,
        reason="returned goods", till=till, now=utc_now(),
    )  # fmt: skip
    told = WeChatRefund(
        refund_no=refund.refund_no, order_no=refund.order_no, state=RefundState.CLOSED,
        refund_id=f"r-{refund.id}", refund_fen=35_00,
    )  # fmt: skip
    assert refunds.note_wechat_refund(session, told=told, now=utc_now()) == "asked_again"
    again = session.query(Refund).filter_by(replaces_id=refund.id).one()
    assert (again.amount_fen, again.card_fen, again.wechat_fen) == (35_00, 0, 35_00)
    assert (again.staff_id, again.terminal_id) == (till.staff_id, terminal.id)


@pytest.fixture
def gift(session, make, shop):
    """Ten yuan on their way to whoever has the link."""
    member = make.member()
    make.card(member, shop[3], principal_fen=30_00)
    return gifts.send_gift(
        session, sender=_me(member), amount_fen=10_00, message="", cover="", card_id=None,
        keys=make.keys, now=utc_now(),
    )  # fmt: skip


def test_a_gift_sent_and_claimed(session, make, shop, gift):
    merchant = shop[0]
    assert postings_of(session, f"gift:{gift.id}:sent") == [
        ("card", merchant.id, 10_00),
        ("gift", merchant.id, -10_00),
    ]
    gifts.claim_gift(
        session, claimant=_me(make.member()), claim_token=make.keys.gift_token(gift.gift_no),
        now=utc_now(),
    )  # fmt: skip
    assert postings_of(session, f"gift:{gift.id}:ended") == [
        ("card", merchant.id, -10_00),
        ("gift", merchant.id, 10_00),
    ]


def test_a_gift_that_nobody_claims_goes_back_to_the_same_lot(session, shop, gift):
    merchant, gift_id = shop[0], gift.id
    gifts.return_expired_gifts(session, now=utc_now() + timedelta(days=2))
    assert postings_of(session, f"gift:{gift_id}:ended") == [
        ("card", merchant.id, -10_00),
        ("gift", merchant.id, 10_00),
    ]
