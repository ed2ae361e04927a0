"""The wall between tenants: complete, forced, and closed by default."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import inspect, select, text

from app.core.actor import PUBLIC, SYSTEM, Actor, Role, Scope
from app.models import metadata
from app.models.cards import Card, Lot
from app.models.ledger import Posting
from app.models.people import Member, Staff
from app.models.policies import POLICIES
from app.models.sales import TopUp, TopUpChannel
from app.models.vouchers import Voucher, VoucherBatch

TENANTS_COLUMNS = {"merchant_id", "store_id", "member_id"}


@pytest.fixture(scope="module")
def forced(database) -> dict[str, tuple[bool, bool]]:
    """For every table of ours: has it row-level security, and does it bind its owner too?"""
    with database.unit_of_work(SYSTEM) as session:
        rows = session.execute(
            text(
                "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
                " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            )
        )
        return {name: (enabled, bound) for name, enabled, bound in rows}


def _tables(database) -> Iterator[tuple[str, set[str]]]:
    inspector = inspect(database.engine)
    for table in inspector.get_table_names():
        yield table, {column["name"] for column in inspector.get_columns(table)}


def test_every_tenants_table_is_named_and_forced(database, forced):
    tenants = {
        table
        for table, columns in _tables(database)
        if columns & TENANTS_COLUMNS and not table.startswith("procrastinate_")
    }
    assert len(tenants) > 20
    assert tenants <= set(POLICIES)


def test_every_table_of_ours_is_behind_the_wall(forced):
    ours = {name for name in metadata.tables if not name.startswith("ab_")}
    assert set(POLICIES) == ours
    assert {name: forced[name] for name in ours} == dict.fromkeys(ours, (True, True))


def test_without_a_scope_there_is_no_row(test_database, make):
    make.card(principal_fen=1_00)
    with psycopg.connect(test_database.database_url) as connection:
        for table in POLICIES:
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_the_applications_login_owns_nothing_and_cannot_pass_the_wall(test_database):
    with psycopg.connect(test_database.database_url) as connection:
        [(superuser, bypass, inherit)] = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolinherit FROM pg_roles WHERE rolname = current_user"
        ).fetchall()
        owned = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"
        ).fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SET ROLE kaquan_ledger")
    assert (superuser, bypass, inherit, owned) == (False, False, False, (0,))


@pytest.fixture(scope="module")
def towns(make):
    """Two merchants who know nothing of each other, each with a store, staff, a card and paper."""

    def town():
        merchant = make.merchant()
        store = make.store(merchant)
        program = make.program(issuer=merchant)
        member = make.member()
        card = make.card(
            member, program, principal_fen=10_00, channel=TopUpChannel.cash, store=store
        )
        batch = make.batch(issuer=merchant, quantity=2)
        make.vouchers(batch)
        make.staff(Role.cashier, store)
        return {"merchant": merchant, "store": store, "member": member, "card": card}

    return town(), town()


def _seen(database, actor, column):
    with database.unit_of_work(actor) as session:
        return set(session.scalars(select(column)))


@pytest.mark.parametrize("table", [Card, Lot, TopUp, Voucher, VoucherBatch, Staff, Posting])
def test_a_merchant_sees_its_own_rows_and_no_others(database, towns, table):
    one, other = towns
    for town, stranger in (towns, (other, one)):
        me = town["merchant"].id
        actor = Actor(scope=Scope.merchant, merchant_id=me)
        assert _seen(database, actor, table.merchant_id) == {me}
        assert stranger["merchant"].id != me


@pytest.mark.parametrize("table", [TopUp, Staff, Posting])
def test_a_store_sees_its_own_rows(database, towns, table):
    for town in towns:
        store = town["store"]
        actor = Actor(scope=Scope.store, merchant_id=store.merchant_id, store_id=store.id)
        assert _seen(database, actor, table.store_id) == {store.id}
        assert _seen(database, actor, Voucher.id) == set()
        assert _seen(database, actor, Card.id) == set()


def test_a_member_sees_their_own_card_and_nobody_elses(database, towns):
    for town in towns:
        member, card = town["member"], town["card"]
        actor = Actor(scope=Scope.member, member_id=member.id)
        assert _seen(database, actor, Card.id) == {card.id}
        assert _seen(database, actor, Lot.card_id) == {card.id}
        assert _seen(database, actor, Posting.card_id) == {card.id}
        assert _seen(database, actor, Member.id) == {member.id}
        assert _seen(database, actor, Voucher.id) == set()


def test_a_merchant_knows_the_members_who_hold_its_cards_only(database, towns):
    for town in towns:
        actor = Actor(scope=Scope.merchant, merchant_id=town["merchant"].id)
        assert _seen(database, actor, Member.id) == {town["member"].id}


def test_the_public_sees_no_business(database, towns):
    for table in (Card, Lot, TopUp, Voucher, Posting, Staff, Member):
        assert _seen(database, PUBLIC, table.id) == set()
    assert towns


def test_the_platform_sees_all_and_writes_nothing(database, towns):
    actor = Actor(scope=Scope.platform)
    cards = {town["card"].id for town in towns}
    assert cards <= _seen(database, actor, Card.id)
    with database.unit_of_work(actor) as session:
        refused = _refused(session, "UPDATE merchant SET commission_bp = 0")
    assert refused


def test_a_scope_ends_with_its_transaction(test_database, towns):
    with psycopg.connect(test_database.database_url, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("SELECT set_config('role', 'kaquan_system', true)")
            assert connection.execute("SELECT count(*) FROM card").fetchone()[0] >= 2
        assert connection.execute("SELECT count(*) FROM card").fetchone() == (0,)


def _refused(session, statement) -> bool:
    try:
        with session.begin_nested():
            session.execute(text(statement))
    except Exception as error:  # noqa: BLE001 - it is looked at right here
        return isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege) or isinstance(
            getattr(error, "orig", None), psycopg.errors.InsufficientPrivilege
        )
    return False
