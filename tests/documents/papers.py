"""Printed paper as tests make it and read it back: rendered at print resolution, then scanned."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pypdfium2
import zxingcpp
from PIL import Image

from app.core import codes
from app.core.serials import make_serials
from app.documents.sheets import LAYOUTS, write_sheets
from app.documents.vouchers import PrintedVoucher, VoucherDesign

DOTS_PER_INCH = 300
MM = DOTS_PER_INCH / 25.4  # Dots in a millimetre.
DESIGN = VoucherDesign(
    title="川味小馆五十元代金券",
    kind="纸质券",
    face_value_fen=50_00,
    validity="有效期至 2027年12月31日",
    issuer="川味小馆餐饮管理有限公司",
    stores="春熙路店、宽窄巷子店",
    terms="每次限用一张，不找零。\n过期作废。",
    support_phone="028-8888 6666",
    colour="#0b6e5b",
    batch_no="2611230007",
    address="https://kaquan.example.com/v/",
)


def some_vouchers(count: int, batch_no: str = DESIGN.batch_no) -> list[PrintedVoucher]:
    serials = make_serials(batch_no, 1, count)
    return [PrintedVoucher(serial, codes.make_code()) for serial in serials]


def print_run(
    vouchers: Iterable[PrintedVoucher], layout: str = "a4", **changes: object
) -> tuple[bytes, int]:
    """A run on paper, and how many vouchers the press says that it printed."""
    out = io.BytesIO()
    design = replace(DESIGN, **changes)  # type: ignore[arg-type]
    written = write_sheets(out, design=design, layout=LAYOUTS[layout], vouchers=vouchers)
    return out.getvalue(), written


def render(document: bytes, page: int = 0) -> Image.Image:
    opened = pypdfium2.PdfDocument(document)
    try:
        return opened[page].render(scale=DOTS_PER_INCH / 72).to_pil().convert("RGB")
    finally:
        opened.close()


def page_count(document: bytes) -> int:
    opened = pypdfium2.PdfDocument(document)
    try:
        return len(opened)
    finally:
        opened.close()


def text_of(document: bytes, page: int = 0) -> str:
    opened = pypdfium2.PdfDocument(document)
    try:
        return opened[page].get_textpage().get_text_bounded()
    finally:
        opened.close()


def scan(picture: Image.Image) -> Sequence[str]:
    """The QR codes of a picture, row by row from the top left."""
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    corners = sorted((one.position.top_left.y, one.position.top_left.x, one.text) for one in found)
    rows: list[list[tuple[int, str]]] = []
    above = -math.inf
    for y, x, text in corners:
        if y - above > 40:  # px: what is read of one row differs by two or three.
            rows.append([])
        rows[-1].append((x, text))
        above = y
    return [text for row in rows for _, text in sorted(row)]


def scan_serials(picture: Image.Image) -> set[str]:
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.Code128)
    return {one.text for one in found}
