"""A batch as csv, xlsx and pictures, read again by other programs than the one that wrote it."""

from __future__ import annotations

import csv
import io
import zipfile

import openpyxl
import pytest
import zxingcpp
from PIL import Image

from app.core import codes
from app.documents.voucher_images import write_images
from app.documents.voucher_lists import COLUMNS, write_csv, write_xlsx
from tests.documents.papers import DESIGN, some_vouchers


@pytest.mark.parametrize("count", [1, 1000, 2001])
def test_a_csv_has_one_head_and_every_voucher(count):
    out, told, vouchers = io.BytesIO(), [], some_vouchers(count)
    written = write_csv(out, design=DESIGN, vouchers=vouchers, progress=told.append)
    rows = list(csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig"))))
    assert out.getvalue().startswith(b"\xef\xbb\xbf")
    assert tuple(rows[0]) == COLUMNS
    assert [(row[0], row[2]) for row in rows[1:]] == [
        (one.serial_no, DESIGN.address + one.code) for one in vouchers
    ]
    assert rows[1][1:] == [
        codes.grouped(vouchers[0].code),
        DESIGN.address + vouchers[0].code,
        "50",
        DESIGN.validity,
    ]
    assert written == told[-1] == count


def test_a_workbook_keeps_numbers_as_they_are_read():
    out, vouchers = io.BytesIO(), some_vouchers(3)
    assert write_xlsx(out, design=DESIGN, vouchers=vouchers, progress=lambda _: None) == 3
    sheet = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == COLUMNS
    assert [row[0] for row in rows[1:]] == [one.serial_no for one in vouchers]
    assert {cell.data_type for cell in sheet[2]} == {"s"}


def test_pictures_are_named_by_serial_number_and_scanned():
    out, vouchers = io.BytesIO(), some_vouchers(3)
    write_images(out, design=DESIGN, vouchers=vouchers, progress=lambda _: None)
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == [f"{one.serial_no}.png" for one in vouchers]
        assert archive.testzip() is None
        for one in vouchers:
            picture = Image.open(archive.open(f"{one.serial_no}.png"))
            (read,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
            assert read.text == DESIGN.address + one.code
            place = read.position  # It fills the picture but for its quiet zone.
            assert place.top_right.x - place.top_left.x > picture.width * 0.6
