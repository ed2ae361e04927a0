"""What each event of the demo's history books: the legs of the services that do it in earnest."""

from __future__ import annotations

from collections.abc import Iterator

from app.models.sales import TopUpChannel
from app.models.vouchers import GiftStatus
from app.services.bearers import bonus_leg
from app.services.demo.chronicle_model import (
    GiftEvent,
    Part,
    PaymentEvent,
    RedemptionEvent,
    RefundEvent,
    Story,
    TopUpEvent,
)
from app.services.ledger import Entry, Leg
from app.services.sales.comebacks import bearer_charged


def entries_of(story: Story) -> list[Entry]:
    """Every entry of the story in the order of time. The ids of all events are known by now."""
    entries = [_top_up(event) for event in story.top_ups]
    for payment in story.payments:
        entries += _payment(payment)
    for refund in story.refunds:
        entries += _refund(refund)
    entries += [_redemption(event) for event in story.redemptions]
    for gift in story.gifts:
        entries += _gift(gift)
    return sorted(entries, key=lambda entry: entry.occurred_at)


def _top_up(event: TopUpEvent) -> Entry:
    whole = event.amount_fen + event.bonus_fen
    if event.channel is TopUpChannel.code:
        assert event.paper is not None
        source = [Leg(account="voucher", amount_fen=whole, merchant_id=event.paper.issuer_id,
                      batch_id=event.paper.batch_id, top_up_id=event.id)]  # fmt: skip
    else:
        bearer_id = event.purse.program.bearer_id
        source = [_money_in(event), _of_top_up(bonus_leg(bearer_id, event.bonus_fen), event)]
    credited = [_card(part, -part.original_fen, top_up_id=event.id) for part in event.parts]
    return Entry(
        kind=f"top_up_{event.channel.name}",
        reference=f"top-up:{event.id}:credited",
        occurred_at=event.at,
        legs=[*source, *credited],
    )


def _money_in(event: TopUpEvent) -> Leg:
    if event.channel is TopUpChannel.wechat:
        return Leg(account="bank:wechat", amount_fen=event.amount_fen, top_up_id=event.id)
    assert event.shop is not None
    return Leg(
        account="cash:store", amount_fen=event.amount_fen, merchant_id=event.shop.merchant_id,
        store_id=event.shop.store_id, top_up_id=event.id,
    )  # fmt: skip


def _of_top_up(leg: Leg, event: TopUpEvent) -> Leg:
    return Leg(
        account=leg.account,
        amount_fen=leg.amount_fen,
        merchant_id=leg.merchant_id,
        top_up_id=event.id,
    )


def _payment(event: PaymentEvent) -> Iterator[Entry]:
    ids = {"payment_id": event.id}
    shop = event.shop
    spent = [_card(take.part, take.fen, **ids) for take in event.takes]
    earned = [
        Leg(account="payable:merchant", amount_fen=event.commission_fen - event.amount_fen,
            merchant_id=shop.merchant_id, store_id=shop.store_id, **ids),
        Leg(account="income:commission", amount_fen=-event.commission_fen, **ids),
        *(leg for take in event.takes if take.part.bearer_id is not None
          for leg in bearer_charged(take.part.bearer_id, take.fen, event.id)),
    ]  # fmt: skip
    reference = f"payment:{event.id}:ended"
    if not event.wechat_fen:
        yield Entry(
            kind="payment", reference=reference, occurred_at=event.at, legs=[*spent, *earned]
        )
        return
    held = {"account": "held", "merchant_id": shop.merchant_id, "store_id": shop.store_id}
    if spent:
        yield Entry(
            kind="payment_held", reference=f"payment:{event.id}:held", occurred_at=event.at,
            legs=[*spent, Leg(amount_fen=-event.card_fen, **held, **ids)],  # type: ignore[arg-type]
        )  # fmt: skip
    yield Entry(
        kind="payment_captured", reference=reference, occurred_at=event.at,
        legs=[Leg(amount_fen=event.card_fen, **held, **ids),  # type: ignore[arg-type]
              Leg(account="bank:wechat", amount_fen=event.wechat_fen, **ids), *earned],
    )  # fmt: skip


def _refund(event: RefundEvent) -> Iterator[Entry]:
    ids = {"payment_id": event.payment.id, "refund_id": event.id}
    wechat_commission = event.commission_fen - event.card_commission_fen
    if event.card_fen:
        relieved = [
            Leg(account=leg.account, amount_fen=-leg.amount_fen, merchant_id=leg.merchant_id,
                payment_id=event.payment.id)
            for take in event.takes if take.part.bearer_id is not None
            for leg in bearer_charged(take.part.bearer_id, take.fen, event.payment.id)
        ]  # fmt: skip
        back = [_card(take.part, -take.fen, **ids) for take in event.takes]
        given = _from_the_store(event, event.card_fen, event.card_commission_fen)
        yield Entry(
            kind="refund_card", reference=f"refund:{event.id}:card", occurred_at=event.at,
            legs=[*given, *back, *relieved], reason=event.reason,
        )  # fmt: skip
    if event.wechat_fen:
        owed = Leg(account="refunds:wechat", amount_fen=-event.wechat_fen, **ids)
        given = _from_the_store(event, event.wechat_fen, wechat_commission)
        yield Entry(
            kind="refund_requested", reference=f"refund:{event.id}:requested",
            occurred_at=event.at, legs=[*given, owed], reason=event.reason,
        )  # fmt: skip
        yield Entry(
            kind="refund_succeeded", reference=f"refund:{event.id}:succeeded",
            occurred_at=event.at,
            legs=[Leg(account="refunds:wechat", amount_fen=event.wechat_fen, **ids),
                  Leg(account="bank:wechat", amount_fen=-event.wechat_fen, **ids)],
        )  # fmt: skip


def _from_the_store(event: RefundEvent, amount_fen: int, commission_fen: int) -> list[Leg]:
    ids = {"payment_id": event.payment.id, "refund_id": event.id}
    shop = event.payment.shop
    return [
        Leg(account="payable:merchant", amount_fen=amount_fen - commission_fen,
            merchant_id=shop.merchant_id, store_id=shop.store_id, **ids),
        Leg(account="income:commission", amount_fen=commission_fen, **ids),
    ]  # fmt: skip


def _redemption(event: RedemptionEvent) -> Entry:
    face = event.paper.face_value_fen
    return Entry(
        kind="redemption",
        reference=f"redemption:{event.id}",
        occurred_at=event.at,
        legs=[
            Leg(account="voucher", amount_fen=face, merchant_id=event.paper.issuer_id,
                batch_id=event.paper.batch_id),
            Leg(account="payable:merchant", amount_fen=event.commission_fen - face,
                merchant_id=event.shop.merchant_id, store_id=event.shop.store_id),
            Leg(account="income:commission", amount_fen=-event.commission_fen),
        ],
    )  # fmt: skip


def _gift(event: GiftEvent) -> Iterator[Entry]:
    ids = {"gift_id": event.id}
    gone = [_card(take.part, take.fen, **ids) for take in event.takes]
    kept = [
        Leg(account="gift", amount_fen=-leg.amount_fen, merchant_id=leg.merchant_id, **ids)
        for leg in gone
    ]
    yield Entry(
        kind="gift_sent", reference=f"gift:{event.id}:sent", occurred_at=event.at,
        legs=[*gone, *kept],
    )  # fmt: skip
    if event.ended_at is None:
        return
    if event.status is GiftStatus.claimed:
        arrived = [_card(part, -part.original_fen, **ids) for part in event.parts]
    else:
        arrived = [_card(take.part, -take.fen, **ids) for take in event.takes]
    released = [
        Leg(account="gift", amount_fen=-leg.amount_fen, merchant_id=leg.merchant_id, **ids)
        for leg in arrived
    ]
    yield Entry(
        kind=f"gift_{event.status.name}", reference=f"gift:{event.id}:ended",
        occurred_at=event.ended_at, legs=[*released, *arrived],
    )  # fmt: skip


def _card(part: Part, amount_fen: int, **ids: int) -> Leg:
    return Leg(
        account="card", amount_fen=amount_fen, merchant_id=part.purse.program.issuer_id,
        card_id=part.purse.id, lot_id=part.id, **ids,
    )  # fmt: skip
