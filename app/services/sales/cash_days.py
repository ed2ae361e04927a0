"""What a cashier has taken today, which ``kaquan.take_cash`` keeps beside their limit."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models.people import CashDay, Staff


def forget_cash_day(session: Session, *, staff_id: int) -> None:
    """Have it added up anew by the next top-up. Locks the cashier: before any member or card."""
    session.execute(select(Staff.id).where(Staff.id == staff_id).with_for_update(key_share=True))
    session.execute(delete(CashDay).where(CashDay.staff_id == staff_id))
