"""Members' own pictures: drawn anew from the pixels, cut to a square, kept as a file.

They lie in ``KAQUAN_HOME/avatars/<two letters>/<key>.jpg``. The file is written before the row that
names it and deleted after; what a crash leaves behind is swept away by a job a day later.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from sqlalchemy import select

from app.core.actor import SYSTEM
from app.core.errors import N_, Category, DomainError
from app.documents.pictures import draw_avatar
from app.flows.context import Context
from app.models.people import Member
from app.services.people import members
from app.services.publishing import media

MAX_BYTES = 8_000_000
_ADDRESS = re.compile(r"/avatars/([A-Za-z0-9_-]{20,40})\.jpg")
_LOST_AFTER_SECONDS = 86_400


class AvatarTooLarge(DomainError):
    code = "avatar_too_large"
    category = Category.INVALID
    template = N_("This picture is too large. Please choose one of at most %(most)s MB.")


def take_avatar(context: Context, *, member_id: int, content: bytes) -> Member:
    """Make an uploaded picture the member's; the one before is deleted.

    Raises:
        AvatarTooLarge, PictureTooLarge, PictureUnknown, PictureBroken, PictureHidesSomething
    """
    if len(content) > MAX_BYTES:
        raise AvatarTooLarge(most=MAX_BYTES // 1_000_000)
    drawn = draw_avatar(content)
    key = media.new_key()
    path = path_of(context, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(drawn)
    try:
        with context.database.unit_of_work(SYSTEM) as session:
            before = session.get_one(Member, member_id).avatar_url
            member = members.change_profile(
                session, member_id=member_id, nickname=None, avatar_url=f"/avatars/{key}.jpg"
            )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    drop_avatar(context, before)
    return member


def drop_avatar(context: Context, address: str) -> None:
    """Delete a picture that is nobody's any more. Other hosts' pictures are not ours."""
    found = _ADDRESS.fullmatch(address)
    if found:
        path_of(context, found[1]).unlink(missing_ok=True)


def sweep_avatars(context: Context) -> None:
    """Delete pictures that nobody has: of joined accounts, and what a crash left behind."""
    oldest = time.time() - _LOST_AFTER_SECONDS
    for path in (context.settings.home / "avatars").glob("*/*.jpg"):
        if path.stat().st_mtime > oldest:
            continue
        with context.database.unit_of_work(SYSTEM) as session:
            owner = select(Member.id).where(Member.avatar_url == f"/avatars/{path.name}").limit(1)
            if session.scalar(owner) is None:
                path.unlink(missing_ok=True)


def path_of(context: Context, key: str) -> Path:
    return context.settings.home / "avatars" / key[:2] / f"{key}.jpg"
