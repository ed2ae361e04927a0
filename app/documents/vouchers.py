"""One voucher as it is printed: what stands on it and where, on a card or on a label.

The paper is Chinese, in whatever language the console is read: its words stand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from app.core import codes, money
from app.documents.barcodes import MIN_QR_MM, QUIET_ZONE, draw_code128, draw_qr
from app.documents.drawing import WHITE, Box, Canvas, Size
from app.documents.fonts import BOLD
from app.documents.typesetting import break_lines, fit_line
from app.models.vouchers import BatchKind
from app.queries.vouchers.print_designs import BatchPrint

BLEED = 3.0
CARD = Size(90, 54)
DEFAULT_COLOUR = "#0b6e5b"
_SOFT, _SAMPLE = "#555f5c", "#f6cdc9"
_TURN = (0.891, 0.454)  # The sample mark runs up at 27 degrees.
# The check character of these is wrong: every till refuses them without asking the server.
SAMPLE_CODE = "0000SAMP1E000000"


class PrintedVoucher(NamedTuple):
    """What differs from one voucher to the next."""

    serial_no: str
    code: str


@dataclass(frozen=True, kw_only=True)
class VoucherDesign:
    """What is the same on all vouchers of a batch."""

    title: str
    kind: str  # 纸质券 or 充值码.
    face_value_fen: int
    validity: str
    issuer: str
    stores: str
    terms: str
    support_phone: str
    colour: str
    batch_no: str
    address: str  # What a code is put behind: https://…/v/
    scratch: bool = False  # The code lies under a panel; no QR code gives it away.
    sample: bool = False

    @property
    def site(self) -> str:
        """Where the terms are read."""
        return self.address.removeprefix("https://").removeprefix("http://").split("/")[0]


def value_text(design: VoucherDesign) -> str:
    return money.yuan(design.face_value_fen).removesuffix(".00")


def draw_card(canvas: Canvas, design: VoucherDesign) -> None:
    """The front of a 90 × 54 mm card without what is the voucher's own. Origin: the bleed edge."""
    at = BLEED
    width, height = CARD
    canvas.fill(Box(0, 0, width + 2 * at, height + 2 * at), WHITE)
    canvas.fill(Box(0, 0, width + 2 * at, at + 12), design.colour)
    title, size = fit_line(design.title, width=52, size=14, smallest=8, weight=BOLD)
    canvas.text(at + 6, at + 8.2, title, size=size, weight=BOLD, colour=WHITE)
    issuer, size = fit_line(design.issuer, width=24, size=7.5, smallest=4.5)
    canvas.text(at + 84, at + 7.8, issuer, size=size, colour=WHITE, align="right")
    _draw_sample_mark(canvas, design, Box(at + 8, at + 42, 60, 0), 15)
    amount, size = fit_line(f"¥{value_text(design)}", width=40, size=30, smallest=12, weight=BOLD)
    canvas.text(at + 6, at + 25, amount, size=size, weight=BOLD, colour=design.colour)
    lines = [f"{design.kind} · {design.validity}"]
    if design.stores:
        lines += break_lines(f"适用门店：{design.stores}", width=45, size=6.2, most=2)
    lines.append(_support(design))
    for row, line in enumerate(lines):
        shown, size = fit_line(line, width=45, size=6.2, smallest=4)
        canvas.text(at + 6, at + 30 + row * 3.1, shown, size=size, colour=_SOFT)
    if design.scratch:
        _draw_panel(canvas, Box(at + 53, at + 22, 33, 14))


def draw_card_back(canvas: Canvas, design: VoucherDesign) -> None:
    """The back of a card: terms, stores, whom to call."""
    at = BLEED
    canvas.fill(Box(0, 0, CARD.width + 2 * at, CARD.height + 2 * at), WHITE)
    canvas.fill(Box(0, at + 49, CARD.width + 2 * at, 5 + at), design.colour)
    _draw_sample_mark(canvas, design, Box(at + 12, at + 42, 66, 0), 20)
    canvas.text(at + 6, at + 8, "使用须知", size=9, weight=BOLD)
    terms = design.terms or "本券以券面金额为限，一次使用，不找零、不兑换现金。"
    y = at + 12.5
    for line in break_lines(terms, width=78, size=6.4, most=9):
        canvas.text(at + 6, y, line, size=6.4)
        y += 3.1
    for line in break_lines(f"适用门店：{design.stores}", width=78, size=6, most=2):
        canvas.text(at + 6, y + 0.6, line, size=6, colour=_SOFT)
        y += 2.9
    parts = [design.issuer, _support(design)]
    if design.support_phone:
        parts.append(design.site)
    foot, size = fit_line("　".join(parts), width=78, size=6.4, smallest=4)
    canvas.text(at + CARD.width / 2, at + 52.2, foot, size=size, colour=WHITE, align="centre")


def draw_on_card(canvas: Canvas, design: VoucherDesign, one: PrintedVoucher, at: Box) -> None:
    """What is the voucher's own: QR code, code, serial number and its barcode."""
    if not design.scratch:
        _draw_qr(canvas, design, one, x=at.x + 60, y=at.y + 14.5, side=25)
        canvas.text(
            at.x + 72.5, at.y + 43, codes.grouped(one.code), size=7, weight=BOLD, align="centre"
        )
    else:
        line, size = fit_line(codes.grouped(one.code), width=28, size=9, smallest=6, weight=BOLD)
        canvas.text(at.x + 69.5, at.y + 30.2, line, size=size, weight=BOLD, align="centre")
    canvas.bars(Box(at.x + 6, at.y + 44, 38, 5), draw_code128(one.serial_no))
    canvas.text(at.x + 6, at.y + 51.6, f"券号 {one.serial_no}", size=6)


def draw_label(canvas: Canvas, design: VoucherDesign) -> None:
    """A label without what is the voucher's own; everything moves with its size."""
    width, height = canvas.size
    side = label_side(canvas.size)
    left, room = side + 2, width - side - 4
    top = height / 30
    _draw_sample_mark(canvas, design, Box(left, height - 5, room, 0), height / 3.6)
    title, size = fit_line(design.title, width=room, size=7 + height / 15, smallest=5, weight=BOLD)
    canvas.text(left, top * 4.5, title, size=size, weight=BOLD)
    amount, size = fit_line(
        f"¥{value_text(design)}", width=room, size=height / 2, smallest=9, weight=BOLD
    )
    canvas.text(left, top * 11, amount, size=size, weight=BOLD)
    y = top * 14.2
    for line in (design.kind, design.validity, design.issuer, _support(design)):
        shown, size = fit_line(line, width=room, size=height / 6, smallest=3.6)
        canvas.text(left, y, shown, size=size)
        y += top * 2.6
    if design.scratch:
        _draw_panel(canvas, Box(2, top * 8, side - 2, top * 9))


def draw_on_label(canvas: Canvas, design: VoucherDesign, one: PrintedVoucher, at: Box) -> None:
    """What is the voucher's own on a label."""
    side = label_side(canvas.size)
    width, height = canvas.size
    code = codes.grouped(one.code)
    if not design.scratch:
        _draw_qr(canvas, design, one, x=at.x + 1, y=at.y + 1, side=side)
        line, size = fit_line(code, width=width - 4, size=height / 4.3, smallest=5, weight=BOLD)
        canvas.text(at.x + 2, at.y + height - 4.6, line, size=size, weight=BOLD)
    else:
        line, size = fit_line(code, width=side - 4, size=8, smallest=4.5, weight=BOLD)
        y = at.y + height / 30 * 14.2
        canvas.text(at.x + 1 + side / 2, y, line, size=size, weight=BOLD, align="centre")
    serial, size = fit_line(f"券号 {one.serial_no}", width=width - 4, size=6, smallest=4)
    canvas.text(at.x + 2, at.y + height - 1.6, serial, size=size)


def label_side(size: Size) -> float:
    """How wide a label's QR code is with its quiet zone."""
    return min(size.height - 8, size.width * 0.46)


def sample_voucher(design: VoucherDesign) -> PrintedVoucher:
    """What a proof shows in place of a voucher: no till takes it."""
    return PrintedVoucher(f"{design.batch_no}00000000", SAMPLE_CODE)


def _draw_qr(
    canvas: Canvas, design: VoucherDesign, one: PrintedVoucher, *, x: float, y: float, side: float
) -> None:
    modules = draw_qr(design.address + one.code)
    printed = side * modules.size / (modules.size + 2 * QUIET_ZONE)
    assert printed >= MIN_QR_MM, "a phone reads 15 mm and more"
    canvas.qr(x, y, modules, side=side)


def _draw_panel(canvas: Canvas, box: Box) -> None:
    """Where the print shop lays the scratch-off panel, over the code."""
    canvas.frame(box, colour=_SOFT, width=0.2, dash="1.2 0.8")
    # On the smallest label the words stay clear of the code below them.
    down, size = min(3.4, box.height * 0.28), min(5.5, box.height * 0.5)
    middle = box.x + box.width / 2
    canvas.text(middle, box.y + down, "刮开涂层见券码", size=size, colour=_SOFT, align="centre")


def _draw_sample_mark(canvas: Canvas, design: VoucherDesign, box: Box, size: float) -> None:
    if design.sample:
        canvas.text(
            box.x, box.y, "样张 不可兑换", size=size, weight=BOLD, colour=_SAMPLE, turn=_TURN
        )


def _support(design: VoucherDesign) -> str:
    return f"客服电话：{design.support_phone}" if design.support_phone else f"详情：{design.site}"


def design_of(facts: BatchPrint, *, base_url: str, scratch: bool) -> VoucherDesign:
    """What a batch's vouchers look like; ``base_url`` is where the public reaches us."""
    is_top_up = facts.kind is BatchKind.topup
    stores = "、".join(facts.stores) + ("等" if facts.more_stores else "")
    return VoucherDesign(
        title=facts.title or facts.name,
        kind="充值码" if is_top_up else "纸质券",
        face_value_fen=facts.face_value_fen,
        validity=_validity(facts),
        issuer=facts.issuer,
        stores=stores,
        terms=facts.terms,
        support_phone=facts.support_phone,
        colour=facts.colour or DEFAULT_COLOUR,
        batch_no=facts.batch_no,
        address=f"{base_url.rstrip('/')}/{'t' if is_top_up else 'v'}/",
        scratch=scratch,
    )


def _validity(facts: BatchPrint) -> str:
    if facts.expires_on is not None:
        day = facts.expires_on
        return f"有效期至 {day.year}年{day.month}月{day.day}日"
    if facts.days_from_activation is not None:
        return f"激活之日起 {facts.days_from_activation} 天内有效"
    return "长期有效"
