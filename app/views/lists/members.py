"""The lists about members: who they are, their cards and the programs of these."""

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
from app.models.people import Member
from app.models.sales import Payment, TopUp
from app.models.tenants import Merchant
from app.models.vouchers import Gift
from app.queries.narrowing import Narrowing
from app.views.desks import Action
from app.views.people.member_desk import for_members, member_buttons
from app.views.records import Records
from app.views.stored_value.card_desk import card_buttons
from app.views.stored_value.program_desk import (
    program_buttons,
    program_list_buttons,
    program_warnings,
)
from app.web.context import current_context


class Members(Records):
    route_base = "/console/members"
    datamodel = SQLAInterface(Member)
    title_text = N_("Members")
    explanation = N_("Who holds cards. Phone numbers are shown in part only.")
    list_columns = ["id", "nickname", "phone_masked", "status", "created_at"]
    show_columns = ["nickname", "phone_masked", "id", "status", "created_at"]
    when = "created_at"
    filter_columns = ("status", "merchant_id")
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
