"""The demo's months settled as people would have: statements in every state, two days of WeChat's
bills compared, one that agrees and one with differences of each kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from sqlalchemy import select, text

from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.bills import TRANSFER, FlowLine, FundFlowBill, TradeBill, TradeLine
from app.core.clock import SHANGHAI, end_of_day, local_day, start_of_day, utc_now
from app.flows.context import Context
from app.flows.settlement.settling import close_due
from app.models.people import Staff
from app.models.reconciliations import (
    Correction,
    DifferenceKind,
    Reconciliation,
    ReconciliationDifference,
)
from app.models.statements import Statement, StatementLine, StatementStatus
from app.models.tenants import Merchant, SettlementCycle
from app.services.settlement import differences
from app.services.settlement import statement_decisions as decisions
from app.services.settlement.reconciliations import reconcile_bills

_LEFT = ("drawn up", "confirmed", "disputed", "approved")  # Of a merchant's last ones.
_LEFT_OF_FEW = ("drawn up", "confirmed")
_WEEKS = 15  # More than the demo's past is long.
_FEE_BP = 60
_BUSIEST_DAYS = text("""
    SELECT (paid_at AT TIME ZONE 'Asia/Shanghai')::date AS day
      FROM (SELECT paid_at, wechat_transaction_id FROM payment
            UNION ALL SELECT paid_at, wechat_transaction_id FROM top_up) o
     WHERE wechat_transaction_id IS NOT NULL AND paid_at < :before AND paid_at >= :after
     GROUP BY 1 HAVING count(*) >= 4 ORDER BY count(*) DESC, 1 LIMIT 2
""")
_LINES = text("""
    SELECT paid_at AS at, payment_no AS order_no, wechat_transaction_id AS wechat_no,
           NULL AS refund_no, NULL AS refund_id, wechat_fen AS fen
      FROM payment
     WHERE wechat_transaction_id IS NOT NULL AND paid_at >= :since AND paid_at < :until
    UNION ALL
    SELECT paid_at, top_up_no, wechat_transaction_id, NULL, NULL, amount_fen FROM top_up
     WHERE wechat_transaction_id IS NOT NULL AND paid_at >= :since AND paid_at < :until
    UNION ALL
    SELECT created_at, order_no, 'DEMO' || order_no, refund_no, wechat_refund_id, wechat_fen
      FROM refund WHERE wechat_fen > 0 AND status = 'succeeded'
       AND created_at >= :since AND created_at < :until
    ORDER BY 1, 2
""")


@dataclass(frozen=True)
class _People:
    """Who decides: at the platform the two whom every step asks for, and at each merchant one."""

    admin: Actor
    finance: Actor
    owners: dict[int, Actor]


def seed_demo_settlement(context: Context) -> None:
    """Settle and reconcile the demo's past, unless something is settled already."""
    with context.database.unit_of_work(SYSTEM) as session:
        if session.scalar(select(Statement.id).limit(1)) is not None:
            return
        weekly = session.scalars(select(Merchant).where(Merchant.code == "merchant2")).one_or_none()
        if weekly is not None:
            weekly.settlement_cycle, weekly.settlement_days = SettlementCycle.weekly, 2
    people = _people(context)
    if people is None:
        return
    _close_week_by_week(context, people)
    with context.database.unit_of_work(SYSTEM) as session:
        rows = session.execute(
            select(Statement.id, Statement.merchant_id).order_by(
                Statement.merchant_id, Statement.period_last_on
            )
        ).all()
    for merchant_id, owner in people.owners.items():
        ids = [row.id for row in rows if row.merchant_id == merchant_id]
        ends = _LEFT if len(ids) > len(_LEFT) else _LEFT_OF_FEW
        states = ["paid"] * (len(ids) - len(ends)) + list(reversed(ends))
        for statement_id, left in zip(ids, states[-len(ids) :], strict=True):
            _decide(context, statement_id, people, owner, left)
    _reconcile(context, people)


def _close_week_by_week(context: Context, people: _People) -> None:
    """Draw statements up as their periods end: what is carried stands in the one after it."""
    now = utc_now()
    monday = local_day(now) - timedelta(days=local_day(now).weekday())
    for weeks in range(_WEEKS, -1, -1):
        at = datetime.combine(monday - timedelta(weeks=weeks), time(2), SHANGHAI)
        for statement_id in close_due(context, now=min(at, now)).statement_ids:
            with context.database.unit_of_work(SYSTEM) as session:
                statement = session.get_one(Statement, statement_id)
                merchant_id, due_fen = statement.merchant_id, statement.due_fen
            if due_fen <= 0 and merchant_id in people.owners:
                _decide(context, statement_id, people, people.owners[merchant_id], "carried")
    close_due(context)


def _decide(context: Context, statement_id: int, people: _People, owner: Actor, left: str) -> None:
    """Bring a statement so far; one on which nothing is due is carried instead."""
    with context.database.unit_of_work(SYSTEM) as session:
        statement = session.get_one(Statement, statement_id)
        at = datetime.combine(statement.due_on, time(2), SHANGHAI)
        now = min(at, utc_now())
        given = {"statement_id": statement_id, "now": now}
        if left == "drawn up" or statement.status is StatementStatus.carried:
            return
        if left == "disputed":
            number = session.scalar(
                select(StatementLine.document_no)
                .where(StatementLine.statement_id == statement_id)
                .order_by(StatementLine.amount_fen.desc())
                .limit(1)
            )
            note = "这一笔顾客当场退了一半，请核对。"
            decisions.dispute_statement(
                session, document_no=number or "", note=note, actor=owner, **given
            )
            return
        decisions.confirm_statement(session, actor=owner, **given)
        if statement.due_fen <= 0:
            decisions.carry_statement(session, actor=people.admin, **given)
            return
        if left == "confirmed":
            return
        decisions.approve_statement(session, actor=people.finance, **given)
        if left == "approved":
            return
        bank_reference = f"ICBC{statement.due_on:%Y%m%d}{statement_id:06d}"
        decisions.record_payout(session, bank_reference=bank_reference, actor=people.admin, **given)


def _people(context: Context) -> _People | None:
    with context.database.unit_of_work(SYSTEM) as session:
        staff = session.scalars(select(Staff).order_by(Staff.id)).all()
    by_role = {one.role: one for one in reversed(staff)}
    if not {Role.platform_admin, Role.platform_finance} <= set(by_role):
        return None
    owners = {
        one.merchant_id: _actor(one, Scope.merchant)
        for one in staff
        if one.role is Role.merchant_admin
    }
    return _People(
        admin=_actor(by_role[Role.platform_admin], Scope.platform),
        finance=_actor(by_role[Role.platform_finance], Scope.platform),
        owners=owners,
    )


def _actor(staff: Staff, scope: Scope) -> Actor:
    return Actor(scope=scope, staff_id=staff.id, merchant_id=staff.merchant_id, role=staff.role)


def _reconcile(context: Context, people: _People) -> None:
    """A day as WeChat would have billed it, and another one with something wrong in each way."""
    today = local_day(utc_now())
    with context.database.unit_of_work(SYSTEM) as session:
        # Older than what the clock compares by itself: nobody overwrites it.
        days = session.scalars(
            _BUSIEST_DAYS,
            {"before": start_of_day(today - timedelta(days=9)),
             "after": start_of_day(today - timedelta(days=60))},
        ).all()  # fmt: skip
    for day, is_planted in zip(days, (True, False), strict=False):
        with context.database.unit_of_work(SYSTEM) as session:
            values = {"since": start_of_day(day), "until": end_of_day(day)}
            lines = [
                _line(number, *row) for number, row in enumerate(session.execute(_LINES, values), 1)
            ]
        if is_planted:
            first = _planted(lines, hasty=True)
            _compare(context, day, first, more_fee_fen=1_50)
            _correct_hastily(context, people, day, first)
            _compare(context, day, _planted(lines), more_fee_fen=1_50)
        else:
            _compare(context, day, lines)
    if days:
        _propose(context, people, days[0])


def _compare(
    context: Context, day: date, billed: Sequence[TradeLine], *, more_fee_fen: int = 0
) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        trade = TradeBill(bill_on=day, sha1=_digest(day, "trade"), lines=billed)
        flow = _flow(trade, more_fee_fen=more_fee_fen)
        now = min(end_of_day(day) + timedelta(hours=10), utc_now())
        reconcile_bills(session, trade=trade, flow=flow, actor=SYSTEM, now=now)


def _correct_hastily(
    context: Context, people: _People, day: date, billed: Sequence[TradeLine]
) -> None:
    """Two people bring the ledger to a bill that WeChat then corrects: now the ledger is wrong."""
    number = _order_of(billed, 2)
    with context.database.unit_of_work(SYSTEM) as session:
        found = session.scalars(
            select(ReconciliationDifference.id).where(
                ReconciliationDifference.bill_on == day, ReconciliationDifference.number == number
            )
        ).one()
        differences.propose_correction(
            session, difference_id=found, correction=Correction.expense,
            note="按微信账单金额调整。", maker=people.finance, now=utc_now(),
        )  # fmt: skip
        differences.confirm_correction(
            session, difference_id=found, checker=people.admin, now=utc_now()
        )


def _propose(context: Context, people: _People, day: date) -> None:
    """One correction waits for its second person, one has been agreed to."""
    with context.database.unit_of_work(SYSTEM) as session:
        found = session.scalars(
            select(ReconciliationDifference)
            .join(Reconciliation, Reconciliation.id == ReconciliationDifference.reconciliation_id)
            .where(Reconciliation.bill_on == day)
        ).all()
        by_kind = {one.kind: one.id for one in found}
        for kind, correction, note in (
            (DifferenceKind.duplicate, Correction.explain, "微信账单重复列示，次日账单已更正。"),
            (
                DifferenceKind.fee_differs,
                Correction.expense,
                "已向微信核实，按实扣金额入账。",
            ),
        ):
            if kind in by_kind:
                given = {"difference_id": by_kind[kind], "now": utc_now()}
                differences.propose_correction(
                    session, correction=correction, note=note, maker=people.finance, **given
                )
                if kind is DifferenceKind.fee_differs:
                    differences.confirm_correction(session, checker=people.admin, **given)


def _order_of(lines: Sequence[TradeLine], place: int) -> str:
    return [line for line in lines if not line.is_refund][place].order_no


def _planted(lines: Sequence[TradeLine], *, hasty: bool = False) -> list[TradeLine]:
    """One that is missing, one of another amount, one twice, and one that we never heard of.

    Args:
        hasty: One more is of another amount, until WeChat corrects its bill.
    """
    paid = [line for line in lines if not line.is_refund]
    missing, other, twice, corrected = paid[:4]
    wrong = (other, corrected) if hasty else (other,)
    unknown = replace(
        twice,
        line_no=len(lines) + 2,
        transaction_id="4200009999202611230000000001",
        order_no="P0000000000000001",
        amount_fen=88_00,
        fee_fen=53,
    )
    rest = [
        replace(line, amount_fen=line.amount_fen - 1_00) if line in wrong else line
        for line in lines
        if line is not missing
    ]
    return [*rest, replace(twice, line_no=len(lines) + 1), unknown]


def _line(
    number: int,
    at: datetime,
    order_no: str,
    wechat_no: str,
    refund_no: str | None,
    refund_id: str | None,
    fen: int,
) -> TradeLine:
    fee_fen = (fen * _FEE_BP + 5_000) // 10_000
    return TradeLine(
        line_no=number,
        occurred_at=at,
        transaction_id=wechat_no,
        order_no=order_no,
        refund_id=refund_id,
        refund_no=refund_no,
        state="SUCCESS" if refund_no is None else "REFUND",
        amount_fen=fen,
        fee_fen=fee_fen if refund_no is None else -fee_fen,
    )


def _flow(trade: TradeBill, *, more_fee_fen: int) -> FundFlowBill:
    """The same day as movements of the account, and what WeChat has sent on to the bank.

    Args:
        more_fee_fen: The first payment's fee is so much more than the trade bill says.
    """
    moves: list[tuple[str, str, int]] = []
    for line in trade.movements:
        if line.is_refund:
            moves.append(("退款", line.number, line.net_fen))
            continue
        moves.append(("交易", line.number, line.amount_fen))
        moves.append(("扣除交易手续费", line.number, -line.fee_fen - more_fee_fen))
        more_fee_fen = 0
    left_fen = sum(fen for _, _, fen in moves)
    if left_fen > 0:
        moves.append((TRANSFER, "", -left_fen))
    at = start_of_day(trade.bill_on) + timedelta(hours=23)
    lines, balance_fen = [], 0
    for number, (kind, voucher_no, fen) in enumerate(moves, 1):
        balance_fen += fen
        lines.append(FlowLine(
            line_no=number, occurred_at=at, business_no="", voucher_no=voucher_no, kind=kind,
            flow_no=f"{trade.bill_on:%Y%m%d}{number:04d}", amount_fen=fen, balance_fen=balance_fen,
        ))  # fmt: skip
    return FundFlowBill(bill_on=trade.bill_on, sha1=_digest(trade.bill_on, "flow"), lines=lines)


def _digest(day: date, kind: str) -> str:
    return hashlib.sha1(f"demo {day} {kind}".encode(), usedforsecurity=False).hexdigest()
