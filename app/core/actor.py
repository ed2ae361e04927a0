"""Who is asking, and whose rows they may see."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Scope(enum.Enum):
    """The wall's scopes. Each is a PostgreSQL role with its own row policies (models/policies)."""

    public = "public"
    member = "member"
    store = "store"
    merchant = "merchant"
    platform = "platform"
    system = "system"


class Role(enum.Enum):
    """What a person on the staff may do. The platform's roles belong to the operator."""

    platform_admin = "platform_admin"
    platform_finance = "platform_finance"
    content_editor = "content_editor"
    auditor = "auditor"
    merchant_admin = "merchant_admin"
    merchant_finance = "merchant_finance"
    store_manager = "store_manager"
    cashier = "cashier"


PLATFORM_ROLES = frozenset(
    {Role.platform_admin, Role.platform_finance, Role.content_editor, Role.auditor}
)
TILL_ROLES = frozenset({Role.merchant_admin, Role.store_manager, Role.cashier})
MANAGER_ROLES = frozenset({Role.merchant_admin, Role.store_manager})


@dataclass(frozen=True, kw_only=True)
class Actor:
    """One authenticated caller. Absent ids are None; a job is an actor without any."""

    scope: Scope
    member_id: int | None = None
    staff_id: int | None = None
    merchant_id: int | None = None
    store_id: int | None = None
    role: Role | None = None
    token_digest: bytes | None = None
    terminal_id: int | None = None
    terminal_missing: bool = False  # The store wants a till to be one of its terminals.

    @property
    def caller(self) -> str:
        """The name under which idempotency keys and rate limits of this actor are kept."""
        if self.member_id is not None:
            return f"member:{self.member_id}"
        return f"staff:{self.staff_id}"


PUBLIC = Actor(scope=Scope.public)
SYSTEM = Actor(scope=Scope.system)
