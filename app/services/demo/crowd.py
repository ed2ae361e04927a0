"""A crowd for load tests: members, cards and payments by the million, and the books to match.

COPY and set-based SQL, not calls: whoever asks for a crowd waits for it. The triggers that guard
the ledger see every row, and ``make verify`` finds nothing amiss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from psycopg import ClientCursor

from app.core.keys import Keys, masked_phone

FILLED_FEN = 400_000  # Principal on each card before its first payment.
_MOST_FEN = 50_00
_TABLES = ("merchant", "store", "pay_point", "member", "card", "lot", "top_up", "payment",
           "journal_entry")  # fmt: skip
_HERE = Path(__file__).parent
_AT_ONCE = 200_000


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """How many, and from when to when. Amounts in fen; a payment is least to least + span - 1."""

    merchants: int
    stores: int
    members: int
    payments: int
    began_at: datetime
    until: datetime
    code: str
    program_id: int
    least_fen: int = 1_00
    span_fen: int = 1

    @property
    def step(self) -> timedelta:
        return (self.until - self.began_at) / (self.payments + 1)


def size_crowd(
    *, merchants: int, stores: int, members: int, payments: int, program_id: int, code: str,
    now: datetime,
) -> Crowd:  # fmt: skip
    """A year's crowd whose payments are as high as the cards can bear, fifty yuan at most.

    Raises:
        ValueError: More payments a member than a card has fen for, or nobody to pay.
    """
    if payments and not (members and stores and merchants):
        raise ValueError("payments need members, stores and merchants")
    if stores and not merchants:
        raise ValueError("stores need merchants")
    each = -(-payments // members) if members else 0
    most = min(_MOST_FEN, FILLED_FEN // each) if each else _MOST_FEN
    if most < 1:
        raise ValueError(f"a card pays at most {FILLED_FEN} times: ask for more members")
    least = min(1_00, most)
    return Crowd(
        merchants=merchants, stores=stores, members=members, payments=payments,
        began_at=now - timedelta(days=365), until=now, code=code, program_id=program_id,
        least_fen=least, span_fen=most - least + 1,
    )  # fmt: skip


def load_crowd(cursor: ClientCursor, crowd: Crowd, *, keys: Keys) -> None:
    """Everything in the caller's transaction, with ids after those that were given out already.

    Args:
        cursor: Of the owner, who takes the ledger's role meanwhile.
    """
    bases = _draw_ids(cursor, crowd)
    cursor.execute(
        "CREATE TEMP TABLE crowd_member (n bigint, phone_sealed bytea, phone_digest bytea,"
        " phone_masked text) ON COMMIT DROP"
    )
    with cursor.copy("COPY crowd_member FROM STDIN") as copy:
        for row in _members(crowd, bases["member"], keys):
            copy.write_row(row)
    # The ledger's role may insert what services and functions insert, and sees every row.
    cursor.execute("GRANT ALL ON crowd_member TO kaquan_ledger; SET LOCAL ROLE kaquan_ledger")
    values = {**asdict(crowd), **bases, "step": crowd.step}
    if crowd.merchants or crowd.members:
        cursor.execute((_HERE / "crowd.sql").read_bytes(), values)
    payments = (_HERE / "crowd_payments.sql").read_bytes()
    for first in range(1, crowd.payments + 1, _AT_ONCE):
        last = min(first + _AT_ONCE - 1, crowd.payments)
        cursor.execute(payments, {**values, "first": first, "last": last})
    cursor.execute("RESET ROLE")


def phone_of(member_id: int) -> str:
    """Members of a crowd have numbers of a series that no other data of ours uses."""
    return f"15{member_id:09d}"


def _members(crowd: Crowd, base: int, keys: Keys) -> Iterator[tuple[int, bytes, bytes, str]]:
    for n in range(1, crowd.members + 1):
        phone = phone_of(base + n)
        yield n, keys.seal_phone(phone), keys.phone_digest(phone), masked_phone(phone)


def _draw_ids(cursor: ClientCursor, crowd: Crowd) -> dict[str, int]:
    """For every table the last id before ours; its sequence goes on after ours."""
    wanted = {
        "merchant": crowd.merchants,
        "store": crowd.stores,
        "pay_point": crowd.stores,
        "member": crowd.members,
        "card": crowd.members,
        "lot": 2 * crowd.members,
        "top_up": crowd.members,
        "payment": crowd.payments,
        "journal_entry": crowd.members + crowd.payments,
    }
    bases = {}
    for table in _TABLES:
        cursor.execute("SELECT nextval(s), s FROM pg_get_serial_sequence(%s, 'id') s", (table,))
        row = cursor.fetchone()
        assert row is not None
        base, sequence = int(row[0]), row[1]
        cursor.execute("SELECT setval(%s, %s)", (sequence, base + wanted[table]))
        bases[table] = base
    return bases
