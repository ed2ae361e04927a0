"""What an item's form offers: whose it is, which of its pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import g, request, url_for
from flask_babel import gettext
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.core.actor import PLATFORM_ROLES
from app.models.base import OPERATOR_ID
from app.models.contents import ContentKind, MediaFile
from app.services.publishing.contents import MERCHANT_KINDS
from app.views import choosing
from app.views.choosing import Choosing, filter_field, read_typed_filters
from app.views.filters import Field

_MOST_PICTURES = 200


def owners_of(kind: ContentKind) -> Choosing | None:
    """Merchants for which the reader may write something of this kind; None: no choice."""
    if g.actor.role not in PLATFORM_ROLES or kind not in MERCHANT_KINDS:
        return None
    return choosing.writers()


def chosen_owner(session: Session, owners: Choosing | None, kind: ContentKind) -> int:
    """Whose a new item will be: a merchant's people write their own, the platform says for whom.

    A store's page is always a merchant's; everything else is the platform's unless it says so.
    """
    if g.actor.role not in PLATFORM_ROLES:
        mine: int = g.actor.merchant_id
        return mine
    asked, chosen = request.args.get("merchant", ""), OPERATOR_ID
    if owners is not None and asked in owners.read(session, [asked]):
        chosen = int(asked)
    if chosen == OPERATOR_ID and owners is not None and kind is ContentKind.store:
        return next((one.id for one in owners.find(session, "")), OPERATOR_ID)
    return chosen


def owner_field(
    session: Session, owners: Choosing | None, owner_id: int
) -> tuple[Field | None, str | None]:
    """The field that says for whom, and the address that means what was typed into it."""
    if owners is None:
        return None, None
    meant = read_typed_filters(session, ["merchant"], request.args, chosen_from=owners)
    now = {**request.args, "merchant": "" if owner_id == OPERATOR_ID else str(owner_id)}
    field = filter_field(session, "merchant", gettext("For"), now, chosen_from=owners)
    return field, None if meant is None else url_for("ContentDesk.new", **meant)


def list_pictures(
    session: Session, *, owner_id: int, chosen_ids: Iterable[int] = ()
) -> Sequence[MediaFile]:
    """The newest pictures of the owner and of the platform, and the chosen ones, however old."""
    theirs = MediaFile.merchant_id.in_([owner_id, OPERATOR_ID])
    newest = select(MediaFile.id).where(theirs).order_by(MediaFile.id.desc()).limit(_MOST_PICTURES)
    wanted = or_(MediaFile.id.in_(newest), MediaFile.id.in_(chosen_ids))
    pictures = select(MediaFile).where(theirs, wanted).order_by(MediaFile.id.desc())
    return session.scalars(pictures).all()
