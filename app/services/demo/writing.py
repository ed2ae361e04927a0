"""The rows of the demo's history, each table by one statement; then everything is booked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.keys import Keys, masked_phone, token_digest
from app.models.base import OPERATOR_ID
from app.models.sales import TopUpChannel
from app.services import ledger
from app.services.demo.bookings import entries_of
from app.services.demo.chronicle_model import GiftEvent, PaymentEvent, Story, TopUpEvent

_NUMBERS = text(
    "SELECT id, kaquan.document_no(:letter, id, at) FROM ("
    "  SELECT nextval(pg_get_serial_sequence(:table, 'id')) AS id, at"
    "  FROM unnest(cast(:ats AS timestamptz[])) WITH ORDINALITY AS every (at, n) ORDER BY n) drawn"
)
_CARDS = text(
    "SELECT (kaquan.card_of((c ->> 'member_id')::bigint, (c ->> 'program_id')::bigint,"
    " (c ->> 'at')::timestamptz)).id"
    " FROM jsonb_array_elements(cast(:cards AS jsonb)) WITH ORDINALITY AS every (c, n) ORDER BY n"
)
_LOTS = text(
    "SELECT kaquan.open_lot((l ->> 'card_id')::bigint, l ->> 'kind', (l ->> 'fen')::bigint,"
    " (l ->> 'bearer_id')::bigint, NULL, (l ->> 'gifts_left')::integer, (l ->> 'at')::timestamptz)"
    " FROM jsonb_array_elements(cast(:lots AS jsonb)) WITH ORDINALITY AS every (l, n) ORDER BY n"
)
_REDEEMED = text(
    "UPDATE voucher v SET status = 'redeemed', redeemed_at = (r ->> 'at')::timestamptz"
    " FROM jsonb_array_elements(cast(:papers AS jsonb)) r WHERE v.id = (r ->> 'id')::bigint"
)
CLAIM_WINDOW = timedelta(hours=24)
Row = dict[str, object]


class _Numbered(Protocol):
    at: datetime
    id: int
    number: str


def write_story(session: Session, *, story: Story, keys: Keys) -> None:
    """Members, cards, lots and events with their entries. The scope is the system's."""
    _write_people(session, story, keys)
    _open_cards(session, story)
    for table, letter, events in (
        ("top_up", "T", story.top_ups),
        ("payment", "P", story.payments),
        ("refund", "F", story.refunds),
        ("redemption", "R", story.redemptions),
        ("gift", "G", story.gifts),
    ):
        _number(session, table, letter, events)
    _insert(session, "top_up", [_top_up(event) for event in story.top_ups])
    _insert(session, "payment", [_payment(event) for event in story.payments])
    _insert(session, "refund", _refunds(story))
    _insert(session, "redemption", _redemptions(story))
    _insert(session, "gift", [_gift(event, keys) for event in story.gifts])
    used = [(event.paper, event.at) for event in story.redemptions]
    used += [(event.paper, event.at) for event in story.top_ups if event.paper is not None]
    papers = [{"id": paper.voucher_id, "at": _at(at)} for paper, at in used]
    session.execute(_REDEEMED, {"papers": json.dumps(papers)})
    ledger.post_entries(session, entries=entries_of(story))


def _write_people(session: Session, story: Story, keys: Keys) -> None:
    [*ids] = _ids(session, "member", [person.joined_at for person in story.people])
    for person, (member_id, _) in zip(story.people, ids, strict=True):
        person.id = member_id
    _insert(
        session,
        "member",
        [
            {
                "id": person.id,
                "nickname": person.nickname,
                "avatar_url": "",
                "status": "active",
                "phone_sealed": _bytes(keys.seal_phone(person.phone)),
                "phone_digest": _bytes(keys.phone_digest(person.phone)),
                "phone_masked": masked_phone(person.phone),
                "created_at": _at(person.joined_at),
            }
            for person in story.people
        ],
    )
    first: dict[tuple[int, int], datetime] = {}
    met = [(p.person, p.shop.merchant_id, p.at) for p in story.payments]
    met += [(c.person, c.program.issuer_id, c.opened_at) for c in story.purses]
    for person, merchant_id, at in sorted(met, key=lambda one: one[2]):
        if merchant_id != OPERATOR_ID:
            first.setdefault((person.id, merchant_id), at)
    _insert(
        session,
        "member_merchant",
        [
            {"member_id": member, "merchant_id": merchant, "first_seen_at": _at(at)}
            for (member, merchant), at in first.items()
        ],
    )


def _open_cards(session: Session, story: Story) -> None:
    cards = [
        {
            "member_id": purse.person.id,
            "program_id": purse.program.program_id,
            "at": _at(purse.opened_at),
        }
        for purse in story.purses
    ]
    opened = session.scalars(_CARDS, {"cards": json.dumps(cards)})
    for purse, card_id in zip(story.purses, opened, strict=True):
        purse.id = card_id
    lots = [
        {
            "card_id": part.purse.id,
            "kind": part.kind.name,
            "fen": part.original_fen,
            "bearer_id": part.bearer_id,
            "gifts_left": part.gifts_left,
            "at": _at(part.opened_at),
        }
        for part in story.parts
    ]
    for part, lot_id in zip(
        story.parts, session.scalars(_LOTS, {"lots": json.dumps(lots)}), strict=True
    ):
        part.id = lot_id


def _number(session: Session, table: str, letter: str, events: Sequence[_Numbered]) -> None:
    """Ids in the order of time, so that the newest stand first in a list, and people's numbers."""
    drawn = _ids(session, table, [event.at for event in events], letter)
    for event, (event_id, number) in zip(events, drawn, strict=True):
        event.id, event.number = event_id, number


def _ids(
    session: Session, table: str, ats: Sequence[datetime], letter: str = ""
) -> Sequence[tuple[int, str]]:
    values = {"table": table, "letter": letter, "ats": [_at(at) for at in ats]}
    return [(row[0], row[1]) for row in session.execute(_NUMBERS, values)]


def _insert(session: Session, table: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    columns = ", ".join(rows[0])
    statement = (
        f"INSERT INTO {table} ({columns}) SELECT {columns}"  # noqa: S608 - names of our own
        f" FROM jsonb_populate_recordset(NULL::{table}, cast(:rows AS jsonb))"
    )
    session.execute(text(statement), {"rows": json.dumps(rows)})


def _top_up(event: TopUpEvent) -> Row:
    by_wechat = event.channel is TopUpChannel.wechat
    return {
        "id": event.id,
        "top_up_no": event.number,
        "merchant_id": event.purse.program.issuer_id,
        "program_id": event.purse.program.program_id,
        "store_id": event.shop.store_id if event.shop else None,
        "staff_id": event.shop.staff_id if event.shop else None,
        "channel": event.channel.name,
        "status": "credited",
        "amount_fen": event.amount_fen,
        "bonus_fen": event.bonus_fen,
        "member_id": event.purse.person.id,
        "payer_id": event.purse.person.id,
        "card_id": event.purse.id,
        "voucher_id": event.paper.voucher_id if event.paper else None,
        "wechat_transaction_id": _transaction(event.number) if by_wechat else None,
        "created_at": _at(event.at),
        "paid_at": _at(event.at),
        "credited_at": _at(event.at),
    }


def _payment(event: PaymentEvent) -> Row:
    refunded = sum(refund.amount_fen for refund in event.refunds)
    state = "partly_refunded" if refunded else "paid"
    return {
        "id": event.id,
        "payment_no": event.number,
        "merchant_id": event.shop.merchant_id,
        "store_id": event.shop.store_id,
        "pay_point_id": event.shop.pay_point_id,
        "member_id": event.person.id,
        "status": "refunded" if refunded == event.amount_fen else state,
        "amount_fen": event.amount_fen,
        "card_fen": event.card_fen,
        "wechat_fen": event.wechat_fen,
        "commission_bp": event.shop.commission_bp,
        "commission_fen": event.commission_fen,
        "refunded_card_fen": sum(refund.card_fen for refund in event.refunds),
        "refunded_wechat_fen": sum(refund.wechat_fen for refund in event.refunds),
        "refunded_commission_fen": sum(refund.commission_fen for refund in event.refunds),
        "wechat_transaction_id": _transaction(event.number) if event.wechat_fen else None,
        "created_at": _at(event.at),
        "paid_at": _at(event.at),
    }


def _refunds(story: Story) -> list[Row]:
    return [
        {
            "id": event.id,
            "refund_no": event.number,
            "merchant_id": event.payment.shop.merchant_id,
            "store_id": event.payment.shop.store_id,
            "staff_id": event.payment.shop.staff_id,
            "member_id": event.payment.person.id,
            "payment_id": event.payment.id,
            "origin": "payment",
            "status": "succeeded",
            "amount_fen": event.amount_fen,
            "card_fen": event.card_fen,
            "wechat_fen": event.wechat_fen,
            "commission_fen": event.commission_fen,
            "order_no": event.payment.number,
            "order_fen": event.payment.wechat_fen,
            "reason": event.reason,
            "created_at": _at(event.at),
            "succeeded_at": _at(event.at),
        }
        for event in story.refunds
    ]


def _redemptions(story: Story) -> list[Row]:
    return [
        {
            "id": event.id,
            "redemption_no": event.number,
            "merchant_id": event.shop.merchant_id,
            "store_id": event.shop.store_id,
            "staff_id": event.shop.staff_id,
            "voucher_id": event.paper.voucher_id,
            "batch_id": event.paper.batch_id,
            "serial_no": event.paper.serial_no,
            "face_value_fen": event.paper.face_value_fen,
            "commission_bp": event.shop.commission_bp,
            "commission_fen": event.commission_fen,
            "redeemed_at": _at(event.at),
        }
        for event in story.redemptions
    ]


def _gift(event: GiftEvent, keys: Keys) -> Row:
    return {
        "id": event.id,
        "gift_no": event.number,
        "merchant_id": event.takes[0].part.purse.program.issuer_id,
        "sender_id": event.sender.id,
        "receiver_id": event.receiver.id if event.receiver else None,
        "amount_fen": event.amount_fen,
        "message": event.message,
        "cover": "",
        "claim_digest": _bytes(token_digest(keys.gift_token(event.number))),
        "status": event.status.name,
        "expires_at": _at(event.at + CLAIM_WINDOW),
        "created_at": _at(event.at),
        "ended_at": _at(event.ended_at) if event.ended_at else None,
    }


def _transaction(number: str) -> str:
    """WeChat knows nothing of what is made up here, and its numbers never begin like this."""
    return f"DEMO{number}"


def _at(instant: datetime) -> str:
    return instant.isoformat()


def _bytes(value: bytes) -> str:
    return f"\\x{value.hex()}"


@dataclass(frozen=True)
class Backdated:
    """A table whose rows of the demo were there before the story began."""

    table: str
    column: str = "created_at"


_BACKDATED = (
    Backdated("merchant"),
    Backdated("store"),
    Backdated("card_program"),
    Backdated("staff"),
)


def backdate_world(session: Session, *, began_at: datetime) -> None:
    """Merchants, stores, programs and staff were there when the first member came."""
    for one in _BACKDATED:
        session.execute(
            text(f"UPDATE {one.table} SET {one.column} = :began_at WHERE {one.column} > :began_at"),  # noqa: S608 - names of our own
            {"began_at": began_at},
        )
