"""In which WeChat app somebody signed in, and in which one an order is paid.

An openid means something in its own app only: an order made for the mini-program cannot be paid in
the official account's browser, and the other way round. Rows that are there were all the
mini-program's, which is what none means. Undo forgets the difference; open orders of the official
account are then closed by the job, as any order that WeChat does not know under our words.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_paying_app"
down_revision = "20261123_withdrawals"
branch_labels = None
depends_on = None

_COLUMNS = (("access_token", "appid"), ("payment", "payer_appid"), ("top_up", "payer_appid"))


def upgrade() -> None:
    for table, column in _COLUMNS:
        op.add_column(table, sa.Column(column, sa.Text()))


def downgrade() -> None:
    for table, column in _COLUMNS:
        op.drop_column(table, column)
