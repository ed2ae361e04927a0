"""Afterwards: today's list, one receipt again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from app.core.actor import Actor
from app.core.clock import local_day, start_of_day, utc_now
from app.core.errors import N_, Category, DomainError
from app.models.tenants import Merchant, Store
from app.pos.blueprint import bp
from app.queries.tills.till_records import KINDS, TillRecord, Wanted, find_record, find_records
from app.web.auth import current_actor, till_required
from app.web.context import current_context
from app.web.limits import TILL, limited
from app.web.paging import PageArguments, page, read_cursor, write_cursor
from app.web.wire import Instant


class RecordNotFound(DomainError):
    code = "record_not_found"
    category = Category.NOT_FOUND
    template = N_("Nothing of this store has this number. Please check it.")


class RecordArguments(PageArguments):
    kind = fields.String(load_default=None, validate=validate.OneOf(KINDS))
    status = fields.String(load_default=None, validate=validate.Regexp(r"[a-z_]{1,24}\Z"))
    q = fields.String(
        load_default=None,
        validate=validate.Regexp(r"[A-Za-z0-9-]{4,40}\Z"),
        metadata={"description": "a number, a serial number, or four or more last digits"},
    )
    day = fields.Date(
        load_default=None, metadata={"description": "a local day; today unless given"}
    )


class Record(Schema):
    kind = fields.String(metadata={"description": ", ".join(KINDS)})
    number = fields.String()
    status = fields.String()
    amount_fen = fields.Integer()
    card_fen = fields.Integer()
    wechat_fen = fields.Integer()
    cash_fen = fields.Integer()
    bonus_fen = fields.Integer()
    refunded_fen = fields.Integer()
    reference = fields.String(
        allow_none=True, metadata={"description": "a refund's payment, a redemption's serial no."}
    )
    member_name = fields.String(allow_none=True)
    phone_masked = fields.String(allow_none=True)
    staff_name = fields.String(allow_none=True)
    terminal_name = fields.String(allow_none=True)
    at = Instant()


class RecordPage(Schema):
    items = fields.List(fields.Nested(Record))
    next_cursor = fields.String(allow_none=True)


class Place(Schema):
    name = fields.String()
    address = fields.String()
    phone = fields.String()


class Receipt(Record):
    merchant = fields.String()
    store = fields.Nested(Place)
    printed_at = Instant()


@bp.get("/records")
@limited(TILL)
@till_required
@bp.arguments(RecordArguments, location="query")
@bp.response(200, RecordPage)
def list_records(query: dict[str, Any]) -> dict[str, Any]:
    """What this store did on a day, newest first; looked for by number or its last digits."""
    actor = current_actor()
    assert actor.store_id is not None, "required of a till"
    day = query["day"] or local_day(utc_now())
    begins = start_of_day(day)
    limit, typed = query["limit"], query["q"]
    wanted = Wanted(
        kind=query["kind"],
        status=query["status"],
        digits=None if typed is None else typed.upper().replace("-", ""),
        since=begins,
        until=begins + timedelta(days=1),
    )
    after = read_cursor(query["cursor"], 3)
    with current_context().database.unit_of_work(actor) as session:
        seen = find_records(
            session, store_id=actor.store_id, wanted=wanted, after=after, limit=limit + 1
        )
    more = write_cursor(*seen[limit - 1].position) if len(seen) > limit else None
    return page(list(seen[:limit]), more)


@bp.get("/receipts/<string:number>")
@limited(TILL)
@till_required
@bp.response(200, Receipt)
def show_receipt(number: str) -> dict[str, Any]:
    """All that a receipt says, for one payment, redemption, top-up, refund or sale here."""
    return read_receipt(current_actor(), number[:40])


def read_receipt(actor: Actor, number: str) -> dict[str, Any]:
    """A record of the till's own store with what a receipt says about the shop.

    Raises:
        RecordNotFound: Also for another store's.
    """
    assert actor.store_id is not None, "required of a till"
    with current_context().database.unit_of_work(actor) as session:
        found = find_record(session, store_id=actor.store_id, number=number)
        if found is None:
            raise RecordNotFound
        store = session.get_one(Store, actor.store_id)
        merchant = session.get_one(Merchant, store.merchant_id)
        place = {"name": store.name, "address": store.address, "phone": store.phone}
    return {
        **{name: getattr(found, name) for name in TillRecord.__dataclass_fields__},
        "merchant": merchant.name,
        "store": place,
        "printed_at": utc_now(),
    }
