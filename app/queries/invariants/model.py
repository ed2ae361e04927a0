"""What an invariant is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Invariant:
    """Something that is always true. The statement answers with one row: ``checked, bad``."""

    id: str
    title: str
    sql: str
