"""Bills that say something else later, after two people have put the ledger right by them."""

from __future__ import annotations

import pytest

from app.core.actor import SYSTEM
from app.models.reconciliations import Correction, ReconciliationDifference
from app.services.settlement.differences import corrections_of
from tests.api.bills import agree, difference_id, differences


def corrected(world, number: str) -> tuple[int, int]:
    """What corrections have booked about a number: at WeChat, and as not ours to keep, in fen."""
    booked = dict(
        world.rows(
            "SELECT p.account, sum(p.amount_fen)::bigint FROM reconciliation_difference d"
            "  JOIN journal_entry e ON e.reference = 'reconciliation:' || d.id"
            "  JOIN posting p ON p.entry_id = e.id WHERE d.number = :number GROUP BY 1",
            number=number,
        )
    )
    return booked.get("bank:wechat", 0), booked.get("unapplied:wechat", 0)


def _stranger(number: str, fen: int, **more: object) -> dict[str, object]:
    return {"order_no": number, "transaction_id": f"42{number}", "amount_fen": fen, **more}


def _offered(world, number: str, kind: str) -> list[Correction]:
    with world.database.unit_of_work(SYSTEM) as session:
        found = session.get_one(ReconciliationDifference, difference_id(world, number, kind))
        return list(corrections_of(found))


def test_money_kept_as_not_ours_whose_line_vanishes_comes_back_and_is_taken_off(world, bill):
    bill(add=[_stranger("P881", 5_00)])
    agree(world, difference_id(world, "P881"), Correction.unapplied)
    bill(add=[_stranger("P881", 5_00)])
    assert [row[-1] for row in differences(world, "P881")] == ["corrected"]
    assert corrected(world, "P881") == (5_00, -5_00)
    bill()
    _, vanished = differences(world, "P881")
    assert vanished == ("missing_there", "P881", None, 5_00, None, "unapplied", "unresolved")
    assert _offered(world, "P881", "missing_there") == [Correction.unapplied, Correction.explain]
    agree(world, difference_id(world, "P881", "missing_there"), Correction.unapplied)
    assert corrected(world, "P881") == (0, 0)
    bill()
    assert {row[-1] for row in differences(world, "P881")} == {"corrected"}
    # And WeChat changes its mind once more.
    day = bill(add=[_stranger("P881", 5_00)])
    assert differences(world, "P881")[1][3:] == (None, 5_00, "unapplied", "unresolved")
    assert day.open_differences > 0
    world.require_sound_books()


def test_a_strange_refund_whose_line_vanishes_is_put_back_with_its_own_sign(world, bill):
    plan = {"add": [_stranger("P882", 7_00, refund_no="F882", refund_id="50882")]}
    bill(**plan)
    agree(world, difference_id(world, "F882"), Correction.unapplied)
    bill(**plan)
    assert len(differences(world, "F882")) == 1
    assert corrected(world, "F882") == (-7_00, 7_00)
    bill()
    agree(world, difference_id(world, "F882", "missing_there"), Correction.unapplied)
    assert corrected(world, "F882") == (0, 0)


def test_money_kept_as_not_ours_that_turns_out_to_be_less_comes_back(world, bill):
    bill(add=[_stranger("P883", 9_00)])
    agree(world, difference_id(world, "P883"), Correction.unapplied)
    bill(add=[_stranger("P883", 6_00)])
    _, less = sorted(differences(world, "P883"), key=lambda row: row[-1])
    assert less == ("ledger_differs", "P883", None, 9_00, 6_00, "unapplied", "unresolved")
    agree(world, difference_id(world, "P883", "ledger_differs"), Correction.unapplied)
    assert corrected(world, "P883") == (6_00, -6_00)
    bill(add=[_stranger("P883", 6_00)])
    assert {row[-1] for row in differences(world, "P883")} == {"corrected"}


def test_what_is_no_order_of_ours_and_was_paid_twice_is_told_in_one_sum(world, bill):
    again = _stranger("P884", 4_00) | {"transaction_id": "4284"}
    bill(add=[_stranger("P884", 5_00), again])
    assert differences(world, "P884") == [
        ("missing_here", "P884", None, None, 9_00, "unapplied", "unresolved")
    ]
    agree(world, difference_id(world, "P884"), Correction.unapplied)
    bill(add=[_stranger("P884", 5_00), again])
    assert [row[-1] for row in differences(world, "P884")] == ["corrected"]
    assert corrected(world, "P884") == (9_00, -9_00)


def test_a_second_payment_that_vanishes_is_taken_off_what_was_kept_at_nobodys_cost(
    world, paid, bill
):
    number = paid(30_00)
    bill(add=[_stranger(number, 30_00)])
    agree(world, difference_id(world, number), Correction.unapplied)
    bill()
    assert differences(world, number)[1:] == [
        ("ledger_differs", number, 30_00, 60_00, 30_00, "unapplied", "unresolved")
    ]
    agree(world, difference_id(world, number, "ledger_differs"), Correction.unapplied)
    assert corrected(world, number) == (0, 0)
    bill()
    assert {row[-1] for row in differences(world, number)} == {"corrected"}
    world.require_sound_books()


def test_an_amount_that_wechat_changes_again_after_the_correction_is_open_again(
    world, topped_up, bill
):
    number = topped_up(30_00)
    bill(amounts={number: 29_00})
    agree(world, difference_id(world, number), Correction.expense)
    bill(amounts={number: 28_00})
    first, second = differences(world, number)
    assert first[2:] == (30_00, 30_00, 29_00, "expense", "corrected"), "what was decided stays"
    assert second[2:] == (30_00, 29_00, 28_00, "expense", "unresolved")
    agree(world, difference_id(world, number), Correction.expense)
    bill(amounts={number: 28_00})
    assert [row[-1] for row in differences(world, number)] == ["corrected", "corrected"]
    world.require_sound_books()


def test_an_explanation_holds_for_the_amounts_that_it_explains(world, topped_up, bill):
    number = topped_up(30_00)
    bill(amounts={number: 29_00})
    agree(world, difference_id(world, number), Correction.explain)
    bill(amounts={number: 29_00})
    assert [row[-1] for row in differences(world, number)] == ["corrected"]
    bill(amounts={number: 27_00})
    assert [row[-1] for row in differences(world, number)] == ["corrected", "unresolved"]


@pytest.fixture
def sold(world):
    """Paper of 45 yuan sold at a till by WeChat; gives the sale's number and its state's reader."""

    def sell(wish: str | None = None, *, pays_late: bool = False) -> str:
        shop = world.shop()
        batch = world.make.batch(
            issuer=shop.merchant, quantity=1, face_value_fen=50_00, sale_price_fen=45_00
        )
        world.make.vouchers(batch, activate=False)
        serials = world.make.stock(batch, shop.store)
        if wish:
            world.wish(wish)
        sale = shop.cashier.post(
            "/pos/api/voucher-sales", {"tender": "wechat", "serials": serials}
        ).json()
        number = str(sale["sale_no"])
        if pays_late:
            shop.cashier.post(f"/pos/api/voucher-sales/{number}/close")
        assert world.wechat.post("/_user/pay", code_url=sale["code_url"]).status_code == 200
        if wish is None:
            world.jobs.run_until(lambda: _state(world, number) == "sold")
        return number

    return sell


def _state(world, number: str) -> str:
    return world.one("SELECT status FROM voucher_sale WHERE sale_no = :no", no=number)


def test_paper_sold_at_a_till_agrees_three_ways(world, sold, bill):
    number = sold()
    bill()
    assert differences(world, number) == []


def test_a_till_sale_of_which_we_never_heard_is_confirmed_and_its_paper_is_good(world, sold, bill):
    number = sold("lost")
    bill()
    assert differences(world, number) == [
        ("missing_here", number, None, None, 45_00, "confirm", "unresolved")
    ]
    agree(world, difference_id(world, number), Correction.confirm)
    assert _state(world, number) == "sold"
    active = world.one(
        "SELECT count(*) FROM voucher v JOIN voucher_sale s ON s.batch_id = v.batch_id"
        " WHERE s.sale_no = :no AND v.status = 'active'",
        no=number,
    )
    assert active == 1
    bill()
    assert [row[-1] for row in differences(world, number)] == ["corrected"]
    world.require_sound_books()


def test_a_till_sale_that_wechat_never_had_is_borne_by_the_platform(world, sold, bill):
    number = sold()
    bill(drop=[number])
    assert differences(world, number) == [
        ("missing_there", number, 45_00, 45_00, None, "expense", "unresolved")
    ]
    agree(world, difference_id(world, number), Correction.expense)
    assert corrected(world, number) == (-45_00, 0)
    bill(drop=[number])
    assert [row[-1] for row in differences(world, number)] == ["corrected"]
    bill()
    assert differences(world, number)[0][:5] == ("ledger_differs", number, 45_00, 0, 45_00)
    world.require_sound_books()


def test_a_till_sale_of_another_amount_is_brought_to_the_bill(world, sold, bill):
    number = sold()
    bill(amounts={number: 44_00})
    agree(world, difference_id(world, number), Correction.expense)
    bill(amounts={number: 44_00})
    assert differences(world, number) == [
        ("amount_differs", number, 45_00, 45_00, 44_00, "expense", "corrected")
    ]
    world.require_sound_books()


def test_a_till_sale_paid_twice_is_kept_for_giving_back(world, sold, bill):
    number = sold()
    bill(add=[_stranger(number, 45_00)])
    assert differences(world, number) == [
        ("duplicate", number, 45_00, 45_00, 90_00, "unapplied", "unresolved")
    ]
    agree(world, difference_id(world, number), Correction.unapplied)
    assert corrected(world, number) == (45_00, -45_00)
    bill(add=[_stranger(number, 45_00)])
    assert [row[-1] for row in differences(world, number)] == ["corrected"]
    world.require_sound_books()


def test_a_till_sale_paid_too_late_has_to_stand_in_the_bill_with_its_refund(world, sold, bill):
    number = sold("pay_after_close", pays_late=True)
    refund = (
        "SELECT f.refund_no FROM refund f JOIN voucher_sale s ON s.id = f.voucher_sale_id"
        " WHERE s.sale_no = :no AND f.status = 'succeeded'"
    )
    world.jobs.run_until(lambda: world.rows(refund, no=number) != [])
    back = world.one(refund, no=number)
    bill()
    assert differences(world, number, back) == []
    bill(drop=[number, back])
    assert differences(world, number, back) == sorted(
        [
            ("missing_there", number, 45_00, 45_00, None, "expense", "unresolved"),
            ("missing_there", back, 45_00, 45_00, None, "expense", "unresolved"),
        ],
        key=lambda row: row[1],
    )
    for one in (number, back):
        agree(world, difference_id(world, one), Correction.expense)
    bill(drop=[number, back])
    assert {row[-1] for row in differences(world, number, back)} == {"corrected"}
    world.require_sound_books()
