"""The official account (公众号): who follows it, what came from WeChat, its menu."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Id, IndexedId, PrimaryKey, Timestamp


class OaFollower(Base):
    """Somebody who follows, or did. ``member_id`` when a member has the same unionid."""

    __tablename__ = "oa_follower"
    id: Mapped[PrimaryKey]
    openid: Mapped[str] = mapped_column(Text, unique=True)
    unionid: Mapped[str | None] = mapped_column(Text, index=True)
    member_id: Mapped[Id | None]
    scene: Mapped[str] = mapped_column(Text, default="", server_default="")
    followed_at: Mapped[CreatedAt]
    unfollowed_at: Mapped[Timestamp | None]


class OaMessage(Base):
    """A message or an event, once: WeChat sends it again when it is not answered in time."""

    __tablename__ = "oa_message"
    message_key: Mapped[str] = mapped_column(Text, primary_key=True)
    openid: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text, default="", server_default="")
    received_at: Mapped[CreatedAt]


class OaMenu(Base):
    """A version of the account's menu, as WeChat takes it; the newest published one shows."""

    __tablename__ = "oa_menu"
    id: Mapped[PrimaryKey]
    buttons: Mapped[list[dict[str, object]]] = mapped_column(JSONB)
    staff_id: Mapped[IndexedId]
    created_at: Mapped[CreatedAt]
    published_at: Mapped[Timestamp | None]
