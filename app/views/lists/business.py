"""The lists of who trades: merchants, stores, pay points and staff."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext

from app.core.errors import N_
from app.models.people import Staff
from app.models.tenants import Merchant, PayPoint, Store
from app.views.desks import action, those_allowed
from app.views.people.staff_desk import person_buttons
from app.views.records import Records
from app.views.tenants.merchants import merchant_buttons, papers_of, warnings_of
from app.views.tenants.pay_points import pay_point_buttons
from app.views.tenants.stores import place_of, store_buttons


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
