"""Taking cash at a counter, in one round trip; several tills' at once share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from app.db import Database
from app.flows.context import Context
from app.flows.once import Answer, answers_by_index
from app.services.refusals import refusal
from app.services.sales import cash_top_ups
from app.services.sales.cash_top_ups import CashTaken

_DETAIL = {
    "card_cap_exceeded": "room_fen",
    "daily_cash_limit_exceeded": "left_today_fen",
    "top_up_below_minimum": "minimum_fen",
}


@dataclass(frozen=True, kw_only=True)
class CashReceiver:
    """Whom a cashier tops up: exactly one of the three is given."""

    phone: str | None = None
    payment_code: str | None = None
    card_no: str | None = None


def take_cash(
    context: Context,
    *,
    token_digest: bytes,
    key: str,
    request_hash: bytes,
    receiver: CashReceiver,
    program_id: int | None,
    amount_fen: int,
) -> Answer:
    """A cashier takes cash and the member's card has it.

    One round trip, shared with other tills that take cash at this moment.

    Raises:
        DomainError: As the function ``kaquan.top_up_with_cash`` refuses.
    """
    keys = context.keys
    phone = None if receiver.phone is None else keys.phone_digest(receiver.phone)
    code = None
    if receiver.payment_code is not None:
        code = keys.payment_code_digest(receiver.payment_code)
    identity = (token_digest, key, request_hash)
    values = (*identity, phone, code, receiver.card_no, program_id, amount_fen)
    by_itself = partial(context.database.call, cash_top_ups.TAKE, values)
    if code is not None:
        made = by_itself()
    else:
        call = CashTaken(*identity, phone, receiver.card_no, program_id, amount_fen)
        made = context.cash_together.go(call, by_itself)
    if isinstance(made, Answer):
        return made
    verdict, status, text, detail_fen = made
    if verdict in {"credited", "replay"}:
        return Answer(status=status, text=text)
    detail = {} if verdict not in _DETAIL else {_DETAIL[verdict]: max(detail_fen or 0, 0)}
    raise refusal(verdict, **detail)


def take_cash_together(database: Database, group: Sequence[CashTaken]) -> dict[int, Answer]:
    """Make the top-ups of a group that are plain, in one round trip; their answers by index.

    Raises:
        DatabaseBusy, DatabaseDown: None of them was made, or all: each may be sent again.
    """
    columns = [list(column) for column in zip(*group, strict=True)]
    rows = database.call_rows(cash_top_ups.TAKE_TOGETHER, columns)
    return answers_by_index(rows)
