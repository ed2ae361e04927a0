"""The search index: one document for each store that trades and each published item of content."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import search_words
from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.core.search_words import Spell
from app.models.base import OPERATOR_ID
from app.models.contents import ContentItem, ContentKind, ContentStatus
from app.models.searching import SearchDocument, SearchSynonym, SearchWord
from app.models.tenants import Merchant, MerchantStatus, Store, StoreStatus
from app.services import journal

_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_MOST_BODY = 20_000
_LONGEST_WORD = 20
_NEWS = timedelta(days=1)
_MOST_WORDS = 20
# Where each kind is read. What is not here is found by nobody: banners, blocks, legal pages.
_URLS: Mapping[ContentKind, tuple[str, str]] = {
    ContentKind.goods: ("goods", "/goods/{id}"),
    ContentKind.solution: ("solution", "/solutions/{id}"),
    ContentKind.article: ("article", "/articles/{id}"),
}


class SynonymsInvalid(DomainError):
    code = "synonyms_invalid"
    category = Category.INVALID
    template = N_("Please give two to twenty different words, none longer than twenty characters.")


def index_store(session: Session, *, store_id: int, spell: Spell = search_words.spell) -> None:
    """Bring the document of one store up to date; a store that does not trade has none.

    Two turns at once agree: the later one waits on the store, and reads what holds then.
    """
    row = session.execute(
        select(Store, Merchant)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(Store.id == store_id)
        .with_for_update(of=Store, key_share=True)
    ).one_or_none()
    if row is None:
        return
    store, merchant = row
    if store.status is not StoreStatus.open or merchant.status is not MerchantStatus.active:
        _take_out(session, kind="store", subject_id=store_id)
        return
    _put(
        session,
        spell,
        kind="store",
        subject_id=store.id,
        merchant=merchant,
        title=store.name,
        about=(merchant.name, store.city, store.address),
        body=f"{merchant.name} {store.city} {store.address}".strip(),
        city=store.city,
        url=f"/stores/{store.id}",
        lat=store.lat,
        lng=store.lng,
        published_at=store.created_at,
    )


def index_content(
    session: Session, *, item_id: int, spell: Spell = search_words.spell
) -> str | None:
    """Bring the document of one item up to date; what is not published has none.

    Returns:
        Where it is read; None when it is not.
    """
    row = session.execute(
        select(ContentItem, Merchant)
        .join(Merchant, Merchant.id == ContentItem.merchant_id)
        .where(ContentItem.id == item_id)
        .with_for_update(of=ContentItem, key_share=True)
    ).one_or_none()
    if row is None or row[0].kind not in _URLS:
        return None
    item, merchant = row
    kind, url = _URLS[item.kind]
    if item.status is not ContentStatus.published or merchant.status is not MerchantStatus.active:
        _take_out(session, kind=kind, subject_id=item_id)
        return None
    body = " ".join([item.summary, plain_text(item.body_html)]).strip()
    _put(
        session,
        spell,
        kind=kind,
        subject_id=item.id,
        merchant=merchant,
        title=item.title,
        about=(merchant.name if merchant.id != OPERATOR_ID else "", item.city, item.category),
        body=body,
        city=item.city,
        url=url.format(id=item.id),
        lat=None,
        lng=None,
        published_at=item.published_at,
    )
    return url.format(id=item.id)


def offer_to_engines(session: Session, *, item_id: int, now: datetime) -> None:
    """Have engines told of an item that was published just now: not again with a new index."""
    changed = select(ContentItem.merchant_id).where(
        ContentItem.id == item_id, ContentItem.updated_at > now - _NEWS
    )
    merchant_id = session.scalar(changed)
    if merchant_id is not None:
        journal.send_later(session, "content.indexed", subject_id=item_id, merchant_id=merchant_id)


def address_of(session: Session, *, item_id: int) -> str | None:
    """Where an item is read, as a path of ours; None for what is not public."""
    return session.scalar(
        select(SearchDocument.url).where(
            SearchDocument.subject_id == item_id, SearchDocument.kind != "store"
        )
    )


def plain_text(body_html: str) -> str:
    """What people read of a text, without its tags."""
    return " ".join(html.unescape(_TAG.sub(" ", body_html)).split())[:_MOST_BODY]


def rebuild_index(session: Session) -> int:
    """Ask for every store and every published item to be indexed anew. Returns how many."""
    told: int = session.scalars(
        text("""
            WITH told AS (
                INSERT INTO outbox_message (topic, subject_id, merchant_id)
                SELECT 'store.changed', id, merchant_id FROM store
                UNION ALL SELECT 'content.published', id, merchant_id FROM content_item
                RETURNING 1
            ) SELECT count(*) FROM told
        """)
    ).one()
    return told


def count_words(session: Session, *, day: date, asked: Sequence[tuple[str, bool]]) -> None:
    """Add to what was looked for on that day: the words, and whether something was found."""
    sums: dict[str, list[int]] = {}
    for typed, found in asked:
        word = search_words.normalise(typed)[:_LONGEST_WORD]
        if word:
            kept = sums.setdefault(word, [0, 0])
            kept[0] += 1
            kept[1] += not found
    for word, (searches, none) in sorted(sums.items()):
        new = insert(SearchWord).values(day=day, word=word, searches=searches, found_none=none)
        session.execute(
            new.on_conflict_do_update(
                index_elements=["day", "word"],
                set_={
                    "searches": SearchWord.searches + new.excluded.searches,
                    "found_none": SearchWord.found_none + new.excluded.found_none,
                },
            )
        )


def keep_synonyms(
    session: Session, *, synonym_id: int | None, words: Sequence[str], actor: Actor
) -> SearchSynonym:
    """Keep a group of words that mean the same; an existing one is replaced.

    Raises:
        SynonymsInvalid
    """
    kept = list(dict.fromkeys(search_words.normalise(word) for word in words if word.strip()))
    if not 2 <= len(kept) <= _MOST_WORDS or any(len(word) > _LONGEST_WORD for word in kept):
        raise SynonymsInvalid
    group = None if synonym_id is None else session.get(SearchSynonym, synonym_id)
    if group is None:
        group = SearchSynonym(words=kept)
        session.add(group)
    group.words = kept
    session.flush()
    journal.audit(
        session, "search.synonyms_kept", actor=actor, subject_id=group.id, detail={"words": kept}
    )
    return group


def drop_synonyms(session: Session, *, synonym_id: int, actor: Actor) -> None:
    """Let the words of a group be different ones again."""
    session.execute(delete(SearchSynonym).where(SearchSynonym.id == synonym_id))
    journal.audit(session, "search.synonyms_dropped", actor=actor, subject_id=synonym_id)


def _put(
    session: Session,
    spell: Spell,
    *,
    kind: str,
    subject_id: int,
    merchant: Merchant,
    title: str,
    about: Sequence[str],
    body: str,
    **values: object,
) -> None:
    spelling = spell(title=title, about=about, body=body)
    row = {
        "merchant_id": merchant.id,
        "merchant_name": merchant.name,
        "title": title,
        "body": body[:_MOST_BODY],
        "sound": spelling.sound[:400],
        "lexemes": spelling.lexemes,
        "indexed_at": func.now(),
        **values,
    }
    new = insert(SearchDocument).values(kind=kind, subject_id=subject_id, **row)
    session.execute(new.on_conflict_do_update(index_elements=["kind", "subject_id"], set_=row))


def _take_out(session: Session, *, kind: str, subject_id: int) -> None:
    session.execute(
        delete(SearchDocument).where(
            SearchDocument.kind == kind, SearchDocument.subject_id == subject_id
        )
    )
