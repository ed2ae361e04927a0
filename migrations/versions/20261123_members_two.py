"""Accounts that were made one, and messages to members with what they agreed to hear.

Nothing that is there changes. Undo forgets which accounts were joined (their cards stay where they
are) and which messages were sent.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_members_two"
down_revision = "search"
branch_labels = None
depends_on = None

_KINDS = ("paid", "topped_up", "gift_claimed", "gift_returned", "refunded", "expiring")


def _kind() -> sa.Enum:
    return sa.Enum(
        *_KINDS, name="notice_kind", native_enum=False, create_constraint=True, length=24
    )


def _now() -> sa.TextClause:
    return sa.text("now()")


def upgrade() -> None:
    op.add_column(
        "member", sa.Column("merged_into_id", sa.BigInteger(), sa.ForeignKey("member.id"))
    )
    op.create_check_constraint(
        "member_merged",
        "member",
        "merged_into_id IS NULL OR (status = 'erased' AND merged_into_id <> id)",
    )
    op.create_index(
        "ix_member_merged",
        "member",
        ["merged_into_id"],
        postgresql_where="merged_into_id IS NOT NULL",
    )
    op.create_table(
        "notice_consent",
        sa.Column("member_id", sa.BigInteger(), sa.ForeignKey("member.id"), primary_key=True),
        sa.Column("kind", _kind(), primary_key=True),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), server_default=_now(), nullable=False),
        sa.CheckConstraint("remaining >= 0", name="notice_consent_remaining"),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", _kind(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "sent",
                "refused",
                name="notice_status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_now(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("kind", "subject_id", "member_id"),
    )
    op.create_index("ix_notice_member", "notice", ["member_id", "id"])


def downgrade() -> None:
    op.drop_table("notice")
    op.drop_table("notice_consent")
    op.drop_index("ix_member_merged", "member")
    op.drop_constraint("member_merged", "member")
    op.drop_column("member", "merged_into_id")
