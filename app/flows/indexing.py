"""Keeping the search index: what became public, or is public no longer, within a second."""

from __future__ import annotations

from app.core.actor import SYSTEM
from app.flows.context import Context
from app.services import search_index


def index_store(context: Context, store_id: int) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        search_index.index_store(session, store_id=store_id)


def index_content(context: Context, item_id: int) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        search_index.index_content(session, item_id=item_id)
