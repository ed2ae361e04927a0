"""The forms of content: one for each kind, with the fields that this kind has."""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

from flask import url_for
from flask_babel import gettext
from wtforms import DateTimeLocalField, HiddenField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.clock import SHANGHAI, local
from app.core.errors import N_
from app.core.rich_text import MAX_HTML
from app.models.contents import ContentItem, ContentKind, ContentVersion
from app.services.publishing.content_words import MAX_SUMMARY, MAX_TITLE, Words
from app.views.finders import Finders
from app.views.forms import Choice, ConsoleForm, OnceForm, Prose, Shape, Text, Yuan

_FIELDS = {
    ContentKind.goods: "category price_fen city store_ids picture_ids",
    ContentKind.solution: "category city picture_ids",
    ContentKind.article: "category city",
    ContentKind.page: "",
    ContentKind.store: "store_ids",
    ContentKind.banner: "link_url",
    ContentKind.block: "link_url",
}
_OPTIONAL = frozenset({"category", "price_fen", "city", "store_ids", "link_url", "slug",
                       "picture_ids"})  # fmt: skip
_NO_BODY = frozenset({ContentKind.banner})


class Instant(DateTimeLocalField):
    """A local time to the minute; ``data`` is an aware instant."""

    def __init__(self, label: str, **options: str) -> None:
        super().__init__(label, [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
                         **options)  # fmt: skip

    @property
    def instant(self) -> datetime | None:
        return None if self.data is None else self.data.replace(tzinfo=SHANGHAI)


class RichText(TextAreaField):
    """Text with headings, pictures and tables; a plain box where no script runs."""


class Gallery(StringField):
    """Pictures of the library in an order: their numbers with commas, thumbnails by the script."""

    data: list[int]

    def __init__(self, label: str, **options: object) -> None:
        super().__init__(label, [Optional()], render_kw={"inputmode": "numeric"}, **options)

    def _value(self) -> str:
        return ", ".join(str(pk) for pk in self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        parts = [one for one in re.split(r"[\s,，、]+", "".join(valuelist)) if one]
        if not all(one.isascii() and one.isdecimal() and len(one) < 19 for one in parts):
            self.data = []
            raise ValueError(gettext("Please give the numbers of pictures, with commas."))
        self.data = [int(one) for one in parts]


class ContentForm(OnceForm):
    """What is written of an item. ``fit`` leaves the fields of its kind."""

    refusals_at: ClassVar = {
        "content_text_too_long": "body_html",
        "content_link_wrong": "link_url",
        "content_slug_taken": "slug",
        "content_not_found": "cover_id",
        "content_pictures_too_many": "picture_ids",
        "content_picture_unknown": "picture_ids",
    }
    sections: ClassVar = (
        (N_("What it is"), ("title", "slug", "summary", "category", "price_fen", "city",
                            "link_url")),
        (N_("Cover picture"), ("cover_id",)),
        (N_("More pictures"), ("picture_ids",)),
        (N_("Stores"), ("store_ids",)),
        (N_("Text"), ("body_html",)),
    )  # fmt: skip

    seen_no = HiddenField()
    title = Text(N_("Title"), longest=MAX_TITLE)
    slug = Text(
        N_("Address of the page"),
        longest=40,
        checks=[Shape("[a-z][a-z0-9-]*", N_("Small letters, digits and dashes only, please."))],
        description=N_("privacy, terms and about have their places in the footer."),
    )
    summary = Prose(
        N_("Abstract"),
        needed=False,
        longest=MAX_SUMMARY,
        description=N_("One or two sentences for lists and search engines."),
    )
    category = Text(N_("Category"), needed=False, longest=20)
    price_fen = Yuan(N_("Price"), needed=False)
    city = Text(N_("City"), needed=False, longest=20, description=N_("Empty: everywhere."))
    link_url = Text(
        N_("Link"), needed=False, longest=300,
        description=N_("A page of this site (/goods/12) or an address with https://."),
    )  # fmt: skip
    cover_id = Choice(N_("Picture"), needed=False)
    picture_ids = Gallery(
        N_("Pictures in this order"),
        description=N_("Shown behind the cover. Without a cover the first one stands in lists."),
    )
    store_ids = Finders(N_("Offered at"), description=N_("None chosen: at all of the merchant's."))
    body_html = RichText(N_("Text"), [Optional(), Length(max=MAX_HTML)])

    def fit(self, kind: ContentKind, *, new: bool) -> None:
        wanted = set(_FIELDS[kind].split())
        if kind is ContentKind.page and new:
            wanted.add("slug")
        for name in _OPTIONAL - wanted:
            del self[name]
        if kind in _NO_BODY:
            del self["body_html"]
        self.sections = [
            (title, names) for title, names in self.sections if any(name in self for name in names)
        ]

    def words(self) -> Words:
        """What was typed, as the services take it."""
        typed = self.data
        return Words(
            title=typed["title"],
            summary=typed["summary"] or "",
            body_html=typed.get("body_html") or "",
            category=typed.get("category") or "",
            city=typed.get("city") or "",
            price_fen=typed.get("price_fen"),
            link_url=typed.get("link_url") or "",
            store_ids=tuple(int(one) for one in typed.get("store_ids") or ()),
            cover_id=int(typed["cover_id"]) if typed["cover_id"] else None,
            picture_ids=tuple(typed.get("picture_ids") or ()),
        )


class PlanForm(ConsoleForm):
    """When it is published, and until when."""

    refusals_at: ClassVar = {"content_time_wrong": "publish_at"}

    publish_at = Instant(
        N_("Publish at"), description=N_("Empty: now. Chinese time, to the minute.")
    )
    withdraw_at = Instant(
        N_("Withdraw at"), description=N_("Empty: it stays until somebody withdraws it.")
    )


class UntilForm(ConsoleForm):
    """Until when something public stays so."""

    refusals_at: ClassVar = {"content_time_wrong": "withdraw_at"}

    withdraw_at = Instant(
        N_("Withdraw at"), description=N_("Empty: it stays until somebody withdraws it.")
    )


class MediaForm(ConsoleForm):
    """A picture's name in the library, and what is to be seen on it."""

    name = Text(N_("Name"), longest=120)
    alt = Text(
        N_("Description of the picture"),
        needed=False,
        longest=200,
        description=N_("Read aloud to those who cannot see it, and found by search engines."),
    )


def as_typed(kept: ContentItem | ContentVersion) -> dict[str, object]:
    """A version's words for the form to begin with."""
    return {
        "title": kept.title,
        "summary": kept.summary,
        "body_html": kept.body_html,
        "category": kept.category,
        "city": kept.city,
        "price_fen": kept.price_fen,
        "link_url": kept.link_url,
        "store_ids": list(kept.store_ids),
        "cover_id": str(kept.cover_id or ""),
        "picture_ids": list(kept.picture_ids),
    }


def local_minute(instant: datetime | None) -> datetime | None:
    return None if instant is None else local(instant).replace(tzinfo=None)


def picture_url(key: str, size: str = "320.webp") -> str:
    return url_for("site_media.show_picture", key=key, name=size)
