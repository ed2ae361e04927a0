"""Preview links: whoever holds one reads one version of one item, for a week, in any state."""

from __future__ import annotations

from itsdangerous import BadData, URLSafeTimedSerializer

from app.core.actor import SYSTEM
from app.flows.context import Context
from app.queries.publishing.contents import ContentSeen, preview_content
from app.services.publishing.content_refusals import ContentNotFound

LIFETIME_SECONDS = 7 * 86_400


def preview_token(context: Context, *, item_id: int, version_no: int) -> str:
    """What makes a link to a preview; nobody else can make one."""
    return _signer(context).dumps([item_id, version_no])


def read_preview(context: Context, token: str) -> ContentSeen:
    """What the link shows.

    Raises:
        ContentNotFound: Forged, too old, or there is no such version.
    """
    try:
        item_id, version_no = _signer(context).loads(token, max_age=LIFETIME_SECONDS)
    except (BadData, ValueError):
        raise ContentNotFound from None
    # The link is the right to read: whoever made it saw the item in their own scope.
    with context.database.unit_of_work(SYSTEM) as session:
        seen = preview_content(session, item_id=int(item_id), version_no=int(version_no))
    if seen is None:
        raise ContentNotFound
    return seen


def _signer(context: Context) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(context.settings.secret_key, salt="content-preview")
