"""WeChat's access tokens in the database, sealed, so that all processes share one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.core import sealing
from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.db import Database
from app.models.plumbing import CachedToken

_PURPOSE = "wechat-token"


class DatabaseTokenStore:
    """A ``TokenStore`` of the WeChat gateway."""

    def __init__(self, database: Database, *, key: bytes) -> None:
        self._database = database
        self._key = key

    def get(self, key: str) -> str | None:
        with self._database.unit_of_work(SYSTEM) as session:
            sealed = session.scalar(
                select(CachedToken.sealed).where(
                    CachedToken.name == key, CachedToken.expires_at > utc_now()
                )
            )
        if sealed is None:
            return None
        try:
            return sealing.unseal(sealed, key=self._key, purpose=_PURPOSE).decode()
        except InvalidTag:  # Sealed before the secret was changed: a new one is asked for.
            return None

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """One process of all fetches; the lock ends with its transaction, even when it dies."""
        with self._database.unit_of_work(SYSTEM) as session:
            session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": key})
            yield

    def set(self, key: str, value: str, ttl_seconds: int) -> None:
        sealed = sealing.seal(value.encode(), key=self._key, purpose=_PURPOSE)
        row = {"sealed": sealed, "expires_at": utc_now() + timedelta(seconds=ttl_seconds)}
        statement = insert(CachedToken).values(name=key, **row)
        with self._database.unit_of_work(SYSTEM) as session:
            session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))
