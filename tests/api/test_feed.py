"""A store's feed: in order, whole, its own; and what a till is told when streams pause."""

from __future__ import annotations

import threading

import psycopg
import pytest

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.jobs.relay import relay_batch
from tests.documented import Documents


def _feed(client, **query):
    answer = client.get("/pos/api/feed", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _publish(world):
    """Everything that is waiting, other tests' messages included: a batch holds so many only."""
    handed_over = 1
    while handed_over:
        with world.context.database.unit_of_work(SYSTEM) as session:
            handed_over = relay_batch(session, now=utc_now())


def _paid(world, shop, client, fen):
    body = {"pay_point": shop.pay_point.token, "amount_fen": fen}
    answer = client.post("/api/v1/payments", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_what_a_store_receives_stands_in_its_feed_newest_first(world, shop):
    _, client = world.rich(shop, 100_00)
    paid = _paid(world, shop, client, 12_00)
    make = world.make
    [code] = make.vouchers(make.batch(issuer=shop.merchant, quantity=1, face_value_fen=50_00))
    redeemed = shop.cashier.post("/pos/api/redemptions", {"code": code}).json()
    card_no = client.get("/api/v1/me/cards").json()["items"][0]["card_no"]
    cash = shop.cashier.post("/pos/api/top-ups", {"card_no": card_no, "amount_fen": 5_00}).json()
    path = f"/pos/api/payments/{paid['payment_no']}/refunds"
    refund = shop.cashier.post(path, {"amount_fen": 2_00, "reason": "退货"}).json()
    path = f"/pos/api/redemptions/{redeemed['redemption_no']}/reverse"
    assert shop.manager.post(path, {"reason": "错"}).status_code == 201
    world.jobs.run()
    told = _feed(shop.cashier)
    assert [(item["event"], item["number"], item["amount_fen"]) for item in told["items"]] == [
        ("voucher.reversed", redeemed["redemption_no"], 50_00),
        ("refund.made", refund["refund_no"], 2_00),
        ("top_up.credited", cash["top_up_no"], 5_00),
        ("voucher.redeemed", redeemed["redemption_no"], 50_00),
        ("payment.paid", paid["payment_no"], 12_00),
    ]
    assert told["items"][1]["reference"] == paid["payment_no"]
    assert told["items"][2]["cash_fen"] == 5_00
    assert told["items"][4]["card_fen"] == 12_00


def test_a_combined_payment_waits_in_sight_with_both_tenders(world, shop):
    _, client = world.rich(shop, 10_00)
    begun = _paid(world, shop, client, 15_00)
    world.jobs.run()
    [waiting] = _feed(shop.cashier)["items"]
    assert (waiting["event"], waiting["card_fen"], waiting["wechat_fen"]) == (
        "payment.pending", 10_00, 5_00,
    )  # fmt: skip
    world.confirm_in_wechat(begun)
    world.jobs.run_until(lambda: len(_feed(shop.cashier)["items"]) == 2)
    assert _feed(shop.cashier)["items"][0]["event"] == "payment.paid"


def test_pages_and_a_resume_point_miss_nothing_and_double_nothing(world, shop):
    _, client = world.rich(shop, 100_00)
    for fen in range(1, 6):
        _paid(world, shop, client, fen)
    _publish(world)
    first = _feed(shop.cashier, limit=2)
    second = _feed(shop.cashier, limit=2, cursor=first["next_cursor"])
    third = _feed(shop.cashier, limit=2, cursor=second["next_cursor"])
    seen = [item["amount_fen"] for part in (first, second, third) for item in part["items"]]
    assert seen == [5, 4, 3, 2, 1]
    assert third["next_cursor"] is None
    assert _feed(shop.cashier, after=first["resume_after"])["items"] == []
    _paid(world, shop, client, 6)
    _publish(world)
    fresh = _feed(shop.cashier, after=first["resume_after"])
    assert [item["amount_fen"] for item in fresh["items"]] == [6]


def test_what_is_committed_late_comes_later_and_is_not_missed(world, shop):
    """An outbox row with the lower id becomes visible after one with a higher id was published."""
    _, client = world.rich(shop, 100_00)
    late = _paid(world, shop, client, 7)
    _publish(world)
    before = _feed(shop.cashier)["resume_after"]
    insert = (
        "INSERT INTO outbox_message (topic, subject_id, merchant_id, store_id)"
        " SELECT 'payment.paid', id, merchant_id, store_id FROM payment WHERE payment_no = %s"
    )
    with psycopg.connect(world.own.superuser_url) as slow:
        slow.execute(insert, (late["payment_no"],))  # Its id is taken; it is not committed.
        _paid(world, shop, client, 8)
        _publish(world)
        between = _feed(shop.cashier, after=before)
        assert [item["amount_fen"] for item in between["items"]] == [8]
        slow.commit()
    _publish(world)
    after = _feed(shop.cashier, after=between["resume_after"])
    assert [item["amount_fen"] for item in after["items"]] == [7]


def test_two_relays_at_once_publish_everything_once_and_in_visible_order(world, shop):
    _, client = world.rich(shop, 100_00)
    for fen in range(1, 13):
        _paid(world, shop, client, fen)
    relays = [threading.Thread(target=_publish, args=(world,)) for _ in range(4)]
    for relay in relays:
        relay.start()
    for relay in relays:
        relay.join()
    _publish(world)
    told = sorted(item["amount_fen"] for item in _feed(shop.cashier, limit=100)["items"])
    assert told == list(range(1, 13))


def test_another_store_hears_nothing_of_it(world, shop):
    _, client = world.rich(shop, 100_00)
    _paid(world, shop, client, 9)
    _publish(world)
    neighbour = world.as_staff(
        world.make.staff(shop.staff[0].role, world.make.store(shop.merchant))
    )
    assert _feed(shop.cashier)["items"] != []
    assert _feed(neighbour)["items"] == []


def test_a_ticket_opens_one_stream_and_no_second(world, shop):
    ticket = shop.cashier.post("/pos/api/feed/tickets", {}).json()["ticket"]
    first = world.stranger.get("/pos/api/feed/stream", ticket=ticket)
    second = world.stranger.get("/pos/api/feed/stream", ticket=ticket)
    # This server has no connection to hand over, which is what a dead stream process is like.
    assert (first.status_code, first.json()["code"]) == (503, "stream_unavailable")
    assert int(first.headers["Retry-After"]) > 0
    assert second.status_code == 401


@pytest.mark.parametrize("query", [{"after": -1}, {"after": "x"}, {"after": 2**63}, {"limit": 0}])
def test_nonsense_is_refused(shop, query):
    assert shop.cashier.get("/pos/api/feed", **query).status_code == 422


def test_the_documents_say_what_a_stream_is(world):
    documents = Documents.of(world.app)
    [stream] = [one for one in documents.operations if one[1] == "/pos/api/feed/stream"]
    assert "text/event-stream" in stream[3]["responses"]["200"]["content"]
