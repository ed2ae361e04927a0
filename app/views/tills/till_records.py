"""Shifts and terminals of the stores; a terminal that is lost is revoked here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from app.core.clock import utc_now
from app.core.errors import N_
from app.models.tenants import Shift, Terminal, TerminalStatus
from app.services.tills.terminals import revoke_terminal
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import OnceForm, Prose
from app.views.records import Records


class Shifts(Records):
    route_base = "/console/shifts"
    datamodel = SQLAInterface(Shift)
    title_text = N_("Shifts")
    explanation = N_("Each cashier's drawer: what it began with, what was counted, what differed.")
    list_columns = ["opened_at", "store_id", "staff_id", "status", "opening_float_fen",
                    "expected_fen", "counted_fen", "difference_fen", "difference_reason",
                    "closed_at"]  # fmt: skip
    show_columns = ["opened_at", "status", "merchant_id", "store_id", "staff_id", "terminal_id",
                    "opening_float_fen", "expected_fen", "counted_fen", "difference_fen",
                    "difference_reason", "closed_at"]  # fmt: skip
    when = "opened_at"
    filter_columns = ("status", "merchant_id", "store_id", "staff_id", "terminal_id")
    sums = ("opening_float_fen", "expected_fen", "counted_fen", "difference_fen")


class Terminals(Records):
    route_base = "/console/terminals"
    datamodel = SQLAInterface(Terminal)
    title_text = N_("Terminals")
    explanation = N_("Tablets and phones that stores have enrolled as tills.")
    list_columns = ["name", "merchant_id", "store_id", "status", "enrolled_at", "revoked_at"]
    show_columns = list_columns
    when = "enrolled_at"
    filter_columns = ("status", "merchant_id", "store_id")
    search_in = ("name",)

    def buttons(self, row: Any) -> Sequence[Action]:
        if row.status is TerminalStatus.revoked:
            return ()
        return those_allowed(
            action(gettext("Revoke"), "TerminalDesk.revoke", tone="danger", pk=row.id)
        )


class RevocationForm(OnceForm):
    """Why a terminal is revoked."""

    reason = Prose(N_("Reason"), longest=200)


class TerminalDesk(Desk):
    """Revoking a terminal: the platform's, a merchant's own, a store's own."""

    route_base = "/console/terminals"
    belongs_to = "Terminals"

    @expose("/<int:pk>/revoke", methods=("GET", "POST"))
    @has_access
    def revoke(self, pk: int) -> ResponseReturnValue:
        terminal = self.found(Terminal, pk)
        form = RevocationForm()
        return self.confirmed(
            form,
            lambda session: revoke_terminal(
                session, terminal_id=pk, reason=form.reason.data, actor=g.actor, now=utc_now()
            ),
            said=gettext("Terminal %(name)s is revoked.") % {"name": terminal.name},
            back=url_for("Terminals.show", pk=pk),
            title=gettext("Revoke terminal"),
            submit=gettext("Revoke this terminal"),
            explanation=terminal.name,
            tone="danger",
            facts=[
                gettext("This device can take no more cash and redeem no more vouchers."),
                gettext("To use it again it has to be enrolled anew."),
            ],
        )
