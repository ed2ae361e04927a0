"""A page of a document as a picture for the screen, drawn from the very PDF that is printed."""

from __future__ import annotations

import io
import threading

import pypdfium2

from app.documents.sheets import Layout, write_proof
from app.documents.vouchers import VoucherDesign

_DOTS_PER_INCH = 200
_one_at_a_time = threading.Lock()  # PDFium knows no threads.


def draw_preview(design: VoucherDesign, layout: Layout, *, back: bool) -> bytes:
    """The front or back of the layout's proof, as PNG."""
    proof = io.BytesIO()
    write_proof(proof, design=design, layout=layout)
    return render_page(proof.getvalue(), 1 if back else 0)


def render_page(document: bytes, page: int, *, dots_per_inch: int = _DOTS_PER_INCH) -> bytes:
    """One page of a PDF of ours, as PNG."""
    kept = io.BytesIO()
    with _one_at_a_time:
        opened = pypdfium2.PdfDocument(document)
        try:
            picture = opened[page].render(scale=dots_per_inch / 72).to_pil()
        finally:
            opened.close()
    picture.save(kept, "PNG", optimize=False)
    return kept.getvalue()
