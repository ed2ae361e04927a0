"""Print sheets as a print shop and a phone meet them: rendered at 300 dots an inch and scanned."""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import replace

import pypdfium2
import pytest
import qrcode
import zxingcpp

from app.core import codes
from app.documents import sheets
from app.documents.barcodes import QUIET_ZONE, draw_qr
from app.documents.drawing import POINT
from app.documents.sheets import LAYOUTS, write_proof
from app.documents.vouchers import SAMPLE_CODE
from tests.documents.papers import (
    DESIGN,
    MM,
    page_count,
    print_run,
    render,
    scan,
    scan_serials,
    some_vouchers,
    text_of,
)

LONG = "成都市锦江区春熙路川味小馆餐饮管理有限责任公司第一百二十三分公司" * 4


def urls(vouchers) -> list[str]:
    return [DESIGN.address + one.code for one in vouchers]


def test_every_code_on_a_sheet_is_read_from_the_paper_and_is_its_neighbours_text():
    vouchers = some_vouchers(8)
    document, written = print_run(vouchers)
    picture = render(document)
    assert written == 8
    assert scan(picture) == urls(vouchers)
    assert scan_serials(picture) == {one.serial_no for one in vouchers}
    text = text_of(document)
    for one in vouchers:
        assert codes.grouped(one.code) in text
        assert one.serial_no in text
    assert "¥50" in text
    assert DESIGN.validity in text
    assert DESIGN.issuer in text


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_layout_prints_codes_that_a_phone_reads(layout):
    vouchers = some_vouchers(3)
    document, _ = print_run(vouchers, layout)
    fronts = range(0, page_count(document), 2 if LAYOUTS[layout].back else 1)
    assert [url for page in fronts for url in scan(render(document, page))] == urls(vouchers)


def test_a_cut_stack_is_in_running_order(monkeypatch):
    """Cut a stack and put the piles of its places one upon the other: the numbers run."""
    monkeypatch.setattr(sheets, "STACK_SHEETS", 3)
    vouchers = some_vouchers(37)  # A stack of three sheets, then one of two that are not full.
    document, written = print_run(vouchers)
    fronts = [scan(render(document, page)) for page in range(0, page_count(document), 2)]
    assert written == 37
    assert [len(front) for front in fronts] == [8, 8, 8, 7, 6]
    order = []
    for stack in (fronts[:3], fronts[3:]):
        for place in range(8):
            order += [sheet[place] for sheet in stack if place < len(sheet)]
    assert order == urls(vouchers)


def test_crop_marks_stand_at_every_cut_and_colour_runs_into_the_bleed():
    document, _ = print_run(some_vouchers(8))
    picture, layout = render(document), LAYOUTS["a4"]

    def is_dark(x: float, y: float) -> bool:
        """Whether there is ink within a dot or two of a point given in millimetres."""
        spot = picture.crop((int(x * MM) - 2, int(y * MM) - 2, int(x * MM) + 3, int(y * MM) + 3))
        return spot.convert("L").getextrema()[0] < 120

    for box in (layout.place(index) for index in range(layout.places)):
        for x in (box.x, box.x + box.width):
            assert is_dark(x, 25)
            assert is_dark(x, 272)
            assert not is_dark(x + 1.5, 25)
        for y in (box.y, box.y + box.height):
            assert is_dark(6, y)
            assert is_dark(204, y)
        band = picture.getpixel((int((box.x - 2) * MM), int((box.y - 2) * MM)))
        assert band == (0x0B, 0x6E, 0x5B)


def test_the_back_lies_behind_its_front_when_the_sheet_is_turned():
    """Three vouchers: the third stands left in the second row, so its back stands right."""
    document, _ = print_run(some_vouchers(3))
    assert page_count(document) == 2
    back, layout = render(document, 1), LAYOUTS["a4"]

    def foot(index: int) -> tuple[int, ...]:
        box = layout.place(index)
        return back.getpixel((int((box.x + 45) * MM), int((box.y + 50) * MM)))

    white = (255, 255, 255)
    assert [foot(index) != white for index in range(5)] == [True, True, False, True, False]
    for index in range(layout.places):
        front, behind = layout.place(index), layout.back_place(index)
        assert behind.x == pytest.approx(layout.page.width - front.x - front.width)


def test_single_cards_say_where_they_are_cut():
    document, _ = print_run(some_vouchers(1), "card")
    page = pypdfium2.PdfDocument(document)[0]
    media, trim, bleed = page.get_mediabox(), page.get_trimbox(), page.get_bleedbox()
    millimetres = [(box[2] - box[0]) / POINT for box in (media, trim, bleed)]
    assert millimetres == pytest.approx([96, 90, 96], abs=0.01)


def test_a_code_under_a_panel_is_given_away_by_no_qr_code():
    vouchers = some_vouchers(2)
    for layout in ("card", "label_60x40"):
        document, _ = print_run(vouchers, layout, scratch=True)
        assert scan(render(document)) == []
        assert codes.grouped(vouchers[0].code) in text_of(document)
        assert "刮开涂层" in text_of(document)


@pytest.mark.parametrize("layout", list(LAYOUTS))
@pytest.mark.parametrize("scratch", [True, False])
def test_a_proof_is_marked_and_its_codes_are_refused_without_asking(layout, scratch):
    out = io.BytesIO()
    write_proof(out, design=replace(DESIGN, scratch=scratch), layout=LAYOUTS[layout])
    assert "样张 不可兑换" in text_of(out.getvalue())
    read = scan(render(out.getvalue()))
    assert read == [] if scratch else set(read) == {DESIGN.address + SAMPLE_CODE}
    with pytest.raises(codes.CodeMistyped):
        codes.normalise(SAMPLE_CODE)


@pytest.mark.parametrize("layout", ["card", "label_70x50", "label_60x40", "label_50x30"])
@pytest.mark.parametrize("scratch", [True, False])
def test_very_long_names_stay_on_the_paper(layout, scratch):
    """Nothing is printed outside the safe margin, and no line runs into the code."""
    document, _ = print_run(
        some_vouchers(1),
        layout,
        title=LONG,
        issuer=LONG,
        stores=LONG,
        terms=LONG * 10,
        validity="激活之日起 36500 天内有效",
        support_phone="0" * 30,
        face_value_fen=1_000_000_00,
        scratch=scratch,
    )
    for page in range(page_count(document)):
        opened = pypdfium2.PdfDocument(document)[page]
        text = opened.get_textpage()
        left, bottom, right, top = opened.get_trimbox()
        for index in range(text.count_chars()):
            box = text.get_charbox(index)
            assert box[0] >= left, index
            assert box[1] >= bottom, index
            assert box[2] <= right, index
            assert box[3] <= top, index
    if not scratch:
        assert len(scan(render(document))) == 1  # Nothing is written over the code.


def test_paper_shows_what_the_font_lacks_and_not_nothing():
    document, _ = print_run(some_vouchers(1), title="甲\U0001f600乙")
    assert "甲〓乙" in text_of(document)


def test_fonts_are_embedded_and_cut_to_what_is_used():
    document, _ = print_run(some_vouchers(1))
    assert document.count(b"/FontFile3") == 2
    programs = re.findall(
        rb"/Subtype /CIDFontType0C[^>]*/Length (\d+) >>\nstream\n(.*?)\nendstream", document, re.S
    )
    sizes = [len(zlib.decompress(program)) for _, program in programs]
    assert len(sizes) == 2
    assert all(1_000 < size < 200_000 for size in sizes)


def test_the_index_of_a_document_is_true():
    """More pages than a node of the page tree holds; every object is where the index says."""
    document, _ = print_run(some_vouchers(450), "label_50x30")
    assert page_count(document) == 450
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", document).group(1))
    lines = document[start:].split(b"\n")
    assert lines[0] == b"xref"
    for number, line in enumerate(lines[3 : 3 + int(lines[1].split()[1]) - 1], start=1):
        offset = int(line[:10])
        assert document[offset:].startswith(f"{number} 0 obj\n".encode())


@pytest.mark.parametrize("length", [1, 17, 80, 200])
def test_qr_codes_agree_with_another_library(length):
    """Byte for byte one of the eight maskings that the standard knows, as qrcode draws them."""
    text = "https://k.example/v/" + "a" * length
    ours = draw_qr(text)
    dark = [[ours.is_dark(x, y) for x in range(ours.size)] for y in range(ours.size)]
    theirs = []
    for mask in range(8):
        drawn = qrcode.QRCode(
            error_correction=qrcode.constants.ERROR_CORRECT_M, border=0, mask_pattern=mask
        )
        drawn.add_data(text, optimize=0)
        drawn.make(fit=True)
        theirs.append(drawn.get_matrix())
    assert dark in theirs


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_codes_are_big_enough_and_have_their_quiet_zone(layout):
    """The address of a real operator is longer than a demo's."""
    address = "https://coupons.chuanweixiaoguan.com.cn/v/"
    document, _ = print_run(some_vouchers(1), layout, address=address)
    picture = render(document)
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    code = next(one for one in found if one.text.startswith(address))
    corners = code.position
    side = (corners.top_right.x - corners.top_left.x) / MM
    assert side >= 15
    module = side / draw_qr(code.text).size
    zone = int(QUIET_ZONE * module * MM) - 2
    left, top = corners.top_left.x, corners.top_left.y
    strip = picture.crop((left - zone, top - zone, corners.top_right.x + zone, top - 2))
    assert strip.convert("L").getextrema()[0] > 200
