"""Whoever asked for an adjustment or a return of a card may take it back before it is decided.

A new state in two columns, and the rule of two people knows it: taken back is what the asker alone
decided. Undo turns such requests into refused ones that nobody decided (person 0), since nothing
moved by them.
"""

from __future__ import annotations

from alembic import op

revision = "20261123_withdrawals"
down_revision = "20261123_members_two"
branch_labels = None
depends_on = None

_STATES = {
    "card_adjustment": ("requested", "booked", "refused"),
    "card_return": ("requested", "carried_out", "refused"),
}
_ANOTHER = "decided_by_id <> created_by_id"
_TAKEN_BACK = "(status = 'withdrawn') = (decided_by_id = created_by_id)"
_ALONE = "NOT two_people OR "


def upgrade() -> None:
    for table, states in _STATES.items():
        _set_states(table, (*states, "withdrawn"))
    _set_rule("card_adjustment", _TAKEN_BACK)
    _set_rule("card_return", _ALONE + _TAKEN_BACK)
    op.drop_index("uq_card_return_card", "card_return")
    _create_index("status NOT IN ('refused', 'withdrawn')")


def downgrade() -> None:
    op.drop_index("uq_card_return_card", "card_return")
    for table in _STATES:
        op.drop_constraint(f"{table}_two_people", table, type_="check")
        op.execute(
            f"UPDATE {table} SET status = 'refused', decided_by_id = 0 WHERE status = 'withdrawn'"
        )
    op.create_check_constraint("card_adjustment_two_people", "card_adjustment", _ANOTHER)
    op.create_check_constraint("card_return_two_people", "card_return", _ALONE + _ANOTHER)
    for table, states in _STATES.items():
        _set_states(table, states)
    _create_index("status <> 'refused'")


def _set_states(table: str, states: tuple[str, ...]) -> None:
    op.drop_constraint(f"{table}_status", table, type_="check")
    known = ", ".join(f"'{state}'" for state in states)
    op.create_check_constraint(f"{table}_status", table, f"status IN ({known})")


def _set_rule(table: str, rule: str) -> None:
    op.drop_constraint(f"{table}_two_people", table, type_="check")
    op.create_check_constraint(f"{table}_two_people", table, rule)


def _create_index(where: str) -> None:
    op.create_index(
        "uq_card_return_card", "card_return", ["card_id"], unique=True, postgresql_where=where
    )
