"""Run the benchmarks named, or all: `python -m bench pay growth`."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType

from bench.cases import BENCHES, Bench
from bench.checks import BrokenBooks
from bench.load import WrongAnswer
from bench.output import say
from bench.seeds import ROOT
from runtime.postgres import embedded_postgres
from runtime.privileges import PostgresError


def main() -> None:
    names = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"bench: there is no {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
    # Stopped by anybody, in the background too, we leave no server behind.
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    home = ROOT / "var" / "bench"
    home.mkdir(parents=True, exist_ok=True)
    try:
        with embedded_postgres(home) as urls:
            for name in names:
                began = time.monotonic()
                BENCHES[name](Bench(urls=urls, home=home))
                say(f"{name} took {time.monotonic() - began:.0f} s")
    except (WrongAnswer, BrokenBooks, PostgresError) as failure:
        sys.exit(f"bench: {failure}")


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
