"""In which order lists show content, edited in the list itself; and which merchants may write."""

from __future__ import annotations

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import and_, or_, select

from app.core.clock import utc_now
from app.core.errors import N_
from app.flows.carrying_out import carry_out
from app.models.contents import ContentItem, ContentKind, ContentRight, ContentStatus
from app.services.publishing import contents
from app.services.publishing.content_rights import allow_merchants
from app.views import choosing
from app.views.cells import state_name
from app.views.desks import Desk
from app.views.finders import Finders, ids_of
from app.views.forms import ConsoleForm
from app.web.context import current_context

_MOST = 200  # On one page.
MAX_SORT = 9999


class RightsForm(ConsoleForm):
    allowed = Finders(N_("Merchants"))


class ContentOrder(Desk):
    route_base = "/console/content-order"
    default_view = "arrange"
    belongs_to = "ContentOrder"

    @expose("/", methods=("GET", "POST"))
    @has_access
    def arrange(self) -> ResponseReturnValue:
        """What is published of a kind, page by page, with its place and a tick to withdraw it."""
        asked = request.args.get("kind", "")
        kind = ContentKind[asked] if asked in ContentKind.__members__ else ContentKind.goods
        public = (
            select(ContentItem)
            .where(ContentItem.kind == kind, ContentItem.status == ContentStatus.published)
            .order_by(ContentItem.sort, ContentItem.id.desc())
        )
        after = _place_after(request.args.get("after", ""))
        if after is not None:
            sort, last_id = after
            same = and_(ContentItem.sort == sort, ContentItem.id < last_id)
            public = public.where(or_(ContentItem.sort > sort, same))
        found = self.appbuilder.session.scalars(public.limit(_MOST + 1)).all()
        items, last = found[:_MOST], found[_MOST - 1] if len(found) > _MOST else None
        form = ConsoleForm()
        typed = {item.id: request.form.get(f"sort-{item.id}", str(item.sort)) for item in items}
        wrong = {pk for pk, text in typed.items() if not _is_place(text)}
        if form.validate_on_submit() and not wrong:
            order = {pk: int(text) for pk, text in typed.items()}
            gone = [i.id for i in items if request.form.get(f"withdraw-{i.id}")]
            moved = self._carry_out(order, gone)
            said = gettext("%(moved)s moved, %(gone)s withdrawn.")
            here = url_for("ContentOrder.arrange", kind=kind.name, after=request.args.get("after"))
            return self.done(said % {"moved": moved, "gone": len(gone)}, here)
        if wrong and request.method == "POST":
            form.problem = gettext("A place is a whole number from 0 to 9999.")
        drawn = self.page(
            "console/content_order.html",
            form=form,
            items=[(item, typed[item.id], item.id in wrong) for item in items],
            kinds=[(one.name, state_name(one), one is kind) for one in ContentKind],
            first=url_for("ContentOrder.arrange", kind=kind.name) if after else None,
            older=last
            and url_for("ContentOrder.arrange", kind=kind.name, after=f"{last.sort}.{last.id}"),
        )
        return drawn, 422 if form.problem else 200

    @expose("/merchants", methods=("GET", "POST"))
    @has_access
    def merchants(self) -> ResponseReturnValue:
        """Which merchants may write goods, solutions, articles and store pages of their own."""
        session = self.appbuilder.session
        known = session.scalars(select(ContentRight.merchant_id).order_by(ContentRight.merchant_id))
        form = RightsForm(allowed=[str(merchant_id) for merchant_id in known])
        form.allowed.offer_from(session, choosing.businesses())
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda unit: allow_merchants(
                        unit, merchant_ids=ids_of(form.allowed), actor=g.actor, now=utc_now()
                    ),
                )
                said = gettext("%(count)s merchants may write content of their own.")
                return self.done(
                    said % {"count": len(ids_of(form.allowed))}, url_for("Contents.list")
                )
        return self.form_page(
            form,
            title=gettext("Merchants that write"),
            explanation=gettext(
                "Those ticked may write goods, solutions, articles and store pages of their own."
                " The platform reviews and publishes them."
            ),
            submit=gettext("Save"),
            back=url_for("Contents.list"),
            template="console/choose_merchants.html",
            ticked=form.allowed,
            warnings=[],
        )

    def _carry_out(self, order: dict[int, int], gone: list[int]) -> int:
        def effect(session):  # type: ignore[no-untyped-def]
            moved = contents.arrange_contents(session, order=order, actor=g.actor)
            for pk in gone:
                contents.withdraw_content(
                    session,
                    item_id=pk,
                    reason="in the list of places",
                    actor=g.actor,
                    now=utc_now(),
                )
            return moved

        return carry_out(current_context(), effect)


def _place_after(text: str) -> tuple[int, int] | None:
    """Behind which place and id a page begins, as its address says."""
    sort, _, last_id = text.partition(".")
    if not (_is_place(sort) and last_id.isascii() and last_id.isdecimal() and len(last_id) < 19):
        return None
    return int(sort), int(last_id)


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_SORT))
