"""The desk of stores: add one to a merchant, edit where and when it is open, close, open again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import func, select
from wtforms.validators import ValidationError

from app.core import opening_hours
from app.core.actor import Scope
from app.core.coordinates import CoordinateSystem, Position, read_position, to_gcj02
from app.core.errors import N_
from app.flows.carrying_out import carry_out
from app.models.people import Staff, StaffStatus
from app.models.tenants import Merchant, PayPoint, PayPointStatus, Store, StoreStatus
from app.services.tenants import merchants
from app.services.tenants.merchants import StorePlace
from app.views import choosing
from app.views.cells import Cell
from app.views.desks import Action, Desk, action, those_allowed
from app.views.finders import Finder
from app.views.forms import Choice, ConsoleForm, ReasonForm, Text, states_to_choose
from app.views.shapes import Code, Telephone
from app.views.tenants.opening_hours import HoursField, hours_text
from app.web.context import current_context
from app.web.security import allow_images_from


class StoreForm(ConsoleForm):
    sections = (
        (N_("The store"), ("name", "phone", "city", "address")),
        (N_("Position on the map"), ("position", "system")),
        (N_("Opening hours"), ("hours",)),
    )

    name = Text(N_("Name"), longest=60)
    phone = Telephone(N_("Telephone"), needed=False)
    city = Text(N_("City"), needed=False, longest=40)
    address = Text(N_("Address"), needed=False, longest=120)
    position = Text(
        N_("Latitude, longitude"),
        needed=False,
        longest=60,
        description=N_("Click the map, or paste a pair such as 30.655822, 104.080989."),
        render_kw={"inputmode": "decimal", "data-map": "position"},
    )
    system = Choice(
        N_("Given in"),
        description=N_("Where the pair was copied from. It is converted when it is saved."),
        render_kw={"data-map": "system"},
    )
    hours = HoursField(
        N_("Opening hours"),
        description=N_(
            "Up to three spans. A closing time not after the opening is on the next day; no span:"
            " always open."
        ),
    )

    def offer_systems(self) -> None:
        self.system.offer(states_to_choose(CoordinateSystem))
        self.system.data = self.system.data or CoordinateSystem.gcj02.name

    def validate_position(self, field: Any) -> None:
        if field.data and read_position(field.data) is None:
            raise ValidationError(
                gettext("Please give latitude and longitude, such as 30.655822, 104.080989.")
            )

    def place(self, before: Store | None) -> StorePlace:
        """Where the store is; a position that was not touched keeps the system it came from."""
        source = CoordinateSystem[self.system.data]
        found = read_position(self.position.data) if self.position.data else None
        here = None if found is None else to_gcj02(found, source)
        if before is not None and here == _position(before):
            source = before.coordinate_source
        return StorePlace(
            address=self.address.data or "",
            city=self.city.data or "",
            phone=self.phone.data or "",
            lat=here and here.lat,
            lng=here and here.lng,
            coordinate_source=source,
            hours=self.hours.data,
        )


class NewStoreForm(StoreForm):
    refusals_at = {"store_code_taken": "code"}
    sections = (
        (N_("The store"), ("merchant_id", "code", "name", "phone", "city", "address")),
        *StoreForm.sections[1:],
    )

    merchant_id = Finder(N_("Merchant"))
    code = Code(N_("Code"), description=N_("Stands in exports and addresses; never changes."))


class StoreDesk(Desk):
    route_base = "/console/stores"
    belongs_to = "Stores"

    @expose("/add/", methods=("GET", "POST"))
    @has_access
    def add(self) -> ResponseReturnValue:
        """A store, with its first pay point."""
        form, actor = NewStoreForm(), g.actor
        form.offer_systems()
        if actor.scope is Scope.platform:
            form.merchant_id.offer_from(self.appbuilder.session, choosing.businesses())
            form.merchant_id.data = form.merchant_id.data or request.args.get("merchant", "")
        else:
            del form.merchant_id
        if form.validate_on_submit():
            merchant_id = self._merchant_id(form)
            place, code, name = form.place(None), form.code.data, form.name.data
            context = current_context()
            with form.refusals():
                store, _ = carry_out(
                    context,
                    lambda work: merchants.add_store(
                        work, merchant_id=merchant_id, code=code, name=name, place=place,
                        strict_tills=context.settings.strict_tills, actor=actor,
                    ),
                )  # fmt: skip
                return self.done(
                    gettext("%(name)s is added, with its first pay point.", name=name),
                    url_for("Stores.show", pk=store.id),
                )
        return self._form_page(
            form,
            title=gettext("Add store"),
            submit=gettext("Add"),
            back=url_for("Stores.list"),
        )

    @expose("/edit/<int:pk>", methods=("GET", "POST"))
    @has_access
    def edit(self, pk: int) -> ResponseReturnValue:
        store, actor = self.found(Store, pk), g.actor
        form = StoreForm(data=_values(store))
        form.offer_systems()
        back = url_for("Stores.show", pk=pk)
        if form.validate_on_submit():
            place, name = form.place(store), form.name.data
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: merchants.edit_store(
                        work, store_id=pk, name=name, place=place, actor=actor
                    ),
                )
                return self.done(gettext("%(name)s is saved.", name=name), back)
        return self._form_page(form, title=store.name, submit=gettext("Save"), back=back)

    @expose("/close/<int:pk>", methods=("GET", "POST"))
    @has_access
    def close(self, pk: int) -> ResponseReturnValue:
        store = self.found(Store, pk)
        codes, people = self._counts(pk)
        return self._set_status(
            store,
            StoreStatus.closed,
            title=gettext("Close %(name)s", name=store.name),
            submit=gettext("Close"),
            said=gettext("%(name)s is closed.", name=store.name),
            tone="danger",
            facts=(
                gettext("Its %(count)s pay points take no payment any more.", count=codes),
                gettext("Its tills redeem nothing; %(count)s people work there.", count=people),
                gettext("Members no longer find it. It may be opened again at any time."),
            ),
        )

    @expose("/reopen/<int:pk>", methods=("GET", "POST"))
    @has_access
    def reopen(self, pk: int) -> ResponseReturnValue:
        store = self.found(Store, pk)
        return self._set_status(
            store,
            StoreStatus.open,
            title=gettext("Open %(name)s again", name=store.name),
            submit=gettext("Open again"),
            said=gettext("%(name)s is open again.", name=store.name),
            facts=(gettext("Its pay points and tills work again, and members find it."),),
        )

    def _set_status(
        self, store: Store, status: StoreStatus, *, said: str, **page: Any
    ) -> ResponseReturnValue:
        form, back, actor = ReasonForm(), url_for("Stores.show", pk=store.id), g.actor
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: merchants.set_store_status(
                        work, store_id=store.id, status=status, reason=form.reason.data,
                        actor=actor,
                    ),
                )  # fmt: skip
                return self.done(said, back)
        return self.form_page(form, back=back, template="console/confirm.html", **page)

    def _form_page(self, form: StoreForm, **page: Any) -> ResponseReturnValue:
        tiles = current_context().settings.map_tile_url
        if tiles is not None:
            allow_images_from(tiles)
        return self.form_page(form, template="console/store_form.html", tiles=tiles, **page)

    def _merchant_id(self, form: NewStoreForm) -> int:
        """The merchant chosen, as far as the reader sees it; others have their own only."""
        if g.actor.scope is not Scope.platform:
            own: int = g.actor.merchant_id
            return own
        found: Merchant = self.found(Merchant, int(form.merchant_id.data))
        return found.id

    def _counts(self, pk: int) -> tuple[int, int]:
        session = self.appbuilder.session
        codes = select(func.count()).where(
            PayPoint.store_id == pk, PayPoint.status == PayPointStatus.active
        )
        people = select(func.count()).where(
            Staff.store_id == pk, Staff.status == StaffStatus.active
        )
        return session.scalar(codes), session.scalar(people)


def store_buttons(store: Store) -> Sequence[Action]:
    pk = store.id
    return those_allowed(
        action(gettext("Edit"), "StoreDesk.edit", pk=pk),
        action(gettext("Special days"), "StoreDays.days", pk=pk),
        action(gettext("Add pay point"), "PayPointDesk.add", pk=pk),
        action(gettext("Add staff"), "StaffDesk.add", store=pk),
        action(gettext("Open again"), "StoreDesk.reopen", pk=pk)
        if store.status is StoreStatus.closed
        else action(gettext("Close"), "StoreDesk.close", tone="danger", pk=pk),
    )


def place_of(store: Store) -> Sequence[tuple[str, Cell]]:
    """Hours and position, for the store's page."""
    here = _position(store)
    position = Cell("—", "empty")
    if here is not None:
        position = Cell(f"{here.lat:.6f}, {here.lng:.6f}", "code")
    systems = dict(states_to_choose(CoordinateSystem))
    source = Cell(systems[store.coordinate_source.name]) if here else Cell("—", "empty")
    return (
        (gettext("Opening hours"), Cell(hours_text(opening_hours.read(store.hours)))),
        (gettext("Position (GCJ-02)"), position),
        (gettext("Given in"), source),
    )


def _position(store: Store) -> Position | None:
    return None if store.lat is None or store.lng is None else Position(store.lat, store.lng)


def _values(store: Store) -> dict[str, Any]:
    here = _position(store)
    return {
        "name": store.name,
        "phone": store.phone,
        "city": store.city,
        "address": store.address,
        "position": "" if here is None else f"{here.lat:.6f}, {here.lng:.6f}",
        "hours": tuple(opening_hours.read(store.hours)),
    }
