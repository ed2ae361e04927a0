"""Members' pictures as files, by their random key, without the database."""

from __future__ import annotations

import re

from flask import Blueprint, abort, send_file
from flask.typing import ResponseReturnValue

from app.flows.people.avatars import path_of
from app.web.context import current_context

bp = Blueprint("site_avatars", __name__)

_KEY = re.compile(r"[A-Za-z0-9_-]{20,40}")
_DAY = 86_400


@bp.get("/avatars/<string:key>.jpg")
def show_avatar(key: str) -> ResponseReturnValue:
    """Kept a day by browsers and by nobody between: who erases an account is forgotten soon."""
    path = path_of(current_context(), key)
    if not _KEY.fullmatch(key) or not path.is_file():
        abort(404)
    answer = send_file(path, conditional=True, max_age=_DAY)
    answer.cache_control.public, answer.cache_control.private = False, True
    return answer
