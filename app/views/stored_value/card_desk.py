"""What is done with a card: its statement, freezing, reporting it lost, replacing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core import money
from app.core.clock import utc_now
from app.core.errors import N_
from app.flows.once import Body
from app.models.cards import Card, CardStatus
from app.queries.stored_value.card_statements import card_statement
from app.services.stored_value import cards
from app.views import filters
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import OnceForm, Prose
from app.views.names import find_names
from app.views.once import write_once
from app.views.stored_value.statement_rows import statement_table

PAGE = 50


class CardReason(OnceForm):
    """Why something is done to a card."""

    reason = Prose(N_("Reason"), longest=200)


class Replacement(OnceForm):
    """Replacing asks for nothing more than a yes."""


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One thing that is done to a card after a reason was given."""

    title: str
    submit: str
    facts: Sequence[str]
    done: str
    known: Sequence[CardStatus]
    work: Callable[..., Card]
    tone: str = "danger"


_FREEZE = _Step(
    title=N_("Freeze card"),
    submit=N_("Freeze this card"),
    facts=[
        N_("Nobody can pay with it until it is unfrozen."),
        N_("Refunds and gifts that come back still arrive on it."),
    ],
    done=N_("Card %(card_no)s is frozen."),
    known=[CardStatus.active],
    work=cards.freeze_card,
)
_UNFREEZE = _Step(
    title=N_("Unfreeze card"),
    submit=N_("Unfreeze this card"),
    facts=[N_("Its holder can pay with it again at once.")],
    done=N_("Card %(card_no)s is active again."),
    known=[CardStatus.frozen],
    work=cards.unfreeze_card,
    tone="",
)
_LOSE = _Step(
    title=N_("Report card lost"),
    submit=N_("Report this card lost"),
    facts=[
        N_("Nobody can pay with it any more, and it does not become active again."),
        N_("All its value stays and goes to the card that replaces it."),
    ],
    done=N_("Card %(card_no)s is reported lost. It can be replaced now."),
    known=[CardStatus.active, CardStatus.frozen],
    work=cards.report_lost,
)


class CardDesk(Desk):
    """Freezing, losing and replacing cards: the platform's. Statements: whoever sees the card."""

    route_base = "/console/cards"
    belongs_to = "Cards"

    @expose("/<int:pk>/statement")
    @has_access
    def statement(self, pk: int) -> ResponseReturnValue:
        """Every event on one card, the newest first, with the balance after it."""
        card = self.found(Card, pk)
        session = self.appbuilder.session
        before = filters.number(request.args.get("before", ""))
        lines, older = card_statement(session, card_ids=[pk], before=before, limit=PAGE)
        return self.page(
            "console/statement.html",
            title=gettext("Statement of card %(card_no)s") % {"card_no": card.card_no},
            back=url_for("Cards.show", pk=pk),
            balance_fen=card.balance_fen,
            table=statement_table(session, lines, with_card=False),
            newest=url_for("CardDesk.statement", pk=pk) if before else None,
            older=url_for("CardDesk.statement", pk=pk, before=older) if older else None,
        )

    @expose("/<int:pk>/freeze", methods=("GET", "POST"))
    @has_access
    def freeze(self, pk: int) -> ResponseReturnValue:
        return self._step(pk, _FREEZE)

    @expose("/<int:pk>/unfreeze", methods=("GET", "POST"))
    @has_access
    def unfreeze(self, pk: int) -> ResponseReturnValue:
        return self._step(pk, _UNFREEZE)

    @expose("/<int:pk>/lose", methods=("GET", "POST"))
    @has_access
    def lose(self, pk: int) -> ResponseReturnValue:
        return self._step(pk, _LOSE)

    @expose("/<int:pk>/replace", methods=("GET", "POST"))
    @has_access
    def replace(self, pk: int) -> ResponseReturnValue:
        """Give the holder of a lost card a new one with all its value."""
        card = self.found(Card, pk)
        form = Replacement()
        if form.validate_on_submit():

            def effect(session: Session) -> Body:
                new = cards.replace_card(session, card_id=pk, actor=g.actor, now=utc_now())
                return {"id": new.id, "card_no": new.card_no}

            with form.refusals():
                new = write_once(form, effect)
                said = gettext("Card %(old)s is replaced by card %(new)s.")
                return self.done(
                    said % {"old": card.card_no, "new": new["card_no"]},
                    url_for("Cards.show", pk=new["id"]),
                )
        return self.form_page(
            form,
            title=gettext("Replace card"),
            submit=gettext("Replace this card"),
            back=url_for("Cards.show", pk=pk),
            explanation=_whose(self.appbuilder.session, card),
            template="console/confirm.html",
            tone="danger",
            facts=[
                gettext("A new card with a new number is opened for the same holder."),
                gettext("¥%(fen)s move to it, lot by lot, with their kinds and expiry dates.")
                % {"fen": money.yuan(card.balance_fen)},
                gettext("The lost card ends for good; what still comes back to it follows."),
            ],
        )

    def _step(self, pk: int, step: _Step) -> ResponseReturnValue:
        card = self.found(Card, pk)
        form = CardReason()
        return self.confirmed(
            form,
            lambda session: step.work(session, card_id=pk, reason=form.reason.data, actor=g.actor),
            said=gettext(step.done) % {"card_no": card.card_no},
            back=url_for("Cards.show", pk=pk),
            title=gettext(step.title),
            submit=gettext(step.submit),
            explanation=_whose(self.appbuilder.session, card),
            tone=step.tone,
            facts=[gettext(fact) for fact in step.facts],
        )


def card_buttons(card: Any) -> Sequence[Action]:
    """What may be done with a card in its state, by whoever reads its page."""
    found = [action(gettext("Statement"), "CardDesk.statement", pk=card.id)]
    if card.status is CardStatus.active:
        found += [
            action(gettext("Request adjustment"), "AdjustmentDesk.add", pk=card.id),
            action(gettext("Return card"), "CardReturnDesk.begin", pk=card.id),
            action(gettext("Freeze"), "CardDesk.freeze", tone="danger", pk=card.id),
        ]
    if card.status is CardStatus.frozen:
        found.append(action(gettext("Unfreeze"), "CardDesk.unfreeze", tone="main", pk=card.id))
    if card.status in {CardStatus.active, CardStatus.frozen}:
        found.append(action(gettext("Report lost"), "CardDesk.lose", tone="danger", pk=card.id))
    if card.status is CardStatus.lost:
        found.append(action(gettext("Replace"), "CardDesk.replace", tone="main", pk=card.id))
    return those_allowed(*found)


def _whose(session: Session, card: Card) -> str:
    """Which card, whose and what is on it: nobody acts on the wrong one."""
    names = find_names(session, [card], ("member_id", "program_id"))
    known = [name for found in names.values() for name in found.values()]
    return " · ".join([card.card_no, *known, money.in_yuan(card.balance_fen)])
