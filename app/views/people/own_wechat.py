"""Everybody binds their own WeChat here, to open the till from the official account's menu."""

from __future__ import annotations

from flask import flash, g, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from app.core.clock import local
from app.flows.people import staff_wechat
from app.web.context import current_context


class OwnWeChat(BaseView):
    """Bound once, it signs its owner in without a password until it is unbound."""

    route_base = "/console/own-wechat"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        bound = staff_wechat.find_binding(current_context(), g.actor)
        return render_template(
            "console/own_wechat.html", bound_at=None if bound is None else local(bound.bound_at)
        )

    @expose("/bind", methods=("POST",))
    @has_access
    def bind(self) -> ResponseReturnValue:
        """To WeChat; it sends the browser back to the till's side, which binds it.

        By a page and not by a redirect: a form's answer may not lead to another host (our CSP).
        """
        gone = staff_wechat.depart(current_context(), g.actor)
        session["wechat_state"], session["wechat_binding"] = gone.state, True
        page = render_template("console/own_wechat.html", bound_at=None, departure=gone.url)
        return page, 200, {"Refresh": f"0; url={gone.url}"}

    @expose("/unbind", methods=("POST",))
    @has_access
    def unbind(self) -> ResponseReturnValue:
        """From now on only the password signs in."""
        staff_wechat.unbind(current_context(), g.actor)
        flash(gettext("Your WeChat is unbound."))
        return redirect(url_for("OwnWeChat.show"))
