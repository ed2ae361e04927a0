"""A print file's steps at the console, and what lies where afterwards."""

from __future__ import annotations

from sqlalchemy import select

from app.core.actor import SYSTEM
from app.flows.vouchers import printing
from app.models.plumbing import AuditRecord
from app.models.print_files import PrintFile
from app.models.voucher_records import VoucherChunk
from app.models.vouchers import BatchStatus, VoucherBatch


def ask(browser, batch, **fields: str):
    path = f"/console/print/{batch.id}/ask"
    wanted = {"format": "pdf", "layout": "a4", "panel": "open", **fields}
    return browser.post(path, wanted, form=path)


def newest(context, batch) -> PrintFile:
    with context.database.unit_of_work(SYSTEM) as session:
        return session.scalars(
            select(PrintFile).where(PrintFile.batch_id == batch.id).order_by(PrintFile.id.desc())
        ).first()


def decide(browser, file, what: str):
    path = f"/console/print-files/{file.id}/{what}"
    return browser.post(path, form=path)


def download(browser, file, batch):
    begun = browser.post(
        f"/console/print-files/{file.id}/download", form=f"/console/print/{batch.id}/design"
    )
    return browser.get(begun.location) if begun.status_code == 303 else begun


def released(context, browsers, batch, **fields: str) -> PrintFile:
    asker, checker = browsers
    assert ask(asker, batch, **fields).status_code == 302
    printing.make_print_file(context, newest(context, batch).id)
    assert decide(checker, newest(context, batch), "release").status_code == 302
    return newest(context, batch)


def on_disk(context) -> set[str]:
    folder = context.settings.home / "print"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def chunks_left(context, batch) -> int:
    with context.database.unit_of_work(SYSTEM) as session:
        kept = select(VoucherChunk).where(VoucherChunk.batch_id == batch.id)
        return sum(chunk.sealed is not None for chunk in session.scalars(kept))


def status_of(context, batch) -> BatchStatus:
    with context.database.unit_of_work(SYSTEM) as session:
        return session.get_one(VoucherBatch, batch.id).status


def audited(context, file) -> list[AuditRecord]:
    with context.database.unit_of_work(SYSTEM) as session:
        found = session.scalars(
            select(AuditRecord)
            .where(AuditRecord.subject_id == file.id, AuditRecord.action.like("print_file.%"))
            .order_by(AuditRecord.id)
        )
        return list(found)
