"""How dealing with WeChat goes: orders that hang, refunds that went wrong, unread messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

HANGING_SECONDS = 300  # The jobs make up for what is lost within four minutes.
_MOST = 50

_HEALTH = text("""
    SELECT
      (SELECT count(*) FROM payment WHERE status IN ('pending', 'closing'))
      + (SELECT count(*) FROM top_up WHERE status IN ('pending', 'closing'))
      + (SELECT count(*) FROM voucher_sale WHERE status IN ('pending', 'closing')) AS open_orders,
      (SELECT count(*) FROM refund WHERE status = 'processing') AS refunds_under_way,
      (SELECT count(*) FROM wechat_notification WHERE processed_at IS NULL) AS unread,
      (SELECT max(received_at) FROM wechat_notification) AS last_heard_at
""")
_HANGING = text("""
    SELECT number, subject, id, status, amount_fen, created_at, asked_at FROM (
        SELECT payment_no AS number, 'payment' AS subject, id, status, wechat_fen AS amount_fen,
               created_at, asked_at FROM payment
         WHERE status IN ('pending', 'closing') AND created_at < :before
        UNION ALL
        SELECT top_up_no, 'top_up', id, status, amount_fen, created_at, asked_at FROM top_up
         WHERE status IN ('pending', 'closing') AND created_at < :before
        UNION ALL
        SELECT sale_no, 'voucher_sale', id, status, amount_fen, created_at, asked_at
          FROM voucher_sale WHERE status IN ('pending', 'closing') AND created_at < :before
    ) hanging ORDER BY created_at LIMIT :most
""")
_TROUBLED = text("""
    SELECT id, refund_no, order_no, status, wechat_fen AS amount_fen, created_at, asked_at
    FROM refund
    WHERE status = 'abnormal' OR (status = 'processing' AND created_at < :before)
    ORDER BY created_at LIMIT :most
""")


@dataclass(frozen=True, kw_only=True)
class WeChatHealth:
    open_orders: int
    refunds_under_way: int
    unread: int
    last_heard_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class HangingOrder:
    """An order that is neither paid nor closed long after it was made."""

    number: str
    subject: str
    id: int
    status: str
    amount_fen: int
    created_at: datetime
    asked_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class TroubledRefund:
    """A refund that WeChat could not carry out, or that takes long."""

    id: int
    refund_no: str
    order_no: str
    status: str
    amount_fen: int
    created_at: datetime
    asked_at: datetime | None


def read_health(session: Session) -> WeChatHealth:
    return WeChatHealth(**session.execute(_HEALTH).one()._mapping)


def hanging_orders(session: Session, *, before: datetime) -> Sequence[HangingOrder]:
    rows = session.execute(_HANGING, {"before": before, "most": _MOST})
    return [HangingOrder(**row._mapping) for row in rows]


def troubled_refunds(session: Session, *, before: datetime) -> Sequence[TroubledRefund]:
    rows = session.execute(_TROUBLED, {"before": before, "most": _MOST})
    return [TroubledRefund(**row._mapping) for row in rows]
