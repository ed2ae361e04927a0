"""Pictures to scan: the address of a pay point or a gift, and the mini-program's code of it."""

from __future__ import annotations

import io

from PIL import Image

from app.core.errors import N_, Category, DomainError
from app.documents.barcodes import QUIET_ZONE, draw_qr
from app.flows.context import Context
from app.services.ports import GatewayRefused, GatewayUnavailable
from app.services.refusals import WeChatUnavailable

LANDING = "pages/landing/index"
_PIXELS_A_MODULE = 12
_WIDTH = 430  # Of a mini-program code, in pixels.


class CodeNotDrawn(DomainError):
    code = "mini_program_code_refused"
    category = Category.CONFLICT
    template = N_(
        "WeChat does not draw this code now (%(reason)s). Please use the QR code instead."
    )


def draw_address(context: Context, *, letter: str, token: str) -> bytes:
    """A QR code as PNG, which any scanner reads: a page of ours that leads on."""
    code = draw_qr(f"{context.settings.public_base_url}/{letter}/{token}")
    side = code.size + 2 * QUIET_ZONE
    picture = Image.new("L", (side, side), 255)
    picture.paste(Image.frombytes("L", (code.size, code.size), code.rows), (QUIET_ZONE, QUIET_ZONE))
    large = picture.resize((side * _PIXELS_A_MODULE,) * 2, Image.Resampling.NEAREST)
    out = io.BytesIO()
    large.convert("1").save(out, "PNG", optimize=True)
    return out.getvalue()


def draw_mini_program_code(context: Context, *, letter: str, token: str) -> bytes:
    """The round code that opens the mini-program at once, drawn by WeChat.

    Raises:
        CodeNotDrawn, WeChatUnavailable
    """
    try:
        return context.wechat_mini.draw_code(page=LANDING, scene=f"{letter}={token}", width=_WIDTH)
    except GatewayRefused as refusal:
        raise CodeNotDrawn(extra={"reason": refusal.reason}) from None
    except GatewayUnavailable:
        raise WeChatUnavailable from None
