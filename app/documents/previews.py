"""A page of a document as a picture for the screen, drawn from the very PDF that is printed."""

from __future__ import annotations

import io
import threading

import pypdfium2

from app.documents.drawing import POINT
from app.documents.sheets import Layout, write_proof
from app.documents.vouchers import VoucherDesign

_DOTS_PER_INCH = 200
_one_at_a_time = threading.Lock()  # PDFium knows no threads.


def draw_preview(design: VoucherDesign, layout: Layout, *, back: bool) -> bytes:
    """The front or back of the layout's proof, cut as it will be cut, as PNG."""
    proof = io.BytesIO()
    write_proof(proof, design=design, layout=layout)
    with _one_at_a_time:
        opened = pypdfium2.PdfDocument(proof.getvalue())
        try:
            page = opened[1 if back else 0]
            bleed = (layout.bleed * POINT,) * 4
            picture = page.render(scale=_DOTS_PER_INCH / 72, crop=bleed).to_pil()
        finally:
            opened.close()
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    return kept.getvalue()
