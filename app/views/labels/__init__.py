"""What columns, states, accounts and events are called on screen. English here; Chinese beside."""

from __future__ import annotations

from app.views.labels.books import ACCOUNTS, ENTRY_KINDS
from app.views.labels.columns import COLUMNS
from app.views.labels.events import ACTIONS, JOB_STATES, TASKS
from app.views.labels.states import BAD, GOOD, STATES, WAITING

__all__ = [
    "ACCOUNTS",
    "ACTIONS",
    "BAD",
    "COLUMNS",
    "ENTRY_KINDS",
    "GOOD",
    "JOB_STATES",
    "STATES",
    "TASKS",
    "WAITING",
]
