"""Where a batch stands on its way, and what comes next, for whoever looks at its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import g
from flask_babel import gettext

from app.core.actor import Scope
from app.core.errors import N_
from app.models.vouchers import BatchStatus, VoucherBatch

_S = BatchStatus
_WAY = (
    N_("Drafting"),
    N_("Approval"),
    N_("Generation"),
    N_("Printing"),
    N_("Circulation"),
    N_("Conclusion"),
)
# How many of these stations a batch in that state has behind it.
_PASSED = {
    _S.draft: 1, _S.approved: 2, _S.generating: 2, _S.generated: 3, _S.printed: 4, _S.closed: 6,
}  # fmt: skip
_NEXT = {
    _S.approved: N_("Approved. Next its codes are generated, by either of the two."),
    _S.generated: N_(
        "The codes are made and sealed. Next the paper is printed: look at the proof, then ask for"
        " the print file."
    ),
    _S.printed: N_(
        "The paper is printed and worth nothing yet. Next it is handed to merchants or stores, and"
        " activated by range or at its sale at a till."
    ),
    _S.closed: N_("Nothing of it is activated or sold any more. What is active stays good."),
    _S.cancelled: N_("The draft was given up. For other terms a new batch is drafted."),
}
_NEXT_FOR_MERCHANT = {
    _S.draft: N_("It is requested. The platform looks at it and has it made, or gives it up."),
    _S.approved: N_("The platform has approved it. Next it has the codes made and printed."),
    _S.generated: N_("The codes are made. Next the platform has the paper printed."),
    _S.printed: N_(
        "The paper is printed. What you have in hand you give to your stores, which sell it at"
        " their tills; the platform activates whole ranges."
    ),
    _S.cancelled: N_("It was given up; the reason stands below. You may request another one."),
}


@dataclass(frozen=True)
class Step:
    """A station on the way. ``state``: done, now or later."""

    label: str
    state: str


def steps(batch: VoucherBatch) -> Sequence[Step]:
    """The stations of a batch; none for a draft that was given up, and for old cards."""
    passed = _PASSED.get(batch.status)
    if passed is None or batch.is_imported:
        return ()
    return [
        Step(gettext(label), "done" if place < passed else "now" if place == passed else "later")
        for place, label in enumerate(_WAY)
    ]


def next_step(batch: VoucherBatch) -> str:
    """A sentence for the reader: what happens now, and by whom."""
    if batch.is_imported or batch.status is _S.generating:
        return ""
    if g.actor.scope is Scope.merchant:
        sentence = _NEXT_FOR_MERCHANT.get(batch.status) or _NEXT.get(batch.status, "")
    elif batch.status is not _S.draft:
        sentence = _NEXT[batch.status]
    elif batch.created_by_id == g.actor.staff_id:
        return gettext("You drafted this batch. A second person has to approve it.")
    else:
        return gettext("It waits for approval: compare its terms, then approve it or give it up.")
    return gettext(sentence) if sentence else ""
