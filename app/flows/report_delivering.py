"""Delivering saved reports by the clock: the file to the download centre, a mail that says so."""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from app.core.actor import SYSTEM, Actor
from app.core.clock import utc_now
from app.flows.context import Context
from app.gateways.mail import send_mail
from app.services import saved_reports
from app.services.ports import GatewayRefused, GatewayUnavailable
from app.services.saved_reports import OpenMail

log = logging.getLogger(__name__)

# The mail goes to people of a Chinese business; what is in it is no page of ours.
_SUBJECT = "报表已生成：{name}（{first} 至 {last}）"
_TEXT = """您好：

您保存的报表“{name}”（{first} 至 {last}）已经生成，三天内可以在下载中心取用：

{url}

打开链接需要登录；邮件里不含任何数据。不想再收到，请在报表页删除这份常用报表。
"""


def forget(context: Context, actor: Actor, report_id: int) -> str | None:
    with context.database.unit_of_work(SYSTEM) as session:
        return saved_reports.delete_report(session, report_id=report_id, actor=actor)


def deliver(context: Context) -> None:
    """The clock's: ask for the files that are due, then write to those whose files are there."""
    due = True
    while due:
        with context.database.unit_of_work(SYSTEM) as session:
            due = saved_reports.take_due_report(session, now=utc_now())
    with context.database.unit_of_work(SYSTEM) as session:
        mails = saved_reports.take_open_mails(session, now=utc_now())
    for mail in mails:
        problem, final = _send(context, mail)
        with context.database.unit_of_work(SYSTEM) as session:
            _note(session, mail, problem, final=final)


def _send(context: Context, mail: OpenMail) -> tuple[str, bool]:
    """What went wrong, if anything, and whether another try would make sense."""
    smtp = context.settings.smtp
    if smtp is None:
        return "no_server", True
    days = {"first": mail.first_on.isoformat(), "last": mail.last_on.isoformat()}
    subject = _SUBJECT.format(name=" ".join(mail.name.split()), **days)
    url = f"{context.settings.public_base_url}/console/exports/"
    try:
        text = _TEXT.format(name=mail.name, url=url, **days)
        send_mail(smtp, to=mail.email, subject=subject, text=text)
    except GatewayRefused as refusal:
        return str(refusal), True
    except GatewayUnavailable as error:
        log.warning("mail of delivery %s: %s", mail.delivery_id, error)
        return str(error), False
    return "", False


def _note(session: Session, mail: OpenMail, problem: str, *, final: bool) -> None:
    saved_reports.end_mail(
        session, delivery_id=mail.delivery_id, now=utc_now(), problem=problem, final=final
    )
