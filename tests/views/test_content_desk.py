"""The content desk, as editors and merchants use it: for whom, until when, sent back, compared."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.core.clock import local, utc_now
from app.models.base import OPERATOR_ID
from app.models.contents import ContentItem, ContentRight, ContentStatus
from app.services.publishing.content_rights import allow_merchants
from app.services.publishing.contents import publish_due
from app.services.publishing.media import DrawnPicture, add_media, new_key
from app.views.publishing import content_choices

NEW = "/console/content/new"


@pytest.fixture(scope="module")
def editor(signed_in, make):
    return signed_in(make.staff(Role.content_editor))


@pytest.fixture
def picture(database):
    def add(name: str, merchant_id: int = OPERATOR_ID) -> int:
        drawn = DrawnPicture(
            key=new_key(), name=name, extension="jpg", width=9, height=9, byte_count=9
        )
        with database.unit_of_work(SYSTEM) as session:
            return add_media(
                session, merchant_id=merchant_id, picture=drawn, alt="", actor=SYSTEM
            ).id

    return add


@pytest.fixture
def owner(make, signed_in, database):
    """The administrator of a merchant that may write, with its store."""
    merchant = make.merchant()
    store = make.store(merchant, name="会写字的店")
    staff = make.staff(Role.merchant_admin, merchant=merchant)
    with database.unit_of_work(SYSTEM) as session:
        allowed = {*session.scalars(select(ContentRight.merchant_id)), store.merchant_id}
        allow_merchants(session, merchant_ids=sorted(allowed), actor=SYSTEM, now=utc_now())
    return signed_in(staff), store


def written(browser, address: str = NEW, **fields) -> int:
    done = browser.post(address, {"title": "标题", "body_html": "<p>正文</p>", **fields})
    assert done.status_code == 302, done.text[-1500:]
    return int(done.location.rsplit("/", 1)[1])


def published(browser, pk: int) -> int:
    assert browser.post(f"/console/content/{pk}/plan").status_code == 302
    return pk


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


def test_the_platform_writes_goods_for_a_merchant_at_its_stores(app, editor, make):
    store, other = make.store(name="卖粽子的店"), make.store(name="别家的店")
    address = f"{NEW}?kind=goods&merchant={store.merchant_id}"
    form = editor.get(address).text
    assert "卖粽子的店" in form
    assert "别家的店" not in form, "the merchant's stores only"
    foreign = editor.post(address, {"title": "粽子", "store_ids": str(other.id)})
    assert foreign.status_code == 422
    pk = published(editor, written(editor, address, title="粽子", store_ids=str(store.id)))
    page = app.test_client().get(f"/goods/{pk}").text
    assert "测试商户 ·" in words_of(page)
    assert f'href="/stores/{store.id}"' in page
    nobody = editor.post(f"{NEW}?kind=goods&merchant=999999999", {"title": "没有这家商户"})
    assert nobody.status_code == 302, "an unknown merchant is not invented: it is the platform's"


def test_a_store_page_without_ticks_is_the_page_of_all_the_merchants_stores(app, editor, make):
    store, other = make.store(), make.store()
    address = f"{NEW}?kind=store&merchant={store.merchant_id}"
    published(editor, written(editor, address, body_html="<p>所有门店都供应早餐</p>"))
    visitor = app.test_client()
    assert "所有门店都供应早餐" in visitor.get(f"/stores/{store.id}").text
    assert "所有门店都供应早餐" not in visitor.get(f"/stores/{other.id}").text
    own = written(editor, address, body_html="<p>本店只做晚市</p>", store_ids=str(store.id))
    published(editor, own)
    assert "本店只做晚市" in visitor.get(f"/stores/{store.id}").text
    in_the_app = visitor.get(f"/api/v1/stores/{store.id}").json
    assert in_the_app["page"]["body_html"] == "<p>本店只做晚市</p>"
    assert visitor.get(f"/api/v1/stores/{other.id}").json["page"] is None


def test_a_merchant_that_may_not_write_reads_why_before_it_writes(signed_in, make):
    browser = signed_in(make.staff(Role.merchant_admin, merchant=make.merchant()))
    page = browser.get(NEW).text
    assert "请联系平台开通" in page
    assert "body_html" not in page


def test_what_is_public_can_be_given_an_end_and_the_clock_keeps_it(app, editor, database):
    pk = published(editor, written(editor))
    until = f"/console/content/{pk}/until"
    past = f"{local(utc_now() - timedelta(hours=1)):%Y-%m-%dT%H:%M}"
    assert editor.post(until, {"withdraw_at": past}).status_code == 422
    ends = utc_now() + timedelta(days=2)
    assert editor.post(until, {"withdraw_at": f"{local(ends):%Y-%m-%dT%H:%M}"}).status_code == 302
    shown = words_of(editor.get(f"/console/contents/show/{pk}").text)
    assert f"{local(ends):%Y-%m-%d %H:%M}" in shown
    with database.unit_of_work(SYSTEM) as session:
        session.get_one(ContentItem, pk).withdraw_at = utc_now() - timedelta(seconds=1)
    with database.unit_of_work(SYSTEM) as session:
        publish_due(session, now=utc_now())
        assert session.get_one(ContentItem, pk).status is ContentStatus.withdrawn
    assert app.test_client().get(f"/articles/{pk}").status_code == 404
    assert "到了设定的下架时间" in editor.get(f"/console/contents/show/{pk}").text
    assert editor.post(until, {"withdraw_at": ""}).status_code == 422, "it is not public any more"


def test_whoever_wrote_it_reads_why_it_was_sent_back_until_it_is_written_anew(owner, editor):
    browser, _ = owner
    pk = written(browser, f"{NEW}?kind=article")
    assert browser.post(f"/console/content/{pk}/submit").status_code == 302
    sent = editor.post(f"/console/content/{pk}/back", {"reason": "请补充价格"})
    assert sent.status_code == 302
    show = f"/console/contents/show/{pk}"
    assert "退回原因：请补充价格" in browser.get(show).text
    again = {"title": "补好了", "seen_no": "1", "body_html": "<p>28 元</p>"}
    assert browser.post(f"/console/content/{pk}/edit", again).status_code == 302
    assert "退回原因" not in browser.get(show).text


def test_versions_are_compared_by_names_and_by_looks(editor, make, picture):
    store = make.store(name="比较用的店")
    first, second = picture("第一张"), picture("第二张")
    address = f"{NEW}?kind=goods&merchant={store.merchant_id}"
    pk = written(editor, address, cover_id=str(first), body_html="<p>甲</p>")
    edit = f"/console/content/{pk}/edit"
    changed = {"title": "标题", "cover_id": str(second), "store_ids": str(store.id)}
    for no, body in enumerate(("<p>甲</p>", "<p><strong>甲</strong></p>"), 1):
        done = editor.post(edit, {**changed, "body_html": body, "seen_no": str(no)})
        assert done.status_code == 302
    compared = words_of(editor.get(f"/console/content-versions/{pk}?old=1&new=2").text)
    for name in ("第一张", "第二张", "比较用的店"):
        assert name in compared
    looks = words_of(editor.get(f"/console/content-versions/{pk}?old=2&new=3").text)
    assert "文字相同，图片、链接或格式有变化" in looks


def test_an_old_cover_stays_however_many_newer_pictures_there_are(editor, picture, monkeypatch):
    monkeypatch.setattr(content_choices, "_MOST_PICTURES", 1)
    old = picture("很早的封面")
    pk = written(editor, cover_id=str(old))
    picture("更新的一张")
    fields = {"title": "改了", "cover_id": str(old), "seen_no": "1", "body_html": "<p>x</p>"}
    assert editor.post(f"/console/content/{pk}/edit", fields).status_code == 302


def test_another_merchants_pictures_are_not_offered(editor, make, picture):
    theirs = picture("别家的图", make.store().merchant_id)
    form = editor.get(f"{NEW}?kind=goods&merchant={make.store().merchant_id}").text
    assert f'value="{theirs}"' not in form


@pytest.mark.parametrize(
    ("kind", "more", "stands_in"),
    [
        ("block", {"body_html": "<p>板块里的字</p>"}, "板块里的字"),
        ("banner", {"summary": "横幅里的字", "link_url": "/goods/"}, "横幅里的字"),
        ("page", {"body_html": "<p>页面里的字</p>"}, "页面里的字"),
        ("article", {"body_html": "<p>文章里的字</p>"}, "文章里的字"),
    ],
)
def test_each_kind_is_previewed_where_it_will_stand(app, editor, kind, more, stands_in):
    slug = {"slug": f"p{secrets.token_hex(8)}"} if kind == "page" else {}
    pk = written(editor, f"{NEW}?kind={kind}", **more, **slug)
    address = editor.get(f"/console/content/{pk}/look").location
    visitor = app.test_client()
    seen = visitor.get(address)
    assert stands_in in seen.text
    assert "预览：" in seen.text
    assert "visits.js" not in seen.text, "whoever previews is no visitor"
    assert seen.headers["Cache-Control"] == "no-store"
    if kind in {"block", "banner"}:
        assert stands_in not in visitor.get("/").text
        assert "怎么用" in seen.text, "it is the home page"


def test_a_store_page_is_previewed_on_the_page_of_its_store(app, editor, make):
    store = make.store(name="预览的店", address="科华北路 1 号")
    address = f"{NEW}?kind=store&merchant={store.merchant_id}"
    pk = written(editor, address, body_html="<p>三楼有包间</p>", store_ids=str(store.id))
    seen = app.test_client().get(editor.get(f"/console/content/{pk}/look").location).text
    assert "三楼有包间" in seen
    assert "科华北路 1 号" in seen


def test_a_block_stands_on_the_home_pages_of_site_and_app_with_its_text(app, editor):
    body = '<p style="text-align:center">首充满一百元送早餐券</p>'
    pk = written(editor, f"{NEW}?kind=block", title="新会员礼遇", body_html=body)
    visitor = app.test_client()
    assert str(pk) not in {one["id"] for one in visitor.get("/api/v1/blocks").json["items"]}
    published(editor, pk)
    arranged = editor.post("/console/content-order/?kind=block", {f"sort-{pk}": "0"})
    assert arranged.status_code == 302
    home = visitor.get("/")
    assert "首充满一百元送早餐券" in home.text
    assert "style-src-attr" in home.headers["Content-Security-Policy"]
    [block] = [one for one in visitor.get("/api/v1/blocks").json["items"] if one["id"] == str(pk)]
    assert "首充满一百元送早餐券" in block["body_html"]
    assert editor.post(f"/console/content/{pk}/withdraw", {"reason": "结束"}).status_code == 302
    assert "首充满一百元送早餐券" not in visitor.get("/").text


def test_the_order_goes_on_behind_the_first_page_and_each_page_is_saved_by_itself(
    database, editor, monkeypatch
):
    monkeypatch.setattr("app.views.publishing.content_order._MOST", 3)
    mine = {published(editor, written(editor, f"{NEW}?kind=solution")) for _ in range(4)}
    address, pages = "/console/content-order/?kind=solution", {}
    while address:
        page = editor.get(address).text
        for pk in re.findall(r'name="sort-(\d+)"', page):
            assert int(pk) not in pages, "nothing stands on two pages"
            pages[int(pk)] = address
        assert len(re.findall(r'name="sort-', page)) <= 3
        found = re.search(r'href="([^"]+)"[^>]*>下一页', page)
        address = unescape(found.group(1)) if found else ""
    assert mine <= pages.keys()
    last = min(mine)  # The oldest among equals stands behind the others.
    assert "after=" in pages[last]
    moved = editor.post(pages[last], {f"sort-{last}": "7"})
    assert moved.status_code == 302
    with database.unit_of_work(SYSTEM) as session:
        assert session.get_one(ContentItem, last).sort == 7
    beyond = editor.get("/console/content-order/?kind=solution&after=9999.1").text
    assert "后面已经没有内容了" in beyond
    assert editor.get("/console/content-order/?kind=solution&after=x.9").status_code == 200
