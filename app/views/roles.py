"""What each role may do at the consoles: the one declaration of rights.

A right is a permission on a view, as Flask-AppBuilder names them: ``can_list`` on ``Payments``.
Whose rows are seen is not decided here but by PostgreSQL (models/policies). ``kaquan db prepare``
writes the declaration into Flask-AppBuilder's tables; a test walks every route with every role.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.core.actor import Role
from app.core.errors import N_

Rights = Mapping[str, frozenset[str]]

LABELS: Mapping[Role, str] = {
    Role.platform_admin: N_("Platform administrator"),
    Role.platform_finance: N_("Platform finance"),
    Role.content_editor: N_("Content editor"),
    Role.auditor: N_("Auditor"),
    Role.merchant_admin: N_("Merchant administrator"),
    Role.merchant_finance: N_("Merchant finance"),
    Role.store_manager: N_("Store manager"),
    Role.cashier: N_("Cashier"),
}

_LOOK = frozenset({"can_list", "can_show"})
_SEE = frozenset({"can_show"})

_PLACES = ("Stores", "PayPoints")
_SALES = ("TopUps", "Payments", "Refunds", "RefundRequests", "Redemptions")
_CARDS = ("Members", "Programs", "Cards", "Gifts")
_PAPER = ("Batches", "Vouchers")
_BOOKS = ("Entries", "Postings")
_PEOPLE = ("People", "AuditLog")
_EVERYBODY: Rights = {"OwnPassword": frozenset({"can_change"})}


def _rights(*views: str, pages: tuple[str, ...] = ()) -> Rights:
    return {
        **_EVERYBODY,
        **dict.fromkeys(views, _LOOK),
        **dict.fromkeys(pages, _SEE),
    }


_ALL = ("Merchants", *_PLACES, *_SALES, *_CARDS, *_PAPER, *_BOOKS, *_PEOPLE)

RIGHTS: Mapping[Role, Rights] = {
    Role.platform_admin: _rights(*_ALL, pages=("Dashboard", "TrialBalance", "RightsTable")),
    Role.platform_finance: _rights(*_ALL, pages=("Dashboard", "TrialBalance")),
    Role.content_editor: _rights("Merchants", "Stores"),
    Role.auditor: _rights(*_ALL, pages=("Dashboard", "TrialBalance", "RightsTable")),
    Role.merchant_admin: _rights(
        *_PLACES, *_SALES, *_CARDS, *_PAPER, *_BOOKS, *_PEOPLE, pages=("Dashboard", "TrialBalance")
    ),
    Role.merchant_finance: _rights(
        *_PLACES, *_SALES, *_CARDS, *_PAPER, *_BOOKS, pages=("Dashboard", "TrialBalance")
    ),
    Role.store_manager: _rights(
        *_PLACES, *_SALES, "Members", "People", "AuditLog", pages=("Dashboard",)
    ),
    Role.cashier: _rights(),  # Till only.
}


def allows(role: Role | None, permission: str, view: str) -> bool:
    """Whether somebody of that role may do that there."""
    return role is not None and permission in RIGHTS[role].get(view, ())


def declared() -> set[tuple[str, str]]:
    """Every right that anybody has, as ``(permission, view)``."""
    return {
        (permission, view)
        for rights in RIGHTS.values()
        for view, permissions in rights.items()
        for permission in permissions
    }
