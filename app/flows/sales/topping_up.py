"""Topping up: by WeChat Pay with the order made outside any transaction; cash in one round trip."""

from __future__ import annotations

import json
from dataclasses import dataclass

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.core.errors import N_, Category, DomainError
from app.flows import once
from app.flows.context import Context
from app.flows.once import Answer, MoneyCall
from app.flows.sales import orders
from app.flows.sales.presenting import top_up_body
from app.models.sales import TopUp, TopUpStatus
from app.services.refusals import refusal
from app.services.sales import paying_apps, top_ups

_DETAIL = {
    "card_cap_exceeded": "room_fen",
    "daily_cash_limit_exceeded": "left_today_fen",
    "top_up_below_minimum": "minimum_fen",
}


class TopUpClosed(DomainError):
    code = "top_up_closed"
    category = Category.CONFLICT
    template = N_("This top-up was closed without a payment. Please start a new one.")


@dataclass(frozen=True, kw_only=True)
class CashReceiver:
    """Whom a cashier tops up: exactly one of the three is given."""

    phone: str | None = None
    payment_code: str | None = None
    card_no: str | None = None


def top_up_by_wechat(
    context: Context,
    call: MoneyCall,
    *,
    payer: Actor,
    amount_fen: int,
    phone: str | None,
    program_id: int | None,
    token_digest: bytes | None = None,
) -> Answer:
    """Write the order, ask WeChat for it, and give what opens WeChat's sheet.

    Raises:
        DomainError: The program's rules (before any money is asked for); WeChatUnavailable and
            WeChatRefused, after which nothing can be paid.
    """
    assert payer.member_id is not None
    now = utc_now()
    with context.database.unit_of_work(SYSTEM) as session:
        begun = once.begin_once(
            session,
            call,
            lambda: top_ups.begin_wechat_top_up(
                session, payer=payer, amount_fen=amount_fen, phone=phone, program_id=program_id,
                keys=context.keys, now=now,
            ).id,
            now=now,
        )  # fmt: skip
        if isinstance(begun, Answer):
            return begun
        top_up = session.get_one(TopUp, begun)
        appid = paying_apps.choose_app(
            session,
            order=top_up,
            token_digest=token_digest,
            usual=context.settings.wechat.mini_appid,
        )
        openid = top_ups.payer_openid(session, member_id=payer.member_id, appid=appid)
    if top_up.status in {TopUpStatus.closing, TopUpStatus.closed}:
        raise TopUpClosed
    prepay_id = top_up.prepay_id
    if prepay_id is None and top_up.status is TopUpStatus.pending:
        prepay_id = _ask_wechat(context, call, top_up, payer_openid=openid, appid=appid)
    return _keep_asked(context, top_up.id, prepay_id, call)


def top_up_with_cash(
    context: Context,
    *,
    token_digest: bytes,
    key: str,
    request_hash: bytes,
    receiver: CashReceiver,
    program_id: int | None,
    amount_fen: int,
) -> Answer:
    """A cashier takes cash and the member's card has it, in one round trip.

    Raises:
        DomainError: As the function ``kaquan.top_up_with_cash`` refuses.
    """
    keys = context.keys
    verdict, status, text, detail_fen = context.database.call(
        top_ups.WITH_CASH,
        (
            token_digest,
            key,
            request_hash,
            None if receiver.phone is None else keys.phone_digest(receiver.phone),
            None
            if receiver.payment_code is None
            else keys.payment_code_digest(receiver.payment_code),
            receiver.card_no,
            program_id,
            amount_fen,
        ),
    )
    if verdict in {"credited", "replay"}:
        return Answer(status=status, text=text)
    detail = {} if verdict not in _DETAIL else {_DETAIL[verdict]: max(detail_fen or 0, 0)}
    raise refusal(verdict, **detail)


def _ask_wechat(
    context: Context, call: MoneyCall, top_up: TopUp, *, payer_openid: str, appid: str
) -> str | None:
    expires_at = top_up.expires_at
    assert expires_at is not None, "what WeChat is asked for has a time limit"
    return orders.ask_wechat(
        context,
        call,
        orders.TOP_UP,
        subject_id=top_up.id,
        order_no=top_up.top_up_no,
        ask=lambda: context.wechat_pay.prepay(
            order_no=top_up.top_up_no,
            amount_fen=top_up.amount_fen,
            description="储值卡充值",
            payer_openid=payer_openid,
            expires_at=expires_at,
            appid=appid,
        ),
    )


def _keep_asked(context: Context, top_up_id: int, prepay_id: str | None, call: MoneyCall) -> Answer:
    with context.database.unit_of_work(SYSTEM) as session:
        top_up = session.get_one(TopUp, top_up_id)
        sheet = None
        if prepay_id is not None:
            top_up = top_ups.keep_prepay(session, top_up_id=top_up_id, prepay_id=prepay_id)
            if top_up.status is TopUpStatus.pending:
                sheet = context.wechat_pay.payment_sheet(
                    prepay_id, now=utc_now(), appid=top_up.payer_appid
                )
        text = json.dumps(top_up_body(top_up, sheet), ensure_ascii=False)
        answer = Answer(status=201, text=text)
        once.keep_answer(session, call, answer)
    return answer
