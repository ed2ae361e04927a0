"""What a request costs in processor time, by program: the steadiest figure on a shared machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from runtime.postgres import Urls

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Programs:
    """By name, the process each program began with; its children count as well."""

    roots: Mapping[str, int]

    def seconds(self) -> dict[str, float]:
        """User and system time of each program so far, in seconds."""
        return {
            name: sum(_seconds(one) for one in [root, *descendants(root)])
            for name, root in self.roots.items()
        }


def postmaster(urls: Urls) -> int:
    """The process id of the server that all of PostgreSQL's others come from."""
    with psycopg.connect(urls.superuser_url) as connection:
        [directory] = connection.execute("SHOW data_directory").fetchone() or ("",)
    return int(Path(directory, "postmaster.pid").read_text().split()[0])


def descendants(process_id: int) -> list[int]:
    """The children of a process, and theirs."""
    found = []
    for child in children(process_id):
        found += [child, *descendants(child)]
    return found


def children(process_id: int) -> list[int]:
    path = Path(f"/proc/{process_id}/task/{process_id}/children")
    with suppress(OSError):
        return [int(word) for word in path.read_text().split()]
    return []


def _seconds(process_id: int) -> float:
    with suppress(OSError):
        words = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / _TICKS_A_SECOND
    return 0.0  # It has ended.
