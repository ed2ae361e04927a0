"""The library of pictures: whose, how much of the quota they take, and where they are used."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.business_settings import MEDIA_QUOTA_MB
from app.core.errors import N_, Category, DomainError
from app.models.base import OPERATOR_ID
from app.models.contents import ContentVersion, MediaFile, MediaStatus
from app.services import journal
from app.services.business_settings import read_setting

MEGABYTE = 1_000_000
_KEY_BYTES = 18
_MOST_NAME, _MOST_ALT = 120, 200


class MediaQuotaFull(DomainError):
    code = "media_quota_full"
    category = Category.CONFLICT
    template = N_(
        "Your media library is full (%(most)s MB). Please delete pictures that nothing uses, or ask"
        " the platform for more room."
    )


class MediaInUse(DomainError):
    code = "media_in_use"
    category = Category.CONFLICT
    template = N_("This picture stands in %(count)s versions of content, so it cannot be deleted.")


class MediaNotFound(DomainError):
    code = "media_not_found"
    category = Category.NOT_FOUND
    template = N_("This picture is no longer in the library. Please choose another one.")


@dataclass(frozen=True, kw_only=True)
class DrawnPicture:
    """A picture whose file lies ready under its key; ``byte_count`` is that file's."""

    key: str
    name: str
    extension: str
    width: int
    height: int
    byte_count: int


def new_key() -> str:
    """A random name for a picture's folder, which nobody guesses before it is published."""
    return secrets.token_urlsafe(_KEY_BYTES)


def add_media(
    session: Session, *, merchant_id: int, picture: DrawnPicture, alt: str, actor: Actor
) -> MediaFile:
    """Take a picture into a merchant's library; a job makes its smaller sizes.

    Raises:
        MediaQuotaFull
    """
    # One upload of a merchant after the other, so that the quota holds.
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext('media_file'), :merchant)"),
        {"merchant": merchant_id % 2**31},
    )
    if merchant_id != OPERATOR_ID:
        most = read_setting(session, MEDIA_QUOTA_MB)
        if used_bytes(session, merchant_id=merchant_id) + picture.byte_count > most * MEGABYTE:
            raise MediaQuotaFull(most=most)
    made = MediaFile(
        merchant_id=merchant_id,
        key=picture.key,
        name=picture.name[:_MOST_NAME],
        alt=alt[:_MOST_ALT],
        extension=picture.extension,
        width=picture.width,
        height=picture.height,
        byte_count=picture.byte_count,
        uploaded_by_id=actor.staff_id,
    )
    session.add(made)
    session.flush()
    journal.send_later(session, "media.added", subject_id=made.id, merchant_id=merchant_id)
    journal.audit(session, "media.add", actor=actor, subject_id=made.id, merchant_id=merchant_id)
    return made


def used_bytes(session: Session, *, merchant_id: int) -> int:
    """What a merchant's pictures take, in bytes."""
    total = select(func.coalesce(func.sum(MediaFile.byte_count), 0))
    return int(session.scalar(total.where(MediaFile.merchant_id == merchant_id)) or 0)


def keep_sizes(session: Session, *, media_id: int, byte_counts: dict[int, int] | None) -> None:
    """The smaller sizes lie ready; None when they could not be made."""
    found = session.get(MediaFile, media_id, with_for_update=True)
    if found is None or found.status is MediaStatus.ready:
        return
    if byte_counts is None:
        found.status = MediaStatus.failed
        return
    found.sizes = {str(width): size for width, size in byte_counts.items()}
    found.byte_count += sum(byte_counts.values())
    found.status = MediaStatus.ready


def describe_media(
    session: Session, *, media_id: int, name: str, alt: str, actor: Actor
) -> MediaFile:
    """Say what is to be seen on a picture, for those who cannot see it.

    Raises:
        MediaNotFound
    """
    found = _locked(session, media_id)
    journal.audit(
        session,
        "media.describe",
        actor=actor,
        subject_id=media_id,
        merchant_id=found.merchant_id,
        detail={"before": found.alt, "after": alt},
    )
    found.name, found.alt = name[:_MOST_NAME], alt[:_MOST_ALT]
    return found


def delete_media(session: Session, *, media_id: int, actor: Actor) -> str:
    """Take a picture out of the library. Returns the key of its files, to be deleted after.

    Raises:
        MediaNotFound, MediaInUse
    """
    found = _locked(session, media_id)
    used = select(func.count()).where(ContentVersion.media_ids.contains([media_id]))
    count = session.scalar(used) or 0
    if count:
        raise MediaInUse(count=count)
    session.delete(found)
    journal.audit(
        session,
        "media.delete",
        actor=actor,
        subject_id=media_id,
        merchant_id=found.merchant_id,
        detail={"name": found.name},
    )
    return found.key


def _locked(session: Session, media_id: int) -> MediaFile:
    found = session.get(MediaFile, media_id, with_for_update=True)
    if found is None:
        raise MediaNotFound
    return found
