"""Pictures for the demo's content: coloured ground with a caption, plainly no photographs."""

from __future__ import annotations

import colorsys
import io

from PIL import Image, ImageDraw, ImageFont

from app.documents.fonts import BOLD, FOLDER

_SIZE = (1280, 720)
_SHORT = 3  # Characters that may be drawn large.


def draw_placeholder(caption: str, hue: int) -> bytes:
    """A PNG of 1280 by 720 pixels.

    Args:
        hue: In degrees round the circle of colours.
    """
    width, height = _SIZE
    image = Image.new("RGB", _SIZE, _colour(hue, 0.42, 0.36))
    draw = ImageDraw.Draw(image)
    for step in range(7):
        inset = step * 150
        shade = _colour(hue + step * 4, 0.40, 0.38 + step * 0.045)
        draw.ellipse((width * 0.45 + inset, -height * 0.6 + inset, width * 1.7, height * 1.9),
                     fill=shade)  # fmt: skip
    size = 150 if len(caption) <= _SHORT else 112
    font = ImageFont.truetype(FOLDER / f"NotoSansHans-{BOLD}.otf", size)
    draw.text((84, height - 96), caption, font=font, fill="white", anchor="ls")
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _colour(hue: int, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb((hue % 360) / 360, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
