"""Fen, days in Shanghai and serial numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.core import clock, money, serials
from app.core.money import Rounding

FEN = st.integers(0, money.MAX_FEN)
RATE = st.integers(0, money.BASIS)


@given(FEN, RATE)
def test_a_share_is_rounded_to_the_nearest_fen_and_never_more_than_the_whole(fen, rate):
    half_up = money.share(fen, rate, rounding=Rounding.HALF_UP)
    down = money.share(fen, rate, rounding=Rounding.DOWN)
    assert 0 <= down <= half_up <= min(down + 1, fen)
    assert abs(half_up * money.BASIS - fen * rate) * 2 <= money.BASIS


def test_postgresql_takes_the_same_commission(session):
    amounts = [0, 1, 49, 50, 83, 84, 99, 10_001, 123_456_789, money.MAX_FEN]
    rates = [0, 1, 38, 60, 3_333, 5_000, 9_999, 10_000]
    rows = session.execute(
        text(
            "SELECT a, r, kaquan.commission(a, r)"
            " FROM unnest(cast(:amounts AS bigint[])) a, unnest(cast(:rates AS integer[])) r"
        ),
        {"amounts": amounts, "rates": rates},
    ).all()
    assert len(rows) == len(amounts) * len(rates)
    for amount, rate, commission in rows:
        assert commission == money.share(amount, rate, rounding=Rounding.HALF_UP)


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"), (5, "伍分"), (50, "伍角整"), (100, "壹元整"), (1_05, "壹元零伍分"),
        (10_00, "壹拾元整"), (325_04, "叁佰贰拾伍元零肆分"), (1_409_50, "壹仟肆佰零玖元伍角整"),
        (6_007_14, "陆仟零柒元壹角肆分"), (10_000_00, "壹万元整"),
        (16_409_02, "壹万陆仟肆佰零玖元零贰分"), (100_050_00, "壹拾万零伍拾元整"),
        (1_000_000_01, "壹佰万元零壹分"), (10_001_000_00, "壹仟万壹仟元整"),
        (100_000_500_00, "壹亿零伍佰元整"), (-12_30, "负壹拾贰元叁角整"),
    ],
)  # fmt: skip
def test_an_amount_written_out_as_on_chinese_papers(fen, words):
    assert money.in_capitals(fen) == f"人民币{words}"


def test_a_part_pro_rata_of_the_whole_is_the_whole():
    assert money.pro_rata(7, part=3, whole=3, rounding=Rounding.DOWN) == 7
    assert money.pro_rata(7, part=1, whole=2, rounding=Rounding.DOWN) == 3
    assert money.pro_rata(7, part=1, whole=2, rounding=Rounding.HALF_UP) == 4


def test_yuan_are_for_reading():
    assert [money.yuan(fen) for fen in (0, 5, 123_456, -250)] == [
        "0.00",
        "0.05",
        "1,234.56",
        "-2.50",
    ]


def test_a_day_is_shanghais():
    just_before_midnight = datetime(2026, 11, 22, 15, 59, 59, 999_999, UTC)
    midnight = datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert clock.local_day(just_before_midnight) == date(2026, 11, 22)
    assert clock.local_day(midnight) == date(2026, 11, 23)
    assert clock.end_of_day(date(2026, 11, 22)) == midnight
    assert clock.rfc3339(midnight) == "2026-11-23T00:00:00.000+08:00"


def test_postgresql_writes_the_same_instant(session):
    at = datetime(2026, 11, 22, 16, 0, 1, 234_000, UTC)
    assert session.scalar(text("SELECT kaquan.rfc3339(:at)"), {"at": at}) == clock.rfc3339(at)


@given(st.integers(1, 9_999_999), st.integers(0, 17), st.sampled_from("0123456789"))
def test_a_serial_number_refuses_every_single_wrong_digit(number, place, digit):
    serial = serials.make_serial("2611230042", number)
    assert serials.is_serial(serial)
    wrong = serial[:place] + digit + serial[place + 1 :]
    assert serials.is_serial(wrong) == (wrong == serial)


def test_serial_numbers_of_a_batch_sort_as_they_run():
    made = [serials.make_serial("2611230042", number) for number in (1, 9, 10, 99, 100_000)]
    assert made == sorted(made)
    assert not any(map(serials.is_serial, ("", "7", "12x4", "１２３")))


@given(FEN)
def test_what_is_shown_as_yuan_is_read_back_to_the_fen(fen):
    assert money.read_yuan(money.yuan(fen)) == fen
    assert money.read_yuan(f" ¥{money.yuan(fen)} ") == fen
    assert money.read_percent(f"{fen % 10_001 / 100:.2f}%") == fen % 10_001
