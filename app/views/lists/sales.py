"""The lists of what was sold: top-ups, payments, refunds and gifts."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext

from app.core.errors import N_
from app.models.refund_requests import RefundRequest
from app.models.sales import Payment, Refund, TopUp
from app.models.vouchers import Gift
from app.views.records import Records


class TopUps(Records):
    route_base = "/console/top-ups"
    datamodel = SQLAInterface(TopUp)
    title_text = N_("Top-ups")
    explanation = N_("Value that came onto cards: by WeChat Pay, cash or printed code.")
    list_columns = ["top_up_no", "created_at", "program_id", "member_id", "channel", "store_id",
                    "amount_fen", "bonus_fen", "status"]  # fmt: skip
    show_columns = ["top_up_no", "status", "channel", "amount_fen", "bonus_fen", "program_id",
                    "merchant_id", "store_id", "member_id", "payer_id", "phone_masked", "card_id",
                    "voucher_id", "staff_id", "created_at", "credited_at"]  # fmt: skip
    when = "created_at"
    filter_columns = ("channel", "status", "merchant_id", "store_id", "program_id", "staff_id")
    search_in = ("top_up_no",)
    sums = ("amount_fen", "bonus_fen")


class Payments(Records):
    route_base = "/console/payments"
    datamodel = SQLAInterface(Payment)
    title_text = N_("Payments")
    explanation = N_("What members paid at stores, from cards and by WeChat Pay.")
    list_columns = ["payment_no", "created_at", "store_id", "member_id", "amount_fen", "card_fen",
                    "wechat_fen", "status"]  # fmt: skip
    show_columns = ["payment_no", "status", "amount_fen", "card_fen", "wechat_fen",
                    "commission_bp", "commission_fen", "refunded_card_fen", "refunded_wechat_fen",
                    "merchant_id", "store_id", "pay_point_id", "member_id", "staff_id",
                    "wechat_transaction_id", "created_at", "paid_at", "closed_at"]  # fmt: skip
    when = "created_at"
    filter_columns = ("status", "tender", "merchant_id", "store_id", "staff_id")
    search_in = ("payment_no", "wechat_transaction_id")
    sums = ("amount_fen", "card_fen", "wechat_fen", "commission_fen")

    def related(self, row: Any) -> Any:
        columns = ("refund_no", "amount_fen", "card_fen", "wechat_fen", "status", "created_at")
        return [(gettext("Refunds"),
                 *self.related_rows(Refund, Refund.payment_id == row.id, columns))]  # fmt: skip


class Refunds(Records):
    route_base = "/console/refunds"
    datamodel = SQLAInterface(Refund)
    title_text = N_("Refunds")
    explanation = N_("What went back to members, to the tender that it came from.")
    list_columns = ["refund_no", "created_at", "store_id", "member_id", "origin", "amount_fen",
                    "card_fen", "wechat_fen", "status"]  # fmt: skip
    show_columns = ["refund_no", "status", "origin", "amount_fen", "card_fen", "wechat_fen",
                    "commission_fen", "merchant_id", "store_id", "member_id", "payment_id",
                    "top_up_id", "order_no", "reason", "staff_id", "created_at",
                    "succeeded_at"]  # fmt: skip
    when = "created_at"
    filter_columns = ("status", "origin", "tender", "merchant_id", "store_id", "staff_id")
    search_in = ("refund_no", "order_no")
    sums = ("amount_fen", "card_fen", "wechat_fen")


class RefundRequests(Records):
    route_base = "/console/refund-requests"
    datamodel = SQLAInterface(RefundRequest)
    title_text = N_("Refund requests")
    explanation = N_("What members ask for. The refund at the till answers the request by itself.")
    list_columns = ["payment_no", "created_at", "store_id", "member_id", "amount_fen", "reason",
                    "status"]  # fmt: skip
    show_columns = ["payment_no", "status", "amount_fen", "reason", "merchant_id", "store_id",
                    "member_id", "payment_id", "created_at", "answered_at"]  # fmt: skip
    when = "created_at"
    filter_columns = ("status", "merchant_id", "store_id")
    search_in = ("payment_no",)
    sums = ("amount_fen",)


class Gifts(Records):
    route_base = "/console/gifts"
    datamodel = SQLAInterface(Gift)
    title_text = N_("Gifts")
    explanation = N_("Card value that members gave each other.")
    list_columns = ["gift_no", "created_at", "sender_id", "receiver_id", "amount_fen", "status",
                    "expires_at"]  # fmt: skip
    show_columns = ["gift_no", "status", "amount_fen", "sender_id", "receiver_id", "message",
                    "merchant_id", "created_at", "expires_at", "ended_at"]  # fmt: skip
    when = "created_at"
    filter_columns = ("status", "merchant_id")
    search_in = ("gift_no",)
    sums = ("amount_fen",)
