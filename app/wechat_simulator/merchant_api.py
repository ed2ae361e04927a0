"""Pay APIv3 as the merchant sees it: each request is verified, each answer signed."""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, g, jsonify, request

from app.wechat_simulator import bills, orders
from app.wechat_simulator.orders import CODE_URL, NewOrder, NewRefund, Problem
from app.wechat_simulator.signing import merchant_signed, signature_headers
from app.wechat_simulator.views import order_view, refund_view
from app.wechat_simulator.world import world

bp = Blueprint("merchant_api", __name__, url_prefix="/v3")

_ORDER_NO = re.compile(r"[0-9A-Za-z_\-|*]{6,32}", re.ASCII)
_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)
_LONGEST_HANG = 60.0

T = TypeVar("T")  # The brackets of PEP 695 need Python 3.12; we start at 3.11.


@bp.before_request
def require_merchant() -> None:
    here = world()
    key_id = request.headers.get("Wechatpay-Serial", here.settings.public_key_id)
    is_signed = merchant_signed(
        here.keys.merchant,
        request.headers.get("Authorization", ""),
        mchid=here.settings.mchid,
        serial=here.settings.mch_serial,
        method=request.method,
        # As sent: a server that decodes and encodes again may change it.
        target=request.environ.get("RAW_URI")
        or request.environ.get("REQUEST_URI")
        or request.full_path.rstrip("?"),
        body=request.get_data(),
    )
    if not is_signed or key_id != here.settings.public_key_id:
        raise Problem(401, "SIGN_ERROR", "签名错误")
    if not request.headers.get("User-Agent") or not request.headers.get("Accept"):
        raise Problem(400, "PARAM_ERROR", "缺少Accept或User-Agent")


@bp.errorhandler(Problem)
def answer_problem(problem: Problem) -> tuple[Response, int]:
    g.number = problem.number
    return jsonify(code=problem.code, message=problem.message), problem.status


@bp.after_request
def sign_answer(response: Response) -> Response:
    here = world()
    if g.get("unsigned"):
        return response
    response.headers["Request-Id"] = f"{secrets.token_hex(13).upper()}-{g.get('number', '0')}"
    response.headers.update(
        signature_headers(here.keys.wechatpay, here.settings.public_key_id, response.get_data())
    )
    order_no = g.get("order_no")
    if order_no and here.store.scenario(order_no, "answer_forged") is not None:
        forged = base64.b64encode(secrets.token_bytes(256)).decode()
        response.headers["Wechatpay-Signature"] = forged
    return response


@bp.post("/pay/transactions/jsapi")
def prepay() -> Response:
    body = _Body(_json())
    return jsonify(prepay_id=_make_order(body, body.nested("payer").text("openid")))


@bp.post("/pay/transactions/native")
def prepay_native() -> Response:
    """Anybody may scan; who does is made up when the order is."""
    body = _Body(_json())
    made = _make_order(body, f"o-scanner-{secrets.token_hex(8)}")
    return jsonify(code_url=f"{CODE_URL}{made}")


def _make_order(body: _Body, openid: str) -> str:
    here = world()
    _require_merchant_number(body.text("mchid"))
    appid = body.text("appid")
    if appid not in here.settings.appid_secrets:
        raise Problem(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    foreign = "SELECT 1 FROM openids WHERE openid = ? AND appid <> ?"
    if here.store.row(foreign, openid, appid) is not None:
        raise Problem(400, "PARAM_ERROR", "appid和openid不匹配")
    amount = body.nested("amount")
    new = NewOrder(
        order_no=body.matching("out_trade_no", _ORDER_NO),
        parameters=dict(body.fields),
        appid=appid,
        openid=openid,
        amount_fen=amount.fen("total"),
        notify_url=_notify_url(body.text("notify_url")),
        expires_at=_expiry(body.fields.get("time_expire")),
    )
    if amount.fields.get("currency", "CNY") != "CNY" or len(body.text("description")) > 127:
        raise Problem(400, "PARAM_ERROR", "参数错误")
    if here.store.row("SELECT 1 FROM orders WHERE order_no = ?", new.order_no) is None:
        here.store.adopt_next_scenario(new.order_no)
    return _disturbed(new.order_no, "prepay", lambda: orders.make_order(here.store, new))


@bp.get("/pay/transactions/out-trade-no/<order_no>")
def query_order(order_no: str) -> Response:
    here = world()
    _require_merchant_number(request.args.get("mchid"))
    order = _disturbed(order_no, "query", lambda: orders.find_order(here.store, order_no))
    return jsonify(order_view(order, here.settings.mchid))


@bp.get("/pay/transactions/id/<transaction_id>")
def query_transaction(transaction_id: str) -> Response:
    here = world()
    _require_merchant_number(request.args.get("mchid"))
    row = here.store.row("SELECT order_no FROM orders WHERE transaction_id = ?", transaction_id)
    if row is None:
        raise Problem(404, "ORDER_NOT_EXIST", "订单不存在", "268447913")
    return query_order(row["order_no"])


@bp.post("/pay/transactions/out-trade-no/<order_no>/close")
def close(order_no: str) -> tuple[str, int]:
    _require_merchant_number(_Body(_json()).text("mchid"))
    _disturbed(order_no, "close", lambda: orders.close_order(world().store, order_no))
    return "", 204


@bp.post("/refund/domestic/refunds")
def refund() -> Response:
    here, body = world(), _Body(_json())
    amount = body.nested("amount")
    if amount.fields.get("currency") != "CNY":
        raise Problem(400, "PARAM_ERROR", "币种错误")
    new = NewRefund(
        refund_no=body.matching("out_refund_no", _REFUND_NO),
        parameters=dict(body.fields),
        order_no=body.text("out_trade_no"),
        refund_fen=amount.fen("refund"),
        total_fen=amount.fen("total"),
        notify_url=_notify_url(body.text("notify_url")),
    )
    made = _disturbed(
        new.order_no, "refund", lambda: orders.make_refund(here.store, here.notifier, new)
    )
    return jsonify(refund_view(made, orders.find_order(here.store, new.order_no)))


@bp.get("/refund/domestic/refunds/<refund_no>")
def query_refund(refund_no: str) -> Response:
    store = world().store
    found = orders.find_refund(store, refund_no)
    order_no = found["order_no"]
    found = _disturbed(order_no, "refund_query", lambda: orders.find_refund(store, refund_no))
    return jsonify(refund_view(found, orders.find_order(store, order_no)))


@bp.get("/bill/<any(tradebill, fundflowbill):kind>")
def bill(kind: str) -> Response:
    """Where a day's bill can be fetched, and what its bytes must hash to before gzip."""
    day, tar = request.args.get("bill_date", ""), request.args.get("tar_type", "")
    _, told = _bill(kind, day, tar)
    query = urlencode({"token": f"{kind}.{day}.{tar}"})
    return jsonify(
        hash_type="SHA1",
        hash_value=told,
        download_url=f"{request.url_root.rstrip('/')}/v3/billdownload/file?{query}",
    )


@bp.get("/billdownload/file")
def download() -> Response:
    """The file itself. Its answer is not signed (the hash is what there is to check)."""
    kind, _, rest = request.args.get("token", "").partition(".")
    day, _, tar = rest.partition(".")
    content, _ = _bill(kind, day, tar)
    g.unsigned = True
    return Response(content, mimetype="application/octet-stream")


def _bill(kind: str, day: str, tar: str) -> tuple[bytes, str]:
    here = world()
    if tar not in {"", "GZIP"} or kind not in {"tradebill", "fundflowbill"}:
        raise Problem(400, "PARAM_ERROR", "参数错误")
    try:
        bill_on = date.fromisoformat(day)
    except ValueError:
        raise Problem(400, "PARAM_ERROR", "账单日期格式错误") from None
    return bills.write_bill(
        here.store, kind=kind, day=bill_on, now=datetime.now(UTC), mchid=here.settings.mchid,
        gzipped=tar == "GZIP",
    )  # fmt: skip


def _disturbed(order_no: str, what: str, act: Callable[[], T]) -> T:
    """Do it, but answer an error or answer late where a scenario wishes so.

    An error means by default that nothing was done, a hang that it was done: ``acts`` turns it.
    """
    g.order_no = order_no
    store = world().store
    error = store.scenario(order_no, f"{what}_error")
    hang = store.scenario(order_no, f"{what}_hang")
    failure = Problem(500, "SYSTEM_ERROR", "系统错误")
    if error is not None and not error.get("acts"):
        raise failure
    if hang is not None and hang.get("acts") is False:
        _hang(hang)
        raise failure
    done = act()
    if hang is not None:
        _hang(hang)
    if error is not None:
        raise failure
    return done


def _hang(options: Mapping[str, object]) -> None:
    seconds = options.get("delay_seconds", 30)
    time.sleep(min(float(seconds), _LONGEST_HANG) if isinstance(seconds, (int, float)) else 30)


class _Body:
    """The JSON of a request; what is missing or of another type is a PARAM_ERROR."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if not isinstance(value, str) or not value:
            raise Problem(400, "PARAM_ERROR", f"缺少参数{name}")
        return value

    def matching(self, name: str, pattern: re.Pattern[str]) -> str:
        value = self.text(name)
        if not pattern.fullmatch(value):
            raise Problem(400, "PARAM_ERROR", f"参数{name}格式错误")
        return value

    def fen(self, name: str) -> int:
        value = self.fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise Problem(400, "PARAM_ERROR", f"参数{name}错误")
        return value

    def nested(self, name: str) -> _Body:
        value = self.fields.get(name)
        if not isinstance(value, dict):
            raise Problem(400, "PARAM_ERROR", f"缺少参数{name}")
        return _Body(value)


def _json() -> dict[str, object]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Problem(400, "PARAM_ERROR", "请求体不是JSON")
    return body


def _require_merchant_number(told: str | None) -> None:
    if told != world().settings.mchid:
        raise Problem(400, "PARAM_ERROR", "商户号错误")


def _notify_url(url: str) -> str:
    if not url.startswith(("http://", "https://")) or "?" in url or "#" in url:
        raise Problem(400, "PARAM_ERROR", "通知地址错误")
    return url


def _expiry(value: object) -> float:
    if value is None:
        return time.time() + 7 * 86400
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Problem(400, "PARAM_ERROR", "time_expire格式错误")
    return instant.timestamp()
