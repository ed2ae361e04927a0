"""What is found first, by words, sound and in spite of typing errors; and what is never found."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, text

from app.core import search_words
from app.core.actor import PUBLIC, SYSTEM
from app.core.clock import local_day, utc_now
from app.models.searching import SearchDocument, SearchSynonym, SearchWord
from app.queries.publishing.searching import Narrowed, hot_words, search, suggest
from app.services.publishing.search_index import count_words, index_store, keep_synonyms, plain_text
from tests.search.corpus import CORPUS, NOTHING, QUERIES, SYNONYMS

PLACES = {"成都": (30.657, 104.08), "重庆": (29.56, 106.57)}


@pytest.fixture(scope="module")
def corpus(database, make):
    """The documents of the corpus alone; the worker's own stores wait outside."""
    merchant = make.merchant()
    with database.unit_of_work(SYSTEM) as session:
        session.execute(delete(SearchDocument))
        session.execute(delete(SearchSynonym))
        for number, (kind, title, city, category, body) in enumerate(CORPUS):
            lat, lng = PLACES.get(city, (None, None)) if kind == "store" else (None, None)
            session.add(
                SearchDocument(
                    kind=kind, subject_id=10**9 + number, merchant_id=merchant.id,
                    merchant_name="天府商贸", city=city, title=title, body=body,
                    url=f"/{kind}/{number}", sound=search_words.sound(title), lat=lat, lng=lng,
                    lexemes=search_words.lexemes_of(
                        title=title, about=("天府商贸", city, category), body=body),
                    published_at=utc_now() - timedelta(days=number),
                )
            )  # fmt: skip
        for words in SYNONYMS:
            keep_synonyms(session, synonym_id=None, words=words, actor=SYSTEM)
    yield merchant
    with database.unit_of_work(SYSTEM) as session:
        session.execute(delete(SearchDocument))
        session.execute(delete(SearchSynonym))


def find(database, typed, *, limit=10, place=None, **narrowed):
    with database.unit_of_work(PUBLIC) as session:
        return search(
            session,
            typed=typed,
            now=utc_now(),
            narrowed=Narrowed(**narrowed),
            limit=limit,
            place=place,
        )


@pytest.mark.parametrize(("typed", "title"), QUERIES)
def test_comes_first(corpus, database, typed, title):
    found = find(database, typed)
    assert [item.title for item in found.items[:1]] == [title], [i.title for i in found.items]


@pytest.mark.parametrize("typed", NOTHING)
def test_nothing_is_made_up(corpus, database, typed):
    assert not find(database, typed).items


@pytest.mark.parametrize(
    "typed",
    ["'", "a & !b | c:*", "(((", ":*", "\\", "'; DROP TABLE store; --", "😀", "%_", "   ",
     "火" * 5000, "a" * 5000, "<-> <2>", "春熙路:A & '", "\u200b", "١٢٣"],
)  # fmt: skip
def test_whatever_is_typed_is_only_words(corpus, database, typed):
    find(database, typed)
    with database.unit_of_work(PUBLIC) as session:
        suggest(session, typed=typed)


def test_facets_count_and_narrow(corpus, database):
    found = find(database, "店", limit=50)
    assert found.cities["成都"] == 6
    assert {item.city for item in find(database, "店", city="重庆").items} == {"重庆"}
    assert {item.type for item in find(database, "储值", kind="solution").items} == {"solution"}
    assert find(database, "店", merchant_id=corpus.id).total == found.total
    assert not find(database, "店", merchant_id=2**40).items


def test_the_nearer_of_two_comes_first(corpus, database):
    assert find(database, "步行街", place=PLACES["重庆"]).items[0].city == "重庆"
    far_off = find(database, "广场", place=PLACES["成都"]).items[0]
    assert far_off.title == "天府广场店"


def test_the_snippet_shows_why(corpus, database):
    [item] = find(database, "冷泡").items
    assert "冷泡" in item.snippet
    assert "冷泡" in item.marks


def test_suggestions_grow_with_what_is_typed(corpus, database):
    with database.unit_of_work(PUBLIC) as session:
        assert "春熙路旗舰店" in suggest(session, typed="春熙")
        assert "春熙路旗舰店" in suggest(session, typed="chunx")
        assert "沙坪坝三峡广场店" in suggest(session, typed="sp")
        assert not suggest(session, typed="")


def test_a_closed_store_is_not_found(corpus, database, make):
    store = make.store(name="玉林小酒馆独一店")
    with database.unit_of_work(SYSTEM) as session:
        index_store(session, store_id=store.id)
    assert [item.id for item in find(database, "玉林小酒馆").items] == [store.id]
    with database.unit_of_work(SYSTEM) as session:
        session.execute(text("UPDATE store SET status = 'closed' WHERE id = :id"), {"id": store.id})
        told = session.scalar(
            text("SELECT count(*) FROM outbox_message WHERE topic = :topic AND subject_id = :id"),
            {"topic": "store.changed", "id": store.id},
        )
        index_store(session, store_id=store.id)
    assert told == 2  # Made, and closed.
    assert not find(database, "玉林小酒馆").items


def test_words_are_counted_and_those_that_found_nothing_are_not_hot(database, corpus):
    today = local_day(utc_now())
    with database.unit_of_work(SYSTEM) as session:
        session.execute(delete(SearchWord))  # Other tests have looked for other things.
        count_words(session, day=today, asked=[("ＴＥＡ", True), ("tea", True), ("火星", False)])
        assert hot_words(session, today=today) == ["tea"]
        assert "火星" not in hot_words(session, today=today)


def test_without_trigrams_the_sound_still_finds(corpus, database, monkeypatch):
    monkeypatch.setattr("app.queries.publishing.searching._has_trigrams", lambda session: False)
    assert find(database, "春西路").items[0].title == "春熙路旗舰店"
    assert not find(database, "chunxlu").items


def test_a_text_is_read_without_its_tags():
    assert plain_text("<p>茶<b>叶</b></p><script>bad()</script>&amp; 水") == "茶 叶 & 水"
