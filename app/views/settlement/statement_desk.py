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
from app.models.statements import Statement, StatementStatus
from app.models.tenants import Merchant
from app.services.settlement import statement_decisions as decisions
from app.views.desks import Desk
from app.views.forms import OnceForm, Prose, Text
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
        form = DisputeForm()
        return self._step(
            pk,
            form,
            lambda session: decisions.dispute_statement(
                session,
                statement_id=pk,
                document_no=form.document_no.data or "",
                note=form.note.data,
                actor=g.actor,
                now=utc_now(),
            ),
            title=gettext("Dispute statement"),
            submit=gettext("Dispute"),
            said=gettext("Statement %(no)s is disputed. The platform answers."),
        )

    @expose("/<int:pk>/answer", methods=("GET", "POST"))
    @has_access
    def answer(self, pk: int) -> ResponseReturnValue:
        """The platform answers all that is open."""
        form = AnswerForm()
        return self._step(
            pk,
            form,
            lambda session: decisions.answer_disputes(
                session,
                statement_id=pk,
                answer=form.answer.data,
                actor=g.actor,
                now=utc_now(),
            ),
            title=gettext("Answer disputes"),
            submit=gettext("Answer"),
            said=gettext("The disputes of statement %(no)s are answered."),
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
        form = PayoutForm()
        return self._step(
            pk,
            form,
            lambda session: decisions.record_payout(
                session,
                statement_id=pk,
                bank_reference=form.bank_reference.data,
                actor=g.actor,
                now=utc_now(),
            ),
            title=gettext("Record the payout"),
            submit=gettext("Record and book"),
            said=gettext("Statement %(no)s is paid."),
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

    def _yes(self, pk: int, decide: Callable[..., Statement], **page: Any) -> ResponseReturnValue:
        return self._step(
            pk,
            YesForm(),
            lambda session: decide(session, statement_id=pk, actor=g.actor, now=utc_now()),
            **page,
        )

    def _step(
        self,
        pk: int,
        form: OnceForm,
        act: Callable[[Session], object],
        *,
        said: str,
        facts: Sequence[str] = (),
        **page: Any,
    ) -> ResponseReturnValue:
        """A step on a page that says what is due; ``said`` has a place for the statement's ``no``.

        Whose turn it is and what the statement's state allows, ``act`` decides.
        """
        statement = self._found(pk)
        what: dict[str, Any] = {
            "merchant": self.appbuilder.session.get_one(Merchant, statement.merchant_id).name,
            "period": period_words(statement),
            "fen": money.in_yuan(statement.due_fen),
        }
        due = gettext("%(merchant)s, %(period)s: %(fen)s are due to the merchant.") % what
        return self.confirmed(
            form,
            act,
            said=said % {"no": statement.statement_no},
            back=url_for("Statements.show", pk=pk),
            explanation=statement.statement_no,
            facts=[due, *facts],
            **page,
        )
