"""A list of records and the page of one: declared by columns, read in the reader's scope.

Flask-AppBuilder gives routes, permissions and the model's description. Paging is by key, so that a
deep page costs what the first one does, and nothing is counted before the rows are shown: count and
sums of what is filtered come after them, on a request of their own.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import ModelView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Boolean, ColumnElement, DateTime, Select, func, select
from sqlalchemy.exc import OperationalError

from app.core.clock import local_day, utc_now
from app.core.money import in_yuan
from app.queries.id_ranges import within_ids
from app.queries.narrowing import TENDERS, Narrowing, narrow
from app.queries.rollups import be_patient, estimate_rows, sum_filtered
from app.views import exporting, filters
from app.views.cells import NOTHING, WORDS, Cell, cell, column_name
from app.views.choosing import TYPED, filter_field, read_typed_filters
from app.views.desks import Action
from app.views.empty_states import nothing_yet
from app.views.filters import Chip, Field, Period
from app.views.names import TARGETS, cell_of, find_names, page_of

PAGE = 30
RELATED = 100


class Records(ModelView):  # type: ignore[misc]
    """Read only: what changes a record is a service, behind an action of its own."""

    include_route_methods = {"list", "show", "totals", "export"}
    list_template = "console/list.html"
    show_template = "console/show.html"

    title_text = ""
    explanation = ""
    when: str | None = None  # The column that the period filters.
    # What may be chosen: states, ids, words, and whether something is or has happened. "tender" is
    # what was paid with.
    filter_columns: Sequence[str] = ()
    search_in: Sequence[str] = ()  # Numbers and names: the beginning is enough.
    sums: Sequence[str] = ()
    export_columns: Sequence[str] = ()  # Unless named: those of the list, then those of the page.

    def _init_forms(self) -> None:
        """No forms: rows are written by services only."""

    @expose("/list/")
    @has_access
    def list(self) -> ResponseReturnValue:
        """The newest first, narrowed by the address's filters."""
        if (meant := self._typed_filters()) is not None:
            return redirect(meant)
        fields, chips = self._fields_and_chips()
        doubtful = any(field.in_doubt for field in fields)
        # Everybody's rows under one merchant's half-typed name would be taken for that one's.
        rows, newer, older = ((), None, None) if doubtful else self._page()
        names = find_names(self.datamodel.session, rows, self.list_columns)
        return self.render_template(
            self.list_template,
            view=self,
            title=gettext(self.title_text),
            columns=[(name, column_name(name)) for name in self.list_columns],
            rows=[(self._url(row), self._cells(row, self.list_columns, names)) for row in rows],
            fields=fields,
            chips=[(chip.label, self._address(without=chip.names)) for chip in chips],
            narrowed_to=self._narrowed_to,
            doubtful=doubtful,
            newer=newer,
            older=older,
            totals_url=self._address(endpoint="totals"),
            export_url=self._address(endpoint="export") if self.may_export() else None,
            export_phones=exporting.may_have_phones(self),
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
            heading=next((value.text for value in values if value.text != NOTHING), ""),
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
        model, session = self.datamodel.obj, self.datamodel.session
        narrowing = self.narrowing(request.args)
        be_patient(session)
        found = sum_filtered(session, model, narrowing, self.sums)
        if found is not None:
            return self._totals(found.rows, found.sums_fen)
        figures = [
            func.count(),
            *(func.coalesce(func.sum(getattr(model, s)), 0) for s in self.sums),
        ]
        query = self._narrowed(select(*figures).select_from(model), narrowing)
        try:
            count, *sums = session.execute(query).one()
        except OperationalError:  # It took longer than a total may; narrower filters help.
            session.rollback()
            rows = self._narrowed(select(model.id), narrowing)
            about = filters.rounded(estimate_rows(session, rows))
            return render_template("console/totals.html", count=None, about=about, sums=[])
        return self._totals(count, sums)

    @expose("/export/", methods=("POST",))
    @has_access
    def export(self) -> ResponseReturnValue:
        """Take away exactly what is filtered: a file at once, or one to be fetched later."""
        return exporting.answer_export(self, back=self._address())

    def may_export(self) -> bool:
        found: bool = self.appbuilder.sm.has_access("can_export", self.class_permission_name)
        return found

    def _totals(self, count: int, sums: Sequence[int]) -> str:
        named = [
            (
                column_name(s),
                in_yuan(int(value)) if s.endswith("_fen") else cell(s, int(value)).text,
            )
            for s, value in zip(self.sums, sums, strict=True)
        ]
        return render_template("console/totals.html", count=count, sums=named)

    def nothing_yet(self) -> tuple[str, Sequence[Action]]:
        """What an empty list says: what to do next, with the list's own buttons to do it."""
        text, ways = nothing_yet(type(self).__name__)
        mains = [button for button in self.list_buttons() if button.tone == "main"]
        return text, [*mains, *ways]

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
        narrowing = self.narrowing(request.args)
        query = self._narrowed(select(model), narrowing).limit(PAGE + 1)
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

    def _narrowed(self, query: Select[Any], narrowing: Narrowing) -> Select[Any]:
        """With the address's filters. The tenant's is not among them: that is the wall's work."""
        model = self.datamodel.obj
        narrowed = narrow(query, model, narrowing)
        return within_ids(self.datamodel.session, narrowed, model, narrowing)

    def narrowing(self, arguments: Mapping[str, str]) -> Narrowing:
        """What the address asks for. What makes no sense there limits nothing."""
        period = self.period(arguments)
        tender = arguments.get("tender") if "tender" in self.filter_columns else None
        equal = (self._choice(name, arguments.get(name, "")) for name in self.filter_columns)
        return Narrowing(
            when=self.when,
            since=period.since if self.when else None,
            until=period.until if self.when else None,
            equal=tuple(pair for pair in equal if pair is not None),
            tender=tender if tender in TENDERS else None,
            search_in=tuple(self.search_in),
            typed=filters.words(arguments, "q") if self.search_in else "",
        )

    def _choice(self, name: str, value: str) -> tuple[str, str | int | bool | None] | None:
        """A chosen value as the database knows it: no row has a state that there is not."""
        if not value or name == "tender":
            return None
        if (states := self._states(name)) is not None:
            return name, value if value in states.__members__ else None
        if self._is_flag(name):
            return (name, value == "yes") if value in filters.YES_NO else None
        if name in WORDS:
            return name, value if "\0" not in value else None
        number = filters.number(value)
        return None if number is None else (name, number)

    def chosen_labels(self, arguments: Mapping[str, str]) -> Sequence[str]:
        """What the choices are called, for a file's name: a store, a state, a batch."""
        fields = (self._field(name) for name in self.filter_columns if arguments.get(name))
        return [field.shown for field in fields if field.shown != field.value]

    def _fields_and_chips(self) -> tuple[Sequence[Field], Sequence[Chip]]:
        fields = []
        chips: list[Chip | None] = []
        if self.when is not None:
            chips.append(filters.period_chip(request.args, self.period(request.args)))
        for name in self.filter_columns:
            field = self._field(name)
            if field.is_choice:
                fields.append(field)
            chips.append(filters.chosen(field))
        if self.search_in and (typed := filters.words(request.args, "q")):
            chips.append(Chip(f"“{typed}”", ("q",)))
        return fields, [chip for chip in chips if chip is not None]

    def _field(self, name: str) -> Field:
        if name == "tender":
            return filters.tender_field(request.args)
        states = self._states(name)
        if states is not None:
            return filters.state_field(name, states, request.args)
        if self._is_flag(name):
            return filters.flag_field(name, request.args)
        if name in WORDS:
            return filters.word_field(name, request.args)
        label = column_name(name)
        if name in TARGETS:
            return filter_field(self.datamodel.session, name, label, request.args)
        return Field(name=name, label=label, value=request.args.get(name, ""))

    def _typed_filters(self) -> str | None:
        """This list narrowed to what was typed in a filter instead of chosen, if that is one."""
        columns = [name for name in self.filter_columns if name in TARGETS]
        meant = read_typed_filters(self.datamodel.session, columns, request.args)
        if meant is None:
            return None
        kept = {name: value for name, value in meant.items() if value}
        return url_for(f"{self.endpoint}.list", **kept)

    def _narrowed_to(self, column: str, value: str) -> str:
        """The address of this list narrowed to one of those that fit what was typed."""
        return self._address(without=[f"{column}{TYPED}"], **{column: value})

    def _is_flag(self, name: str) -> bool:
        """A yes or no, or an instant of which it is asked whether there is one."""
        return isinstance(self._type(name), Boolean | DateTime)

    def _states(self, name: str) -> type[enum.Enum] | None:
        states = getattr(self._type(name), "enum_class", None)
        return states if states is not None and issubclass(states, enum.Enum) else None

    def _type(self, name: str) -> Any:
        """What is kept in a column; nothing of its own where rows beside it have the column."""
        return getattr(getattr(self.datamodel.obj, name, None), "type", None)

    def period(self, arguments: Mapping[str, str]) -> Period:
        return filters.read_period(arguments, today=local_day(utc_now()))

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
