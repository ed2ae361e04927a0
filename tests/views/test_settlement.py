"""Settlement at the consoles: who may do what, and files that another library adds up again."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import openpyxl
import pytest
from sqlalchemy import text

from app.core.actor import SYSTEM, Role
from app.core.clock import local_day, utc_now
from app.models.ledger import ACCOUNTS
from app.models.statements import StatementStatus
from tests.documents.papers import text_of
from tests.trade import LATER, Trade


@pytest.fixture
def settled(make, of_today):
    def live_and_close():
        trade = Trade(make)
        trade.everything()
        trade.close()
        return trade

    return of_today("settled", live_and_close)


@pytest.fixture
def statement(settled):
    return settled.statements(settled.two)[0]


@pytest.fixture
def people(make, settled, of_today):
    return of_today("people of the settled", lambda: _people(make, settled))


def _people(make, settled):
    return {
        "owner": make.staff(Role.merchant_admin, merchant=settled.two),
        "stranger": make.staff(Role.merchant_admin, merchant=settled.one),
        "finance": make.staff(Role.platform_finance),
        "admin": make.staff(Role.platform_admin),
    }


def _fen(value):
    return round(Decimal(str(value)) * 100)


def _columns(sheet, row=1):
    return {cell.value: cell.column - 1 for cell in sheet[row] if cell.value is not None}


def test_the_workbook_is_added_up_again_to_the_fen(signed_in, people, statement):
    answer = signed_in(people["owner"]).get(f"/console/statements/{statement.id}/statement.xlsx")
    assert answer.status_code == 200
    values = openpyxl.load_workbook(io.BytesIO(answer.data), data_only=True)
    formulas = openpyxl.load_workbook(io.BytesIO(answer.data))
    [front, store] = values.sheetnames
    rows = list(values[store].iter_rows(values_only=True))
    lines, totals = rows[1:-1], rows[-1]
    assert len(lines) == statement.line_count
    for place in range(3, 12):
        added = sum(_fen(line[place]) for line in lines)
        assert added == _fen(totals[place])
        assert formulas[store].cell(len(rows), place + 1).value.startswith("=SUM(")
    assert _fen(totals[11]) == statement.earned_fen + statement.cash_fen
    assert all(_fen(line[11]) == sum(_fen(part) for part in line[3:11]) for line in lines)
    summary = {row[0]: row[5] for row in values[front].iter_rows(values_only=True) if row}
    assert _fen(summary["应付商户"]) == statement.due_fen
    assert _fen(summary["各项合计"]) == _fen(summary["明细合计"]) == _fen(totals[11])
    assert formulas[front].cell(values[front].max_row, 6).value.startswith("=F")


def test_the_csv_has_every_line_and_comes_to_the_same(signed_in, people, statement):
    answer = signed_in(people["finance"]).get(f"/console/statements/{statement.id}/lines.csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == statement.line_count
    assert sum(_fen(row["金额"]) for row in rows) == statement.earned_fen + statement.cash_fen


def test_the_paper_says_what_is_due_and_has_room_for_both_stamps(signed_in, people, statement):
    answer = signed_in(people["owner"]).get(f"/console/statements/{statement.id}/statement.pdf")
    assert answer.data.startswith(b"%PDF-1.6")
    words = text_of(answer.data)
    assert statement.statement_no in words
    assert "209.90" in words
    assert words.count("盖章：") == 2
    assert "人民币贰佰零玖元玖角整" in words
    assert "第 1 页，共 1 页" in words


def test_the_combined_workbook_has_all_merchants(signed_in, people, settled, database):
    today = local_day(utc_now())
    last = today + 2 * LATER
    fields = {"first": today.replace(day=1).isoformat(), "last": last.isoformat()}
    browser = signed_in(people["finance"])
    answer = browser.post("/console/settlement/combined", fields)
    assert answer.status_code == 200, answer.text
    book = openpyxl.load_workbook(io.BytesIO(answer.data), data_only=True)
    front = list(book[book.sheetnames[0]].iter_rows(values_only=True))
    with database.unit_of_work(SYSTEM) as session:
        due_fen = session.scalar(
            text(
                "SELECT sum(due_fen) FROM statement WHERE status <> 'collecting'"
                " AND period_last_on BETWEEN :first AND :last"
            ),
            fields,
        )
        to_pay_fen = session.scalar(
            text(
                "SELECT sum(due_fen) FROM statement WHERE status <> 'collecting' AND due_fen > 0"
                " AND period_last_on BETWEEN :first AND :last"
            ),
            fields,
        )
    assert _fen(front[-1][13]) == due_fen == sum(_fen(row[13]) for row in front[1:-1])
    assert _fen(front[-1][15]) == to_pay_fen, "what is carried is not added up twice"
    assert _fen(front[-1][13]) + _fen(front[-1][14]) == to_pay_fen


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_accounting_vouchers_balance_one_by_one(signed_in, people, settled, kind):
    today = local_day(utc_now()).isoformat()
    fields = {"first": today, "last": today, "format": kind}
    answer = signed_in(people["finance"]).post("/console/settlement/vouchers", fields)
    assert answer.status_code == 200
    if kind == "csv":
        rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))[1:]
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data), data_only=True).worksheets[0]
        rows = list(sheet.iter_rows(values_only=True))[1:-1]
    vouchers = {}
    for day, number, *_, debit, credit in rows:
        assert number[:2] == day[-2:], "a number is one of its kind in a month"
        sums = vouchers.setdefault(number, [0, 0])
        assert not (debit and sums[1]), "debits stand first"
        sums[0] += _fen(debit or 0)
        sums[1] += _fen(credit or 0)
    assert vouchers
    assert all(debit == credit for debit, credit in vouchers.values())


def test_an_accountant_changes_a_code_and_the_export_has_it(signed_in, people, settled):
    browser = signed_in(people["finance"])
    place = ACCOUNTS.index("payable:merchant") + 1
    path = f"/console/account-codes/{place}/edit"
    refused = browser.post(path, {"code": "abc", "account_title": "应付"})
    assert refused.status_code == 422
    assert 'value="abc"' in refused.text
    assert browser.post(path, {"code": "220299", "account_title": "应付商户款"}).status_code == 302
    today = local_day(utc_now()).isoformat()
    fields = {"first": today, "last": today, "format": "csv"}
    exported = browser.post("/console/settlement/vouchers", fields).data.decode("utf-8-sig")
    assert "220299,应付商户款" in exported


def test_clearing_agrees_with_the_statements(signed_in, people, settled, database):
    page = signed_in(people["finance"]).get(
        "/console/settlement/clearing?first=2020-01-01&last=2020-12-31"
    )
    assert "没有需要清分" in page.text
    last = settled.statements(settled.two)[0].period_last_on
    page = signed_in(people["finance"]).get(
        f"/console/settlement/clearing?first={last.replace(day=1)}&last={last}"
    )
    # One's cards at two: 80 paid, 7.50 refunded, and a voucher of 100.
    for amount in ("80.00", "-7.50", "172.50", settled.statements(settled.two)[0].statement_no):
        assert amount in page.text


@pytest.mark.parametrize("days", ["first=%00&last=9999999", "first=2026-01-01&last=9999-12-31"])
def test_clearing_asks_for_days_that_there_are(signed_in, people, days):
    answer = signed_in(people["finance"]).get(f"/console/settlement/clearing?{days}")
    assert answer.status_code == 200
    assert "请填写有效的日期" in answer.text


def test_another_merchant_finds_no_statement_and_no_file(signed_in, people, statement):
    stranger = signed_in(people["stranger"])
    base = f"/console/statements/{statement.id}"
    for path in ("statement.xlsx", "statement.pdf", "lines.csv", "confirm", "dispute"):
        assert stranger.get(f"{base}/{path}").status_code == 404, path
    for path in ("confirm", "dispute"):
        posted = stranger.post(f"{base}/{path}", {"note": "x"}, form="/console/password/")
        assert posted.status_code == 404
    assert stranger.get(f"/console/statements/show/{statement.id}").status_code == 404
    for path in ("approve", "pay", "carry", "answer"):
        posted = stranger.post(f"{base}/{path}", {}, form="/console/password/")
        assert posted.status_code == 403


def test_step_by_step_at_the_consoles(signed_in, make, people):
    trade = Trade(make)
    trade.everything()
    trade.close()
    [statement] = trade.statements(trade.two)
    owner = signed_in(make.staff(Role.merchant_finance, merchant=trade.two))
    finance, admin = signed_in(people["finance"]), signed_in(people["admin"])
    base = f"/console/statements/{statement.id}"

    def send(browser, step, fields=None):
        page = browser.get(f"{base}/{step}").text
        key = page.split('name="request_key"')[1].split('value="')[1].split('"')[0]
        return browser.post(f"{base}/{step}", {"request_key": key, **(fields or {})})

    wrong = send(owner, "dispute", {"document_no": "P404", "note": "这笔不对"})
    assert wrong.status_code == 422
    assert "P404" in wrong.text
    assert "这笔不对" in wrong.text
    assert send(owner, "dispute", {"note": "少了一天"}).status_code == 302
    assert send(owner, "confirm").status_code == 422
    assert send(finance, "answer", {"answer": "已核对，无误"}).status_code == 302
    assert "已核对，无误" in owner.get(f"/console/statements/show/{statement.id}").text
    assert send(owner, "confirm").status_code == 302
    assert send(finance, "approve").status_code == 302
    assert send(finance, "pay", {"bank_reference": "ICBC-1"}).status_code == 422
    assert send(admin, "pay", {"bank_reference": ""}).status_code == 422
    assert send(admin, "pay", {"bank_reference": "ICBC-1"}).status_code == 302
    assert send(admin, "pay", {"bank_reference": "ICBC-1"}).status_code == 422
    [statement] = trade.statements(trade.two)
    assert statement.status is StatementStatus.paid
    assert statement.bank_reference == "ICBC-1"


def test_closing_at_the_console_says_what_it_did(signed_in, people, settled):
    page = signed_in(people["finance"]).post(
        "/console/settlement/close", {"merchant_id": str(settled.one.id)}, follow_redirects=True
    )
    assert page.status_code == 200
    assert "没有可结账的账期" in page.text
