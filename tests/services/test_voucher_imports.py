"""Old cards: a file is taken whole or not at all, by two people, and its codes are worth money."""

from __future__ import annotations

import hashlib
import io

import openpyxl
import pytest
from sqlalchemy import func, select

from app.core.actor import Actor, Scope
from app.core.clock import utc_now
from app.documents import uploads
from app.documents.uploads import SheetFormula, SheetMerged, SheetTooLong, SheetUnreadable
from app.models.vouchers import Voucher, VoucherBatch
from app.services.refusals import CodeMistyped
from app.services.two_people import SecondPersonRequired
from app.services.vouchers import old_cards, voucher_endings, voucher_imports
from app.services.vouchers.redemptions import redeem_top_up_code
from tests.books import balance_fen, postings_of

HEADINGS = ["卡号", "卡密", "余额", "有效期"]


@pytest.fixture
def program(make):
    return make.program(issuer=make.merchant())


@pytest.fixture
def people(make):
    return make.actor(make.staff()), make.actor(make.staff())


@pytest.fixture
def cards(make):
    """Numbers that no other test has."""
    stem = make.phone()
    return [
        [f"{stem}1", f"AB12-{stem}", "100", "2099-12-31"],
        [f"{stem}2", f"cd34 {stem}", 88.5, ""],
        [f"{stem}3", f"{stem}99", "1,234.50", None],
    ]


def xlsx(rows, change=None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change is not None:
        change(book.active)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def look(session, keys, content):
    rows = [(row.number, row.cells) for row in uploads.read_sheet("old.xlsx", content)]
    reader = old_cards.read_rows(rows, now=utc_now())
    reader.find_known(session, keys)
    return reader.dry_run()


def keep(session, keys, content, program, maker):
    return voucher_imports.keep_import(
        session, dry_run=look(session, keys, content), program_id=program.id,
        file_name="old.xlsx", content=content, keys=keys, maker=maker,
    )  # fmt: skip


def test_a_file_becomes_codes_that_are_redeemed_once(session, make, keys, program, people, cards):
    maker, checker = people
    content = xlsx([HEADINGS, *cards])
    kept = keep(session, keys, content, program, maker)
    total = 100_00 + 88_50 + 1234_50
    assert (kept.row_count, kept.total_fen) == (3, total)
    assert {(t["expires_on"], t["fen"]) for t in kept.totals} == {
        ("2099-12-31", 100_00), ("", 88_50 + 1234_50),
    }  # fmt: skip
    decide = {"import_id": kept.id, "keys": keys, "now": utc_now()}
    with pytest.raises(SecondPersonRequired):
        voucher_imports.carry_out_import(session, approver=maker, **decide)
    batch = voucher_imports.carry_out_import(session, approver=checker, **decide)
    assert postings_of(session, f"batch:{batch.id}:imported") == [
        ("receivable:voucher-sales", program.merchant_id, total),
        ("voucher", program.merchant_id, -total),
    ]
    member = Actor(scope=Scope.member, member_id=make.member().id)
    top_up = redeem_top_up_code(
        session, code=cards[1][1].upper(), member=member, keys=keys, now=utc_now()
    )
    assert (top_up.amount_fen, top_up.bonus_fen) == (88_50, 0)
    assert balance_fen(session, "voucher", batch_id=batch.id) == 88_50 - total
    voucher_endings.void_vouchers(
        session, batch_id=batch.id, serials=None, reason="x", actor=checker, now=utc_now()
    )
    assert balance_fen(session, "voucher", batch_id=batch.id) == 0
    with pytest.raises(voucher_imports.ImportDecided):
        voucher_imports.carry_out_import(session, approver=checker, **decide)


def test_a_hash_is_as_good_as_the_code(session, make, keys, program, people, cards):
    maker, checker = people
    secret = f"xy{make.phone()}"
    hashed = hashlib.sha256(secret.encode()).hexdigest()
    content = xlsx([["卡号", "卡密哈希", "余额"], [cards[0][0], hashed, 10]])
    kept = keep(session, keys, content, program, maker)
    voucher_imports.carry_out_import(
        session, import_id=kept.id, approver=checker, keys=keys, now=utc_now()
    )
    member = Actor(scope=Scope.member, member_id=make.member().id)
    with pytest.raises(CodeMistyped):
        redeem_top_up_code(session, code=f"{secret}0", member=member, keys=keys, now=utc_now())
    top_up = redeem_top_up_code(session, code=secret, member=member, keys=keys, now=utc_now())
    assert top_up.amount_fen == 10_00


def test_every_bad_row_is_named_and_nothing_is_kept(session, keys, program, people, cards):
    bad = [
        ["", "ABCDEF1", 1, ""],
        ["9001", "AB", 1, ""],
        ["9002", "ABCDEF2", "abc", ""],
        ["9003", "ABCDEF3", 1.005, ""],
        ["9004", "ABCDEF4", 0, ""],
        ["9005", "ABCDEF5", 5000.01, ""],
        ["9006", "ABCDEF6", 1, "tomorrow"],
        ["9007", "ABCDEF7", 1, "2020-01-01"],
        [cards[0][0], "ABCDEF8", 1, ""],
        ["9009", cards[0][1], 1, ""],
        ["9010", "ABCDEF9", -5, ""],
    ]
    content = xlsx([HEADINGS, *cards, *bad])
    seen = look(session, keys, content)
    assert [problem.row for problem in seen.problems] == list(range(5, 5 + len(bad)))
    assert len({problem.sentence for problem in seen.problems}) == 9
    before = session.scalar(select(func.count(VoucherBatch.id)))
    with pytest.raises(voucher_imports.ImportHasProblems):
        keep(session, keys, content, program, people[0])
    assert session.scalar(select(func.count(VoucherBatch.id))) == before


def test_what_is_known_already_is_refused_by_row(session, keys, program, people, cards):
    maker, checker = people
    content = xlsx([HEADINGS, *cards])
    kept = keep(session, keys, content, program, maker)
    voucher_imports.carry_out_import(
        session, import_id=kept.id, approver=checker, keys=keys, now=utc_now()
    )
    assert [p.row for p in look(session, keys, content).problems] == [2, 2, 3, 3, 4, 4]
    other = [["n1" + cards[0][0], cards[0][1], 5, ""], [cards[1][0], "ZZ" + cards[1][0], 5, ""]]
    seen = look(session, keys, xlsx([HEADINGS, *other])).problems
    assert [(p.row, p.sentence) for p in seen] == [
        (2, old_cards.CODE_KNOWN), (3, old_cards.NUMBER_KNOWN),
    ]  # fmt: skip
    assert session.scalar(select(func.count(Voucher.id)).where(
        Voucher.serial_no.in_([card[0] for card in cards]))) == 3  # fmt: skip


def test_odd_sheets_are_refused_with_what_to_do(cards):
    rows = [HEADINGS, *cards]
    with pytest.raises(SheetMerged) as merged:
        uploads.read_sheet("a.xlsx", xlsx(rows, lambda sheet: sheet.merge_cells("A2:A3")))
    assert merged.value.params == {"where": "A2:A3"}
    with pytest.raises(SheetFormula) as formula:
        uploads.read_sheet("a.xlsx", xlsx([*rows, ["1", "2", "=1+1", ""]]))
    assert formula.value.params == {"row": 5}
    for junk in (b"", b"PK\x03\x04junk", b"\x00\x01\x02", bytes(range(256))):
        with pytest.raises(SheetUnreadable):
            uploads.read_sheet("a.xlsx", junk)
    long = "卡号,卡密,余额\n" + "1,2,3\n" * (uploads.MAX_ROWS + 1)
    with pytest.raises(SheetTooLong):
        uploads.read_sheet("a.csv", long.encode())


def test_a_csv_of_a_chinese_excel_is_read():
    rows = uploads.read_sheet("a.csv", '卡号,余额\r\n0012,"1,000.00"\r\n'.encode("gb18030"))
    assert [list(row.cells) for row in rows] == [["卡号", "余额"], ["0012", "1,000.00"]]


def test_headings_that_are_missing_are_asked_for(session, keys):
    with pytest.raises(old_cards.ImportHeadingsMissing):
        look(session, keys, xlsx([["卡号", "余额"], ["1", 2]]))
