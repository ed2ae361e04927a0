"""What people do with a statement: confirm, dispute, answer, approve, pay, carry; and its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Any, ClassVar

from flask import abort, g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core import money
from app.core.clock import utc_now
from app.core.errors import N_
from app.flows.once import Body
from app.models.statements import Statement, StatementStatus
from app.models.tenants import Merchant
from app.services.settlement import statement_decisions as decisions
from app.views.desks import Desk
from app.views.forms import OnceForm, Prose, Text
from app.views.once import write_once
from app.views.settlement.statement_files import (
    answer_file,
    new_file,
    period_words,
    write_csv,
    write_paper,
    write_workbook,
)

Write = Callable[[Session, Statement, IO[bytes]], None]


class YesForm(OnceForm):
    """Nothing but a yes."""


class DisputeForm(OnceForm):
    """What is wrong, and with which line."""

    refusals_at: ClassVar = {"line_not_on_statement": "document_no"}

    document_no = Text(
        N_("Number of the line"),
        needed=False,
        longest=40,
        description=N_("A payment's, refund's or redemption's number; empty: the whole statement."),
    )
    note = Prose(N_("What is wrong"), longest=400)


class AnswerForm(OnceForm):
    """What the merchant is told."""

    answer = Prose(
        N_("Answer"),
        longest=400,
        description=N_("The statement stays as it is. A correction stands on the next one."),
    )


class PayoutForm(OnceForm):
    """What the bank's slip says."""

    bank_reference = Text(N_("Bank reference"), longest=60)


class StatementDesk(Desk):
    """A step at a time. Whose turn it is, services and PostgreSQL decide again."""

    route_base = "/console/statements"
    belongs_to = "Statements"

    @expose("/<int:pk>/confirm", methods=("GET", "POST"))
    @has_access
    def confirm(self, pk: int) -> ResponseReturnValue:
        """The merchant agrees."""
        return self._yes(
            pk,
            decisions.confirm_statement,
            title=gettext("Confirm statement"),
            submit=gettext("Confirm"),
            said=gettext("Statement %(no)s is confirmed."),
            facts=[gettext("You agree that every line is right. It cannot be disputed later.")],
        )

    @expose("/<int:pk>/dispute", methods=("GET", "POST"))
    @has_access
    def dispute(self, pk: int) -> ResponseReturnValue:
        """The merchant objects."""
        statement = self._found(pk)
        form = DisputeForm()
        if form.validate_on_submit():

            def effect(session: Session) -> Body:
                decisions.dispute_statement(
                    session,
                    statement_id=pk,
                    document_no=form.document_no.data or "",
                    note=form.note.data,
                    actor=g.actor,
                    now=utc_now(),
                )
                return {}

            with form.refusals():
                write_once(form, effect)
                said = gettext("Statement %(no)s is disputed. The platform answers.")
                return self._done(said, statement)
        return self._form(
            form, statement, title=gettext("Dispute statement"), submit=gettext("Dispute")
        )

    @expose("/<int:pk>/answer", methods=("GET", "POST"))
    @has_access
    def answer(self, pk: int) -> ResponseReturnValue:
        """The platform answers all that is open."""
        statement = self._found(pk)
        form = AnswerForm()
        if form.validate_on_submit():

            def effect(session: Session) -> Body:
                decisions.answer_disputes(
                    session,
                    statement_id=pk,
                    answer=form.answer.data,
                    actor=g.actor,
                    now=utc_now(),
                )
                return {}

            with form.refusals():
                write_once(form, effect)
                said = gettext("The disputes of statement %(no)s are answered.")
                return self._done(said, statement)
        return self._form(
            form, statement, title=gettext("Answer disputes"), submit=gettext("Answer")
        )

    @expose("/<int:pk>/approve", methods=("GET", "POST"))
    @has_access
    def approve(self, pk: int) -> ResponseReturnValue:
        """A second person agrees that it is paid."""
        return self._yes(
            pk,
            decisions.approve_statement,
            title=gettext("Approve statement"),
            submit=gettext("Approve for payment"),
            said=gettext("Statement %(no)s is approved."),
            facts=[gettext("Another person then pays it and records the bank's reference.")],
        )

    @expose("/<int:pk>/pay", methods=("GET", "POST"))
    @has_access
    def pay(self, pk: int) -> ResponseReturnValue:
        """The bank has paid it: it is booked."""
        statement = self._found(pk)
        form = PayoutForm()
        if form.validate_on_submit():

            def effect(session: Session) -> Body:
                decisions.record_payout(
                    session,
                    statement_id=pk,
                    bank_reference=form.bank_reference.data,
                    actor=g.actor,
                    now=utc_now(),
                )
                return {}

            with form.refusals():
                write_once(form, effect)
                return self._done(gettext("Statement %(no)s is paid."), statement)
        return self._form(
            form,
            statement,
            title=gettext("Record the payout"),
            submit=gettext("Record and book"),
            facts=[gettext("The payout is booked. It cannot be taken back.")],
        )

    @expose("/<int:pk>/carry", methods=("GET", "POST"))
    @has_access
    def carry(self, pk: int) -> ResponseReturnValue:
        """Nothing is due: into the next one with it."""
        return self._yes(
            pk,
            decisions.carry_statement,
            title=gettext("Carry forward"),
            submit=gettext("Carry forward"),
            said=gettext("Statement %(no)s is carried forward."),
            facts=[gettext("The balance becomes the opening balance of the next statement.")],
        )

    @expose("/<int:pk>/statement.xlsx")
    @has_access
    def workbook(self, pk: int) -> ResponseReturnValue:
        return self._file(pk, "xlsx", write_workbook)

    @expose("/<int:pk>/statement.pdf")
    @has_access
    def paper(self, pk: int) -> ResponseReturnValue:
        return self._file(pk, "pdf", write_paper)

    @expose("/<int:pk>/lines.csv")
    @has_access
    def table(self, pk: int) -> ResponseReturnValue:
        return self._file(pk, "csv", write_csv)

    def _found(self, pk: int) -> Statement:
        found: Statement = self.found(Statement, pk)
        return found

    def _file(self, pk: int, kind: str, write: Write) -> ResponseReturnValue:
        statement = self._found(pk)
        if statement.status is StatementStatus.collecting:
            abort(404)
        file = new_file()
        write(self.appbuilder.session, statement, file)
        name = f"{gettext('Settlement statement')}_{statement.statement_no}"
        return answer_file(kind, name, file)

    def _yes(
        self,
        pk: int,
        decide: Callable[..., Statement],
        *,
        title: str,
        submit: str,
        said: str,
        facts: Sequence[str],
    ) -> ResponseReturnValue:
        statement = self._found(pk)
        form = YesForm()
        if form.validate_on_submit():

            def effect(session: Session) -> Body:
                decide(session, statement_id=pk, actor=g.actor, now=utc_now())
                return {}

            with form.refusals():
                write_once(form, effect)
                return self._done(said, statement)
        return self._form(form, statement, title=title, submit=submit, facts=facts)

    def _form(
        self,
        form: OnceForm,
        statement: Statement,
        *,
        title: str,
        submit: str,
        facts: Sequence[str] = (),
    ) -> ResponseReturnValue:
        merchant = self.appbuilder.session.get_one(Merchant, statement.merchant_id).name
        what: dict[str, Any] = {
            "merchant": merchant,
            "period": period_words(statement),
            "fen": money.in_yuan(statement.due_fen),
        }
        due = gettext("%(merchant)s, %(period)s: %(fen)s are due to the merchant.") % what
        return self.form_page(
            form,
            title=title,
            submit=submit,
            back=url_for("Statements.show", pk=statement.id),
            explanation=statement.statement_no,
            template="console/confirm.html",
            facts=[due, *facts],
        )

    def _done(self, said: str, statement: Statement) -> ResponseReturnValue:
        return self.done(
            said % {"no": statement.statement_no}, url_for("Statements.show", pk=statement.id)
        )
