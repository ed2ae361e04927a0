"""The official account at the console: who follows it, and its menu."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import func, select

from app.core.errors import N_
from app.models.official_account import OaFollower, OaMenu, OaMessage, OaReply, OaReplyKind
from app.services.messaging.official_accounts import keep_menu, write_menu
from app.views.desks import Desk, action, those_allowed
from app.views.forms import OnceForm, Prose, states_to_choose

_MESSAGES = 30
# What WeChat calls them, in our words.
_KINDS = {
    "subscribe": N_("begins to follow"), "unsubscribe": N_("follows no longer"),
    "scan": N_("scans a code"), "text": N_("writes"), "click": N_("taps the menu"),
    "view": N_("opens a page from the menu"), "image": N_("sends a picture"),
    "voice": N_("speaks"), "location": N_("sends a position"),
    "templatesendjobfinish": N_("was told something by a message"),
}  # fmt: skip


class MenuForm(OnceForm):
    refusals_at: ClassVar = {"menu_invalid": "lines"}
    lines = Prose(
        N_("Menu"),
        description=N_(
            "A line each: name | address. What stands below an entry begins with a dash."
        ),
        longest=4000,
    )


class AccountDesk(Desk):
    route_base = "/console/official-account"
    belongs_to = "AccountDesk"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        session = self.appbuilder.session
        following = OaFollower.unfollowed_at.is_(None)
        counts = session.execute(
            select(
                func.count().filter(following),
                func.count().filter(following, OaFollower.member_id.is_not(None)),
                func.count().filter(~following),
            )
        ).one()
        return self.page(
            "console/official_account.html",
            following=counts[0],
            members=counts[1],
            gone=counts[2],
            menu=self._newest(),
            replies=[
                (
                    reply,
                    gettext(dict(states_to_choose(OaReplyKind))[reply.kind.name]),
                    _buttons(reply),
                )
                for reply in session.scalars(select(OaReply).order_by(OaReply.kind, OaReply.id))
            ],
            messages=session.scalars(
                select(OaMessage).order_by(OaMessage.received_at.desc()).limit(_MESSAGES)
            ).all(),
            kinds=_KINDS,
            add=those_allowed(action(gettext("Add an answer"), "ReplyDesk.add")),
            buttons=those_allowed(
                action(gettext("Change the menu"), "AccountDesk.menu", tone="main")
            ),
        )

    @expose("/menu", methods=("GET", "POST"))
    @has_access
    def menu(self) -> ResponseReturnValue:
        """Another menu for all followers, as soon as WeChat has taken it."""
        newest = self._newest()
        form = MenuForm(data={"lines": write_menu(list(newest.buttons)) if newest else ""})
        return self.filled_in(
            form,
            lambda session: keep_menu(session, lines=form.lines.data or "", actor=g.actor),
            said=gettext("The menu is kept. WeChat shows it within some minutes."),
            title=gettext("Menu of the official account"),
            submit=gettext("Keep and publish"),
            back=url_for("AccountDesk.show"),
        )

    def _newest(self) -> Any:
        return self.appbuilder.session.scalar(select(OaMenu).order_by(OaMenu.id.desc()).limit(1))


def _buttons(reply: OaReply) -> Any:
    return those_allowed(
        action(gettext("Change"), "ReplyDesk.edit", pk=reply.id),
        action(gettext("Drop"), "ReplyDesk.drop", tone="danger", pk=reply.id),
    )
