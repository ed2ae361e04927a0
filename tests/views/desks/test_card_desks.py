"""The desk of cards, and what two people decide about one: adjustments and returns."""

from __future__ import annotations

import re

from sqlalchemy import func, select

from app.core.actor import SYSTEM, Role
from app.core.clock import local_day, utc_now
from app.models.cards import Card, CardStatus
from app.models.decisions import AdjustmentStatus, CardAdjustment, CardReturn, ReturnStatus
from app.models.ledger import JournalEntry
from tests.views.desks.sending import hidden_fields, loaded, send


def test_a_card_is_frozen_lost_and_replaced_with_a_reason_each_time(admin, database, card):
    path = f"/console/cards/{card.id}"
    refused = send(admin, f"{path}/freeze", reason=" ")
    assert refused.status_code == 422
    assert loaded(database, Card, card.id).status is CardStatus.active
    for step, status in (
        ("freeze", CardStatus.frozen),
        ("unfreeze", CardStatus.active),
        ("lose", CardStatus.lost),
    ):
        answer = send(admin, f"{path}/{step}", reason="电话要求")
        assert answer.location == f"/console/cards/show/{card.id}"
        assert loaded(database, Card, card.id).status is status
    again = send(admin, f"{path}/lose", reason="电话要求")
    assert again.status_code == 422
    assert "状态" in again.text
    new = send(admin, f"{path}/replace")
    replaced = loaded(database, Card, card.id)
    assert replaced.status is CardStatus.replaced
    assert new.location == f"/console/cards/show/{replaced.replaced_by_id}"
    assert loaded(database, Card, replaced.replaced_by_id).balance_fen == 300_00
    statement = admin.get(f"/console/cards/{replaced.replaced_by_id}/statement").text
    assert "+300.00" in statement


def test_the_same_form_sent_twice_acts_once(admin, database, card):
    path = f"/console/adjustments/add/{card.id}"
    page = admin.get(path).text
    fields = {
        **hidden_fields(page),
        "direction": "up",
        "amount_fen": "12.50",
        "reason": "补登",
    }
    first, second = (admin.client.post(path, data=fields) for _ in range(2))
    assert first.status_code == second.status_code == 302
    assert first.location == second.location
    with database.unit_of_work(SYSTEM) as work:
        asked = select(func.count()).where(CardAdjustment.card_id == card.id)
        assert work.scalar(asked) == 1


def test_an_adjustment_takes_two_people_and_is_booked_once(admin, finance, database, card):
    asked = send(
        finance,
        f"/console/adjustments/add/{card.id}",
        direction="down",
        amount_fen="100",
        reason="多充",
    )
    pk = int(asked.location.rsplit("/", 1)[1])
    approve = f"/console/adjustments/{pk}/approve"
    own = finance.get(asked.location).text
    assert approve not in own
    assert send(finance, approve).status_code == 422  # Maker and checker are two people.
    assert loaded(database, Card, card.id).balance_fen == 300_00
    assert approve in admin.get(asked.location).text
    assert send(admin, approve).status_code == 302
    assert send(admin, approve).status_code == 422
    request = loaded(database, CardAdjustment, pk)
    assert request.status is AdjustmentStatus.booked
    assert loaded(database, Card, card.id).balance_fen == 200_00
    with database.unit_of_work(SYSTEM) as work:
        entries = select(func.count()).where(
            JournalEntry.reference == f"card-adjustment:{request.adjustment_no}"
        )
        assert work.scalar(entries) == 1


def test_whoever_asked_for_an_adjustment_takes_it_back_and_nobody_else(
    admin, finance, database, card, merchant, make, signed_in
):
    asked = send(
        finance, f"/console/adjustments/add/{card.id}", direction="up", amount_fen="9", reason="误"
    )
    withdraw = f"/console/adjustments/{asked.location.rsplit('/', 1)[1]}/withdraw"
    assert withdraw in finance.get(asked.location).text
    assert withdraw not in admin.get(asked.location).text
    assert "申请人本人" in send(admin, withdraw).text
    assert send(finance, withdraw).location == asked.location
    shown = finance.get(asked.location).text
    assert "申请人已撤回" in shown
    owner = signed_in(make.staff(Role.merchant_admin, merchant=merchant))
    assert re.search(r"制单人</dt>\s*<dd[^>]*>\s*平台\s*<", owner.get(asked.location).text)
    assert withdraw not in shown
    assert loaded(database, Card, card.id).balance_fen == 300_00


def test_what_was_typed_is_kept_when_an_adjustment_is_refused(admin, card):
    answer = send(
        admin,
        f"/console/adjustments/add/{card.id}",
        direction="up",
        amount_fen="99999",
        reason="工单一二三",
    )
    assert answer.status_code == 422
    assert 'value="99999"' in answer.text
    assert "工单一二三" in answer.text
    assert "不超过" in answer.text


def _return_fields(**changed):
    return {"reason": "holder", "way": "bank", "note": "不想用了", **changed}


def test_a_return_is_calculated_first_and_carried_out_when_sent_again(admin, database, make, card):
    path = f"/console/card-returns/begin/{card.id}"
    today = local_day(utc_now()).isoformat()
    quoted = send(admin, path, asked_on=today, **_return_fields())
    assert quoted.status_code == 200
    assert "法释〔2025〕4号 第十四条" in quoted.text
    assert loaded(database, Card, card.id).status is CardStatus.active
    agreed = {**hidden_fields(quoted.text), "asked_on": today, **_return_fields()}
    assert agreed["expected_fen"] == "30000"
    first, second = (admin.client.post(path, data=agreed) for _ in range(2))
    assert first.status_code == 302, first.text
    assert first.location == second.location
    assert loaded(database, Card, card.id).status is CardStatus.returned
    shown = admin.get(first.location).text
    assert "冷静期内付款的未消费本金" in shown
    assert "¥300.00" in shown or "300.00" in shown


def test_a_large_return_needs_somebody_else(admin, finance, database, make, merchant):
    card = make.card(make.member(), make.program(issuer=merchant), principal_fen=500_01)
    path = f"/console/card-returns/begin/{card.id}"
    today = local_day(utc_now()).isoformat()
    quoted = send(finance, path, asked_on=today, **_return_fields())
    agreed = {**hidden_fields(quoted.text), "asked_on": today, **_return_fields()}
    waiting = finance.client.post(path, data=agreed).location
    pk = int(waiting.rsplit("/", 1)[1])
    assert loaded(database, CardReturn, pk).status is ReturnStatus.requested
    approve = f"/console/card-returns/{pk}/approve"
    assert send(finance, approve).status_code == 422
    assert send(admin, approve).status_code == 302
    assert send(admin, approve).status_code == 422
    assert loaded(database, CardReturn, pk).status is ReturnStatus.carried_out
    assert loaded(database, Card, card.id).balance_fen == 0


def test_a_return_is_not_paid_at_a_figure_that_nobody_calculated(admin, database, card):
    path = f"/console/card-returns/begin/{card.id}"
    today = local_day(utc_now()).isoformat()
    forged = {"step": "confirmed", "expected_fen": "99999", "asked_on": today}
    answer = send(admin, path, **forged, **_return_fields())
    assert answer.status_code == 422
    assert loaded(database, Card, card.id).status is CardStatus.active
