"""Old cards become top-up codes of an imported batch: checked first, then all of them or none.

An old card is paper that was sold long ago for its whole balance. Its issuer took the money, so the
import books it as ``vouchers_imported``: what the issuer owes the platform against the vouchers
outstanding. Its holder redeems its code once, into a card of the program; nobody prints it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import sealing
from app.core.actor import Actor
from app.core.clock import local_day
from app.core.errors import N_, Category, DomainError
from app.core.keys import Keys
from app.models.cards import Bearer, CardProgram
from app.models.voucher_records import (
    VoucherEventKind,
    VoucherImport,
    VoucherImportStatus,
)
from app.models.vouchers import BatchKind, BatchStatus, VoucherBatch
from app.services import journal, ledger
from app.services.refusals import ProgramNotFound
from app.services.two_people import require_another
from app.services.vouchers.batches import audit_batch
from app.services.vouchers.old_cards import DryRun, OldCard, Reader, in_steps
from app.services.vouchers.voucher_events import record_event
from app.services.vouchers.voucher_sales import receivable_leg, voucher_leg

_INSERT = text(
    "INSERT INTO voucher (merchant_id, batch_id, serial_no, code_digest, key_version, code_last4,"
    "                     face_value_fen, status, activated_at, expires_on)"
    " SELECT :merchant_id, :batch_id, u.serial_no, u.code_digest, :key_version, u.last4, u.fen,"
    "        'active', :now, u.expires_on"
    " FROM unnest(cast(:serials AS text[]), cast(:digests AS bytea[]), cast(:last4 AS text[]),"
    "             cast(:fen AS bigint[]), cast(:days AS date[]))"
    "      AS u(serial_no, code_digest, last4, fen, expires_on)"
)


class ImportHasProblems(DomainError):
    code = "import_has_problems"
    category = Category.INVALID
    template = N_("The file was not taken: %(count)s rows have to be corrected first.")


class ImportNotFound(DomainError):
    code = "import_not_found"
    category = Category.NOT_FOUND
    template = N_("No such import.")


class ImportDecided(DomainError):
    code = "import_decided"
    category = Category.CONFLICT
    template = N_("Somebody has decided about this import already. Please look at it again.")


class ImportedBefore(DomainError):
    code = "imported_before"
    category = Category.CONFLICT
    template = N_("This very file was imported before. Nothing was written a second time.")


def keep_import(
    session: Session,
    *,
    dry_run: DryRun,
    program_id: int,
    file_name: str,
    content: bytes,
    keys: Keys,
    maker: Actor,
) -> VoucherImport:
    """Keep a file that is in order, sealed, until a second person has compared its totals.

    Raises:
        ImportHasProblems, ImportedBefore, ProgramNotFound
    """
    if dry_run.problem_count or not dry_run.cards:
        raise ImportHasProblems(count=dry_run.problem_count)
    program = session.get(CardProgram, program_id)
    if program is None:
        raise ProgramNotFound
    digest = hashlib.sha256(content).digest()
    _require_new(session, digest)
    rows = [
        [card.serial_no, card.secret, card.last4, card.balance_fen, card.expires_on]
        for card in dry_run.cards
    ]
    kept = VoucherImport(
        merchant_id=program.merchant_id,
        program_id=program.id,
        file_name=file_name[:200],
        file_digest=digest,
        row_count=len(dry_run.cards),
        total_fen=dry_run.total_fen,
        totals=dry_run.by_expiry(),
        sealed=sealing.seal(json.dumps(rows).encode(), key=keys.secret_key, purpose="import"),
        made_by_id=maker.staff_id,
    )
    session.add(kept)
    session.flush()
    detail: dict[str, object] = {"rows": kept.row_count, "total_fen": kept.total_fen}
    _audit(session, "checked", kept, maker, detail)
    return kept


def carry_out_import(
    session: Session, *, import_id: int, approver: Actor, keys: Keys, now: datetime
) -> VoucherBatch:
    """A second person has compared the totals: all cards become active codes, in one transaction.

    Raises:
        ImportNotFound, ImportDecided, ImportedBefore, SecondPersonRequired
        ImportHasProblems: Something that was new at the dry run is known by now.
    """
    kept = _lock_import(session, import_id)
    require_another(approver, than=kept.made_by_id)
    _require_new(session, kept.file_digest)
    assert kept.sealed is not None, "what was only checked is still sealed"
    opened = sealing.unseal(kept.sealed, key=keys.secret_key, purpose="import")
    cards = [OldCard(*row) for row in json.loads(opened)]
    reader = Reader(today=local_day(now))
    reader.cards = dict(enumerate(cards))
    reader.find_known(session, keys)
    if reader.problems:
        raise ImportHasProblems(count=len(reader.problems))
    batch = _make_batch(session, kept, cards, approver, now)
    for some in in_steps(cards):
        _insert(session, batch, some, keys, now)
    total_fen = sum(card.balance_fen for card in cards)
    ledger.post_entry(
        session,
        kind="vouchers_imported",
        reference=f"batch:{batch.id}:imported",
        legs=[receivable_leg(batch, total_fen), voucher_leg(batch, -total_fen)],
        now=now,
    )
    kept.status, kept.sealed, kept.batch_id = VoucherImportStatus.imported, None, batch.id
    kept.decided_by_id, kept.decided_at = approver.staff_id, now
    record_event(
        session, batch=batch, kind=VoucherEventKind.imported, quantity=len(cards),
        actor=approver, amount_fen=total_fen, reference=kept.file_name, occurred_at=now,
    )  # fmt: skip
    audit_batch(session, "vouchers.imported", batch, approver, {"count": len(cards)})
    return batch


def discard_import(
    session: Session, *, import_id: int, actor: Actor, now: datetime
) -> VoucherImport:
    """The totals did not agree, or it was a mistake: the rows are destroyed."""
    kept = _lock_import(session, import_id)
    kept.status, kept.sealed = VoucherImportStatus.discarded, None
    kept.decided_by_id, kept.decided_at = actor.staff_id, now
    _audit(session, "discarded", kept, actor, None)
    return kept


def _make_batch(
    session: Session,
    kept: VoucherImport,
    cards: Sequence[OldCard],
    approver: Actor,
    now: datetime,
) -> VoucherBatch:
    largest_fen = max(card.balance_fen for card in cards)
    batch_id, _ = journal.next_document(session, table="voucher_batch", letter="B", now=now)
    batch = VoucherBatch(
        id=batch_id,
        merchant_id=kept.merchant_id,
        batch_no=f"{local_day(now):%y%m%d}{batch_id:04d}",
        name=kept.file_name,
        kind=BatchKind.topup,
        status=BatchStatus.closed,
        program_id=kept.program_id,
        face_value_fen=largest_fen,
        sale_price_fen=largest_fen,
        bearer=Bearer.platform,
        quantity=len(cards),
        generated_count=len(cards),
        is_imported=True,
        created_by_id=kept.made_by_id,
        approved_by_id=approver.staff_id,
    )
    session.add(batch)
    session.flush()
    return batch


def _insert(
    session: Session, batch: VoucherBatch, cards: Sequence[OldCard], keys: Keys, now: datetime
) -> None:
    session.execute(
        _INSERT,
        {
            "merchant_id": batch.merchant_id,
            "batch_id": batch.id,
            "key_version": max(keys.code_keys),
            "now": now,
            "serials": [card.serial_no for card in cards],
            "digests": [keys.old_code_digests(card.secret)[0] for card in cards],
            "last4": [card.last4 for card in cards],
            "fen": [card.balance_fen for card in cards],
            "days": [
                None if card.expires_on is None else date.fromisoformat(card.expires_on)
                for card in cards
            ],
        },
    )


def _require_new(session: Session, digest: bytes) -> None:
    known = select(VoucherImport.id).where(
        VoucherImport.file_digest == digest, VoucherImport.status == VoucherImportStatus.imported
    )
    if session.scalar(known) is not None:
        raise ImportedBefore


def _lock_import(session: Session, import_id: int) -> VoucherImport:
    kept = session.get(
        VoucherImport, import_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if kept is None:
        raise ImportNotFound
    if kept.status is not VoucherImportStatus.checked:
        raise ImportDecided
    return kept


def _audit(
    session: Session,
    how: str,
    kept: VoucherImport,
    actor: Actor,
    detail: dict[str, object] | None,
) -> None:
    journal.audit(
        session,
        f"vouchers.import_{how}",
        actor=actor,
        subject_id=kept.id,
        merchant_id=kept.merchant_id,
        detail=detail,
    )
