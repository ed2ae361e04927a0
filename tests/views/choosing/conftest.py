"""Many merchants, and a platform's admin who chooses from them."""

from __future__ import annotations

import pytest

from app.core.actor import Role
from app.models.tenants import Store
from app.views import choosing
from tests.views.choosing.typing_in import named


@pytest.fixture
def many(monkeypatch):
    """Three are many here, so that a test need not make two hundred."""
    monkeypatch.setattr(choosing, "FEW", 3)


@pytest.fixture(scope="module")
def admin(make, signed_in):
    return signed_in(make.staff(Role.platform_admin))


@pytest.fixture(scope="module")
def crowd(make) -> list[Store]:
    """Five merchants with a store each: more than a list may have here."""
    return [make.store(make.merchant(name=named()), name=named("门店")) for _ in range(5)]
