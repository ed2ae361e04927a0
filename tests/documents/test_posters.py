"""The poster that is printed: its code is read back from the rendered page."""

from __future__ import annotations

import io
from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp

from app.documents.posters import PAPERS, PosterWords, draw_poster

ADDRESS = "https://kaquan.example/q/abcdefghijklmnopqrstuv"
WORDS = PosterWords(
    mark="卡券通",
    headline="扫码付款",
    store="老街面馆（宽窄巷子店）",
    counter="2 号收银台",
    steps=("打开微信扫一扫，用储值卡付款", "余额不足的部分用微信支付补齐"),
    small_print="老街面馆 · No. 12",
)


def poster(words: PosterWords, paper: str) -> pypdfium2.PdfDocument:
    out = io.BytesIO()
    draw_poster(out, address=ADDRESS, words=words, paper=paper)
    return pypdfium2.PdfDocument(out.getvalue())


@pytest.mark.parametrize("paper", sorted(PAPERS))
@pytest.mark.parametrize("store", ["一家店", "春" * 60])
def test_the_code_on_the_page_says_the_address_and_the_words_are_there(paper, store):
    document = poster(replace(WORDS, store=store), paper)
    page = document[0]
    picture = page.render(scale=2).to_pil()
    seen = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    assert [code.text for code in seen] == [ADDRESS]
    text = page.get_textpage().get_text_bounded()
    for words in ("卡券通", "扫码付款", store, "2 号收银台", "余额不足的部分用微信支付补齐"):
        assert words in text
    width, height = page.get_size()
    assert round(width / 72 * 25.4) == PAPERS[paper].width
    assert round(height / 72 * 25.4) == PAPERS[paper].height
    assert len(document) == 1


def test_nothing_is_drawn_outside_the_page():
    page = poster(replace(WORDS, store="春" * 60), "a6")[0]
    width, height = page.get_size()
    for item in page.get_objects():
        left, bottom, right, top = item.get_bounds()
        assert min(left, bottom) >= -1
        assert right <= width + 1
        assert top <= height + 1
