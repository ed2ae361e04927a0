"""Looking after payments by hand: ask WeChat now, see whether the keys fit, try a payment."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.flows.context import Context
from app.flows.sales import orders, refunding
from app.gateways.wechat.keys import load_merchant_key, load_wechatpay_key
from app.models.people import Member, MemberIdentity
from app.models.sales import Refund
from app.services.ports import GatewayRefused, GatewayUnavailable, OrderNotFound, OrderState
from config import SettingsError

_TRIAL_FEN = 1
_TRIAL_MINUTES = 5
_SOON = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at. ``state``: good, warning or bad; ``detail`` as a fixed word."""

    name: str
    state: str
    detail: str = ""
    expires_at: datetime | None = None


def ask_about_order(context: Context, number: str) -> str:
    """Ask WeChat about one of our orders now, and do what follows from its answer.

    Returns:
        The order's state afterwards.
    """
    kind = orders.kind_of(number)
    assert kind is not None, "one of our numbers"
    which = select(kind.table).where(getattr(kind.table, kind.number) == number)
    with context.database.unit_of_work(SYSTEM) as session:
        row = session.scalars(which).one()
        order = orders.open_order(kind, row) if row.expires_at is not None else None
    if order is not None:
        orders.settle_order(context, order)
    with context.database.unit_of_work(SYSTEM) as session:
        return session.scalars(which).one().status.name


def ask_about_refund(context: Context, refund_id: int) -> str:
    """Ask WeChat what became of a refund now. Returns its state afterwards."""
    with context.database.unit_of_work(SYSTEM) as session:
        number = session.get_one(Refund, refund_id).refund_no
    refunding.ask_about_refund(context, number, refund_id)
    with context.database.unit_of_work(SYSTEM) as session:
        return session.get_one(Refund, refund_id).status.name


def check_keys(context: Context, *, now: datetime) -> Sequence[Check]:
    """Whether the files are there and are what they should be. No network."""
    wechat = context.settings.wechat
    return [
        _loaded("merchant_key", lambda: load_merchant_key(wechat.mch_key_file).public_key()),
        _loaded("wechatpay_key", lambda: load_wechatpay_key(wechat.public_key_file)),
        Check(
            name="public_key_id",
            state="good" if wechat.public_key_id.startswith("PUB_KEY_ID_") else "bad",
            detail=wechat.public_key_id,
        ),
        Check(name="merchant_serial", state="good", detail=wechat.mch_serial),
        _certificate(context, now),
    ]


def check_far_end(context: Context) -> Check:
    """Ask for an order that is not there: an answer proves address, keys and both signatures."""
    began = time.monotonic()
    try:
        context.wechat_pay.query_order(f"P0{secrets.token_hex(8)}")
    except OrderNotFound:
        return Check(
            name="far_end", state="good", detail=f"{(time.monotonic() - began) * 1000:.0f} ms"
        )
    except (GatewayUnavailable, GatewayRefused) as error:
        return Check(name="far_end", state="bad", detail=str(error))
    return Check(name="far_end", state="bad", detail="an order that nobody made")


def find_tester(context: Context, phone: str) -> str | None:
    """The WeChat identity of the member with that phone number, if there is one."""
    digest = context.keys.phone_digest(phone)
    with context.database.unit_of_work(SYSTEM) as session:
        return session.scalar(
            select(MemberIdentity.openid)
            .join(Member, Member.id == MemberIdentity.member_id)
            .where(
                Member.phone_digest == digest,
                MemberIdentity.appid == context.settings.wechat.mini_appid,
            )
        )


def try_payment(context: Context, openid: str) -> Sequence[Check]:
    """Make an order of one fen, look at it, and close it: no money moves, nothing is booked."""
    number = f"X{secrets.token_hex(10)}"
    pay = context.wechat_pay
    checks: list[Check] = []

    def step(name: str, act: Callable[[], object]) -> bool:
        began = time.monotonic()
        try:
            act()
        except (GatewayUnavailable, GatewayRefused) as error:
            checks.append(Check(name=name, state="bad", detail=str(error)))
            return False
        took = f"{(time.monotonic() - began) * 1000:.0f} ms"
        checks.append(Check(name=name, state="good", detail=took))
        return True

    def look() -> None:
        if pay.query_order(number).state is not OrderState.NOTPAY:
            raise GatewayRefused("UNEXPECTED_STATE")

    made = step("prepay", lambda: pay.prepay(
        order_no=number, amount_fen=_TRIAL_FEN, description="卡券通支付测试", payer_openid=openid,
        expires_at=utc_now() + timedelta(minutes=_TRIAL_MINUTES),
    ))  # fmt: skip
    if made:
        step("query", look)
        step("close", lambda: pay.close_order(number))
    return checks


def _loaded(name: str, load: Callable[[], object]) -> Check:
    try:
        key = load()
    except SettingsError as error:
        return Check(name=name, state="bad", detail=str(error))
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return Check(name=name, state="good", detail=hashlib.sha256(spki).hexdigest()[:16])


def _certificate(context: Context, now: datetime) -> Check:
    """The merchant's API certificate, which WeChat gives for five years. We only watch its end."""
    path = context.settings.wechat.mch_cert_file
    if path is None:
        return Check(name="certificate", state="warning", detail="not_given")
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return Check(name="certificate", state="bad", detail="unreadable")
    ends = certificate.not_valid_after_utc
    state = "bad" if ends <= now else "warning" if ends <= now + _SOON else "good"
    serial = f"{certificate.serial_number:X}"
    if serial != context.settings.wechat.mch_serial.upper().lstrip("0"):
        return Check(name="certificate", state="bad", detail="other_serial", expires_at=ends)
    return Check(name="certificate", state=state, expires_at=ends)
