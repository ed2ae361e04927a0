"""What a card may still take, by its program's cap. Looked at under the member's lock."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

_ROOM = text(
    "SELECT p.registered_cap_fen - kaquan.on_its_way(:member_id, :phone_digest, p.id)"
    " - coalesce((SELECT c.balance_fen FROM card c WHERE c.member_id = :member_id"
    "    AND c.program_id = p.id AND c.status NOT IN ('replaced', 'returned')), 0)"
    " FROM card_program p WHERE p.id = :program_id"
)


def room_on_card(
    session: Session, *, member_id: int | None, program_id: int, phone_digest: bytes | None = None
) -> int:
    """The fen that the cap leaves, counting money that was asked for and may still arrive.

    For a phone that nobody has bound, only what is on its way to that phone counts.
    """
    room = session.scalar(
        _ROOM,
        {"member_id": member_id, "program_id": program_id, "phone_digest": phone_digest},
    )
    assert room is not None, "the program exists"
    return int(room)
