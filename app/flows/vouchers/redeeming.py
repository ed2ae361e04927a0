"""Redeeming paper at a till, in one round trip; a refusal says where and when it was used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from app.core.actor import SYSTEM, TILL_ROLES, Actor
from app.core.clock import rfc3339
from app.core.errors import DomainError
from app.db import Database
from app.flows.context import Context
from app.flows.once import Answer, Body, answers_by_index
from app.services.refusals import StoreRequired, refusal
from app.services.vouchers import redemptions
from app.services.vouchers.redemptions import RedemptionSeen, ScannedVoucher, VoucherSeen


def redeem(
    context: Context, *, token_digest: bytes, key: str, request_hash: bytes, code: str
) -> Answer:
    """Redeem one voucher for the store of the till's token.

    One round trip, shared with other tills that redeem at this moment.

    Args:
        code: Normalised, with a right check character.

    Raises:
        DomainError: As the function ``kaquan.redeem`` refuses.
    """
    call = ScannedVoucher(token_digest, key, request_hash, context.keys.code_digests(code))
    by_itself = partial(context.database.call, redemptions.REDEEM, call)
    made = context.redemptions_together.go(call, by_itself)
    if isinstance(made, Answer):
        return made
    verdict, status, text, voucher_id = made
    if verdict in {"redeemed", "replay"}:
        return Answer(status=status, text=text)
    if verdict == "voucher_already_redeemed":
        raise _already_redeemed(context, voucher_id)
    raise refusal(verdict)


def redeem_scanned(database: Database, group: Sequence[ScannedVoucher]) -> dict[int, Answer]:
    """Redeem the plain ones of a group, in one round trip; their answers by index.

    Raises:
        DatabaseBusy, DatabaseDown: None of them was redeemed, or all: each may be sent again.
    """
    tokens, keys, hashes, _ = (list(column) for column in zip(*group, strict=True))
    codes = [(code, place) for place, call in enumerate(group, 1) for code in call.code_digests]
    digests, places = (list(column) for column in zip(*codes, strict=True))
    rows = database.call_rows(redemptions.REDEEM_TOGETHER, (tokens, keys, hashes, digests, places))
    return answers_by_index(rows)


def look_up(context: Context, *, code: str, till: Actor) -> VoucherSeen:
    """A voucher's value and state for the till that holds it, in one round trip. Changes nothing.

    Raises:
        VoucherNotFound: Also for one that this store does not accept.
    """
    if till.role not in TILL_ROLES or till.store_id is None:
        raise StoreRequired
    digests = context.keys.code_digests(code)
    return redemptions.read_look_up(
        context.database.call(redemptions.LOOK_UP, (digests, till.merchant_id, till.store_id))
    )


def redemption_body(seen: RedemptionSeen) -> Body:
    return {
        "redemption_no": seen.redemption_no,
        "redeemed_at": rfc3339(seen.redeemed_at),
        "store": seen.store_name,
    }


def _already_redeemed(context: Context, voucher_id: int) -> DomainError:
    with context.database.unit_of_work(SYSTEM) as session:
        seen = redemptions.find_redemption(session, voucher_id=voucher_id)
    return refusal("voucher_already_redeemed", **({} if seen is None else redemption_body(seen)))
