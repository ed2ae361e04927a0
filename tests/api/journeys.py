"""Steps of journeys over HTTP that several tests take, and what a member reads afterwards."""

from __future__ import annotations

from tests.served import Client, Served, Shop


def story(client: Client, *, page: int = 3) -> list[tuple[str, int]]:
    """All activities, oldest first, read page by page; each balance must follow from the last."""
    items, cursor = [], None
    while True:
        query = {"limit": page} | ({"cursor": cursor} if cursor else {})
        told = client.get("/api/v1/me/activities", **query).json()
        items += told["items"]
        cursor = told["next_cursor"]
        if cursor is None:
            break
        assert len(told["items"]) == page
    assert len({item["id"] for item in items}) == len(items)
    balance = 0
    for item in reversed(items):
        balance += item["amount_fen"]
        assert item["balance_after_fen"] == balance, items
        assert item["title"]
        assert item["reference"]
    if items:
        cards = client.get("/api/v1/me/cards").json()["items"]
        assert balance == sum(card["balance_fen"] for card in cards)
    return [(item["type"], item["amount_fen"]) for item in reversed(items)]


def pay(client: Client, shop: Shop, amount_fen: int, *, status: str) -> dict:
    body = {"pay_point": shop.pay_point.token, "amount_fen": amount_fen}
    answer = client.post("/api/v1/payments", body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["status"] == status
    assert told["card_fen"] + told["wechat_fen"] == told["amount_fen"] == amount_fen
    return told


def payment_of(client: Client, payment: dict) -> dict:
    answer = client.get(f"/api/v1/payments/{payment['id']}")
    assert answer.status_code == 200
    return answer.json()


def is_now(client: Client, payment: dict, status: str) -> bool:
    return payment_of(client, payment)["status"] == status


def begin_combined(world: Served, shop: Shop, card_fen: int, amount_fen: int):
    member, client = world.rich(shop, card_fen)
    payment = pay(client, shop, amount_fen, status="pending")
    assert (payment["card_fen"], payment["wechat_fen"]) == (card_fen, amount_fen - card_fen)
    assert set(payment["wechat_pay"]) == {
        "timeStamp", "nonceStr", "package", "signType", "paySign",
    }  # fmt: skip
    assert world.balance(client) == 0
    return member, client, payment


def refund_states(world: Served, column: str, subject: dict) -> list[str]:
    found = world.rows(
        f"SELECT status FROM refund WHERE {column} = :id ORDER BY id", id=int(subject["id"])
    )
    return [row[0] for row in found]
