"""What an item's form offers: whose it is, which of its pictures."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g, request
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.core.actor import PLATFORM_ROLES
from app.models.base import OPERATOR_ID
from app.models.contents import ContentKind, MediaFile
from app.models.tenants import Merchant, MerchantKind, MerchantStatus
from app.services.publishing.contents import MERCHANT_KINDS
from app.views.filters import number

_MOST_PICTURES, _MOST_MERCHANTS = 200, 1000


def list_owners(session: Session, kind: ContentKind) -> Sequence[tuple[int, str]]:
    """Merchants for which the platform may write something of this kind, as id and name."""
    if g.actor.role not in PLATFORM_ROLES or kind not in MERCHANT_KINDS:
        return ()
    merchants = (
        select(Merchant.id, Merchant.name)
        .where(Merchant.kind == MerchantKind.merchant, Merchant.status == MerchantStatus.active)
        .order_by(Merchant.name, Merchant.id)
        .limit(_MOST_MERCHANTS)
    )
    return [(pk, name) for pk, name in session.execute(merchants)]


def chosen_owner(owners: Sequence[tuple[int, str]], kind: ContentKind) -> int:
    """Whose a new item will be: a merchant's people write their own, the platform says for whom.

    A store's page is always a merchant's; everything else is the platform's unless it says so.
    """
    if g.actor.role not in PLATFORM_ROLES:
        mine: int = g.actor.merchant_id
        return mine
    asked = number(request.args.get("merchant", ""))
    if asked in {pk for pk, _ in owners}:
        return asked or OPERATOR_ID
    return owners[0][0] if owners and kind is ContentKind.store else OPERATOR_ID


def list_pictures(
    session: Session, *, owner_id: int, kept_id: int | None = None
) -> Sequence[MediaFile]:
    """The newest pictures of the owner and of the platform, and the one that it has already."""
    newest = (
        select(MediaFile.id)
        .where(MediaFile.merchant_id.in_([owner_id, OPERATOR_ID]))
        .order_by(MediaFile.id.desc())
        .limit(_MOST_PICTURES)
    )
    wanted = or_(MediaFile.id.in_(newest), MediaFile.id == kept_id)
    return session.scalars(select(MediaFile).where(wanted).order_by(MediaFile.id.desc())).all()
