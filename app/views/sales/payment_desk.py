"""Payment management (支付后台管理): how dealing with WeChat goes, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select

from app.core.clock import utc_now
from app.core.errors import N_
from app.flows.sales import orders, payment_care
from app.models.plumbing import WeChatNotification
from app.models.sales import Payment, Refund, TopUp
from app.models.tills import VoucherSale
from app.queries.sales import wechat_orders
from app.views.cells import column_name, state_name
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import ConsoleForm, Shape, Text
from app.views.records import Records
from app.web.context import current_context

CHECKS = {
    "merchant_key": N_("Merchant's private key"),
    "wechatpay_key": N_("WeChat Pay's public key"),
    "public_key_id": N_("Number of WeChat Pay's public key"),
    "merchant_serial": N_("Serial number of the merchant certificate"),
    "certificate": N_("Merchant certificate"),
    "far_end": N_("WeChat Pay answers, and both signatures fit"),
    "prepay": N_("Order of ¥0.01 made"),
    "query": N_("Order asked for"),
    "close": N_("Order closed"),
}
STATES = {"good": N_("In order"), "warning": N_("Look at it"), "bad": N_("Not in order")}
DETAILS = {
    "not_given": N_("Not given. Set WECHATPAY_MCH_CERT_FILE to be warned before it ends."),
    "unreadable": N_("The file cannot be read, or is no certificate."),
    "other_serial": N_("Its serial number is not the one that we sign with."),
}


class Notifications(Records):
    route_base = "/console/wechat-notifications"
    datamodel = SQLAInterface(WeChatNotification)
    title_text = N_("WeChat notifications")
    explanation = N_(
        "As they came, after their signature was checked. Repeated ones are kept once."
    )
    list_columns = ["id", "received_at", "event_type", "event_id", "outcome", "processed_at"]
    show_columns = ["event_id", "event_type", "received_at", "processed_at", "outcome", "content"]
    when = "received_at"
    filter_columns = ("processed_at",)
    search_in = ("event_id",)


class PhoneForm(ConsoleForm):
    """Whose WeChat the order is for."""

    phone = Text(
        N_("Phone number of a member"),
        longest=11,
        checks=[Shape(r"1[0-9]{10}", N_("Please type a mainland number of 11 digits."))],
        description=N_("Somebody who has signed in to the mini-program. They see nothing of it."),
    )


class PaymentDesk(Desk):
    """Read by the platform's staff; the administrator and finance ask WeChat and try payments."""

    route_base = "/console/wechat-pay"
    belongs_to = "PaymentDesk"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        """Orders that hang, refunds that went wrong, and the state of the keys."""
        session, now = self.appbuilder.session, utc_now()
        before = now - timedelta(seconds=wechat_orders.HANGING_SECONDS)
        hanging = wechat_orders.hanging_orders(session, before=before)
        refunds = wechat_orders.troubled_refunds(session, before=before)
        return self.page(
            "console/wechat_pay.html",
            health=wechat_orders.read_health(session),
            hanging=[(one, _page_of_order(one), _ask_order(one.number)) for one in hanging],
            refunds=[
                (one, url_for("Refunds.show", pk=one.id), _ask_refund(one)) for one in refunds
            ],
            checks=payment_care.check_keys(current_context(), now=now),
            names=CHECKS,
            states=STATES,
            details=DETAILS,
            wechat=current_context().settings.wechat,
            buttons=those_allowed(
                action(gettext("Test payment"), "PaymentDesk.test", tone="main"),
            ),
            state_of=_state_of,
            column_name=column_name,
        )

    @expose("/orders/ask", methods=("POST",))
    @has_access
    def ask(self) -> ResponseReturnValue:
        """Ask WeChat about one order now."""
        number = request.form.get("number", "")
        kind = orders.kind_of(number)
        if kind is None:
            abort(404)
        model, column = kind.table, getattr(kind.table, kind.number)
        if self.appbuilder.session.scalar(select(model.id).where(column == number)) is None:
            abort(404)
        state = payment_care.ask_about_order(current_context(), number)
        flash(gettext("%(no)s is %(state)s now.", no=number, state=_state_of(model, state)))
        return redirect(url_for("PaymentDesk.show"))

    @expose("/refunds/<int:pk>/enquire", methods=("POST",))
    @has_access
    def enquire(self, pk: int) -> ResponseReturnValue:
        """Ask WeChat what became of one refund now."""
        refund = self.found(Refund, pk)
        state = payment_care.ask_about_refund(current_context(), pk)
        said = gettext("%(no)s is %(state)s now.", no=refund.refund_no,
                       state=_state_of(Refund, state))  # fmt: skip
        return self.done(said, url_for("PaymentDesk.show"))

    @expose("/test", methods=("GET", "POST"))
    @has_access
    def test(self) -> ResponseReturnValue:
        """Make an order of one fen and close it again: nobody pays anything."""
        form = PhoneForm()
        checks: Sequence[payment_care.Check] = ()
        if form.validate_on_submit():
            openid = payment_care.find_tester(current_context(), form.phone.data)
            if openid is None:
                form.phone.errors = [
                    *form.phone.errors,
                    gettext("Nobody with this number has signed in to the mini-program."),
                ]
            else:
                context = current_context()
                checks = [
                    payment_care.check_far_end(context),
                    *payment_care.try_payment(context, openid),
                ]
        return self.form_page(
            form,
            title=gettext("Test payment"),
            submit=gettext("Try it"),
            back=url_for("PaymentDesk.show"),
            explanation=gettext("An order of ¥0.01 is made at WeChat, asked for and closed."),
            template="console/wechat_test.html",
            checks=checks,
            names=CHECKS,
            states=STATES,
        )


def _page_of_order(one: wechat_orders.HangingOrder) -> str:
    view = {"payment": "Payments", "top_up": "TopUps"}.get(one.subject)
    return url_for(f"{view}.show", pk=one.id) if view else url_for("Batches.list")


def _ask_order(_number: str) -> Action | None:
    return action(gettext("Ask WeChat now"), "PaymentDesk.ask")


def _ask_refund(one: wechat_orders.TroubledRefund) -> Action | None:
    return action(gettext("Ask WeChat now"), "PaymentDesk.enquire", pk=one.id)


def _state_of(model: Any, name: str) -> str:
    table = {
        "payment": Payment,
        "top_up": TopUp,
        "refund": Refund,
        "voucher_sale": VoucherSale,
    }.get(model, model)
    return state_name(table.status.type.enum_class[name])


PAYMENT_CARE: Sequence[type[Any]] = (Notifications, PaymentDesk)
