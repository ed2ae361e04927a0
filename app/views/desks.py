"""Desks: the pages where something is done, beside the lists where it is read.

A desk loads what it works on in the reader's own scope, so that another tenant's is not there,
shows a form, and hands what was typed to a flow. It reads; flows write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, g, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView
from sqlalchemy.orm import Session

from app.flows.once import Body
from app.views import roles
from app.views.forms import ConsoleForm, OnceForm
from app.views.once import write_once


@dataclass(frozen=True)
class Action:
    """A button on a list or a record's page; it leads to a desk. ``tone``: main, quiet, danger."""

    label: str
    url: str
    tone: str = "quiet"


class Desk(BaseView):  # type: ignore[misc]
    """Forms about the records of one list, whose line in the menu stays marked."""

    belongs_to = ""

    def found(self, model: Any, pk: int) -> Any:
        """The record, if the reader sees it; else 404, as if it were not there."""
        row = self.appbuilder.session.get(model, pk) if pk < 2**63 else None
        if row is None:
            abort(404)
        return row

    def form_page(
        self,
        form: ConsoleForm,
        *,
        title: str,
        submit: str,
        back: str,
        explanation: str = "",
        tone: str = "",
        template: str = "console/form.html",
        **more: Any,
    ) -> ResponseReturnValue:
        """The form, empty or as it was typed; 422 when it was refused.

        Args:
            back: The address that "Cancel" leads to.
            tone: ``danger`` for what cannot be taken back.
        """
        g.menu_view = self.belongs_to
        page = self.render_template(
            template,
            form=form,
            title=title,
            submit=submit,
            back=back,
            explanation=explanation,
            tone=tone,
            **more,
        )
        return page, 422 if form.refused else 200

    def confirmed(
        self, form: OnceForm, act: Callable[[Session], object], **page: Any
    ) -> ResponseReturnValue:
        """A page that names what will happen; when it is agreed to, it happens, once.

        Args:
            page: As for ``filled_in``; ``facts`` are sentences of what will happen.
        """
        return self.filled_in(form, act, template="console/confirm.html", **page)

    def filled_in(
        self,
        form: OnceForm,
        act: Callable[[Session], object],
        *,
        said: str,
        back: str,
        **page: Any,
    ) -> ResponseReturnValue:
        """A form; when it is filled in and nothing is refused, what it asks for happens, once.

        Args:
            act: The change, in a transaction of its own.
            said: The message afterwards, on the page ``back``, which "Cancel" leads to as well.
            page: As for ``form_page``.
        """
        if form.validate_on_submit():

            def effect(session: Session) -> Body:
                act(session)
                return {}

            with form.refusals():
                write_once(form, effect)
                return self.done(said, back)
        return self.form_page(form, back=back, **page)

    def page(self, template: str, **values: Any) -> str:
        """Another page of this desk's."""
        g.menu_view = self.belongs_to
        found: str = self.render_template(template, **values)
        return found

    def done(self, message: str, url: str) -> ResponseReturnValue:
        """It is done: say so on the page that shows it."""
        flash(message)
        return redirect(url)


def action(label: str, endpoint: str, *, tone: str = "quiet", **values: Any) -> Action | None:
    """A button, for those who may do it: ``action(gettext("Edit"), "StoreDesk.edit", pk=3)``."""
    view, _, method = endpoint.partition(".")
    if not roles.allows(g.actor.role, f"can_{method}", view):
        return None
    return Action(label, url_for(endpoint, **values), tone)


def those_allowed(*actions: Action | None) -> Sequence[Action]:
    return [one for one in actions if one is not None]
