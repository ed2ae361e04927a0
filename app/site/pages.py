"""The home page and what any scanner opens: store codes, vouchers, top-up codes, gifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from app.core import codes
from app.core.actor import PUBLIC
from app.core.clock import utc_now
from app.core.demo import DEMO_ACCOUNTS, DemoAccount
from app.core.errors import DomainError
from app.flows.context import Context
from app.models.contents import ContentKind
from app.queries.publishing.contents import ContentSeen, list_contents
from app.queries.tenants.store_pages import list_stores_of_city
from app.queries.tenants.stores import PayPointSeen, find_pay_point, list_pay_points
from app.services.refusals import PayPointNotFound
from app.services.vouchers.redemptions import read_code
from app.site.caching import keep_private, may_be_kept
from app.site.contents import SECTIONS
from app.web.context import current_context
from app.web.security import allow_written_styles
from app.web.visits import note_scan

bp = Blueprint("site", __name__)

_STORES_SHOWN, _BANNERS, _BLOCKS = 6, 6, 12
_SHELVES = ((ContentKind.goods, 6), (ContentKind.solution, 3), (ContentKind.article, 3))
_PAY_POINTS_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class DemoPanel:
    """What a stranger needs to try a demo at once."""

    accounts: Sequence[DemoAccount]
    pay_points: Sequence[PayPointSeen]


@bp.app_context_processor
def name_language() -> dict[str, str]:
    """The language of this page, as its ``lang`` attribute wants it."""
    locale = get_locale()
    return {"page_language": "en" if locale is not None and locale.language == "en" else "zh-CN"}


@bp.after_app_request
def tell_language(response: Response) -> Response:
    """A cache must not show one reader's language to another."""
    if response.mimetype == "text/html":
        response.vary.add("Accept-Language")
    return response


@bp.get("/")
def show_home() -> ResponseReturnValue:
    return may_be_kept(home_page())


def home_page(*, previewed: ContentSeen | None = None) -> str:
    """The home page; with a banner or a block that is not public yet in the first place."""
    context = current_context()
    with context.database.unit_of_work(PUBLIC) as session:
        stores, _ = list_stores_of_city(
            session, city=None, after_id=0, limit=_STORES_SHOWN, now=utc_now()
        )
        shelves = [
            (SECTIONS[kind].path, gettext(SECTIONS[kind].title),
             list_contents(session, kind=kind, limit=shelf)[0])
            for kind, shelf in _SHELVES
        ]  # fmt: skip
        banners, _ = list_contents(session, kind=ContentKind.banner, limit=_BANNERS)
        blocks, _ = list_contents(session, kind=ContentKind.block, limit=_BLOCKS, whole=True)
    if previewed is not None:
        shown = banners if previewed.kind is ContentKind.banner else blocks
        shown[:] = [previewed, *(one for one in shown if one.id != previewed.id)]
    if any(block.body_html for block in blocks):
        allow_written_styles()
    return render_template(
        "site/home.html",
        stores=stores,
        demo=_demo_panel(context),
        shelves=shelves,
        banners=banners,
        blocks=blocks,
        preview=previewed is not None,
    )


def _demo_panel(context: Context) -> DemoPanel | None:
    if not context.settings.demo:
        return None
    with context.database.unit_of_work(PUBLIC) as session:
        points = list_pay_points(session, limit=_PAY_POINTS_SHOWN)
    return DemoPanel(accounts=DEMO_ACCOUNTS, pay_points=points)


@bp.get("/q/<string:token>")
def show_pay_point(token: str) -> ResponseReturnValue:
    """The store behind a code on a counter; paying goes on in WeChat."""
    with current_context().database.unit_of_work(PUBLIC) as session:
        seen = find_pay_point(session, token[:100])
    if seen is None:
        raise PayPointNotFound
    return render_template("site/pay_point.html", seen=seen)


@bp.get("/v/<string:code>")
def show_voucher(code: str) -> ResponseReturnValue:
    """A paper voucher: nothing is asked of the database, so nobody can probe here."""
    readable = _readable(code)
    note_scan(readable, path="/v/")
    return keep_private(render_template("site/code.html", kind="voucher", code=readable))


@bp.get("/t/<string:code>")
def show_top_up_code(code: str) -> ResponseReturnValue:
    readable = _readable(code)
    note_scan(readable, path="/t/")
    return keep_private(render_template("site/code.html", kind="top_up", code=readable))


@bp.get("/g/<string:claim_token>")
def show_gift(claim_token: str) -> ResponseReturnValue:
    return keep_private(render_template("site/gift.html", claim_token=claim_token[:100]))


def _readable(code: str) -> str | None:
    """The code in groups, or None for a typing error, which needs no server to see."""
    try:
        return codes.grouped(read_code(code))
    except DomainError:
        return None
