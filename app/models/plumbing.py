"""What makes the rest dependable: kept answers, the outbox, the audit log, limits, raw messages."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Id, IndexedId, PrimaryKey, Timestamp


class IdempotencyRecord(Base):
    """A key that a caller has used, the request it stood for, and the answer it got.

    ``http_status`` is empty while the call is running; then ``lease_until`` says until when.
    ``subject_id`` is what an unfinished call has made already, for whoever takes it over.
    """

    __tablename__ = "idempotency_record"
    __table_args__ = (Index("ix_idempotency_record_age", "created_at", postgresql_using="brin"),)
    caller: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    subject_id: Mapped[Id | None]
    lease_until: Mapped[Timestamp | None]
    http_status: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]


class OutboxMessage(Base):
    """What must happen after a commit, written by the same transaction."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_unsent", "id", postgresql_where="sent_at IS NULL"),
        Index("ix_outbox_message_age", "created_at", postgresql_using="brin"),
    )
    id: Mapped[PrimaryKey]
    topic: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[Id]
    merchant_id: Mapped[Id | None]
    store_id: Mapped[Id | None]
    created_at: Mapped[CreatedAt]
    sent_at: Mapped[Timestamp | None]


class AuditRecord(Base):
    """Who did what, append only. A background sealer chains the records by hash."""

    __tablename__ = "audit_record"
    __table_args__ = (
        Index("ix_audit_record_merchant", "merchant_id", "id"),
        Index("ix_audit_record_unsealed", "id", postgresql_where="chain_hash IS NULL"),
    )
    id: Mapped[PrimaryKey]
    occurred_at: Mapped[CreatedAt]
    action: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[Id | None]
    merchant_id: Mapped[Id | None]
    store_id: Mapped[Id | None]
    staff_id: Mapped[Id | None]
    member_id: Mapped[Id | None]
    detail: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    chain_hash: Mapped[bytes | None] = mapped_column(LargeBinary)


class RateLimitBucket(Base):
    """A bucket of tokens per caller and kind of call. Unlogged: a crash only forgives."""

    __tablename__ = "rate_limit_bucket"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy wants a plain dict
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    tokens: Mapped[float]
    refilled_at: Mapped[Timestamp]


class WeChatNotification(Base):
    """A notification as it came, kept before anything is made of it."""

    __tablename__ = "wechat_notification"
    __table_args__ = (
        Index("ix_wechat_notification_open", "id", postgresql_where="processed_at IS NULL"),
    )
    id: Mapped[PrimaryKey]
    event_id: Mapped[str] = mapped_column(Text, unique=True)
    event_type: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, object]] = mapped_column(JSONB)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[CreatedAt]
    processed_at: Mapped[Timestamp | None]
    outcome: Mapped[str | None] = mapped_column(Text)


class CachedToken(Base):
    """A far end's access token, shared by all processes. Sealed."""

    __tablename__ = "cached_token"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[Timestamp]


class JobFailure(Base):
    """That a job of the queue has failed once, and how: kind of error and its first line only."""

    __tablename__ = "job_failure"
    id: Mapped[PrimaryKey]
    job_id: Mapped[IndexedId]
    task_name: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int]
    error: Mapped[str] = mapped_column(Text)
    failed_at: Mapped[CreatedAt]
