"""The pictures of the library as files: by their random key, for good, without the database."""

from __future__ import annotations

import re

from flask import Blueprint, Response, abort, send_file
from flask.typing import ResponseReturnValue

from app.flows.publishing.picturing import folder_of
from app.web.context import current_context

bp = Blueprint("site_media", __name__)

_KEY = re.compile(r"[A-Za-z0-9_-]{20,40}")
_SIZES = {"320.webp", "640.webp", "1280.webp", "full.jpg", "full.png"}
_YEAR, _MINUTE = 31_536_000, 60


@bp.get("/media/<string:key>/<string:name>")
def show_picture(key: str, name: str) -> ResponseReturnValue:
    """One size; the whole picture in its place while the job has not made it yet."""
    if not _KEY.fullmatch(key) or name not in _SIZES:
        abort(404)
    folder = folder_of(current_context(), key)
    wanted = folder / name
    if wanted.is_file():
        answer: Response = send_file(wanted, conditional=True, max_age=_YEAR)
        answer.cache_control.public, answer.cache_control.immutable = True, True
        return answer
    whole = next((path for path in (folder / "full.jpg", folder / "full.png") if path.is_file()),
                 None)  # fmt: skip
    if whole is None:
        abort(404)
    return send_file(whole, conditional=True, max_age=_MINUTE)
