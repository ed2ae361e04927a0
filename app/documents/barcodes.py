"""QR codes and barcodes as modules, drawn by zxing-cpp; ``pdf.Canvas`` puts them on paper."""

from __future__ import annotations

from dataclasses import dataclass

import zxingcpp

QUIET_ZONE = 4  # Modules of white on each side, as the standard asks.
MIN_QR_MM = 15.0
_LEVELS = frozenset({"L", "M", "Q", "H"})


@dataclass(frozen=True, slots=True)
class Modules:
    """A symbol without its quiet zone. ``rows`` holds a byte a module: 0 is dark, 255 light."""

    size: int
    rows: bytes

    def is_dark(self, x: int, y: int) -> bool:
        return self.rows[y * self.size + x] == 0


def draw_qr(text: str, *, level: str = "M") -> Modules:
    """A QR code of the smallest size that holds the text at this level of error correction."""
    assert level in _LEVELS
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    seen = memoryview(made.to_image(scale=1, add_quiet_zones=False))
    return Modules(seen.shape[0], bytes(seen))


def draw_code128(text: str) -> list[tuple[int, int]]:
    """A Code 128 of a serial number: the bars as (start, width), in modules from the left."""
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    seen = memoryview(made.to_image(scale=1, add_quiet_zones=False, add_hrt=False))
    width = seen.shape[1]
    row = bytes(seen)[:width]
    bars: list[tuple[int, int]] = []
    x = 0
    while x < width:
        end = x
        while end < width and row[end] == row[x]:
            end += 1
        if row[x] == 0:
            bars.append((x, end - x))
        x = end
    return bars
