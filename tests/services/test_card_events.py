"""Cards: what each event in a card's life books, and who may cause it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.models.cards import Bearer, Card, CardStatus, Lot, LotKind
from app.models.people import AccessToken, Member, MemberIdentity, MemberStatus
from app.models.sales import Refund, RefundOrigin, TopUpChannel
from app.services.people import erasures
from app.services.refusals import CardCapExceeded, CardNotFound
from app.services.stored_value import card_payouts, cards, expiry
from app.services.stored_value.card_payouts import PayoutWay
from app.services.stored_value.card_returns import ReturnReason
from app.services.two_people import ReasonRequired, SecondPersonRequired
from tests.books import postings_of

P, B = 300_00, 60_00


@pytest.fixture
def issuer(make):
    return make.merchant()


@pytest.fixture(params=[Bearer.platform, Bearer.issuer], ids=lambda bearer: bearer.name)
def card(request, make, issuer):
    """300 yuan paid, 60 given."""
    program = make.program(issuer=issuer, bonus_bearer=request.param, bonus_days=10)
    made = make.card(make.member(), program, principal_fen=P, bonus_fen=B)
    made.bearer = request.param
    return made


def _bonus(card, amount_fen):
    if card.bearer is Bearer.platform:
        return ("expense:bonus", 1, amount_fen)
    return ("bonus-borne:merchant", card.merchant_id, amount_fen)


def _lots(session, card):
    """Principal first, then bonus."""
    lots = select(Lot).where(Lot.card_id == card.id).order_by(Lot.kind.desc(), Lot.id)
    return session.scalars(lots).all()


def test_expired_bonus_goes_back_to_its_bearer(session, card):
    expiry.expire_lots(session, now=utc_now() + timedelta(days=9))
    assert session.get(Card, card.id).balance_fen == P + B
    assert expiry.expire_lots(session, now=utc_now() + timedelta(days=11)) >= 1
    bonus = next(lot for lot in _lots(session, card) if lot.kind is LotKind.bonus)
    reference = f"lot:{bonus.id}:expired:{bonus.expires_at.timestamp():.6f}"
    assert postings_of(session, reference) == sorted(
        [("card", card.merchant_id, B), _bonus(card, -B)]
    )
    assert session.get(Card, card.id).balance_fen == P


def test_expired_principal_is_breakage(session, make, issuer):
    program = make.program(issuer=issuer, principal_days=5)
    card = make.card(make.member(), program, principal_fen=P)
    expiry.expire_lots(session, now=utc_now() + timedelta(days=6))
    [lot] = _lots(session, card)
    reference = f"lot:{lot.id}:expired:{lot.expires_at.timestamp():.6f}"
    assert postings_of(session, reference) == [("card", issuer.id, P), ("income:breakage", 1, -P)]


def test_a_lost_card_does_not_expire_and_its_value_moves_lot_by_lot(session, make, card):
    later = utc_now() + timedelta(days=30)
    cards.report_lost(session, card_id=card.id, reason="left on a bus", actor=SYSTEM)
    expiry.expire_lots(session, now=later)
    new = cards.replace_card(session, card_id=card.id, actor=SYSTEM, now=later)
    assert postings_of(session, f"card:{card.id}:replaced") == sorted(
        ("card", card.merchant_id, fen) for fen in (P, B, -P, -B)
    )
    old = session.get(Card, card.id)
    assert (old.status, old.balance_fen, old.replaced_by_id) == (CardStatus.replaced, 0, new.id)
    assert (new.status, new.balance_fen) == (CardStatus.active, P + B)
    assert new.member_id == card.member_id
    before, after = _lots(session, old), _lots(session, new)
    kept = ("kind", "bonus_bearer_id", "gifts_left", "created_at")
    assert [[getattr(lot, n) for n in kept] for lot in before] == [
        [getattr(lot, n) for n in kept] for lot in after
    ]
    # The bonus ran out while the card was lost: it lives thirty days more.
    assert [lot.expires_at for lot in after] == [None, later + timedelta(days=30)]


def test_only_a_lost_card_is_replaced(session, card):
    with pytest.raises(cards.CardStateConflict):
        cards.replace_card(session, card_id=card.id, actor=SYSTEM, now=utc_now())


def test_freezing_and_back(session, card):
    said = {"card_id": card.id, "reason": "asked by phone", "actor": SYSTEM}
    assert cards.freeze_card(session, **said).status is CardStatus.frozen
    with pytest.raises(cards.CardStateConflict):
        cards.freeze_card(session, **said)
    assert cards.unfreeze_card(session, **said).status is CardStatus.active


@pytest.fixture
def decide(session, make):
    """An adjustment that two people have decided."""
    maker, approver = make.actor(make.staff()), make.actor(make.staff())

    def adjust(card, amount_fen, **changed):
        said = {"request_no": f"{card.id}:{amount_fen}", "reason": "till error", "maker": maker,
                "approver": approver}  # fmt: skip
        cards.adjust_card(
            session, card_id=card.id, amount_fen=amount_fen, now=utc_now(), **said | changed
        )
        return f"card-adjustment:{card.id}:{amount_fen}"

    return adjust


def test_an_increase_is_new_principal(session, card, decide):
    assert postings_of(session, decide(card, 50_00)) == [
        ("card", card.merchant_id, -50_00),
        ("expense:adjustment", 1, 50_00),
    ]
    assert [lot.remaining_fen for lot in _lots(session, card)] == [P, 50_00, B]


def test_a_decrease_takes_lots_in_order_and_bonus_is_its_bearers(session, card, decide):
    # The bonus expires first, so it is taken first.
    assert postings_of(session, decide(card, -100_00)) == sorted(
        [
            ("card", card.merchant_id, B),
            _bonus(card, -B),
            ("card", card.merchant_id, 40_00),
            ("expense:adjustment", 1, -40_00),
        ]
    )


def test_an_adjustment_needs_two_people_a_reason_room_and_balance(make, card, decide):
    one = make.actor(make.staff())
    with pytest.raises(SecondPersonRequired):
        decide(card, 1, maker=one, approver=one)
    with pytest.raises(ReasonRequired):
        decide(card, 1, reason=" ")
    with pytest.raises(CardCapExceeded):
        decide(card, 500_000 - P - B + 1)
    with pytest.raises(cards.CardBalanceShort):
        decide(card, -P - B - 1)


def test_returning_within_seven_days_gives_the_principal_and_ends_the_bonus(session, card):
    quote = card_payouts.return_card(
        session, card_id=card.id, reason=ReturnReason.holder, way=PayoutWay.bank,
        actor=SYSTEM, now=utc_now() + timedelta(days=6),
    )  # fmt: skip
    assert (quote.refund_fen, quote.forfeited_fen) == (P, B)
    assert postings_of(session, f"card:{card.id}:returned") == sorted(
        [
            ("card", card.merchant_id, P),
            ("card", card.merchant_id, B),
            ("bank:payout", 1, -P),
            _bonus(card, -B),
        ]
    )
    assert session.get(Card, card.id).status is CardStatus.returned
    with pytest.raises(CardNotFound):
        cards.lock_card(session, card_id=card.id)


def test_returning_by_wechat_asks_for_the_orders_money(session, card):
    card_payouts.return_card(
        session, card_id=card.id, reason=ReturnReason.holder, way=PayoutWay.wechat,
        actor=SYSTEM, now=utc_now(),
    )  # fmt: skip
    refund = session.scalars(
        select(Refund).where(
            Refund.origin == RefundOrigin.card_return, Refund.member_id == card.member_id
        )
    ).one()
    assert (refund.wechat_fen, refund.order_fen) == (P, P)
    assert ("refunds:wechat", 1, -P) in postings_of(session, f"card:{card.id}:returned")


def test_small_change_goes_out_in_cash_and_more_does_not(session, make, issuer):
    store = make.store(issuer)
    program = make.program(issuer=issuer)
    cash = {"reason": ReturnReason.holder, "way": PayoutWay.cash, "store": store, "actor": SYSTEM,
            "now": utc_now()}  # fmt: skip
    little, much = (
        make.card(make.member(), program, principal_fen=fen, channel=TopUpChannel.cash, store=store)
        for fen in (100_00, 100_01)
    )
    card_payouts.return_card(session, card_id=little.id, **cash)
    assert postings_of(session, f"card:{little.id}:returned") == [
        ("card", issuer.id, 100_00),
        ("cash:store", issuer.id, -100_00),
    ]
    with pytest.raises(card_payouts.CashReturnTooMuch):
        card_payouts.return_card(session, card_id=much.id, **cash)
    with pytest.raises(card_payouts.WeChatReturnTooMuch):
        card_payouts.return_card(session, card_id=much.id, **cash | {"way": PayoutWay.wechat})


def test_a_replaced_card_is_returned_as_old_as_it_is(session, card):
    cards.report_lost(session, card_id=card.id, reason="lost", actor=SYSTEM)
    later = utc_now() + timedelta(days=8)
    new = cards.replace_card(session, card_id=card.id, actor=SYSTEM, now=later)
    quote = card_payouts.quote_return(
        session, card_id=new.id, reason=ReturnReason.holder, now=later
    )
    assert quote.lines[0].label == "Paid earlier"
    assert quote.refund_fen == P


def test_erasing_puts_value_aside_and_shreds_the_person(session, make, card):
    token = make.member_token(session.get(Member, card.member_id))
    assert erasures.erase_member(
        session, member_id=card.member_id, actor=SYSTEM, now=utc_now()
    ) == (P + B)
    assert postings_of(session, f"member:{card.member_id}:erased") == sorted(
        [
            ("card", card.merchant_id, P),
            ("card", card.merchant_id, B),
            ("suspense:member", 1, -P - B),
        ]
    )
    member = session.get(Member, card.member_id)
    assert member.status is MemberStatus.erased
    assert (member.nickname, member.phone_masked, member.phone_sealed) == ("", None, None)
    openids = session.scalars(
        select(MemberIdentity.openid).where(MemberIdentity.member_id == member.id)
    ).all()
    assert all(openid.startswith("erased:") for openid in openids)
    revoked = session.scalars(
        select(AccessToken.revoked_at).where(AccessToken.member_id == member.id)
    ).all()
    assert token
    assert None not in revoked
