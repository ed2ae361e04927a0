"""The business settings: what holds, what it does, where it comes from; changed one by one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from flask import abort, g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import HiddenField

from app.core import money
from app.core.business_settings import SETTINGS, BusinessSetting, Unit
from app.core.clock import utc_now
from app.core.errors import N_
from app.flows.once import Body
from app.models.settings import Setting
from app.services.business_settings import change_setting, read_setting
from app.views.desks import Desk, action, those_allowed
from app.views.forms import OnceForm, Percent, Whole, Yuan
from app.views.once import write_once

_UNITS: Mapping[Unit, str] = {
    Unit.fen: N_("yuan"),
    Unit.days: N_("days"),
    Unit.hours: N_("hours"),
    Unit.seconds: N_("seconds"),
    Unit.megabytes: N_("MB"),
    Unit.basis_points: "%",
}


class SettingForm(OnceForm):
    """``before`` is what the person saw who changes it."""

    before = HiddenField()


class SettingsPage(Desk):
    """Everybody on the platform's staff reads them; the administrator changes them."""

    route_base = "/console/settings"
    belongs_to = "SettingsPage"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        session = self.appbuilder.session
        changed = {row.name: row for row in session.scalars(select(Setting))}
        rows = []
        for pk, setting in enumerate(SETTINGS.values(), 1):
            row = changed.get(setting.name)
            value = setting.default if row is None else row.value
            [button] = those_allowed(
                action(gettext("Change"), "SettingsPage.change", pk=pk)
            ) or [None]  # fmt: skip
            rows.append((setting, _shown(setting, value), value != setting.default, button))
        groups = [
            (gettext(group), list(found)) for group, found in groupby(rows, lambda r: r[0].group)
        ]
        return self.page("console/settings.html", groups=groups, shown=_shown)

    @expose("/<int:pk>/change", methods=("GET", "POST"))
    @has_access
    def change(self, pk: int) -> ResponseReturnValue:
        """Let another value hold from now on. The audit log keeps both."""
        if not 1 <= pk <= len(SETTINGS):
            abort(404)
        setting = list(SETTINGS.values())[pk - 1]
        present = read_setting(self.appbuilder.session, setting)
        form = _form_of(setting)(data={"value": present, "before": str(present)})
        if form.validate_on_submit():
            before, value = _whole(form.before.data), form.value.data

            def effect(session: Session) -> Body:
                changed = change_setting(
                    session, setting, before=before, value=value, actor=g.actor, now=utc_now()
                )
                return {"changed": changed}

            with form.refusals():
                done = write_once(form, effect)
                said = (
                    gettext("%(label)s is %(value)s from now on.")
                    if done["changed"]
                    else gettext("%(label)s is %(value)s already. Nothing has changed.")
                )
                values = {"label": gettext(setting.label), "value": _shown(setting, value)}
                return self.done(said % values, url_for("SettingsPage.show"))
        return self.form_page(
            form,
            title=gettext(setting.label),
            submit=gettext("Let it hold from now on"),
            back=url_for("SettingsPage.show"),
            explanation=gettext(setting.explanation),
            template="console/setting.html",
            setting=setting,
            shown=_shown,
        )


def _form_of(setting: BusinessSetting) -> type[SettingForm]:
    """A form whose one field takes this setting's unit within its bounds."""
    bounds = {"least": setting.least, "most": setting.most}

    class OneSetting(SettingForm):
        if setting.unit is Unit.fen:
            value = Yuan(N_("New value"), **bounds)
        elif setting.unit is Unit.basis_points:
            value = Percent(N_("New value"), **bounds)
        else:
            value = Whole(N_("New value"), **bounds)

    return OneSetting


def _shown(setting: BusinessSetting, value: int) -> str:
    """A value as people read it: ¥100.00, 3.00%, 24 hours."""
    if setting.unit is Unit.fen:
        return money.in_yuan(value)
    if setting.unit is Unit.basis_points:
        return f"{money.yuan(value)}%"
    return f"{value:,} {gettext(_UNITS[setting.unit])}"


def _whole(typed: str | None) -> int:
    """What the person saw; what is no number was seen by nobody."""
    text = typed or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1
