"""What a command line names: merchants, stores and staff, by what people call them.

A name that means nothing ends the command with one line.
"""

from __future__ import annotations

import sys

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Select, select

from app.core.actor import PLATFORM_ROLES, SYSTEM, Actor, Scope
from app.models.people import Staff
from app.models.tenants import Merchant, Store
from app.web.context import current_context

OPERATOR = Actor(scope=Scope.platform)  # Whoever may run commands here sees every row.


def find_merchant(code: str) -> int:
    """The id behind a merchant's code."""
    return find_id(
        select(Merchant.id).where(Merchant.code == code), otherwise=f"there is no merchant {code}"
    )


def find_store(merchant_id: int, code: str) -> int:
    """The id behind a store's code, which means one store of one merchant."""
    return find_id(
        select(Store.id).where(Store.merchant_id == merchant_id, Store.code == code),
        otherwise=f"the merchant has no store {code}",
    )


def find_id(wanted: Select[int], *, otherwise: str) -> int:
    """The one id that is asked for, or the end."""
    with current_context().database.unit_of_work(SYSTEM) as session:
        found = session.scalar(wanted)
    if found is None:
        sys.exit(f"kaquan: {otherwise}")
    return found


def find_person(username: str) -> Actor:
    """Whose doing it is: somebody of the platform's staff."""
    with current_context().database.unit_of_work(SYSTEM) as session:
        person = session.scalars(
            select(Staff).join(User, User.id == Staff.user_id).where(User.username == username)
        ).one_or_none()
    if person is None or person.role not in PLATFORM_ROLES or person.status.name != "active":
        sys.exit("kaquan: --as names an active member of the platform's staff")
    return Actor(
        scope=Scope.platform,
        staff_id=person.id,
        merchant_id=person.merchant_id,
        role=person.role,
    )
