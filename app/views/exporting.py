"""From a list and its filters to a file: what is in it, how it is called, at once or later."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Integer

from app.core.clock import local_day, utc_now
from app.core.errors import DomainError
from app.flows import exporting
from app.queries.exports import ExportColumn, ExportPlan
from app.queries.named_ids import NAMED_IDS
from app.services.exports import ExportReasonMissing
from app.views import filters
from app.views.cells import WORDS, column_name, state_name
from app.web.context import current_context

if TYPE_CHECKING:
    from app.views.records import Records

LEAST_REASON = 4
_LONGEST_REASON = 200
_LONGEST_NAME = 80
_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "json": "application/json",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
}


def answer_export(view: Records, *, back: str) -> ResponseReturnValue:
    """The file itself when it is small; else the download centre, where it will be."""
    kind = request.form.get("format", "")
    if kind not in exporting.FORMATS:
        flash(gettext("Please choose a format."))
        return redirect(back)
    context, actor = current_context(), g.actor
    try:
        reason = _reason(view)
    except ExportReasonMissing as refusal:
        return _refused(refusal, back)
    plan = plan_of(view, request.args, phones=reason is not None)
    file_name = name_file(view, request.args, kind)
    if exporting.is_small(view.datamodel.session, plan):
        exporting.audit(context, actor, plan, kind=kind, reason=reason)
        return send(exporting.write_small(context, actor, plan, kind), file_name, kind)
    if kind not in exporting.STREAMED:
        flash(gettext("So many rows do not fit into this format. Please choose xlsx or csv."))
        return redirect(back)
    try:
        exporting.ask(context, actor, plan, kind=kind, file_name=file_name, reason=reason)
    except DomainError as refusal:
        return _refused(refusal, back)
    flash(gettext("%(name)s is being made. It can be fetched here as soon as it is ready.",
                  name=file_name))  # fmt: skip
    return redirect(url_for("Exports.list"))


def plan_of(view: Records, arguments: Mapping[str, str], *, phones: bool = False) -> ExportPlan:
    """What an export of this list with these filters consists of, in the reader's language."""
    names = list(view.export_columns or dict.fromkeys([*view.list_columns, *view.show_columns]))
    columns = [_column(view.datamodel.obj, name) for name in names]
    if phones:
        columns.append(ExportColumn(name="phone", heading=gettext("Whole phone"), kind="phone"))
    return ExportPlan(
        table=view.datamodel.obj.__table__.name,
        title=_title(view),
        columns=tuple(columns),
        narrowing=view.narrowing(arguments),
        sums=tuple(name for name in view.sums if name in names),
        total_label=gettext("Total of %(rows)s rows", rows="{rows}"),
    )


def name_file(view: Records, arguments: Mapping[str, str], kind: str) -> str:
    """A name that tells what is in it: the list, the days, and what it was narrowed to."""
    period = view.period(arguments) if view.when else filters.Period()
    days = [day.isoformat() for day in (period.first, period.last) if day is not None]
    parts = [_title(view), *dict.fromkeys(days or [local_day(utc_now()).isoformat()])]
    parts += [label for label in view.chosen_labels(arguments) if label]
    clean = [re.sub(r'[\\/:*?"<>|\s\x00-\x1f]+', " ", part).strip() for part in parts]
    return f"{'_'.join(clean)[:_LONGEST_NAME]}.{kind}"


def send(content: bytes, file_name: str, kind: str) -> Response:
    response = Response(content, content_type=_TYPES[kind])
    response.headers.update(headers_for(file_name))
    return response


def headers_for(file_name: str) -> dict[str, str]:
    """An attachment under its Chinese name (RFC 5987); old programs take the plain one."""
    plain = f"export.{file_name.rpartition('.')[2]}"
    return {
        "Content-Disposition": (
            f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
        ),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def content_type(kind: str) -> str:
    return _TYPES[kind]


def may_have_phones(view: Records) -> bool:
    """Whether there are whole phone numbers in this list, for this reader."""
    allowed: bool = view.appbuilder.sm.has_access("can_phones", "Exports")
    return allowed and "phone_sealed" in view.datamodel.obj.__table__.columns


def _reason(view: Records) -> str | None:
    """Why whole phone numbers are wanted; None when they are not, or may not be.

    Raises:
        ExportReasonMissing
    """
    if not request.form.get("phones") or not may_have_phones(view):
        return None
    reason = filters.words(request.form, "reason")[:_LONGEST_REASON]
    if len(reason) < LEAST_REASON:
        raise ExportReasonMissing(least=LEAST_REASON)
    return reason


def _refused(refusal: DomainError, back: str) -> ResponseReturnValue:
    flash(gettext(refusal.template) % refusal.params)
    return redirect(back)


def _title(view: Records) -> str:
    title = gettext(view.title_text)
    return gettext("Records of %(list)s", list=title) if view.when and view.sums else title


def _column(model: Any, name: str) -> ExportColumn:
    stored = getattr(model, name)
    kind, words = _kind_of(stored.type, name)
    return ExportColumn(name=name, heading=column_name(name), kind=kind, words=words)


def _kind_of(stored: Any, name: str) -> tuple[str, Mapping[str, str] | None]:
    states = getattr(stored, "enum_class", None)
    if states is not None:
        return "word", _state_names(list(states))
    if name in NAMED_IDS:
        return "text", None
    if isinstance(stored, Boolean):
        return "word", {"true": gettext("Yes"), "false": gettext("No")}
    if name in WORDS:
        return "word", {word: gettext(label) for word, label in WORDS[name].items()}
    if isinstance(stored, DateTime):
        return "when", None
    if isinstance(stored, Date):
        return "day", None
    if isinstance(stored, BigInteger | Integer):
        return _number_kind(name), None
    is_code = name.endswith(("_no", "_last4", "token")) or name == "phone_masked"
    return ("code" if is_code else "text"), None


def _state_names(states: Sequence[enum.Enum]) -> Mapping[str, str]:
    return {state.name: state_name(state) for state in states}


def _number_kind(name: str) -> str:
    if name.endswith("_fen"):
        return "money"
    if name.endswith("_bp"):
        return "percent"
    return "code" if name.endswith("id") else "integer"
