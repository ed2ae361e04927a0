"""The consoles' lists, each a declaration: which columns, which filters, what adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy import select

from app.core.errors import N_
from app.models.cards import BonusTier, Card, CardProgram, Lot, ProgramAcceptance
from app.models.decisions import CardAdjustment, CardReturn
from app.models.ledger import JournalEntry, Posting
from app.models.people import Member, Staff
from app.models.plumbing import AuditRecord
from app.models.refund_requests import RefundRequest
from app.models.sales import Payment, Refund, TopUp
from app.models.tenants import Merchant, PayPoint, Store
from app.models.vouchers import Gift, Redemption, Voucher, VoucherBatch
from app.queries.narrowing import Narrowing
from app.views import batch_page
from app.views.adjustments import Adjustments
from app.views.card_desk import card_buttons
from app.views.card_returns import CardReturns
from app.views.consumptions import Consumptions
from app.views.desks import Action, action, those_allowed
from app.views.member_desk import for_members, member_buttons
from app.views.merchants import MerchantDesk, merchant_buttons, papers_of, warnings_of
from app.views.pay_points import PayPointDesk, pay_point_buttons
from app.views.people import SecondFactorDesk, StaffDesk, person_buttons
from app.views.program_desk import program_buttons, program_list_buttons, program_warnings
from app.views.records import Records
from app.views.stores import StoreDesk, place_of, store_buttons
from app.views.till_records import Shifts, Terminals
from app.web.context import current_context


class Merchants(Records):
    route_base = "/console/merchants"
    datamodel = SQLAInterface(Merchant)
    title_text = N_("Merchants")
    explanation = N_("Who trades here, at which commission.")
    list_columns = ["name", "code", "status", "commission_bp", "settlement_cycle", "created_at"]
    show_columns = ["name", "code", "kind", "status", "commission_bp", "settlement_cycle",
                    "settlement_days", "created_at"]  # fmt: skip
    when = "created_at"
    filter_columns = ("status", "settlement_cycle")
    search_in = ("name", "code")

    def list_buttons(self) -> Any:
        add = action(gettext("Take a merchant on"), "MerchantDesk.add", tone="main")
        return those_allowed(add)

    def buttons(self, row: Any) -> Any:
        return merchant_buttons(row)

    def more_facts(self, row: Any) -> Any:
        return papers_of(self.datamodel.session, row)

    def notices(self, row: Any) -> Any:
        return warnings_of(self.datamodel.session, row)

    def related(self, row: Any) -> Any:
        stores = ("name", "city", "address", "status")
        people = ("name", "role", "store_id", "status")
        return [
            (gettext("Stores"), *self.related_rows(Store, Store.merchant_id == row.id, stores)),
            (gettext("Staff"), *self.related_rows(Staff, Staff.merchant_id == row.id, people)),
        ]


class Stores(Records):
    route_base = "/console/stores"
    datamodel = SQLAInterface(Store)
    title_text = N_("Stores")
    explanation = N_("Where members pay and paper is redeemed.")
    list_columns = ["name", "merchant_id", "city", "address", "status"]
    show_columns = ["name", "code", "merchant_id", "status", "city", "address", "phone",
                    "created_at"]  # fmt: skip
    when = "created_at"
    filter_columns = ("merchant_id", "status")
    search_in = ("name", "code", "city")

    def list_buttons(self) -> Any:
        return those_allowed(action(gettext("Add store"), "StoreDesk.add", tone="main"))

    def buttons(self, row: Any) -> Any:
        return store_buttons(row)

    def more_facts(self, row: Any) -> Any:
        return place_of(row)

    def related(self, row: Any) -> Any:
        columns = ("id", "name", "token", "status")
        return [
            (gettext("Pay points"),
             *self.related_rows(PayPoint, PayPoint.store_id == row.id, columns))
        ]  # fmt: skip


class PayPoints(Records):
    route_base = "/console/pay-points"
    datamodel = SQLAInterface(PayPoint)
    title_text = N_("Pay points")
    explanation = N_("The codes on the counters that members scan.")
    list_columns = ["id", "merchant_id", "store_id", "name", "token", "status"]
    show_columns = ["name", "store_id", "merchant_id", "token", "status", "id"]
    filter_columns = ("merchant_id", "store_id", "status")
    search_in = ("token", "name")

    def buttons(self, row: Any) -> Any:
        return pay_point_buttons(row)


class People(Records):
    route_base = "/console/staff"
    datamodel = SQLAInterface(Staff)
    title_text = N_("Staff")
    explanation = N_("Who signs in at consoles and tills, in which role.")
    list_columns = ["name", "role", "merchant_id", "store_id", "status", "daily_cash_limit_fen",
                    "created_at"]  # fmt: skip
    show_columns = list_columns
    when = "created_at"
    filter_columns = ("role", "merchant_id", "store_id", "status")
    search_in = ("name",)

    def list_buttons(self) -> Any:
        return those_allowed(action(gettext("Add staff"), "StaffDesk.add", tone="main"))

    def buttons(self, row: Any) -> Any:
        return person_buttons(row)


class Members(Records):
    route_base = "/console/members"
    datamodel = SQLAInterface(Member)
    title_text = N_("Members")
    explanation = N_("Who holds cards. Phone numbers are shown in part only.")
    list_columns = ["id", "nickname", "phone_masked", "status", "created_at"]
    show_columns = ["nickname", "phone_masked", "id", "status", "created_at"]
    when = "created_at"
    filter_columns = ("status",)
    search_in = ("nickname", "phone_masked")

    list_template = "console/members.html"
    include_route_methods = Records.include_route_methods | {"find"}

    @expose("/find/", methods=("POST",))
    @has_access
    @permission_name("list")
    def find(self) -> ResponseReturnValue:
        """Go to the member with this whole phone number. Posted, so that no log has the number."""
        phone = request.form.get("phone", "").strip()
        digest = current_context().keys.phone_digest(phone[:20])
        found = self.datamodel.session.scalar(
            select(Member.id).where(Member.phone_digest == digest)
        )
        if found is None:
            flash(gettext("No member has this phone number."))
            return redirect(url_for("Members.list"))
        return redirect(url_for("Members.show", pk=found))

    def buttons(self, row: Any) -> Sequence[Action]:
        return member_buttons(row)

    def narrowing(self, arguments: Mapping[str, str]) -> Narrowing:
        return for_members(super().narrowing(arguments))

    def related(self, row: Any) -> Any:
        cards = ("card_no", "program_id", "balance_fen", "status")
        lots = ("card_id", "kind", "original_fen", "remaining_fen", "expires_at", "created_at")
        paid = ("payment_no", "store_id", "amount_fen", "status", "created_at")
        topped_up = ("top_up_no", "channel", "amount_fen", "bonus_fen", "status", "created_at")
        given = ("gift_no", "sender_id", "receiver_id", "amount_fen", "status", "created_at")
        of_member = Card.member_id == row.id
        own_lots = (Lot.remaining_fen > 0) & Lot.card_id.in_(select(Card.id).where(of_member))
        mine = (Gift.sender_id == row.id) | (Gift.receiver_id == row.id)
        return [
            (gettext("Cards"), *self.related_rows(Card, of_member, cards)),
            (gettext("Lots that are left"), *self.related_rows(Lot, own_lots, lots)),
            (gettext("Top-ups"), *self.related_rows(TopUp, TopUp.member_id == row.id, topped_up)),
            (gettext("Payments"), *self.related_rows(Payment, Payment.member_id == row.id, paid)),
            (gettext("Gifts"), *self.related_rows(Gift, mine, given)),
        ]


class Programs(Records):
    route_base = "/console/card-programs"
    datamodel = SQLAInterface(CardProgram)
    title_text = N_("Card programs")
    explanation = N_("Which cards there are, who issues them and by which rules.")
    list_columns = ["name", "merchant_id", "code", "status", "is_default", "min_top_up_fen",
                    "registered_cap_fen"]  # fmt: skip
    show_columns = ["name", "code", "merchant_id", "status", "is_default", "min_top_up_fen",
                    "registered_cap_fen", "anonymous_cap_fen", "spend_first", "bonus_bearer",
                    "principal_days", "bonus_days", "created_at"]  # fmt: skip
    when = "created_at"
    filter_columns = ("merchant_id", "status")
    search_in = ("name", "code")
    show_template = "console/program_show.html"

    def list_buttons(self) -> Sequence[Action]:
        return program_list_buttons(self.datamodel.session)

    def buttons(self, row: Any) -> Sequence[Action]:
        return program_buttons(row)

    def warnings(self, row: Any) -> Any:
        return program_warnings(self.datamodel.session, row)

    def related(self, row: Any) -> Any:
        session = self.datamodel.session
        accepted = ProgramAcceptance.program_id == row.id
        acceptors = session.query(ProgramAcceptance.merchant_id).where(accepted)
        tiers = ("threshold_fen", "bonus_fen")
        return [
            (gettext("Accepted by"),
             *self.related_rows(Merchant, Merchant.id.in_(acceptors), ("name", "status"))),
            (gettext("Bonus tiers"),
             *self.related_rows(BonusTier, BonusTier.program_id == row.id, tiers)),
        ]  # fmt: skip


class Cards(Records):
    route_base = "/console/cards"
    datamodel = SQLAInterface(Card)
    title_text = N_("Cards")
    explanation = N_("Members' stored-value cards and what is on them.")
    list_columns = ["card_no", "program_id", "merchant_id", "member_id", "balance_fen", "status",
                    "created_at"]  # fmt: skip
    show_columns = list_columns
    when = "created_at"
    filter_columns = ("program_id", "merchant_id", "status")
    search_in = ("card_no",)
    sums = ("balance_fen",)

    def buttons(self, row: Any) -> Sequence[Action]:
        return card_buttons(row)

    def related(self, row: Any) -> Any:
        lots = ("kind", "original_fen", "remaining_fen", "expires_at", "created_at")
        asked = ("adjustment_no", "amount_fen", "reason", "status", "created_at")
        given_back = ("return_no", "refund_fen", "interest_fen", "status", "created_at")
        adjusted, back = CardAdjustment.card_id == row.id, CardReturn.card_id == row.id
        return [
            (gettext("Lots"), *self.related_rows(Lot, Lot.card_id == row.id, lots)),
            (gettext("Adjustments"), *self.related_rows(CardAdjustment, adjusted, asked)),
            (gettext("Returns of cards"), *self.related_rows(CardReturn, back, given_back)),
        ]


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
    filter_columns = ("status", "kind", "merchant_id")
    search_in = ("batch_no", "name")

    def list_buttons(self) -> Any:
        return batch_page.list_buttons()

    def buttons(self, row: Any) -> Any:
        return batch_page.buttons(row)

    def related(self, row: Any) -> Any:
        return batch_page.related(self, row)

    def warnings(self, row: Any) -> Any:
        return batch_page.warnings(row)

    def progress(self, row: Any) -> Any:
        return batch_page.progress(self.datamodel.session, row)

    def reader_id(self) -> Any:
        return batch_page.reader_id()


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


class Entries(Records):
    route_base = "/console/entries"
    datamodel = SQLAInterface(JournalEntry)
    title_text = N_("Journal entries")
    explanation = N_("The books' events. None is ever edited; one may reverse another.")
    list_columns = ["id", "occurred_at", "kind", "reference", "reverses_id", "reason"]
    show_columns = ["reference", "id", "kind", "occurred_at", "reverses_id", "reason"]
    when = "occurred_at"
    filter_columns = ("kind",)
    search_in = ("reference",)

    def related(self, row: Any) -> Any:
        columns = ("account", "amount_fen", "merchant_id", "store_id", "card_id", "batch_id")
        return [(gettext("Postings"),
                 *self.related_rows(Posting, Posting.entry_id == row.id, columns))]  # fmt: skip


class Postings(Records):
    route_base = "/console/postings"
    datamodel = SQLAInterface(Posting)
    title_text = N_("Postings")
    explanation = N_("Debits are positive, credits negative; an entry's postings sum to zero.")
    list_columns = ["id", "occurred_at", "entry_id", "account", "merchant_id", "store_id",
                    "amount_fen"]  # fmt: skip
    show_columns = ["id", "entry_id", "account", "amount_fen", "merchant_id", "store_id",
                    "card_id", "payment_id", "refund_id", "top_up_id", "gift_id", "batch_id",
                    "occurred_at"]  # fmt: skip
    when = "occurred_at"
    filter_columns = ("account", "merchant_id", "store_id")
    sums = ("amount_fen",)


class AuditLog(Records):
    route_base = "/console/audit"
    datamodel = SQLAInterface(AuditRecord)
    title_text = N_("Audit log")
    explanation = N_("Who did what, and when. Nobody can change it.")
    list_columns = ["id", "occurred_at", "action", "staff_id", "member_id", "merchant_id",
                    "store_id", "subject_id", "detail"]  # fmt: skip
    show_columns = ["id", "occurred_at", "action", "staff_id", "member_id", "merchant_id",
                    "store_id", "subject_id", "detail"]  # fmt: skip
    when = "occurred_at"
    filter_columns = ("action", "merchant_id", "store_id", "staff_id")


LISTS: Sequence[type[Records]] = (
    *(Merchants, Stores, PayPoints, People, Members, Programs, Cards, TopUps, Payments, Refunds),
    RefundRequests,
    *(Batches, Vouchers, Redemptions, Gifts, Entries, Postings, AuditLog),
    *(Consumptions, Adjustments, CardReturns, Shifts, Terminals),
)
DESKS = (MerchantDesk, StoreDesk, PayPointDesk, StaffDesk, SecondFactorDesk)
