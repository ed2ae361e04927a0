"""Migrations go up, down and up again, and leave nothing that the models do not know."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from runtime.postgres import Urls
from runtime.postgres_cluster import OWNER
from tests.conftest import at, migrate


@pytest.fixture
def empty(postgres: Urls) -> Iterator[dict[str, str]]:
    """An empty database of the owner's."""
    name = f"kaquan_migrations_{os.getpid()}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(OWNER)
            )
        )
        yield {
            "admin_url": at(postgres.database_admin_url, name),
            "url": at(postgres.database_url, name),
        }
        connection.execute(drop)


def test_up_down_up_and_the_models_agree(empty):
    migrate("upgrade", "head", **empty)
    assert "No new upgrade operations" in migrate("check", **empty)
    first = _objects(empty["admin_url"])
    migrate("downgrade", "base", **empty)
    migrate("upgrade", "head", **empty)
    assert _objects(empty["admin_url"]) == first
    assert "No new upgrade operations" in migrate("check", **empty)


def test_laying_the_code_again_changes_nothing(empty):
    migrate("upgrade", "head", **empty)
    first = _objects(empty["admin_url"])
    migrate("upgrade", "head", **empty)
    assert _objects(empty["admin_url"]) == first


def _objects(url: str) -> set[tuple[str, ...]]:
    """Tables, functions, triggers, policies and rights, by name."""
    with psycopg.connect(url) as connection:
        return set(
            connection.execute(
                """
                SELECT 'table', relname::text,
                       (SELECT coalesce(string_agg(a::text, ' ' ORDER BY a::text), '')
                        FROM unnest(relacl) a)
                FROM pg_class
                WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i', 'S')
                UNION ALL SELECT 'function', oid::regprocedure::text, proowner::regrole::text
                FROM pg_proc WHERE pronamespace IN ('kaquan'::regnamespace, 'public'::regnamespace)
                UNION ALL SELECT 'trigger', tgname::text, tgrelid::regclass::text FROM pg_trigger
                WHERE NOT tgisinternal
                UNION ALL SELECT 'policy', policyname::text, tablename || coalesce(qual, '')
                FROM pg_policies
                """
            ).fetchall()
        )
