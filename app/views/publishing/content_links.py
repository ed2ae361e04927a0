"""What the text editor offers to link to: goods, stores, articles, and the app's pages."""

from __future__ import annotations

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select

from app.core.clock import utc_now
from app.core.errors import N_
from app.core.search_words import MOST_TYPED
from app.models.searching import SearchDocument
from app.queries.publishing.searching import Narrowed, search

_MOST = 8
_KINDS = {
    "goods": N_("Goods"), "solution": N_("Solution"),
    "article": N_("Article"), "store": N_("Store"),
}  # fmt: skip
_APP = (
    ("/m/pages/gift/index", N_("Give card value to a friend")),
    ("/m/pages/topup/index", N_("Top up a card")),
    ("/m/pages/stores/index", N_("Stores near me")),
)


class ContentLinks(BaseView):  # type: ignore[misc]
    """For the editor's script; only what is public is offered."""

    route_base = "/console/content-links"
    default_view = "offer"

    @expose("/")
    @has_access
    def offer(self) -> ResponseReturnValue:
        """Pages that have to do with ``q``, by words, pinyin or initials; the newest without."""
        typed = request.args.get("q", "")[:MOST_TYPED].strip()
        session = self.appbuilder.session
        if typed:
            found = search(session, typed=typed, now=utc_now(), narrowed=Narrowed(), limit=_MOST)
            rows = [(one.type, one.title, one.url) for one in found.items]
        else:
            newest = select(SearchDocument).order_by(SearchDocument.published_at.desc())
            rows = [(one.kind, one.title, one.url) for one in session.scalars(newest.limit(_MOST))]
        items = [
            {"kind": gettext(_KINDS[kind]), "title": title, "url": url} for kind, title, url in rows
        ]
        pages = [(url, gettext(title)) for url, title in _APP]
        items += [
            {"kind": gettext("The members' app"), "title": title, "url": url}
            for url, title in pages
            if typed.lower() in title.lower()
        ]
        return jsonify(items=items)
