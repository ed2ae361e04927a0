"""What a benchmark says: rows for programs on standard output, the rest on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
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
    rss_mb: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_ms: Mapping[str, float] | None = None  # Processor time a request, by program.
    ratio: float | None = None  # Unless given: ours against the baseline. For times: the reverse.

    def print(self) -> None:
        row = {
            "bench": self.bench,
            "case": self.case,
            "ours": round(self.ours),
            "unit": self.unit,
            "baseline": round(self.baseline),
            "baseline_name": self.baseline_name,
            "ratio": round(self.ours / self.baseline if self.ratio is None else self.ratio, 3),
            **_rounded(p50_ms=self.p50_ms, p99_ms=self.p99_ms),
            "rss_mb": round(self.rss_mb),
        }
        if self.cpu_ms is not None:
            row["cpu_ms"] = {name: round(ms, 2) for name, ms in self.cpu_ms.items()}
        print(json.dumps(row), flush=True)


def _rounded(**times: float | None) -> dict[str, float]:
    return {name: round(value, 1) for name, value in times.items() if value is not None}


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
