"""What can be found: one document for each thing that is public, synonyms, and what was asked."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Id, MerchantOwned, PrimaryKey, Timestamp


class SearchDocument(MerchantOwned, Base):
    """A store, or a published item of content, as it is looked for. Nothing else is in here.

    ``lexemes`` are core/search_words'; ``sound`` is the title's pinyin, for typing errors.
    """

    __tablename__ = "search_document"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id"),
        Index("ix_search_document_lexemes", "lexemes", postgresql_using="gin"),
        Index("ix_search_document_url", "url"),
    )
    id: Mapped[PrimaryKey]
    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[Id]
    merchant_name: Mapped[str] = mapped_column(Text)
    city: Mapped[str] = mapped_column(Text, default="", server_default="")
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text, default="", server_default="")
    url: Mapped[str] = mapped_column(Text)
    sound: Mapped[str] = mapped_column(Text, default="", server_default="")
    lexemes: Mapped[str] = mapped_column(TSVECTOR)
    lat: Mapped[float | None]  # GCJ-02 degrees
    lng: Mapped[float | None]
    published_at: Mapped[Timestamp]
    indexed_at: Mapped[CreatedAt]


class SearchSynonym(Base):
    """Words that mean the same to whoever searches: 储值, 充值. The platform keeps them."""

    __tablename__ = "search_synonym"
    id: Mapped[PrimaryKey]
    words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[CreatedAt]


class SearchWord(Base):
    """How often something was looked for on a local day, and how often that found nothing."""

    __tablename__ = "search_word"
    day: Mapped[date] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(Text, primary_key=True)
    searches: Mapped[int] = mapped_column(default=0, server_default="0")
    found_none: Mapped[int] = mapped_column(default=0, server_default="0")
