"""Commands about what is public: the search index and the traffic statistics, made anew."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup

from app.core.actor import SYSTEM
from app.flows.publishing import counting
from app.services.publishing.search_index import rebuild_index
from app.web.context import current_context

search_group = AppGroup("search", help="The search index, kept by the worker.")
traffic_group = AppGroup("traffic", help="Traffic statistics, kept by the worker.")


@search_group.command("rebuild")
def rebuild_search() -> None:
    """Have every store and every item indexed anew by the worker. The index serves meanwhile."""
    with current_context().database.unit_of_work(SYSTEM) as session:
        asked = rebuild_index(session)
    click.echo(json.dumps({"asked": asked}))


@traffic_group.command("rebuild")
def rebuild_traffic() -> None:
    """Sum every day anew whose page views are still kept. Days before stay as they are."""
    click.echo(json.dumps({"days": counting.rebuild(current_context())}))
