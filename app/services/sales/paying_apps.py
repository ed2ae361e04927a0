"""In which WeChat app an order is paid: where the member is signed in who pays it.

An openid means something in one app only, so an order of the mini-program cannot be paid in the
official account's browser, nor the other way round.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.models.sales import TopUp

_APP_OF_PAYER = text("SELECT appid FROM kaquan.app_of_payer(:payer_id, :token_digest)")


def choose_app(session: Session, *, order: TopUp, token_digest: bytes | None, usual: str) -> str:
    """The appid of a top-up's order, decided once: asking WeChat again needs the very same order.

    A payment's is decided so by ``kaquan.wechat_order``.

    Args:
        token_digest: Of the session that pays.
        usual: The mini-program, for sessions that do not say.
    """
    if order.payer_appid is not None:
        return order.payer_appid
    named = {"payer_id": order.payer_id, "token_digest": token_digest}
    chosen = session.scalar(_APP_OF_PAYER, named)
    # None stands for the mini-program, so that its orders, which are most, cost no write here.
    if chosen not in {None, usual}:
        order.payer_appid = chosen
    return chosen or usual
