"""The program as its callers meet it: over HTTP, with real keys, jobs and a real database."""

from __future__ import annotations

from tests.api.bills import bill, paid, today, topped_up
from tests.api.messages import messenger, pending
from tests.api.scene import scene, unchanged
from tests.running import shop, world

__all__ = [
    "bill",
    "messenger",
    "paid",
    "pending",
    "scene",
    "shop",
    "today",
    "topped_up",
    "unchanged",
    "world",
]
