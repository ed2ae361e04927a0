"""Pictures that people upload: believed in nothing, drawn anew, and made smaller.

What is kept was written by us from the pixels alone: no metadata (a photo may tell where somebody
lives), no second file hidden behind the picture, no script.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

from PIL import Image, ImageOps

from app.core.errors import N_, Category, DomainError

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
LONGEST = 2400  # Pixels; screens show no more of a page's picture.
WIDTHS = (320, 640, 1280)
AVATAR_PIXELS = 320
_JPEG_QUALITY, _WEBP_QUALITY = 86, 80
_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}
# Something else that hides in a picture; each long enough not to occur among pixels by chance.
_HIDDEN = (b"<script", b"<?php", b"<html", b"<svg ", b"%pdf-", b"<!doctype")


class PictureTooLarge(DomainError):
    code = "picture_too_large"
    category = Category.INVALID
    template = N_(
        "This picture is too large. Please make it smaller: at most %(most)s MB and"
        " %(pixels)s million pixels."
    )


class PictureUnknown(DomainError):
    code = "picture_unknown"
    category = Category.INVALID
    template = N_("This is not a picture in JPEG, PNG, WebP or GIF. Please save it as one of them.")


class PictureBroken(DomainError):
    code = "picture_broken"
    category = Category.INVALID
    template = N_("This picture is damaged. Please open it, save it again and upload that file.")


class PictureHidesSomething(DomainError):
    code = "picture_hides_something"
    category = Category.INVALID
    template = N_(
        "There is something else than a picture inside of this file, so it was not taken. Please"
        " make a new picture, for example by a screenshot."
    )


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as we keep it; sizes in pixels."""

    content: bytes
    extension: str
    width: int
    height: int


def read_picture(content: bytes) -> Picture:
    """Draw anew what was uploaded.

    Raises:
        PictureTooLarge, PictureUnknown, PictureBroken, PictureHidesSomething
    """
    if len(content) > MAX_BYTES:
        raise _too_large()
    kind = _kind(content)
    lower = content.lower()
    if any(mark in lower for mark in _HIDDEN) or zipfile.is_zipfile(io.BytesIO(content)):
        raise PictureHidesSomething
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise _too_large()
            opened.load()
            upright = ImageOps.exif_transpose(opened)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise PictureBroken from None
    upright.thumbnail((LONGEST, LONGEST))
    return _encode(upright)


def draw_avatar(content: bytes) -> bytes:
    """A person's picture: upright, its middle as a square of 320 pixels, on white, as JPEG.

    Raises:
        PictureTooLarge, PictureUnknown, PictureBroken, PictureHidesSomething
    """
    with Image.open(io.BytesIO(read_picture(content).content)) as opened:
        clear = opened.convert("RGBA")
        ground = Image.new("RGBA", clear.size, "white")
        flat = Image.alpha_composite(ground, clear).convert("RGB")
    out = io.BytesIO()
    side = (AVATAR_PIXELS, AVATAR_PIXELS)
    ImageOps.fit(flat, side, Image.Resampling.LANCZOS).save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def shrink(picture: bytes) -> dict[int, bytes]:
    """The sizes that pages ask for, as WebP, by their width. None is larger than the picture."""
    made = {}
    with Image.open(io.BytesIO(picture), formats=["JPEG", "PNG"]) as opened:
        for width in WIDTHS:
            height = max(1, round(opened.height * min(1, width / opened.width)))
            sized = opened.resize((min(width, opened.width), height), Image.Resampling.LANCZOS)
            out = io.BytesIO()
            sized.save(out, "WEBP", quality=_WEBP_QUALITY, method=4)
            made[width] = out.getvalue()
    return made


def _kind(content: bytes) -> str:
    """By its first bytes; names and content types are only claims."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    for magic, kind in _MAGIC.items():
        if content.startswith(magic):
            return kind
    raise PictureUnknown


def _encode(image: Image.Image) -> Picture:
    """JPEG, or PNG for what can be seen through."""
    clear = image.has_transparency_data
    out = io.BytesIO()
    if clear:
        image.convert("RGBA").save(out, "PNG", optimize=True)
    else:
        image.convert("RGB").save(
            out, "JPEG", quality=_JPEG_QUALITY, optimize=True, progressive=True
        )
    return Picture(
        content=out.getvalue(),
        extension="png" if clear else "jpg",
        width=image.width,
        height=image.height,
    )


def _too_large() -> PictureTooLarge:
    return PictureTooLarge(most=MAX_BYTES // 1_000_000, pixels=MAX_PIXELS // 1_000_000)
