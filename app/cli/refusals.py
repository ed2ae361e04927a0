"""A refusal at the command line: its sentence on standard error, and exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import DomainError


@contextmanager
def ended_by_refusals() -> Iterator[None]:
    """What is refused within ends the command."""
    try:
        yield
    except DomainError as refusal:
        said = refusal.template % refusal.params if refusal.params else refusal.template
        sys.exit(f"kaquan: {refusal.code}: {said}")
