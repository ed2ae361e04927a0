"""Redeeming paper at a till, in one round trip; a refusal says where and when it was used."""

from __future__ import annotations

from app.core.actor import SYSTEM, TILL_ROLES, Actor
from app.core.clock import rfc3339
from app.core.errors import DomainError
from app.flows.context import Context
from app.flows.once import Answer, Body
from app.services import redemptions
from app.services.redemptions import RedemptionSeen, VoucherSeen
from app.services.refusals import StoreRequired, refusal


def redeem(
    context: Context, *, token_digest: bytes, key: str, request_hash: bytes, code: str
) -> Answer:
    """Redeem one voucher for the store of the till's token.

    Args:
        code: Normalised, with a right check character.

    Raises:
        DomainError: As the function ``kaquan.redeem`` refuses.
    """
    verdict, status, text, voucher_id = context.database.call(
        redemptions.REDEEM, (token_digest, key, request_hash, context.keys.code_digests(code))
    )
    if verdict in {"redeemed", "replay"}:
        return Answer(status=status, text=text)
    if verdict == "voucher_already_redeemed":
        raise _already_redeemed(context, voucher_id)
    raise refusal(verdict)


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
