"""Business settings that differ from their defaults. What there is: app/core/business_settings."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Fen, Id, Timestamp


class Setting(Base):
    """One setting that somebody has changed; without a row its default holds."""

    __tablename__ = "setting"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[Fen]  # In the setting's own unit, which its declaration names.
    changed_by_id: Mapped[Id | None]
    changed_at: Mapped[Timestamp]
