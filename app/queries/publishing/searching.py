"""Searching what is public: relevance × freshness × nearness, with facets and snippets.

Candidates are found by title first and by anything after, a fixed number at most, so that a word
that stands everywhere costs as little as a rare one. When all words together find nothing, single
characters, then the sound, then trigrams of the sound, then any of the words are asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from app.core import search_words
from app.models.searching import SearchSynonym, SearchWord

KINDS = ("goods", "solution", "article", "store")
_CANDIDATES = 600
_SNIPPET = 80
_LEAST_SIMILAR = 0.5

_RANKED = """
    WITH found AS MATERIALIZED (
        SELECT id, kind, subject_id, merchant_id, merchant_name, city, title, body, url,
               {relevance} AS relevance, published_at, lat, lng
        FROM search_document
        WHERE id = ANY (ARRAY(
                SELECT id FROM search_document WHERE {first} AND {narrowed} LIMIT :candidates)
            || ARRAY(
                SELECT id FROM search_document WHERE {then} AND {narrowed} LIMIT :candidates))
    ), scored AS (
        SELECT *, relevance
            -- Half as fresh after two years; stores do not age.
            * (CASE WHEN kind = 'store' THEN 1.0 ELSE 0.6 + 0.4 * exp(-0.00095 *
                greatest(0, extract(epoch FROM cast(:now AS timestamptz) - published_at)) / 86400.0)
               END)
            -- Beside me counts half as much again; ten kilometres away a third of that.
            * (CASE WHEN cast(:lat AS float8) IS NULL OR lat IS NULL THEN 1.0 ELSE 1 + 0.5 / (1 +
                sqrt(power((lat - cast(:lat AS float8)) * 111.2, 2)
                   + power((lng - cast(:lng AS float8)) * 111.2 * cos(radians(:lat)), 2)) / 5.0)
               END) AS score
        FROM found
    )
    SELECT *, (SELECT m.key FROM content_item i JOIN media_file m
                  ON m.id = coalesce(i.cover_id, i.picture_ids[1])
                WHERE i.id = scored.subject_id AND scored.kind <> 'store') AS picture,
              (SELECT jsonb_object_agg(kind, n) FROM (
                   SELECT kind, count(*) AS n FROM found GROUP BY 1) k) AS kinds,
              (SELECT jsonb_object_agg(city, n) FROM (
                   SELECT city, count(*) AS n FROM found WHERE city <> '' GROUP BY 1
                   ORDER BY 2 DESC, 1 LIMIT 12) c) AS cities,
              (SELECT jsonb_object_agg(merchant_id || ' ' || merchant_name, n) FROM (
                   SELECT merchant_id, merchant_name, count(*) AS n FROM found GROUP BY 1, 2
                   ORDER BY 3 DESC, 1 LIMIT 12) m) AS merchants,
              (SELECT count(*) FROM found) AS total
    FROM scored ORDER BY score DESC, published_at DESC, id LIMIT :limit OFFSET :offset
"""
_NARROWED = (
    "(cast(:kind AS text) IS NULL OR kind = :kind)"
    " AND (cast(:city AS text) IS NULL OR city = :city)"
    " AND (cast(:merchant AS bigint) IS NULL OR merchant_id = :merchant)"
)
# A title that is the whole question comes first; shorter titles say more about the same words.
_BY_WORDS = (
    "(ts_rank('{0.15,0.12,0.35,1.0}', lexemes, cast(:query AS tsquery), 1)"
    " + CASE WHEN lower(title) = :typed THEN 2.0"
    " WHEN position(:typed IN lower(title)) > 0 THEN 0.6 ELSE 0 END)"
)
_MATCHES = "lexemes @@ cast(:query AS tsquery)"
_WORDS = text(
    _RANKED.format(
        relevance=_BY_WORDS,
        first="lexemes @@ cast(:title_query AS tsquery)",
        then=_MATCHES,
        narrowed=_NARROWED,
    )
)
_SOUND = text(
    _RANKED.format(
        relevance="word_similarity(:sound, sound)",
        first=":sound <% sound",
        then="false",
        narrowed=_NARROWED,
    )
)
_SUGGESTED = text("""
    SELECT title FROM (
        SELECT DISTINCT ON (title) title, ts_rank(lexemes, cast(:query AS tsquery)) AS rank
        FROM (SELECT title, lexemes FROM search_document
              WHERE lexemes @@ cast(:query AS tsquery) LIMIT 200) found
    ) titles ORDER BY position(:typed IN lower(title)) = 0, rank DESC, length(title), title
    LIMIT :limit
""")


@dataclass(frozen=True, kw_only=True)
class Narrowed:
    """What is left out: other kinds, cities, merchants. Empty means all."""

    kind: str | None = None
    city: str | None = None
    merchant_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """``snippet`` is plain text; ``marks`` are the words of it to be highlighted."""

    type: str
    id: int
    title: str
    snippet: str
    url: str
    city: str
    merchant: str
    score: float
    marks: Sequence[str]
    picture: str | None = None  # The key of the first picture.


@dataclass(frozen=True, kw_only=True)
class Results:
    """One page. ``total`` and the facets count candidates: ``many`` says that there are more."""

    items: Sequence[Found] = ()
    total: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    cities: Mapping[str, int] = field(default_factory=dict)
    merchants: Mapping[str, int] = field(default_factory=dict)
    guessed: bool = False  # Nothing has all that was typed; this sounds or looks like it.

    @property
    def many(self) -> bool:
        return self.total >= _CANDIDATES


def search(
    session: Session,
    *,
    typed: str,
    now: datetime,
    narrowed: Narrowed,
    limit: int,
    offset: int = 0,
    place: tuple[float, float] | None = None,
) -> Results:
    """What is public and has to do with what somebody typed. ``place``: latitude, longitude."""
    typed = search_words.normalise(typed)[: search_words.MOST_TYPED]
    words = search_words.cut_typed(typed)
    if not words:
        return Results()
    lat, lng = place or (None, None)
    given: dict[str, object] = {
        "typed": typed,
        "now": now,
        "lat": lat,
        "lng": lng,
        "kind": narrowed.kind,
        "city": narrowed.city or None,
        "merchant": narrowed.merchant_id,
        "candidates": _CANDIDATES,
        "limit": limit,
        "offset": offset,
    }
    groups = _with_synonyms(session, words)
    marks = _marks(groups)
    for number, (query, title_query) in enumerate(_tries(typed, groups)):
        rows = session.execute(_WORDS, {**given, "query": query, "title_query": title_query}).all()
        if rows:
            return _results(rows, marks, guessed=number > 1)
    return _guess(session, typed, groups, given, marks)


def suggest(session: Session, *, typed: str, limit: int = 8) -> list[str]:
    """Titles that what has been typed so far may become."""
    typed = search_words.normalise(typed)[: search_words.MOST_TYPED]
    words = search_words.cut_typed(typed)
    queries = [search_words.query_of([[word] for word in words])] if words else []
    queries += [query for query in (search_words.chars_query(typed),) if query]
    if not search_words.has_han(typed):
        queries.append(search_words.sound_query(typed))
    for query in filter(None, queries):
        found = session.scalars(_SUGGESTED, {"query": query, "typed": typed, "limit": limit}).all()
        if found:
            return list(found)
    return []


def hot_words(session: Session, *, today: date, limit: int = 8) -> list[str]:
    """What was looked for most in the last week, and found."""
    return list(
        session.scalars(
            select(SearchWord.word)
            .where(SearchWord.day > today - timedelta(days=7))
            .group_by(SearchWord.word)
            .having(func.sum(SearchWord.searches) > func.sum(SearchWord.found_none))
            .order_by(func.sum(SearchWord.searches).desc(), SearchWord.word)
            .limit(limit)
        )
    )


def _tries(typed: str, groups: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """Queries from the strictest on, each for anywhere and for the title."""
    found = [
        (search_words.query_of(groups), search_words.query_of(groups, title=True)),
    ]
    chars = search_words.chars_query(typed)
    if chars and len(typed) <= 6:
        found.append((chars, chars))
    spoken = search_words.sound_query(typed)
    if spoken:
        found.append((spoken, spoken))
    return found


def _guess(
    session: Session,
    typed: str,
    groups: Sequence[Sequence[str]],
    given: dict[str, object],
    marks: Sequence[str],
) -> Results:
    """What looks like it: by trigrams of its sound, else by any of the words."""
    spoken = search_words.sound(typed)
    if len(spoken) > 3 and len(typed) > 1 and _has_trigrams(session):
        session.execute(
            text("SELECT set_config('pg_trgm.word_similarity_threshold', :least, true)"),
            {"least": str(_LEAST_SIMILAR)},
        )
        rows = session.execute(_SOUND, {**given, "sound": spoken}).all()
        if rows:
            return _results(rows, marks, guessed=True)
    if len(groups) > 1:
        queries = {
            "query": search_words.query_of(groups, every=False),
            "title_query": search_words.query_of(groups, every=False, title=True),
        }
        rows = session.execute(_WORDS, {**given, **queries}).all()
        return _results(rows, marks, guessed=True)
    return Results()


def _has_trigrams(session: Session) -> bool:
    return session.scalar(text("SELECT to_regprocedure('word_similarity(text,text)')")) is not None


def _with_synonyms(session: Session, words: Sequence[str]) -> list[list[str]]:
    """Each word with all that means the same. A synonym of several words is left as its parts."""
    groups = [[word] for word in words]
    for same in session.scalars(select(SearchSynonym.words)):
        known = [search_words.normalise(word) for word in same]
        for group in groups:
            if group[0] in known:
                group += [word for word in known if word not in group]
    return groups


def _marks(groups: Sequence[Sequence[str]]) -> list[str]:
    return sorted({word for group in groups for word in group}, key=len, reverse=True)


def _results(rows: Sequence[Row[Any]], marks: Sequence[str], *, guessed: bool) -> Results:
    if not rows:
        return Results(guessed=guessed)
    return Results(
        items=[_found(row, marks) for row in rows],
        total=rows[0].total,
        kinds=rows[0].kinds or {},
        cities=rows[0].cities or {},
        merchants=rows[0].merchants or {},
        guessed=guessed,
    )


def _found(row: Row[Any], marks: Sequence[str]) -> Found:
    return Found(
        type=row.kind,
        id=row.subject_id,
        title=row.title,
        snippet=snippet_of(row.body, marks),
        url=row.url,
        city=row.city,
        merchant=row.merchant_name,
        score=round(float(row.score), 4),
        marks=marks,
        picture=row.picture,
    )


def snippet_of(body: str, marks: Sequence[str]) -> str:
    """Some eighty characters around the first word that was looked for; else the beginning."""
    low = body.lower()
    places = [at for at in (low.find(mark) for mark in marks) if at >= 0]
    begin = max(0, min(places) - 16) if places else 0
    cut = " ".join(body[begin : begin + _SNIPPET].split())
    return f"{'…' if begin else ''}{cut}{'…' if begin + _SNIPPET < len(body) else ''}"
