"""What is found, what is read, and the official account.

New tables only. Undo drops them; the index is made anew from stores and content, counts are lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "search"
down_revision = "content"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oa_follower",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("openid", sa.Text(), nullable=False),
        sa.Column("unionid", sa.Text(), nullable=True),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("scene", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "followed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("unfollowed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("openid"),
    )
    op.create_index(op.f("ix_oa_follower_unionid"), "oa_follower", ["unionid"], unique=False)
    op.create_table(
        "oa_menu",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("buttons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_oa_menu_staff_id"), "oa_menu", ["staff_id"], unique=False)
    op.create_table(
        "oa_message",
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("openid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("message_key"),
    )
    op.create_table(
        "page_view",
        sa.Column("viewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("face", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("visitor", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("keyword", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("viewed_at", "id"),
        postgresql_partition_by="RANGE (viewed_at)",
    )
    op.create_table(
        "search_document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), server_default="", nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sound", sa.Text(), server_default="", nullable=False),
        sa.Column("lexemes", postgresql.TSVECTOR(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lng", sa.Double(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "indexed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "subject_id"),
    )
    op.create_index(
        "ix_search_document_lexemes",
        "search_document",
        ["lexemes"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        op.f("ix_search_document_merchant_id"), "search_document", ["merchant_id"], unique=False
    )
    op.create_index("ix_search_document_url", "search_document", ["url"], unique=False)
    op.create_table(
        "search_synonym",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("words", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "search_word",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("searches", sa.Integer(), server_default="0", nullable=False),
        sa.Column("found_none", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("day", "word"),
    )
    op.create_table(
        "traffic_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("views", sa.BigInteger(), nullable=False),
        sa.Column("visitors", sa.BigInteger(), nullable=False),
        sa.Column("visits", sa.BigInteger(), nullable=False),
        sa.Column("bounces", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("exits", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_traffic_day",
        "traffic_day",
        ["day", "merchant_id", "dimension", "name"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "traffic_hour",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("views", sa.BigInteger(), nullable=False),
        sa.Column("visitors", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_traffic_hour",
        "traffic_hour",
        ["hour", "merchant_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "traffic_salt",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    # What is there already is indexed by the first worker.
    op.execute(
        "INSERT INTO outbox_message (topic, subject_id, merchant_id)"
        " SELECT 'store.changed', id, merchant_id FROM store"
    )
    op.execute(
        "INSERT INTO outbox_message (topic, subject_id, merchant_id)"
        " SELECT 'content.published', id, merchant_id FROM content_item WHERE status = 'published'"
    )


def downgrade() -> None:
    # With its triggers: they would go on telling of changes.
    op.execute("DROP FUNCTION IF EXISTS kaquan.tell_store_changed() CASCADE")
    op.execute("DROP FUNCTION IF EXISTS kaquan.open_traffic_day(date)")
    op.execute("DROP FUNCTION IF EXISTS kaquan.drop_traffic_days(date)")
    op.execute("DROP INDEX IF EXISTS code_store_place")
    op.drop_table("traffic_salt")
    op.drop_index("uq_traffic_hour", table_name="traffic_hour", postgresql_nulls_not_distinct=True)
    op.drop_table("traffic_hour")
    op.drop_index("uq_traffic_day", table_name="traffic_day", postgresql_nulls_not_distinct=True)
    op.drop_table("traffic_day")
    op.drop_table("search_word")
    op.drop_table("search_synonym")
    op.drop_index("ix_search_document_url", table_name="search_document")
    op.drop_index(op.f("ix_search_document_merchant_id"), table_name="search_document")
    op.drop_index(
        "ix_search_document_lexemes", table_name="search_document", postgresql_using="gin"
    )
    op.drop_table("search_document")
    op.drop_table("page_view")
    op.execute("DROP SCHEMA IF EXISTS traffic CASCADE")
    op.drop_table("oa_message")
    op.drop_index(op.f("ix_oa_menu_staff_id"), table_name="oa_menu")
    op.drop_table("oa_menu")
    op.drop_index(op.f("ix_oa_follower_unionid"), table_name="oa_follower")
    op.drop_table("oa_follower")
