"""What is done with a member: the statement over all cards, freezing and unfreezing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select

from app.core.errors import N_
from app.core.keys import masked_phone
from app.models.cards import Card
from app.models.people import Member, MemberStatus
from app.queries.narrowing import Narrowing
from app.queries.stored_value.card_statements import card_statement
from app.services.people.members import set_member_status
from app.views import filters
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import OnceForm, Prose
from app.views.stored_value.statement_rows import statement_table

PAGE = 50
_WHOLE_PHONE = 11
_SHORTEST_END = 4  # The last digits of a phone, as people say them.


class MemberReason(OnceForm):
    """Why a member is frozen, or not any more."""

    reason = Prose(N_("Reason"), longest=200)


class MemberDesk(Desk):
    """Freezing members is the platform's; a statement shows the cards that the reader sees."""

    route_base = "/console/members"
    belongs_to = "Members"

    @expose("/<int:pk>/statement")
    @has_access
    def statement(self, pk: int) -> ResponseReturnValue:
        """Every event on a member's cards, the newest first, with the balance over all of them."""
        member = self.found(Member, pk)
        session = self.appbuilder.session
        cards = session.execute(select(Card.id, Card.balance_fen).where(Card.member_id == pk)).all()
        before = filters.number(request.args.get("before", ""))
        lines, older = card_statement(
            session, card_ids=[card.id for card in cards], before=before, limit=PAGE
        )
        return self.page(
            "console/statement.html",
            title=gettext("Statement of member %(name)s") % {"name": _name(member)},
            back=url_for("Members.show", pk=pk),
            balance_fen=sum(card.balance_fen for card in cards),
            table=statement_table(session, lines, with_card=True),
            newest=url_for("MemberDesk.statement", pk=pk) if before else None,
            older=url_for("MemberDesk.statement", pk=pk, before=older) if older else None,
        )

    @expose("/<int:pk>/freeze", methods=("GET", "POST"))
    @has_access
    def freeze(self, pk: int) -> ResponseReturnValue:
        return self._set(
            pk,
            MemberStatus.frozen,
            title=gettext("Freeze member"),
            submit=gettext("Freeze this member"),
            done=gettext("Member %(name)s is frozen."),
            tone="danger",
            facts=[
                gettext("The member can neither pay nor top up nor give, at any merchant."),
                gettext("What is on the cards stays there; what comes back still arrives."),
            ],
        )

    @expose("/<int:pk>/unfreeze", methods=("GET", "POST"))
    @has_access
    def unfreeze(self, pk: int) -> ResponseReturnValue:
        return self._set(
            pk,
            MemberStatus.active,
            title=gettext("Unfreeze member"),
            submit=gettext("Unfreeze this member"),
            done=gettext("Member %(name)s is active again."),
            facts=[gettext("The member can pay, top up and give again at once.")],
        )

    def _set(self, pk: int, status: MemberStatus, *, done: str, **page: Any) -> ResponseReturnValue:
        member = self.found(Member, pk)
        form = MemberReason()
        return self.confirmed(
            form,
            lambda session: set_member_status(
                session, member_id=pk, status=status, reason=form.reason.data, actor=g.actor
            ),
            said=done % {"name": _name(member)},
            back=url_for("Members.show", pk=pk),
            explanation=_name(member),
            **page,
        )


def member_buttons(member: Any) -> Sequence[Action]:
    """What may be done with a member, by whoever reads the page."""
    found = [action(gettext("Statement"), "MemberDesk.statement", pk=member.id)]
    if member.status is MemberStatus.active:
        found.append(action(gettext("Freeze"), "MemberDesk.freeze", tone="danger", pk=member.id))
    if member.status is MemberStatus.frozen:
        found.append(action(gettext("Unfreeze"), "MemberDesk.unfreeze", tone="main", pk=member.id))
    return those_allowed(*found)


def for_members(narrowing: Narrowing) -> Narrowing:
    """Members are found by the end of a phone number, too; a whole one is looked for masked."""
    typed = narrowing.typed
    if not (typed.isascii() and typed.isdecimal() and len(typed) >= _SHORTEST_END):
        return narrowing
    known = masked_phone(typed) if len(typed) == _WHOLE_PHONE else typed
    return replace(narrowing, typed=known, search_ends_in=("phone_masked",))


def _name(member: Member) -> str:
    known = [member.nickname, member.phone_masked or ""]
    return " ".join(name for name in known if name) or str(member.id)
