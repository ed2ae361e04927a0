"""What people decide about a statement: the merchant confirms or disputes, the platform approves
and pays, or carries what is not to be paid. Each step is another person's; PostgreSQL agrees.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.business_settings import DEEMED_DAYS
from app.core.errors import N_, Category, DomainError
from app.models.statements import Statement, StatementDispute, StatementLine, StatementStatus
from app.services import journal
from app.services.business_settings import read_setting
from app.services.settlement.payouts import pay_statement

_S = StatementStatus
_AT_ONCE = 500
# A statement and all that was carried into it, over as many periods as it took.
_CHAIN = (
    "WITH RECURSIVE chain AS (SELECT id FROM statement WHERE id = :statement"
    " UNION ALL SELECT s.id FROM statement s JOIN chain c ON s.carried_into_id = c.id)"
)
_CASH = text(
    f"{_CHAIN} SELECT m.store_id, -sum(m.amount_fen)::bigint AS fen FROM statement_sum m"  # noqa: S608
    " JOIN chain c ON c.id = m.statement_id WHERE m.part = 'cash'"
    " GROUP BY m.store_id HAVING sum(m.amount_fen) <> 0"
)


class StatementNotReady(DomainError):
    code = "statement_not_ready"
    category = Category.CONFLICT
    template = N_("This statement is in another state by now. Please look at it again.")


class StatementSecondPerson(DomainError):
    code = "statement_second_person"
    category = Category.FORBIDDEN
    template = N_("Somebody else has to do this: closing, approving and paying take two people.")


class NothingToPay(DomainError):
    code = "nothing_to_pay"
    category = Category.CONFLICT
    template = N_("Nothing is due on this statement. Carry it into the next one instead.")


class SomethingToPay(DomainError):
    code = "something_to_pay"
    category = Category.CONFLICT
    template = N_("Money is due on this statement. It has to be paid, not carried.")


class LineNotOnStatement(DomainError):
    code = "line_not_on_statement"
    category = Category.INVALID
    template = N_("No line of this statement has the number %(document_no)s.")


class DisputeOpen(DomainError):
    code = "dispute_open"
    category = Category.CONFLICT
    template = N_("A line of this statement is disputed. Answer it first.")


def confirm_statement(
    session: Session, *, statement_id: int, actor: Actor, now: datetime
) -> Statement:
    """The merchant agrees. Only its own staff may: the desk has found it in their scope.

    Raises:
        StatementNotReady
    """
    statement = _lock(session, statement_id, {_S.draft})
    statement.status = _S.confirmed
    statement.confirmed_by_id, statement.confirmed_at = actor.staff_id, now
    return _done(session, "statement.confirmed", statement, actor)


def deem_confirmed(session: Session, *, now: datetime) -> int:
    """Take a merchant's long silence for consent, where a setting says after how many days.

    Counted from the drawing up, or from the answer to its last dispute. Nobody is written down as
    having confirmed it, so two people of the platform still approve and pay.
    """
    days = read_setting(session, DEEMED_DAYS)
    if days == 0:
        return 0
    answered = (
        select(func.max(StatementDispute.answered_at))
        .where(StatementDispute.statement_id == Statement.id)
        .scalar_subquery()
    )
    silent = session.scalars(
        select(Statement)
        .where(
            Statement.status == _S.draft,
            func.greatest(Statement.created_at, answered) < now - timedelta(days=days),
        )
        .order_by(Statement.id)
        .limit(_AT_ONCE)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    for statement in silent:
        statement.status, statement.is_deemed, statement.confirmed_at = _S.confirmed, True, now
        _done(session, "statement.deemed", statement, SYSTEM)
    return len(silent)


def dispute_statement(
    session: Session,
    *,
    statement_id: int,
    document_no: str,
    note: str,
    actor: Actor,
    now: datetime,
) -> StatementDispute:
    """The merchant objects to a line, or to the whole when no number is given.

    Raises:
        StatementNotReady, LineNotOnStatement
    """
    statement = _lock(session, statement_id, {_S.draft, _S.disputed})
    line_id = None
    if document_no:
        line_id = session.scalar(
            select(StatementLine.id)
            .where(
                StatementLine.statement_id == statement_id, StatementLine.document_no == document_no
            )
            .order_by(StatementLine.id)
            .limit(1)
        )
        if line_id is None:
            raise LineNotOnStatement(document_no=document_no)
    made = StatementDispute(
        merchant_id=statement.merchant_id,
        statement_id=statement_id,
        line_id=line_id,
        document_no=document_no,
        note=note,
        created_by_id=actor.staff_id,
        created_at=now,
    )
    session.add(made)
    statement.status = _S.disputed
    _done(session, "statement.disputed", statement, actor)
    return made


def answer_disputes(
    session: Session, *, statement_id: int, answer: str, actor: Actor, now: datetime
) -> Statement:
    """The platform answers all that is open; the merchant then looks at the statement again.

    A statement never changes: what was wrong is corrected where it was booked, and the correction
    stands on the next statement.

    Raises:
        StatementNotReady
    """
    statement = _lock(session, statement_id, {_S.disputed})
    disputes = session.scalars(
        select(StatementDispute).where(
            StatementDispute.statement_id == statement_id,
            StatementDispute.answered_by_id.is_(None),
        )
    )
    for dispute in disputes:
        dispute.answer, dispute.answered_by_id, dispute.answered_at = answer, actor.staff_id, now
    statement.status = _S.draft
    return _done(session, "statement.answered", statement, actor)


def approve_statement(
    session: Session, *, statement_id: int, actor: Actor, now: datetime
) -> Statement:
    """A second person of the platform agrees that it is paid.

    Raises:
        StatementNotReady, NothingToPay
        StatementSecondPerson: Whoever closed it does not approve it.
    """
    statement = _lock(session, statement_id, {_S.confirmed})
    if statement.due_fen <= 0:
        raise NothingToPay
    if actor.staff_id in {statement.created_by_id, statement.confirmed_by_id}:
        raise StatementSecondPerson
    statement.status = _S.approved
    statement.approved_by_id, statement.approved_at = actor.staff_id, now
    return _done(session, "statement.approved", statement, actor)


def record_payout(
    session: Session, *, statement_id: int, bank_reference: str, actor: Actor, now: datetime
) -> Statement:
    """The bank has paid it: book the payout and the cash netted, once.

    Raises:
        StatementNotReady
        StatementSecondPerson: Whoever approved it does not pay it.
    """
    assert bank_reference, "a payout has the bank's reference"
    statement = _lock(session, statement_id, {_S.approved})
    if actor.staff_id == statement.approved_by_id:
        raise StatementSecondPerson
    cash_fen = {
        row.store_id: row.fen for row in session.execute(_CASH, {"statement": statement_id})
    }
    statement.paid_entry_id = pay_statement(
        session,
        statement_no=statement.statement_no,
        merchant_id=statement.merchant_id,
        payout_fen=statement.due_fen,
        cash_kept_fen=cash_fen,
        actor=actor,
        now=now,
    )
    statement.status = _S.paid
    statement.paid_by_id, statement.paid_at = actor.staff_id, now
    statement.bank_reference = bank_reference
    return _done(session, "statement.settled", statement, actor)


def carry_statement(
    session: Session, *, statement_id: int, actor: Actor, now: datetime
) -> Statement:
    """Nothing, or less than nothing, is due: it becomes the opening of the next statement.

    Raises:
        StatementNotReady, SomethingToPay
    """
    statement = _lock(session, statement_id, {_S.draft, _S.confirmed})
    if statement.due_fen > 0:
        raise SomethingToPay
    statement.status = _S.carried
    return _done(session, "statement.carried", statement, actor)


def _lock(session: Session, statement_id: int, states: set[StatementStatus]) -> Statement:
    statement = session.scalars(
        select(Statement).where(Statement.id == statement_id).with_for_update(key_share=True)
    ).one()
    if statement.status not in states:
        if statement.status is _S.disputed:
            raise DisputeOpen
        raise StatementNotReady
    return statement


def _done(session: Session, action: str, statement: Statement, actor: Actor) -> Statement:
    session.flush()
    journal.audit(
        session,
        action,
        actor=actor,
        subject_id=statement.id,
        merchant_id=statement.merchant_id,
        detail={"statement_no": statement.statement_no, "due_fen": statement.due_fen},
    )
    return statement
