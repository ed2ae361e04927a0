"""What comes back to a card that was replaced meanwhile, part by part."""

from __future__ import annotations

import hashlib

from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.core.keys import token_digest
from app.models.cards import Bearer
from app.models.sales import Payment
from app.services.sales import payments, refunds
from app.services.stored_value import cards
from tests.books import postings_of


def test_two_refunds_to_a_replaced_card_give_back_each_lot_once(session, make):
    """The bonus, spent last, comes back first; the second refund is the principal's."""
    merchant = make.merchant(commission_bp=0)
    store, member = make.store(merchant), make.member()
    program = make.program(issuer=merchant, bonus_bearer=Bearer.issuer)
    card = make.card(member, program, principal_fen=50_00, bonus_fen=50_00)
    values = payments.pay_values(
        token_digest=token_digest(make.member_token(member)),
        key="comeback",
        request_hash=hashlib.sha256(b"c").digest(),
        pay_point=make.pay_point(store).token,
        amount_fen=100_00,
        usual_appid="wxdemo",
    )
    verdict, _, _, payment_id, *_ = make.database.call(payments.PAY, values)
    assert verdict == "paid"
    cards.report_lost(session, card_id=card.id, reason="lost", actor=SYSTEM)
    new = cards.replace_card(session, card_id=card.id, actor=SYSTEM, now=utc_now())
    till = make.actor(make.staff(Role.store_manager, store))
    payment_no = session.get_one(Payment, payment_id).payment_no
    made = [
        refunds.refund_payment(
            session,
            payment_no=payment_no,
            amount_fen=50_00,
            reason="cold",
            till=till,
            now=utc_now(),
        ).id
        for _ in range(2)
    ]
    relieved = ("bonus-borne:merchant", merchant.id, 50_00)
    assert relieved in postings_of(session, f"refund:{made[0]}:card")
    assert relieved not in postings_of(session, f"refund:{made[1]}:card")
    kinds = sorted((lot.kind.name, lot.remaining_fen) for lot in cards.lots_of(session, card=new))
    assert kinds == [("bonus", 50_00), ("principal", 50_00)]
