"""Three-way matching: what WeChat's bill says, what our orders say, and what the ledger says.

Orders are matched by their numbers, never by the day: a payment of the last second of a day may be
ours a moment later. So the orders of ours that a day's bill must know are those of that day shifted
by a few minutes, and what an earlier bill has said counts as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.bills import TradeBill, TradeLine
from app.core.clock import start_of_day
from app.models.reconciliations import Correction, DifferenceKind

_LAG = timedelta(minutes=5)  # How much later than WeChat we may know of a payment, at most.
_AT_ONCE = 5_000

_BY_NUMBER = text("""
    SELECT payment_no AS number, wechat_transaction_id AS wechat_no, wechat_fen AS fen,
           wechat_transaction_id IS NOT NULL AS is_done, false AS is_refund
      FROM payment WHERE payment_no = ANY(:numbers)
    UNION ALL
    SELECT top_up_no, wechat_transaction_id, amount_fen, wechat_transaction_id IS NOT NULL, false
      FROM top_up WHERE top_up_no = ANY(:numbers) AND channel = 'wechat'
    UNION ALL
    SELECT sale_no, wechat_transaction_id, amount_fen, wechat_transaction_id IS NOT NULL, false
      FROM voucher_sale WHERE sale_no = ANY(:numbers) AND tender = 'wechat'
    UNION ALL
    SELECT refund_no, wechat_refund_id, wechat_fen, status = 'succeeded', true
      FROM refund WHERE refund_no = ANY(:numbers)
""")
# Finished ones that the day's bill has to know. A refund stands there when it was asked for; what
# was paid too late, when it was given back; what was booked because a bill had it, on its day.
_OF_THE_DAY = text("""
    SELECT payment_no AS number FROM payment
     WHERE paid_at >= :since AND paid_at < :until AND wechat_transaction_id IS NOT NULL
    UNION ALL
    SELECT top_up_no FROM top_up
     WHERE paid_at >= :since AND paid_at < :until AND wechat_transaction_id IS NOT NULL
       AND channel = 'wechat'
    UNION ALL
    SELECT sale_no FROM voucher_sale
     WHERE sold_at >= :since AND sold_at < :until AND wechat_transaction_id IS NOT NULL
    UNION ALL
    SELECT refund_no FROM refund
     WHERE created_at >= :since AND created_at < :until AND wechat_fen > 0
       AND status = 'succeeded'
    UNION ALL
    SELECT order_no FROM refund
     WHERE created_at >= :since AND created_at < :until
       AND origin IN ('late_payment', 'voucher_sale')
    UNION ALL
    SELECT number FROM reconciliation_difference
     WHERE bill_on = :bill_on AND status = 'corrected' AND kind IN ('missing_here', 'duplicate')
""")
_LEDGER = text("""
    SELECT p.payment_no AS number, sum(l.amount_fen)::bigint AS fen
      FROM payment p JOIN posting l ON l.payment_id = p.id
     WHERE p.payment_no = ANY(:numbers) AND l.account = 'bank:wechat' AND l.refund_id IS NULL
     GROUP BY 1
    UNION ALL
    SELECT t.top_up_no, sum(l.amount_fen)::bigint
      FROM top_up t JOIN posting l ON l.top_up_id = t.id
     WHERE t.top_up_no = ANY(:numbers) AND l.account = 'bank:wechat' AND l.refund_id IS NULL
     GROUP BY 1
    UNION ALL
    SELECT r.refund_no, -sum(l.amount_fen)::bigint
      FROM refund r JOIN posting l ON l.refund_id = coalesce(r.replaces_id, r.id)
       AND (l.payment_id = r.payment_id OR l.top_up_id = r.top_up_id)
     WHERE r.refund_no = ANY(:numbers) AND l.account = 'bank:wechat' GROUP BY 1
""")
# What is sold at a till is found by its event: its postings carry the batch, not the sale. So are
# the corrections of it.
_LEDGER_OF_SALES = text("""
    SELECT s.sale_no AS number, sum(l.amount_fen)::bigint AS fen
      FROM voucher_sale s
      JOIN journal_entry e ON e.reference IN ('voucher-sale:' || s.sale_no,
                                              'voucher-sale:' || s.sale_no || '\\:late')
      JOIN posting l ON l.entry_id = e.id AND l.account = 'bank:wechat'
     WHERE s.sale_no = ANY(:numbers) GROUP BY 1
    UNION ALL
    SELECT r.refund_no, -sum(l.amount_fen)::bigint
      FROM refund r
      JOIN journal_entry e
        ON e.reference = 'refund:' || coalesce(r.replaces_id, r.id) || '\\:succeeded'
      JOIN posting l ON l.entry_id = e.id AND l.account = 'bank:wechat'
     WHERE r.refund_no = ANY(:numbers) AND r.voucher_sale_id IS NOT NULL GROUP BY 1
    UNION ALL
    SELECT d.number, sum(CASE WHEN r.id IS NULL THEN l.amount_fen ELSE -l.amount_fen END)::bigint
      FROM reconciliation_difference d
      LEFT JOIN voucher_sale s ON s.sale_no = d.number
      LEFT JOIN refund r ON r.refund_no = d.number AND r.voucher_sale_id IS NOT NULL
      JOIN journal_entry e ON e.reference = 'reconciliation:' || d.id
      JOIN posting l ON l.entry_id = e.id AND l.account = 'bank:wechat'
     WHERE d.number = ANY(:numbers) AND (s.id IS NOT NULL OR r.id IS NOT NULL) GROUP BY 1
""")
# Of what is no order of ours the ledger has only what two people have booked. Refunds: less than 0.
_LEDGER_OF_STRANGERS = text("""
    SELECT d.number, sum(l.amount_fen)::bigint AS fen
      FROM reconciliation_difference d
      JOIN journal_entry e ON e.reference = 'reconciliation:' || d.id
      JOIN posting l ON l.entry_id = e.id AND l.account = 'bank:wechat'
     WHERE d.number = ANY(:numbers) GROUP BY 1
""")
# What of an order two people have booked as not ours to keep, without sign.
_KEPT = text("""
    SELECT d.number, abs(sum(l.amount_fen))::bigint AS fen
      FROM reconciliation_difference d
      JOIN journal_entry e ON e.reference = 'reconciliation:' || d.id
      JOIN posting l ON l.entry_id = e.id AND l.account = 'unapplied:wechat'
     WHERE d.number = ANY(:numbers) GROUP BY 1
""")
_SEEN = text("SELECT DISTINCT number FROM wechat_bill_line WHERE number = ANY(:numbers)")


@dataclass(frozen=True, kw_only=True)
class Ours:
    """An order or a refund as we have it. ``is_done``: we know that the money has moved."""

    number: str
    wechat_no: str | None
    fen: int
    is_done: bool
    is_refund: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """A difference. Amounts are fen without sign; none means that this side knows nothing."""

    kind: DifferenceKind
    number: str
    wechat_no: str | None
    ours_fen: int | None
    ledger_fen: int | None
    wechat_fen: int | None
    suggestion: Correction


def wechat_no_of(line: TradeLine) -> str:
    return line.refund_id or line.transaction_id


def find_differences(session: Session, bill: TradeBill) -> list[Found]:
    """What the three do not agree on. The bill's lines must have been kept already."""
    billed = [line.number for line in bill.lines]
    ours = _known(session, billed)
    ledger = _booked(session, billed, ours)
    twice = _doubled(bill.lines, ours, ledger)
    again = {
        one.number: (one.wechat_fen or 0) - (one.ours_fen or 0)
        for one in twice
        if one.suggestion is Correction.unapplied
    }
    found = [
        difference
        for line in _each_once(bill.lines)
        if line.number in ours
        for difference in _compare(
            line, ours[line.number], ledger, again_fen=again.get(line.number, 0)
        )
    ]
    strangers = [line for line in bill.lines if line.number not in ours]
    found += [*_compare_strangers(strangers, ledger), *twice, *_unbilled(session, bill.bill_on)]
    return _say_what_was_kept(session, found)


def _each_once(lines: Sequence[TradeLine]) -> Iterable[TradeLine]:
    """The first line of each number; what comes twice is found apart."""
    return {line.number: line for line in reversed(lines)}.values()


def _compare(
    line: TradeLine, ours: Ours, ledger: Mapping[str, int], *, again_fen: int
) -> Iterator[Found]:
    """Args:
    again_fen: What was paid at WeChat beyond the line. Once corrected, the ledger has it, too.
    """
    booked = ledger.get(line.number)
    if ours.is_refund != line.is_refund:
        yield _found(line, DifferenceKind.missing_here, Correction.unapplied, None, booked)
    elif ours.fen != line.amount_fen:
        yield _found(line, DifferenceKind.amount_differs, Correction.expense, ours.fen, booked)
    elif not ours.is_done:
        # A refund under way stands in the bill already, and its end is told by other means.
        if not line.is_refund:
            yield _found(line, DifferenceKind.missing_here, Correction.confirm, None, booked)
    elif (booked or 0) not in {ours.fen, ours.fen + again_fen}:
        yield _found(line, DifferenceKind.ledger_differs, Correction.expense, ours.fen, booked)


def _compare_strangers(lines: Sequence[TradeLine], ledger: Mapping[str, int]) -> Iterator[Found]:
    """What is no order of ours: nobody has booked it yet, or it was another amount then."""
    billed: dict[str, dict[str, TradeLine]] = {}
    for line in lines:
        billed.setdefault(line.number, {}).setdefault(wechat_no_of(line), line)
    for number, moved in billed.items():
        booked = abs(ledger.get(number, 0))
        fen = sum(line.amount_fen for line in moved.values())
        kind = DifferenceKind.ledger_differs if booked else DifferenceKind.missing_here
        if booked != fen:
            first = next(iter(moved.values()))
            told = _found(first, kind, Correction.unapplied, None, booked or None)
            yield replace(told, wechat_fen=fen)


def _found(
    line: TradeLine,
    kind: DifferenceKind,
    suggestion: Correction,
    ours_fen: int | None,
    ledger_fen: int | None,
) -> Found:
    return Found(
        kind=kind,
        number=line.number,
        wechat_no=wechat_no_of(line),
        ours_fen=ours_fen,
        ledger_fen=ledger_fen,
        wechat_fen=line.amount_fen,
        suggestion=suggestion,
    )


def _doubled(
    lines: Sequence[TradeLine], ours: Mapping[str, Ours], ledger: Mapping[str, int]
) -> list[Found]:
    """Numbers that come twice: the same line again, or paid for twice over at WeChat.

    What is no order of ours is not ours to keep however often it was paid: it is told in one sum.
    """
    by_number: dict[str, list[TradeLine]] = {}
    for line in lines:
        by_number.setdefault(line.number, []).append(line)
    return [
        Found(
            kind=DifferenceKind.duplicate,
            number=number,
            wechat_no=wechat_no_of(same[-1]),
            ours_fen=same[0].amount_fen,
            ledger_fen=ledger.get(number),
            wechat_fen=sum(line.amount_fen for line in same),
            suggestion=Correction.explain
            if len({wechat_no_of(line) for line in same}) == 1
            else Correction.unapplied,
        )
        for number, same in by_number.items()
        if len(same) > 1 and (number in ours or len({wechat_no_of(line) for line in same}) == 1)
    ]


def _unbilled(session: Session, bill_on: date) -> Iterator[Found]:
    """What no bill knows: finished orders of the day, and what was booked by a line now gone."""
    begins = start_of_day(bill_on) - _LAG
    period = {"since": begins, "until": begins + timedelta(days=1), "bill_on": bill_on}
    numbers = sorted(set(session.scalars(_OF_THE_DAY, period)))
    seen = {
        number for some in _chunks(numbers) for number in session.scalars(_SEEN, {"numbers": some})
    }
    missing = [number for number in numbers if number not in seen]
    ours = _known(session, missing)
    ledger = _booked(session, missing, ours)
    for number in missing:
        order = ours.get(number)
        booked = ledger.get(number)
        if not booked and (order is None or not order.is_done):
            continue  # It was explained, or it is put right already.
        yield Found(
            kind=DifferenceKind.missing_there,
            number=number,
            wechat_no=order.wechat_no if order else None,
            ours_fen=order.fen if order else None,
            ledger_fen=abs(booked) if booked and order is None else booked,
            wechat_fen=None,
            suggestion=Correction.expense if order else Correction.unapplied,
        )


def _say_what_was_kept(session: Session, found: Sequence[Found]) -> list[Found]:
    """Where the ledger has too much just because it was kept as not ours, that is to be undone."""
    suspects = [
        one.number for one in found
        if one.kind is DifferenceKind.ledger_differs and one.ours_fen is not None
    ]  # fmt: skip
    kept = {
        row.number: row.fen
        for some in _chunks(suspects)
        for row in session.execute(_KEPT, {"numbers": some})
    }
    return [
        replace(one, suggestion=Correction.unapplied)
        if kept.get(one.number)
        and kept[one.number] == abs((one.ledger_fen or 0) - (one.wechat_fen or 0))
        else one
        for one in found
    ]


def booked_of_stranger_fen(session: Session, number: str) -> int:
    """What two people have booked of what is no order of ours; less than 0 for a refund."""
    row = session.execute(_LEDGER_OF_STRANGERS, {"numbers": [number]}).one_or_none()
    return 0 if row is None else int(row.fen)


def _known(session: Session, numbers: Sequence[str]) -> dict[str, Ours]:
    return {
        row.number: Ours(**row._mapping)
        for some in _chunks(numbers)
        for row in session.execute(_BY_NUMBER, {"numbers": some})
    }


def _booked(session: Session, numbers: Sequence[str], ours: Mapping[str, Ours]) -> dict[str, int]:
    booked: Counter[str] = Counter()
    strangers = [number for number in numbers if number not in ours]
    for statement, asked in (
        (_LEDGER, numbers),
        (_LEDGER_OF_SALES, numbers),
        (_LEDGER_OF_STRANGERS, strangers),
    ):
        for some in _chunks(asked):
            for row in session.execute(statement, {"numbers": some}):
                booked[row.number] += row.fen
    return dict(booked)


def _chunks(numbers: Sequence[str]) -> Iterator[list[str]]:
    unique = sorted(set(numbers))
    for start in range(0, len(unique), _AT_ONCE):
        yield unique[start : start + _AT_ONCE]
