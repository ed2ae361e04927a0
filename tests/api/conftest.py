"""The program as its callers meet it: over HTTP, with real keys, jobs and a real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core.keys import Keys
from tests.api.bills import bill, paid, today, topped_up
from tests.api.messages import messenger, pending
from tests.api.scene import scene, unchanged
from tests.conftest import OwnDatabase
from tests.factories import Factories
from tests.served import Served, Shop, served

__all__ = ["bill", "messenger", "paid", "pending", "scene", "today", "topped_up", "unchanged"]


@pytest.fixture(scope="session")
def world(
    tmp_path_factory: pytest.TempPathFactory,
    test_database: OwnDatabase,
    make: Factories,
    keys: Keys,
) -> Iterator[Served]:
    """One running program for all tests here; each test has members and shops of its own."""
    with served(tmp_path_factory.mktemp("served"), test_database, make, keys) as running:
        yield running


@pytest.fixture
def shop(world: Served) -> Shop:
    return world.shop()
