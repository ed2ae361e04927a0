"""All lists of the consoles, in one order."""

from __future__ import annotations

from collections.abc import Sequence

from app.views.lists.books import AuditLog, Entries, Postings
from app.views.lists.business import Merchants, PayPoints, People, Stores
from app.views.lists.members import Cards, Members, Programs
from app.views.lists.paper import Batches, Redemptions, Vouchers
from app.views.lists.sales import Gifts, Payments, RefundRequests, Refunds, TopUps
from app.views.messaging.notices import Notices
from app.views.records import Records
from app.views.sales.consumptions import Consumptions
from app.views.stored_value.adjustments import Adjustments
from app.views.stored_value.card_returns import CardReturns
from app.views.tills.till_records import Shifts, Terminals

LISTS: Sequence[type[Records]] = (
    *(Merchants, Stores, PayPoints, People, Members, Programs, Cards, TopUps, Payments, Refunds),
    RefundRequests,
    *(Batches, Vouchers, Redemptions, Gifts, Entries, Postings, AuditLog),
    *(Consumptions, Adjustments, CardReturns, Shifts, Terminals),
    Notices,
)
