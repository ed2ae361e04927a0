"""What this store receives: asked for as a list, or heard as it comes."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from marshmallow import EXCLUDE, Schema, fields, validate

from app.core.streams import Listener, feed_item
from app.flows.tills import listening
from app.pos.blueprint import bp
from app.pos.feed_schemas import FeedPage, Ticket
from app.queries.tills.feed import read_feed
from app.web.auth import bearer_digest, current_actor, require_till, till_required
from app.web.context import current_context
from app.web.handover import hand_over
from app.web.limits import TILL, limited, take
from app.web.paging import PageArguments, read_cursor, write_cursor

_LARGEST = 2**62


class FeedArguments(PageArguments):
    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, _LARGEST),
        metadata={"description": "the id of the newest event that the caller has"},
    )


class StreamArguments(Schema):
    class Meta:
        unknown = EXCLUDE

    after = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, _LARGEST))
    ticket = fields.String(
        load_default=None,
        validate=validate.Length(1, 100),
        metadata={"description": "from POST /feed/tickets, in the place of a header"},
    )


@bp.get("/feed")
@limited(TILL)
@till_required
@bp.arguments(FeedArguments, location="query")
@bp.response(200, FeedPage)
def list_feed(query: dict[str, Any]) -> dict[str, Any]:
    """What this store received and gave back, newest first.

    ``resume_after`` is what to ask with next time: nothing is missed or comes twice, and an event
    that was committed late comes later. With a ``cursor`` the same list goes on towards ``after``.
    """
    cursor = read_cursor(query["cursor"], 1)
    before = None if cursor is None else cursor[0]
    limit, after = query["limit"], query["after"]
    with current_context().database.unit_of_work(current_actor()) as session:
        seen = read_feed(session, after=after, before=before, limit=limit + 1)
    more, seen = len(seen) > limit, seen[:limit]
    return {
        "items": [feed_item(event.id, event.body) for event in seen],
        "next_cursor": write_cursor(seen[-1].id) if more else None,
        "resume_after": str(seen[0].id if seen else after),
    }


@bp.post("/feed/tickets")
@limited(TILL)
@till_required
@bp.response(201, Ticket)
def create_ticket() -> dict[str, Any]:
    """A ticket for one stream, good for half a minute: EventSource sends no header of its own."""
    ticket, expires_at = listening.issue_ticket(current_context(), current_actor())
    return {"ticket": ticket, "expires_at": expires_at}


@bp.get("/feed/stream")
@bp.arguments(StreamArguments, location="query")
@bp.response(200, {"type": "string"}, content_type="text/event-stream")
def stream_feed(query: dict[str, Any]) -> Response:
    """The same events as they come, as server-sent events.

    Signed in by header, by the console's cookie or by a ticket. An event's ``id`` is where to go on
    (``Last-Event-ID``, or ``after``); its data is an item of ``GET /feed``. The first event is
    ``ready``; ``reset`` says that too much was missed: read ``GET /feed``. A comment comes every 15
    seconds. 503 ``stream_unavailable``: ask ``GET /feed`` every few seconds instead, and try again.
    """
    context = current_context()
    ticket = query["ticket"]
    digest = bearer_digest() if ticket is None else listening.use_ticket(context, ticket)
    take(TILL, digest[:12].hex())
    till = require_till(digest)
    assert till.merchant_id is not None, "a store is a merchant's"
    assert till.store_id is not None, "required of a till"
    listener = Listener(
        merchant_id=till.merchant_id,
        store_id=till.store_id,
        token_digest=digest,
        after=_last_event_id() if query["after"] is None else query["after"],
    )
    return hand_over(context.settings.home, listener)


def _last_event_id() -> int | None:
    """What a browser says by itself when it comes back."""
    text = request.headers.get("Last-Event-ID", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
