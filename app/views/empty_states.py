"""What a list says when there is nothing on it yet: how something comes there, and where to go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext

from app.core.errors import N_
from app.views.desks import Action, action, those_allowed


@dataclass(frozen=True)
class Nothing:
    """A sentence, and where its reader goes next: labels and endpoints, for those who may."""

    text: str
    links: tuple[tuple[str, str], ...] = ()


_POINTS = (N_("Pay points"), "PayPoints.list")
_CARDS = (N_("Cards"), "Cards.list")
_BATCHES = (N_("Voucher batches"), "Batches.list")
_PROGRAMS = (N_("Card programs"), "Programs.list")
_FINDER = (N_("Find a voucher"), "VoucherFinder.show")
_STORES = (N_("Stores"), "Stores.list")
_PAYMENTS = (N_("Payments"), "Payments.list")
_DEVICES = (N_("Till devices"), "TillDevices.show")

NOTHING: Mapping[str, Nothing] = {
    "Consumptions": Nothing(
        N_("Members pay by scanning a store's pay point; tills redeem paper. Both stand here."),
        (_POINTS, _FINDER),
    ),
    "Payments": Nothing(
        N_("Print a pay point's poster and put it on the counter: who scans it, pays."), (_POINTS,)
    ),
    "Redemptions": Nothing(
        N_("A till redeems a voucher by scanning it. Only activated ones are taken."),
        (_BATCHES, _FINDER),
    ),
    "TopUps": Nothing(
        N_("Members top up by WeChat Pay or a printed code, tills by cash. A card program has to"
           " be on sale."),
        (_PROGRAMS,),
    ),
    "Refunds": Nothing(
        N_("A payment is refunded at the till, from the payment's own line."), (_PAYMENTS,)
    ),
    "RefundRequests": Nothing(
        N_("Members ask in the mini-program. The till answers by refunding or declining."),
        (_PAYMENTS,),
    ),
    "Gifts": Nothing(
        N_("Members send card value to each other in the mini-program."), (_CARDS,)
    ),
    "Members": Nothing(
        N_("Somebody becomes a member by opening the mini-program, and is seen here after the"
           " first card, top-up or payment with you."),
        (_PROGRAMS,),
    ),
    "Cards": Nothing(
        N_("A card comes with a member's first top-up into a card program."), (_PROGRAMS,)
    ),
    "Programs": Nothing(
        N_("A card program says who issues a card, where it is taken and by which rules. Without"
           " one nobody can top up."),
    ),
    "Adjustments": Nothing(
        N_("A correction is asked for on a card's page; a second person decides here."), (_CARDS,)
    ),
    "CardReturns": Nothing(
        N_("A card is given back on its own page, with the calculation line by line."), (_CARDS,)
    ),
    "Batches": Nothing(
        N_("A batch is drafted, approved by a second person, generated, printed and activated.")
    ),
    "Vouchers": Nothing(
        N_("Vouchers are generated from an approved batch."), (_BATCHES,)
    ),
    "Stock": Nothing(
        N_("Generated vouchers are in the issuer's hands until they are handed over."), (_BATCHES,)
    ),
    "VoucherTasks": Nothing(
        N_("Activating, freezing and voiding many vouchers begins on their batch's page."),
        (_BATCHES,),
    ),
    "VoucherImports": Nothing(
        N_("Cards of an older system are taken over from a spreadsheet, by two people.")
    ),
    "Contents": Nothing(
        N_("What is written here is shown on the public site and in the mini-program once it is"
           " published.")
    ),
    "Merchants": Nothing(
        N_("Take the first merchant on: its administrator's account is made in the same step.")
    ),
    "Stores": Nothing(
        N_("Add the first store: its pay point and the QR code for the counter come with it.")
    ),
    "PayPoints": Nothing(
        N_("Each store has its first pay point; more are added there."), (_STORES,)
    ),
    "People": Nothing(N_("Add the people who sign in here and at tills.")),
    "Shifts": Nothing(
        N_("A cashier opens a shift at the till with the float that is in the drawer."), (_DEVICES,)
    ),
    "Terminals": Nothing(
        N_("A tablet or phone is enrolled by scanning a code that the store shows it."), (_DEVICES,)
    ),
    "Statements": Nothing(
        N_("A statement is drawn up by itself when a merchant's period is over."),
    ),
    "StatementLines": Nothing(
        N_("Lines come with the first statement, one for each posting."),
        ((N_("Statements"), "Statements.list"),),
    ),
    "Entries": Nothing(
        N_("The ledger books every payment, top-up, redemption and gift by itself."), (_PAYMENTS,)
    ),
    "Postings": Nothing(
        N_("The ledger books every payment, top-up, redemption and gift by itself."), (_PAYMENTS,)
    ),
    "AuditLog": Nothing(N_("Signing in and every change by a person stand here.")),
    "Reconciliations": Nothing(
        N_("Every morning after ten yesterday's bills are fetched and compared by themselves."),
    ),
    "Differences": Nothing(
        N_("All is well: WeChat, our orders and the ledger have agreed on every day compared."),
        ((N_("Reconciliation with WeChat"), "Reconciliations.list"),),
    ),
    "Notices": Nothing(
        N_("Members get a message when they have paid, topped up or received something, if they"
           " agreed to it. The operator sets the templates on the server."),
        (_PAYMENTS,),
    ),
    "Notifications": Nothing(
        N_("WeChat tells us here of every order paid. If payments are made and nothing comes, check"
           " the notification address."),
        ((N_("Payment management"), "PaymentDesk.show"),),
    ),
}  # fmt: skip


def nothing_yet(view: str) -> tuple[str, Sequence[Action]]:
    """What an empty list says, and its ways on that the reader may go."""
    found = NOTHING[view]
    ways = (action(gettext(label), endpoint) for label, endpoint in found.links)
    return gettext(found.text), those_allowed(*ways)
