"""Visits: what is counted, what is not, and that the sums say exactly what was read."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM, Actor, Role, Scope
from app.core.clock import SHANGHAI, end_of_day, local_day, start_of_day, utc_now
from app.core.visits import Visit, kept_path, read_agent, read_source
from app.models.tenants import Merchant
from app.queries.publishing import traffic
from app.services.publishing.search_index import index_store
from app.services.publishing.traffic import forget_visits, keep_visits
from app.services.publishing.traffic_sums import fold_day

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; V2307A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
    " Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49.2600"
)
LAPTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36"
)
DAY = local_day(utc_now()) - timedelta(days=400)  # Nobody else's tests write there.


def at(hour: int, minute: int, day=DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def visit(when: datetime, path: str, address: str = "10.0.0.1", **more) -> Visit:
    return Visit(**{"at": when, "kind": "view", "face": "site", "path": path,
                    "address": address, "agent": LAPTOP, **more})  # fmt: skip


@pytest.fixture(scope="module")
def folded(database, make):
    """A day of three visitors, summed. The store's page is its merchant's."""
    store = make.store()
    page = f"/stores/{store.id}"
    with database.unit_of_work(SYSTEM) as session:
        index_store(session, store_id=store.id)
        keep_visits(
            session,
            own_host="kaquan.example",
            visits=[
                visit(at(9, 0), "/", referrer="https://www.baidu.com/s?wd=储值卡"),
                visit(at(9, 5), page, referrer="https://kaquan.example/"),
                visit(at(9, 6), page, kind="leave", seconds=60),
                visit(at(9, 50), "/goods"),  # Half an hour later: another visit.
                visit(at(9, 10), page, "10.0.0.2", agent=PHONE, campaign="spring"),
                visit(at(23, 59), "/", "10.0.0.3"),
                visit(
                    at(10, 0), "/", "10.0.0.4", agent="Mozilla/5.0 (compatible; Baiduspider/2.0)"
                ),
                visit(at(10, 0), "/", "10.0.0.4", agent="python-requests/2.32"),
                visit(at(10, 0), "/", "10.0.0.4", agent=""),
            ],
        )
    for _ in range(2):  # Summing again changes nothing.
        with database.unit_of_work(SYSTEM) as session:
            fold_day(session, day=DAY)
    return store, page


def test_the_day_is_summed_exactly(folded, database):
    with database.unit_of_work(SYSTEM) as session:
        sums = traffic.sum_all(session, first=DAY, last=DAY, merchant_id=None)
        hours = traffic.sum_by_hour(session, since=at(0, 0), merchant_id=None)
    assert (sums.views, sums.visitors, sums.visits, sums.bounces) == (5, 3, 4, 3)
    assert (sums.seconds, sums.entries, sums.exits) == (60, 4, 4)
    assert (hours[9], hours[23], hours[10]) == ((4, 2), (1, 1), (0, 0))


def test_each_dimension_adds_up(folded, database):
    _, page = folded
    with database.unit_of_work(SYSTEM) as session:

        def top(dimension):
            found = traffic.top(session, dimension=dimension, first=DAY, last=DAY, merchant_id=None)
            return {row.name: (row.views, row.visitors, row.visits) for row in found}

        assert top("path") == {page: (2, 2, 1), "/": (2, 2, 2), "/goods": (1, 1, 1)}
        assert top("device") == {"computer": (4, 2, 3), "phone": (1, 1, 1)}
        assert top("client") == {"Chrome": (4, 2, 3), "WeChat 8.0": (1, 1, 1)}
        assert top("source") == {"baidu": (1, 1, 1), "direct": (3, 3, 3)}
        assert top("keyword") == {"储值卡": (1, 1, 1)}
        assert top("campaign") == {"spring": (1, 1, 1)}


def test_a_merchant_sees_its_own_pages_and_nobody_elses(folded, database, make):
    store, _ = folded
    own = Actor(scope=Scope.merchant, merchant_id=store.merchant_id)
    with database.unit_of_work(own) as session:
        sums = traffic.sum_all(session, first=DAY, last=DAY, merchant_id=store.merchant_id)
        assert (sums.views, sums.visitors, sums.seconds) == (2, 2, 60)
        assert not traffic.sum_all(session, first=DAY, last=DAY, merchant_id=None).views
        assert not session.scalar(text("SELECT count(*) FROM page_view"))
    with database.unit_of_work(
        Actor(scope=Scope.merchant, merchant_id=make.merchant().id)
    ) as session:
        assert not traffic.sum_all(
            session, first=DAY, last=DAY, merchant_id=store.merchant_id
        ).views


def test_visitors_cannot_be_followed_and_old_days_go(folded, database):
    next_day = DAY + timedelta(days=1)
    with database.unit_of_work(SYSTEM) as session:
        keep_visits(session, own_host="", visits=[visit(at(9, 0, next_day), "/")])
        same = session.execute(
            text("SELECT count(DISTINCT visitor) FROM page_view WHERE path = '/'"
                 " AND viewed_at IN (:a, :b)"), {"a": at(9, 0), "b": at(9, 0, next_day)}
        ).scalar()  # fmt: skip
        kept = session.execute(text("SELECT * FROM page_view LIMIT 50")).mappings().all()
    assert same == 2
    assert not any("10.0.0." in str(value) for row in kept for value in row.values())
    with database.unit_of_work(SYSTEM) as session:
        assert forget_visits(session, now=utc_now()) >= 2
        assert not session.scalar(
            text("SELECT count(*) FROM page_view WHERE viewed_at < :day"),
            {"day": at(0, 0, DAY + timedelta(days=9))},
        )
        assert not session.scalar(
            text("SELECT count(*) FROM traffic_salt WHERE day < :day"),
            {"day": DAY + timedelta(days=9)},
        )
        assert traffic.sum_all(session, first=DAY, last=DAY, merchant_id=None).views == 5


@pytest.fixture
def written(app, database):
    """What the program has noted, written; the rows of one path."""

    def rows(path: str):
        app.extensions["kaquan_counter"].write()
        with database.unit_of_work(SYSTEM) as session:
            return session.execute(
                text("SELECT kind, face, seconds, campaign FROM page_view WHERE path = :path"),
                {"path": path},
            ).all()

    return rows


def send(app, path, **headers):
    return app.test_client().post(
        "/api/v1/page-views",
        json={
            "face": "site",
            "items": [{"path": path}, {"path": path, "kind": "leave", "seconds": 9}],
        },
        headers={"User-Agent": LAPTOP, **headers},
    )


def test_a_page_tells_of_its_visit(app, written):
    answer = send(app, "/articles/987001?utm=1")
    assert (answer.status_code, answer.json) == (202, {"accepted": 2})
    assert Counter(row.kind for row in written("/articles/987001")) == {"view": 1, "leave": 1}


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "https://evil.example"}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403),
     ({"DNT": "1"}, 202), ({"Sec-GPC": "1"}, 202)],
)  # fmt: skip
def test_forged_and_unwanted_visits_are_not_counted(app, written, headers, status):
    answer = send(app, "/articles/987002", **headers)
    assert answer.status_code == status
    assert not written("/articles/987002")


@pytest.mark.parametrize("path", ["x", "//evil", "/a b", "/<script>", "/../etc", "/" + "a" * 400])
def test_what_is_no_path_of_ours_is_refused(app, path):
    assert send(app, path).status_code == 422


def test_a_flood_is_told_to_wait(app):
    codes = Counter(
        app.test_client()
        .post("/api/v1/page-views", json={"items": [{"path": "/flood"}]},
              environ_base={"REMOTE_ADDR": "10.9.9.9"})
        .status_code
        for _ in range(90)
    )  # fmt: skip
    assert codes[429] > 10
    assert codes[202] >= 60


def test_a_scanned_voucher_counts_for_its_batch(database, make, keys):
    batch = make.batch()
    [code, *_] = make.vouchers(batch)
    now = utc_now()
    scans = [
        visit(now, "/v/", kind="scan", agent=PHONE, code_digests=tuple(keys.code_digests(c)))
        for c in (code, code, "A" * len(code))
    ]
    today = local_day(now)
    since, until = start_of_day(today), end_of_day(today)
    with database.unit_of_work(SYSTEM) as session:
        keep_visits(session, visits=scans, own_host="")
    with database.unit_of_work(SYSTEM) as session:
        fold_day(session, day=today)
        found = traffic.funnel(
            session, first=today, last=today, since=since, until=until, merchant_id=None
        )
    mine = [row for row in found if row.batch_no == batch.batch_no]
    assert [(row.scans, row.scanners, row.redeemed) for row in mine] == [(2, 1, 0)]


def test_opening_a_printed_code_is_a_scan_without_the_code(app, make, written):
    [code, *_] = make.vouchers()
    assert app.test_client().get(f"/v/{code}", headers={"User-Agent": PHONE}).status_code == 200
    assert "scan" in {row.kind for row in written("/v/")}
    assert not written(f"/v/{code}")


def test_searching_is_counted_by_words(app, database, written):
    app.test_client().get("/search?q=没有这样的东西呀", headers={"User-Agent": LAPTOP})
    app.test_client().get("/api/v1/search?q=没有这样的东西呀")
    written("/search")
    with database.unit_of_work(SYSTEM) as session:
        today = local_day(utc_now())
        words = traffic.searched_words(session, first=today, last=today, found_none=True, limit=500)
    assert [(w.searches, w.found_none) for w in words if w.word == "没有这样的东西呀"] == [(2, 2)]


def test_the_console_shows_and_exports_what_was_read(app, make, signed_in, written):
    """A merchant's own page: of all pages that other tests have read, twelve are shown."""
    store = make.store()
    page = f"/stores/{store.id}"
    with app.extensions["kaquan"].database.unit_of_work(SYSTEM) as session:
        index_store(session, store_id=store.id)  # Whose page it is, is looked up there.
        merchant = session.get_one(Merchant, store.merchant_id)
    send(app, page)
    assert written(page)
    today = local_day(utc_now())
    with app.extensions["kaquan"].database.unit_of_work(SYSTEM) as session:
        fold_day(session, day=today)
    browser = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    shown = browser.get("/console/traffic/")
    assert shown.status_code == 200
    assert page in shown.text
    sheet = browser.get("/console/traffic/export/?period=week")
    assert page in sheet.text
    assert browser.get("/console/traffic/figures/").json["charts"][0]["series"][0]["values"]


def test_synonyms_are_kept_by_the_console(make, signed_in):
    browser = signed_in(make.staff(Role.content_editor))
    assert browser.post("/console/search-words/add", {"words": "一个"}).status_code == 422
    done = browser.post(
        "/console/search-words/add", {"words": "番茄，西红柿"}, follow_redirects=True
    )
    assert "番茄、西红柿" in done.text


@pytest.mark.parametrize(
    ("referrer", "source"),
    [
        ("", ("direct", "")),
        ("https://www.baidu.com/link?url=x", ("baidu", "")),
        ("https://m.baidu.com/s?word=茶叶", ("baidu", "茶叶")),
        ("https://weixin.sogou.com/weixin?query=礼券", ("weixin.sogou", "礼券")),
        ("https://cn.bing.com/search?q=gift", ("bing", "gift")),
        ("https://www.google.com.hk/", ("google", "")),
        ("https://kaquan.example/x", ("own", "")),
        ("https://blog.example/x", ("blog.example", "")),
        ("http://[bad", ("direct", "")),
        ("https://notbaidu.com/?wd=x", ("notbaidu.com", "")),
    ],
)
def test_where_a_visit_came_from(referrer, source):
    assert read_source(referrer, own_host="kaquan.example") == source


def test_paths_are_kept_without_secrets():
    assert kept_path("/v/ABCD-EFGH") == "/v/"
    assert kept_path("/goods/3/?q=1#x") == "/goods/3"
    assert kept_path("javascript:alert(1)") is None


def test_wechat_is_told_from_chrome():
    assert (read_agent(PHONE).device, read_agent(PHONE).name) == ("phone", "WeChat 8.0")
    assert (read_agent(LAPTOP).device, read_agent(LAPTOP).name) == ("computer", "Chrome")


@pytest.mark.parametrize(
    ("looked_for", "keyword"),
    [("%00", ""), ("%00储%1f值", "储 值"), ("%ED%A0%80x", "\ufffd\ufffd\ufffdx")],
)
def test_a_visit_that_tells_of_what_no_text_holds_is_kept_without_it(
    app, database, looked_for, keyword
):
    path = f"/articles/{uuid4().hex}"
    item = {"path": path, "referrer": f"https://www.baidu.com/s?wd={looked_for}"}
    told = {"json": {"face": "site", "items": [item]}, "headers": {"User-Agent": LAPTOP}}
    assert app.test_client().post("/api/v1/page-views", **told).status_code == 202
    app.extensions["kaquan_counter"].write()
    kept = text("SELECT keyword FROM page_view WHERE path = :path")
    with database.unit_of_work(SYSTEM) as session:
        assert session.scalars(kept, {"path": path}).all() == [keyword]


def test_a_search_for_what_no_text_holds_is_counted_without_it(app, database):
    word = "无效字符检索"
    assert app.test_client().get("/search", query_string={"q": f"\0{word}\0"}).status_code == 200
    app.extensions["kaquan_counter"].write()
    with database.unit_of_work(SYSTEM) as session:
        assert session.scalar(
            text("SELECT searches FROM search_word WHERE word = :word"), {"word": word}
        )


def test_a_visit_that_cannot_be_kept_sinks_no_other(app, written):
    """A number that no column holds stands for whatever nobody has thought of yet."""
    path = f"/articles/{uuid4().hex}"
    counter = app.extensions["kaquan_counter"]
    for number in range(5):
        counter.note(visit(utc_now(), path, seconds=2**40 if number == 2 else 1))
    assert len(written(path)) == 4
