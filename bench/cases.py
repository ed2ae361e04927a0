"""The benchmarks themselves. Each prints one row for every number of clients, or for every size."""

from __future__ import annotations

import itertools
import json
import os
import random
import secrets
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench import (
    batches,
    checks,
    feed_streams,
    finding,
    printing,
    reading,
    reporting,
    settling,
    signatures,
    tills,
)
from bench.baseline import NAME, Baseline
from bench.load import Measured, post, run_load
from bench.output import Row, say
from bench.processor_time import Programs, postmaster
from bench.seeds import Seed, clone, phone, prepare_seed, voucher_codes
from bench.servers import WORKERS, Server, serve
from runtime.postgres import Urls

SCALE = int(os.environ.get("SCALE") or 1)
CLIENTS = (1, 8, 32)
ROUNDS = 3  # Ours and the baseline take turns, since the machine drifts; medians count.
SECONDS = 4.0 * min(SCALE, 5)
WARM_UP_SECONDS = 3.0
PAUSE_SECONDS = 0.7  # At the start of every turn: connections settle, nothing is counted.

SHOP = Seed(name="shop", members=100_000 * SCALE, vouchers=300_000 * SCALE)
COUNTER = Seed(name="counter", members=20_000 * SCALE, vouchers=66_000)
YOUNG = Seed(name="young", members=2_500)  # Ten thousand postings.
GROWN = Seed(name="grown", members=100_000 * SCALE, rounds=32)  # Ten million.
MANY = Seed(name="many", members=20_000, stores=10, merchants=2, bare_payments=10_000_000 * SCALE)
FEW = Seed(name="few", members=2_000, stores=10, merchants=2, bare_payments=10_000)

Requests = Iterator[bytes]


@dataclass(frozen=True)
class Bench:
    """What every benchmark is given: the database server and a home for what it starts."""

    urls: Urls
    home: Path


def pay(bench: Bench) -> None:
    """Members scan and pay from their cards, at a hundred stores."""
    _beside_pgbench(bench, "pay", lambda: payments(SHOP))


def pay_combined(bench: Bench) -> None:
    """The card is short: its part is held and WeChat is asked for the rest. Until that answer."""
    _beside_pgbench(bench, "pay-combined", short_payments, simulator=True)


def redeem(bench: Bench) -> None:
    """Cashiers of a hundred stores redeem paper vouchers, each once."""
    _beside_pgbench(bench, "redeem", redemptions)


def top_up(bench: Bench) -> None:
    """Cashiers take cash for members whom they find by phone."""
    _beside_pgbench(bench, "top-up", cash_top_ups)


def hot_store(bench: Bench) -> None:
    """Everybody pays at one store, against everybody paying at a hundred."""
    hot, many = payments(SHOP, stores=1), payments(SHOP)
    database = clone(bench.urls, SHOP, "bench_hot_store")
    with serve(bench.urls, bench.home, database) as server:
        for clients in CLIENTS[1:]:
            _compare(
                "hot-store",
                f"{clients} clients",
                (server, hot),
                (server, many),
                clients=clients,
                name="the same at 100 stores",
            )
    checks.check_books(bench.urls, database)


def growth(bench: Bench) -> None:
    """Paying with ten million postings in the books, against ten thousand."""
    grown = prepare_seed(bench.urls, GROWN)  # Too big to clone: a run adds a few thousandths.
    young = clone(bench.urls, YOUNG, "bench_young")
    with (
        serve(bench.urls, bench.home, grown) as big,
        serve(bench.urls, bench.home, young) as small,
    ):
        for clients in CLIENTS[1:]:
            _compare(
                "growth",
                f"{GROWN.postings // 1_000_000}M postings, {clients} clients",
                (big, payments(GROWN)),
                (small, payments(YOUNG)),
                clients=clients,
                name=f"{YOUNG.postings:,} postings",
            )
    checks.check_books(bench.urls, young)


def export(bench: Bench) -> None:
    """A million payments out of the database, to a spreadsheet and to csv."""
    reading.export_rows(bench.urls, bench.home, MANY)


def lists(bench: Bench) -> None:
    """Pages of payments: of ten million, against the same of ten thousand."""
    reading.read_lists(bench.urls, bench.home, MANY, FEW)


def print_vouchers(_bench: Bench) -> None:
    """Vouchers to PDF sheets, as the job draws them, on one core."""
    printing.print_sheets(SCALE)


def search(bench: Bench) -> None:
    """What members type, over a hundred thousand documents."""
    finding.find(bench.urls, SCALE)


def nearby(bench: Bench) -> None:
    """The nearest stores of a hundred thousand."""
    finding.nearby(bench.urls, SCALE)


def traffic(bench: Bench) -> None:
    """A day of page views summed; and what a visit costs its page."""
    finding.traffic(bench.urls, SCALE)


def feed(bench: Bench) -> None:
    """A thousand screens hear a hundred stores' feeds while members pay there."""
    database = clone(bench.urls, SHOP, "bench_feed")
    feed_streams.run(
        bench.urls, bench.home, database, payments(SHOP), stores=SHOP.stores, scale=SCALE
    )
    checks.check_books(bench.urls, database)


def rush_hour(bench: Bench) -> None:
    """Thirty-two tills scan, charge and take cash; one of them is a browser."""
    checks.check_books(bench.urls, tills.run(bench.urls, bench.home, COUNTER))


def settle(bench: Bench) -> None:
    """A month of a thousand merchants onto statements."""
    settling.settle(bench.urls)


BENCHES: dict[str, Callable[[Bench], None]] = {
    "search": search,
    "nearby": nearby,
    "traffic": traffic,
    "pay": pay,
    "pay-combined": pay_combined,
    "redeem": redeem,
    "top-up": top_up,
    "hot-store": hot_store,
    "growth": growth,
    "export": export,
    "lists": lists,
    "batch": lambda bench: batches.batch(bench.urls, bench.home),
    "print": print_vouchers,
    "feed": feed,
    "settle": settle,
    "reports": lambda bench: reporting.report(bench.urls, bench.home),
    "tills": rush_hour,
}


def payments(seed: Seed, *, stores: int | None = None) -> Requests:
    """Somebody pays a yuan somewhere, for ever."""
    choose, run = random.Random(1), secrets.token_hex(4)
    for number in itertools.count():
        point = choose.randint(1, stores or seed.stores)
        yield post(
            "/api/v1/payments",
            token=f"bench-member-{choose.randint(1, seed.members)}",
            key=f"{run}-{number}",
            body=json.dumps({"pay_point": f"bench-point-{point}", "amount_fen": 100}),
        )


def short_payments() -> Requests:
    """Member after member pays 5,000 yuan, for which a card of 4,500 is too short."""
    for member in range(1, SHOP.members + 1):
        point = 1 + member % SHOP.stores
        yield post(
            "/api/v1/payments",
            token=f"bench-member-{member}",
            key=f"short-{member}",
            body=json.dumps({"pay_point": f"bench-point-{point}", "amount_fen": 500_000}),
        )


def redemptions() -> Requests:
    for number, code in enumerate(voucher_codes(SHOP.vouchers)):
        yield post(
            "/pos/api/redemptions",
            token=f"bench-till-{1 + number % SHOP.stores}",
            key=f"redeem-{number}",
            body=json.dumps({"code": code}),
        )


def cash_top_ups() -> Requests:
    choose = random.Random(2)
    for number in itertools.count():
        yield post(
            "/pos/api/top-ups",
            token=f"bench-till-{1 + number % SHOP.stores}",
            key=f"cash-{number}",
            body=json.dumps({"phone": phone(choose.randint(1, SHOP.members)), "amount_fen": 100}),
        )


def _beside_pgbench(
    bench: Bench, name: str, requests: Callable[[], Requests], *, simulator: bool = False
) -> None:
    database = clone(bench.urls, SHOP, f"bench_{name.replace('-', '_')}")
    baseline = Baseline(bench.urls, cards=SHOP.members)
    stream = requests()
    with serve(bench.urls, bench.home, database, simulator=simulator) as server:
        watched = Programs({**server.others, "postgres": postmaster(bench.urls)})
        run_load(server.port, stream, clients=CLIENTS[-1], seconds=WARM_UP_SECONDS)
        for clients in CLIENTS:
            ours, theirs, signed = [], [], []
            spent: Counter[str] = Counter()
            for _ in range(ROUNDS):
                ours.append(_turn(server, stream, clients, watched=watched, spent=spent))
                theirs.append(baseline.run(clients=clients, seconds=SECONDS))
                if simulator:
                    signed.append(signatures.signatures_a_second(seconds=1.0, processes=WORKERS))
                rates = f"{ours[-1].per_second:.0f}/s, {NAME} {theirs[-1]:.0f}/s"
                crowded = f", {ours[-1].refusals} sent again" if ours[-1].refusals else ""
                say(f"{name}, {clients} clients: {rates}{crowded}")
            answers = sum(turn.answers for turn in ours)
            cpu_ms = {program: seconds / answers * 1000 for program, seconds in spent.items()}
            for beside, told in ((theirs, NAME), (signed, signatures.NAME)):
                if beside:
                    row = _row(
                        name, f"{clients} clients", server, ours, statistics.median(beside), told
                    )
                    replace(row, cpu_ms=cpu_ms).print()
    checks.check_books(bench.urls, database)


def _compare(
    bench: str,
    case: str,
    ours: tuple[Server, Requests],
    theirs: tuple[Server, Requests],
    *,
    clients: int,
    name: str,
) -> None:
    """Two loads of the same kind in turns; the second is the first one's baseline."""
    for server, stream in (ours, theirs):
        run_load(server.port, stream, clients=CLIENTS[-1], seconds=WARM_UP_SECONDS)
    seen: list[Measured] = []
    beside: list[Measured] = []
    for _ in range(ROUNDS + 2):
        seen.append(_turn(*ours, clients))
        beside.append(_turn(*theirs, clients))
        say(f"{bench}, {case}: {seen[-1].per_second:.0f}/s, {name} {beside[-1].per_second:.0f}/s")
    median = statistics.median(turn.per_second for turn in beside)
    _row(bench, case, ours[0], seen, median, name).print()


def _turn(
    server: Server,
    stream: Requests,
    clients: int,
    *,
    watched: Programs | None = None,
    spent: Counter[str] | None = None,
) -> Measured:
    """One load of some seconds. What the programs spend on it is added to ``spent``, in seconds."""
    run_load(server.port, stream, clients=clients, seconds=PAUSE_SECONDS)
    before = {} if watched is None else watched.seconds()
    measured = run_load(server.port, stream, clients=clients, seconds=SECONDS)
    if watched is not None and spent is not None:
        spent.update(watched.seconds())
        spent.subtract(before)
    return measured


def _row(
    bench: str, case: str, server: Server, turns: list[Measured], baseline: float, name: str
) -> Row:
    return Row(
        bench=bench,
        case=case,
        ours=statistics.median(turn.per_second for turn in turns),
        unit="req/s",
        baseline=baseline,
        baseline_name=name,
        p50_ms=statistics.median(turn.p50_ms for turn in turns),
        p99_ms=statistics.median(turn.p99_ms for turn in turns),
        rss_mb=server.rss_mb(),
    )
