"""Rows of old cards as people bring them in a spreadsheet: what is in order, and what is wrong."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import codes, money
from app.core.clock import local_day
from app.core.errors import N_, Category, DomainError
from app.core.keys import Keys

T = TypeVar("T")

MAX_BALANCE_FEN = 5_000_00
MOST_PROBLEMS = 200
STEP = 10_000
_SERIAL = re.compile(r"[0-9A-Za-z-]{4,40}")
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")

HEADINGS = {
    "serial": frozenset({"卡号", "券号", "序列号", "serial", "serial_no"}),
    "code": frozenset({"卡密", "券码", "密码", "code"}),
    "hash": frozenset({"卡密哈希", "卡密sha256", "code_sha256", "sha256"}),
    "balance": frozenset({"余额", "余额（元）", "余额(元)", "balance"}),
    "expires_on": frozenset({"有效期", "有效期至", "到期日", "expires_on"}),
}

# One parameter for ten thousand of them.
_KNOWN_SERIALS = text("SELECT serial_no FROM voucher WHERE serial_no = ANY(cast(:known AS text[]))")
_KNOWN_DIGESTS = text(
    "SELECT code_digest FROM voucher WHERE code_digest = ANY(cast(:known AS bytea[]))"
)

NUMBER_KNOWN = N_("There is a voucher with this number already.")
CODE_KNOWN = N_("There is a voucher with this code already.")


class ImportHeadingsMissing(DomainError):
    code = "import_headings_missing"
    category = Category.INVALID
    template = N_(
        "The first row must name the columns: 卡号, 卡密 (or 卡密哈希), 余额, and 有效期 if cards"
        " expire."
    )


@dataclass(frozen=True)
class OldCard:
    """One row that is in order. ``secret`` is the SHA-256 of the code, in hex."""

    serial_no: str
    secret: str
    last4: str
    balance_fen: int
    expires_on: str | None


@dataclass(frozen=True)
class RowProblem:
    """What is wrong in which row of the file; ``sentence`` is to be translated."""

    row: int
    sentence: str


@dataclass(frozen=True)
class DryRun:
    """What a file holds, before anything is written."""

    cards: Sequence[OldCard]
    problems: Sequence[RowProblem]
    problem_count: int

    @property
    def total_fen(self) -> int:
        return sum(card.balance_fen for card in self.cards)

    def by_expiry(self) -> list[dict[str, object]]:
        """Count and fen by the day on which cards expire, to be compared with the old system."""
        count: Counter[str] = Counter()
        fen: Counter[str] = Counter()
        for card in self.cards:
            count[card.expires_on or ""] += 1
            fen[card.expires_on or ""] += card.balance_fen
        return [{"expires_on": day, "count": count[day], "fen": fen[day]} for day in sorted(count)]


def read_rows(rows: Sequence[tuple[int, Sequence[str]]], *, now: datetime) -> Reader:
    """What can be said of the rows without asking the database, which need not wait meanwhile.

    Raises:
        ImportHeadingsMissing
    """
    columns = _columns(rows[0][1])
    reader = Reader(today=local_day(now))
    for number, cells in rows[1:]:
        reader.read(number, {name: _cell(cells, place) for name, place in columns.items()})
    return reader


def in_steps(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Some at a time: a statement has no more than so many parameters."""
    for start in range(0, len(items), STEP):
        yield items[start : start + STEP]


class Reader:
    """Rows one by one, with what has been seen before."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.cards: dict[int, OldCard] = {}
        self.problems: list[RowProblem] = []
        self._serials: dict[str, int] = {}
        self._secrets: dict[str, int] = {}

    def read(self, row: int, cells: dict[str, str]) -> None:
        secret, last4 = _secret(cells)
        balance_fen = money.read_yuan(cells["balance"])
        expires_on, readable = _day(cells.get("expires_on", ""))
        serial = cells["serial"]
        for wrong, sentence in (
            (
                not _SERIAL.fullmatch(serial),
                N_("The card number is missing or has odd characters."),
            ),
            (secret is None, N_("The code is missing, too short, or no SHA-256 in hex.")),
            (
                balance_fen is None,
                N_("The balance is no amount in yuan, such as 88.50."),
            ),
            (balance_fen == 0, N_("The balance is zero: there is nothing to take over.")),
            ((balance_fen or 0) > MAX_BALANCE_FEN, N_("The balance is above 5,000 yuan.")),
            (not readable, N_("The expiry is no date such as 2027-12-31.")),
            (expires_on is not None and expires_on < self.today, N_("The card has expired.")),
            (serial in self._serials, N_("The card number stands in the file twice.")),
            (secret in self._secrets, N_("The code stands in the file twice.")),
        ):
            if wrong:
                self.problems.append(RowProblem(row, sentence))
                return
        assert secret is not None
        assert balance_fen is not None
        self._serials[serial] = self._secrets[secret] = row
        day = None if expires_on is None else expires_on.isoformat()
        self.cards[row] = OldCard(serial, secret, last4, balance_fen, day)

    def steps(self) -> Iterator[Sequence[tuple[int, OldCard]]]:
        """The rows that are in order, some at a time, for ``find_known_among``."""
        return in_steps(list(self.cards.items()))

    def find_known(self, session: Session, keys: Keys) -> None:
        """Numbers and codes that are in the system already."""
        for some in self.steps():
            self.find_known_among(some, session=session, keys=keys)

    def find_known_among(
        self, some: Sequence[tuple[int, OldCard]], *, session: Session, keys: Keys
    ) -> None:
        """The same for some of the rows, so that each step may be a transaction of its own."""
        by_serial = {card.serial_no: row for row, card in some}
        for serial in session.scalars(_KNOWN_SERIALS, {"known": list(by_serial)}):
            self.problems.append(RowProblem(by_serial[serial], NUMBER_KNOWN))
        by_digest = {keys.old_code_digests(card.secret)[0]: row for row, card in some}
        for digest in session.scalars(_KNOWN_DIGESTS, {"known": list(by_digest)}):
            self.problems.append(RowProblem(by_digest[bytes(digest)], CODE_KNOWN))

    def dry_run(self) -> DryRun:
        problems = sorted(self.problems, key=lambda problem: problem.row)
        bad = {problem.row for problem in problems}
        good = [card for number, card in self.cards.items() if number not in bad]
        return DryRun(good, problems[:MOST_PROBLEMS], len(bad))


def _columns(headings: Sequence[str]) -> dict[str, int]:
    plain = [heading.strip().lower().replace(" ", "") for heading in headings]
    found = {
        name: place
        for name, known in HEADINGS.items()
        for place, heading in enumerate(plain)
        if heading in known
    }
    if not {"serial", "balance"} <= found.keys() or not {"code", "hash"} & found.keys():
        raise ImportHeadingsMissing
    return found


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place].strip() if place < len(cells) else ""


def _secret(cells: dict[str, str]) -> tuple[str | None, str]:
    """The SHA-256 of the code and its last four characters, as far as they are known."""
    if given := cells.get("hash", ""):
        return (given.lower(), "") if _HASH.fullmatch(given) else (None, "")
    compact = codes.compact(cells.get("code", ""))
    if not codes.could_be_old(compact):
        return None, ""
    return hashlib.sha256(compact.encode()).hexdigest(), compact[-4:]


def _day(typed: str) -> tuple[date | None, bool]:
    """A day, and whether it could be read; none at all is for ever."""
    if not typed:
        return None, True
    found = _DAY.fullmatch(typed)
    try:
        return (date(*map(int, found.groups())), True) if found else (None, False)
    except ValueError:
        return None, False
