"""Gifts: card value from one member to another, claimed, returned or revoked once (G1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.business_settings import GIFT_HOURS
from app.core.errors import N_, Category, DomainError
from app.core.keys import Keys, token_digest
from app.models.base import OPERATOR_ID
from app.models.cards import Card, CardProgram, CardStatus, Lot, LotKind
from app.models.ledger import Posting
from app.models.people import Member, MemberStatus
from app.models.vouchers import Gift, GiftStatus
from app.services import journal, ledger
from app.services.business_settings import read_setting
from app.services.ledger import Leg
from app.services.refusals import CardCapExceeded, CardNotFound, MemberFrozen
from app.services.sales.comebacks import Take, expiry_after, legs_back, takes_of
from app.services.stored_value.caps import room_on_card

MAX_MESSAGE = 200

_CARD_OF = text("SELECT id, status, merchant_id FROM kaquan.card_of(:member_id, :program_id, :now)")
_OPEN_LOT = text(
    "SELECT kaquan.open_lot(:card_id, 'principal', :fen, NULL, :expires_at, :gifts_left)"
)


class GiftNotFound(DomainError):
    code = "gift_not_found"
    category = Category.NOT_FOUND
    template = N_("This gift does not exist. Please ask the sender for the link again.")


class GiftGone(DomainError):
    code = "gift_already_claimed"
    category = Category.CONFLICT
    template = N_("This gift was already claimed.")


class GiftEnded(DomainError):
    code = "gift_ended"
    category = Category.CONFLICT
    template = N_("This gift was taken back or has gone back to the sender.")


class GiftIsYours(DomainError):
    code = "gift_is_yours"
    category = Category.CONFLICT
    template = N_("You cannot claim your own gift. You can take it back instead.")


class GiftBalanceShort(DomainError):
    code = "gift_balance_short"
    category = Category.CONFLICT
    template = N_(
        "Only principal that was not given on already can be given, and there is not enough."
    )


def send_gift(
    session: Session,
    *,
    sender: Actor,
    amount_fen: int,
    message: str,
    cover: str,
    card_id: int | None,
    keys: Keys,
    now: datetime,
) -> Gift:
    """Take principal off the sender's cards and keep it for whoever holds the claim token.

    Raises:
        GiftBalanceShort: Bonus, and what was given on once already, is not counted.
    """
    assert sender.member_id is not None, "only a member gives"
    _require_active(session, sender.member_id)
    takes = _take_principal(session, sender.member_id, card_id, amount_fen, now)
    gift_id, gift_no = journal.next_document(session, table="gift", letter="G", now=now)
    gift = Gift(
        id=gift_id,
        gift_no=gift_no,
        merchant_id=takes[0][1].merchant_id,
        sender_id=sender.member_id,
        amount_fen=amount_fen,
        message=message,
        cover=cover,
        claim_digest=token_digest(keys.gift_token(gift_no)),
        status=GiftStatus.sent,
        created_at=now,
        expires_at=now + timedelta(hours=read_setting(session, GIFT_HOURS)),
    )
    session.add(gift)
    session.flush()
    ledger.post_entry(
        session,
        kind="gift_sent",
        reference=f"gift:{gift_id}:sent",
        legs=[leg for take in takes for leg in _sent_legs(*take, gift_id)],
        now=now,
    )
    journal.audit(session, "gift.sent", actor=sender, subject_id=gift_id)
    return gift


def find_gift(session: Session, *, claim_token: str, lock: bool = False) -> Gift:
    """The gift of a claim token.

    Raises:
        GiftNotFound: Nobody learns more from a guess.
    """
    query = select(Gift).where(Gift.claim_digest == token_digest(claim_token))
    gift = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if gift is None:
        raise GiftNotFound
    return gift


def claim_gift(session: Session, *, claimant: Actor, claim_token: str, now: datetime) -> Gift:
    """Put a gift onto the claimant's cards of the same programs, as principal with the same expiry.

    Raises:
        CardCapExceeded: The gift stays as it is, until there is room or it goes back.
    """
    assert claimant.member_id is not None, "only a member claims"
    gift = find_gift(session, claim_token=claim_token, lock=True)
    _require_claimable(gift, claimant.member_id, now)
    _require_active(session, claimant.member_id, lock=True)
    takes = takes_of(session, gift_id=gift.id)
    gift.status, gift.receiver_id, gift.ended_at = GiftStatus.claimed, claimant.member_id, now
    session.flush()
    legs = _legs_to_claimant(session, gift, claimant.member_id, takes, now)
    _end(session, gift, "gift_claimed", legs, now)
    journal.audit(session, "gift.claimed", actor=claimant, subject_id=gift.id)
    return gift


def revoke_gift(session: Session, *, gift_id: int, sender: Actor, now: datetime) -> Gift:
    """The sender takes a gift back before anybody has claimed it.

    Raises:
        GiftNotFound: Also for another member's gift.
        GiftGone, GiftEnded: Too late.
    """
    gift = session.scalars(select(Gift).where(Gift.id == gift_id).with_for_update()).one_or_none()
    if gift is None or gift.sender_id != sender.member_id:
        raise GiftNotFound
    _require_sent(gift)
    _bring_back(session, gift, GiftStatus.revoked, now)
    journal.audit(session, "gift.revoked", actor=sender, subject_id=gift.id)
    return gift


def return_expired_gifts(session: Session, *, now: datetime, limit: int = 100) -> int:
    """Send gifts that nobody claimed in time back to their senders' lots. Returns how many."""
    due = session.scalars(
        select(Gift)
        .where(Gift.status == GiftStatus.sent, Gift.expires_at <= now)
        .order_by(Gift.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for gift in due:
        _bring_back(session, gift, GiftStatus.returned, now)
    return len(due)


def _sent_legs(lot: Lot, card: Card, fen: int, gift_id: int) -> tuple[Leg, Leg]:
    return (
        Leg(account="card", amount_fen=fen, merchant_id=card.merchant_id, card_id=card.id,
            lot_id=lot.id, gift_id=gift_id),
        Leg(account="gift", amount_fen=-fen, merchant_id=card.merchant_id, gift_id=gift_id),
    )  # fmt: skip


def _take_principal(
    session: Session, member_id: int, card_id: int | None, amount_fen: int, now: datetime
) -> list[tuple[Lot, Card, int]]:
    mine = select(Card.id).where(Card.member_id == member_id, Card.status == CardStatus.active)
    if card_id is not None:
        mine = mine.where(Card.id == card_id)
    card_ids = session.scalars(mine.order_by(Card.id).with_for_update(key_share=True)).all()
    if card_id is not None and not card_ids:
        raise CardNotFound
    rows = session.execute(
        select(Lot, Card)
        .join(Card, Card.id == Lot.card_id)
        .where(
            Lot.card_id.in_(card_ids),
            Lot.kind == LotKind.principal,
            Lot.remaining_fen > 0,
            Lot.gifts_left > 0,
            Lot.expires_at.is_(None) | (Lot.expires_at > now),
        )
        # The spending order: merchants' own programs before group-wide ones, then earliest expiry.
        .order_by(Card.merchant_id == OPERATOR_ID, Lot.expires_at.nulls_last(), Lot.id)
        .execution_options(populate_existing=True)
    )
    takes, missing = [], amount_fen
    for lot, card in rows:
        fen = min(lot.remaining_fen, missing)
        if fen:
            takes.append((lot, card, fen))
            missing -= fen
    if missing:
        raise GiftBalanceShort(extra={"givable_fen": amount_fen - missing})
    return takes


def _legs_to_claimant(
    session: Session, gift: Gift, member_id: int, takes: Sequence[Take], now: datetime
) -> list[Leg]:
    rows = session.execute(
        select(Lot, CardProgram)
        .join(Card, Card.id == Lot.card_id)
        .join(CardProgram, CardProgram.id == Card.program_id)
        .where(Lot.id.in_([take.lot_id for take in takes]))
    )
    source = {lot.id: (lot, program) for lot, program in rows}
    # All at once and by id, as a payment locks them: the takes come in the order of spending.
    mine = select(Card.id).where(Card.member_id == member_id)
    session.execute(mine.order_by(Card.id).with_for_update(key_share=True))
    legs: list[Leg] = []
    coming: dict[int, int] = {}
    for take in takes:
        lot, program = source[take.lot_id]
        card = session.execute(
            _CARD_OF, {"member_id": member_id, "program_id": program.id, "now": now}
        ).one()
        coming[program.id] = coming.get(program.id, 0) + take.fen
        room = room_on_card(session, member_id=member_id, program_id=program.id)
        if coming[program.id] > room:
            raise CardCapExceeded(extra={"room_fen": max(room, 0)})
        opened = session.scalar(
            _OPEN_LOT,
            {"card_id": card.id, "fen": take.fen, "expires_at": expiry_after(lot, now),
             "gifts_left": lot.gifts_left - 1},
        )  # fmt: skip
        legs += [
            Leg(account="gift", amount_fen=take.fen, merchant_id=program.merchant_id,
                gift_id=gift.id),
            Leg(account="card", amount_fen=-take.fen, merchant_id=program.merchant_id,
                card_id=card.id, lot_id=opened, gift_id=gift.id),
        ]  # fmt: skip
    return legs


def _bring_back(session: Session, gift: Gift, status: GiftStatus, now: datetime) -> None:
    takes = takes_of(session, gift_id=gift.id)
    gift.status, gift.ended_at = status, now
    session.flush()
    held = session.execute(
        select(Posting.merchant_id, Posting.amount_fen).where(
            Posting.gift_id == gift.id, Posting.account == "gift"
        )
    )
    legs = [
        Leg(account="gift", amount_fen=-fen, merchant_id=merchant_id, gift_id=gift.id)
        for merchant_id, fen in held
    ]
    legs += legs_back(session, takes=takes, now=now, gift_id=gift.id)
    _end(session, gift, f"gift_{status.name}", legs, now)


def _end(session: Session, gift: Gift, kind: str, legs: Sequence[Leg], now: datetime) -> None:
    # One reference for all three endings: the ledger itself refuses a second one.
    ledger.post_entry(session, kind=kind, reference=f"gift:{gift.id}:ended", legs=legs, now=now)
    journal.send_later(session, kind.replace("gift_", "gift."), subject_id=gift.id)


def _require_claimable(gift: Gift, member_id: int, now: datetime) -> None:
    _require_sent(gift)
    if gift.expires_at <= now:
        raise GiftEnded
    if gift.sender_id == member_id:
        raise GiftIsYours


def _require_sent(gift: Gift) -> None:
    if gift.status is GiftStatus.claimed:
        raise GiftGone
    if gift.status is not GiftStatus.sent:
        raise GiftEnded


def _require_active(session: Session, member_id: int, *, lock: bool = False) -> None:
    query = select(Member).where(Member.id == member_id)
    member = session.scalars(query.with_for_update(key_share=True) if lock else query).one()
    if member.status is not MemberStatus.active:
        raise MemberFrozen
