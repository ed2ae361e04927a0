"""Followers of the official account who become members, or no longer are."""

from __future__ import annotations

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.models.official_account import OaFollower
from app.services import journal
from app.services.ports import WeChatIdentity


def recognise_follower(session: Session, identity: WeChatIdentity) -> None:
    """Somebody signs in for the first time: a job looks whether she followed the account before.

    Whoever follows first and becomes a member later is the usual case.
    """
    same = [OaFollower.openid == identity.openid]
    if identity.unionid:
        same.append(OaFollower.unionid == identity.unionid)
    unknown = select(OaFollower.id).where(or_(*same), OaFollower.member_id.is_(None))
    for follower_id in session.scalars(unknown.order_by(OaFollower.id)):
        journal.send_later(session, "oa.followed", subject_id=follower_id)


def forget_follower(session: Session, *, member_id: int) -> None:
    """An erased member is no longer known behind a follower."""
    session.execute(
        update(OaFollower)
        .where(OaFollower.member_id == member_id)
        .values(member_id=None, unionid=None)
    )
