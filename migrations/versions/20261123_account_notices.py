"""Notices by the official account (公众号), beside those by the mini-program.

What is there came by the mini-program. Undo forgets which notices came by the account, and those
that stood beside one of the mini-program's.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_account_notices"
down_revision = "20261123_batch_requests"
branch_labels = None
depends_on = None

_UNIQUE = "notice_kind_subject_id_member_id"
_CHANNELS = ("mini_program", "official_account")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "notice",
        sa.Column(
            "channel",
            sa.Enum(
                *_CHANNELS,
                name="notice_channel",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            server_default="mini_program",
            nullable=False,
        ),
    )
    op.add_column("notice", sa.Column("message_id", sa.Text()))
    op.create_index(
        "ix_notice_message",
        "notice",
        ["message_id"],
        unique=True,
        postgresql_where="message_id IS NOT NULL",
    )
    op.drop_constraint(f"{_UNIQUE}_key", "notice")
    op.create_unique_constraint(
        f"{_UNIQUE}_channel_key", "notice", ["kind", "subject_id", "member_id", "channel"]
    )


def downgrade() -> None:
    # The migrations' owner is held to the wall like anybody else.
    op.execute("ALTER TABLE notice NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "DELETE FROM notice n WHERE channel = 'official_account' AND EXISTS (SELECT FROM notice o"
        " WHERE o.channel = 'mini_program' AND o.kind = n.kind AND o.subject_id = n.subject_id"
        " AND o.member_id = n.member_id)"
    )
    op.execute("ALTER TABLE notice FORCE ROW LEVEL SECURITY")
    op.drop_constraint(f"{_UNIQUE}_channel_key", "notice")
    op.create_unique_constraint(f"{_UNIQUE}_key", "notice", ["kind", "subject_id", "member_id"])
    op.drop_index("ix_notice_message", "notice")
    op.drop_column("notice", "message_id")
    op.drop_column("notice", "channel")
