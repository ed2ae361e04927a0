"""Print files on the consoles: how one stands, and its way out by two people."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, g, jsonify, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from app.core.clock import utc_now
from app.flows.vouchers import printing
from app.flows.vouchers.printing import Part
from app.models.people import Staff
from app.models.print_files import PrintFile, PrintFileStatus, PrintFormat
from app.models.vouchers import VoucherBatch
from app.services.vouchers import print_releases
from app.views.cells import Cell, cell, state_name
from app.views.desks import Action, Desk, action, those_allowed
from app.views.forms import ConsoleForm
from app.web.context import current_context

_S = PrintFileStatus
_MEDIA = {
    PrintFormat.pdf: ("application/pdf", "pdf"),
    PrintFormat.csv: ("text/csv; charset=utf-8", "csv"),
    PrintFormat.xlsx: (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    PrintFormat.png: ("application/zip", "zip"),
}


@dataclass(frozen=True, kw_only=True)
class FileSeen:
    """A print file as the page shows it. ``buttons`` are what the reader may do with it now."""

    id: int
    number: int
    status: Cell
    name: str
    facts: Sequence[tuple[str, Cell]]
    rows_done: int
    row_count: int
    under_way: bool
    may_download: bool
    buttons: Sequence[Action]
    problem: str


class PrintFileDesk(Desk):
    """One print file: released, withdrawn, taken out, acknowledged."""

    route_base = "/console/print-files"
    default_view = "progress"
    belongs_to = "Batches"

    @expose("/<int:pk>/progress")
    @has_access
    def progress(self, pk: int) -> ResponseReturnValue:
        """What the page asks while the file is being made."""
        file = self.found(PrintFile, pk)
        return jsonify(
            status=file.status.name,
            label=state_name(file.status),
            done=file.rows_done,
            total=file.row_count,
        )

    @expose("/<int:pk>/release", methods=["GET", "POST"])
    @has_access
    def release(self, pk: int) -> ResponseReturnValue:
        return self._decide(
            pk,
            lambda session: print_releases.release_print_file(
                session, print_file_id=pk, releaser=g.actor, now=utc_now()
            ),
            title=gettext("Release the print file of batch %(no)s"),
            submit=gettext("Release"),
            facts=[
                gettext("%(rows)s secret codes leave the house: whoever holds them holds value."),
                gettext("%(name)s, who asked for the file, may then download it."),
                gettext("After that the file and the codes are destroyed here."),
            ],
            done=gettext("The print file of batch %(no)s is released."),
        )

    @expose("/<int:pk>/withdraw", methods=["GET", "POST"])
    @has_access
    def withdraw(self, pk: int) -> ResponseReturnValue:
        return self._decide(
            pk,
            lambda session: print_releases.withdraw_print_file(
                session, print_file_id=pk, actor=g.actor, now=utc_now()
            ),
            title=gettext("Withdraw the print file of batch %(no)s"),
            submit=gettext("Withdraw"),
            tone="danger",
            facts=[
                gettext("The file with its %(rows)s codes is destroyed; nobody has it then."),
                gettext("The codes stay as they are, so another file may be asked for."),
            ],
            done=gettext("The print file of batch %(no)s is withdrawn."),
        )

    @expose("/<int:pk>/acknowledge", methods=["GET", "POST"])
    @has_access
    def acknowledge(self, pk: int) -> ResponseReturnValue:
        return self._decide(
            pk,
            lambda session: print_releases.acknowledge_print_file(
                session, print_file_id=pk, taker=g.actor, now=utc_now()
            ),
            title=gettext("Destroy the print file of batch %(no)s"),
            submit=gettext("I have it whole: destroy it here"),
            tone="danger",
            facts=[
                gettext("Compare the SHA-256 of your copy first: %(sha256)s"),
                gettext("The file and all %(rows)s codes are destroyed here for good."),
                gettext("The batch is then printed, and nobody can print it again."),
            ],
            done=gettext("Batch %(no)s is printed. Its file and its codes are destroyed here."),
        )

    @expose("/<int:pk>/download", methods=["POST"])
    @has_access
    def download(self, pk: int) -> ResponseReturnValue:
        """The requester takes the file. The bytes come from ``content``, as often as it breaks."""
        self.found(PrintFile, pk)
        printing.begin_taking_out(current_context(), print_file_id=pk, taker=g.actor)
        return redirect(url_for(".content", pk=pk), 303)

    @expose("/<int:pk>/content")
    @has_access
    @permission_name("download")
    def content(self, pk: int) -> ResponseReturnValue:
        """The file, or the rest of it, for a browser that goes on with a broken download."""
        file = self.found(PrintFile, pk)
        part = _wanted_part(file)
        context = current_context()
        taken = printing.take_out(context, print_file_id=pk, taker=g.actor, start=part.start)
        mimetype, ending = _MEDIA[taken.format]
        whole = part == Part(0, taken.byte_count)
        answer = Response(
            stream_with_context(printing.read_taken(context, taken, part)),
            status=200 if whole else 206,
            content_type=mimetype,
        )
        answer.content_length = part.stop - part.start
        if not whole:
            answer.content_range.set(part.start, part.stop, taken.byte_count)
        answer.accept_ranges = "bytes"
        answer.set_etag(taken.sha256.hex())
        digest = base64.b64encode(taken.sha256).decode()
        answer.headers["Repr-Digest"] = f"sha-256=:{digest}:"
        answer.headers["Content-Disposition"] = (
            f'attachment; filename="batch-{taken.batch_no}.{ending}"'
        )
        return answer

    def _decide(
        self,
        pk: int,
        work: printing.Work,
        *,
        title: str,
        submit: str,
        facts: Sequence[str],
        done: str,
        tone: str = "",
    ) -> ResponseReturnValue:
        """A page that says what will happen; sent, it happens."""
        file = self.found(PrintFile, pk)
        batch = self.found(VoucherBatch, file.batch_id)
        back = url_for("PrintDesk.show", pk=batch.id)
        asked = self.appbuilder.session.get(Staff, file.requested_by_id)
        known = {
            "no": batch.batch_no,
            "rows": f"{file.row_count:,}",
            "name": asked.name if asked is not None else "",
            "sha256": file.sha256.hex() if file.sha256 else "",
        }
        form = ConsoleForm()
        if form.validate_on_submit():
            with form.refusals():
                printing.write_in_unit(current_context(), work)
                printing.remove_unneeded(current_context())
                return self.done(done % known, back)
        return self.form_page(
            form,
            title=title % known,
            submit=submit,
            back=back,
            tone=tone,
            template="console/confirm.html",
            facts=[fact % known for fact in facts],
        )


def _wanted_part(file: PrintFile) -> Part:
    """What a browser asks for: a range of this very file, else the whole."""
    total = file.byte_count or 0
    wanted, condition = request.range, request.if_range
    same = condition.etag is None or (file.sha256 is not None and
                                      condition.etag == file.sha256.hex())  # fmt: skip
    if wanted is None or condition.date is not None or not same or len(wanted.ranges) != 1:
        return Part(0, total)
    found = wanted.range_for_length(total)
    if found is None:
        raise RequestedRangeNotSatisfiable(total)
    return Part(*found)


def see_file(file: PrintFile, names: dict[int, str]) -> FileSeen:
    """A print file for its batch's page."""
    status, mine = file.status, file.requested_by_id == g.actor.staff_id
    kinds = [state_name(file.format)]
    if file.format is PrintFormat.pdf:
        kinds += [state_name(file.layout), state_name(file.panel)]
    released = None if file.released_by_id is None else names.get(file.released_by_id)
    facts = [
        (gettext("Vouchers"), cell("quantity", file.row_count)),
        (gettext("Asked for by"), cell("name", names.get(file.requested_by_id))),
        (gettext("Asked for at"), cell("created_at", file.created_at)),
        (gettext("Released by"), cell("name", released)),
        (gettext("Released at"), cell("released_at", file.released_at)),
        (gettext("Bytes"), cell("quantity", file.byte_count)),
        (gettext("Downloads begun"), cell("quantity", file.downloads)),
        (gettext("Delivered whole at"), cell("delivered_at", file.delivered_at)),
        (gettext("SHA-256"), cell("token", file.sha256.hex() if file.sha256 else None)),
    ]
    return FileSeen(
        id=file.id,
        number=file.id,
        status=cell("status", status),
        name=" · ".join(kinds),
        facts=facts,
        rows_done=file.rows_done,
        row_count=file.row_count,
        under_way=status in {_S.requested, _S.making},
        may_download=mine and status in {_S.released, _S.taken},
        buttons=_buttons(file, mine=mine),
        problem=_problem(file, mine=mine),
    )


def _buttons(file: PrintFile, *, mine: bool) -> Sequence[Action]:
    status, pk = file.status, file.id
    open_states = {_S.requested, _S.making, _S.sealed, _S.released}
    if file.delivered_at is None:
        open_states.add(_S.taken)
    return those_allowed(
        action(gettext("Release"), "PrintFileDesk.release", pk=pk, tone="main")
        if status is _S.sealed and not mine
        else None,
        action(gettext("I have it whole"), "PrintFileDesk.acknowledge", pk=pk)
        if status is _S.taken and mine
        else None,
        action(gettext("Withdraw"), "PrintFileDesk.withdraw", pk=pk, tone="danger")
        if status in open_states
        else None,
    )


def _problem(file: PrintFile, *, mine: bool) -> str:
    """What the reader should know or do now."""
    said = {
        "disk_full": gettext(
            "The server's disk was full, so no file was made and nothing is lost."
            " Make room under the program's home, then ask again."
        ),
        "disk_unwritable": gettext(
            "The server could not write the file, so none was made and nothing is lost."
            " Look at the rights and the disk under the program's home, then ask again."
        ),
    }
    if file.status is _S.failed:
        return said.get(file.problem or "", gettext("The file could not be made. Ask again."))
    if file.status is _S.sealed and mine:
        return gettext("It waits for a second person to release it.")
    if file.status in {_S.released, _S.taken} and not mine:
        return gettext("Only whoever asked for it may download it.")
    return ""
