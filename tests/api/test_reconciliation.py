"""Reconciliation against the simulator's bills: planted differences are found, exactly they."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.actor import SYSTEM, Role
from app.core.clock import local_day, utc_now
from app.flows.settlement.reconciling import reconcile_day
from app.models.reconciliations import (
    Correction,
    ReconciliationDifference,
    ReconciliationStatus,
)
from app.services.settlement.differences import (
    CorrectionImpossible,
    DifferenceChanged,
    confirm_correction,
    corrections_of,
    propose_correction,
    refuse_correction,
)
from app.services.settlement.reconciliations import DayNotOver
from app.services.two_people import SecondPersonRequired
from tests.api.bills import agree, difference_id, differences
from tests.books import balance_fen


def test_what_agrees_three_ways_is_no_difference_and_the_fee_is_booked_once(
    world, topped_up, bill, today
):
    number = topped_up(66_00)
    day = bill()
    again = bill()
    assert differences(world, number) == []
    assert day.fee_fen > 0
    assert again.fee_fen == day.fee_fen
    booked = world.rows(
        "SELECT count(*) FROM journal_entry WHERE reference = :reference",
        reference=f"wechat-fee:{today.isoformat()}",
    )
    assert booked == [(1,)]
    world.require_sound_books()


def test_each_planted_difference_is_found_and_nothing_else(world, topped_up, bill):
    good, gone, other, twice = (topped_up(fen) for fen in (10_00, 20_00, 30_00, 40_00))
    bill(
        drop=[gone],
        amounts={other: 29_00},
        double=[twice],
        add=[{"order_no": "P999", "transaction_id": "4299", "amount_fen": 5_00},
             {"order_no": "P998", "transaction_id": "4298", "amount_fen": 7_00,
              "refund_no": "F998", "refund_id": "5098"}],
    )  # fmt: skip
    assert differences(world, good, gone, other, twice, "P999", "F998", "P998") == sorted(
        [
            ("missing_there", gone, 20_00, 20_00, None, "expense", "unresolved"),
            ("amount_differs", other, 30_00, 30_00, 29_00, "expense", "unresolved"),
            ("duplicate", twice, 40_00, 40_00, 80_00, "explain", "unresolved"),
            ("missing_here", "P999", None, None, 5_00, "unapplied", "unresolved"),
            ("missing_here", "F998", None, None, 7_00, "unapplied", "unresolved"),
        ],
        key=lambda row: row[1],
    )
    bill()  # The next bill is right: what nobody has dealt with is gone by itself.
    assert {row[-1] for row in differences(world, gone, other, twice, "P999", "F998")} == {"gone"}


def test_a_paid_order_that_we_never_heard_of_is_confirmed_by_two_people(world, bill):
    client = world.sign_in_member()
    world.wish("lost")
    made = client.post(
        "/api/v1/top-ups", {"amount_fen": 88_00, "program_id": str(world.shop().program.id)}
    ).json()
    world.confirm_in_wechat(made)
    number = made["top_up_no"]
    bill()
    assert differences(world, number) == [
        ("missing_here", number, None, None, 88_00, "confirm", "unresolved")
    ]
    maker, checker = (world.make.actor(world.make.staff(Role.platform_finance)) for _ in "ab")
    found = difference_id(world, number)

    def work(service, **arguments):
        with world.database.unit_of_work(SYSTEM) as session:
            return service(session, difference_id=found, now=utc_now(), **arguments)

    work(propose_correction, correction=Correction.confirm, note="查过微信", maker=maker)
    with pytest.raises(SecondPersonRequired):
        work(confirm_correction, checker=maker)
    work(confirm_correction, checker=checker)
    with pytest.raises(DifferenceChanged):
        work(confirm_correction, checker=checker)
    assert client.get(f"/api/v1/top-ups/{made['id']}").json()["status"] == "credited"
    bill()
    assert [row[-1] for row in differences(world, number)] == ["corrected"]
    world.require_sound_books()


@pytest.mark.parametrize("order", ["topped_up", "paid"])
def test_what_wechat_never_had_is_borne_by_the_platform_after_two_people(
    world, order, bill, request
):
    number = request.getfixturevalue(order)(50_00)
    bill(drop=[number])
    found = difference_id(world, number)
    maker, checker = (world.make.actor(world.make.staff(Role.platform_finance)) for _ in "ab")
    with world.database.unit_of_work(SYSTEM) as session:
        before = balance_fen(session, "bank:wechat")
        with pytest.raises(CorrectionImpossible):
            propose_correction(session, difference_id=found, correction=Correction.unapplied,
                               note="x", maker=maker, now=utc_now())  # fmt: skip
        propose_correction(session, difference_id=found, correction=Correction.expense,
                           note="微信查无此单", maker=maker, now=utc_now())  # fmt: skip
    with world.database.unit_of_work(SYSTEM) as session:
        with pytest.raises(SecondPersonRequired):
            refuse_correction(session, difference_id=found, note="no", checker=maker)
        confirm_correction(session, difference_id=found, checker=checker, now=utc_now())
    with world.database.unit_of_work(SYSTEM) as session:
        assert balance_fen(session, "bank:wechat") == before - 50_00
    world.require_sound_books()


def test_a_ledger_brought_to_a_bill_that_wechat_then_corrects_is_found_and_brought_back(
    world, topped_up, bill
):
    number = topped_up(30_00)
    maker, checker = (world.make.actor(world.make.staff(Role.platform_finance)) for _ in "ab")

    def bring_to_the_bill(found: int) -> None:
        with world.database.unit_of_work(SYSTEM) as session:
            propose_correction(session, difference_id=found, correction=Correction.expense,
                               note="按账单", maker=maker, now=utc_now())  # fmt: skip
            confirm_correction(session, difference_id=found, checker=checker, now=utc_now())

    bill(amounts={number: 29_00})
    bring_to_the_bill(difference_id(world, number))
    bill(amounts={number: 29_00})
    assert [row[0] for row in differences(world, number)] == ["amount_differs"], "it is dealt with"
    bill()
    _, wrong = differences(world, number)
    assert wrong == ("ledger_differs", number, 30_00, 29_00, 30_00, "expense", "unresolved")
    bring_to_the_bill(difference_id(world, number, "ledger_differs"))
    bill()
    assert {row[-1] for row in differences(world, number)} == {"corrected"}
    world.require_sound_books()


def booked_fee_fen(world, reference: str) -> int:
    return world.one(
        "SELECT sum(p.amount_fen)::bigint FROM journal_entry e JOIN posting p ON p.entry_id = e.id"
        " WHERE p.account = 'expense:wechat-fee' AND (e.reference = :reference"
        " OR e.reference IN (SELECT 'reconciliation:' || d.id FROM reconciliation_difference d"
        "                     WHERE d.number = :reference))",
        reference=reference,
    )


def test_a_fee_on_which_the_two_bills_differ_is_booked_as_wechat_took_it_by_two_people(
    world, topped_up, bill, today
):
    topped_up(50_00)
    reference = f"wechat-fee:{today.isoformat()}"
    before = bill()
    was_booked = booked_fee_fen(world, reference)
    day = bill(more_fee_fen=1_50)
    [*_, found] = [row for row in differences(world, reference) if row[0] == "fee_differs"]
    kind, _, ours, booked, theirs, suggestion, status = found
    assert (kind, ours, theirs) == ("fee_differs", day.fee_fen, day.fee_fen + 1_50)
    assert (booked, suggestion, status) == (was_booked, "expense", "unresolved")
    assert day.fee_fen == before.fee_fen
    agree(
        world,
        difference_id(world, reference, "fee_differs"),
        Correction.expense,
    )
    assert booked_fee_fen(world, reference) == theirs
    bill(more_fee_fen=1_50)
    [*_, after] = [row for row in differences(world, reference) if row[0] == "fee_differs"]
    assert after[-1] == "corrected"
    world.require_sound_books()


def test_a_fee_is_found_beside_what_else_is_planted_and_at_its_own_amount(world):
    then = utc_now() - timedelta(days=26)
    day = local_day(then)
    orders = [
        {"order_no": f"P26{name}", "transaction_id": f"4226{name}", "appid": "wx", "openid": "o",
         "amount_fen": fen, "paid_at": then.timestamp()}
        for name, fen in (("other", 100_00), ("fee", 50_00))
    ]  # fmt: skip
    world.wechat.post("/_history", orders=orders)
    world.wechat.post("/_bill", day=day.isoformat(), amounts={"P26other": 99_00}, more_fee_fen=2_50)
    compared = reconcile_day(world.context, day)
    found = differences(world, "P26other", "P26fee", f"wechat-fee:{day.isoformat()}")
    assert [(row[0], row[1], row[2], row[4]) for row in found] == [
        ("missing_here", "P26fee", None, 50_00),
        ("missing_here", "P26other", None, 99_00),
        ("fee_differs", f"wechat-fee:{day.isoformat()}", compared.fee_fen, compared.fee_fen + 2_50),
    ]
    world.wechat.post("/_bill", day=day.isoformat())


def test_what_was_paid_twice_is_kept_for_giving_back_and_no_difference_afterwards(
    world, paid, bill
):
    number = paid(30_00)
    plan = {"add": [{"order_no": number, "transaction_id": f"42{number}", "amount_fen": 30_00}]}
    bill(**plan)
    assert differences(world, number) == [
        ("duplicate", number, 30_00, 30_00, 60_00, "unapplied", "unresolved")
    ]
    with world.database.unit_of_work(SYSTEM) as session:
        before = balance_fen(session, "unapplied:wechat")
    agree(world, difference_id(world, number), Correction.unapplied)
    with world.database.unit_of_work(SYSTEM) as session:
        assert balance_fen(session, "unapplied:wechat") == before - 30_00
    bill(**plan)
    assert [(row[0], row[-1]) for row in differences(world, number)] == [("duplicate", "corrected")]
    world.require_sound_books()


def test_a_proposal_about_other_amounts_than_the_bills_now_is_open_again(world, topped_up, bill):
    number = topped_up(30_00)
    bill(amounts={number: 29_00})
    found = difference_id(world, number)
    maker, checker = (world.make.actor(world.make.staff(Role.platform_finance)) for _ in "ab")
    given = {"difference_id": found, "now": utc_now()}
    with world.database.unit_of_work(SYSTEM) as session:
        propose_correction(
            session, correction=Correction.expense, note="按账单", maker=maker, **given
        )
    bill(amounts={number: 29_00})
    assert [row[-1] for row in differences(world, number)] == ["proposed"], "nothing has changed"
    bill(amounts={number: 28_00})
    assert differences(world, number) == [
        ("amount_differs", number, 30_00, 30_00, 28_00, "expense", "unresolved")
    ]
    with world.database.unit_of_work(SYSTEM) as session, pytest.raises(DifferenceChanged):
        confirm_correction(session, checker=checker, **given)


def test_only_an_order_of_ours_can_be_booked_as_paid(world, bill):
    bill(add=[{"order_no": "P996", "transaction_id": "4296", "amount_fen": 5_00}])
    maker = world.make.actor(world.make.staff(Role.platform_finance))
    with world.database.unit_of_work(SYSTEM) as session:
        found = session.get_one(ReconciliationDifference, difference_id(world, "P996"))
        assert corrections_of(found) == [Correction.unapplied, Correction.explain]
        with pytest.raises(CorrectionImpossible):
            propose_correction(session, difference_id=found.id, correction=Correction.confirm,
                               note="x", maker=maker, now=utc_now())  # fmt: skip


def test_a_refund_is_matched_by_its_own_number(world, bill):
    shop = world.shop()
    _member, client = world.rich(shop, 1_00)
    made = client.post(
        "/api/v1/payments", {"pay_point": shop.pay_point.token, "amount_fen": 9_00}
    ).json()
    world.confirm_in_wechat(made)
    path = f"/api/v1/payments/{made['id']}"
    world.jobs.run_until(lambda: client.get(path).json()["status"] == "paid")
    back = shop.manager.post(
        f"/pos/api/payments/{made['payment_no']}/refunds", {"amount_fen": 9_00, "reason": "退"}
    )
    assert back.status_code == 201, back.text
    number = world.one("SELECT refund_no FROM refund WHERE order_no = :no", no=made["payment_no"])
    world.jobs.run_until(
        lambda: (
            world.one("SELECT status FROM refund WHERE refund_no = :no", no=number) == "succeeded"
        )
    )
    bill()
    assert differences(world, number, made["payment_no"]) == []
    bill(drop=[number])
    assert differences(world, number, made["payment_no"]) == [
        ("missing_there", number, 8_00, 8_00, None, "expense", "unresolved")
    ]


@pytest.mark.parametrize(("plan", "reason"), [({"hash": "wrong"}, "hash"),
                                              ({"cut_off": True}, "cut_off")])  # fmt: skip
def test_a_bill_that_cannot_be_believed_books_nothing_and_says_why(world, plan, reason):
    then = utc_now() - timedelta(days=20)
    day = local_day(then)
    world.wechat.post("/_history", orders=[
        {"order_no": f"P77{reason}", "transaction_id": f"4277{reason}", "appid": "wx",
         "openid": "o",
         "amount_fen": 100, "paid_at": then.timestamp()}])  # fmt: skip
    world.wechat.post("/_bill", day=day.isoformat(), **plan)
    noted = reconcile_day(world.context, day)
    assert noted.status is ReconciliationStatus.rejected
    assert noted.problem in {reason, "malformed"}
    assert differences(world, f"P77{reason}") == []
    world.wechat.post("/_bill", day=day.isoformat())


def test_a_day_that_is_not_over_is_refused(world, today):
    with pytest.raises(DayNotOver):
        reconcile_day(world.context, today)
