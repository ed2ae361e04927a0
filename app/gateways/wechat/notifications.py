"""The gate for WeChat Pay's notifications: what passes was said by WeChat, to us, just now.

Pure: no network and no database. Whether the order and the amount are ours, and whether the event
was seen before, only our records know; services check that next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.gateways.wechat import signing
from app.gateways.wechat.fields import Fields, MalformedFields
from app.services.ports import OrderState, RefundState

_CURRENCY = "CNY"
_RESOURCE_TYPE = "encrypt-resource"


class NotificationRejected(Exception):
    """Not to be believed, or not for us. Answer 4xx and change nothing.

    Attributes:
        reason: A fixed word for logs and metrics; never something that the sender wrote.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class NotificationKeys:
    """What a notification is measured against.

    Attributes:
        public_keys: WeChat Pay's keys by exact serial; in public-key mode the one key id.
    """

    public_keys: Mapping[str, RSAPublicKey]
    apiv3_key: bytes
    mchid: str
    appids: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One believed message of WeChat Pay.

    Attributes:
        event_id: The same in every repetition of this message.
        amount_fen: The order's total as asked of the payer, also when a refund is told of.
        currency: None in a refund's message, which does not carry one; nor an appid.
    """

    event_id: str
    event_type: str
    kind: Literal["transaction", "refund"]
    order_no: str
    state: OrderState | RefundState
    amount_fen: int
    mchid: str
    appid: str | None = None
    currency: str | None = None
    transaction_id: str | None = None
    payer_openid: str | None = None
    refund_no: str | None = None
    refund_id: str | None = None
    refund_fen: int | None = None
    succeeded_at: datetime | None = None


def open_notification(
    headers: Mapping[str, str], body: bytes, *, keys: NotificationKeys, now: datetime
) -> Notification:
    """Believe a message or refuse it: serial, time, signature, no probe, decryption, addressee.

    Args:
        headers: As received; the case of names does not matter.
        body: The raw bytes, exactly as received.

    Raises:
        NotificationRejected: For everything else. No other exception leaves this function.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        signing.require_signature(
            lowered, body, public_keys=keys.public_keys, now_seconds=now.timestamp()
        )
        envelope = Fields.parse(body)
        event_id, event_type = envelope.text("id"), envelope.text("event_type")
        kind, told = _open_resource(envelope, keys.apiv3_key)
        if kind == "transaction":
            notification = _transaction(told, event_id, event_type)
        else:
            notification = _refund(told, event_id, event_type)
    except signing.SignatureRejected as error:
        raise NotificationRejected(error.reason) from None
    except signing.DecryptionRejected:
        raise NotificationRejected("undecipherable") from None
    except (MalformedFields, ValueError):  # ValueError: a state that nobody documented.
        raise NotificationRejected("malformed") from None
    _require_ours(notification, keys)
    return notification


def _open_resource(
    envelope: Fields, apiv3_key: bytes
) -> tuple[Literal["transaction", "refund"], Fields]:
    if envelope.text("resource_type") != _RESOURCE_TYPE:
        raise MalformedFields("resource_type")
    resource = envelope.object("resource")
    sealed = signing.SealedResource(
        algorithm=resource.text("algorithm"),
        ciphertext=resource.text("ciphertext"),
        nonce=resource.text("nonce"),
        associated_data=resource.text_or_none("associated_data") or "",
    )
    told = Fields.parse(signing.decrypt_resource(apiv3_key, sealed))
    # The event type is signed; original_type is only a hint, which must not contradict it.
    event = envelope.text("event_type").partition(".")[0]
    hint = resource.text_or_none("original_type")
    if event == "TRANSACTION" and hint in {None, "transaction"}:
        return "transaction", told
    if event == "REFUND" and hint in {None, "refund"}:
        return "refund", told
    raise NotificationRejected("unknown_event_type")


def _transaction(told: Fields, event_id: str, event_type: str) -> Notification:
    amount, payer = told.object("amount"), told.object_or_none("payer")
    state = OrderState(told.text("trade_state"))
    _require_same_state(event_type, state.value)
    return Notification(
        event_id=event_id,
        event_type=event_type,
        kind="transaction",
        order_no=told.text("out_trade_no"),
        state=state,
        amount_fen=amount.integer("total"),
        currency=amount.text("currency"),
        mchid=told.text("mchid"),
        appid=told.text("appid"),
        transaction_id=told.text("transaction_id"),
        payer_openid=payer.text_or_none("openid") if payer is not None else None,
        succeeded_at=told.instant_or_none("success_time"),
    )


def _refund(told: Fields, event_id: str, event_type: str) -> Notification:
    amount = told.object("amount")
    state = RefundState(told.text("refund_status"))
    _require_same_state(event_type, state.value)
    return Notification(
        event_id=event_id,
        event_type=event_type,
        kind="refund",
        order_no=told.text("out_trade_no"),
        state=state,
        amount_fen=amount.integer("total"),
        refund_fen=amount.integer("refund"),
        currency=amount.text_or_none("currency"),
        mchid=told.text("mchid"),
        appid=told.text_or_none("appid"),
        transaction_id=told.text_or_none("transaction_id"),
        refund_no=told.text("out_refund_no"),
        refund_id=told.text("refund_id"),
        succeeded_at=told.instant_or_none("success_time"),
    )


def _require_same_state(event_type: str, state: str) -> None:
    if event_type.partition(".")[2] != state:
        raise NotificationRejected("contradictory_state")


def _require_ours(notification: Notification, keys: NotificationKeys) -> None:
    if notification.mchid != keys.mchid:
        raise NotificationRejected("foreign_mchid")
    if notification.appid is None:
        is_allowed = notification.kind == "refund"
    else:
        is_allowed = notification.appid in keys.appids
    if not is_allowed:
        raise NotificationRejected("foreign_appid")
    if notification.currency not in {_CURRENCY, None}:
        raise NotificationRejected("foreign_currency")
