"""What each role may do at the consoles: the one declaration of rights.

A right is a permission on a view, as Flask-AppBuilder names them: ``can_list`` on ``Payments``.
Whose rows are seen is not decided here but by PostgreSQL (models/policies). ``kaquan db prepare``
writes the declaration into Flask-AppBuilder's tables; a test walks every route with every role.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.core.actor import MANAGER_ROLES, Role
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
_SALES = ("TopUps", "Payments", "Refunds", "Redemptions")
_CARDS = ("Members", "Programs", "Cards", "Gifts")
_PAPER = ("Batches", "Vouchers")
_BOOKS = ("Entries", "Postings")
_PEOPLE = ("People", "AuditLog")
_EVERYBODY: Rights = {
    "OwnPassword": frozenset({"can_change"}),
    "OwnWeChat": frozenset({"can_show", "can_bind", "can_unbind"}),
}

# Desks: where something is done.
_OWN_FACTOR: Rights = {"OwnSecondFactor": frozenset({"can_show", "can_begin", "can_confirm"})}
_MERCHANT_DESK: Rights = {
    "MerchantDesk": frozenset({"can_add", "can_edit", "can_freeze", "can_thaw"})
}
_PLACE_DESKS: Rights = {
    "StoreDesk": frozenset({"can_add", "can_edit", "can_close", "can_reopen"}),
    "PayPointDesk": frozenset({"can_add", "can_rename", "can_retire", "can_poster"}),
}
_POSTERS: Rights = {"PayPointDesk": frozenset({"can_poster"})}
_STAFF_DESK: Rights = {
    "StaffDesk": frozenset({"can_add", "can_edit", "can_password", "can_suspend", "can_reinstate"})
}
_FACTOR_DESK: Rights = {"SecondFactorDesk": frozenset({"can_reset"})}


def _rights(*views: str, pages: tuple[str, ...] = (), desks: tuple[Rights, ...] = ()) -> Rights:
    return {
        **_EVERYBODY,
        **({"Search": frozenset({"can_list"})} if views else {}),
        **dict.fromkeys(views, _LOOK),
        **dict.fromkeys(pages, _SEE),
        **{view: permissions for desk in desks for view, permissions in desk.items()},
    }


_ALL = ("Merchants", *_PLACES, *_SALES, *_CARDS, *_PAPER, *_BOOKS, *_PEOPLE)

RIGHTS: Mapping[Role, Rights] = {
    Role.platform_admin: _rights(
        *_ALL,
        pages=("Dashboard", "TrialBalance", "RightsTable"),
        desks=(_OWN_FACTOR, _MERCHANT_DESK, _PLACE_DESKS, _STAFF_DESK, _FACTOR_DESK),
    ),
    Role.platform_finance: _rights(
        *_ALL, pages=("Dashboard", "TrialBalance"), desks=(_OWN_FACTOR,)
    ),
    Role.content_editor: _rights("Merchants", "Stores", desks=(_OWN_FACTOR,)),
    Role.auditor: _rights(
        *_ALL, pages=("Dashboard", "TrialBalance", "RightsTable"), desks=(_OWN_FACTOR,)
    ),
    Role.merchant_admin: _rights(
        *(*_PLACES, *_SALES, *_CARDS, *_PAPER, *_BOOKS, *_PEOPLE),
        pages=("Dashboard", "TrialBalance"),
        desks=(_OWN_FACTOR, _PLACE_DESKS, _STAFF_DESK),
    ),
    Role.merchant_finance: _rights(
        *(*_PLACES, *_SALES, *_CARDS, *_PAPER, *_BOOKS),
        pages=("Dashboard", "TrialBalance"),
        desks=(_OWN_FACTOR,),
    ),
    Role.store_manager: _rights(
        *(*_PLACES, *_SALES, "Members", "People", "AuditLog"),
        pages=("Dashboard",),
        desks=(_POSTERS, _STAFF_DESK),
    ),
    Role.cashier: _rights(),  # Till only.
}

_TERMINALS: Rights = {"Terminals": frozenset({"can_show", "can_invite", "can_revoke", "can_rules"})}
RIGHTS = {
    role: {**rights, **_TERMINALS} if role in MANAGER_ROLES else rights
    for role, rights in RIGHTS.items()
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
