"""A batch's vouchers are made chunk by chunk; each chunk's codes lie sealed until they are printed.

A chunk is one transaction: its vouchers, its sealed codes and how far the batch has come are there
together or not at all, so generation may be killed at any moment and goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import codes, sealing
from app.core.errors import N_, Category, DomainError
from app.core.keys import Keys
from app.core.serials import batch_no_of, make_serials, running_number
from app.models.voucher_records import VoucherChunk
from app.models.vouchers import VoucherBatch

CHUNK = 10_000
MAX_TRIES = 5

# COPY does not go through row-level security, so it fills a table of this transaction's own.
_STAGE = text(
    "CREATE TEMP TABLE IF NOT EXISTS fresh_voucher"
    " (serial_no text, code_digest bytea, code_last4 text) ON COMMIT DROP"
)
_EMPTY = text("TRUNCATE fresh_voucher")
_COPY = "COPY pg_temp.fresh_voucher (serial_no, code_digest, code_last4) FROM STDIN"
_TAKE_OVER = text(
    "INSERT INTO voucher (merchant_id, batch_id, serial_no, code_digest, key_version, code_last4,"
    "                     face_value_fen)"
    " SELECT :merchant_id, :batch_id, f.serial_no, f.code_digest, :key_version, f.code_last4, :face"
    " FROM fresh_voucher f"
)


class CodesShredded(DomainError):
    code = "codes_shredded"
    category = Category.CONFLICT
    template = N_(
        "The codes of this batch were destroyed after printing. Nobody can print it again."
    )


def make_chunk(
    session: Session,
    *,
    batch: VoucherBatch,
    chunk_no: int,
    keys: Keys,
    random: Callable[[int], bytes] = os.urandom,
) -> list[str]:
    """Make one chunk's vouchers and seal their codes. Returns the codes in serial order.

    A code that exists already (75 random bits: never, but PostgreSQL would see it) has the whole
    chunk made again with other codes.
    """
    start = (chunk_no - 1) * CHUNK
    count = min(CHUNK, batch.quantity - start)
    assert count > 0, "a chunk begins within the batch"
    version = max(keys.code_keys)
    serials = make_serials(batch.batch_no, start + 1, count)
    fresh = _insert_vouchers(session, batch, serials, (version, keys.code_keys[version]), random)
    session.add(
        VoucherChunk(
            batch_id=batch.id,
            chunk_no=chunk_no,
            first_serial_no=serials[0],
            quantity=count,
            key_version=version,
            sealed=sealing.seal(
                "".join(fresh).encode(),
                key=keys.code_keys[version],
                purpose=_purpose(batch.id, chunk_no),
            ),
        )
    )
    batch.generated_count = start + count
    session.flush()
    return fresh


def open_chunk(
    session: Session, *, batch_id: int, chunk_no: int, keys: Keys
) -> list[tuple[str, str]]:
    """A chunk's serial numbers and secret codes, in order, for printing. System scope only.

    Raises:
        CodesShredded: The batch was printed before.
    """
    chunk = session.get_one(VoucherChunk, (batch_id, chunk_no), populate_existing=True)
    if chunk.sealed is None:
        raise CodesShredded
    letters = sealing.unseal(
        chunk.sealed, key=keys.code_keys[chunk.key_version], purpose=_purpose(batch_id, chunk_no)
    ).decode()
    width = codes.CODE_LENGTH
    first = chunk.first_serial_no
    serials = make_serials(batch_no_of(first), running_number(first), chunk.quantity)
    return [(serial, letters[n * width : (n + 1) * width]) for n, serial in enumerate(serials)]


def chunk_numbers(session: Session, *, batch_id: int) -> Sequence[int]:
    """A batch's chunks, in order."""
    numbers = select(VoucherChunk.chunk_no).where(VoucherChunk.batch_id == batch_id)
    return session.scalars(numbers.order_by(VoucherChunk.chunk_no)).all()


def shred_chunks(session: Session, *, batch_id: int) -> None:
    """Destroy a batch's sealed codes for good: what is kept from now on are their digests."""
    session.execute(
        update(VoucherChunk).where(VoucherChunk.batch_id == batch_id).values(sealed=None)
    )


def _insert_vouchers(
    session: Session,
    batch: VoucherBatch,
    serials: Sequence[str],
    key: tuple[int, bytes],
    random: Callable[[int], bytes],
) -> list[str]:
    session.execute(_STAGE)
    named = {"merchant_id": batch.merchant_id, "batch_id": batch.id, "face": batch.face_value_fen}
    for left in reversed(range(MAX_TRIES)):
        fresh = codes.make_codes(len(serials), random=random)
        _copy(session, serials, fresh, key[1])
        try:
            with session.begin_nested():
                session.execute(_TAKE_OVER, {**named, "key_version": key[0]})
        except IntegrityError as error:
            # Anything else but two equal codes is a fault of ours.
            if left == 0 or "voucher_code_digest_key" not in str(error.orig):
                raise
            session.execute(_EMPTY)
            continue
        session.execute(_EMPTY)
        return fresh
    raise AssertionError("unreachable")


def _copy(session: Session, serials: Sequence[str], fresh: Sequence[str], key: bytes) -> None:
    rows = "".join(
        f"{serial}\t\\\\x{codes.digest(code, key).hex()}\t{code[-4:]}\n"
        for serial, code in zip(serials, fresh, strict=True)
    )
    connection = session.connection().connection.driver_connection
    assert connection is not None
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write(rows.encode())


def _purpose(batch_id: int, chunk_no: int) -> str:
    return f"voucher-chunk:{batch_id}:{chunk_no}"
