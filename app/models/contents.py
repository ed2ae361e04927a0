"""Content (内容): goods, solutions, articles, pages; its versions, and the pictures in it."""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.models.base import (
    Base,
    CreatedAt,
    Fen,
    Id,
    MerchantOwned,
    PrimaryKey,
    Timestamp,
    state_column,
    unique_where_given,
)


class ContentKind(enum.Enum):
    """``store`` is a store's own page; ``block`` a part of the home page; ``page`` has a slug."""

    goods = "goods"
    solution = "solution"
    article = "article"
    page = "page"
    store = "store"
    banner = "banner"
    block = "block"


class ContentStatus(enum.Enum):
    """``published`` alone is public; ``draft`` to ``scheduled`` were not public before."""

    draft = "draft"
    review = "review"
    scheduled = "scheduled"
    published = "published"
    withdrawn = "withdrawn"


class RevisionStatus(enum.Enum):
    """How far the newest version of something published is. ``none``: it is what is published."""

    none = "none"
    draft = "draft"
    review = "review"
    scheduled = "scheduled"


class ContentWords:
    """What people write: the same columns on the item and on each of its versions.

    ``body_html`` was sanitised on its way in (core/rich_text). ``price_fen`` is for goods,
    ``link_url`` for banners and blocks. Which stores offer it: ``store_ids``; empty means all.
    ``picture_ids`` are shown after the cover, in this order.
    """

    title: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text, default="", server_default="")
    body_html: Mapped[str] = mapped_column(Text, default="", server_default="")
    category: Mapped[str] = mapped_column(Text, default="", server_default="")
    city: Mapped[str] = mapped_column(Text, default="", server_default="")
    price_fen: Mapped[Fen | None]
    link_url: Mapped[str] = mapped_column(Text, default="", server_default="")

    @declared_attr
    def store_ids(cls) -> Mapped[list[int]]:  # noqa: N805 - SQLAlchemy hands the class over
        return mapped_column(ARRAY(BigInteger), default=list, server_default="{}")

    @declared_attr
    def picture_ids(cls) -> Mapped[list[int]]:  # noqa: N805 - SQLAlchemy hands the class over
        return mapped_column(ARRAY(BigInteger), default=list, server_default="{}")

    @declared_attr
    def cover_id(cls) -> Mapped[int | None]:  # noqa: N805 - SQLAlchemy hands the class over
        return mapped_column(BigInteger, ForeignKey("media_file.id"))


class ContentItem(ContentWords, MerchantOwned, Base):
    """One thing to be read. Its words are those that are public, or the newest before that.

    While it is published, newer versions wait beside it (``revision_status``) and change nothing
    here until they are published themselves. Merchant 1 is the platform.
    """

    __tablename__ = "content_item"
    __table_args__ = (
        CheckConstraint("(status = 'published') <= (published_at IS NOT NULL)", name="published"),
        CheckConstraint("(status = 'withdrawn') <= (withdrawn_at IS NOT NULL)", name="withdrawn"),
        CheckConstraint("revision_status = 'none' OR status = 'published'", name="revision"),
        CheckConstraint("price_fen >= 0", name="content_price"),
        CheckConstraint("(kind = 'page') = (slug IS NOT NULL)", name="page_slug"),
        CheckConstraint("version_no BETWEEN 1 AND head_no", name="content_version_no"),
        unique_where_given("content_item", "slug"),
        # Lists of what is public, in their order; what the clock has to publish or to withdraw.
        Index(
            "ix_content_item_public", "kind", "sort", "id", postgresql_where="status='published'"
        ),
        Index("ix_content_item_due", "publish_at", postgresql_where="publish_at IS NOT NULL"),
        Index("ix_content_item_ends", "withdraw_at", postgresql_where="withdraw_at IS NOT NULL"),
        Index("ix_content_item_merchant", "merchant_id", "id"),
        Index("ix_content_item_cover", "cover_id"),
        Index("ix_content_item_pictures", "picture_ids", postgresql_using="gin"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column(BigInteger)  # No index of its own.
    kind: Mapped[ContentKind] = state_column(ContentKind, "content_kind")
    slug: Mapped[str | None] = mapped_column(Text)
    sort: Mapped[int] = mapped_column(default=100, server_default="100")  # The least comes first.
    status: Mapped[ContentStatus] = state_column(
        ContentStatus, "content_status", default=ContentStatus.draft
    )
    revision_status: Mapped[RevisionStatus] = state_column(
        RevisionStatus, "content_revision_status", default=RevisionStatus.none
    )
    version_no: Mapped[int] = mapped_column(default=1, server_default="1")  # Whose words these are.
    head_no: Mapped[int] = mapped_column(default=1, server_default="1")  # The newest version.
    publish_at: Mapped[Timestamp | None]  # Planned; published_at and withdrawn_at have happened.
    withdraw_at: Mapped[Timestamp | None]
    published_at: Mapped[Timestamp | None]
    withdrawn_at: Mapped[Timestamp | None]
    created_by_id: Mapped[Id | None]
    updated_by_id: Mapped[Id | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class ContentVersion(ContentWords, MerchantOwned, Base):
    """One version of an item's words, as somebody saved it. It never changes.

    ``media_ids`` are all pictures in it, so that it is known where a picture is used.
    """

    __tablename__ = "content_version"
    __table_args__ = (
        UniqueConstraint("item_id", "version_no"),
        Index("ix_content_version_media", "media_ids", postgresql_using="gin"),
    )
    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("content_item.id"))
    version_no: Mapped[int]
    media_ids: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), default=list, server_default="{}"
    )
    restored_from_no: Mapped[int | None]
    created_by_id: Mapped[Id | None]
    created_at: Mapped[CreatedAt]
    published_at: Mapped[Timestamp | None]  # When it last became what is public.


class MediaStatus(enum.Enum):
    """``waiting``: it can be seen, its smaller sizes are still to be made."""

    waiting = "waiting"
    ready = "ready"
    failed = "failed"


class MediaFile(MerchantOwned, Base):
    """A picture of the library, drawn anew from what was uploaded.

    ``key`` is random and names its files (``/media/<key>/640.webp``): nobody guesses one that is
    not published yet. ``byte_count`` is all that it takes of its merchant's quota.
    """

    __tablename__ = "media_file"
    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0", name="media_size"),
        Index("ix_media_file_merchant", "merchant_id", "id"),
    )
    id: Mapped[PrimaryKey]
    merchant_id: Mapped[Id] = mapped_column(BigInteger)  # No index of its own.
    key: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    alt: Mapped[str] = mapped_column(Text, default="", server_default="")
    extension: Mapped[str] = mapped_column(Text)
    width: Mapped[int]
    height: Mapped[int]
    byte_count: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[MediaStatus] = state_column(
        MediaStatus, "media_status", default=MediaStatus.waiting
    )
    sizes: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    uploaded_by_id: Mapped[Id | None]
    created_at: Mapped[CreatedAt]


class ContentRight(Base):
    """That a merchant may write content of its own, which the platform then reviews."""

    __tablename__ = "content_right"
    merchant_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("merchant.id"), primary_key=True, autoincrement=False
    )
    given_by_id: Mapped[Id | None]
    given_at: Mapped[CreatedAt]
