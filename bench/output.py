"""What a benchmark says: rows for programs on standard output, the rest on standard error."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case. ``ratio`` is ours against the baseline of the same run: bigger is better."""

    bench: str
    case: str
    ours: float
    unit: str
    baseline: float
    baseline_name: str
    p50_ms: float
    p99_ms: float
    rss_mb: float
    is_time: bool = False  # Then less is better, and the ratio is the other way round.

    def print(self) -> None:
        row = {
            "bench": self.bench,
            "case": self.case,
            "ours": round(self.ours),
            "unit": self.unit,
            "baseline": round(self.baseline),
            "baseline_name": self.baseline_name,
            "ratio": round(
                self.baseline / self.ours if self.is_time else self.ours / self.baseline, 3
            ),
            "p50_ms": round(self.p50_ms, 1),
            "p99_ms": round(self.p99_ms, 1),
            "rss_mb": round(self.rss_mb),
        }
        print(json.dumps(row), flush=True)


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
