"""Exports: what is filtered, to the fen; only to who asked; nothing that a sheet would run."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from datetime import timedelta
from html import unescape
from urllib.parse import unquote

import openpyxl
import psycopg
import pytest
import tablib

from app.core.actor import SYSTEM, Role
from app.core.clock import local_day, utc_now
from app.flows import exporting
from app.models.exports import ExportFile, ExportStatus
from app.models.people import StaffStatus
from app.models.plumbing import AuditRecord
from app.models.sales import TopUpChannel
from app.services import exports as export_services
from app.views import roles
from app.views.records import Records
from tests.books import balance_fen

LIST = "/console/top-ups/list/"


@pytest.fixture
def superuser(test_database):
    with psycopg.connect(test_database.superuser_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def till(make, of_today):
    return of_today("till", lambda: _cash_taken(make))


def _cash_taken(make):
    """A store that has taken cash for three members' cards, of its own program."""
    store = make.store(name="账上门店")
    program = make.program(issuer=make.merchant(), accepted_by=[])
    for fen in (12_34, 5_00, 100_00):
        make.card(make.member(), program, principal_fen=fen, channel=TopUpChannel.cash, store=store)
    return store


@pytest.fixture
def manager(till, make, signed_in):
    return signed_in(make.staff(Role.store_manager, till))


@pytest.fixture
def context(app):
    return app.extensions["kaquan"]


def export(browser, query: str = "", **fields: str):
    form = {"format": "xlsx", **fields}
    return browser.post(f"/console/top-ups/export/?{query}", form, form=LIST)


def sheet(answer):
    assert answer.status_code == 200, answer.text
    return list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))


def test_the_sheets_total_is_the_screens_and_the_ledgers(manager, till, database):
    rows = sheet(export(manager, "channel=cash&period=today"))
    amount = rows[0].index("金额")
    assert [row[amount] for row in rows[1:]] == [100, 5, 12.34, 117.34]
    assert rows[-1][0] == "合计 3 行"
    url = re.search(r'data-totals="([^"]+)"', manager.get(f"{LIST}?channel=cash&period=today").text)
    assert "¥117.34" in manager.get(unescape(url.group(1))).text
    with database.unit_of_work(SYSTEM) as session:
        assert balance_fen(session, "cash:store", store_id=till.id) == 117_34


def test_a_filter_of_a_page_is_the_filter_of_its_file(manager):
    assert len(sheet(export(manager, "channel=wechat"))) == 2
    yesterday = local_day(utc_now()) - timedelta(days=1)
    assert len(sheet(export(manager, f"to={yesterday}"))) == 2
    assert len(sheet(export(manager, "status=nonsense"))) == 2
    assert len(sheet(export(manager))) == 5


def test_a_file_is_named_by_what_it_holds(manager):
    answer = export(manager, "from=2026-10-01&to=2026-10-31&channel=cash", format="csv")
    name = re.search(r"filename\*=UTF-8''(\S+)", answer.headers["Content-Disposition"])
    assert unquote(name.group(1)) == "充值记录_2026-10-01_2026-10-31_现金.csv"


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_a_text_file_is_marked_for_excel_and_says_the_same(manager, kind):
    content = export(manager, format=kind).data
    assert content.startswith(b"\xef\xbb\xbf")
    delimiter = "," if kind == "csv" else "\t"
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=delimiter))
    assert rows[-1][rows[0].index("金额")] == "117.34"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", rows[1][rows[0].index("创建时间")])


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1+1", "@1", "\t=1", "\r=1", " =1", "＝1", "'=1"])
@pytest.mark.parametrize("kind", ["xlsx", "csv", "ods"])
def test_no_cell_starts_a_formula(make, signed_in, superuser, start, kind):
    merchant = make.merchant()
    browser = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    superuser.execute("UPDATE merchant SET name = %s WHERE id = %s", (start, merchant.id))
    answer = browser.post("/console/staff/export/", {"format": kind}, form="/console/staff/list/")
    if kind == "xlsx":
        rows = [[str(cell or "") for cell in row] for row in sheet(answer)]
    elif kind == "csv":
        rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    else:
        rows = [[str(c or "") for c in row] for row in tablib.Dataset().load(answer.data, "ods")]
    cells = [cell for row in rows for cell in row]
    assert any("1" in cell for cell in cells)
    assert not [c for c in cells if c.lstrip()[:1] in tuple("=+-@＝") or c[:1] in ("\t", "\r")]


def test_a_negative_amount_stays_a_number(make, signed_in, till):
    browser = signed_in(make.staff())
    answer = browser.post(
        f"/console/postings/export/?store_id={till.id}", {"format": "xlsx"},
        form="/console/postings/list/",
    )  # fmt: skip
    amounts = [row[6] for row in sheet(answer)[1:]]
    assert all(isinstance(amount, int | float) for amount in amounts)
    everything = browser.post(
        "/console/postings/export/", {"format": "xlsx"}, form="/console/postings/list/"
    )
    if everything.status_code == 200:  # Else other tests have left more than is written at once.
        assert min(row[6] for row in sheet(everything)[1:]) < 0


def phones(browser, **fields: str):
    return browser.post(
        "/console/members/export/", {"format": "xlsx", **fields}, form="/console/members/list/"
    )


def test_phones_are_masked_unless_right_and_reason_are_there(app, make, signed_in, database):
    keys = app.extensions["kaquan"].keys
    phone = "13866667777"
    member = make.member(phone=phone)
    with database.unit_of_work(SYSTEM) as session:
        session.get(type(member), member.id).phone_sealed = keys.seal_phone(phone)
        for other in session.query(type(member)).where(type(member).id != member.id):
            other.phone_sealed = None  # Sealed with the factories' key, which is another one.
    asker = make.staff()
    admin, finance = signed_in(asker), signed_in(make.staff(Role.platform_finance))
    assert phone not in str(sheet(phones(admin)))
    assert "138****7777" in str(sheet(phones(admin)))
    assert phone not in str(sheet(phones(finance, phones="1", reason="核对退款名单")))
    refused = phones(admin, phones="1", reason="  ")
    assert refused.status_code == 302
    assert "请写明为什么" in admin.get(refused.location).text
    assert phone in str(sheet(phones(admin, phones="1", reason="核对退款名单")))
    with database.unit_of_work(SYSTEM) as session:
        kept = session.query(AuditRecord).filter_by(action="export.phones", staff_id=asker.id).one()
    assert kept.detail["reason"] == "核对退款名单"
    assert phone not in str(kept.detail)


@pytest.fixture
def large(monkeypatch):
    """Two rows are many."""
    monkeypatch.setattr(exporting, "AT_ONCE", 2)


def fetch(browser, number: int):
    """The file, read to its end, as a browser does."""
    return browser.get(f"/console/exports/file/{number}", buffered=True)


def asked(browser, database, **fields: str) -> int:
    answer = export(browser, "channel=cash", **fields)
    assert (answer.status_code, answer.location) == (302, "/console/exports/")
    with database.unit_of_work(SYSTEM) as session:
        return session.query(ExportFile.id).order_by(ExportFile.id.desc()).limit(1).scalar()


def test_a_large_export_waits_is_written_and_is_fetched(large, manager, context, database, till):
    number = asked(manager, database)
    assert "排队中" in manager.get("/console/exports/").text
    assert fetch(manager, number).status_code == 404
    exporting.run_export(context, number)
    page = manager.get("/console/exports/rows/").text
    assert "可下载" in page
    assert "1 个文件可下载" in manager.get(LIST).text
    rows = sheet(fetch(manager, number))
    assert [row[6] for row in rows[1:]] == [100, 5, 12.34, 117.34]
    assert "个文件可下载" not in manager.get(LIST).text
    path = exporting.folder(context)
    assert path.stat().st_mode & 0o77 == 0
    assert all(file.stat().st_mode & 0o77 == 0 for file in path.iterdir())


@pytest.mark.parametrize("kind", ["csv", "tsv", "json"])
def test_large_files_of_other_kinds_have_the_same_rows(large, manager, context, database, kind):
    number = asked(manager, database, format=kind)
    exporting.run_export(context, number)
    content = fetch(manager, number).data.decode("utf-8-sig")
    assert content.count("账上门店") == 3
    assert "117.34" in content


def test_ods_is_for_small_files(large, manager):
    answer = export(manager, format="ods")
    assert "请选择 xlsx 或 csv" in manager.get(answer.location).text


def test_nobody_gets_anybody_elses_file(large, manager, make, signed_in, till, context, database):
    number = asked(manager, database)
    exporting.run_export(context, number)
    colleague = signed_in(make.staff(Role.store_manager, till))
    boss = signed_in(make.staff())
    for other in (colleague, boss):
        assert fetch(other, number).status_code == 404
        assert f"file/{number}" not in other.get("/console/exports/").text
        for what in ("delete", "again"):
            other.post(f"/console/exports/{what}/{number}", form="/console/password/")
    assert fetch(manager, number).status_code == 200


def test_a_deleted_file_is_gone_from_the_disk(large, manager, context, database):
    number = asked(manager, database)
    exporting.run_export(context, number)
    before = set(exporting.folder(context).iterdir())
    manager.post(f"/console/exports/delete/{number}", form="/console/password/")
    assert len(before - set(exporting.folder(context).iterdir())) == 1
    assert fetch(manager, number).status_code == 404


def test_a_killed_jobs_file_is_written_by_the_next_turn(
    large, manager, context, database, monkeypatch
):
    number = asked(manager, database)
    with database.unit_of_work(SYSTEM) as session:  # As a kill leaves it: running, half written.
        turn = export_services.begin_export(session, export_id=number, now=utc_now())
    left = exporting.folder(context) / "half-written.xlsx"
    left.write_bytes(b"PK")
    exporting.run_export(context, number)
    assert fetch(manager, number).status_code == 200
    with database.unit_of_work(SYSTEM) as session:  # The dead one wakes up: nobody waits for it.
        kept = export_services.finish_export(
            session, turn, stored_name="late", size=1, rows=1, now=utc_now()
        )
    assert not kept
    monkeypatch.setattr(time, "time", lambda: left.stat().st_mtime + 5 * 86_400)
    exporting.expire(context)
    assert not left.exists()


def test_after_three_failures_it_is_failed_and_may_be_asked_again(
    large, manager, context, database, monkeypatch
):
    number = asked(manager, database)
    with monkeypatch.context() as broken:
        broken.setattr(exporting, "write_spreadsheet", lambda *_args, **_kwargs: 1 // 0)
        for _ in range(export_services.MOST_ATTEMPTS):
            with pytest.raises(ZeroDivisionError):
                exporting.run_export(context, number)
    assert status_of(database, number) is ExportStatus.failed
    assert "失败" in manager.get("/console/exports/rows/").text
    manager.post(f"/console/exports/again/{number}", form="/console/password/")
    with database.unit_of_work(SYSTEM) as session:
        fresh = session.query(ExportFile).order_by(ExportFile.id.desc()).limit(1).one().id
    exporting.run_export(context, fresh)
    assert fetch(manager, fresh).status_code == 200


def status_of(database, number: int) -> ExportStatus | None:
    with database.unit_of_work(SYSTEM) as session:
        found = session.get(ExportFile, number)
        return None if found is None else found.status


def test_files_expire_and_their_bytes_go(large, manager, context, database, superuser):
    number = asked(manager, database)
    exporting.run_export(context, number)
    superuser.execute("UPDATE export_file SET expires_at = now() WHERE id = %s", (number,))
    before = set(exporting.folder(context).iterdir())
    exporting.expire(context)
    assert len(before - set(exporting.folder(context).iterdir())) == 1
    assert status_of(database, number) is ExportStatus.expired
    assert "已过期" in manager.get("/console/exports/rows/").text


def test_who_lost_the_right_meanwhile_gets_no_file(large, make, till, signed_in, context, database):
    person = make.staff(Role.store_manager, till)
    number = asked(signed_in(person), database)
    with database.unit_of_work(SYSTEM) as session:
        session.get(type(person), person.id).status = StaffStatus.frozen
    exporting.run_export(context, number)
    assert status_of(database, number) is ExportStatus.failed


def test_one_person_has_only_so_many_on_the_way(large, make, till, signed_in, database):
    browser = signed_in(make.staff(Role.store_manager, till))
    for _ in range(export_services.MOST_AT_ONCE):
        asked(browser, database)
    answer = export(browser, "channel=cash")
    assert "还在生成" in browser.get(answer.location).text


def test_the_command_writes_the_same_file(app, till, tmp_path):
    out = tmp_path / "充值.csv"
    runner = app.test_cli_runner()
    today = str(local_day(utc_now()))
    words = ["export", "top-ups", "--from", today, "--to", today, "--format", "csv"]
    done = runner.invoke(args=[*words, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "账上门店" in out.read_text("utf-8-sig")
    assert json.loads(done.output)["rows"] >= 3
    assert list(tmp_path.iterdir()) == [out]
    missing = runner.invoke(args=[*words, "--merchant", "nobody", "--out", str(out)])
    assert missing.exit_code == 1


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_list_can_be_taken_away(app, make, signed_in, kind):
    """A new merchant: each list that its administrator may export is a file at once."""
    merchant = make.merchant()
    make.store(merchant)
    owner = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    views = [view for view in app.extensions["appbuilder"].baseviews if isinstance(view, Records)]
    taken = 0
    for view in views:
        if roles.allows(Role.merchant_admin, "can_export", type(view).__name__):
            path = f"{view.route_base}/export/?period=today"
            answer = owner.post(path, {"format": kind}, form="/console/password/")
            assert answer.status_code == 200, view.route_base
            assert "attachment" in answer.headers["Content-Disposition"], view.route_base
            taken += 1
    assert taken > 20
