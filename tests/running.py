"""Fixtures of the program as its callers meet it; the folders that need them take them in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core.keys import Keys
from tests.conftest import OwnDatabase
from tests.factories import Factories
from tests.served import Served, Shop, served


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
