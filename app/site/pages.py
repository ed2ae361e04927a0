"""The home page and what any scanner opens: store codes, vouchers, top-up codes, gifts."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.core import codes
from app.core.actor import PUBLIC
from app.core.errors import DomainError
from app.queries.stores import find_pay_point
from app.services.refusals import PayPointNotFound
from app.services.redemptions import read_code
from app.web.context import current_context

bp = Blueprint("site", __name__)


@bp.get("/")
def show_home() -> ResponseReturnValue:
    return render_template("site/home.html")


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
    return render_template("site/code.html", kind="voucher", code=_readable(code))


@bp.get("/t/<string:code>")
def show_top_up_code(code: str) -> ResponseReturnValue:
    return render_template("site/code.html", kind="top_up", code=_readable(code))


@bp.get("/g/<string:claim_token>")
def show_gift(claim_token: str) -> ResponseReturnValue:
    return render_template("site/gift.html")


def _readable(code: str) -> str | None:
    """The code in groups, or None for a typing error, which needs no server to see."""
    try:
        return codes.grouped(read_code(code))
    except DomainError:
        return None
