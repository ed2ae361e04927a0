"""Sealed files: read back as written, and not at all when a byte is missing, moved or added."""

from __future__ import annotations

import hashlib
import os
import random
import resource
from contextlib import contextmanager

import pytest
from cryptography.exceptions import InvalidTag

from app.documents.sealed_files import FRAME, SealedWriter, read_sealed

KEY = b"k" * 32


@contextmanager
def small_disk(size: int):
    """The kernel lets no file of this process grow beyond that: writing fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write(path, plain: bytes, *, name: str = "one") -> SealedWriter:
    with SealedWriter(path, key=KEY, name=name) as out:
        rest = plain
        while rest:
            size = random.randint(1, FRAME)
            out.write(rest[:size])
            rest = rest[size:]
    return out


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME])
def test_a_file_is_read_as_it_was_written(tmp_path, size):
    plain, path = os.urandom(size), tmp_path / "a.sealed"
    out = write(path, plain)
    assert b"".join(read_sealed(path, key=KEY, name="one")) == plain
    assert (out.byte_count, out.sha256) == (size, hashlib.sha256(plain).digest())
    assert path.stat().st_mode & 0o777 == 0o600
    assert size < 64 or plain[:64] not in path.read_bytes()


@pytest.mark.parametrize("start", [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME + 4, 2 * FRAME + 5])
def test_a_file_is_read_from_any_byte_on(tmp_path, start):
    plain, path = os.urandom(2 * FRAME + 5), tmp_path / "a.sealed"
    write(path, plain)
    assert b"".join(read_sealed(path, key=KEY, name="one", start=start)) == plain[start:]


@pytest.mark.parametrize("harm", ["cut", "swap", "flip", "append", "name", "key"])
def test_a_file_that_is_not_the_one_written_is_not_read(tmp_path, harm):
    path = tmp_path / "a.sealed"
    write(path, os.urandom(2 * FRAME + 5))
    kept, frame = path.read_bytes(), FRAME + 28
    changed = {
        "cut": kept[: 2 * frame],
        "swap": kept[frame : 2 * frame] + kept[:frame] + kept[2 * frame :],
        "flip": kept[:100] + bytes([kept[100] ^ 1]) + kept[101:],
        "append": kept + kept[:frame],
    }
    path.write_bytes(changed.get(harm, kept))
    name, key = ("two" if harm == "name" else "one"), (b"x" * 32 if harm == "key" else KEY)
    with pytest.raises(InvalidTag):
        list(read_sealed(path, key=key, name=name))


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.sealed"
    with small_disk(FRAME), pytest.raises(OSError, match="File too large"):
        write(path, os.urandom(3 * FRAME))
    assert list(tmp_path.iterdir()) == []
