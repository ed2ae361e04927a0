"""Several pictures of goods and solutions, in the order in which they are shown.

An index finds on which items a picture stands: the wall shows the public no other pictures.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "20261123_gallery"
down_revision = "20261123_difference_turns"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for table in ("content_item", "content_version"):
        none = sa.text("'{}'")
        op.add_column(
            table, sa.Column("picture_ids", ARRAY(sa.BigInteger()), nullable=False,
                             server_default=none)
        )  # fmt: skip
    op.create_index(
        "ix_content_item_pictures", "content_item", ["picture_ids"], postgresql_using="gin"
    )


def downgrade() -> None:
    for scope in ("public", "member"):  # A picture's policy asks on which items it stands.
        op.execute(f"DROP POLICY IF EXISTS {scope}_rows ON media_file")
    for table in ("content_item", "content_version"):
        op.drop_column(table, "picture_ids")
