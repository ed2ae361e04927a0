"""The official account (公众号): who follows it, what came from WeChat, its menu."""

from __future__ import annotations

import enum

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Id, IndexedId, PrimaryKey, Timestamp, state_column


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


class OaReplyKind(enum.Enum):
    """When an answer is given: to a word, to whoever begins to follow, or when nothing is found."""

    keyword = "keyword"
    welcome = "welcome"
    nothing = "nothing"


class OaReply(Base):
    """An answer that the platform has written. ``words`` are those that ask for it."""

    __tablename__ = "oa_reply"
    __table_args__ = (
        CheckConstraint("(kind = 'keyword') = (cardinality(words) > 0)", name="oa_reply_words"),
        Index("uq_oa_reply_kind", "kind", unique=True, postgresql_where="kind <> 'keyword'"),
    )
    id: Mapped[PrimaryKey]
    kind: Mapped[OaReplyKind] = state_column(OaReplyKind, "oa_reply_kind")
    words: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    anywhere: Mapped[bool] = mapped_column(default=False, server_default="false")
    answer: Mapped[str] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
