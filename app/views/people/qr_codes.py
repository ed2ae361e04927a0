"""QR codes on a page, as the path of an SVG."""

from __future__ import annotations

from dataclasses import dataclass

from app.documents.barcodes import QUIET_ZONE, draw_qr


@dataclass(frozen=True)
class QrDrawing:
    """``side`` is in modules, with the quiet zone; ``path`` is what is dark."""

    side: int
    path: str


def svg_path(text: str) -> QrDrawing:
    code = draw_qr(text)
    dark = (
        f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h1v1h-1z"
        for y in range(code.size)
        for x in range(code.size)
        if code.is_dark(x, y)
    )
    return QrDrawing(code.size + 2 * QUIET_ZONE, "".join(dark))
