"""A list of records and the page of one: declared by columns, read in the reader's scope.

Flask-AppBuilder gives routes, permissions and the model's description. Paging is by key, so that a
deep page costs what the first one does, and nothing is counted before the rows are shown: count and
sums of what is filtered come after them, on a request of their own.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import ModelView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.exc import OperationalError

from app.core.clock import local_day, utc_now
from app.views import filters
from app.views.cells import Cell, column_name
from app.views.desks import Action
from app.views.filters import Chip, Field, Period
from app.views.names import TARGETS, cell_of, find_names, options_of, page_of

PAGE = 50
RELATED = 100


class Records(ModelView):  # type: ignore[misc]
    """Read only: what changes a record is a service, behind an action of its own."""

    include_route_methods = {"list", "show", "totals"}
    list_template = "console/list.html"
    show_template = "console/show.html"

    title_text = ""
    explanation = ""
    when: str | None = None  # The column that the period filters.
    filter_columns: Sequence[str] = ()  # States and ids that may be chosen.
    search_in: Sequence[str] = ()  # Numbers and names: the beginning is enough.
    sums: Sequence[str] = ()

    def _init_forms(self) -> None:
        """No forms: rows are written by services only."""

    @expose("/list/")
    @has_access
    def list(self) -> ResponseReturnValue:
        """The newest first, narrowed by the address's filters."""
        rows, newer, older = self._page()
        names = find_names(self.datamodel.session, rows, self.list_columns)
        fields, chips = self._fields_and_chips()
        return self.render_template(
            self.list_template,
            view=self,
            title=gettext(self.title_text),
            columns=[(name, column_name(name)) for name in self.list_columns],
            rows=[(self._url(row), self._cells(row, self.list_columns, names)) for row in rows],
            fields=fields,
            chips=[(chip.label, self._address(without=chip.names)) for chip in chips],
            newer=newer,
            older=older,
            totals_url=self._address(endpoint="totals") if self.sums else None,
        )

    @expose("/show/<int:pk>")
    @has_access
    def show(self, pk: int) -> ResponseReturnValue:
        """One record with all that may be read of it. Another tenant's is not there."""
        row = self.datamodel.session.get(self.datamodel.obj, pk) if pk < 2**63 else None
        if row is None:
            abort(404)
        names = find_names(self.datamodel.session, [row], self.show_columns)
        values = self._cells(row, self.show_columns, names)
        return self.render_template(
            self.show_template,
            view=self,
            title=gettext(self.title_text),
            heading=next((value.text for value in values if value.kind != "empty"), ""),
            facts=[
                (column_name(name), value)
                for name, value in zip(self.show_columns, values, strict=True)
            ]
            + [*self.more_facts(row)],
            notices=self.notices(row),
            related=self.related(row),
            row=row,
        )

    @expose("/totals/")
    @has_access
    @permission_name("list")
    def totals(self) -> ResponseReturnValue:
        """How many rows the filters leave, and what they add up to; the page asks for it later."""
        model = self.datamodel.obj
        figures = [
            func.count(),
            *(func.coalesce(func.sum(getattr(model, s)), 0) for s in self.sums),
        ]
        query = self._narrowed(select(*figures).select_from(model))
        try:
            count, *sums = self.datamodel.session.execute(query).one()
        except OperationalError:  # It took longer than a statement may; narrower filters help.
            return render_template("console/totals.html", count=None, sums=[])
        named = [(column_name(s), int(value)) for s, value in zip(self.sums, sums, strict=True)]
        return render_template("console/totals.html", count=count, sums=named)

    def list_buttons(self) -> Sequence[Action]:
        """The buttons over the list: what may be added."""
        return ()

    def buttons(self, _row: Any) -> Sequence[Action]:
        """The buttons on a record's page: what may be done with it."""
        return ()

    def more_facts(self, _row: Any) -> Sequence[tuple[str, Cell]]:
        """What stands on a record's page beside its own columns."""
        return ()

    def notices(self, _row: Any) -> Sequence[str]:
        """What somebody has to see to, over everything else on a record's page."""
        return ()

    def related(self, _row: Any) -> Sequence[tuple[str, Sequence[str], Sequence[Sequence[Cell]]]]:
        """More tables for a record's page: a title, columns and their rows."""
        return ()

    def related_rows(
        self, model: Any, condition: ColumnElement[bool], columns: Sequence[str]
    ) -> tuple[Sequence[str], Sequence[Sequence[Cell]]]:
        """Rows of another table that belong to a record, as far as the reader sees them."""
        session = self.datamodel.session
        newest_first = select(model).where(condition).order_by(model.id.desc()).limit(RELATED)
        rows = session.scalars(newest_first).all()
        names = find_names(session, rows, columns)
        tables = []
        for row in rows:
            first, *others = self._cells(row, columns, names)
            tables.append([replace(first, url=first.url or page_of(row)), *others])
        return [column_name(c) for c in columns], tables

    def _page(self) -> tuple[Sequence[Any], str | None, str | None]:
        """One page of rows and the addresses of the pages before and after it."""
        model = self.datamodel.obj
        query = self._narrowed(select(model)).limit(PAGE + 1)
        before = filters.number(request.args.get("before", ""))
        after = filters.number(request.args.get("after", ""))
        if after is not None:
            found = self._all(query.where(model.id > after).order_by(model.id))
            rows, more = found[:PAGE][::-1], len(found) > PAGE
            newer, older = more, True
        else:
            if before is not None:
                query = query.where(model.id < before)
            found = self._all(query.order_by(model.id.desc()))
            rows, more = found[:PAGE], len(found) > PAGE
            newer, older = before is not None, more
        if not rows:
            return rows, self._address() if before or after else None, None
        return (
            rows,
            self._address(after=rows[0].id) if newer else None,
            self._address(before=rows[-1].id) if older else None,
        )

    def _all(self, query: Select[Any]) -> Sequence[Any]:
        found: Sequence[Any] = self.datamodel.session.scalars(query).all()
        return found

    def _narrowed(self, query: Select[Any]) -> Select[Any]:
        """With the address's filters. The tenant's is not among them: that is the wall's work."""
        model = self.datamodel.obj
        if self.when is not None:
            query = filters.within(query, getattr(model, self.when), self._period())
        for name in self.filter_columns:
            value = request.args.get(name, "")
            if not value:
                continue
            if (states := self._states(name)) is not None:
                query = query.where(getattr(model, name) == states.__members__.get(value))
            elif (found := filters.number(value)) is not None:
                query = query.where(getattr(model, name) == found)
        if typed := filters.words(request.args, "q"):
            query = query.where(self.search(typed))
        return query

    def search(self, typed: str) -> ColumnElement[bool]:
        """What the search box means: the beginning of a number or name, whole for the rest."""
        model = self.datamodel.obj
        first, *others = (getattr(model, name).startswith(typed, autoescape=True)
                          for name in self.search_in)  # fmt: skip
        found: ColumnElement[bool] = first
        for other in others:
            found = found | other
        return found

    def _fields_and_chips(self) -> tuple[Sequence[Field], Sequence[Chip]]:
        fields = []
        chips: list[Chip | None] = []
        if self.when is not None:
            chips.append(filters.period_chip(request.args, self._period()))
        for name in self.filter_columns:
            field = self._field(name)
            # A merchant has itself to choose from: that is no choice.
            if len(field.options) > 1 or field.value:
                fields.append(field)
            chips.append(filters.chosen(field))
        if self.search_in and (typed := filters.words(request.args, "q")):
            chips.append(Chip(f"“{typed}”", ("q",)))
        return fields, [chip for chip in chips if chip is not None]

    def _field(self, name: str) -> Field:
        states = self._states(name)
        if states is not None:
            return filters.state_field(name, states, request.args)
        return Field(
            name=name,
            label=column_name(name),
            value=request.args.get(name, ""),
            options=options_of(self.datamodel.session, name) if name in TARGETS else (),
        )

    def _states(self, name: str) -> type[enum.Enum] | None:
        states = getattr(getattr(self.datamodel.obj, name).type, "enum_class", None)
        return states if states is not None and issubclass(states, enum.Enum) else None

    def _period(self) -> Period:
        return filters.read_period(request.args, today=local_day(utc_now()))

    def _cells(self, row: Any, columns: Sequence[str], names: Any) -> Sequence[Cell]:
        return [cell_of(row, column, names) for column in columns]

    def _url(self, row: Any) -> str | None:
        allowed = self.appbuilder.sm.has_access("can_show", self.class_permission_name)
        return url_for(f"{self.endpoint}.show", pk=row.id) if allowed else None

    def _address(
        self, *, endpoint: str = "list", without: Sequence[str] = (), **more: object
    ) -> str:
        """This list's address with its filters, at its first page unless ``more`` names another."""
        dropped = {"before", "after", *without}
        kept = {
            name: value for name, value in request.args.items() if name not in dropped and value
        }
        return url_for(f"{self.endpoint}.{endpoint}", **{**kept, **more})

    def searchable(self) -> str:
        """What may be typed into the search box, for its placeholder."""
        return " / ".join(column_name(name) for name in self.search_in)

    def period_names(self) -> Sequence[tuple[str, str, bool]]:
        chosen = request.args.get("period", "")
        return [(name, gettext(label), name == chosen) for name, label in filters.PERIODS.items()]

    def typed(self, name: str) -> str:
        return filters.words(request.args, name)
