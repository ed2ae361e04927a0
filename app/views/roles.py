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
_SALES = ("TopUps", "Payments", "Refunds", "Redemptions")
_CARDS = ("Members", "Programs", "Cards", "Gifts")
_PAPER = ("Batches", "Vouchers")
_BOOKS = ("Entries", "Postings")
_PEOPLE = ("People", "AuditLog")
_EVERYBODY: Rights = {"OwnPassword": frozenset({"can_change"})}

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

_BATCH_DESK = frozenset(
    {"can_new", "can_approve", "can_generate", "can_cancel", "can_close", "can_report",
     "can_progress"}
)  # fmt: skip
_FIGURES = frozenset({"can_report", "can_progress"})
_PAPER_DESK = frozenset(
    {"can_hand_over", "can_activate", "can_freeze", "can_unfreeze", "can_void", "can_of_holder",
     "can_exchange"}
)  # fmt: skip
_DESKS_OF_PAPER: Rights = {
    "BatchDesk": _BATCH_DESK,
    "PaperDesk": _PAPER_DESK,
    "TaskDesk": frozenset({"can_approve", "can_refuse"}),
    "ImportDesk": frozenset({"can_new", "can_carry_out", "can_discard"}),
    "Stock": _LOOK,
    "VoucherTasks": _LOOK,
    "VoucherImports": _LOOK,
    "VoucherFinder": _SEE,
}
_READING_PAPER: Rights = {
    "BatchDesk": _FIGURES,
    "Stock": _LOOK,
    "VoucherTasks": _LOOK,
    "VoucherFinder": _SEE,
}
# Who does what with paper. A merchant does it with what it issues or has in hand.
PAPER_RIGHTS: Mapping[Role, Rights] = {
    Role.platform_admin: _DESKS_OF_PAPER,
    Role.platform_finance: _DESKS_OF_PAPER,
    Role.auditor: {**_READING_PAPER, "VoucherImports": _LOOK},
    Role.merchant_admin: {
        **_READING_PAPER,
        "PaperDesk": frozenset({"can_hand_over", "can_freeze", "can_unfreeze", "can_exchange"}),
    },
    Role.merchant_finance: _READING_PAPER,
    Role.store_manager: {
        "Stock": _LOOK,
        "VoucherFinder": _SEE,
        "Vouchers": _SEE,
        "PaperDesk": frozenset({"can_hand_over", "can_exchange"}),
    },
}

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
RIGHTS = {role: {**rights, **PAPER_RIGHTS.get(role, {})} for role, rights in RIGHTS.items()}


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
