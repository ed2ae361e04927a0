"""One store's till asks for another store's things, by every route of the staff API."""

from __future__ import annotations

import pytest

from app.core.actor import Role
from tests.factories import PASSWORD

REASON = {"reason": "错"}
NOBODYS = {  # Routes without anybody's thing in them, and why that is so.
    "/pos/api/me": "says who asks",
    "/pos/api/me/pin": "one's own",
    "/pos/api/sessions": "signing in; test_terminals has the stranger's device",
    "/pos/api/sessions/current": "one's own",
    "/pos/api/sessions/pin": "signing in; test_terminals",
    "/pos/api/terminals/enrol": "by a one-time code; test_terminals",
    "/pos/api/terminals/current": "by the device's own token; test_terminals",
    "/pos/api/feed/tickets": "one's own; a stream is heard below",
    "/pos/api/qr.svg": "draws what is sent",
    "/pos/api/wechat/js-config": "signs our own address",
    "/pos/api/openapi.json": "the document",
    "/pos/api/shifts/open": "one's own drawer; test_shifts",
    "/pos/api/payments": "a member's code, good at any till",
    "/pos/api/top-ups": "a member, found at any till; test_tenancy has the programs",
    "/pos/api/top-ups/lookup": "a member by masked name, guesses counted; test_counter",
}


@pytest.fixture
def trade(world, shop):
    """One of each that a store has: what its numbers are."""
    _, client = world.rich(shop, 100_00)
    [card] = client.get("/api/v1/me/cards").json()["items"]
    till = shop.cashier
    till.post("/pos/api/shifts/open", {"opening_float_fen": 0})
    code = client.post("/api/v1/me/payment-code", key="").json()["code"]
    payment = till.post("/pos/api/payments", {"payment_code": code, "amount_fen": 10_00}).json()
    refund = till.post(
        f"/pos/api/payments/{payment['payment_no']}/refunds", {"amount_fen": 1_00, **REASON}
    ).json()
    used, unused = world.make.vouchers(world.make.batch(issuer=shop.merchant, quantity=2))
    redemption = till.post("/pos/api/redemptions", {"code": used}).json()
    cash = till.post("/pos/api/top-ups", {"card_no": card["card_no"], "amount_fen": 1_00}).json()
    stock = world.make.batch(issuer=shop.merchant, quantity=3, sale_price_fen=45_00)
    world.make.vouchers(stock, activate=False)
    serials = world.make.stock(stock, shop.store)
    sale = {"tender": "cash", "serials": serials[:1]}
    sold = till.post("/pos/api/voucher-sales", sale).json()
    asked = {"action": "reverse_redemption", "number": redemption["redemption_no"], **REASON}
    return {
        "payment_no": payment["payment_no"],
        "refund_no": refund["refund_no"],
        "redemption_no": redemption["redemption_no"],
        "top_up_no": cash["top_up_no"],
        "sale_no": sold["sale_no"],
        "approval_id": till.post("/pos/api/approvals", asked).json()["id"],
        "shift_id": till.get("/pos/api/shifts/current").json()["shift"]["id"],
        "serials": serials[1:],
        "used": used,
        "unused": unused,
        "manager": shop.staff[1].name,
    }


@pytest.fixture(params=["another merchant's", "the same merchant's other"])
def elsewhere(request, world, shop):
    """A manager at another store: who may do most of what a till can do at all."""
    if request.param == "another merchant's":
        return world.shop().manager
    return world.as_staff(world.make.staff(Role.store_manager, world.make.store(shop.merchant)))


def _calls(trade):
    """Every route that names somebody's thing: method, rule, address, body."""
    word = {"username": trade["manager"], "password": PASSWORD}
    sale = {"serials": trade["serials"]}
    count = {"counted_fen": 0, "reason": "", "shift_id": trade["shift_id"]}
    asks = {"action": "reverse_redemption", "number": trade["redemption_no"], **REASON}
    papers = ("payment_no", "refund_no", "redemption_no", "top_up_no", "sale_no")
    return [
        ("GET", "/payments/<string:payment_no>", {}, None),
        ("POST", "/payments/<string:payment_no>/refunds", {}, {"amount_fen": 1, **REASON}),
        ("POST", "/redemptions/<string:redemption_no>/reverse", {}, REASON),
        ("POST", "/top-ups/<string:top_up_no>/reverse", {}, REASON),
        ("GET", "/voucher-sales/<string:sale_no>", {}, None),
        ("POST", "/voucher-sales/<string:sale_no>/close", {}, None),
        ("POST", "/voucher-sales/quote", {}, sale),
        ("POST", "/voucher-sales", {}, {"tender": "cash", **sale}),
        ("POST", "/approvals/<int:approval_id>/approve", {}, {"approver": word}),
        ("POST", "/approvals/<int:approval_id>/withdraw", {}, None),
        ("POST", "/approvals/<int:approval_id>/approve", {}, {"approver": word}),
        ("GET", "/shifts/<int:shift_id>", {}, None),
        ("POST", "/shifts/close", {}, count),
        ("POST", "/shifts/hand-over", {}, {"counted_fen": 0, "successor": word}),
        *[("GET", "/receipts/<string:number>", {"number": trade[kind]}, None) for kind in papers],
        ("POST", "/approvals", {}, asks),
    ]


def _address(rule, values):
    for name, value in values.items():
        for kind in ("string", "int"):
            rule = rule.replace(f"<{kind}:{name}>", str(value))
    assert "<" not in rule, f"no {rule} to ask for"
    return f"/pos/api{rule}"


def test_no_route_gives_or_changes_what_is_another_stores(world, trade, elsewhere):
    before = world.one("SELECT count(*) FROM posting"), world.one("SELECT count(*) FROM shift")
    for method, rule, more, body in _calls(trade):
        plain = {name: value for name, value in trade.items() if isinstance(value, str)}
        address = _address(rule, {**plain, **more})
        answer = elsewhere.get(address) if method == "GET" else elsewhere.post(address, body)
        if rule == "/approvals":
            # Anybody may ask for anything in words; it is looked for at its own store only.
            assert answer.status_code == 201, answer.text
            continue
        assert 400 <= answer.status_code < 500, f"{method} {address}: {answer.text}"
        assert answer.status_code not in {400, 415, 429}, f"{method} {address}: {answer.text}"
        shown = set(answer.json()) - {"type", "title", "status", "code", "detail", "instance"}
        assert shown <= {"errors"}, f"{method} {address} tells {shown}"
    assert (
        world.one("SELECT count(*) FROM posting"), world.one("SELECT count(*) FROM shift")
    ) == before  # fmt: skip


def test_lists_show_ones_own_only(world, shop, trade, elsewhere):
    world.jobs.run()
    own = {item["number"] for item in shop.cashier.get("/pos/api/records").json()["items"]}
    assert {trade["payment_no"], trade["redemption_no"], trade["sale_no"]} <= own
    assert elsewhere.get("/pos/api/records").json()["items"] == []
    assert elsewhere.get("/pos/api/records", q=trade["payment_no"][-6:]).json()["items"] == []
    assert elsewhere.get("/pos/api/feed").json()["items"] == []
    assert elsewhere.get("/pos/api/feed", after=0, limit=100).json()["items"] == []
    assert elsewhere.get("/pos/api/shifts/current").json()["shift"] is None


def test_another_merchants_voucher_is_not_there_and_a_sisters_opens_no_receipt(world, shop, trade):
    foreign = world.shop().cashier
    for code in (trade["used"], trade["unused"]):
        for path in ("/pos/api/vouchers/lookup", "/pos/api/redemptions"):
            assert foreign.post(path, {"code": code}).json()["code"] == "voucher_not_found"
    sister = world.as_staff(world.make.staff(Role.cashier, world.make.store(shop.merchant)))
    seen = sister.post("/pos/api/vouchers/lookup", {"code": trade["used"]}).json()
    assert seen["redeemable"] is False
    number = seen["redemption"]["redemption_no"]
    assert sister.get(f"/pos/api/receipts/{number}").json()["code"] == "record_not_found"


def test_every_route_of_the_staff_api_is_thought_of(world, trade):
    named = {f"/pos/api{rule}" for _, rule, _, _ in _calls(trade)}
    listed = {"/pos/api/records", "/pos/api/feed", "/pos/api/feed/stream"}
    listed |= {"/pos/api/shifts/current", "/pos/api/vouchers/lookup", "/pos/api/redemptions"}
    rules = {str(rule) for rule in world.app.url_map.iter_rules()}
    routes = {rule for rule in rules if rule.startswith("/pos/api/")}
    assert routes == named | listed | set(NOBODYS)
