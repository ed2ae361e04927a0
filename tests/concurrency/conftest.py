"""The program as its callers meet it: over HTTP, with real keys, jobs and a real database."""

from __future__ import annotations

from tests.running import shop, world

__all__ = ["shop", "world"]
