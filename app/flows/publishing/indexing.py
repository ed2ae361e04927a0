"""Keeping the search index: what became public, or is public no longer, within a second."""

from __future__ import annotations

import atexit
import logging

from app.core.actor import PUBLIC, SYSTEM
from app.core.clock import utc_now
from app.flows.context import Context
from app.gateways.words import WordProcess
from app.services.ports import GatewayRefused
from app.services.publishing import search_index

log = logging.getLogger(__name__)

_WORDS = WordProcess()  # One for all jobs of the worker; it comes and goes with the work.
atexit.register(_WORDS.close)


def index_store(context: Context, store_id: int) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        search_index.index_store(session, store_id=store_id, spell=_WORDS.spell)


def index_content(context: Context, item_id: int) -> None:
    with context.database.unit_of_work(SYSTEM) as session:
        url = search_index.index_content(session, item_id=item_id, spell=_WORDS.spell)
        if url is not None and context.search_engine is not None:
            search_index.offer_to_engines(session, item_id=item_id, now=utc_now())


def push_to_engine(context: Context, item_id: int) -> None:
    """Tell the engine of one page. Raises GatewayUnavailable: the job is tried again."""
    with context.database.unit_of_work(PUBLIC) as session:
        url = search_index.address_of(session, item_id=item_id)
    if url is None or context.search_engine is None:
        return
    try:
        context.search_engine.push(f"{context.settings.public_base_url}{url}")
    except GatewayRefused as refusal:
        log.warning("Baidu does not take %s: %s", url, refusal.reason)
