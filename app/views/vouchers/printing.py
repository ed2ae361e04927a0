"""Printing a batch: its design and proof, and asking for its print file."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, abort, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy import select

from app.documents.previews import draw_preview
from app.documents.sheets import LAYOUTS, Layout, write_proof
from app.documents.vouchers import VoucherDesign, design_of
from app.flows.vouchers import printing
from app.models.people import Staff
from app.models.print_files import CodePanel, PrintFile, PrintFileStatus, PrintFormat, PrintLayout
from app.models.vouchers import BatchStatus, VoucherBatch
from app.queries.vouchers.print_designs import read_batch_print
from app.services.vouchers import print_files
from app.views.cells import cell, state_name
from app.views.desks import Desk, action, those_allowed
from app.views.vouchers.print_files import see_file
from app.views.vouchers.print_forms import AskForm, DesignForm
from app.web.context import current_context

_S = PrintFileStatus
_BEFORE_PRINTING = {
    BatchStatus.draft,
    BatchStatus.approved,
    BatchStatus.generating,
    BatchStatus.generated,
}


class PrintDesk(Desk):
    """A batch's paper: what stands on it, how it looks, and its print files."""

    route_base = "/console/print"
    default_view = "show"
    belongs_to = "Batches"

    @expose("/<int:pk>")
    @has_access
    def show(self, pk: int) -> ResponseReturnValue:
        batch = self.found(VoucherBatch, pk)
        files = self.appbuilder.session.scalars(
            select(PrintFile).where(PrintFile.batch_id == pk).order_by(PrintFile.id.desc())
        ).all()
        names = self._names(files)
        seen = [see_file(file, names) for file in files]
        is_open = any(file.status not in {_S.failed, _S.withdrawn} for file in files)
        return self.page(
            "console/print.html",
            batch=batch,
            status=cell("status", batch.status),
            design=_design(self, pk, scratch=False),
            current=seen[0] if seen else None,
            history=seen[1:],
            layouts=[(layout.name, state_name(layout)) for layout in PrintLayout],
            buttons=those_allowed(
                action(gettext("Ask for the print file"), "PrintDesk.ask", pk=pk, tone="main")
                if not is_open and batch.status is BatchStatus.generated
                else None,
                action(gettext("Change the design"), "PrintDesk.design", pk=pk)
                if not is_open and batch.status in _BEFORE_PRINTING
                else None,
            ),
            is_waiting=not is_open
            and batch.status in _BEFORE_PRINTING
            and batch.status is not BatchStatus.generated,
        )

    @expose("/<int:pk>/preview.png")
    @has_access
    @permission_name("show")
    def preview(self, pk: int) -> ResponseReturnValue:
        design = _design(self, pk, scratch=request.args.get("panel") == "scratch")
        layout, back = _layout("card"), request.args.get("side") == "back"
        asked = _layout(request.args.get("layout"))
        if not asked.card:
            layout, back = asked, False
        return Response(draw_preview(design, layout, back=back), mimetype="image/png")

    @expose("/<int:pk>/proof.pdf")
    @has_access
    @permission_name("show")
    def proof(self, pk: int) -> ResponseReturnValue:
        """A sheet to look at and to scan: its codes are refused everywhere."""
        design = _design(self, pk, scratch=request.args.get("panel") == "scratch")
        name = request.args.get("layout")
        made = _Pieces()
        write_proof(made, design=design, layout=_layout(name))
        answer = Response(b"".join(made.pieces), mimetype="application/pdf")
        answer.headers["Content-Disposition"] = f'inline; filename="proof-{design.batch_no}.pdf"'
        return answer

    @expose("/<int:pk>/design", methods=["GET", "POST"])
    @has_access
    def design(self, pk: int) -> ResponseReturnValue:
        batch = self.found(VoucherBatch, pk)
        form = DesignForm(obj=batch)
        if request.method == "GET" and not batch.colour:
            form.colour.process(None)
        back = url_for("PrintDesk.show", pk=pk)
        if form.validate_on_submit():
            with form.refusals():
                printing.write_in_unit(
                    current_context(),
                    lambda session: print_files.design_batch(
                        session,
                        batch_id=pk,
                        title=form.title.data or "",
                        terms=form.terms.data or "",
                        support_phone=form.support_phone.data or "",
                        colour=form.colour.data,
                        actor=g.actor,
                    ),
                )
                return self.done(
                    gettext("The design of batch %(no)s is saved.") % {"no": batch.batch_no}, back
                )
        return self.form_page(
            form,
            title=gettext("Design of batch %(no)s") % {"no": batch.batch_no},
            submit=gettext("Save the design"),
            back=back,
        )

    @expose("/<int:pk>/ask", methods=["GET", "POST"])
    @has_access
    def ask(self, pk: int) -> ResponseReturnValue:
        batch = self.found(VoucherBatch, pk)
        form = AskForm()
        form.offer_all()
        back = url_for("PrintDesk.show", pk=pk)
        if form.validate_on_submit():
            with form.refusals():
                printing.write_in_unit(
                    current_context(),
                    lambda session: print_files.request_print_file(
                        session,
                        batch_id=pk,
                        print_format=PrintFormat[form.format.data],
                        layout=PrintLayout[form.layout.data],
                        panel=CodePanel[form.panel.data],
                        requester=g.actor,
                    ),
                )
                return self.done(
                    gettext("The print file of batch %(no)s is asked for and being made.")
                    % {"no": batch.batch_no},
                    back,
                )
        return self.form_page(
            form,
            title=gettext("Print file of batch %(no)s") % {"no": batch.batch_no},
            explanation=gettext(
                "A batch is taken out once. The file holds all %(count)s secret codes: it is sealed"
                " until a second person releases it, and destroyed after you have downloaded it."
            )
            % {"count": f"{batch.quantity:,}"},
            submit=gettext("Ask for it"),
            back=back,
        )

    def _names(self, files: Sequence[PrintFile]) -> dict[int, str]:
        ids = {file.requested_by_id for file in files} | {file.released_by_id for file in files}
        rows = self.appbuilder.session.execute(
            select(Staff.id, Staff.name).where(Staff.id.in_(ids - {None}))
        )
        return {row[0]: row[1] for row in rows}


class _Pieces:
    """Where a small document goes that is sent at once."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> None:
        self.pieces.append(piece)


def _design(desk: Desk, pk: int, *, scratch: bool) -> VoucherDesign:
    desk.found(VoucherBatch, pk)
    facts = read_batch_print(desk.appbuilder.session, batch_id=pk)
    assert facts is not None, "it was found"
    base_url = current_context().settings.public_base_url
    return design_of(facts, base_url=base_url, scratch=scratch)


def _layout(name: str | None) -> Layout:
    if name not in LAYOUTS:
        abort(404)
    return LAYOUTS[name]
