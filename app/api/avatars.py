"""The member's own picture, as WeChat's picker or a browser gives it."""

from __future__ import annotations

from typing import Any

from flask import request

from app.api import schemas
from app.api.blueprint import bp
from app.core.errors import N_, Category, DomainError
from app.flows.people import avatars
from app.models.people import Member
from app.web.auth import current_actor, member_required
from app.web.context import current_context
from app.web.limits import LOOK_UP, limited


class PictureMissing(DomainError):
    code = "picture_missing"
    category = Category.INVALID
    template = N_("There is no picture in this call. Please choose one and try again.")


@bp.post("/me/avatar")
@limited(LOOK_UP)
@member_required
@bp.doc(
    requestBody={
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            }
        },
    }
)
@bp.response(200, schemas.Profile)
def change_avatar() -> Member:
    """Take a picture (JPEG, PNG, WebP or GIF, 8 MB at most) as one's own; it is drawn anew."""
    member_id = current_actor().member_id
    assert member_id is not None, "member_required stands before"
    sent: Any = request.files.get("file")
    if sent is None:
        raise PictureMissing
    content = sent.stream.read(avatars.MAX_BYTES + 1)
    return avatars.take_avatar(current_context(), member_id=member_id, content=content)
