"""The whole program for tests: served over HTTP, with its jobs, before a WeChat of our own."""

from __future__ import annotations

import dataclasses
import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import requests
from flask import Flask
from sqlalchemy import text

from app.core.actor import SYSTEM, Role
from app.core.keys import Keys
from app.db import Database
from app.factory import create_app
from app.flows.context import Context
from app.gateways.wechat import build_pay
from app.models.cards import CardProgram
from app.models.people import Member, Staff
from app.models.tenants import Merchant, PayPoint, Store
from app.queries.invariants import check_invariants
from app.web.context import keep_context
from app.wechat_simulator.keys import SimulatorKeys, ensure_keys
from config import Settings
from tests.conftest import OwnDatabase
from tests.documented import Documents
from tests.factories import Factories
from tests.jobs_done import Jobs
from tests.wechat_far_end import FarEnd, eventually, far_end, serving

T = TypeVar("T")
TIER_FEN, TIER_BONUS_FEN = 300_00, 60_00  # 充300送60
_local = threading.local()


@dataclass(frozen=True)
class Client:
    """Somebody who calls over HTTP. What is answered must be as it is documented."""

    base_url: str
    token: str | None = None
    documents: Documents | None = None

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.send("GET", path, params=query)

    def post(
        self, path: str, body: object = None, *, key: str | None = None, **kwargs: Any
    ) -> requests.Response:
        """With an Idempotency-Key of its own unless one is given; ``key=""`` sends none."""
        headers = {"Content-Type": "application/json"}
        if key != "":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        content = None if body is None else json.dumps(body).encode()
        return self.send("POST", path, data=content, headers=headers, **kwargs)

    def send(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **kwargs: Any
    ) -> requests.Response:
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        answer = _http().request(
            method, self.base_url + path, headers=sent, timeout=60, allow_redirects=False, **kwargs
        )
        if self.documents is not None:
            self.documents.check(method, path.partition("?")[0], answer)
        return answer


def _http() -> requests.Session:
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = _local.session = requests.Session()
        session.trust_env = False
    return session


@dataclass(frozen=True)
class Shop:
    """A merchant's store with everybody in it, and a program of its own with 充300送60."""

    merchant: Merchant
    store: Store
    pay_point: PayPoint
    program: CardProgram
    cashier: Client
    manager: Client
    staff: Sequence[Staff]


@dataclass(frozen=True, kw_only=True)
class Served:
    """The running program and what a test needs beside it."""

    app: Flask
    context: Context
    base_url: str
    wechat: FarEnd
    make: Factories
    documents: Documents
    own: OwnDatabase
    jobs: Jobs
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def wechat_keys(self) -> SimulatorKeys:
        """The keys of WeChat itself, to say in its name what it would not."""
        return ensure_keys(self.context.settings.home / "simulator")

    @property
    def stranger(self) -> Client:
        return self._client(None)

    def as_member(self, member: Member) -> Client:
        return self._client(self.make.member_token(member))

    def as_staff(self, staff: Staff) -> Client:
        return self._client(self.make.staff_token(staff))

    def with_token(self, token: str | None) -> Client:
        return self._client(token)

    def sign_in_member(self, name: str | None = None) -> Client:
        """Through the API, with the code of wx.login."""
        code = f"demo-{name or uuid.uuid4().hex}"
        answer = self.stranger.post("/api/v1/sessions", {"code": code}, key="")
        assert answer.status_code == 201, answer.text
        return self._client(answer.json()["access_token"])

    def sign_in_staff(self, username: str, password: str) -> Client:
        body = {"username": username, "password": password}
        answer = self.stranger.post("/pos/api/sessions", body, key="")
        assert answer.status_code == 201, answer.text
        return self._client(answer.json()["access_token"])

    def shop(self, *, commission_bp: int = 60, **rules: Any) -> Shop:
        merchant = self.make.merchant(commission_bp=commission_bp)
        store = self.make.store(merchant)
        program = self.make.program(
            issuer=merchant, **{"tiers": {TIER_FEN: TIER_BONUS_FEN}, **rules}
        )
        staff = [self.make.staff(role, store) for role in (Role.cashier, Role.store_manager)]
        return Shop(
            merchant=merchant,
            store=store,
            pay_point=self.make.pay_point(store),
            program=program,
            cashier=self.as_staff(staff[0]),
            manager=self.as_staff(staff[1]),
            staff=staff,
        )

    def rich(self, shop: Shop, fen: int, *, bonus_fen: int = 0) -> tuple[Member, Client]:
        """A member with so much on the shop's card."""
        member = self.make.member()
        self.make.card(member, shop.program, principal_fen=fen, bonus_fen=bonus_fen)
        return member, self.as_member(member)

    def phone(self) -> str:
        return self.make.phone()

    # WeChat's side ----------------------------------------------------------------------------

    def wish(self, scenario: str, *, order_no: str | None = None, **options: Any) -> None:
        """What the simulator shall do with an order; without one, with the next new one."""
        which = {"next": True} if order_no is None else {"order_no": order_no}
        answer = self.wechat.post("/_scenario", scenario=scenario, **which, **options)
        assert answer.status_code == 200, answer.text

    def confirm_in_wechat(self, answer: dict[str, Any]) -> str:
        """The member presses pay in WeChat's sheet; gives the transaction."""
        sheet = answer["wechat_pay"]
        paid = self.wechat.post("/_user/pay", prepay_id=sheet["package"])
        assert paid.status_code == 200, paid.text
        return str(paid.json()["transaction_id"])

    @contextmanager
    def impatient(self, seconds: float = 0.6) -> Iterator[None]:
        """Wait less long for WeChat than in earnest: a test of a hanging far end is a short one."""
        client = build_pay(self.context.settings, total_seconds=seconds)
        changed = dataclasses.replace(self.context, wechat_pay=client)
        keep_context(self.app, changed)
        try:
            yield
        finally:
            keep_context(self.app, self.context)
            client.close()

    # The books --------------------------------------------------------------------------------

    @property
    def database(self) -> Database:
        return self.make.database

    def rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        with self.database.unit_of_work(SYSTEM) as session:
            return [tuple(row) for row in session.execute(text(statement), values)]

    def one(self, statement: str, **values: object) -> Any:
        """The first column of the one row."""
        [row] = self.rows(statement, **values)
        return row[0]

    def booked(self, **dimension: int) -> dict[str, int]:
        """Sums by account over all postings of one payment, top-up, gift, batch, refund."""
        [(name, value)] = dimension.items()
        assert name.endswith("_id")
        found = self.rows(
            f"SELECT account, sum(amount_fen)::bigint FROM posting WHERE {name} = :value"
            " GROUP BY account HAVING sum(amount_fen) <> 0",
            value=value,
        )
        return dict(found)

    def balance(self, client: Client) -> int:
        """What the member can spend, as the API says."""
        return int(client.get("/api/v1/me/cards").json()["total_fen"])

    def age(self, table: str, row_id: int | str, seconds: int) -> None:
        """Let so much time have passed for a payment or top-up. Only the clock is replaced."""
        with psycopg.connect(self.own.superuser_url, autocommit=True) as connection:
            done = connection.execute(
                f"UPDATE {table} SET created_at = created_at - make_interval(secs => %s),"
                " expires_at = expires_at - make_interval(secs => %s) WHERE id = %s",
                (seconds, seconds, int(row_id)),
            )
            assert done.rowcount == 1

    def by_superuser(self, statement: str, *values: object) -> int:
        """What no service does yet (freeze a member), or what only time does."""
        with psycopg.connect(self.own.superuser_url, autocommit=True) as connection:
            return connection.execute(statement, values).rowcount

    @contextmanager
    def holding(self, table: str, row_id: int) -> Iterator[Callable[[int], None]]:
        """Keep a row locked; what is given waits until so many others wait for a lock."""
        waiting = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with (
            psycopg.connect(self.own.superuser_url, autocommit=True) as watcher,
            psycopg.connect(self.own.superuser_url) as holder,
        ):
            holder.execute(f"SELECT FROM {table} WHERE id = %s FOR UPDATE", (row_id,))

            def others_waiting(number: int) -> None:
                def are_there() -> bool:
                    row = watcher.execute(waiting).fetchone()
                    return row is not None and row[0] >= number

                eventually(are_there)

            yield others_waiting

    def require_sound_books(self) -> None:
        with self.database.unit_of_work(SYSTEM) as session:
            broken = [result for result in check_invariants(session) if not result.ok]
        assert not broken, broken

    def _client(self, token: str | None) -> Client:
        return Client(self.base_url, token, self.documents)


def at_once(calls: Iterable[Callable[[], T]]) -> list[T]:
    """Make all calls at the same moment, each on a thread of its own; answers in their order."""
    waiting = list(calls)
    line = threading.Barrier(len(waiting))

    def call(one: Callable[[], T]) -> T:
        line.wait()
        return one()

    with ThreadPoolExecutor(len(waiting)) as threads:
        return list(threads.map(call, waiting))


@contextmanager
def served(
    home: Path, own: OwnDatabase, make: Factories, keys: Keys, *, rate_limits: bool = False
) -> Iterator[Served]:
    """Serve the program on localhost. Its WeChat notifies it there, over HTTP, too."""
    asked: list[Flask] = []

    def whole(environ: Any, start_response: Any) -> Any:
        return asked[0](environ, start_response)

    with far_end(home) as wechat, serving(whole) as base_url:  # type: ignore[arg-type]
        settings = _settings(wechat.settings, own, keys, base_url, rate_limits=rate_limits)
        with pytest.MonkeyPatch.context() as waiting:
            # Sixty callers share eight connections here, which in earnest eight threads have.
            waiting.setattr("app.db._POOL_WAIT_SECONDS", 60)
            app = create_app(settings)
        asked.append(app)
        context: Context = app.extensions["kaquan"]
        jobs = Jobs(context, own.database_url)
        try:
            yield Served(
                app=app,
                context=context,
                base_url=base_url,
                wechat=wechat,
                make=dataclasses.replace(make, appid=settings.wechat.mini_appid),
                documents=Documents.of(app),
                own=own,
                jobs=jobs,
            )
        finally:
            jobs.close()
            context.database.dispose()
            context.wechat_pay.close()  # type: ignore[attr-defined]


def _settings(
    settings: Settings, own: OwnDatabase, keys: Keys, base_url: str, *, rate_limits: bool
) -> Settings:
    notify_url = f"{base_url}/wechat/pay/notify"
    return dataclasses.replace(
        settings,
        database_url=own.database_url,
        database_admin_url=own.database_admin_url,
        public_base_url=base_url,
        rate_limits=rate_limits,
        code_keys=keys.code_keys,
        phone_key=keys.phone_key,
        secret_key=keys.secret_key,
        wechat=dataclasses.replace(settings.wechat, notify_url=notify_url),
    )
