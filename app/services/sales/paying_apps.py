"""In which WeChat app an order is paid: where the member is signed in who pays it.

An openid means something in one app only, so an order of the mini-program cannot be paid in the
official account's browser, nor the other way round.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models.people import AccessToken
from app.models.sales import Payment, TopUp


def choose_app(
    session: Session, *, order: Payment | TopUp, token_digest: bytes | None, usual: str
) -> str:
    """The appid of an order, decided once: asking WeChat again needs the very same order.

    Args:
        token_digest: Of the session that pays. A cashier's says nothing of the member, who then
            pays where they signed in last.
        usual: The mini-program, for sessions that do not say.
    """
    if order.payer_appid is not None:
        return order.payer_appid
    payer_id = order.payer_id if isinstance(order, TopUp) else order.member_id
    chosen = session.scalar(
        select(AccessToken.appid)
        .where(
            AccessToken.member_id == payer_id,
            AccessToken.appid.is_not(None),
            AccessToken.revoked_at.is_(None),
            AccessToken.expires_at > func.now(),
        )
        .order_by((AccessToken.token_digest == token_digest).desc(), AccessToken.id.desc())
        .limit(1)
    )
    # None stands for the mini-program, so that its orders, which are most, cost no write here.
    if chosen not in {None, usual} or (isinstance(order, Payment) and order.staff_id is not None):
        order.payer_appid = chosen or usual
    return chosen or usual
