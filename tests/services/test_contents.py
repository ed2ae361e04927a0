"""Content: versions are kept, only what was published is public, and the clock does its part."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core.actor import PUBLIC, SYSTEM, Actor, Role, Scope
from app.core.clock import utc_now
from app.models.base import OPERATOR_ID
from app.models.contents import ContentItem, ContentKind, ContentStatus, ContentVersion
from app.models.plumbing import OutboxMessage
from app.queries.publishing.contents import (
    find_content,
    find_page_version,
    list_contents,
    list_page_versions,
)
from app.services.publishing import contents, media
from app.services.publishing.content_refusals import (
    ContentChangedMeanwhile,
    ContentNotYours,
    ContentStateWrong,
    ContentTimeWrong,
)
from app.services.publishing.content_rights import allow_merchants
from app.services.publishing.content_words import Words
from app.services.publishing.media import DrawnPicture, MediaInUse, MediaQuotaFull

NOW = utc_now()


@pytest.fixture
def editor(make):
    return make.actor(make.staff(Role.content_editor))


@pytest.fixture
def unit(database):
    def work(effect, actor=SYSTEM):
        with database.unit_of_work(actor) as session:
            return effect(session)

    return work


@pytest.fixture
def write(unit, editor):
    """``write(title="…")``: a draft of the platform's."""

    def writing(kind=ContentKind.article, merchant_id=OPERATOR_ID, slug=None, **words):
        typed = Words(**{"title": "标题", "body_html": "<p>正文</p>", **words})
        return unit(
            lambda session: contents.create_content(
                session, merchant_id=merchant_id, kind=kind, words=typed, actor=editor, slug=slug
            )
        ).id

    return writing


def publish(unit, editor, pk, *, at=None, until=None):
    return unit(
        lambda session: contents.plan_content(
            session, item_id=pk, publish_at=at, withdraw_at=until, actor=editor, now=utc_now()
        )
    )


def save(unit, editor, pk, seen_no, **words):
    typed = Words(**{"title": "标题", **words})
    return unit(
        lambda session: contents.save_content(
            session, item_id=pk, words=typed, seen_no=seen_no, actor=editor, now=utc_now()
        )
    )


def public(unit, pk, kind=ContentKind.article):
    return unit(lambda session: find_content(session, kind=kind, content_id=pk), actor=PUBLIC)


def test_a_draft_is_nobodys_and_what_is_published_is_everybodys(unit, editor, write):
    pk = write(title="只有发布才公开")
    assert public(unit, pk) is None
    raw = unit(lambda session: session.get(ContentItem, pk), actor=PUBLIC)
    assert raw is None, "the wall, and not only the query, hides it"
    publish(unit, editor, pk)
    assert public(unit, pk).title == "只有发布才公开"
    told = select(func.count()).where(
        OutboxMessage.topic == "content.published", OutboxMessage.subject_id == pk
    )
    assert unit(lambda session: session.scalar(told)) == 1


def test_what_is_public_stays_until_the_new_version_is_published(unit, editor, write):
    pk = write(body_html="<p>一</p>")
    publish(unit, editor, pk)
    saved = save(unit, editor, pk, 1, body_html="<p>二</p>")
    assert contents.stage_of(saved) == "draft"
    assert public(unit, pk).body_html == "<p>一</p>"
    publish(unit, editor, pk)
    assert public(unit, pk).body_html == "<p>二</p>"


def test_two_who_write_at_once_lose_nothing(unit, editor, write):
    pk = write()
    save(unit, editor, pk, 1, title="甲")
    with pytest.raises(ContentChangedMeanwhile):
        save(unit, editor, pk, 1, title="乙")
    titles = select(ContentVersion.title).where(ContentVersion.item_id == pk)
    assert set(unit(lambda s: s.scalars(titles).all())) == {"标题", "甲"}


def test_an_older_version_comes_back_as_the_newest(unit, editor, write):
    pk = write(title="旧", body_html="<p>旧文</p>")
    save(unit, editor, pk, 1, title="新", body_html="<p>新文</p>")
    back = unit(
        lambda session: contents.restore_version(
            session, item_id=pk, version_no=1, actor=editor, now=utc_now()
        )
    )
    assert (back.title, back.head_no, back.body_html) == ("旧", 3, "<p>旧文</p>")
    kept = unit(lambda s: contents.find_version(s, item_id=pk, version_no=3))
    assert kept.restored_from_no == 1


def test_the_clock_publishes_and_withdraws(unit, editor, write):
    pk = write()
    start, end = utc_now() + timedelta(minutes=5), utc_now() + timedelta(minutes=9)
    publish(unit, editor, pk, at=start, until=end)
    due = lambda now: unit(lambda session: contents.publish_due(session, now=now))  # noqa: E731
    due(start - timedelta(seconds=1))
    assert public(unit, pk) is None
    due(start)
    assert public(unit, pk) is not None
    due(end)
    assert public(unit, pk) is None
    item = unit(lambda session: session.get_one(ContentItem, pk))
    assert item.status is ContentStatus.withdrawn
    assert due(end + timedelta(days=1)) == 0


def test_times_in_the_past_and_ends_before_beginnings_are_refused(unit, editor, write):
    pk = write()
    now = utc_now()
    for at, until in ((now - timedelta(minutes=1), None), (None, now - timedelta(minutes=1)),
                      (now + timedelta(hours=2), now + timedelta(hours=1))):  # fmt: skip
        with pytest.raises(ContentTimeWrong):
            publish(unit, editor, pk, at=at, until=until)


def test_steps_out_of_turn_are_refused(unit, editor, write):
    pk = write()
    for step in (
        lambda s: contents.send_back(s, item_id=pk, reason="x", actor=editor),
        lambda s: contents.withdraw_content(s, item_id=pk, reason="x", actor=editor, now=NOW),
    ):
        with pytest.raises(ContentStateWrong):
            unit(step)
    publish(unit, editor, pk)
    with pytest.raises(ContentStateWrong):
        publish(unit, editor, pk)


def test_a_merchant_writes_its_own_once_the_platform_allows_it(unit, make, editor):
    merchant, other = make.merchant(), make.merchant()
    owner = make.actor(make.staff(Role.merchant_admin, merchant=merchant))

    def begin(merchant_id, kind=ContentKind.goods):
        words = Words(title="自家商品", price_fen=1000)
        return unit(
            lambda session: contents.create_content(
                session, merchant_id=merchant_id, kind=kind, words=words, actor=owner
            )
        )

    with pytest.raises(ContentNotYours):
        begin(merchant.id)
    unit(
        lambda session: allow_merchants(
            session, merchant_ids=[merchant.id, other.id], actor=editor, now=NOW
        )
    )
    made = begin(merchant.id)
    for foreign in (other.id, OPERATOR_ID):
        with pytest.raises(ContentNotYours):
            begin(foreign)
    with pytest.raises(ContentNotYours):
        begin(merchant.id, ContentKind.banner)
    stranger = make.actor(make.staff(Role.merchant_admin, merchant=other))
    assert unit(lambda s: s.get(ContentItem, made.id), actor=stranger) is None
    assert unit(lambda s: s.get(ContentItem, made.id), actor=owner) is not None


def test_former_versions_of_a_page_stay_readable_and_drafts_do_not(unit, editor, write):
    pk = write(ContentKind.page, slug="terms-test", body_html="<p>一</p>")
    publish(unit, editor, pk)
    save(unit, editor, pk, 1, body_html="<p>二</p>")
    save(unit, editor, pk, 2, body_html="<p>三</p>")
    publish(unit, editor, pk)

    def read(session):
        listed = [one.version_no for one in list_page_versions(session, item_id=pk)]
        texts = [find_page_version(session, item_id=pk, version_no=no) for no in (1, 2, 3)]
        return listed, [text and text[1] for text in texts]

    assert unit(read, actor=PUBLIC) == ([3, 1], ["<p>一</p>", None, "<p>三</p>"])


def test_lists_page_by_place_and_then_the_newest_first(unit, editor, write):
    category = "排序测试"
    pks = [write(category=category, title=str(n)) for n in range(4)]
    for pk in pks:
        publish(unit, editor, pk)
    unit(lambda s: contents.arrange_contents(s, order={pks[0]: 1}, actor=editor))
    seen, after = [], None
    while True:
        found, after = unit(
            lambda s, after=after: list_contents(
                s, kind=ContentKind.article, limit=2, category=category, after=after
            ),
            actor=PUBLIC,
        )
        seen += [one.id for one in found]
        if after is None:
            break
    assert seen == [pks[0], pks[3], pks[2], pks[1]]


def _picture(byte_count=1000):
    key = media.new_key()
    return DrawnPicture(
        key=key, name="a.jpg", extension="jpg", width=10, height=10, byte_count=byte_count
    )


def test_a_picture_in_use_stays_and_a_full_library_takes_no_more(unit, make, write, editor):
    merchant = make.merchant()
    actor = Actor(scope=Scope.system)

    def take(byte_count):
        return unit(
            lambda s: media.add_media(
                s, merchant_id=merchant.id, picture=_picture(byte_count), alt="", actor=actor
            )
        )

    kept = take(199_999_000)
    with pytest.raises(MediaQuotaFull):
        take(2_000)
    body = f'<p><img src="/media/{kept.key}/640.webp"></p>'
    pk = write(ContentKind.goods, merchant_id=merchant.id, body_html=body)
    save(unit, editor, pk, 1, body_html="<p>没有图了</p>")
    with pytest.raises(MediaInUse):
        unit(lambda s: media.delete_media(s, media_id=kept.id, actor=actor))
    assert unit(lambda s: media.delete_media(s, media_id=take(500).id, actor=actor))
