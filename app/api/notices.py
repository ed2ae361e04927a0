"""Messages in WeChat: which there are, and that the member has agreed to some."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.blueprint import bp
from app.flows.messaging import notices
from app.models.notices import NoticeKind
from app.web.auth import current_actor, member_required
from app.web.context import current_context
from app.web.limits import READ, limited

_KINDS = [kind.name for kind in NoticeKind]


class NoticeOffered(Schema):
    kind = fields.String(validate=validate.OneOf(_KINDS))
    template_id = fields.String(metadata={"description": "for wx.requestSubscribeMessage"})
    remaining = fields.Integer(metadata={"description": "messages the member has agreed to"})


class NoticesOffered(Schema):
    items = fields.List(fields.Nested(NoticeOffered))
    account_kinds = fields.List(
        fields.String(validate=validate.OneOf(_KINDS)),
        metadata={"description": "what the official account tells its followers of, unasked"},
    )
    follows = fields.Boolean(
        metadata={"description": "whether the member follows the official account"}
    )


class Agreement(Schema):
    kinds = fields.List(
        fields.String(validate=validate.OneOf(_KINDS)),
        required=True,
        validate=validate.Length(1, len(_KINDS)),
    )


@bp.get("/me/notices")
@limited(READ)
@member_required
@bp.response(200, NoticesOffered)
def list_notices() -> notices.NoticesOffered:
    """The kinds of messages that the operator sends; none when it has set up no templates."""
    return notices.list_offered(current_context(), current_actor())


@bp.post("/me/notices")
@limited(READ)
@member_required
@bp.arguments(Agreement)
@bp.response(200, NoticesOffered)
def agree_to_notices(body: dict[str, Any]) -> notices.NoticesOffered:
    """WeChat has asked the member, who agreed to one message of each of these kinds."""
    kinds = {NoticeKind[name] for name in body["kinds"]}
    notices.agree(current_context(), current_actor(), kinds)
    return notices.list_offered(current_context(), current_actor())
