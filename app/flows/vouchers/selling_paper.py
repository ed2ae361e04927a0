"""Selling paper at a till by WeChat Pay: the customer scans a code on our screen."""

from __future__ import annotations

import json

from app.core.actor import SYSTEM, Actor
from app.core.clock import rfc3339, utc_now
from app.flows import once
from app.flows.context import Context
from app.flows.once import Answer, Body, MoneyCall
from app.flows.sales import orders
from app.models.tenants import Store
from app.models.tills import SaleTender, VoucherSale, VoucherSaleStatus
from app.services.tills import till_sales
from app.services.tills.till_sales import Chosen, SaleNotFound


def sell_by_wechat(context: Context, call: MoneyCall, *, chosen: Chosen, till: Actor) -> Answer:
    """Hold the papers, ask WeChat for an order, and give the code that the customer scans.

    Raises:
        DomainError: As till_sales.begin_sale, before any money is asked for; WeChatUnavailable (the
            same key may ask again), WeChatRefused, after which the papers are free again.
    """
    now = utc_now()
    with context.database.unit_of_work(SYSTEM) as session:
        begun = once.begin_once(
            session,
            call,
            lambda: (
                till_sales.begin_sale(
                    session, chosen=chosen, tender=SaleTender.wechat, till=till, now=now
                ).id
            ),
            now=now,
        )
        if isinstance(begun, Answer):
            return begun
        sale = session.get_one(VoucherSale, begun)
        store = session.get_one(Store, sale.store_id)
    code_url = sale.code_url
    if code_url is None and sale.status is VoucherSaleStatus.pending:
        code_url = _ask_wechat(context, call, sale, description=store.name[:40])
    with context.database.unit_of_work(SYSTEM) as session:
        kept = session.get_one(VoucherSale, sale.id)
        if code_url is not None:
            kept = till_sales.keep_code_url(session, sale_id=sale.id, code_url=code_url)
        answer = Answer(status=201, text=json.dumps(sale_body(kept), ensure_ascii=False))
        once.keep_answer(session, call, answer)
    return answer


def close_sale(context: Context, *, sale_no: str, till: Actor) -> VoucherSale:
    """The customer gives up: WeChat's order is closed, then the papers are free again.

    Raises:
        SaleNotFound: Also for another store's.
    """
    sale = find_sale(context, sale_no=sale_no, till=till)
    if sale.status in {VoucherSaleStatus.pending, VoucherSaleStatus.closing}:
        orders.close_order(context, orders.VOUCHER_SALE, sale.id, sale.sale_no)
    return find_sale(context, sale_no=sale_no, till=till)


def find_sale(context: Context, *, sale_no: str, till: Actor) -> VoucherSale:
    with context.database.unit_of_work(till) as session:
        found = till_sales.find_sale(session, sale_no=sale_no)
    if found is None:
        raise SaleNotFound
    return found


def sale_body(sale: VoucherSale) -> Body:
    """A sale as it goes over the wire; the code to scan only while it can be paid."""
    waiting = sale.status is VoucherSaleStatus.pending
    return {
        "sale_no": sale.sale_no,
        "status": sale.status.name,
        "tender": sale.tender.name,
        "quantity": sale.quantity,
        "amount_fen": sale.amount_fen,
        "code_url": sale.code_url if waiting else None,
        "created_at": rfc3339(sale.created_at),
        "expires_at": None if sale.expires_at is None else rfc3339(sale.expires_at),
        "sold_at": None if sale.sold_at is None else rfc3339(sale.sold_at),
    }


def _ask_wechat(
    context: Context, call: MoneyCall, sale: VoucherSale, *, description: str
) -> str | None:
    expires_at = sale.expires_at
    assert expires_at is not None, "what WeChat is asked for has a time limit"
    return orders.ask_wechat(
        context,
        call,
        orders.VOUCHER_SALE,
        subject_id=sale.id,
        order_no=sale.sale_no,
        ask=lambda: context.wechat_pay.prepay_native(
            order_no=sale.sale_no,
            amount_fen=sale.amount_fen,
            description=description,
            expires_at=expires_at,
        ),
    )
