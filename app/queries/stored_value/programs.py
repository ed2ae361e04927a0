"""Card programs as a member chooses among them: what a top-up of each brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class TierSeen:
    threshold_fen: int
    bonus_fen: int


@dataclass(frozen=True, kw_only=True)
class ProgramSeen:
    """One program on sale; ``cap_fen`` is the most that a member's card of it may hold."""

    id: int
    name: str
    issuer: str
    is_default: bool
    min_top_up_fen: int
    cap_fen: int
    accepted_by: Sequence[str]
    tiers: Sequence[TierSeen]


_PROGRAMS = text("""
    SELECT p.id, p.name, i.name AS issuer, p.is_default, p.min_top_up_fen,
        p.registered_cap_fen AS cap_fen,
        ARRAY(SELECT m.name FROM program_acceptance a JOIN merchant m ON m.id = a.merchant_id
              WHERE a.program_id = p.id AND m.status = 'active' ORDER BY m.id) AS accepted_by
    FROM card_program p JOIN merchant i ON i.id = p.merchant_id
    WHERE p.status = 'onsale' AND i.status = 'active'
    ORDER BY p.is_default DESC, p.id DESC LIMIT 200
""")
_TIERS = text("""
    SELECT program_id, threshold_fen, bonus_fen FROM bonus_tier
    WHERE program_id = ANY(:programs) ORDER BY threshold_fen
""")


def list_programs(session: Session) -> list[ProgramSeen]:
    """What can be topped up now, the default program first."""
    rows = session.execute(_PROGRAMS).all()
    tiers: dict[int, list[TierSeen]] = {row.id: [] for row in rows}
    for tier in session.execute(_TIERS, {"programs": list(tiers)}):
        tiers[tier.program_id].append(
            TierSeen(threshold_fen=tier.threshold_fen, bonus_fen=tier.bonus_fen)
        )
    return [ProgramSeen(**row._mapping, tiers=tiers[row.id]) for row in rows]
