"""What columns, states, accounts and events are called on screen. English here; Chinese beside."""

from __future__ import annotations

from collections.abc import Mapping

from app.views.labels import columns, events, settlement, states
from app.views.labels.books import ACCOUNTS, ENTRY_KINDS
from app.views.labels.details import DETAILS
from app.views.labels.events import JOB_STATES
from app.views.labels.states import BAD, GOOD, WAITING

COLUMNS: Mapping[str, str] = {**columns.COLUMNS, **settlement.SETTLEMENT_COLUMNS}
STATES: Mapping[str, str] = {**states.STATES, **settlement.SETTLEMENT_STATES}
ACTIONS: Mapping[str, str] = {**events.ACTIONS, **settlement.SETTLEMENT_ACTIONS}
TASKS: Mapping[str, str] = {**events.TASKS, **settlement.SETTLEMENT_TASKS}

__all__ = [
    "ACCOUNTS",
    "ACTIONS",
    "BAD",
    "COLUMNS",
    "DETAILS",
    "ENTRY_KINDS",
    "GOOD",
    "JOB_STATES",
    "STATES",
    "TASKS",
    "WAITING",
]
