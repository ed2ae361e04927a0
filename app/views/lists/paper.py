"""The lists about paper: batches, vouchers and redemptions."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext

from app.core.errors import N_
from app.models.vouchers import Redemption, Voucher, VoucherBatch
from app.views.records import Records
from app.views.vouchers import batch_page, batch_steps
from app.views.vouchers.batch_requests import batch_list_buttons


class Batches(Records):
    route_base = "/console/voucher-batches"
    datamodel = SQLAInterface(VoucherBatch)
    title_text = N_("Voucher batches")
    explanation = N_("Paper that was ordered: face value, price and how many.")
    list_columns = ["batch_no", "name", "merchant_id", "kind", "face_value_fen", "sale_price_fen",
                    "quantity", "status", "created_at"]  # fmt: skip
    show_columns = ["name", "batch_no", "merchant_id", "kind", "status", "face_value_fen",
                    "sale_price_fen", "quantity", "generated_count", "bearer", "program_id",
                    "expires_on", "days_from_activation", "is_imported", "created_by_id",
                    "approved_by_id", "created_at", "title", "support_phone", "colour",
                    "terms"]  # fmt: skip
    show_template = "console/batch.html"
    when = "created_at"
    filter_columns = ("status", "kind", "merchant_id", "program_id")
    search_in = ("batch_no", "name")
    sums = ("quantity", "generated_count")

    def list_buttons(self) -> Any:
        return batch_list_buttons(self.datamodel.session)

    def buttons(self, row: Any) -> Any:
        return batch_page.buttons(row)

    def related(self, row: Any) -> Any:
        return batch_page.related(self, row)

    def warnings(self, row: Any) -> Any:
        return batch_page.warnings(row)

    def progress(self, row: Any) -> Any:
        return batch_page.progress(self.datamodel.session, row)

    def steps(self, row: Any) -> Any:
        return batch_steps.steps(row)

    def next_step(self, row: Any) -> Any:
        return batch_steps.next_step(row)


class Vouchers(Records):
    route_base = "/console/vouchers"
    datamodel = SQLAInterface(Voucher)
    title_text = N_("Vouchers")
    explanation = N_("Each printed voucher. Its secret code is kept nowhere, only a digest.")
    list_columns = ["serial_no", "batch_id", "face_value_fen", "status", "frozen", "activated_at",
                    "expires_on", "redeemed_at"]  # fmt: skip
    show_columns = ["serial_no", "batch_id", "merchant_id", "code_last4", "face_value_fen",
                    "status", "frozen", "activated_at", "expires_on", "redeemed_at",
                    "replaced_by_id"]  # fmt: skip
    show_template = "console/voucher.html"
    when = "activated_at"
    filter_columns = ("status", "frozen", "batch_id", "merchant_id")
    search_in = ("serial_no",)
    sums = ("face_value_fen",)

    def story(self, row: Any) -> Any:
        return batch_page.story(self.datamodel.session, row)

    def related(self, row: Any) -> Any:
        columns = ("redemption_no", "store_id", "staff_id", "redeemed_at", "reversed_at")
        return [(gettext("Redemptions"),
                 *self.related_rows(Redemption, Redemption.voucher_id == row.id,
                                    columns))]  # fmt: skip


class Redemptions(Records):
    route_base = "/console/redemptions"
    datamodel = SQLAInterface(Redemption)
    title_text = N_("Redemptions")
    explanation = N_("Paper vouchers that stores have taken.")
    list_columns = ["redemption_no", "redeemed_at", "serial_no", "batch_id", "store_id",
                    "staff_id", "face_value_fen", "reversed_at"]  # fmt: skip
    show_columns = ["redemption_no", "serial_no", "batch_id", "voucher_id", "face_value_fen",
                    "commission_bp", "commission_fen", "merchant_id", "store_id", "staff_id",
                    "redeemed_at", "reversed_at", "reversed_by_id",
                    "reversal_reason"]  # fmt: skip
    when = "redeemed_at"
    filter_columns = ("merchant_id", "store_id", "staff_id", "batch_id", "reversed_at")
    search_in = ("redemption_no", "serial_no")
    sums = ("face_value_fen", "commission_fen")
