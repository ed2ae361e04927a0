"""The member's account: cards reported lost, data taken away, everything erased."""

from __future__ import annotations

from typing import Any

from app.api import account_schemas as schemas
from app.api import schemas as common
from app.api.blueprint import bp
from app.core.clock import utc_now
from app.flows.people import accounts
from app.models.cards import Card
from app.queries.people.member_records import export_member
from app.queries.stored_value.cards import list_cards
from app.services.refusals import CardNotFound
from app.web.auth import current_actor, member_required
from app.web.context import current_context
from app.web.limits import LOOK_UP, MONEY, READ, limited


@bp.post("/recipients/lookup")
@limited(LOOK_UP)
@member_required
@bp.arguments(schemas.Phone)
@bp.response(200, schemas.Recipient)
def look_up_recipient(body: dict[str, Any]) -> accounts.Recipient:
    """Whom a phone number belongs to, masked, before one pays for it."""
    return accounts.look_up_recipient(current_context(), phone=body["phone"])


@bp.post("/me/cards/<int:card_id>/report-lost")
@limited(MONEY)
@member_required
@bp.response(200, common.Card)
def report_lost(card_id: int) -> Any:
    """Report a card lost: nobody can pay with it until the merchant replaces it."""
    context, actor, wanted = current_context(), current_actor(), min(card_id, 2**62)
    accounts.report_card_lost(context, card_id=wanted, member=actor)
    with context.database.unit_of_work(actor) as session:
        assert session.get(Card, wanted) is not None
        for card in list_cards(session, now=utc_now()):
            if card.id == wanted:
                return card
    raise CardNotFound


@bp.get("/me/export")
@limited(LOOK_UP)
@member_required
@bp.response(200, schemas.Export)
def export_me() -> dict[str, Any]:
    """Everything that is kept of the member, to take away."""
    with current_context().database.unit_of_work(current_actor()) as session:
        return {"made_at": utc_now(), **export_member(session)}


@bp.post("/me/erasure")
@limited(MONEY)
@member_required
@bp.arguments(schemas.Erasure)
@bp.response(200, schemas.Erasure)
def erase_me(body: dict[str, Any]) -> dict[str, Any]:
    """Erase the account (注销): who the member is goes, the books stay. It cannot be undone."""
    put_aside = accounts.erase_account(
        current_context(), member=current_actor(), put_aside_fen=body["put_aside_fen"]
    )
    return {"put_aside_fen": put_aside}


@bp.get("/me/requests/<string:key>")
@limited(READ)
@member_required
@bp.response(200, schemas.MoneyRequest)
def show_request(key: str) -> accounts.RequestSeen:
    """What became of a call with this Idempotency-Key, when its answer was lost."""
    return accounts.find_request(current_context(), caller=current_actor().caller, key=key[:200])
