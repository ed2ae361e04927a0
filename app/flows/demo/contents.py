"""Fill the demo's site: draws the pictures, writes the content, publishes it as editors would."""

from __future__ import annotations

from sqlalchemy import select

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.documents.placeholders import draw_placeholder
from app.flows.context import Context
from app.flows.publishing.picturing import make_sizes, take_picture
from app.models.base import OPERATOR_ID
from app.models.contents import ContentItem
from app.models.tenants import Merchant, Store
from app.services.demo.contents import DEMO_CONTENTS, DemoContent
from app.services.publishing.content_words import Words
from app.services.publishing.contents import arrange_contents, create_content, plan_content


def seed_demo_contents(context: Context) -> None:
    """Make the demo's content, unless it is there already."""
    with context.database.unit_of_work(SYSTEM) as session:
        if session.scalar(select(ContentItem.id).where(ContentItem.slug == "privacy")) is not None:
            return
        owners = dict(session.execute(select(Merchant.code, Merchant.id)).all())
        stores = dict(session.execute(select(Store.code, Store.id)).all())
    for one in DEMO_CONTENTS:
        owner = owners.get(one.owner or "", OPERATOR_ID)
        _publish(context, one, owner, stores)


def _publish(context: Context, one: DemoContent, owner: int, stores: dict[str, int]) -> None:
    cover_id = _picture(context, one, owner) if one.picture else None
    words = Words(
        title=one.title,
        summary=one.summary,
        body_html=one.body_html,
        category=one.category,
        price_fen=one.price_fen,
        link_url=one.link_url,
        store_ids=[stores[one.store_code]] if one.store_code in stores else [],
        cover_id=cover_id,
    )
    now = utc_now()
    with context.database.unit_of_work(SYSTEM) as session:
        made = create_content(
            session, merchant_id=owner, kind=one.kind, words=words, actor=SYSTEM, slug=one.slug
        )
        arrange_contents(session, order={made.id: one.sort}, actor=SYSTEM)
        plan_content(
            session, item_id=made.id, publish_at=None, withdraw_at=None, actor=SYSTEM, now=now
        )


def _picture(context: Context, one: DemoContent, owner: int) -> int:
    assert one.picture is not None
    caption, hue = one.picture
    taken = take_picture(
        context,
        SYSTEM,
        merchant_id=owner,
        name=f"{one.title}.png",
        content=draw_placeholder(caption, hue),
        alt=f"{one.title}（示意图）",
    )
    make_sizes(context, taken.id)
    return taken.id
