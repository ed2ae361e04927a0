"""Sealed codes: chunk by chunk with their vouchers, opened by the right key, shredded for good."""

from __future__ import annotations

import itertools

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import select

from app.core import codes, sealing
from app.core.serials import make_serial, make_serials, running_number
from app.models.voucher_records import VoucherChunk
from app.models.vouchers import Voucher
from app.services.vouchers import voucher_chunks
from app.services.vouchers.voucher_chunks import make_chunk, open_chunk, shred_chunks


def test_many_codes_and_serials_at_once_are_those_one_by_one():
    source = bytes(range(256)) * 15
    many = codes.make_codes(256, random=lambda count: source[:count])
    assert many == [codes.make_code(source[n * 15 : n * 15 + 15]) for n in range(256)]
    numbers = (1, 9_998, 99_999, 999_990)
    for first in numbers:
        one_by_one = [make_serial("26112300017", first + n) for n in range(11)]
        assert make_serials("26112300017", first, 11) == one_by_one
        assert running_number(one_by_one[0]) == first


def test_a_chunk_opens_to_the_codes_whose_digests_are_kept(session, make, keys, monkeypatch):
    monkeypatch.setattr(voucher_chunks, "CHUNK", 4)
    batch = session.merge(make.batch(quantity=10))
    made = [make_chunk(session, batch=batch, chunk_no=n, keys=keys) for n in (1, 2, 3)]
    assert [len(chunk) for chunk in made] == [4, 4, 2]
    assert batch.generated_count == 10
    opened = [
        pair
        for n in (1, 2, 3)
        for pair in open_chunk(session, batch_id=batch.id, chunk_no=n, keys=keys)
    ]
    assert [code for _, code in opened] == list(itertools.chain(*made))
    kept = session.execute(
        select(Voucher.serial_no, Voucher.code_digest)
        .where(Voucher.batch_id == batch.id)
        .order_by(Voucher.serial_no)
    )
    assert [tuple(row) for row in kept] == [(s, keys.code_digests(c)[0]) for s, c in opened]


def test_a_chunk_does_not_open_as_another_ones(session, make, keys):
    batch = session.merge(make.batch(quantity=2))
    make_chunk(session, batch=batch, chunk_no=1, keys=keys)
    chunk = session.get_one(VoucherChunk, (batch.id, 1))
    with pytest.raises(InvalidTag):
        sealing.unseal(chunk.sealed, key=keys.code_keys[1], purpose=f"voucher-chunk:{batch.id}:2")


def test_shredded_codes_are_gone(session, make, keys):
    batch = session.merge(make.batch(quantity=2))
    make_chunk(session, batch=batch, chunk_no=1, keys=keys)
    shred_chunks(session, batch_id=batch.id)
    with pytest.raises(voucher_chunks.CodesShredded):
        open_chunk(session, batch_id=batch.id, chunk_no=1, keys=keys)


def test_a_code_that_exists_already_is_not_given_out_twice(session, make, keys):
    first, second = (session.merge(make.batch(quantity=1)) for _ in range(2))
    source = iter([bytes(15), bytes(15), bytes(15), b"\x01" * 15])
    draw = lambda _count: next(source)  # noqa: E731 - the order of the draws is the test
    [taken] = make_chunk(session, batch=first, chunk_no=1, keys=keys, random=draw)
    [other] = make_chunk(session, batch=second, chunk_no=1, keys=keys, random=draw)
    assert (taken, other) == ("0" * 16, codes.make_code(b"\x01" * 15))
