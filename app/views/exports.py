"""The download centre: the files that somebody has asked for. Nobody sees anybody else's."""

from __future__ import annotations

from flask import current_app, flash, g, redirect, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy import func, select

from app.core.clock import local
from app.core.errors import DomainError
from app.flows import exporting
from app.models.exports import ExportFile, ExportStatus
from app.services.exports import ExportNotFound
from app.views.cells import Cell, cell
from app.views.exporting import content_type, headers_for
from app.web.context import current_context

_SHOWN = 50
_TONES = {
    ExportStatus.waiting: "waiting",
    ExportStatus.running: "waiting",
    ExportStatus.done: "good",
    ExportStatus.failed: "bad",
    ExportStatus.expired: "quiet",
}


class Exports(BaseView):
    """Ask for a file on any list; fetch, ask again for or delete it here."""

    route_base = "/console/exports"
    default_view = "list"

    @expose("/")
    @has_access
    def list(self) -> ResponseReturnValue:
        return self.render_template("console/exports.html", **self._files())

    @expose("/rows/")
    @has_access
    @permission_name("list")
    def rows(self) -> ResponseReturnValue:
        """The table alone, for the page that watches its files being made."""
        return self.render_template("console/_exports.html", **self._files())

    @expose("/file/<int:pk>")
    @has_access
    @permission_name("list")
    def file(self, pk: int) -> ResponseReturnValue:
        """The file, to whoever asked for it and to nobody else."""
        found, path = exporting.fetch(current_context(), g.actor, pk)
        response = send_file(path, mimetype=content_type(found.format), max_age=0, etag=False)
        response.headers.update(headers_for(found.file_name))
        return response

    @expose("/again/<int:pk>", methods=("POST",))
    @has_access
    @permission_name("list")
    def again(self, pk: int) -> ResponseReturnValue:
        """Have a failed or expired file made once more."""
        try:
            exporting.ask_again(current_context(), g.actor, pk)
        except ExportNotFound:
            raise
        except DomainError as refusal:
            flash(gettext(refusal.template) % refusal.params)
        else:
            flash(gettext("The file is being made again, with what is in the books now."))
        return redirect(url_for("Exports.list"))

    @expose("/delete/<int:pk>", methods=("POST",))
    @has_access
    @permission_name("list")
    def delete(self, pk: int) -> ResponseReturnValue:
        """Take a file off the list. The records in it are not touched."""
        exporting.forget(current_context(), g.actor, pk)
        flash(gettext("The file is deleted. The records that were in it are not."))
        return redirect(url_for("Exports.list"))

    def _files(self) -> dict[str, object]:
        session = self.appbuilder.session
        newest_first = select(ExportFile).order_by(ExportFile.id.desc()).limit(_SHOWN)
        files = session.scalars(newest_first.where(ExportFile.staff_id == g.actor.staff_id)).all()
        return {
            "files": [(file, _state(file)) for file in files],
            "busy": any(f.status in (ExportStatus.waiting, ExportStatus.running) for f in files),
            "percent": percent,
            "size": size,
            "good_until": good_until,
            "when": lambda instant: cell("created_at", instant).text,
        }


def count_ready() -> int:
    """How many of the reader's files are ready and not yet fetched: the notice on every page."""
    found = current_app.extensions["appbuilder"].session.scalar(
        select(func.count()).where(
            ExportFile.staff_id == g.actor.staff_id,
            ExportFile.status == ExportStatus.done,
            ExportFile.fetched_at.is_(None),
        )
    )
    return int(found or 0)


def percent(file: ExportFile) -> int:
    """How much of it is written."""
    return min(99, 100 * file.rows_done // file.rows_total) if file.rows_total else 0


def size(file: ExportFile) -> str:
    kilobytes = (file.size_bytes or 0) / 1000
    return f"{kilobytes / 1000:,.1f} MB" if kilobytes >= 1000 else f"{max(1, kilobytes):,.0f} KB"


def good_until(file: ExportFile) -> str:
    return local(file.expires_at).strftime("%m-%d %H:%M") if file.expires_at else ""


def _state(file: ExportFile) -> Cell:
    shown = cell("status", file.status)
    return Cell(shown.text, "state", _TONES[file.status])
