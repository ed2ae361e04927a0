"""A small batch as pictures: one PNG a voucher with its QR code, by qrcode and Pillow, in a ZIP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable

import qrcode
from PIL import Image, ImageDraw, ImageFont

from app.core import codes
from app.documents.fonts import BOLD, FOLDER, REGULAR
from app.documents.pdf import Out
from app.documents.vouchers import PrintedVoucher, VoucherDesign

_SIZE = (720, 860)  # Six centimetres at 300 dots an inch.
_QR_SIDE = 680


def write_images(
    out: Out,
    *,
    design: VoucherDesign,
    vouchers: Iterable[PrintedVoucher],
    progress: Callable[[int], None],
) -> int:
    """The pictures are named by serial number. A picture shows what a scratch panel would hide."""
    written = 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for one in vouchers:
            archive.writestr(f"{one.serial_no}.png", draw_image(design, one))
            written += 1
            progress(written)
    return written


def draw_image(design: VoucherDesign, one: PrintedVoucher) -> bytes:
    """One picture: the QR code, and below it what a person can read and type."""
    level = qrcode.constants.ERROR_CORRECT_M
    drawn = qrcode.QRCode(error_correction=level, border=4, box_size=1)
    drawn.add_data(design.address + one.code)
    drawn.make(fit=True)
    code = drawn.make_image().get_image().convert("1")
    picture = Image.new("1", _SIZE, 1)
    side = _QR_SIDE // code.width * code.width  # Whole dots for each module.
    picture.paste(code.resize((side, side), Image.Resampling.NEAREST), ((_SIZE[0] - side) // 2, 0))
    pen = ImageDraw.Draw(picture)
    lines = ((codes.grouped(one.code), BOLD, 46), (f"券号 {one.serial_no}", REGULAR, 34))
    y = _QR_SIDE + 20
    for text, weight, size in lines:
        font = ImageFont.truetype(FOLDER / f"NotoSansHans-{weight}.otf", size)
        pen.text((_SIZE[0] / 2, y), text, fill=0, font=font, anchor="ma")
        y += size + 30
    kept = io.BytesIO()
    picture.save(kept, "PNG", dpi=(300, 300))
    return kept.getvalue()
