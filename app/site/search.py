"""The public search page: works without script; with it, words are suggested while typing."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup, escape

from app.core.actor import PUBLIC
from app.core.clock import local_day, utc_now
from app.core.errors import N_
from app.core.search_words import MOST_TYPED, normalise
from app.queries.publishing.searching import KINDS, Narrowed, Results, hot_words, search
from app.web.context import current_context
from app.web.limits import OPEN_TO_ALL, limited
from app.web.visits import counter

bp = Blueprint("site_search", __name__)

PAGE = 20
KIND_NAMES = {
    "goods": N_("Goods"),
    "solution": N_("Solutions"),
    "article": N_("Articles"),
    "store": N_("Stores"),
}


@bp.get("/search")
@limited(OPEN_TO_ALL, by_address=True)
def show_search() -> ResponseReturnValue:
    """What is public and has to do with ``q``; narrowed by type, city and merchant."""
    typed = request.args.get("q", "")[:MOST_TYPED].strip()
    kind = request.args.get("type")
    offset = min(max(request.args.get("from", 0, type=int), 0), 500)
    narrowed = Narrowed(
        kind=kind if kind in KINDS else None,
        city=request.args.get("city", "")[:40].replace("\x00", "") or None,
        merchant_id=_id(request.args.get("merchant", "")),
    )
    with current_context().database.unit_of_work(PUBLIC) as session:
        found = Results()
        if typed:
            found = search(
                session, typed=typed, now=utc_now(), narrowed=narrowed, limit=PAGE, offset=offset
            )
        hot = hot_words(session, today=local_day(utc_now()))
    if typed and not offset:
        counter().note_search(typed, found=bool(found.items))
    return render_template(
        "site/search.html",
        typed=typed,
        found=found,
        narrowed=narrowed,
        kind_names={name: gettext(label) for name, label in KIND_NAMES.items()},
        hot=hot,
        address=_address,
        newer=_address(offset=max(offset - PAGE, 0)) if offset else None,
        older=_address(offset=offset + PAGE) if offset + PAGE < found.total else None,
        marked=marked,
        merchants=[(*key.partition(" ")[::2], count) for key, count in found.merchants.items()],
    )


def marked(text: str, marks: list[str]) -> Markup:
    """The text with the words that were looked for in ``<mark>``; everything is escaped."""
    low = normalise(text)
    if len(low) != len(text):  # Folding has moved places: better no mark than a wrong one.
        return escape(text)
    at, parts = 0, []
    while at < len(text):
        mark = next((word for word in marks if word and low.startswith(word, at)), None)
        if mark is None:
            parts.append(escape(text[at]))
            at += 1
        else:
            parts.append(Markup("<mark>{}</mark>").format(text[at : at + len(mark)]))
            at += len(mark)
    return Markup("").join(parts)


def _id(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 19 else None


def _address(*, offset: int | None = None, **changed: str | None) -> str:
    """This search with something else in it; a facet that changes begins at the first page."""
    kept = {name: request.args.get(name) for name in ("q", "type", "city", "merchant")}
    return url_for("site_search.show_search", **{**kept, **changed, "from": offset or None})
