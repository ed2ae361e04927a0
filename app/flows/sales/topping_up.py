"""Topping up by WeChat Pay, with the order made outside any transaction. Cash: taking_cash.py."""

from __future__ import annotations

import json

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.core.errors import N_, Category, DomainError
from app.flows import once
from app.flows.context import Context
from app.flows.once import Answer, MoneyCall
from app.flows.sales import orders
from app.flows.sales.presenting import top_up_body
from app.models.sales import TopUp, TopUpStatus
from app.services.sales import paying_apps, top_ups


class TopUpClosed(DomainError):
    code = "top_up_closed"
    category = Category.CONFLICT
    template = N_("This top-up was closed without a payment. Please start a new one.")


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
