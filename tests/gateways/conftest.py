from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wechat_far_end import FarEnd, far_end


@pytest.fixture(scope="session")
def wechat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarEnd]:
    """One simulator for all tests here; each test uses order numbers of its own."""
    with far_end(tmp_path_factory.mktemp("wechat")) as running:
        yield running
