"""Listening to a store's feed from a browser, whose streams can send no header of ours."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.core.keys import new_token
from app.flows.context import Context
from app.models.tills import SecretPurpose
from app.services.people.one_time_secrets import issue_secret, use_secret
from app.services.refusals import Unauthenticated

TICKET_LIFETIME = timedelta(seconds=30)


def issue_ticket(context: Context, till: Actor) -> tuple[str, datetime]:
    """A ticket that opens one stream in the place of the caller's token."""
    assert till.token_digest is not None, "a ticket stands for a token"
    ticket = new_token()
    with context.database.unit_of_work(SYSTEM) as session:
        expires_at = issue_secret(
            session,
            purpose=SecretPurpose.stream,
            secret=ticket,
            issuer=till,
            detail={"token_digest": till.token_digest.hex()},
            lifetime=TICKET_LIFETIME,
            now=utc_now(),
        )
    return ticket, expires_at


def use_ticket(context: Context, ticket: str) -> bytes:
    """The digest of the token that a ticket stands for. The ticket is used up by it.

    Raises:
        Unauthenticated: Used, out of date, or none of ours.
    """
    with context.database.unit_of_work(SYSTEM) as session:
        used = use_secret(session, purpose=SecretPurpose.stream, secret=ticket, now=utc_now())
        if used is None:
            raise Unauthenticated
        return bytes.fromhex(str(used.detail["token_digest"]))
