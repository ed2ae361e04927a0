"""Returns of cards (退卡): the calculation line by line, then the payout, large ones by two."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any, ClassVar

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.orm import Session
from wtforms import HiddenField

from app.core import money
from app.core.business_settings import CASH_RETURN_FEN, RETURN_ALONE_FEN
from app.core.clock import local_day, utc_now
from app.core.errors import N_
from app.flows.once import Body
from app.models.cards import Card
from app.models.decisions import CardReturn, PayoutWay, ReturnReason
from app.services.business_settings import read_setting
from app.services.stored_value.card_payouts import quote_return, refundable_by_wechat
from app.services.stored_value.card_return_requests import (
    LONGEST_AGO,
    ReturnWish,
    approve_return,
    begin_return,
    refuse_return,
    withdraw_return,
)
from app.services.stored_value.card_returns import ReturnQuote
from app.views import choosing
from app.views.cells import Cell, state_name
from app.views.desks import Action, Desk
from app.views.finders import Finder
from app.views.forms import Choice, Day, OnceForm, Prose, states_to_choose
from app.views.once import write_once
from app.views.records import Records
from app.views.two_people import Approval, Refusal, request_buttons, request_notices

_CONFIRMED = "confirmed"


class CardReturns(Records):
    route_base = "/console/card-returns"
    datamodel = SQLAInterface(CardReturn)
    title_text = N_("Returns of cards")
    explanation = N_("Cards that holders gave back, with the calculation that each was paid by.")
    list_columns = ["return_no", "created_at", "card_id", "member_id", "return_reason", "way",
                    "refund_fen", "interest_fen", "status", "created_by_id"]  # fmt: skip
    show_columns = ["return_no", "status", "card_id", "member_id", "merchant_id", "return_reason",
                    "asked_on", "way", "rest_way", "store_id", "refund_fen", "interest_fen",
                    "forfeited_fen", "note", "created_by_id", "created_at", "decided_by_id",
                    "decided_at", "decision_note"]  # fmt: skip
    when = "created_at"
    filter_columns = ("status", "return_reason", "way", "merchant_id", "store_id", "created_by_id")
    search_in = ("return_no",)
    sums = ("refund_fen", "interest_fen", "forfeited_fen")

    def buttons(self, row: Any) -> Sequence[Action]:
        return request_buttons(row, "CardReturnDesk")

    def notices(self, row: Any) -> Sequence[str]:
        return request_notices(row)

    def related(self, row: Any) -> Any:
        kept = [(line["label"], line["rule"], line["amount_fen"]) for line in row.lines]
        rows = [
            [Cell(gettext(label)), Cell(rule or "—", "name"), Cell(money.yuan(fen), "money")]
            for label, rule, fen in kept
        ]
        heads = [gettext("Line"), gettext("Rule"), gettext("Amount")]
        return [(gettext("Calculation"), heads, rows)]


class ReturnForm(OnceForm):
    """Why, since when, and how the money comes to the holder. ``step`` is empty until agreed."""

    refusals_at: ClassVar = {
        "asked_on_impossible": "asked_on",
        "cash_return_too_much": "way",
        "cash_return_needs_store": "store_id",
        "wechat_return_too_much": "rest_way",
        "reason_required": "note",
    }

    reason = Choice(
        N_("Whose reason"),
        description=N_("The merchant's reasons: closed, moved away, other terms, worse service."),
    )
    asked_on = Day(
        N_("Asked on"),
        description=N_("Cooling-off days end with this day; interest begins with it."),
    )
    way = Choice(N_("Paid out by"))
    rest_way = Choice(
        N_("What WeChat cannot refund"),
        needed=False,
        description=N_("Orders that are too old, and value that came as cash or by a code."),
    )
    store_id = Finder(N_("Cash from the till of"), needed=False)
    note = Prose(
        N_("Note"),
        longest=200,
        description=N_("What the holder said, and for a transfer the bank's receipt number."),
    )
    step = HiddenField()
    expected_fen = HiddenField()

    def wish(self) -> ReturnWish:
        assert isinstance(self.asked_on.data, date)
        return ReturnWish(
            reason=ReturnReason[self.reason.data],
            asked_on=self.asked_on.data,
            way=PayoutWay[self.way.data],
            rest_way=PayoutWay[self.rest_way.data] if self.rest_way.data else None,
            store_id=int(self.store_id.data) if self.store_id.data else None,
            note=self.note.data,
        )


class CardReturnDesk(Desk):
    """Calculate, agree, pay out. What is more than the setting allows waits for a second person."""

    route_base = "/console/card-returns"
    belongs_to = "CardReturns"

    @expose("/begin/<int:pk>", methods=("GET", "POST"))
    @has_access
    def begin(self, pk: int) -> ResponseReturnValue:
        """First the calculation, for the holder to see; the form sent again returns the card."""
        card = self.found(Card, pk)
        form = ReturnForm(asked_on=local_day(utc_now()))
        session = self.appbuilder.session
        form.reason.offer(states_to_choose(ReturnReason))
        form.way.offer([(way.name, state_name(way)) for way in PayoutWay])
        form.rest_way.offer(
            [(way.name, state_name(way)) for way in (PayoutWay.bank, PayoutWay.cash)],
            none=gettext("Nothing is left, or refuse"),
        )
        form.store_id.offer_from(session, choosing.stores(), none=gettext("No cash"))
        quote = None
        if form.validate_on_submit() and self._asked_lately(form):
            wish = form.wish()
            quote = quote_return(
                session, card_id=pk, reason=wish.reason, now=utc_now(), asked_on=wish.asked_on
            )
            if form.step.data == _CONFIRMED:
                with form.refusals():
                    return self._return(form, wish, pk, _fen(form.expected_fen.data))
            form.step.data, form.expected_fen.data = _CONFIRMED, str(quote.payout_fen)
        return self._page(form, card, quote)

    @expose("/<int:pk>/approve", methods=("GET", "POST"))
    @has_access
    def approve(self, pk: int) -> ResponseReturnValue:
        """Agree: the card ends and the money goes out."""
        request = self.found(CardReturn, pk)
        card = self.found(Card, request.card_id)
        return self.confirmed(
            Approval(),
            partial(approve_return, return_id=pk, approver=g.actor, now=utc_now()),
            said=gettext("Return %(no)s is carried out.") % {"no": request.return_no},
            back=url_for("CardReturns.show", pk=pk),
            title=gettext("Approve return of a card"),
            submit=gettext("Approve and pay out"),
            explanation=request.return_no,
            tone="danger",
            facts=[
                gettext("Card %(card_no)s ends for good.") % {"card_no": card.card_no},
                gettext("¥%(fen)s are paid out by: %(way)s.")
                % {
                    "fen": money.yuan(request.refund_fen + request.interest_fen),
                    "way": state_name(request.way),
                },
                gettext("¥%(fen)s of bonus end.") % {"fen": money.yuan(request.forfeited_fen)},
            ],
        )

    @expose("/<int:pk>/refuse", methods=("GET", "POST"))
    @has_access
    def refuse(self, pk: int) -> ResponseReturnValue:
        """Say no, and why."""
        request = self.found(CardReturn, pk)
        form = Refusal()
        return self.confirmed(
            form,
            lambda session: refuse_return(
                session, return_id=pk, note=form.note.data, approver=g.actor, now=utc_now()
            ),
            said=gettext("Return %(no)s is refused.") % {"no": request.return_no},
            back=url_for("CardReturns.show", pk=pk),
            title=gettext("Refuse return of a card"),
            submit=gettext("Refuse"),
            explanation=request.return_no,
            tone="danger",
            facts=[gettext("The card stays as it is. It can be calculated and asked for anew.")],
        )

    @expose("/<int:pk>/withdraw", methods=("GET", "POST"))
    @has_access
    def withdraw(self, pk: int) -> ResponseReturnValue:
        """Take one's own request back."""
        request = self.found(CardReturn, pk)
        return self.confirmed(
            Approval(),
            partial(withdraw_return, return_id=pk, maker=g.actor, now=utc_now()),
            said=gettext("Return %(no)s is taken back.") % {"no": request.return_no},
            back=url_for("CardReturns.show", pk=pk),
            title=gettext("Take return of a card back"),
            submit=gettext("Take back"),
            explanation=request.return_no,
            facts=[gettext("The card stays as it is. It can be calculated and asked for anew.")],
        )

    def _return(
        self, form: ReturnForm, wish: ReturnWish, pk: int, expected_fen: int
    ) -> ResponseReturnValue:
        def effect(session: Session) -> Body:
            made = begin_return(
                session,
                card_id=pk,
                wish=wish,
                expected_fen=expected_fen,
                maker=g.actor,
                now=utc_now(),
            )
            return {"id": made.id, "no": made.return_no, "waits": made.two_people}

        made = write_once(form, effect)
        said = (
            gettext("Return %(no)s waits for a second person.")
            if made["waits"]
            else gettext("Return %(no)s is carried out.")
        )
        return self.done(said % {"no": made["no"]}, url_for("CardReturns.show", pk=made["id"]))

    def _asked_lately(self, form: ReturnForm) -> bool:
        today = local_day(utc_now())
        if form.asked_on.data and today - LONGEST_AGO <= form.asked_on.data <= today:
            return True
        form.asked_on.errors = [
            gettext("The day on which the holder asked is today or within the last year.")
        ]
        return False

    def _page(self, form: ReturnForm, card: Card, quote: ReturnQuote | None) -> ResponseReturnValue:
        session = self.appbuilder.session
        alone_fen = read_setting(session, RETURN_ALONE_FEN)
        submit = gettext("Calculate")
        if quote is not None:
            waits = quote.payout_fen > alone_fen
            submit = gettext("Ask a second person") if waits else gettext("Return the card")
        return self.form_page(
            form,
            title=gettext("Return card"),
            submit=submit,
            back=url_for("Cards.show", pk=card.id),
            explanation=gettext("Card %(card_no)s holds ¥%(fen)s.")
            % {"card_no": card.card_no, "fen": money.yuan(card.balance_fen)},
            template="console/card_return.html",
            tone="" if quote is None else "danger",
            quote=quote,
            wechat_fen=refundable_by_wechat(session, card_id=card.id, now=utc_now()),
            cash_fen=read_setting(session, CASH_RETURN_FEN),
            alone_fen=alone_fen,
        )


def _fen(typed: str | None) -> int:
    """The payout that was agreed to; what is no number agrees to nothing."""
    text = typed or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1
