"""An accountant's own codes for the ledger's accounts (科目编码)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.models.ledger import ACCOUNTS
from app.models.statements import AccountCode
from app.services import journal


def change_account_code(
    session: Session, *, account: str, code: str, title: str, actor: Actor
) -> None:
    """From now on, exports call this account so. The ledger itself knows nothing of it."""
    assert account in ACCOUNTS, "the page lists the accounts there are"
    kept = session.get(AccountCode, account)
    if kept is None:
        session.add(AccountCode(account=account, code=code, title=title))
    else:
        kept.code, kept.title = code, title
    session.flush()
    journal.audit(
        session,
        "account_code.changed",
        actor=actor,
        detail={"account": account, "code": code, "title": title},
    )
