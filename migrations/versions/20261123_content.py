"""Content: items, their versions, pictures, and which merchants may write their own.

New tables only. Undo drops them with all that was written; the pictures' files stay in KAQUAN_HOME.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "content"
down_revision = "20261123_members_app"
branch_labels = None
depends_on = None

KINDS = ("goods", "solution", "article", "page", "store", "banner", "block")
STATES = ("draft", "review", "scheduled", "published", "withdrawn")
REVISIONS = ("none", "draft", "review", "scheduled")


def upgrade() -> None:
    _create_media()
    _create_items()
    _index_items()
    op.create_table(
        "content_right",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("given_by_id", sa.BigInteger(), nullable=True),
        _now("given_at"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"]),
        sa.PrimaryKeyConstraint("merchant_id"),
    )
    op.create_table(
        "content_version",
        _id(),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        _ids("media_ids"),
        sa.Column("restored_from_no", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        _now("created_at"),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        *_words(),
        sa.ForeignKeyConstraint(["cover_id"], ["media_file.id"]),
        sa.ForeignKeyConstraint(["item_id"], ["content_item.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "version_no"),
    )
    op.create_index(
        "ix_content_version_media", "content_version", ["media_ids"], postgresql_using="gin"
    )
    op.create_index(op.f("ix_content_version_merchant_id"), "content_version", ["merchant_id"])


def _create_media() -> None:
    op.create_table(
        "media_file",
        _id(),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("alt", sa.Text(), server_default="", nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        _state("status", "media_status", ("waiting", "ready", "failed"), "waiting"),
        sa.Column("sizes", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("uploaded_by_id", sa.BigInteger(), nullable=True),
        _now("created_at"),
        sa.CheckConstraint("width > 0 AND height > 0", name="media_size"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_media_file_merchant", "media_file", ["merchant_id", "id"])


def _create_items() -> None:
    op.create_table(
        "content_item",
        _id(),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        _state("kind", "content_kind", KINDS, None),
        sa.Column("slug", sa.Text(), nullable=True),
        sa.Column("sort", sa.Integer(), server_default="100", nullable=False),
        _state("status", "content_status", STATES, "draft"),
        _state("revision_status", "content_revision_status", REVISIONS, "none"),
        sa.Column("version_no", sa.Integer(), server_default="1", nullable=False),
        sa.Column("head_no", sa.Integer(), server_default="1", nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=True)
            for name in ("publish_at", "withdraw_at", "published_at", "withdrawn_at")
        ),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        _now("created_at"),
        _now("updated_at"),
        *_words(),
        sa.CheckConstraint("(kind = 'page') = (slug IS NOT NULL)", name="page_slug"),
        sa.CheckConstraint(
            "(status = 'published') <= (published_at IS NOT NULL)", name="published"
        ),
        sa.CheckConstraint(
            "(status = 'withdrawn') <= (withdrawn_at IS NOT NULL)", name="withdrawn"
        ),
        sa.CheckConstraint("revision_status = 'none' OR status = 'published'", name="revision"),
        sa.CheckConstraint("price_fen >= 0", name="content_price"),
        sa.CheckConstraint("version_no BETWEEN 1 AND head_no", name="content_version_no"),
        sa.ForeignKeyConstraint(["cover_id"], ["media_file.id"]),
        sa.PrimaryKeyConstraint("id"),
    )


def _index_items() -> None:
    for name, columns, where in (
        ("ix_content_item_public", ["kind", "sort", "id"], "status='published'"),
        ("ix_content_item_due", ["publish_at"], "publish_at IS NOT NULL"),
        ("ix_content_item_ends", ["withdraw_at"], "withdraw_at IS NOT NULL"),
        ("ix_content_item_merchant", ["merchant_id", "id"], None),
        ("ix_content_item_cover", ["cover_id"], None),
    ):
        op.create_index(name, "content_item", columns, postgresql_where=where)
    op.create_index(
        "uq_content_item_slug",
        "content_item",
        ["slug"],
        unique=True,
        postgresql_where="slug IS NOT NULL",
    )


def downgrade() -> None:
    for scope in ("public", "member"):  # A picture's policy asks on which items it stands.
        op.execute(f"DROP POLICY IF EXISTS {scope}_rows ON media_file")
    for table in ("content_version", "content_right", "content_item", "media_file"):
        op.drop_table(table)


def _words() -> list[sa.Column]:
    """The columns that an item and each of its versions have in common."""
    return [
        sa.Column("title", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Text(), server_default="", nullable=False)
            for name in ("summary", "body_html", "category", "city", "link_url")
        ),
        sa.Column("price_fen", sa.BigInteger(), nullable=True),
        _ids("store_ids"),
        sa.Column("cover_id", sa.BigInteger(), nullable=True),
    ]


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _ids(name: str) -> sa.Column:
    return sa.Column(name, postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False)


def _now(name: str) -> sa.Column:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _state(name: str, kind: str, states: tuple[str, ...], default: str | None) -> sa.Column:
    states_kind = sa.Enum(*states, name=kind, native_enum=False, create_constraint=True, length=24)
    return sa.Column(name, states_kind, server_default=default, nullable=False)
