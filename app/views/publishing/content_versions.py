"""An item's versions: side by side, and an older one made the newest again."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from flask import abort, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.rich_text import plain_text
from app.flows.carrying_out import carry_out
from app.models.contents import ContentItem, ContentVersion, MediaFile
from app.models.tenants import Store
from app.services.publishing import contents
from app.views.cells import NOTHING, cell, column_name
from app.views.desks import Desk
from app.views.filters import number
from app.views.forms import ConsoleForm
from app.views.names import find_names
from app.web.context import current_context

_MOST = 100
_COMPARED = ("title", "summary", "category", "city", "price_fen", "link_url", "cover_id",
             "picture_ids", "store_ids")  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line of a text: ``same``, ``added`` or ``gone``."""

    kind: str
    text: str


@dataclass(frozen=True)
class Change:
    """A field that differs between two versions."""

    label: str
    before: str
    after: str


class ContentVersions(Desk):
    route_base = "/console/content-versions"
    default_view = "versions"
    belongs_to = "Contents"

    @expose("/<int:pk>")
    @has_access
    def versions(self, pk: int) -> ResponseReturnValue:
        """All versions, and what differs between two: ``?old=1&new=3``."""
        item: ContentItem = self.found(ContentItem, pk)
        session = self.appbuilder.session
        newest_first = (
            select(ContentVersion)
            .where(ContentVersion.item_id == pk)
            .order_by(ContentVersion.version_no.desc())
        )
        found = session.scalars(newest_first.limit(_MOST)).all()
        by_no = {one.version_no: one for one in found}
        new = by_no.get(number(request.args.get("new", "")) or item.head_no, found[0])
        old = by_no.get(number(request.args.get("old", "")) or new.version_no - 1)
        lines = _lines(old, new) if old is not None else []
        return self.page(
            "console/content_versions.html",
            title=gettext("Versions of “%(title)s”") % {"title": item.title},
            item=item,
            found=found,
            writers=next(iter(find_names(session, found, ("created_by_id",)).values()), {}),
            old=old,
            new=new,
            changes=_changes(session, old, new) if old is not None else [],
            lines=lines,
            only_looks=old is not None
            and old.body_html != new.body_html
            and all(line.kind == "same" for line in lines),
        )

    @expose("/<int:pk>/restore", methods=("GET", "POST"))
    @has_access
    def restore(self, pk: int) -> ResponseReturnValue:
        """``?no=2``: what stood there becomes the newest version, as a draft."""
        item: ContentItem = self.found(ContentItem, pk)
        no = number(request.args.get("no", "")) or 0
        known = select(ContentVersion.id).where(
            ContentVersion.item_id == pk, ContentVersion.version_no == min(no, 2**31 - 1)
        )
        if self.appbuilder.session.scalar(known) is None:
            abort(404)
        form = ConsoleForm()
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda session: contents.restore_version(
                        session, item_id=pk, version_no=no, actor=g.actor, now=utc_now()
                    ),
                )
                said = gettext("Version %(no)s is the newest again, as a draft.") % {"no": no}
                return self.done(said, url_for("Contents.show", pk=pk))
        return self.form_page(
            form,
            title=gettext("Restore version %(no)s") % {"no": no},
            submit=gettext("Restore"),
            back=url_for("ContentVersions.versions", pk=pk),
            explanation=item.title,
            template="console/confirm.html",
            facts=[
                gettext("It is kept as a new version; all versions between stay."),
                gettext("What is public stays as it is until you publish it."),
            ],
        )


def _changes(session: Session, old: ContentVersion, new: ContentVersion) -> Sequence[Change]:
    return [
        Change(column_name(name), _text(session, name, before), _text(session, name, after))
        for name in _COMPARED
        if (before := getattr(old, name)) != (after := getattr(new, name))
    ]


def _text(session: Session, name: str, value: object) -> str:
    """A value as people know it: stores and pictures by their names, these in their order."""
    if name == "picture_ids" and isinstance(value, list):
        rows = session.execute(select(MediaFile.id, MediaFile.name).where(MediaFile.id.in_(value)))
        named = {row.id: row.name for row in rows}
        return "、".join(named.get(pk, str(pk)) for pk in value) or NOTHING
    if isinstance(value, list):
        stores = select(Store.name).where(Store.id.in_(value)).order_by(Store.id)
        return "、".join(session.scalars(stores)) or NOTHING
    if name == "cover_id" and value is not None:
        return session.scalar(select(MediaFile.name).where(MediaFile.id == value)) or NOTHING
    return cell(name, value).text


def _lines(old: ContentVersion, new: ContentVersion) -> Sequence[Line]:
    before = plain_text(old.body_html).splitlines()
    after = plain_text(new.body_html).splitlines()
    kinds = {" ": "same", "+": "added", "-": "gone"}
    return [
        Line(kinds[line[0]], line[2:]) for line in difflib.ndiff(before, after) if line[0] in kinds
    ]
