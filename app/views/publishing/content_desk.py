"""The content desk: writing, review, publishing at a time, withdrawing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.core.actor import PLATFORM_ROLES
from app.core.clock import local, utc_now
from app.flows.carrying_out import carry_out
from app.flows.once import Body
from app.flows.publishing.previewing import preview_token
from app.models.base import OPERATOR_ID
from app.models.contents import ContentItem, ContentKind, ContentRight, ContentStatus, MediaFile
from app.services.publishing import contents
from app.services.publishing.contents import MERCHANT_KINDS, find_version
from app.views import choosing
from app.views.cells import state_name
from app.views.desks import Desk
from app.views.filters import number
from app.views.forms import ConsoleForm, ReasonForm
from app.views.once import write_once
from app.views.publishing.content_choices import (
    chosen_owner,
    list_pictures,
    owner_field,
    owners_of,
)
from app.views.publishing.content_forms import (
    ContentForm,
    PlanForm,
    UntilForm,
    as_typed,
    local_minute,
)
from app.web.context import current_context
from app.web.security import allow_written_styles


class ContentDesk(Desk):
    """Merchants write their own where the platform allows it; the platform publishes."""

    route_base = "/console/content"
    default_view = "new"
    belongs_to = "Contents"

    @expose("/new", methods=("GET", "POST"))
    @has_access
    def new(self) -> ResponseReturnValue:
        """A draft of the kind that the address names."""
        kinds = _kinds()
        kind = next((one for one in kinds if one.name == request.args.get("kind")), kinds[0])
        session, owners = self.appbuilder.session, owners_of(kind)
        merchant_id = chosen_owner(session, owners, kind)
        whose, meant = owner_field(session, owners, merchant_id)
        if meant is not None and request.method == "GET":
            return redirect(meant)
        if not self._may_write():
            return self.page("console/content_not_allowed.html", back=url_for("Contents.list"))
        form = ContentForm()
        form.fit(kind, new=True)
        pictures = self._offer(form, merchant_id)
        if form.validate_on_submit():

            def effect(session: Session) -> Body:
                made = contents.create_content(
                    session,
                    merchant_id=merchant_id,
                    kind=kind,
                    words=form.words(),
                    actor=g.actor,
                    slug=form.slug.data if "slug" in form else None,
                )
                return {"id": made.id}

            with form.refusals():
                made = write_once(form, effect)
                return self.done(
                    gettext("“%(title)s” is kept as a draft.") % {"title": form.title.data},
                    url_for("Contents.show", pk=made["id"]),
                )
        return self._editor(
            form,
            kind,
            title=gettext("Write something new"),
            back=url_for("Contents.list"),
            pictures=pictures,
            kinds=[(one.name, state_name(one), one is kind) for one in kinds],
            whose=whose,
            owner_id=merchant_id if owners else None,
            narrowed_to=lambda _name, value: url_for(
                "ContentDesk.new", kind=kind.name, merchant=value
            ),
            may_be_ours=kind is not ContentKind.store,
        )

    @expose("/<int:pk>/edit", methods=("GET", "POST"))
    @has_access
    def edit(self, pk: int) -> ResponseReturnValue:
        """A new version; what is published stays until it is published itself."""
        item: ContentItem = self.found(ContentItem, pk)
        newest = find_version(self.appbuilder.session, item_id=pk, version_no=item.head_no)
        form = ContentForm(data={**as_typed(newest), "seen_no": item.head_no})
        form.fit(item.kind, new=False)
        pictures = self._offer(form, item.merchant_id)
        if form.validate_on_submit():
            seen = form.seen_no.data or ""
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda session: contents.save_content(
                        session,
                        item_id=pk,
                        words=form.words(),
                        seen_no=int(seen) if seen.isdecimal() and len(seen) < 9 else 0,
                        actor=g.actor,
                        now=utc_now(),
                    ),
                )
                said = gettext("Saved as a new version. It is public once it is published.")
                return self.done(said, url_for("Contents.show", pk=pk))
            # Whoever has read the refusal and saves again means it.
            form.seen_no.data = form.seen_no.raw_data = None
            form.seen_no.data = str(item.head_no)
        said = gettext("“%(title)s”, version %(no)s") % {"title": newest.title, "no": item.head_no}
        return self._editor(
            form, item.kind, title=said, back=url_for("Contents.show", pk=pk), pictures=pictures,
        )  # fmt: skip

    @expose("/<int:pk>/look")
    @has_access
    def look(self, pk: int) -> ResponseReturnValue:
        """To the page as it would be public; its address may be handed on for a week."""
        item: ContentItem = self.found(ContentItem, pk)
        token = preview_token(current_context(), item_id=pk, version_no=item.head_no)
        return redirect(url_for("site_previews.show_preview", token=token))

    @expose("/<int:pk>/submit", methods=("GET", "POST"))
    @has_access
    def submit(self, pk: int) -> ResponseReturnValue:
        facts = [gettext("The platform looks at the newest version and publishes it.")]
        return self._step(
            pk, gettext("Submit for review"), ConsoleForm(), facts,
            gettext("It waits for the platform now."),
            lambda session, _form: contents.submit_content(session, item_id=pk, actor=g.actor),
        )  # fmt: skip

    @expose("/<int:pk>/back", methods=("GET", "POST"))
    @has_access
    def back(self, pk: int) -> ResponseReturnValue:
        facts = [gettext("It becomes a draft again; whoever wrote it reads your reason.")]
        return self._step(
            pk, gettext("Send back"), ReasonForm(), facts, gettext("It is a draft again."),
            lambda session, form: contents.send_back(
                session, item_id=pk, reason=form.reason.data, actor=g.actor
            ),
        )  # fmt: skip

    @expose("/<int:pk>/withdraw", methods=("GET", "POST"))
    @has_access
    def withdraw(self, pk: int) -> ResponseReturnValue:
        facts = [
            gettext("It disappears from the site, the app and the search at once."),
            gettext("Its versions stay, and it can be published again."),
        ]
        return self._step(
            pk, gettext("Take down"), ReasonForm(), facts,
            gettext("It is withdrawn and no longer public."),
            lambda session, form: contents.withdraw_content(
                session, item_id=pk, reason=form.reason.data, actor=g.actor, now=utc_now()
            ),
            tone="danger",
        )  # fmt: skip

    @expose("/<int:pk>/plan", methods=("GET", "POST"))
    @has_access
    def plan(self, pk: int) -> ResponseReturnValue:
        """Publish now or at a time, and until when."""
        item: ContentItem = self.found(ContentItem, pk)
        form = PlanForm(
            publish_at=local_minute(item.publish_at), withdraw_at=local_minute(item.withdraw_at)
        )
        if form.validate_on_submit():
            with form.refusals():
                planned = carry_out(
                    current_context(),
                    lambda session: contents.plan_content(
                        session,
                        item_id=pk,
                        publish_at=form.publish_at.instant,
                        withdraw_at=form.withdraw_at.instant,
                        actor=g.actor,
                        now=utc_now(),
                    ),
                )
                return self.done(_planned(planned), url_for("Contents.show", pk=pk))
        said = gettext("Version %(no)s of “%(title)s” becomes what everybody reads.")
        return self.form_page(
            form,
            title=gettext("Publish"),
            submit=gettext("Publish"),
            back=url_for("Contents.show", pk=pk),
            explanation=said % {"no": item.head_no, "title": item.title},
        )

    @expose("/<int:pk>/until", methods=("GET", "POST"))
    @has_access
    def until(self, pk: int) -> ResponseReturnValue:
        """When something public is taken down by itself; its words stay as they are."""
        item: ContentItem = self.found(ContentItem, pk)
        form = UntilForm(withdraw_at=local_minute(item.withdraw_at))
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda session: contents.plan_withdrawal(
                        session,
                        item_id=pk,
                        withdraw_at=form.withdraw_at.instant,
                        actor=g.actor,
                        now=utc_now(),
                    ),
                )
                return self.done(_ends(form.withdraw_at.instant), url_for("Contents.show", pk=pk))
        return self.form_page(
            form,
            title=gettext("Take down at a time"),
            submit=gettext("Save"),
            back=url_for("Contents.show", pk=pk),
            explanation=item.title,
        )

    def _step(
        self,
        pk: int,
        title: str,
        form: ConsoleForm,
        facts: list[str],
        done: str,
        work: Callable[[Session, Any], object],
        *,
        tone: str = "",
    ) -> ResponseReturnValue:
        """One step of an item's life, after a page that says what happens."""
        item: ContentItem = self.found(ContentItem, pk)
        here = url_for("Contents.show", pk=pk)
        if form.validate_on_submit():
            with form.refusals():
                carry_out(current_context(), lambda session: work(session, form))
                return self.done(done, here)
        return self.form_page(
            form, title=title, submit=title, back=here, explanation=item.title, tone=tone,
            template="console/confirm.html", facts=facts,
        )  # fmt: skip

    def _editor(
        self, form: ContentForm, kind: ContentKind, *, title: str, back: str, **more: Any
    ) -> ResponseReturnValue:
        allow_written_styles()
        return self.form_page(
            form,
            title=f"{title} · {state_name(kind)}",
            submit=gettext("Save draft"),
            back=back,
            template="console/content_form.html",
            kind=kind.name,
            **more,
        )

    def _offer(self, form: ContentForm, owner_id: int) -> Sequence[MediaFile]:
        """The owner's pictures and stores to choose from. Returns the pictures."""
        session = self.appbuilder.session
        chosen = {number(form.cover_id.data or "") or 0}
        if "picture_ids" in form:
            chosen.update(pk for pk in form.picture_ids.data or () if pk < 2**63)
        pictures = list_pictures(session, owner_id=owner_id, chosen_ids=chosen)
        form.cover_id.offer(
            ((str(one.id), one.name) for one in pictures), none=gettext("No picture")
        )
        if "store_ids" in form:
            whose = None if owner_id == OPERATOR_ID else owner_id
            form.store_ids.offer_from(session, choosing.stores(whose))
        return pictures

    def _may_write(self) -> bool:
        if g.actor.role in PLATFORM_ROLES:
            return True
        return self.appbuilder.session.get(ContentRight, g.actor.merchant_id) is not None


def _kinds() -> list[ContentKind]:
    first = [ContentKind.article, ContentKind.goods, ContentKind.solution]
    others = [kind for kind in ContentKind if kind not in first]
    offered = [*first, *others]
    if g.actor.role in PLATFORM_ROLES:
        return offered
    return [kind for kind in offered if kind in MERCHANT_KINDS]


def _planned(item: ContentItem) -> str:
    if item.publish_at is not None:
        when = f"{local(item.publish_at):%Y-%m-%d %H:%M}"
        return gettext("It will be published by itself at %(when)s.") % {"when": when}
    assert item.status is ContentStatus.published
    return gettext("“%(title)s” is published.") % {"title": item.title}


def _ends(withdraw_at: datetime | None) -> str:
    if withdraw_at is None:
        return gettext("It stays public until somebody withdraws it.")
    when = f"{local(withdraw_at):%Y-%m-%d %H:%M}"
    return gettext("It will be withdrawn by itself at %(when)s.") % {"when": when}
