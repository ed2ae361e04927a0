"""Searching, the nearest stores, and a day's traffic: measured inside the database's reach."""

from __future__ import annotations

import math
import os
import random
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from datetime import time as clock
from functools import partial
from typing import Any

import psycopg

from app.core import search_words
from app.core.actor import PUBLIC, SYSTEM, Actor, Scope
from app.core.clock import SHANGHAI, local_day, utc_now
from app.core.visits import Visit
from app.db import Database, open_database
from app.flows.publishing.counting import Counter
from app.queries.publishing.searching import Narrowed, search
from app.queries.tenants.stores import list_stores
from app.services.publishing.traffic import open_day
from app.services.publishing.traffic_sums import fold_day
from bench.output import Row, say
from bench.seeds import Seed, at, clone
from runtime.postgres import Urls

_ROUNDS = int(os.environ.get("ROUNDS") or 300)  # Fewer for a quick look.
_EMPTY = Seed(name="empty", members=10, stores=10, merchants=2)
_PLACES = ("春熙路", "人民公园", "天府广场", "太古里", "宽窄巷子", "解放碑", "观音桥",
           "南京路", "徐家汇", "三里屯", "王府井", "西单")  # fmt: skip
_THINGS = ("绿茶", "花茶", "咖啡", "火锅", "月饼", "粽子", "茶具", "储值卡", "礼盒", "套餐",
           "温泉", "亲子", "电影", "蛋糕", "洗车", "理发")  # fmt: skip
_MERCHANTS = 1_000
_MANY_MERCHANTS = (
    "INSERT INTO merchant (id, code, name) OVERRIDING SYSTEM VALUE"
    " SELECT n + 3, 'many' || n, '商户' || n FROM generate_series(1, %s) n"
)
_MANY_STORES = (
    "INSERT INTO store (merchant_id, code, name, city, lat, lng, hours)"
    " SELECT 4 + n %% %s, 'b' || n, '门店' || n, '成都',"
    # Half of them in ten towns, the others anywhere between.
    " CASE WHEN n %% 2 = 0 THEN 22 + (n %% 20) * 0.9 + 0.1 * (random() - 0.5)"
    " ELSE 20 + 25 * random() END,"
    " CASE WHEN n %% 2 = 0 THEN 100 + (n %% 20) + 0.1 * (random() - 0.5)"
    " ELSE 98 + 24 * random() END,"
    # One in a hundred never closes.
    """ CASE WHEN n %% 101 = 0 THEN '[]' ELSE '[["1234567", "09:00", "21:30"]]' END::jsonb"""
    " FROM generate_series(1, %s) n"
)
# Program 1, which member 2 has, is everybody's; program 9, which member 1 has, ten merchants take.
_EVERYBODYS_CARD = (
    "INSERT INTO program_acceptance (program_id, merchant_id)"
    " SELECT 1, n + 3 FROM generate_series(1, %s) n"
)
_CARD_OF_TEN = """
    INSERT INTO card_program (id, merchant_id, code, name, is_default, bonus_bearer)
    OVERRIDING SYSTEM VALUE VALUES (9, 4, 'own', '十家通用', false, 'issuer');
    INSERT INTO program_acceptance (program_id, merchant_id)
    SELECT 9, 4 + 100 * n FROM generate_series(0, 9) n;
    UPDATE card SET program_id = 9, merchant_id = 4 WHERE member_id = 1
"""
_KINDS = ("goods", "solution", "article", "store")
_TYPED = (*_PLACES, *_THINGS, "cxl", "chunxilu", "rmgy", "春西路", "chunxlu", "成都火锅套餐",
          "人民公园的茶", "没有这种东西", "茶", "jiefangbei")  # fmt: skip


def find(urls: Urls, scale: int) -> None:
    """What members type, over a hundred thousand documents."""
    name = clone(urls, _EMPTY, "bench_search")
    numbers, count = random.Random(20261123), _size("DOCUMENTS", 100_000 * scale)
    began = time.monotonic()
    with psycopg.connect(at(urls.superuser_url, name)) as connection, connection.cursor() as cursor:
        columns = "kind, subject_id, merchant_id, merchant_name, city, title, body, url, sound,"
        columns += " lexemes, lat, lng, published_at"
        with cursor.copy(f"COPY search_document ({columns}) FROM STDIN") as copy:
            for number in range(count):
                title = "".join(
                    (numbers.choice(_PLACES), numbers.choice(_THINGS), numbers.choice(_THINGS),
                     f"{number % 977}号")
                )  # fmt: skip
                body = "，".join(
                    numbers.choice(_PLACES) + numbers.choice(_THINGS) for _ in range(30)
                )
                city = numbers.choice(("成都", "重庆", "上海", "北京"))
                lexemes = search_words.lexemes_of(title=title, about=("天府商贸", city), body=body)
                copy.write_row(
                    (numbers.choice(_KINDS), number, 2, "天府商贸", city, title, body,
                     f"/x/{number}",
                     search_words.sound(title), lexemes, 30.6, 104.0,
                     utc_now() - timedelta(days=number % 900))
                )  # fmt: skip
    _vacuum(urls, name, "search_document")
    say(f"{count:,} documents made in {time.monotonic() - began:.0f} s")
    database = open_database(at(urls.database_url, name))
    small = clone(urls, _EMPTY, "bench_search_small")
    few = open_database(at(urls.database_url, small))

    def ask(database: Database, number: int) -> None:
        typed = _TYPED[number % len(_TYPED)]
        with database.unit_of_work(PUBLIC) as session:
            search(session, typed=typed, now=utc_now(), narrowed=Narrowed(), limit=20)

    _report("search", f"{count:,} documents", lambda n: ask(database, n), lambda n: ask(few, n))
    database.dispose()
    few.dispose()


def nearby(urls: Urls, scale: int) -> None:
    """The nearest twenty of 100,000 stores of a thousand merchants, in towns and far out.

    Also only those that are open (at noon, and at three in the night when one in a hundred is), and
    only those that take a member's card: one that ten merchants take, and one that all do.
    """
    name = clone(urls, _EMPTY, "bench_nearby")
    count = _size("STORES", 100_000 * scale)
    with psycopg.connect(at(urls.superuser_url, name)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(_MANY_MERCHANTS, (_MERCHANTS,))
        connection.execute(_MANY_STORES, (_MERCHANTS, count))
        connection.execute(_EVERYBODYS_CARD, (_MERCHANTS,))
        connection.execute(_CARD_OF_TEN)
    _vacuum(urls, name, "merchant, store, program_acceptance, card")
    database = open_database(at(urls.database_url, name))
    numbers = random.Random(20261123)
    spots = [
        (22 + (town := 2 * numbers.randrange(10)) * 0.9, 100.0 + town) if number % 2 else
        (20 + 25 * numbers.random(), 98 + 24 * numbers.random()) for number in range(_ROUNDS)
    ]  # fmt: skip
    few = open_database(at(urls.database_url, clone(urls, _EMPTY, "bench_nearby_small")))
    noon = datetime.combine(local_day(utc_now()), clock(12), SHANGHAI)
    night = datetime.combine(local_day(utc_now()), clock(3), SHANGHAI)
    asked: dict[str, tuple[Actor, dict[str, Any]]] = {
        "": (PUBLIC, {}),
        " open at noon": (PUBLIC, {"open_only": True}),
        " open at night": (PUBLIC, {"open_only": True, "now": night}),
        " that take a card of ten merchants": (_member(1), {"mine_only": True}),
        " that take a card of all": (_member(2), {"mine_only": True}),
    }
    for case, (actor, how) in asked.items():
        ask = partial(_ask_around, actor, {"now": noon, **how}, spots)
        _report("nearby", f"{count:,} stores{case}", partial(ask, database), partial(ask, few))
    database.dispose()
    few.dispose()


def _ask_around(
    actor: Actor,
    how: dict[str, Any],
    spots: list[tuple[float, float]],
    database: Database,
    number: int,
) -> None:
    lat, lng = spots[number]
    member = actor is not PUBLIC
    with database.unit_of_work(actor) as session:
        list_stores(session, lat=lat, lng=lng, q=None, limit=20, after=None, member=member, **how)


def _member(member_id: int) -> Actor:
    return Actor(scope=Scope.member, member_id=member_id)


def traffic(urls: Urls, scale: int) -> None:
    """A day of views summed, against counting them; and what a visit costs its page."""
    name = clone(urls, _EMPTY, "bench_traffic")
    views, day = _size("VIEWS", 10_000_000 * scale), local_day(utc_now()) - timedelta(days=1)
    since = datetime.combine(day, clock(), SHANGHAI)
    database = open_database(at(urls.database_url, name))
    with database.unit_of_work(SYSTEM) as session:
        open_day(session, day=day)
    _add_views(urls, name, since, views)
    _vacuum(urls, name, "page_view")
    began = time.monotonic()
    with database.unit_of_work(SYSTEM) as session:
        fold_day(session, day=day)
    folding = time.monotonic() - began
    with psycopg.connect(at(urls.superuser_url, name)) as connection:
        began = time.monotonic()
        connection.execute("SELECT visitor, count(*) FROM page_view GROUP BY 1").fetchall()
        counting = time.monotonic() - began
    Row(
        bench="traffic", case=f"{views:,} views summed", ours=folding * 1000, unit="ms",
        baseline=counting * 1000, baseline_name="views counted by visitor",
        ratio=counting / folding, rss_mb=0,
    ).print()  # fmt: skip
    # What comes in a minute of such a day, some of it from visitors who are there already.
    _add_views(urls, name, since, max(1, views // 1440), first=views - views // 2880)
    began = time.monotonic()
    with database.unit_of_work(SYSTEM) as session:
        fold_day(session, day=day)
    adding = time.monotonic() - began
    Row(
        bench="traffic", case=f"{max(1, views // 1440):,} views added to them", ours=adding * 1000,
        unit="ms", baseline=folding * 1000, baseline_name="the day summed anew",
        ratio=folding / adding, rss_mb=0,
    ).print()  # fmt: skip
    database.dispose()
    _cost_of_a_visit()


def _add_views(urls: Urls, name: str, since: datetime, count: int, *, first: int = 1) -> None:
    """So many views of that day, six a visitor, of five thousand pages of twenty merchants."""
    with psycopg.connect(at(urls.superuser_url, name)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "INSERT INTO page_view (viewed_at, kind, face, merchant_id, visitor, path, device,"
            " client, source, keyword, campaign, region)"
            # A visitor reads for some minutes, at some time of the day.
            " SELECT %s + abs(hashint8(n / 6)) %% 85000 * interval '1 second'"
            "     + random() * interval '20 minutes', 'view', 'site',"
            " nullif((n * 7919) %% 5000 %% 20, 0), hashint8(n / 6),"
            " '/goods/' || (n * 7919) %% 5000,"
            " (ARRAY['phone', 'tablet', 'computer'])[1 + n / 6 %% 3],"
            " (ARRAY['WeChat 8.0', 'Chrome', 'Safari'])[1 + n / 6 %% 3],"
            " (ARRAY['direct', 'baidu', 'own', 'so'])[1 + n %% 4], '', '', ''"
            " FROM generate_series(%s::bigint, %s::bigint) n",
            (since, first, first + count - 1),
        )


def _cost_of_a_visit() -> None:
    """Nanoseconds matter little here; that nothing waits for a disk does."""
    counter = Counter(None)  # type: ignore[arg-type]  # Nothing is written: only notes are taken.
    counter._begin = lambda: None  # type: ignore[method-assign]
    visit = Visit(at=utc_now(), kind="view", face="site", path="/", address="", agent="")
    began = time.perf_counter()
    for _ in range(100_000):
        counter.note(visit)
    each = (time.perf_counter() - began) / 100_000 * 1_000_000
    Row(
        bench="traffic", case="a visit noted", ours=each, unit="us", baseline=1000,
        baseline_name="the millisecond that a page may pay", ratio=1000 / each, rss_mb=0,
    ).print()  # fmt: skip


def _report(
    bench: str, case: str, ours: Callable[[int], None], theirs: Callable[[int], None]
) -> None:
    for number in range(min(60, _ROUNDS)):
        ours(number)
        theirs(number)
    seen = sorted(_milliseconds(ours, number) for number in range(_ROUNDS))
    beside = sorted(_milliseconds(theirs, number) for number in range(_ROUNDS))
    p95, base = _at(seen, 0.95), _at(beside, 0.95)
    Row(
        bench=bench, case=f"{case}, p95", ours=p95, unit="ms", baseline=base,
        baseline_name="the same with ten", ratio=base / p95, p50_ms=statistics.median(seen),
        p99_ms=_at(seen, 0.99), rss_mb=0,
    ).print()  # fmt: skip


def _milliseconds(ask: Callable[[int], None], number: int) -> float:
    began = time.perf_counter()
    ask(number)
    return (time.perf_counter() - began) * 1000


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.floor(len(ordered) * share))]


def _size(name: str, usual: int) -> int:
    """For a quick look: ``VIEWS=100000 make bench B=traffic``."""
    return int(os.environ.get(name) or usual)


def _vacuum(urls: Urls, name: str, tables: str) -> None:
    with psycopg.connect(at(urls.superuser_url, name), autocommit=True) as connection:
        connection.execute(f"VACUUM (ANALYZE) {tables}")
