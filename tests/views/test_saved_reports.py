"""Saved reports: one's own, made by the clock in one's own scope, told of by a mail with a link."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime, timedelta

import openpyxl
import pytest
from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.core.clock import SHANGHAI, local_day, utc_now
from app.flows import exporting, report_delivering
from app.models.exports import ExportFile
from app.models.people import Staff, StaffStatus
from app.models.sales import TopUpChannel
from app.models.saved_reports import (
    DeliveryStatus,
    ReportDelivery,
    ReportSchedule,
    ReportSpan,
    SavedReport,
)
from app.services.saved_reports import days_of, next_run
from config import SettingsError, load_settings
from tests.mail_catcher import mail_catcher

FIELDS = {"span": "last_month", "schedule": "none", "format": "xlsx"}


@pytest.fixture
def catcher():
    with mail_catcher() as caught:
        yield caught


@pytest.fixture
def context(app, catcher):
    made = app.extensions["kaquan"]
    return replace(made, settings=replace(made.settings, smtp=catcher.settings))


@pytest.fixture
def accountant(make):
    return make.staff(Role.merchant_finance, merchant=make.merchant())


@pytest.fixture
def desk(signed_in, accountant):
    return signed_in(accountant)


def save(desk, name: str, report: str = "takings", **fields: str):
    path = f"/console/saved-reports/add?report={report}&group=day"
    return desk.post(path, {**FIELDS, "name": name, **fields})


def saved(database, name: str) -> SavedReport:
    with database.unit_of_work(SYSTEM) as session:
        return session.scalars(select(SavedReport).where(SavedReport.name == name)).one()


def fall_due(database, name: str) -> int:
    with database.unit_of_work(SYSTEM) as session:
        found = session.scalars(select(SavedReport).where(SavedReport.name == name)).one()
        found.next_at = utc_now() - timedelta(seconds=1)
        return found.id


def deliveries(database, report_id: int) -> list[ReportDelivery]:
    of = ReportDelivery.saved_report_id == report_id
    with database.unit_of_work(SYSTEM) as session:
        return list(session.scalars(select(ReportDelivery).where(of)))


def try_again_now(database, report_id: int) -> None:
    with database.unit_of_work(SYSTEM) as session:
        of = ReportDelivery.saved_report_id == report_id
        for one in session.scalars(select(ReportDelivery).where(of)):
            one.next_try_at = utc_now() - timedelta(seconds=1)


def make_file(context, database, report_id: int) -> None:
    [delivery] = deliveries(database, report_id)
    exporting.run_export(context, delivery.export_file_id)


def test_a_saved_report_is_its_persons_alone(desk, accountant, make, signed_in, database):
    name = f"月度营业{accountant.id}"
    answer = save(desk, name)
    assert answer.status_code == 302, answer.text
    assert f"常用报表“{name}”已保存" in desk.get(answer.location).text
    page = desk.get("/console/reports/").text
    first, last = days_of(ReportSpan.last_month, local_day(utc_now()))
    assert f"from={first}&amp;to={last}" in page
    again = save(desk, name)
    assert again.status_code == 422
    assert "同名的报表" in again.text

    colleague = signed_in(make.staff(Role.merchant_admin, merchant=make.merchant()))
    assert name not in colleague.get("/console/saved-reports/").text
    pk = saved(database, name).id
    path = f"/console/saved-reports/delete/{pk}"
    form = "/console/saved-reports/add"
    assert colleague.post(path, form=form).status_code == 404
    assert desk.post(path, form=form).status_code == 302
    assert "已删除" in desk.get("/console/saved-reports/").text
    assert name not in desk.get("/console/reports/").text


def test_a_wrong_address_is_refused_at_its_field_and_nothing_is_lost(desk):
    answer = save(desk, "名字留着", email="keine adresse")
    assert answer.status_code == 422
    assert "名字留着" in answer.text
    assert "keine adresse" in answer.text


def test_by_the_clock_to_the_download_centre_and_a_mail_with_a_link_only(
    desk, accountant, make, database, context, catcher
):
    """The person's own figures: another merchant's cash is not in the file."""
    store = make.store(merchant=make.merchant())
    make.card(make.member(), principal_fen=77_00, channel=TopUpChannel.cash, store=store)
    name = f"每日充值{accountant.id}"
    answer = save(desk, name, "top-ups", schedule="daily", email="cw@example.com")
    assert answer.status_code == 302, answer.text
    assert saved(database, name).next_at == next_run(ReportSchedule.daily, utc_now())
    pk = fall_due(database, name)
    report_delivering.deliver(context)
    report_delivering.deliver(context)
    assert [one.status for one in deliveries(database, pk)] == [DeliveryStatus.waiting]
    assert catcher.caught == []
    make_file(context, database, pk)
    report_delivering.deliver(context)
    report_delivering.deliver(context)
    [delivery] = deliveries(database, pk)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.sent, 1)
    [(to, mail)] = catcher.caught
    text = mail.get_content()
    assert to == "cw@example.com"
    assert name in mail["Subject"]
    assert f"{context.settings.public_base_url}/console/exports/" in text
    assert "¥" not in text
    with desk.get(f"/console/exports/file/{delivery.export_file_id}") as answer:
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[0][0] == "卡产品"
    assert [row[0].split(" ")[0] for row in rows[1:]] == ["合计", "上期", "去年同期"]
    page = desk.get("/console/saved-reports/").text
    assert "邮件已发送" in page


def test_a_server_that_is_away_is_tried_again_and_a_wrong_address_is_not(
    desk, accountant, database, context, catcher
):
    name = f"每周核对{accountant.id}"
    save(desk, name, schedule="weekly", email="weg@example.com")
    pk = fall_due(database, name)
    report_delivering.deliver(context)
    make_file(context, database, pk)
    catcher.refusal = "451 later"
    report_delivering.deliver(context)
    [delivery] = deliveries(database, pk)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.waiting, 1)
    assert delivery.next_try_at > utc_now()
    report_delivering.deliver(context)
    assert deliveries(database, pk)[0].attempts == 1, "not before its time"
    catcher.refusal = "550 nobody"
    try_again_now(database, pk)
    report_delivering.deliver(context)
    [delivery] = deliveries(database, pk)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.failed, 2)
    assert catcher.caught == []
    assert "邮件服务器没有接受" in desk.get("/console/saved-reports/").text


def test_whoever_has_another_role_by_now_is_sent_nothing(
    make, signed_in, database, context, catcher
):
    person = make.staff(Role.merchant_admin, merchant=make.merchant())
    name = f"离职{person.id}"
    save(signed_in(person), name, schedule="monthly", email="weg@example.com")
    with database.unit_of_work(SYSTEM) as session:
        session.get_one(Staff, person.id).status = StaffStatus.frozen
    pk = fall_due(database, name)
    report_delivering.deliver(context)
    assert deliveries(database, pk) == []
    assert saved(database, name).schedule is ReportSchedule.none
    with database.unit_of_work(SYSTEM) as session:
        files = session.scalars(select(ExportFile).where(ExportFile.staff_id == person.id))
        assert files.all() == []


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        (ReportSpan.yesterday, date(2026, 1, 4), date(2026, 1, 4)),
        (ReportSpan.last_week, date(2025, 12, 29), date(2026, 1, 4)),
        (ReportSpan.this_month, date(2026, 1, 1), date(2026, 1, 5)),
        (ReportSpan.last_month, date(2025, 12, 1), date(2025, 12, 31)),
        (ReportSpan.last_quarter, date(2025, 10, 1), date(2025, 12, 31)),
    ],
)
def test_what_a_span_means_on_a_monday_in_january(span, first, last):
    assert days_of(span, date(2026, 1, 5)) == (first, last)


@pytest.mark.parametrize(
    ("schedule", "due"),
    [("daily", (1, 31)), ("weekly", (2, 2)), ("monthly", (2, 1))],
)
def test_when_a_schedule_is_due_next(schedule, due):
    before = datetime(2026, 1, 31, 7, 0, tzinfo=SHANGHAI)
    expected = datetime(2026, *due, 7, 30, tzinfo=SHANGHAI)
    assert next_run(ReportSchedule[schedule], before) == expected
    assert next_run(ReportSchedule[schedule], expected) > expected


@pytest.mark.parametrize(
    "env",
    [{"SMTP_TLS": "maybe"}, {"SMTP_FROM": "nobody"}, {"SMTP_USER": "u"}, {"SMTP_PORT": "x"}],
)
def test_half_a_mail_server_stops_the_start(tmp_path, env):
    given = {"KAQUAN_HOME": str(tmp_path), "SMTP_HOST": "mail.example.com", "SMTP_FROM": "a@b.cn"}
    assert load_settings(given).smtp.port == 587
    with pytest.raises(SettingsError):
        load_settings({**given, **env})
