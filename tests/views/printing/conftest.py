"""A batch to print, who asks for its file, and who releases it."""

from __future__ import annotations

import pytest

from app.core.actor import SYSTEM, Role
from app.services.vouchers import batches


@pytest.fixture
def context(app):
    return app.extensions["kaquan"]


@pytest.fixture(scope="module")
def asker(make):
    return make.staff(Role.platform_admin)


@pytest.fixture(scope="module")
def checker(make):
    return make.staff(Role.platform_finance)


@pytest.fixture
def batch(make, context):
    """A generated batch, whose codes only this program's keys open."""
    made = make.batch(quantity=10)
    with context.database.unit_of_work(SYSTEM) as session:
        batches.generate_vouchers(session, batch_id=made.id, keys=context.keys, actor=SYSTEM)
    return made


@pytest.fixture
def browsers(signed_in, asker, checker):
    return signed_in(asker), signed_in(checker)
