"""The demo's oldest paper: cards that a merchant brought along when it joined, and that run out.

They were sold years ago under another system. Some were never used, and their last day has come
since: that is what the report on expired balances tells of.
"""

from __future__ import annotations

import hashlib
import random
from datetime import date, datetime, time, timedelta

from sqlalchemy.orm import Session

from app.core.clock import SHANGHAI, local_day
from app.core.keys import Keys
from app.services.demo.batches import two_people
from app.services.demo.chronicle_model import Program
from app.services.vouchers.old_cards import DryRun, OldCard
from app.services.vouchers.voucher_endings import expire_vouchers
from app.services.vouchers.voucher_imports import carry_out_import, keep_import

# How many days ago their last day was, how many cards it was the last day of; the rest are good.
_RUN_OUT = ((71, 9), (44, 14), (16, 11), (2, 6))
_STILL_GOOD = 24
_BALANCES_FEN = (12_50, 30_00, 46_80, 88_00, 100_00)


def seed_old_cards(
    session: Session, *, program: Program, keys: Keys, seed: int, imported_at: datetime,
    now: datetime,
) -> None:  # fmt: skip
    """Import the cards at a merchant's beginning, and let those that ran out since expire."""
    maker, approver = two_people(session)
    cards = _cards(random.Random(seed), local_day(now))  # noqa: S311 - a story, not a secret
    kept = keep_import(
        session,
        dry_run=DryRun(cards=cards, problems=(), problem_count=0),
        program_id=program.program_id,
        file_name="旧系统储值卡余额.xlsx",
        content=repr(cards).encode(),
        keys=keys,
        maker=maker,
    )
    kept.created_at = imported_at - timedelta(minutes=40)
    carry_out_import(session, import_id=kept.id, approver=approver, keys=keys, now=imported_at)
    for days, _ in _RUN_OUT:
        night = local_day(now) - timedelta(days=days - 1)
        expire_vouchers(session, now=datetime.combine(night, time(0, 10), SHANGHAI))


def _cards(source: random.Random, today: date) -> list[OldCard]:
    last_days = [today - timedelta(days=days) for days, count in _RUN_OUT for _ in range(count)]
    last_days += [today + timedelta(days=400)] * _STILL_GOOD
    return [_card(f"LK{20_220_000 + number}", last_day, source)
            for number, last_day in enumerate(last_days, start=1)]  # fmt: skip


def _card(serial_no: str, last_day: date, source: random.Random) -> OldCard:
    code = f"{source.randrange(10**12):012d}"
    return OldCard(
        serial_no=serial_no,
        secret=hashlib.sha256(code.encode()).hexdigest(),
        last4=code[-4:],
        balance_fen=source.choice(_BALANCES_FEN),
        expires_on=last_day.isoformat(),
    )
