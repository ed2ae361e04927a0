"""Uploads are drawn anew or refused with a reason; nothing but pixels gets through."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from app.documents import pictures
from app.documents.pictures import (
    PictureBroken,
    PictureHidesSomething,
    PictureTooLarge,
    PictureUnknown,
    read_picture,
    shrink,
)


def drawn(kind: str = "JPEG", size: tuple[int, int] = (1600, 900), **options: object) -> bytes:
    out = io.BytesIO()
    mode = "RGBA" if kind == "PNG" else "RGB"
    Image.new(mode, size, (10, 120, 90, 128)[: len(mode)]).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "jpg"), ("GIF", "jpg")]
)
def test_what_is_kept_was_written_by_us(kind, extension):
    kept = read_picture(drawn(kind))
    assert kept.extension == extension
    assert (kept.width, kept.height) == (1600, 900)
    with Image.open(io.BytesIO(kept.content)) as image:
        assert image.size == (1600, 900)


def test_where_a_photo_was_taken_is_forgotten_and_it_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned by a quarter.
    exif[0x8825] = {1: "N", 2: (30.0, 39.0, 0.0)}
    kept = read_picture(drawn(exif=exif))
    with Image.open(io.BytesIO(kept.content)) as image:
        assert not image.getexif()
        assert image.size == (900, 1600)


def test_a_large_picture_is_made_smaller_and_a_monster_is_refused(monkeypatch):
    assert read_picture(drawn(size=(4800, 2400))).width == pictures.LONGEST
    with pytest.raises(PictureTooLarge):
        read_picture(drawn() + b"\x00" * pictures.MAX_BYTES)
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1_000_000)
    with pytest.raises(PictureTooLarge):
        read_picture(drawn(size=(1001, 1000)))


def test_svg_scripts_and_texts_are_no_pictures():
    for content in (
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"MZ\x90",
        b"hello",
        b"BM12",
    ):
        with pytest.raises(PictureUnknown):
            read_picture(content)


def test_a_broken_picture_is_refused():
    whole = drawn("PNG")
    for content in (whole[: len(whole) // 2], whole[:30], b"\xff\xd8\xff\xe0" + b"\x00" * 500):
        with pytest.raises(PictureBroken):
            read_picture(content)


def test_a_picture_that_is_something_else_as_well_is_refused():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("a.txt", "x")
    for hidden in (b"<ScRiPt>alert(1)</script>", b"<?php echo 1;", archive.getvalue(), b"%PDF-1.7"):
        with pytest.raises(PictureHidesSomething):
            read_picture(drawn() + hidden)


def test_sizes_are_webp_and_never_larger_than_the_picture():
    made = shrink(read_picture(drawn(size=(800, 400))).content)
    widths = {}
    for width, content in made.items():
        with Image.open(io.BytesIO(content)) as image:
            assert image.format == "WEBP"
            widths[width] = image.size
    assert widths == {320: (320, 160), 640: (640, 320), 1280: (800, 400)}
