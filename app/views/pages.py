"""Pages that are neither a list nor a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from flask import g
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core.actor import Role, Scope
from app.models.ledger import ACCOUNTS
from app.queries.settlement.account_codes import read_codes
from app.queries.trial_balance import AccountBalance, trial_balance
from app.views import roles
from app.views.job_monitor import JobMonitor
from app.views.menu import MENU
from app.views.names import Names, find_names
from app.views.people.member_desk import MemberDesk
from app.views.settings_page import SettingsPage
from app.views.stored_value.adjustments import AdjustmentDesk
from app.views.stored_value.card_desk import CardDesk
from app.views.stored_value.card_returns import CardReturnDesk
from app.views.stored_value.program_desk import ProgramDesk
from app.views.tills.till_records import TerminalDesk


@dataclass(frozen=True, kw_only=True)
class AccountLine:
    """An account over all the merchants and stores that the reader sees, with its parts."""

    account: str
    balance_fen: int
    parts: Sequence[tuple[str, str, int]]


class TrialBalance(BaseView):
    """What every account stands at now. Over the whole platform they sum to zero."""

    route_base = "/console/trial-balance"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        session = self.appbuilder.session
        balances = trial_balance(session)
        names = find_names(session, balances, ("merchant_id", "store_id"))
        lines = _by_account(balances, names)
        return self.render_template(
            "console/trial_balance.html",
            lines=lines,
            codes=_codes(session),
            debits_fen=sum(line.balance_fen for line in lines if line.balance_fen > 0),
            credits_fen=-sum(line.balance_fen for line in lines if line.balance_fen < 0),
        )


def _codes(session: Session) -> Mapping[str, str]:
    """The accounts' numbers in the platform's own books; a merchant's books have others."""
    if g.actor.scope is not Scope.platform:
        return {}
    return {one.account: one.code for one in read_codes(session)}


class RightsTable(BaseView):
    """Who may read what, as declared; nobody changes it here."""

    route_base = "/console/rights"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        rows = [
            (gettext(item.label), [roles.allows(role, item.permission, item.view) for role in Role])
            for group in MENU
            for item in group.items
        ]
        return self.render_template(
            "console/rights.html", roles=[gettext(roles.LABELS[role]) for role in Role], rows=rows
        )


def _by_account(balances: Sequence[AccountBalance], names: Names) -> Sequence[AccountLine]:
    order: Mapping[str, int] = {name: place for place, name in enumerate(ACCOUNTS)}
    ordered = sorted(balances, key=lambda balance: order[balance.account])
    merchants, stores = (next((found for model, found in names.items()
                               if model.__tablename__ == table), {})
                         for table in ("merchant", "store"))  # fmt: skip
    lines = []
    for account, group in groupby(ordered, key=lambda balance: balance.account):
        parts = [
            (
                merchants.get(part.merchant_id, ""),
                stores.get(part.store_id, "") if part.store_id is not None else "",
                part.balance_fen,
            )
            for part in group
            if part.balance_fen
        ]
        total = sum(fen for *_, fen in parts)
        if parts:
            lines.append(AccountLine(account=account, balance_fen=total, parts=parts))
    return lines


PAGES: Sequence[type[BaseView]] = (
    *(TrialBalance, RightsTable, SettingsPage, JobMonitor),
    *(MemberDesk, CardDesk, AdjustmentDesk, CardReturnDesk, ProgramDesk, TerminalDesk),
)
