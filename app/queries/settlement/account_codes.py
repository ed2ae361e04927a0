"""The ledger as an accountant's books want it: account codes, and vouchers (记账凭证) by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.models.ledger import ACCOUNTS
from app.models.statements import AccountCode

# By the usual chart of accounts (企业会计准则); an accountant changes what is different here.
DEFAULTS: dict[str, tuple[str, str]] = {
    "bank:wechat": ("101201", "其他货币资金—微信支付"),
    "bank:payout": ("1002", "银行存款"),
    "cash:store": ("122101", "其他应收款—门店代收现金"),
    "receivable:voucher-sales": ("112201", "应收账款—售券款"),
    "bonus-borne:merchant": ("122102", "其他应收款—商户承担赠送金"),
    "card": ("224101", "其他应付款—储值卡余额"),
    "held": ("224102", "其他应付款—储值卡预占"),
    "gift": ("224103", "其他应付款—赠送中储值"),
    "voucher": ("224104", "其他应付款—纸质券"),
    "payable:merchant": ("220201", "应付账款—商户结算款"),
    "pending:top-up": ("224105", "其他应付款—待入账充值"),
    "refunds:wechat": ("224106", "其他应付款—微信退款中"),
    "unapplied:wechat": ("224107", "其他应付款—待退微信款"),
    "suspense:member": ("224108", "其他应付款—已注销会员余额"),
    "income:commission": ("605101", "其他业务收入—佣金"),
    "income:breakage": ("630101", "营业外收入—过期沉淀"),
    "expense:bonus": ("660101", "销售费用—赠送金"),
    "expense:promotion": ("660102", "销售费用—促销券"),
    "expense:adjustment": ("671101", "营业外支出—调账"),
    "expense:wechat-fee": ("660301", "财务费用—微信手续费"),
}
_VOUCHERS = text(
    "SELECT (e.occurred_at AT TIME ZONE 'Asia/Shanghai')::date AS day, e.kind, p.account,"
    " p.merchant_id, m.name AS merchant,"
    " coalesce(sum(p.amount_fen) FILTER (WHERE p.amount_fen > 0), 0)::bigint AS debit_fen,"
    " coalesce(-sum(p.amount_fen) FILTER (WHERE p.amount_fen < 0), 0)::bigint AS credit_fen"
    " FROM journal_entry e JOIN posting p ON p.entry_id = e.id"
    " LEFT JOIN merchant m ON m.id = p.merchant_id"
    " WHERE e.occurred_at >= :since AND e.occurred_at < :until"
    " GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 6 = 0, 3, 4"
)


@dataclass(frozen=True, kw_only=True)
class CodeOf:
    """An account of the ledger, and what it is called in the books."""

    account: str
    code: str
    title: str
    is_default: bool


@dataclass(frozen=True, kw_only=True)
class VoucherLine:
    """A day's events of one kind at one account of one merchant. Debits and credits are apart."""

    day: date
    kind: str
    account: str
    merchant_id: int
    merchant: str | None
    debit_fen: int
    credit_fen: int


def read_codes(session: Session) -> list[CodeOf]:
    """Every account in the ledger's order; changed ones as they were changed."""
    changed = {row.account: row for row in session.scalars(select(AccountCode))}
    found = []
    for account in ACCOUNTS:
        code, title = DEFAULTS[account]
        own = changed.get(account)
        found.append(
            CodeOf(
                account=account,
                code=code if own is None else own.code,
                title=title if own is None else own.title,
                is_default=own is None,
            )
        )
    return found


def read_vouchers(session: Session, *, since: object, until: object) -> list[VoucherLine]:
    """All that was booked from the first instant to before the last, by day, event and account."""
    rows = session.execute(_VOUCHERS, {"since": since, "until": until})
    return [VoucherLine(**row._mapping) for row in rows]
