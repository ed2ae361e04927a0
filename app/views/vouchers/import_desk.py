"""The desk of old cards: a spreadsheet is looked at, its totals compared, then taken whole."""

from __future__ import annotations

from typing import ClassVar

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from wtforms import FileField
from wtforms.validators import DataRequired

from app.core import money
from app.core.errors import N_
from app.documents.uploads import MAX_BYTES, read_sheet
from app.flows.vouchers import paper
from app.models.voucher_records import VoucherImport
from app.services.vouchers.old_cards import DryRun
from app.views import choosing
from app.views.desks import Desk
from app.views.finders import Finder
from app.views.forms import ConsoleForm
from app.web.context import current_context


class ImportForm(ConsoleForm):
    refusals_at: ClassVar = {
        "sheet_unreadable": "file",
        "sheet_too_long": "file",
        "sheet_merged": "file",
        "sheet_formula": "file",
        "import_headings_missing": "file",
        "imported_before": "file",
        "program_not_found": "program_id",
    }

    program_id = Finder(
        N_("Card program"), description=N_("Onto whose cards the old cards' value goes.")
    )
    file = FileField(
        N_("Spreadsheet (xlsx or csv)"),
        [DataRequired()],
        description=N_(
            "The first row names the columns: 卡号, 卡密 (or 卡密哈希, SHA-256 in hex), 余额, and"
            " 有效期 if cards expire. At most 100,000 rows."
        ),
    )


class ImportDesk(Desk):
    """One person brings the file, a second one compares the totals and takes it over."""

    route_base = "/console/voucher-imports"
    default_view = "new"
    belongs_to = "VoucherImports"

    @expose("/new", methods=("GET", "POST"))
    @has_access
    def new(self) -> ResponseReturnValue:
        form = ImportForm()
        form.program_id.offer_from(self.appbuilder.session, choosing.programs())
        dry_run: DryRun | None = None
        if request.method == "POST" and form.validate():
            with form.refusals():
                kept, dry_run = self._read(form)
                if kept is not None:
                    said = gettext("The file is in order. A second person has to take it over.")
                    return self.done(said, url_for("VoucherImports.show", pk=kept))
                form.problem = gettext(
                    "Nothing was written. %(count)s rows have to be corrected first."
                ) % {"count": dry_run.problem_count if dry_run else 0}
        return self.form_page(
            form,
            title=gettext("Import old cards"),
            explanation=gettext("The file is only looked at first. Nothing is written yet."),
            submit=gettext("Look at the file"),
            back=url_for("VoucherImports.list"),
            template="console/import_new.html",
            dry_run=dry_run,
        )

    @expose("/take/<int:pk>", methods=("GET", "POST"))
    @has_access
    def carry_out(self, pk: int) -> ResponseReturnValue:
        kept = self.found(VoucherImport, pk)
        said = gettext("%(count)s cards become top-up codes, worth ¥%(fen)s in all.")
        return self._decide(
            kept,
            approved=True,
            title=gettext("Take these cards over"),
            facts=[
                said % {"count": f"{kept.row_count:,}", "fen": money.yuan(kept.total_fen)},
                gettext("The issuer owes this sum from then on, as for vouchers it has sold."),
                gettext("All of them or none. It cannot be taken back, only voided."),
            ],
            done=gettext("The cards are taken over. Their codes can be redeemed now."),
        )

    @expose("/discard/<int:pk>", methods=("GET", "POST"))
    @has_access
    def discard(self, pk: int) -> ResponseReturnValue:
        kept = self.found(VoucherImport, pk)
        return self._decide(
            kept,
            approved=False,
            title=gettext("Discard"),
            facts=[gettext("Nothing is taken over; what was read of the file is destroyed.")],
            done=gettext("The file is discarded. Nothing was written."),
        )

    def _read(self, form: ImportForm) -> tuple[int | None, DryRun | None]:
        """The import's id when the file is in order, else what is wrong with it."""
        upload = request.files.get("file")
        name = upload.filename or "" if upload is not None else ""
        content = upload.stream.read(MAX_BYTES + 1) if upload is not None else b""
        rows = [(row.number, row.cells) for row in read_sheet(name, content)]
        dry_run = paper.try_import(current_context(), rows=rows)
        if dry_run.problem_count:
            return None, dry_run
        kept = paper.keep_import(
            current_context(),
            g.actor,
            dry_run=dry_run,
            program_id=int(form.program_id.data),
            file_name=name,
            content=content,
        )
        return kept, dry_run

    def _decide(
        self, kept: VoucherImport, *, approved: bool, title: str, facts: list[str], done: str
    ) -> ResponseReturnValue:
        form = ConsoleForm()
        here = url_for("VoucherImports.show", pk=kept.id)
        if request.method == "POST":
            with form.refusals():
                paper.decide_import(
                    current_context(), g.actor, import_id=kept.id, approved=approved
                )
                return self.done(done, here)
        return self.form_page(
            form,
            title=title,
            explanation=kept.file_name,
            submit=title,
            back=here,
            tone="" if approved else "danger",
            template="console/confirm.html",
            facts=facts,
        )
