"""Lists: filters, periods, pages by key, totals, and words in the reader's language."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
from sqlalchemy import text
from werkzeug.datastructures import MultiDict

from app.core.actor import SYSTEM, Role
from app.core.clock import SHANGHAI, local_day, utc_now
from app.models import ledger
from app.models.sales import Payment, TopUpChannel
from app.models.tenants import Merchant
from app.views import labels
from app.views.filters import Period, read_period
from app.views.listing import LISTS
from app.views.records import PAGE
from tests.conftest import ROOT
from tests.trade import Trade

TODAY = date(2026, 11, 23)
ROW = re.compile(r"<tr>\s*<td.*?</tr>", re.DOTALL)


def rows_of(page: str) -> list[str]:
    return ROW.findall(page)


def read(**arguments: str) -> Period:
    return read_period(MultiDict(arguments), today=TODAY)


def test_named_periods_are_local_days_with_their_last_day_included():
    assert read(period="today") == Period(TODAY, TODAY)
    assert read(period="yesterday") == Period(TODAY - timedelta(1), TODAY - timedelta(1))
    assert read(period="month") == Period(date(2026, 11, 1), TODAY)
    assert read(period="last_month") == Period(date(2026, 10, 1), date(2026, 10, 31))
    assert read() == Period()
    both = read(**{"from": "2026-11-01", "to": "2026-11-02"})
    assert (both.since, both.until) == (read(**{"from": "2026-11-01"}).since,
                                        read(**{"from": "2026-11-03"}).since)  # fmt: skip
    assert both.since is not None
    assert both.since.tzinfo is SHANGHAI


@pytest.mark.parametrize("nonsense", ["", "2026-13-01", "yesterday", "0", "2026-11-1'--"])
def test_a_day_that_is_none_limits_nothing(nonsense):
    assert read(**{"from": nonsense}) == Period()


def test_a_reversed_period_is_put_right():
    assert read(**{"from": "2026-11-05", "to": "2026-11-02"}) == Period(
        date(2026, 11, 2), date(2026, 11, 5)
    )


@pytest.fixture
def busy(make, database, of_today):
    return of_today("busy", lambda: _pages_of_top_ups(make, database))


def _pages_of_top_ups(make, database):
    """A merchant with three pages of top-ups, one of them of yesterday's last second."""
    store = make.store()
    program = make.program(issuer=make.merchant(), accepted_by=[])
    with database.unit_of_work(SYSTEM) as session:
        session.execute(
            text(
                "INSERT INTO top_up (top_up_no, merchant_id, program_id, channel, status,"
                " amount_fen, created_at)"
                " SELECT 'TX' || :merchant || '-' || n, :merchant, :program, 'wechat',"
                "        CASE WHEN n % 3 = 0 THEN 'closed' ELSE 'pending' END, n, now()"
                " FROM generate_series(1, :count) n"
            ),
            {"merchant": program.merchant_id, "program": program.id, "count": 2 * PAGE + 10},
        )
        midnight = "date_trunc('day', now(), 'Asia/Shanghai')"
        session.execute(
            text(
                f"UPDATE top_up SET created_at = {midnight} - interval '1 millisecond'"
                " WHERE merchant_id = :merchant AND amount_fen = 7"
            ),
            {"merchant": program.merchant_id},
        )
    assert store.id
    return program.merchant_id


@pytest.fixture
def reader(busy, make, signed_in, database, of_today):
    def hire():
        with database.unit_of_work(SYSTEM) as session:
            merchant = session.get_one(Merchant, busy)
        return make.staff(Role.merchant_admin, merchant=merchant)

    return signed_in(of_today("reader of the busy one", hire))


def _amounts(page: str) -> list[str]:
    return [re.findall(r'<td class="money">([\d.,]+)</td>', row)[0] for row in rows_of(page)]


def test_pages_follow_each_other_and_come_back(reader):
    path, seen = "/console/top-ups/list/", []
    addresses = []
    while path:
        page = reader.get(path).text
        seen += _amounts(page)
        addresses.append(path)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(found.group(1)) if found else ""
    assert len(addresses) == 3
    assert len(seen) == len(set(seen)) == 2 * PAGE + 10
    back = unescape(re.search(r'href="([^"]+)" rel="prev"', page).group(1))
    assert _amounts(reader.get(back).text) == seen[PAGE : 2 * PAGE]
    first = unescape(re.search(r'href="([^"]+)" rel="prev"', reader.get(back).text).group(1))
    assert _amounts(reader.get(first).text) == seen[:PAGE]


def test_filters_narrow_the_list_and_can_be_taken_away(reader):
    page = reader.get("/console/top-ups/list/?status=closed&period=today").text
    assert len(rows_of(page)) == (2 * PAGE + 10) // 3
    chips = [unescape(u) for u in re.findall(r'class="chip" href="([^"]+)"', page)]
    assert chips == ["/console/top-ups/list/?status=closed", "/console/top-ups/list/?period=today"]


def test_the_last_second_of_a_day_belongs_to_it(reader):
    page = reader.get("/console/top-ups/list/?period=yesterday").text
    assert _amounts(page) == ["0.07"]
    day = local_day(utc_now()) - timedelta(days=1)
    same = reader.get(f"/console/top-ups/list/?from={day}&to={day}").text
    assert _amounts(same) == ["0.07"]


def test_totals_are_of_what_is_filtered(reader):
    page = reader.get("/console/top-ups/list/?status=closed").text
    url = unescape(re.search(r'data-totals="([^"]+)"', page).group(1))
    answer = reader.get(url).text
    closed = [n for n in range(1, 2 * PAGE + 11) if n % 3 == 0]
    assert f"<strong>{len(closed)}</strong>" in answer
    assert f"¥{sum(closed) / 100:.2f}" in answer


@pytest.mark.parametrize(
    "nonsense",
    [
        "status=nothing", "store_id=x", "store_id=99999999999999999999", "before=x", "after=-1",
        "q=%00", "q=%25%27", "q=%F0%9F%92%A9", "period=never", "status=closed%27--", "before=0",
        "to=9999-12-31", "from=9999-12-31&to=0001-01-01", "from=0001-01-01", "status=%00",
    ],
)  # fmt: skip
def test_nonsense_in_the_address_is_no_failure(reader, nonsense):
    assert reader.get(f"/console/top-ups/list/?{nonsense}").status_code == 200


@pytest.mark.parametrize(
    "path", ["entries/list/?kind", "postings/list/?account", "audit/list/?action"]
)
def test_no_choice_holds_a_nul(reader, path):
    answer = reader.get(f"/console/{path}=%00")
    assert answer.status_code == 200
    assert rows_of(answer.text) == []


def test_an_entry_is_told_and_found_by_the_number_of_what_it_books(make, database, signed_in):
    """``payment:1820:ended`` is a key for machines; people have a receipt with P2611… on it."""
    trade = Trade(make)
    pk = trade.pay(trade.store_one, trade.own, 12_00, principal=20_00)
    with database.unit_of_work(SYSTEM) as session:
        number = session.get_one(Payment, pk).payment_no
    browser = signed_in(make.staff(Role.platform_finance))
    [row] = rows_of(browser.get(f"/console/entries/list/?q={number}").text)
    assert number in row
    assert f'"/console/payments/show/{pk}"' in row
    assert "payment:" not in row
    entry = re.search(r"/console/entries/show/(\d+)", row).group(1)
    postings = browser.get(f"/console/postings/list/?merchant_id={trade.one.id}").text
    assert f'"/console/entries/show/{entry}"' in postings
    assert "payment:" not in rows_of(postings)[0]
    taken = browser.post(
        f"/console/entries/export/?q={number}", {"format": "csv"}, form="/console/entries/list/"
    )
    assert taken.status_code == 200
    assert number in taken.text
    assert "payment:" not in taken.text


def test_a_search_takes_its_signs_literally(reader):
    assert rows_of(reader.get("/console/top-ups/list/?q=TX%25").text) == []
    assert len(rows_of(reader.get("/console/top-ups/list/?q=TX").text)) == PAGE


def test_a_member_is_found_by_the_whole_phone_and_shown_masked(app, make, signed_in):
    phone = "13899990000"
    keys = app.extensions["kaquan"].keys
    other = make.member(nickname="别人")
    member = make.member(phone=phone, nickname="小周")
    with make.database.unit_of_work(SYSTEM) as session:  # The program under test has its own key.
        session.execute(
            text("UPDATE member SET phone_digest = :digest WHERE id = :id"),
            {"digest": keys.phone_digest(phone), "id": member.id},
        )
    browser = signed_in(make.staff())
    found = browser.post("/console/members/find/", {"phone": phone}, form="/console/members/list/")
    assert found.location == f"/console/members/show/{member.id}"
    page = browser.get(found.location).text
    assert "138****0000" in page
    assert phone not in page
    stranger = signed_in(make.staff(Role.merchant_admin, merchant=make.merchant()))
    for number in (phone, "13800000000", "", "💰"):
        answer = stranger.post(
            "/console/members/find/", {"phone": number}, form="/console/members/list/"
        )
        assert answer.location == "/console/members/list/"
    assert other.id != member.id


ENGLISH = re.compile(r"[A-Za-z]{3,}")
ALLOWED = re.compile(
    r"WeChat|English|PIN|Excel|xlsx|csv|CSV|TSV|ODS|JSON|[A-Z]{1,2}\d[\d-]*|TX[\d-]+|u\d+|m\d+|[a-z_-]+:[A-Za-z0-9:_-]+|platform"
)


def words_of(page: str) -> str:
    """What a reader sees of a page, without what is a name, a number or the language switch."""
    bare = re.sub(r"<(script|style|code)\b.*?</\1>", " ", page, flags=re.DOTALL)
    bare = re.sub(r'<td class="(?:code|detail|text)">.*?</td>', " ", bare, flags=re.DOTALL)
    # What is chosen by number, and what leads to a record, bears a name that somebody gave it.
    bare = re.sub(r'<a href="/console/[a-z-]+/show/\d+"[^>]*>.*?</a>', " ", bare, flags=re.DOTALL)
    bare = re.sub(r'<option value="\d+"[^>]*>.*?</option>', " ", bare)
    return ALLOWED.sub(" ", unescape(re.sub(r"<[^>]+>", " ", bare)))


def test_no_english_is_left_on_a_chinese_page(make, signed_in):
    store = make.store()
    make.card(principal_fen=5_00, channel=TopUpChannel.cash, store=store)
    make.vouchers(make.batch(quantity=1))
    browser = signed_in(make.staff())
    pages = [f"{view.route_base}/list/" for view in LISTS]
    pages += ["/console/", "/console/trial-balance/", "/console/rights/", "/console/password/"]
    for path in pages:
        left = ENGLISH.findall(words_of(browser.get(path).text))
        assert not left, (path, left[:8])


def test_every_action_that_is_audited_by_its_name_has_words():
    audited = re.compile(r'audit\(\s*\w+,\s*"([a-z_-]+\.[a-z_.-]+)"')
    found = {
        action
        for path in (ROOT / "app").rglob("*.py")
        for action in audited.findall(path.read_text())
    }
    assert len(found) > 60, "the way in which services write the audit log has changed"
    assert not found - set(labels.ACTIONS)


def test_every_column_state_and_account_has_a_name():
    for view in LISTS:
        for column in (*view.list_columns, *view.show_columns, *view.filter_columns, *view.sums):
            assert column in labels.COLUMNS, (view, column)
        for column in view.datamodel.obj.__table__.columns:
            states = getattr(column.type, "enum_class", None)
            for state in states or ():
                named = f"{states.__name__}.{state.name}" in labels.STATES
                assert named or state.name in labels.STATES or states is Role, state
    assert set(labels.ACCOUNTS) == set(ledger.ACCOUNTS)
    assert set(labels.ENTRY_KINDS) == set(ledger.ENTRY_KINDS)
