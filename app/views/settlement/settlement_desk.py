"""Settlement over all merchants: closing periods, the combined workbook, clearing, vouchers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from app.core.clock import local_day, utc_now
from app.core.errors import N_
from app.flows.carrying_out import carry_out
from app.flows.settlement.settling import close_at_console
from app.models.ledger import ACCOUNTS
from app.queries.settlement.account_codes import read_codes
from app.queries.settlement.statements import read_clearing
from app.services.account_codes import change_account_code
from app.views import choosing, labels, roles
from app.views.desks import Desk
from app.views.filters import Period
from app.views.finders import Finder
from app.views.forms import Choice, ConsoleForm, Day, Shape, Text
from app.views.settlement.book_files import write_vouchers
from app.views.settlement.statement_desk import StatementDesk
from app.views.settlement.statement_files import answer_file, new_file, write_combined
from app.views.settlement.statement_words import issuer_name
from app.views.settlement.statements import StatementLines, Statements
from app.web.context import current_context

_LONGEST_DAYS = 366


class CloseForm(ConsoleForm):
    """Whose periods. Closing twice changes nothing, so there is no key."""

    merchant_id = Finder(N_("Merchant"), needed=False)


class DaysForm(ConsoleForm):
    """Local days, both included."""

    first = Day(N_("From"))
    last = Day(N_("To, included"))

    def period(self) -> Period | None:
        """None, with a word at its field, when the days make no sense."""
        first, last = self.first.data, self.last.data
        if first is None or last is None:
            missing = self.first if first is None else self.last
            missing.errors = [missing.gettext("Not a valid date value.")]
            return None
        if first > last:
            self.last.errors = [gettext("The last day is before the first one.")]
            return None
        if (last - first).days > _LONGEST_DAYS:
            self.last.errors = [gettext("Please choose a year at the most.")]
            return None
        return Period(first, last)

    def suggest(self) -> None:
        """Last month and this one, until something is chosen."""
        today = local_day(utc_now())
        if self.first.data is None and not self.first.raw_data:
            self.first.data = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        if self.last.data is None and not self.last.raw_data:
            self.last.data = (today.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(
                days=1
            )


class VouchersForm(DaysForm):
    format = Choice(N_("Format"))


class CodeForm(ConsoleForm):
    """An account as the accountant's books call it."""

    code = Text(
        N_("Account code"),
        longest=20,
        checks=[Shape(r"[0-9][0-9.\-]{2,19}", N_("Digits, such as 224101."))],
    )
    account_title = Text(N_("Account title"), longest=60)


class SettlementDesk(Desk):
    """For the platform's finance."""

    route_base = "/console/settlement"
    belongs_to = "Statements"

    @expose("/close", methods=("GET", "POST"))
    @has_access
    def close(self) -> ResponseReturnValue:
        """Draw up every statement whose period is over."""
        form = CloseForm()
        form.merchant_id.offer_from(
            self.appbuilder.session, choosing.businesses(), none=gettext("All merchants")
        )
        if form.validate_on_submit():
            chosen = int(form.merchant_id.data) if form.merchant_id.data else None
            closed = close_at_console(current_context(), actor=g.actor, merchant_id=chosen)
            count = len(closed.statement_ids)
            if closed.more:
                said = gettext(
                    "%(count)s statements are drawn up; the rest follows in the background."
                )
            elif count:
                said = gettext("%(count)s statements are drawn up.")
            else:
                said = gettext(
                    "Nothing to close: no period with business in it is over and still open."
                )
            return self.done(said % {"count": count}, url_for("Statements.list"))
        return self.form_page(
            form,
            title=gettext("Close periods"),
            submit=gettext("Close what is over"),
            back=url_for("Statements.list"),
            explanation=gettext(
                "Every merchant's cycle (day, week or month) is closed once it is over, by itself"
                " every hour. What is booked later stands on the next statement."
            ),
        )

    @expose("/combined", methods=("GET", "POST"))
    @has_access
    def combined(self) -> ResponseReturnValue:
        """All merchants' statements as one workbook."""
        form = DaysForm()
        if form.validate_on_submit() and (period := form.period()) is not None:
            file = new_file()
            write_combined(self.appbuilder.session, period, file)
            name = f"{gettext('Statements')}_{period.first}_{period.last}"
            return answer_file("xlsx", name, file)
        form.suggest()
        return self.form_page(
            form,
            title=gettext("Workbook of all merchants"),
            submit=gettext("Download"),
            back=url_for("Statements.list"),
            explanation=gettext("The statements whose period ends within these days."),
        )

    @expose("/clearing")
    @has_access
    def clearing(self) -> ResponseReturnValue:
        """What issuers' cards and paper earned at other merchants."""
        form = DaysForm(request.args)
        form.suggest()
        rows = []
        if (period := form.period()) is not None:
            session = self.appbuilder.session
            rows = read_clearing(session, first=period.first, last=period.last)
        return self.page(
            "console/clearing.html",
            form=form,
            rows=rows,
            issuer_name=issuer_name,
            total_fen=sum(row.total_fen for row in rows),
        )

    @expose("/vouchers", methods=("GET", "POST"))
    @has_access
    def vouchers(self) -> ResponseReturnValue:
        """The ledger as vouchers for another accounting program."""
        form = VouchersForm()
        form.format.offer([("xlsx", "Excel (xlsx)"), ("csv", "CSV")])
        if form.validate_on_submit() and (period := form.period()) is not None:
            file, kind = new_file(), form.format.data
            count = write_vouchers(self.appbuilder.session, period, file, kind=kind)
            if count:
                name = f"{gettext('Accounting vouchers')}_{period.first}_{period.last}"
                return answer_file(kind, name, file)
            file.close()
            flash(gettext("Nothing was booked on these days."))
            return redirect(url_for("SettlementDesk.vouchers"))
        form.suggest()
        return self.form_page(
            form,
            title=gettext("Accounting vouchers"),
            submit=gettext("Download"),
            back=url_for("Statements.list"),
            explanation=gettext(
                "A voucher a day for each kind of event; its debits equal its credits. The codes"
                " are those of the page Account codes."
            ),
        )


class AccountCodes(Desk):
    """How the accountant's books call the ledger's accounts."""

    route_base = "/console/account-codes"
    default_view = "list"
    belongs_to = "AccountCodes"

    @expose("/")
    @has_access
    def list(self) -> ResponseReturnValue:
        codes = read_codes(self.appbuilder.session)
        return self.page(
            "console/account_codes.html",
            codes=codes,
            may_edit=roles.allows(g.actor.role, "can_edit", "AccountCodes"),
        )

    @expose("/<int:pk>/edit", methods=("GET", "POST"))
    @has_access
    def edit(self, pk: int) -> ResponseReturnValue:
        """``pk`` is the account's place in the ledger's list, from 1."""
        if not 1 <= pk <= len(ACCOUNTS):
            abort(404)
        account = ACCOUNTS[pk - 1]
        known: Any = read_codes(self.appbuilder.session)[pk - 1]
        form = CodeForm(data={"code": known.code, "account_title": known.title})
        back = url_for("AccountCodes.list")
        if form.validate_on_submit():
            carry_out(
                current_context(),
                lambda session: change_account_code(
                    session,
                    account=account,
                    code=form.code.data,
                    title=form.account_title.data,
                    actor=g.actor,
                ),
            )
            return self.done(
                gettext("Account code %(code)s is saved.") % {"code": form.code.data}, back
            )
        return self.form_page(
            form, title=gettext("Change account code"), submit=gettext("Save"), back=back,
            explanation=gettext(labels.ACCOUNTS[account]),
        )  # fmt: skip


SETTLEMENT = (Statements, StatementLines, StatementDesk, SettlementDesk, AccountCodes)
