"""Which merchants may do something of their own: ticked on one page, changed in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core.errors import N_
from app.flows.once import Body
from app.models.tenants import Merchant
from app.views import choosing
from app.views.desks import Desk
from app.views.finders import Finders, ids_of
from app.views.forms import OnceForm
from app.views.once import write_once


class AllowedForm(OnceForm):
    """The merchants that may; those left out may not."""

    allowed = Finders(N_("Merchants"))


def allowance_page(
    desk: Desk,
    column: InstrumentedAttribute[bool],
    allow: Callable[..., object],
    *,
    back: str,
    said: str,
    **page: Any,
) -> ResponseReturnValue:
    """Show who may and take changes.

    Args:
        column: Of ``Merchant``, where the allowance is kept.
        allow: The service that gives or takes it: (session, merchant_id, allowed, actor).
        said: The sentence afterwards, with ``%(count)s`` of those who may.
    """
    session = desk.appbuilder.session
    known = set(session.scalars(select(Merchant.id).where(column)))
    form = AllowedForm(data={"allowed": [str(pk) for pk in sorted(known)]})
    form.allowed.offer_from(session, choosing.businesses())
    if form.validate_on_submit():
        chosen = set(ids_of(form.allowed))
        changed = known ^ chosen

        def effect(work: Session) -> Body:
            for merchant_id in sorted(changed):
                allow(
                    work, merchant_id=merchant_id, allowed=merchant_id not in known, actor=g.actor
                )
            return {}

        with form.refusals():
            write_once(form, effect)
            return desk.done(said % {"count": len(chosen)}, back)
    return desk.form_page(
        form,
        submit=gettext("Save"),
        back=back,
        template="console/choose_merchants.html",
        ticked=form.allowed,
        warnings=(),
        **page,
    )
