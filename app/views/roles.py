"""What each role may do at the consoles: the one declaration of rights.

A right is a permission on a view, as Flask-AppBuilder names them: ``can_list`` on ``Payments``.
Whose rows are seen is not decided here but by PostgreSQL (models/policies). ``kaquan db prepare``
writes the declaration into Flask-AppBuilder's tables; a test walks every route with every role.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

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

ADMIN, FINANCE, EDITOR, AUDITOR = (
    Role.platform_admin,
    Role.platform_finance,
    Role.content_editor,
    Role.auditor,
)
OWNER, ACCOUNTANT, MANAGER = Role.merchant_admin, Role.merchant_finance, Role.store_manager
DECIDERS = (ADMIN, FINANCE)  # Makers and checkers; which of two people is which, services see to.
PLATFORM = (ADMIN, FINANCE, AUDITOR)
OFFICE = (*PLATFORM, OWNER, ACCOUNTANT)
EVERYBODY_BUT_CASHIERS = (*OFFICE, EDITOR, MANAGER)


def _may(**permissions: str) -> Rights:
    """``_may(CardDesk="freeze lose")``: what may be done there, in words after ``can_``."""
    return {
        view: frozenset(f"can_{permission}" for permission in names.split())
        for view, names in permissions.items()
    }


def _lists(*views: str) -> Rights:
    return _may(**dict.fromkeys(views, "list show export"))


GRANTS: Sequence[tuple[Rights, Collection[Role]]] = (
    # One's own account.
    (_may(OwnPassword="change", OwnWeChat="show bind unbind"), tuple(Role)),
    (_may(OwnSecondFactor="show begin confirm renew end"), (*PLATFORM, EDITOR, OWNER, ACCOUNTANT)),
    # Overview.
    (_may(Dashboard="show"), (*OFFICE, MANAGER)),
    (_may(Reports="show export", SavedReports="list add"), (*OFFICE, MANAGER)),
    (_may(Search="list", Exports="list"), EVERYBODY_BUT_CASHIERS),
    (_may(Exports="phones"), (ADMIN, OWNER)),  # With a reason, which is written down.
    # What fields find by typing, for those who have such a field on a page.
    (_may(Choices="merchants stores"), EVERYBODY_BUT_CASHIERS),
    (_may(Choices="programs staff batches terminals"), (*OFFICE, MANAGER)),
    (_may(Choices="statements"), OFFICE),
    (_may(Choices="businesses holders takers"), DECIDERS),
    (_may(Choices="issuers employers"), (ADMIN,)),
    (_may(Choices="writers"), (ADMIN, EDITOR)),
    (_may(Choices="acceptors"), (*DECIDERS, OWNER)),
    (_may(Choices="own_takers"), (OWNER,)),
    # Records.
    (_lists("TopUps", "Payments", "Refunds", "RefundRequests", "Redemptions"), (*OFFICE, MANAGER)),
    (_may(Consumptions="list export"), (*OFFICE, MANAGER)),
    (_lists("Gifts"), OFFICE),
    # Members and cards.
    (_lists("Members"), (*OFFICE, MANAGER)),
    (_lists("Cards", "Programs", "Adjustments", "CardReturns"), OFFICE),
    (_may(CardDesk="statement", MemberDesk="statement"), OFFICE),
    (
        _may(CardDesk="freeze unfreeze lose replace", MemberDesk="freeze unfreeze"),
        (ADMIN,),
    ),
    (_may(AdjustmentDesk="add approve refuse withdraw"), DECIDERS),
    (_may(CardReturnDesk="begin approve refuse withdraw"), DECIDERS),
    (_may(ProgramDesk="add edit onsale offsale"), (ADMIN, OWNER)),
    (_may(ProgramDesk="accept issuers"), (ADMIN,)),
    # Paper.
    (_lists("Batches", "Vouchers"), OFFICE),
    (_may(Vouchers="show"), (MANAGER,)),
    (_may(BatchDesk="report progress", VoucherFinder="show"), OFFICE),
    (_lists("Stock"), (*OFFICE, MANAGER)),
    (_lists("VoucherTasks"), OFFICE),
    (_lists("VoucherImports"), PLATFORM),
    (_may(VoucherFinder="show"), (MANAGER,)),
    (_may(BatchDesk="new approve generate cancel close"), DECIDERS),
    (_may(BatchDesk="cancel", BatchRequestDesk="ask"), (OWNER,)),  # Where the platform allows it.
    (_may(BatchRequestDesk="merchants"), (ADMIN,)),
    (_may(PaperDesk="hand_over exchange"), (*DECIDERS, OWNER, MANAGER)),
    (_may(PaperDesk="freeze unfreeze"), (*DECIDERS, OWNER)),
    (_may(PaperDesk="activate void of_holder"), DECIDERS),
    (_may(TaskDesk="approve refuse"), DECIDERS),
    (_may(ImportDesk="new carry_out discard"), DECIDERS),
    # Taking print files out takes two of these people (services/vouchers/print_releases).
    (_may(PrintDesk="show"), PLATFORM),
    (_may(PrintDesk="design ask"), DECIDERS),
    (_may(PrintFileDesk="progress release withdraw download acknowledge"), DECIDERS),
    # Business.
    (_lists("Merchants"), (*PLATFORM, EDITOR)),
    (_may(MerchantDesk="add edit freeze thaw"), (ADMIN,)),
    (_lists("Stores"), EVERYBODY_BUT_CASHIERS),
    (_may(StoreDesk="add edit close reopen"), (ADMIN, OWNER)),
    (_may(StoreDays="days"), EVERYBODY_BUT_CASHIERS),
    (_may(StoreDays="add drop"), (ADMIN, OWNER, MANAGER)),
    (_lists("PayPoints"), (*OFFICE, MANAGER)),
    (_may(PayPointDesk="poster"), (ADMIN, OWNER, MANAGER)),
    (_may(PayPointDesk="add rename retire"), (ADMIN, OWNER)),
    (_lists("People"), (*PLATFORM, OWNER, MANAGER)),
    (_may(StaffDesk="add edit password suspend reinstate"), (ADMIN, OWNER, MANAGER)),
    (_may(SecondFactorDesk="reset"), (ADMIN,)),
    # Content. Merchants write their own where the platform allows it; the platform publishes.
    (_lists("Contents"), (ADMIN, EDITOR, AUDITOR, OWNER)),
    (_may(ContentVersions="versions"), (ADMIN, EDITOR, AUDITOR, OWNER)),
    (
        _may(
            ContentDesk="new edit look submit",
            ContentVersions="restore",
            ContentLinks="offer",
            MediaDesk="list upload show remove",
        ),
        (ADMIN, EDITOR, OWNER),
    ),
    (_may(ContentDesk="back plan until withdraw", ContentOrder="arrange"), (ADMIN, EDITOR)),
    (_may(ContentOrder="merchants"), (ADMIN,)),
    # Tills.
    (_lists("Shifts"), (*OFFICE, MANAGER)),
    (_lists("Terminals"), (*PLATFORM, OWNER, MANAGER)),
    (_may(TerminalDesk="revoke"), (ADMIN, OWNER, MANAGER)),
    # Settlement. Who closed does not approve, who approved does not pay (services see to it).
    (_lists("Statements", "StatementLines"), OFFICE),
    (_may(StatementDesk="workbook paper table"), OFFICE),
    (_may(StatementDesk="confirm dispute"), (OWNER, ACCOUNTANT)),
    (_may(StatementDesk="answer approve pay carry", SettlementDesk="close"), DECIDERS),
    (_may(SettlementDesk="combined clearing vouchers", AccountCodes="list"), PLATFORM),
    (_may(AccountCodes="edit"), DECIDERS),
    # What is read and looked for.
    (_may(Traffic="show export"), (*PLATFORM, EDITOR, OWNER)),
    (_may(SearchWords="show"), (*PLATFORM, EDITOR)),
    (_may(SearchWords="add edit drop"), (ADMIN, EDITOR)),
    (_may(AccountDesk="show"), (*PLATFORM, EDITOR)),
    (_may(AccountDesk="menu", ReplyDesk="add edit drop"), (ADMIN, EDITOR)),
    (_may(TillDevices="show invite rules"), (OWNER, MANAGER)),
    # Books and oversight.
    (_may(TrialBalance="show"), OFFICE),
    (_lists("Entries", "Postings"), OFFICE),
    # WeChat.
    (_lists("Reconciliations", "Differences", "Notifications"), PLATFORM),
    (_may(PaymentDesk="show"), PLATFORM),
    (_lists("Notices"), PLATFORM),
    (_may(NoticeDesk="resend"), (ADMIN,)),
    (
        _may(ReconciliationDesk="reconcile", DifferenceDesk="propose confirm refuse withdraw"),
        DECIDERS,
    ),
    (_may(PaymentDesk="ask enquire test"), DECIDERS),
    (_lists("AuditLog"), (*PLATFORM, OWNER, MANAGER)),
    (_may(RightsTable="show"), (ADMIN, AUDITOR)),
    (_may(SettingsPage="show", JobMonitor="show"), PLATFORM),
    (_may(SettingsPage="change", JobMonitor="retry cancel"), (ADMIN,)),
)


def _rights_of(role: Role) -> Rights:
    found: dict[str, frozenset[str]] = {}
    for rights, holders in GRANTS:
        if role in holders:
            for view, permissions in rights.items():
                found[view] = found.get(view, frozenset()) | permissions
    return found


RIGHTS: Mapping[Role, Rights] = {role: _rights_of(role) for role in Role}


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
