"""The words of content: what its writer typed, kept clean and within its measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from app.core import rich_text
from app.core.errors import N_, Category, DomainError
from app.models.contents import ContentItem, ContentVersion

MAX_TITLE, MAX_SUMMARY = 80, 300
MAX_PICTURES = 9


class ContentTextTooLong(DomainError):
    code = "content_text_too_long"
    category = Category.INVALID
    template = N_("The text is too long: at most %(most)s characters. Please divide it.")


class ContentLinkWrong(DomainError):
    code = "content_link_wrong"
    category = Category.INVALID
    template = N_("Please give a page of this site (/goods/12) or an address with https://.")


class ContentPicturesTooMany(DomainError):
    code = "content_pictures_too_many"
    category = Category.INVALID
    template = N_("At most %(most)s more pictures, please. Take some away.")


@dataclass(frozen=True, kw_only=True)
class Words:
    """What people write of an item; ``body_html`` as it was typed."""

    title: str
    summary: str = ""
    body_html: str = ""
    category: str = ""
    city: str = ""
    price_fen: int | None = None
    link_url: str = ""
    store_ids: Sequence[int] = ()
    cover_id: int | None = None
    picture_ids: Sequence[int] = ()


def words_of(kept: ContentItem | ContentVersion) -> Words:
    """The words of an item or a version."""
    return Words(
        title=kept.title,
        summary=kept.summary,
        body_html=kept.body_html,
        category=kept.category,
        city=kept.city,
        price_fen=kept.price_fen,
        link_url=kept.link_url,
        store_ids=tuple(kept.store_ids),
        cover_id=kept.cover_id,
        picture_ids=tuple(kept.picture_ids),
    )


def columns_of(words: Words) -> dict[str, object]:
    """As the columns of an item or a version."""
    lists = {"store_ids": list(words.store_ids), "picture_ids": list(words.picture_ids)}
    return {**asdict(words), **lists}


def cleaned(words: Words) -> Words:
    """Without scripts and strange styles, titles cut to their length, each picture once.

    Raises:
        ContentTextTooLong, ContentLinkWrong, ContentPicturesTooMany
    """
    picture_ids = tuple(dict.fromkeys(pk for pk in words.picture_ids if pk != words.cover_id))
    if len(picture_ids) > MAX_PICTURES:
        raise ContentPicturesTooMany(most=MAX_PICTURES)
    if len(words.body_html) > rich_text.MAX_HTML:
        raise ContentTextTooLong(most=rich_text.MAX_HTML)
    if words.link_url and not rich_text.is_link(words.link_url):
        raise ContentLinkWrong
    return replace(
        words,
        title=words.title[:MAX_TITLE],
        summary=words.summary[:MAX_SUMMARY],
        body_html=rich_text.clean(words.body_html),
        picture_ids=picture_ids,
    )
