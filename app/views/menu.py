"""The consoles' one menu. A link shows to those whose role may read what it leads to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import g, request, url_for

from app.core.actor import Role
from app.core.errors import N_
from app.views import roles


@dataclass(frozen=True)
class Item:
    """``permission`` on ``view`` is what the link leads to and what it takes to see it."""

    label: str
    view: str
    endpoint: str
    permission: str = "can_list"


@dataclass(frozen=True)
class Group:
    label: str
    items: Sequence[Item]


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    current: bool


@dataclass(frozen=True)
class Section:
    label: str
    links: Sequence[Link]


def _list(label: str, view: str) -> Item:
    return Item(label, view, f"{view}.list")


MENU: Sequence[Group] = (
    Group(
        N_("Overview"),
        (
            Item(N_("Dashboard"), "Dashboard", "Dashboard.show", "can_show"),
            Item(N_("Reports"), "Reports", "Reports.show", "can_show"),
        ),
    ),
    Group(
        N_("Records"),
        (
            _list(N_("Consumption records"), "Consumptions"),
            _list(N_("Payments"), "Payments"),
            _list(N_("Redemptions"), "Redemptions"),
            _list(N_("Top-ups"), "TopUps"),
            _list(N_("Refunds"), "Refunds"),
            _list(N_("Refund requests"), "RefundRequests"),
            _list(N_("Gifts"), "Gifts"),
        ),
    ),
    Group(
        N_("Members and cards"),
        (
            _list(N_("Members"), "Members"),
            _list(N_("Cards"), "Cards"),
            _list(N_("Card programs"), "Programs"),
            _list(N_("Adjustments"), "Adjustments"),
            _list(N_("Returns of cards"), "CardReturns"),
            _list(N_("Messages to members"), "Notices"),
        ),
    ),
    Group(
        N_("Paper vouchers"),
        (
            _list(N_("Voucher batches"), "Batches"),
            _list(N_("Vouchers"), "Vouchers"),
            Item(N_("Find a voucher"), "VoucherFinder", "VoucherFinder.show", "can_show"),
            _list(N_("Voucher stock"), "Stock"),
            _list(N_("Voucher tasks"), "VoucherTasks"),
            _list(N_("Imports of old cards"), "VoucherImports"),
        ),
    ),
    Group(
        N_("Content"),
        (
            _list(N_("Content"), "Contents"),
            Item(N_("Order and display"), "ContentOrder", "ContentOrder.arrange", "can_arrange"),
            _list(N_("Media library"), "MediaDesk"),
        ),
    ),
    Group(
        N_("Business"),
        (
            _list(N_("Merchants"), "Merchants"),
            _list(N_("Stores"), "Stores"),
            _list(N_("Pay points"), "PayPoints"),
            Item(N_("Till devices"), "TillDevices", "TillDevices.show", "can_show"),
            _list(N_("Staff"), "People"),
            _list(N_("Shifts"), "Shifts"),
            _list(N_("Terminals"), "Terminals"),
        ),
    ),
    Group(
        N_("Settling"),
        (
            _list(N_("Statements"), "Statements"),
            _list(N_("Statement lines"), "StatementLines"),
            Item(N_("Clearing"), "SettlementDesk", "SettlementDesk.clearing", "can_clearing"),
            _list(N_("Account codes"), "AccountCodes"),
        ),
    ),
    Group(
        N_("Readers"),
        (
            Item(N_("Traffic"), "Traffic", "Traffic.show", "can_show"),
            Item(N_("Search words"), "SearchWords", "SearchWords.show", "can_show"),
            Item(N_("Official account"), "AccountDesk", "AccountDesk.show", "can_show"),
        ),
    ),
    Group(
        N_("Books"),
        (
            _list(N_("Reconciliation with WeChat"), "Reconciliations"),
            _list(N_("Differences with WeChat"), "Differences"),
            Item(N_("Payment management"), "PaymentDesk", "PaymentDesk.show", "can_show"),
            _list(N_("WeChat notifications"), "Notifications"),
            Item(N_("Trial balance"), "TrialBalance", "TrialBalance.show", "can_show"),
            _list(N_("Journal entries"), "Entries"),
            _list(N_("Postings"), "Postings"),
        ),
    ),
    Group(
        N_("Oversight"),
        (
            _list(N_("Download centre"), "Exports"),
            _list(N_("Audit log"), "AuditLog"),
            Item(N_("Job monitor"), "JobMonitor", "JobMonitor.show", "can_show"),
            Item(N_("Settings"), "SettingsPage", "SettingsPage.show", "can_show"),
            Item(N_("Roles and rights"), "RightsTable", "RightsTable.show", "can_show"),
        ),
    ),
)


def menu_of(role: Role) -> list[Section]:
    """What somebody of that role finds at the side, with where they are now marked."""
    sections = []
    here = g.get("menu_view") or request.blueprint  # A desk belongs to a list (views/desks).
    for group in MENU:
        links = [
            Link(item.label, url_for(item.endpoint), item.view == here)
            for item in group.items
            if roles.allows(role, item.permission, item.view)
        ]
        if links:
            sections.append(Section(group.label, links))
    return sections


def first_page(role: Role) -> str:
    """Where somebody of that role begins: cashiers at the till, the others at the first link."""
    for section in menu_of(role):
        return section.links[0].url
    return "/pos/"
