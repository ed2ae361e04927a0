"""Files that lie on disk sealed from their first byte on: AES-256-GCM in frames of a mebibyte.

Each frame says which file, which place and whether it is the last, so that none can be left out,
moved or cut off. Frames are opened one by one: reading takes no more memory than writing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from app.core import sealing

FRAME = 1 << 20
_OVERHEAD = 28  # The nonce before and the tag behind.


class SealedWriter:
    """Takes bytes in the clear, counts and hashes them, and writes them sealed.

    Leaving it by an exception removes the file. Raises OSError when the disk is full.
    """

    def __init__(self, path: Path, *, key: bytes, name: str) -> None:
        self._path, self._key, self._name = path, key, name
        self._draft = path.with_suffix(".part")
        self._waiting = bytearray()
        self._frames = 0
        self._hash = hashlib.sha256()
        self.byte_count = 0
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = open(self._draft, "wb", opener=_only_ours)  # noqa: SIM115 - closed below

    def write(self, piece: bytes) -> int:
        self._hash.update(piece)
        self.byte_count += len(piece)
        self._waiting += piece
        while len(self._waiting) > FRAME:  # The last frame is never written here.
            self._write_frame(bytes(self._waiting[:FRAME]), last=False)
            del self._waiting[:FRAME]
        return len(piece)

    def flush(self) -> None:
        """What is not a whole frame waits; zipfile asks for this and may be told nothing."""

    @property
    def sha256(self) -> bytes:
        return self._hash.digest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._write_frame(bytes(self._waiting), last=True)
                self._file.flush()
                os.fsync(self._file.fileno())
                self._draft.replace(self._path)
                _sync_folder(self._path.parent)
        finally:
            try:
                self._file.close()
            finally:
                self._draft.unlink(missing_ok=True)

    def _write_frame(self, plain: bytes, *, last: bool) -> None:
        purpose = _purpose(self._name, self._frames, last=last)
        self._file.write(sealing.seal(plain, key=self._key, purpose=purpose))
        self._frames += 1


def read_sealed(path: Path, *, key: bytes, name: str, start: int = 0) -> Iterator[bytes]:
    """The file in the clear, a frame at a time.

    Args:
        start: Go on from this byte: whoever has lost the rest need not begin again.

    Raises:
        cryptography's InvalidTag: It is not the file that was written.
    """
    size = FRAME + _OVERHEAD
    number, skipped = divmod(start, FRAME)
    with path.open("rb") as file:
        file.seek(number * size)
        frame = file.read(size)
        while frame:
            following = file.read(size)
            purpose = _purpose(name, number, last=not following)
            plain = sealing.unseal(frame, key=key, purpose=purpose)
            yield plain[skipped:] if skipped else plain
            number, frame, skipped = number + 1, following, 0


def _purpose(name: str, number: int, *, last: bool) -> str:
    return f"sealed-file:{name}:{number}:{'last' if last else 'more'}"


def _only_ours(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
