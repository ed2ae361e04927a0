"""Who works at the desks, and what they find there."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM, Role
from app.models.tenants import Terminal


@pytest.fixture(scope="module")
def admin(make, signed_in):
    return signed_in(make.staff())


@pytest.fixture(scope="module")
def finance(make, signed_in):
    return signed_in(make.staff(Role.platform_finance))


@pytest.fixture
def merchant(make):
    return make.merchant()


@pytest.fixture
def card(make, merchant):
    return make.card(make.member(), make.program(issuer=merchant), principal_fen=300_00)


@pytest.fixture
def terminal(make, merchant, database):
    store = make.store(merchant)
    with database.unit_of_work(SYSTEM) as work:
        made = Terminal(merchant_id=merchant.id, store_id=store.id, name="前台平板")
        work.add(made)
        work.flush()
        return made.id


@pytest.fixture
def failed_job(database):
    with database.unit_of_work(SYSTEM) as work:
        return work.scalar(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status)"
                " VALUES ('tests', 'clean_up', '{}', 'failed') RETURNING id"
            )
        )
