"""The audit log's chain: every record carries a hash over itself and the record before it.

Records are written without one, since a chain would make everybody wait for everybody. A job seals
them afterwards, in the order of their ids. Who changes, removes or slips in a sealed record breaks
every hash that follows; who cuts off the end is found out by a ``head`` that was noted elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.models.plumbing import AuditRecord

GENESIS = hashlib.sha256(b"kaquan audit log").digest()
_COLUMNS = (
    AuditRecord.id,
    AuditRecord.occurred_at,
    AuditRecord.action,
    AuditRecord.subject_id,
    AuditRecord.merchant_id,
    AuditRecord.store_id,
    AuditRecord.staff_id,
    AuditRecord.member_id,
    AuditRecord.detail,
)
_WATERMARK = text("SELECT kaquan.audit_watermark()")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('kaquan audit chain'))")
_SEAL = text(
    "UPDATE audit_record a SET chain_hash = u.chain_hash"
    " FROM unnest(cast(:ids AS bigint[]), cast(:hashes AS bytea[])) AS u(id, chain_hash)"
    " WHERE a.id = u.id AND a.chain_hash IS NULL"
)
_READ_AT_ONCE = 2000


@dataclass(frozen=True, kw_only=True)
class AuditVerdict:
    """``first_bad_id`` is where the chain breaks. ``head`` is the last hash: note it elsewhere."""

    checked: int
    unsealed: int
    first_bad_id: int | None
    head: bytes

    @property
    def ok(self) -> bool:
        return self.first_bad_id is None


def read_audit_watermark(session: Session) -> int:
    """The id up to which every audit record is committed.

    It stops whoever writes one until this transaction ends: end it at once, and seal in the next.
    """
    watermark: int = session.execute(_WATERMARK).scalar_one()
    return watermark


def seal_audit(session: Session, *, watermark: int, limit: int = 5000) -> int:
    """Chain the oldest unsealed records, at most ``limit`` of them. Returns how many.

    Args:
        watermark: From ``read_audit_watermark``, in a transaction before this one: a record of a
            lower id that is committed later could not be chained any more.
    """
    session.execute(_ONE_AT_A_TIME)
    unsealed = session.execute(
        select(*_COLUMNS)
        .where(AuditRecord.chain_hash.is_(None), AuditRecord.id <= watermark)
        .order_by(AuditRecord.id)
        .limit(limit)
    ).all()
    if not unsealed:
        return 0
    before = session.scalar(
        select(AuditRecord.chain_hash)
        .where(AuditRecord.chain_hash.is_not(None))
        .order_by(AuditRecord.id.desc())
        .limit(1)
    )
    hashes = []
    for record in unsealed:
        before = _hash_of(record, before or GENESIS)
        hashes.append(before)
    session.execute(_SEAL, {"ids": [record.id for record in unsealed], "hashes": hashes})
    return len(unsealed)


def verify_audit(session: Session) -> AuditVerdict:
    """Follow the chain from its beginning, up to the first record that is not what was sealed."""
    head, checked, unsealed = GENESIS, 0, 0
    gap_id = None
    for record in _all_records(session):
        if record.chain_hash is None:
            unsealed += 1
            gap_id = gap_id or record.id
            continue
        # What has no hash stands at the end only: before a sealed record it was slipped in.
        if gap_id is not None or record.chain_hash != _hash_of(record, head):
            bad_id = gap_id or record.id
            return AuditVerdict(checked=checked, unsealed=unsealed, first_bad_id=bad_id, head=head)
        head = record.chain_hash
        checked += 1
    return AuditVerdict(checked=checked, unsealed=unsealed, first_bad_id=None, head=head)


def _all_records(session: Session) -> Iterator[Any]:
    """In the order of their ids, page by page."""
    last_id = 0
    while True:
        page = session.execute(
            select(*_COLUMNS, AuditRecord.chain_hash)
            .where(AuditRecord.id > last_id)
            .order_by(AuditRecord.id)
            .limit(_READ_AT_ONCE)
        ).all()
        yield from page
        if len(page) < _READ_AT_ONCE:
            return
        last_id = page[-1].id


def _hash_of(record: Sequence[Any], before: bytes) -> bytes:
    """Over the hash before, and the record with its columns in their order, as JSON."""
    record_id, occurred_at, *rest = list(record)[: len(_COLUMNS)]
    at = occurred_at.astimezone(UTC).isoformat(timespec="microseconds")
    canonical = json.dumps(
        [record_id, at, *rest], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(before + canonical.encode()).digest()
