"""Adjustments (调账): asked for at a card, decided on here by somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core import money
from app.core.clock import utc_now
from app.core.errors import N_
from app.flows.once import Body
from app.models.cards import Card
from app.models.decisions import CardAdjustment
from app.services.stored_value.adjustments import (
    approve_adjustment,
    refuse_adjustment,
    request_adjustment,
    withdraw_adjustment,
)
from app.views.desks import Action, Desk
from app.views.forms import Choice, OnceForm, Prose, Yuan
from app.views.once import write_once
from app.views.records import Records
from app.views.two_people import Approval, Refusal, request_buttons, request_notices

_UP, _DOWN = "up", "down"


class Adjustments(Records):
    route_base = "/console/adjustments"
    datamodel = SQLAInterface(CardAdjustment)
    title_text = N_("Adjustments")
    explanation = N_("Corrections of cards: one person asks, another decides.")
    list_columns = ["adjustment_no", "created_at", "card_id", "member_id", "amount_fen",
                    "reason", "created_by_id", "status", "decided_by_id"]  # fmt: skip
    show_columns = ["adjustment_no", "status", "amount_fen", "reason", "card_id", "member_id",
                    "merchant_id", "created_by_id", "created_at", "decided_by_id", "decided_at",
                    "decision_note", "entry_id"]  # fmt: skip
    when = "created_at"
    filter_columns = ("status", "merchant_id", "created_by_id")
    search_in = ("adjustment_no",)
    sums = ("amount_fen",)

    def buttons(self, row: Any) -> Sequence[Action]:
        return request_buttons(row, "AdjustmentDesk")

    def notices(self, row: Any) -> Sequence[str]:
        return request_notices(row)


class AdjustmentForm(OnceForm):
    """What is asked for: up or down, by how much, and why."""

    refusals_at: ClassVar = {
        "adjustment_too_large": "amount_fen",
        "card_balance_short": "amount_fen",
        "reason_required": "reason",
    }

    direction = Choice(N_("Direction"))
    amount_fen = Yuan(N_("Amount"), least=1)
    reason = Prose(
        N_("Reason"),
        longest=200,
        description=N_("The second person and every auditor read it. Name the document or case."),
    )


class AdjustmentDesk(Desk):
    """Asking and deciding. Whoever asked does not decide: service and database both refuse it."""

    route_base = "/console/adjustments"
    belongs_to = "Adjustments"

    @expose("/add/<int:pk>", methods=("GET", "POST"))
    @has_access
    def add(self, pk: int) -> ResponseReturnValue:
        """Ask for one card to be corrected."""
        card = self.found(Card, pk)
        form = AdjustmentForm()
        form.direction.offer(
            [(_UP, gettext("Put onto the card")), (_DOWN, gettext("Take off the card"))]
        )
        if form.validate_on_submit():
            fen = form.amount_fen.data * (1 if form.direction.data == _UP else -1)

            def effect(session: Session) -> Body:
                made = request_adjustment(
                    session,
                    card_id=pk,
                    amount_fen=fen,
                    reason=form.reason.data,
                    maker=g.actor,
                    now=utc_now(),
                )
                return {"id": made.id, "no": made.adjustment_no}

            with form.refusals():
                made = write_once(form, effect)
                said = gettext("Adjustment %(no)s waits for a second person.") % {"no": made["no"]}
                return self.done(said, url_for("Adjustments.show", pk=made["id"]))
        return self.form_page(
            form,
            title=gettext("Request adjustment"),
            submit=gettext("Ask a second person"),
            back=url_for("Cards.show", pk=pk),
            explanation=gettext("Card %(card_no)s holds ¥%(fen)s. Nothing moves before approval.")
            % {"card_no": card.card_no, "fen": money.yuan(card.balance_fen)},
        )

    @expose("/<int:pk>/approve", methods=("GET", "POST"))
    @has_access
    def approve(self, pk: int) -> ResponseReturnValue:
        """Agree: it is booked now."""
        request = self.found(CardAdjustment, pk)
        return self.confirmed(
            Approval(),
            partial(approve_adjustment, adjustment_id=pk, approver=g.actor, now=utc_now()),
            said=gettext("Adjustment %(no)s is booked.") % {"no": request.adjustment_no},
            back=url_for("Adjustments.show", pk=pk),
            title=gettext("Approve adjustment"),
            submit=gettext("Approve and book"),
            explanation=request.adjustment_no,
            facts=self._facts(request),
        )

    @expose("/<int:pk>/refuse", methods=("GET", "POST"))
    @has_access
    def refuse(self, pk: int) -> ResponseReturnValue:
        """Say no, and why."""
        request = self.found(CardAdjustment, pk)
        form = Refusal()
        return self.confirmed(
            form,
            lambda session: refuse_adjustment(
                session, adjustment_id=pk, note=form.note.data, approver=g.actor, now=utc_now()
            ),
            said=gettext("Adjustment %(no)s is refused.") % {"no": request.adjustment_no},
            back=url_for("Adjustments.show", pk=pk),
            title=gettext("Refuse adjustment"),
            submit=gettext("Refuse"),
            explanation=request.adjustment_no,
            tone="danger",
            facts=[gettext("The card stays as it is. The request cannot be opened again.")],
        )

    @expose("/<int:pk>/withdraw", methods=("GET", "POST"))
    @has_access
    def withdraw(self, pk: int) -> ResponseReturnValue:
        """Take one's own request back."""
        request = self.found(CardAdjustment, pk)
        return self.confirmed(
            Approval(),
            partial(withdraw_adjustment, adjustment_id=pk, maker=g.actor, now=utc_now()),
            said=gettext("Adjustment %(no)s is taken back.") % {"no": request.adjustment_no},
            back=url_for("Adjustments.show", pk=pk),
            title=gettext("Take adjustment back"),
            submit=gettext("Take back"),
            explanation=request.adjustment_no,
            facts=[gettext("The card stays as it is. The request cannot be opened again.")],
        )

    def _facts(self, request: CardAdjustment) -> Sequence[str]:
        card = self.found(Card, request.card_id)
        said = (
            gettext("¥%(fen)s are put onto card %(card_no)s, as an expense of the platform.")
            if request.amount_fen > 0
            else gettext("¥%(fen)s are taken off card %(card_no)s.")
        )
        return [
            said % {"fen": money.yuan(abs(request.amount_fen)), "card_no": card.card_no},
            gettext("The card holds ¥%(now)s now and ¥%(then)s afterwards.")
            % {
                "now": money.yuan(card.balance_fen),
                "then": money.yuan(card.balance_fen + request.amount_fen),
            },
            gettext("Reason given: %(reason)s") % {"reason": request.reason},
        ]
