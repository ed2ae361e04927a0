"""The media library: pictures brought by drag or choice, described, and where they are used."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import or_, select

from app.core.actor import PLATFORM_ROLES
from app.core.business_settings import MEDIA_QUOTA_MB
from app.core.errors import DomainError
from app.documents.pictures import MAX_BYTES
from app.flows.carrying_out import carry_out
from app.flows.publishing import picturing
from app.models.base import OPERATOR_ID
from app.models.contents import ContentItem, ContentVersion, MediaFile
from app.services.business_settings import read_setting
from app.services.publishing import media
from app.views import filters
from app.views.desks import Desk
from app.views.forms import ConsoleForm, sentence_of
from app.views.publishing.content_forms import MediaForm, picture_url
from app.web.context import current_context

PAGE = 48
_MOST_AT_ONCE = 20


class MediaDesk(Desk):
    route_base = "/console/media"
    default_view = "list"
    belongs_to = "MediaDesk"

    @expose("/")
    @has_access
    def list(self) -> ResponseReturnValue:
        """The newest first; what is typed is looked for in names and descriptions."""
        session = self.appbuilder.session
        typed = filters.words(request.args, "q")
        before = filters.number(request.args.get("before", ""))
        query = select(MediaFile).order_by(MediaFile.id.desc()).limit(PAGE + 1)
        if typed:
            named = MediaFile.name.icontains(typed, autoescape=True)
            query = query.where(or_(named, MediaFile.alt.icontains(typed, autoescape=True)))
        if before is not None:
            query = query.where(MediaFile.id < before)
        found = session.scalars(query).all()
        older = found[PAGE - 1].id if len(found) > PAGE else None
        mine = g.actor.merchant_id or OPERATOR_ID
        quota = None if g.actor.role in PLATFORM_ROLES else read_setting(session, MEDIA_QUOTA_MB)
        return self.page(
            "console/media.html",
            pictures=[(one, picture_url(one.key)) for one in found[:PAGE]],
            typed=typed,
            older=url_for("MediaDesk.list", before=older, q=typed or None) if older else None,
            used_mb=media.used_bytes(session, merchant_id=mine) / media.MEGABYTE,
            quota_mb=quota,
            most_mb=MAX_BYTES // media.MEGABYTE,
        )

    @expose("/upload", methods=("POST",))
    @has_access
    def upload(self) -> ResponseReturnValue:
        """Some pictures at once: back to the library, or JSON as the text editor wants it."""
        files = [file for file in request.files.getlist("file") if file.filename]
        problems, taken = [], []
        for file in files[:_MOST_AT_ONCE]:
            name = (file.filename or "")[-120:]
            try:
                made = picturing.take_picture(
                    current_context(),
                    g.actor,
                    merchant_id=g.actor.merchant_id or OPERATOR_ID,
                    name=name,
                    content=file.stream.read(MAX_BYTES + 1),
                )
            except DomainError as refusal:
                problems.append(f"{name}: {sentence_of(refusal)}")
            else:
                taken.append(made)
        if not files:
            problems.append(gettext("Please choose a picture first."))
        if request.accept_mimetypes.best == "application/json":
            return _for_the_editor(taken, problems)
        if problems:
            g.menu_view = self.belongs_to
            page = self.render_template("console/media_refused.html", problems=problems,
                                        taken=len(taken))  # fmt: skip
            return page, 422
        said = gettext("%(count)s pictures are in the library.") % {"count": len(taken)}
        return self.done(said, url_for("MediaDesk.list"))

    @expose("/<int:pk>", methods=("GET", "POST"))
    @has_access
    def show(self, pk: int) -> ResponseReturnValue:
        """A picture with its sizes, its description, and where it stands."""
        found: MediaFile = self.found(MediaFile, pk)
        form = MediaForm(obj=found)
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda session: media.describe_media(
                        session,
                        media_id=pk,
                        name=form.name.data,
                        alt=form.alt.data or "",
                        actor=g.actor,
                    ),
                )
                return self.done(gettext("Saved."), url_for("MediaDesk.show", pk=pk))
        return self.form_page(
            form,
            title=found.name,
            submit=gettext("Save"),
            back=url_for("MediaDesk.list"),
            template="console/media_show.html",
            picture=found,
            large=picture_url(found.key, "1280.webp"),
            uses=self._uses(pk),
        )

    @expose("/<int:pk>/delete", methods=("GET", "POST"))
    @has_access
    def remove(self, pk: int) -> ResponseReturnValue:
        found: MediaFile = self.found(MediaFile, pk)
        form = ConsoleForm()
        if form.validate_on_submit():
            with form.refusals():
                picturing.drop_picture(current_context(), g.actor, pk)
                said = gettext("“%(name)s” is deleted.") % {"name": found.name}
                return self.done(said, url_for("MediaDesk.list"))
        return self.form_page(
            form,
            title=gettext("Delete picture"),
            submit=gettext("Delete"),
            back=url_for("MediaDesk.show", pk=pk),
            explanation=found.name,
            tone="danger",
            template="console/confirm.html",
            facts=[
                gettext("The picture and all its sizes are gone for good."),
                gettext("It is refused while any version of any content uses it."),
            ],
        )

    def _uses(self, media_id: int) -> Sequence[tuple[str, str]]:
        """The content in which it stands, as title and address."""
        items = (
            select(ContentItem.id, ContentItem.title)
            .join(ContentVersion, ContentVersion.item_id == ContentItem.id)
            .where(ContentVersion.media_ids.contains([media_id]))
            .distinct()
            .limit(50)
        )
        found = self.appbuilder.session.execute(items)
        return [(title, url_for("Contents.show", pk=pk)) for pk, title in found]


def _for_the_editor(taken: Sequence[MediaFile], problems: Sequence[str]) -> ResponseReturnValue:
    if problems:
        return jsonify(errno=1, message=" ".join(problems)), 422
    pictures = [
        {
            "id": str(one.id),
            "name": one.name,
            "url": picture_url(one.key, "1280.webp"),
            "thumb": picture_url(one.key),
            "alt": one.alt,
        }
        for one in taken
    ]
    return jsonify(errno=0, data=pictures[0], all=pictures)
