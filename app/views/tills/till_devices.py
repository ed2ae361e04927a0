"""The devices of a store: let one in by a code, revoke one, and what tills must have."""

from __future__ import annotations

import io
from urllib.parse import quote

import qrcode
import qrcode.image.svg
from flask import flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select

from app.core.clock import local, rfc3339
from app.core.errors import DomainError
from app.flows.tills import terminals
from app.models.tenants import Store, Terminal, TerminalStatus
from app.web.context import current_context

_CODE = "enrolment"  # Shown once, on the page that follows the form.
_LONGEST_NAME = 40


class TillDevices(BaseView):
    """A merchant's administrator sees all its stores here, a manager their own."""

    route_base = "/console/till-devices"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        """The devices, and the code of the one that is being let in."""
        return _page(invited=session.pop(_CODE, None))

    @expose("/invite", methods=("POST",))
    @has_access
    def invite(self) -> ResponseReturnValue:
        """A code for one device, shown once on the next page."""
        name = request.form.get("name", "").strip()
        store_id = _id(request.form.get("store_id"))
        if not 0 < len(name) <= _LONGEST_NAME:
            return _page(problem=gettext("Please give the device a name of up to 40 letters."))
        try:
            made = terminals.issue_enrolment_code(
                current_context(), g.actor, store_id=store_id, name=name
            )
        except DomainError as refusal:
            return _page(problem=gettext(refusal.template), status=refusal.category.value)
        session[_CODE] = {"code": made.code, "until": rfc3339(made.expires_at)[11:16], "name": name}
        return redirect(url_for("TillDevices.show"))

    @expose("/rules", methods=("POST",))
    @has_access
    def rules(self) -> ResponseReturnValue:
        """What a store's tills must have before they move money."""
        try:
            store = terminals.set_till_rules(
                current_context(),
                g.actor,
                store_id=_id(request.form.get("store_id")),
                shift_required="shift_required" in request.form,
                terminal_required="terminal_required" in request.form,
            )
        except DomainError as refusal:
            return _page(problem=gettext(refusal.template), status=refusal.category.value)
        flash(gettext("The rules for the tills of %(name)s are kept.", name=store.name))
        return redirect(url_for("TillDevices.show"))


def _page(
    *,
    problem: str | None = None,
    status: int = 422,
    invited: dict[str, str] | None = None,
) -> ResponseReturnValue:
    with current_context().database.unit_of_work(g.actor) as reader:
        stores = reader.scalars(select(Store).order_by(Store.id)).all()
        devices = reader.scalars(
            select(Terminal)
            .where(Terminal.status == TerminalStatus.enrolled)
            .order_by(Terminal.store_id, Terminal.id)
        ).all()
    page = render_template(
        "console/till_devices.html",
        stores=stores,
        names={store.id: store.name for store in stores},
        devices=[(device, local(device.enrolled_at)) for device in devices],
        invited=invited,
        picture=None if invited is None else _qr(invited["code"]),
        problem=problem,
        typed=request.form.get("name", "") if problem else "",
    )
    return page, 200 if problem is None else status


def _qr(code: str) -> str:
    """A picture for the device's camera. The code stands behind ``#``: no server logs it."""
    address = f"{current_context().settings.public_base_url}/pos/terminal/#enrol={code}"
    drawing = io.BytesIO()
    made = qrcode.make(address, image_factory=qrcode.image.svg.SvgPathFillImage, border=4)
    made.save(drawing)
    return f"data:image/svg+xml,{quote(drawing.getvalue())}"


def _id(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else 0
