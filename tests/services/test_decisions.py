"""What two people decide: adjustments and returns of cards, held by services and by PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.core.actor import SYSTEM
from app.core.business_settings import ADJUSTMENT_FEN, CASH_RETURN_FEN, RETURN_ALONE_FEN
from app.core.clock import local_day, utc_now
from app.models.cards import Card, CardStatus
from app.models.decisions import (
    AdjustmentStatus,
    CardAdjustment,
    PayoutWay,
    ReturnReason,
    ReturnStatus,
)
from app.models.ledger import JournalEntry
from app.models.sales import Refund, TopUpChannel
from app.services.business_settings import change_setting
from app.services.stored_value import adjustments, card_payouts, card_return_requests
from app.services.stored_value.card_return_requests import ReturnWish
from app.services.stored_value.cards import CardBalanceShort
from app.services.two_people import NotTheAsker, ReasonRequired, SecondPersonRequired
from tests.books import postings_of

NOW = utc_now()
TODAY = local_day(NOW)


@pytest.fixture(scope="module")
def people(make):
    return [make.actor(make.staff()) for _ in range(2)]


@pytest.fixture
def issuer(make):
    return make.merchant()


@pytest.fixture
def card(make, issuer):
    return make.card(make.member(), make.program(issuer=issuer), principal_fen=300_00)


def _ask(session, card, maker, fen=10_00):
    return adjustments.request_adjustment(
        session, card_id=card.id, amount_fen=fen, reason="a case", maker=maker, now=NOW
    )


def _wish(**changed):
    usual = {"reason": ReturnReason.holder, "asked_on": TODAY, "way": PayoutWay.bank, "note": "x"}
    return ReturnWish(**{**usual, **changed})


def _return(session, card, maker, *, expected_fen, wish=None, now=NOW):
    return card_return_requests.begin_return(
        session,
        card_id=card.id,
        wish=wish or _wish(),
        expected_fen=expected_fen,
        maker=maker,
        now=now,
    )


def _set(session, setting, value):
    change_setting(
        session, setting, before=setting.default, value=value, actor=SYSTEM, now=utc_now()
    )


def test_nothing_moves_before_the_second_person_agrees_and_then_once(session, card, people):
    maker, checker = people
    request = _ask(session, card, maker)
    assert session.get(Card, card.id).balance_fen == 300_00
    request_id, reference = request.id, f"card-adjustment:{request.adjustment_no}"
    with pytest.raises(SecondPersonRequired):
        adjustments.approve_adjustment(session, adjustment_id=request_id, approver=maker, now=NOW)
    adjustments.approve_adjustment(session, adjustment_id=request_id, approver=checker, now=NOW)
    with pytest.raises(adjustments.AdjustmentDecided):
        adjustments.approve_adjustment(session, adjustment_id=request_id, approver=checker, now=NOW)
    assert session.get(Card, card.id).balance_fen == 310_00
    assert postings_of(session, reference) == [
        ("card", card.merchant_id, -10_00),
        ("expense:adjustment", 1, 10_00),
    ]


def test_a_refused_adjustment_books_nothing_and_stays_refused(session, card, people):
    maker, checker = people
    request = _ask(session, card, maker, -50_00)
    refuse = {"adjustment_id": request.id, "approver": checker, "now": NOW}
    with pytest.raises(ReasonRequired):
        adjustments.refuse_adjustment(session, note="  ", **refuse)
    with pytest.raises(SecondPersonRequired):
        adjustments.refuse_adjustment(session, note="n", **{**refuse, "approver": maker})
    assert adjustments.refuse_adjustment(session, note="no", **refuse).status is (
        AdjustmentStatus.refused
    )
    with pytest.raises(adjustments.AdjustmentDecided):
        adjustments.approve_adjustment(session, adjustment_id=request.id, approver=checker, now=NOW)
    assert session.get(Card, card.id).balance_fen == 300_00


def test_an_adjustment_is_taken_back_by_its_asker_alone_and_only_once(session, card, people):
    maker, other = people
    request = _ask(session, card, maker)
    take_back = {"adjustment_id": request.id, "now": NOW}
    with pytest.raises(NotTheAsker):
        adjustments.withdraw_adjustment(session, maker=other, **take_back)
    withdrawn = adjustments.withdraw_adjustment(session, maker=maker, **take_back)
    assert (withdrawn.status, withdrawn.decided_by_id) == (
        AdjustmentStatus.withdrawn,
        maker.staff_id,
    )
    for again in (adjustments.withdraw_adjustment, adjustments.approve_adjustment):
        who = {"maker": maker} if again is adjustments.withdraw_adjustment else {"approver": other}
        with pytest.raises(adjustments.AdjustmentDecided):
            again(session, **who, **take_back)
    assert session.get(Card, card.id).balance_fen == 300_00


def test_a_return_that_was_taken_back_leaves_room_for_another(session, make, issuer, people):
    card = make.card(make.member(), make.program(issuer=issuer), principal_fen=600_00)
    maker, other = people
    request = _return(session, card, maker, expected_fen=600_00)
    with pytest.raises(NotTheAsker):
        card_return_requests.withdraw_return(session, return_id=request.id, maker=other, now=NOW)
    withdrawn = card_return_requests.withdraw_return(
        session, return_id=request.id, maker=maker, now=NOW
    )
    assert withdrawn.status is ReturnStatus.withdrawn
    assert session.get(Card, card.id).status is CardStatus.active
    again = _return(session, card, other, expected_fen=600_00)
    assert again.status is ReturnStatus.requested


def test_an_adjustment_that_the_card_cannot_bear_stays_open(database, card, people):
    maker, checker = people
    with database.unit_of_work(SYSTEM) as work:
        request_id = _ask(work, card, maker, -300_01).id
    with pytest.raises(CardBalanceShort), database.unit_of_work(SYSTEM) as work:
        adjustments.approve_adjustment(work, adjustment_id=request_id, approver=checker, now=NOW)
    with database.unit_of_work(SYSTEM) as work:
        assert work.get_one(CardAdjustment, request_id).status is AdjustmentStatus.requested


@pytest.mark.parametrize("fen", [0, ADJUSTMENT_FEN.default + 1, -ADJUSTMENT_FEN.default - 1])
def test_an_adjustment_is_neither_nothing_nor_beyond_the_setting(session, card, people, fen):
    with pytest.raises(adjustments.AdjustmentTooLarge):
        _ask(session, card, people[0], fen)


def test_postgresql_itself_refuses_one_person_in_both_roles(session, card, people):
    request = _ask(session, card, people[0])
    decide = text(
        "UPDATE card_adjustment SET status = 'refused', decided_by_id = created_by_id,"
        " decided_at = now() WHERE id = :id"
    )
    with pytest.raises(IntegrityError, match="card_adjustment_two_people"), session.begin_nested():
        session.execute(decide, {"id": request.id})
    made = _return(session, card, people[0], expected_fen=300_00)
    session.execute(text("UPDATE card_return SET two_people = false WHERE id = :i"), {"i": made.id})
    with pytest.raises(IntegrityError, match="card_return_two_people"), session.begin_nested():
        session.execute(
            text("UPDATE card_return SET two_people = true WHERE id = :i"), {"i": made.id}
        )


def test_a_small_return_is_carried_out_at_once(session, card, people):
    made = _return(session, card, people[0], expected_fen=300_00)
    assert (made.status, made.two_people, made.refund_fen) == (
        ReturnStatus.carried_out,
        False,
        300_00,
    )
    assert made.lines[0]["rule"] == "法释〔2025〕4号 第十四条"
    assert session.get(Card, card.id).status is CardStatus.returned


def test_a_large_return_waits_for_a_second_person(session, card, people):
    maker, checker = people
    _set(session, RETURN_ALONE_FEN, 299_99)
    made = _return(session, card, maker, expected_fen=300_00)
    assert (made.status, made.two_people) == (ReturnStatus.requested, True)
    return_id = made.id
    assert session.get(Card, card.id).balance_fen == 300_00
    with pytest.raises(card_return_requests.CardReturnOpen):
        _return(session, card, maker, expected_fen=300_00)
    with pytest.raises(SecondPersonRequired):
        card_return_requests.approve_return(session, return_id=return_id, approver=maker, now=NOW)
    approve = {"return_id": return_id, "approver": checker, "now": NOW}
    done = card_return_requests.approve_return(session, **approve)
    assert done.status is ReturnStatus.carried_out
    with pytest.raises(card_return_requests.CardReturnDecided):
        card_return_requests.approve_return(session, **approve)
    entries = select(func.count()).where(JournalEntry.reference == f"card:{card.id}:returned")
    assert session.scalar(entries) == 1


def test_a_return_is_not_carried_out_at_another_amount_than_agreed(session, make, card, people):
    with pytest.raises(card_return_requests.CardReturnChanged):
        _return(session, card, people[0], expected_fen=299_99)
    assert session.get(Card, card.id).balance_fen == 300_00


@pytest.mark.parametrize(("reason", "bp"), [("merchant", 300), ("holder", 150)])
def test_interest_runs_from_the_day_of_asking_at_the_rate_of_whose_reason(
    session, card, issuer, people, reason, bp
):
    wish = _wish(reason=ReturnReason[reason], asked_on=TODAY + timedelta(days=2))
    later = NOW + timedelta(days=2 + 73)  # A fifth of a year after that.
    interest_fen = 300_00 * bp // 10_000 // 5
    made = _return(
        session, card, people[0], expected_fen=300_00 + interest_fen, wish=wish, now=later
    )
    assert (made.refund_fen, made.interest_fen) == (300_00, interest_fen)
    assert postings_of(session, f"card:{card.id}:returned") == sorted(
        [
            ("card", issuer.id, 300_00),
            ("payable:merchant", issuer.id, interest_fen),
            ("bank:payout", 1, -300_00 - interest_fen),
        ]
    )


def test_no_interest_runs_on_money_that_was_not_paid_yet(session, card, people):
    wish = _wish(asked_on=TODAY - timedelta(days=73))
    made = _return(session, card, people[0], expected_fen=300_00, wish=wish)
    assert made.interest_fen == 0


@pytest.mark.parametrize("days", [-1, 400])
def test_nobody_asks_tomorrow_or_long_ago(session, card, people, days):
    wish = _wish(asked_on=TODAY - timedelta(days=days))
    with pytest.raises(card_return_requests.AskedOnImpossible):
        _return(session, card, people[0], expected_fen=300_00, wish=wish)


def test_what_wechat_cannot_refund_goes_by_the_other_way(session, make, issuer, people):
    store, member, program = make.store(issuer), make.member(), make.program(issuer=issuer)
    make.card(member, program, principal_fen=80_00)
    card = make.card(member, program, principal_fen=50_00, channel=TopUpChannel.cash, store=store)
    wish = {"way": PayoutWay.wechat, "store_id": store.id}
    with pytest.raises(card_payouts.WeChatReturnTooMuch), session.begin_nested():
        _return(session, card, people[0], expected_fen=130_00, wish=_wish(**wish))
    wish["rest_way"] = PayoutWay.cash
    _return(session, card, people[0], expected_fen=130_00, wish=_wish(**wish))
    assert postings_of(session, f"card:{card.id}:returned") == sorted(
        [
            ("card", issuer.id, 80_00),
            ("card", issuer.id, 50_00),
            ("refunds:wechat", 1, -80_00),
            ("cash:store", issuer.id, -50_00),
        ]
    )
    refunded = session.scalars(select(Refund.wechat_fen).where(Refund.member_id == member.id))
    assert refunded.all() == [80_00]


def test_cash_needs_a_store_and_obeys_its_setting(session, make, issuer, people):
    card = make.card(make.member(), make.program(issuer=issuer), principal_fen=90_00)
    cash = {"way": PayoutWay.cash}
    with pytest.raises(card_payouts.CashReturnNeedsStore), session.begin_nested():
        _return(session, card, people[0], expected_fen=90_00, wish=_wish(**cash))
    cash["store_id"] = make.store(issuer).id
    _set(session, CASH_RETURN_FEN, 89_99)
    with pytest.raises(card_payouts.CashReturnTooMuch), session.begin_nested():
        _return(session, card, people[0], expected_fen=90_00, wish=_wish(**cash))
    change_setting(session, CASH_RETURN_FEN, before=89_99, value=90_00, actor=SYSTEM, now=utc_now())
    made = _return(session, card, people[0], expected_fen=90_00, wish=_wish(**cash))
    assert made.status is ReturnStatus.carried_out
