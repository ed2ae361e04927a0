"""Once: a call that moves money has one effect, however often it is sent with its key.

The key is claimed, the effect made and the answer kept in one transaction. A call that has to ask
WeChat in between keeps a lease instead of an answer, and the same key takes it over when it has run
out. Only answers of a committed effect are kept; a refusal has no effect and is simply found again.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import sealing
from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.keys import Keys
from app.db import Database
from app.flows.context import Context
from app.services.refusals import IdempotencyKeyReused, RequestInProgress
from app.services.sales.payments import LEASE

_CLAIM = text("SELECT * FROM kaquan.claim_key(:caller, :key, :request_hash)")
_KEEP = text(
    "SELECT kaquan.keep_answer("
    ":caller, :key, :request_hash, :subject_id, :status, :answer, :lease_until)"
)
_END_LEASE = "SELECT kaquan.keep_answer(%s, %s, %s, %s, NULL, NULL, %s)"
_SEALED = "sealed:"

Body = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class MoneyCall:
    """One call as it came in: whose, under which key, and a hash of what it asks for."""

    caller: str
    key: str
    request_hash: bytes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back to the caller; ``text`` is JSON. A kept answer is the same text again."""

    status: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What is known of a key. ``answer``: it is done; ``subject_id``: somebody had begun."""

    answer: Answer | None
    subject_id: int | None


def hash_request(method: str, path: str, body: object) -> bytes:
    """Equal requests have equal hashes, whatever the order or spacing of their JSON."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{method} {path}\n{canonical}".encode()).digest()


def run_once(
    context: Context, call: MoneyCall, effect: Callable[[Session], Body], *, sealed: bool = False
) -> Answer:
    """Make the effect, unless this key has made it already; then give the answer of that time.

    The transaction is in the system scope, since money crosses tenants: the effect is a service,
    which checks whose rows it is asked to move.

    Args:
        sealed: The answer holds a bearer's secret, so it is kept encrypted.

    Raises:
        RequestInProgress, IdempotencyKeyReused
    """
    seal_with = context.keys if sealed else None
    with context.database.unit_of_work(SYSTEM) as session:
        claim = claim_key(session, call, seal_with=seal_with)
        if claim.answer is not None:
            return claim.answer
        answer = Answer(status=201, text=json.dumps(effect(session), ensure_ascii=False))
        session.flush()
        keep_answer(session, call, answer, seal_with=seal_with)
    return answer


def run_without_key(context: Context, effect: Callable[[Session], Body]) -> Answer:
    """Make the effect of a call whose second sending is refused by what it is."""
    with context.database.unit_of_work(SYSTEM) as session:
        return Answer(status=201, text=json.dumps(effect(session), ensure_ascii=False))


def claim_key(session: Session, call: MoneyCall, *, seal_with: Keys | None = None) -> Claim:
    """Claim the key until this transaction ends.

    Raises:
        RequestInProgress: Another call is at it, or its lease has not run out.
        IdempotencyKeyReused: The key stands for another request.
    """
    row = session.execute(_CLAIM, _identity(call)).one()
    if row.verdict == "busy":
        raise RequestInProgress
    if row.verdict == "reused":
        raise IdempotencyKeyReused
    if row.verdict == "replay":
        kept = _opened(row.answer, call, seal_with)
        return Claim(answer=Answer(status=row.http_status, text=kept), subject_id=row.subject_id)
    return Claim(answer=None, subject_id=row.subject_id)


def keep_answer(
    session: Session, call: MoneyCall, answer: Answer, *, seal_with: Keys | None = None
) -> None:
    kept = answer.text
    if seal_with is not None:
        sealed = sealing.seal(kept.encode(), key=seal_with.secret_key, purpose="answer")
        kept = _SEALED + base64.b64encode(sealed).decode()
    _keep(session, call, subject_id=None, status=answer.status, answer=kept, lease_until=None)


def answers_by_index(rows: Iterable[tuple[int, int, str]]) -> dict[int, Answer]:
    """A group function's rows (place from 1, status, text) as answers by index, from 0."""
    return {place - 1: Answer(status=status, text=text) for place, status, text in rows}


def begin_once(
    session: Session, call: MoneyCall, begin: Callable[[], int], *, now: datetime
) -> Answer | int:
    """Begin a call that asks WeChat after this transaction, unless its key has begun it before.

    Args:
        begin: Writes what WeChat is to be asked for, and gives its id.

    Returns:
        The answer that the key has been given already; else the id of what was begun.

    Raises:
        RequestInProgress, IdempotencyKeyReused
    """
    claim = claim_key(session, call)
    if claim.answer is not None:
        return claim.answer
    if claim.subject_id is not None:
        return claim.subject_id
    subject_id = begin()
    keep_lease(session, call, subject_id=subject_id, until=now + LEASE)
    return subject_id


def keep_lease(session: Session, call: MoneyCall, *, subject_id: int, until: datetime) -> None:
    """The call goes on outside this transaction; until then the key is busy."""
    _keep(session, call, subject_id=subject_id, status=None, answer=None, lease_until=until)


def end_lease(database: Database, call: MoneyCall, *, subject_id: int) -> None:
    """The call is over without an end: the same key may go on with it at once."""
    identity = (call.caller, call.key, call.request_hash)
    database.call(_END_LEASE, (*identity, subject_id, utc_now()))


def _keep(session: Session, call: MoneyCall, **columns: object) -> None:
    session.execute(_KEEP, {**_identity(call), **columns})


def _identity(call: MoneyCall) -> dict[str, object]:
    return {"caller": call.caller, "key": call.key, "request_hash": call.request_hash}


def open_kept(kept: str, *, keys: Keys) -> str:
    """The text of a kept answer, whether it was sealed or not."""
    if not kept.startswith(_SEALED):
        return kept
    sealed = base64.b64decode(kept.removeprefix(_SEALED))
    return sealing.unseal(sealed, key=keys.secret_key, purpose="answer").decode()


def _opened(kept: str, call: MoneyCall, keys: Keys | None) -> str:
    if not kept.startswith(_SEALED):
        return kept
    assert keys is not None, f"the answer to {call.caller} is sealed"
    return open_kept(kept, keys=keys)
