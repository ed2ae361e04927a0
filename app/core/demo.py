"""The demo's accounts: seeded, shown on the home page and printed by ``demo info``."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.actor import Role
from app.core.errors import N_


@dataclass(frozen=True)
class DemoAccount:
    """Someone who can sign in where demo data is; ``label`` is for people, in English."""

    username: str
    role: Role
    label: str


DEMO_ACCOUNTS = (
    DemoAccount("platform", Role.platform_admin, N_("Platform operator")),
    DemoAccount("finance", Role.platform_finance, N_("Platform finance, the second person")),
    DemoAccount("editor", Role.content_editor, N_("Content editor")),
    DemoAccount("auditor", Role.auditor, N_("Auditor")),
    DemoAccount("merchant1", Role.merchant_admin, N_("Administrator of merchant 1")),
    DemoAccount("merchant2", Role.merchant_admin, N_("Administrator of merchant 2")),
    DemoAccount("store1", Role.store_manager, N_("Manager of merchant 1's first store")),
    DemoAccount("cashier1", Role.cashier, N_("Cashier of merchant 1's first store")),
    DemoAccount("cashier2", Role.cashier, N_("Cashier of merchant 2's first store")),
)
