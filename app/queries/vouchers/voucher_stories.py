"""A voucher's story: made, printed, handed to, sold, redeemed, as the reader may know it.

Whoever asks sees what is theirs: an issuer all but the names of strangers' stores, a store what was
handed to it and what it redeemed itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from app.core import codes
from app.core.clock import local_day
from app.core.keys import Keys
from app.models.people import Staff
from app.models.sales import TopUp, TopUpStatus
from app.models.tenants import Merchant, Store
from app.models.voucher_records import VoucherEvent, VoucherEventKind
from app.models.vouchers import Redemption, Voucher, VoucherStatus


@dataclass(frozen=True, kw_only=True)
class Line:
    """One event of a story. ``kind`` is its name; other names are empty where they are not told."""

    occurred_at: datetime
    kind: str
    staff: str = ""
    giver: str = ""
    taker: str = ""
    note: str = ""
    url_no: str = ""


def find_voucher(session: Session, *, typed: str, keys: Keys) -> Voucher | None:
    """A voucher by its serial number or its secret code, whichever was typed or scanned."""
    plain = typed.strip()[:200]
    by_serial = Voucher.serial_no == plain.replace(" ", "")
    found = session.scalars(select(Voucher).where(by_serial)).one_or_none()
    if found is not None:
        return found
    try:
        digests = keys.code_digests(codes.normalise(plain))
    except codes.CodeMistyped:
        return None
    return session.scalars(select(Voucher).where(Voucher.code_digest.in_(digests))).one_or_none()


def tell_story(session: Session, *, voucher: Voucher) -> Sequence[Line]:
    """What happened to a voucher, the oldest first, as far as the reader may know it."""
    lines = [
        *_events(session, voucher),
        *_redemptions(session, voucher),
        *_top_ups(session, voucher),
    ]
    used = voucher.redeemed_at
    if used is not None and not any(line.kind in {"redeemed", "topped_up"} for line in lines):
        lines.append(Line(occurred_at=used, kind="redeemed"))
    return sorted(lines, key=lambda line: line.occurred_at)


def _events(session: Session, voucher: Voucher) -> list[Line]:
    whole: ColumnElement[bool] = VoucherEvent.first_serial_no.is_(None)
    around = VoucherEvent.first_serial_no <= voucher.serial_no
    events = session.scalars(
        select(VoucherEvent)
        .where(
            VoucherEvent.batch_id == voucher.batch_id,
            or_(whole, around & (VoucherEvent.last_serial_no >= voucher.serial_no)),
        )
        .order_by(VoucherEvent.id)
    ).all()
    events = _without_others_expiry(events, voucher)
    staff = _names(session, Staff, {event.staff_id for event in events})
    stores = _names(
        session, Store, {i for event in events for i in (event.from_store_id, event.to_store_id)}
    )
    offices = {i for event in events for i in (event.from_merchant_id, event.to_merchant_id)}
    merchants = _names(session, Merchant, offices)

    def place(merchant_id: int | None, store_id: int | None) -> str:
        office = merchants.get(merchant_id or 0, "")
        return stores.get(store_id or 0, office) if store_id is not None else office

    return [
        Line(
            occurred_at=event.occurred_at,
            kind=event.kind.name,
            staff=staff.get(event.staff_id or 0, ""),
            giver=place(event.from_merchant_id, event.from_store_id),
            taker=place(event.to_merchant_id, event.to_store_id),
            note=event.reason or "",
            # A print file's number says nothing to whoever reads a voucher's story.
            url_no="" if event.kind is VoucherEventKind.printed else event.reference or "",
        )
        for event in events
    ]


def _without_others_expiry(
    events: Sequence[VoucherEvent], voucher: Voucher
) -> Sequence[VoucherEvent]:
    """An expiry names the first and last number of a day; not all between them ran out then.

    A voucher's own is the first one after its last day and, if it was frozen, after that was over.
    """
    kinds = VoucherEventKind
    own: VoucherEvent | None = None
    for event in events:
        if event.kind is kinds.unfrozen:
            own = None
        elif event.kind is kinds.expired and own is None and _is_after_last_day(event, voucher):
            own = event
    own = own if voucher.status is VoucherStatus.expired else None
    return [event for event in events if event.kind is not kinds.expired or event is own]


def _is_after_last_day(event: VoucherEvent, voucher: Voucher) -> bool:
    last_day = voucher.expires_on
    return last_day is not None and local_day(event.occurred_at) > last_day


def _redemptions(session: Session, voucher: Voucher) -> list[Line]:
    rows = session.scalars(
        select(Redemption).where(Redemption.voucher_id == voucher.id).order_by(Redemption.id)
    ).all()
    people = {row.staff_id for row in rows} | {row.reversed_by_id for row in rows}
    staff = _names(session, Staff, people)
    stores = _names(session, Store, {row.store_id for row in rows})
    lines = []
    for row in rows:
        where = stores.get(row.store_id, "")
        lines.append(
            Line(
                occurred_at=row.redeemed_at,
                kind="redeemed",
                staff=staff.get(row.staff_id, ""),
                taker=where,
                url_no=row.redemption_no,
            )
        )
        if row.reversed_at is not None:
            by = staff.get(row.reversed_by_id or 0, "")
            lines.append(
                Line(
                    occurred_at=row.reversed_at,
                    kind="reversed",
                    staff=by,
                    giver=where,
                    note=row.reversal_reason or "",
                    url_no=row.redemption_no,
                )
            )
    return lines


def _top_ups(session: Session, voucher: Voucher) -> list[Line]:
    rows = session.execute(
        select(TopUp.credited_at, TopUp.top_up_no, TopUp.status).where(
            TopUp.voucher_id == voucher.id, TopUp.credited_at.is_not(None)
        )
    )
    return [
        Line(
            occurred_at=at,
            kind="topped_up" if status is TopUpStatus.credited else "topped_up_reversed",
            url_no=number,
        )
        for at, number, status in rows
        if at is not None
    ]


def _names(
    session: Session, model: type[Staff] | type[Store] | type[Merchant], ids: set[int | None]
) -> dict[int, str]:
    wanted = {i for i in ids if i is not None}
    if not wanted:
        return {}
    found = session.execute(select(model.id, model.name).where(model.id.in_(wanted)))
    return {row[0]: row[1] for row in found}
