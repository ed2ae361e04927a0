"""What a payment would take from where, before the member decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class QuoteLine:
    card_no: str
    program: str
    kind: str
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class Quote:
    """``card_fen + wechat_fen`` is the amount asked about."""

    card_fen: int
    wechat_fen: int
    lines: Sequence[QuoteLine]


_LOTS = text("""
    SELECT c.card_no, p.name AS program, l.kind, l.remaining_fen
    FROM pay_point pp
    JOIN program_acceptance a ON a.merchant_id = pp.merchant_id
    JOIN card c ON c.program_id = a.program_id AND c.status = 'active'
    JOIN card_program p ON p.id = c.program_id
    JOIN lot l ON l.card_id = c.id AND l.remaining_fen > 0
    WHERE pp.token = :pay_point AND c.member_id = :member_id
      AND (l.expires_at IS NULL OR l.expires_at > now())
    ORDER BY c.merchant_id <> pp.merchant_id, l.expires_at NULLS LAST, l.kind <> p.spend_first, l.id
""")


def quote_payment(session: Session, *, member_id: int, pay_point: str, amount_fen: int) -> Quote:
    """Walk the member's lots in the spending order of ``kaquan.allocate`` without touching them."""
    lines, missing = [], amount_fen
    for lot in session.execute(_LOTS, {"pay_point": pay_point, "member_id": member_id}):
        if missing == 0:
            break
        fen = min(lot.remaining_fen, missing)
        missing -= fen
        lines.append(
            QuoteLine(card_no=lot.card_no, program=lot.program, kind=lot.kind, amount_fen=fen)
        )
    return Quote(card_fen=amount_fen - missing, wechat_fen=missing, lines=lines)
