"""What editors write: cleaned on its way in, so that it is the same harmless text everywhere.

Console preview, public site and the members' rich text show exactly what ``clean`` lets through.
Pictures come from our own library only: what is pasted from elsewhere loses them.
"""

from __future__ import annotations

import html
import re

import nh3

MAX_HTML = 100_000  # Characters: some forty printed pages.
MEDIA_PATH = re.compile(r"/media/([A-Za-z0-9_-]{20,40})/(?:320|640|1280|full)\.(?:webp|jpg|png)")

_CELL = {"colspan", "rowspan", "style", "width"}
_TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "blockquote", "pre", "code", "div", "span"),
    *("strong", "b", "em", "i", "u", "s", "del", "sub", "sup", "mark"),
    *("ul", "ol", "li", "a", "img", "figure", "figcaption"),
    *("table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "*": {"style"},
    "a": {"href", "title", "target"},
    "img": {"src", "alt", "width", "height", "style"},
    "ol": {"start"},
    "td": _CELL,
    "th": {*_CELL, "scope"},
    "col": {"width", "span"},
    "table": {"style", "width"},
}
# Nothing here loads anything, covers the page or leaves its place.
_STYLES = {
    *("text-align", "text-indent", "text-decoration", "line-height", "padding-left"),
    *("color", "background-color", "font-weight", "font-style", "font-size"),
    *("width", "height", "vertical-align", "border-collapse", "white-space"),
}
_DROPPED_WHOLE = {"script", "style", "template", "title", "noscript", "iframe", "svg", "math"}
_LINKS = ("/", "https://", "http://", "tel:", "mailto:", "#")
_H1 = re.compile(r"<(/?)h1\b", re.IGNORECASE)
_LOST_PICTURE = re.compile(r"<img(?![^>]*\ssrc=)[^>]*>")
_EMPTY = re.compile(r"<p>(?:\s|&nbsp;|<br>)*</p>\s*")
_BLOCK_END = re.compile(r"</(?:p|h[2-5]|li|tr|div|blockquote|pre|figcaption)>|<br>|<hr>")
_CELL_END = re.compile(r"</t[dh]>")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def clean(typed: str) -> str:
    """The harmless part of what was typed or pasted; cleaning it again changes nothing.

    A page has one title of its own, so that the first heading becomes a second one.
    """
    cleaned = nh3.clean(
        _H1.sub(r"<\1h2", _CONTROLS.sub("", typed)),
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "tel", "mailto"},
        link_rel="noopener noreferrer",
        strip_comments=True,
    )
    kept = _LOST_PICTURE.sub("", cleaned).strip()
    return "" if not _EMPTY.sub("", kept) else kept


def plain_text(cleaned: str) -> str:
    """The words alone, a line for each paragraph, list item and row of a table."""
    marked = _CELL_END.sub("\t", _BLOCK_END.sub("\n", cleaned))
    text = html.unescape(nh3.clean(marked, tags=set()))
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def media_keys(cleaned: str) -> set[str]:
    """The pictures of the library that stand in it."""
    return set(MEDIA_PATH.findall(cleaned))


def is_link(address: str) -> bool:
    """Whether a link may lead there: a page of ours, or one of the web."""
    return address.startswith(_LINKS) and not address.startswith(("//", "/\\"))


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if MEDIA_PATH.fullmatch(value) else None
    if tag == "a" and name == "href":
        return value if is_link(value.strip()) else None
    if tag == "a" and name == "target":
        return value if value == "_blank" else None
    return value
