"""Tells the merchant what happened, again and again until 200 or 204, as WeChat Pay does."""

from __future__ import annotations

import base64
import json
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from app.wechat_simulator.settings import SimulatorSettings
from app.wechat_simulator.signing import seal, signature_headers
from app.wechat_simulator.store import Store
from app.wechat_simulator.views import Row, order_view, refund_view, rfc3339

_log = logging.getLogger(__name__)
_LISTENING_SECONDS = (3, 5)  # WeChat Pay gives the merchant five seconds.
_SENDERS = 8
_LONGEST_SLEEP = 1.0
_SUMMARY = {"SUCCESS": "支付成功", "REFUND": "退款成功"}

FORGERIES = frozenset(
    {
        "forged_amount",
        "forged_mchid",
        "forged_appid",
        "forged_currency",
        "forged_signature",
        "forged_body",
        "forged_serial",
        "forged_stale",
        "probe",
    }
)


class Notifier:
    """One thread that watches the clock, a few that send."""

    def __init__(self, store: Store, settings: SimulatorSettings, key: rsa.RSAPrivateKey) -> None:
        self._store, self._settings, self._key = store, settings, key
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._in_flight: set[int] = set()
        self._lock = threading.Lock()
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="notify")
        self._watcher = threading.Thread(target=self._watch, name="notifier", daemon=True)
        self._local = threading.local()

    @property
    def refund_seconds(self) -> float:
        """How long a refund takes when nothing else is wished."""
        return self._settings.refund_seconds

    def start(self) -> None:
        self._watcher.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        self._watcher.join()
        self._senders.shutdown(wait=True, cancel_futures=True)

    def wake(self) -> None:
        """Something became due. Call it after the commit."""
        self._wake.set()

    def enqueue_payment(self, db: sqlite3.Connection, order: Row) -> None:
        """The messages that the order's scenario makes of one payment; most often one."""
        order_no = order["order_no"]
        if self._store.scenario(order_no, "lost") is not None:
            return
        now = time.time()
        late = self._store.scenario(order_no, "late")
        due_at = now + _seconds(late, 30) if late is not None else now
        is_held = self._store.scenario(order_no, "out_of_order") is not None
        if is_held:
            due_at = now + 60  # Or as soon as a refund was told of.
        forgery, forged = self._forgery_of(order_no)
        if forgery is not None:
            body = self.payment_body(order, forgery)
            _insert(db, order, "transaction", body, due_at, forgery=forgery)
            if not forged.get("then_genuine"):
                return
        repeated = self._store.scenario(order_no, "repeated")
        copies = 1 if repeated is None else _whole(repeated.get("times"), 100)
        body = self.payment_body(order)
        for _ in range(copies):
            _insert(db, order, "transaction", body, due_at, is_held=is_held)

    def _forgery_of(self, order_no: str) -> tuple[str | None, Mapping[str, object]]:
        for name in sorted(FORGERIES):
            options = self._store.scenario(order_no, name)
            if options is not None:
                return name, options
        return None, {}

    def payment_body(self, order: Row, forgery: str | None = None) -> str:
        told = order_view(order, self._settings.mchid)
        amount = dict(told["amount"])  # type: ignore[call-overload]  # A paid order has one.
        if forgery == "forged_amount":
            amount["total"] += 1
        if forgery == "forged_currency":
            amount["currency"] = "USD"
        told["amount"] = amount
        if forgery == "forged_mchid":
            told["mchid"] = "1999999999"
        if forgery == "forged_appid":
            told["appid"] = "wxforeign00000001"
        return self._envelope("TRANSACTION.SUCCESS", "transaction", told, _SUMMARY["SUCCESS"])

    def enqueue_refund(self, db: sqlite3.Connection, order: Row, refund: Row) -> None:
        told = refund_view(refund, order)
        told["refund_status"] = told.pop("status")
        told["mchid"] = self._settings.mchid
        amount = dict(told["amount"])  # type: ignore[call-overload]  # Always an object.
        del amount["currency"]  # WeChat Pay leaves it out of this message, and the appid.
        told["amount"] = amount
        body = self._envelope(f"REFUND.{refund['state']}", "refund", told, _SUMMARY["REFUND"])
        _insert(db, order, "refund", body, time.time(), url=refund["notify_url"])

    def _envelope(
        self, event_type: str, original_type: str, told: dict[str, object], summary: str
    ) -> str:
        envelope = {
            "id": secrets.token_hex(16),
            "create_time": rfc3339(time.time()),
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": summary,
            "resource": seal(self._settings.apiv3_key, original_type, told),
        }
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))

    def send(self, url: str, body: str, forgery: str | None) -> int | None:
        """One try. The status of the merchant's answer, None without any."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
        raw, headers = self._signed(body.encode(), forgery)
        try:
            answer = session.post(
                url,
                data=raw,
                headers=headers | {"Content-Type": "application/json", "User-Agent": "Mozilla/4.0"},
                timeout=_LISTENING_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            _log.info("notification_unheard", extra={"kind": type(error).__name__})
            return None
        return answer.status_code

    def _signed(self, raw: bytes, forgery: str | None) -> tuple[bytes, dict[str, str]]:
        stale = int(time.time()) - 3600 if forgery == "forged_stale" else None
        key_id = self._settings.public_key_id
        headers = signature_headers(self._key, key_id, raw, timestamp=stale)
        if forgery == "forged_serial":
            headers["Wechatpay-Serial"] = "PUB_KEY_ID_0199999999992026112399999999"
        if forgery == "forged_signature":
            headers["Wechatpay-Signature"] = base64.b64encode(secrets.token_bytes(256)).decode()
        if forgery == "probe":
            headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + secrets.token_hex(128)
        return (raw + b" " if forgery == "forged_body" else raw), headers

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            self._finish_refunds()
            for row in self._due():
                self._senders.submit(self._deliver, row)
            self._wake.wait(self._sleep_seconds())

    def _finish_refunds(self) -> None:
        with self._store.transaction() as db:
            due = db.execute(
                "UPDATE refunds SET state = final_state, finished_at = ?"
                " WHERE state = 'PROCESSING' AND due_at <= ? RETURNING *",
                (time.time(), time.time()),
            ).fetchall()
            for refund in due:
                order = self._store.row(
                    "SELECT * FROM orders WHERE order_no = ?", refund["order_no"]
                )
                if order is not None and refund["is_told"]:
                    self.enqueue_refund(db, order, refund)

    def _due(self) -> list[sqlite3.Row]:
        with self._lock:
            rows = self._store.rows(
                "SELECT * FROM notifications WHERE state = 'pending' AND due_at <= ?"
                " ORDER BY due_at, id LIMIT ?",
                time.time(),
                len(self._in_flight) + 4 * _SENDERS,
            )
            fresh = [row for row in rows if row["id"] not in self._in_flight]
            self._in_flight.update(row["id"] for row in fresh)
        return fresh

    def _sleep_seconds(self) -> float:
        with self._lock:
            flying = len(self._in_flight)
        row = self._store.row(
            "SELECT min(due_at) AS at FROM (SELECT due_at FROM refunds WHERE state = 'PROCESSING'"
            " UNION ALL SELECT due_at FROM (SELECT due_at FROM notifications"
            " WHERE state = 'pending' ORDER BY due_at LIMIT 1 OFFSET ?))",
            flying,
        )
        if row is None or row["at"] is None:
            return _LONGEST_SLEEP
        return float(min(max(row["at"] - time.time(), 0.005), _LONGEST_SLEEP))

    def _deliver(self, row: sqlite3.Row) -> None:
        try:
            status = self.send(row["url"], row["body"], row["forgery"])
            self._record(row, status)
        finally:
            with self._lock:
                self._in_flight.discard(row["id"])
            self._wake.set()

    def _record(self, row: sqlite3.Row, status: int | None) -> None:
        attempts, delays = row["attempts"] + 1, self._settings.retry_seconds
        if status in {200, 204}:
            state = "heard"
        elif row["forgery"] is not None or attempts > len(delays):
            state = "given_up"
        else:
            state = "pending"
        due_at = time.time() + (delays[attempts - 1] if state == "pending" else 0)
        with self._store.transaction() as db:
            db.execute(
                "UPDATE notifications SET attempts = ?, last_status = ?, state = ?, due_at = ?"
                " WHERE id = ?",
                (attempts, status, state, due_at, row["id"]),
            )
            if row["kind"] == "refund" and state != "pending":
                db.execute(
                    "UPDATE notifications SET due_at = ?, is_held = 0"
                    " WHERE order_no = ? AND is_held = 1",
                    (time.time(), row["order_no"]),
                )


def _insert(
    db: sqlite3.Connection,
    order: Row,
    kind: str,
    body: str,
    due_at: float,
    *,
    url: str | None = None,
    forgery: str | None = None,
    is_held: bool = False,
) -> None:
    db.execute(
        "INSERT INTO notifications (order_no, kind, url, body, forgery, is_held, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (order["order_no"], kind, url or order["notify_url"], body, forgery, is_held, due_at),
    )


def _seconds(options: Mapping[str, object], default: float) -> float:
    value = options.get("delay_seconds", default)
    return float(value) if isinstance(value, (int, float)) else default


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) else default
