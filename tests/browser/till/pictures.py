"""A QR code before a camera: a video that Chromium plays as if a camera saw it."""

from __future__ import annotations

from pathlib import Path

from app.documents.barcodes import draw_qr

WIDTH, HEIGHT, FRAMES = 640, 480, 3
_WHITE, _BLACK, _GREY = 235, 16, 128


def write_video(path: Path, text: str) -> Path:
    """A still of the code on grey paper, as YUV 4:2:0, which needs no encoder."""
    code = draw_qr(text)
    side = (HEIGHT - 80) // (code.size + 8)
    left, top = (WIDTH - side * code.size) // 2, (HEIGHT - side * code.size) // 2
    rows = [bytearray([_GREY]) * WIDTH for _ in range(HEIGHT)]
    for y in range(-4 * side, (code.size + 4) * side):
        for x in range(-4 * side, (code.size + 4) * side):
            inside = 0 <= x < code.size * side and 0 <= y < code.size * side
            dark = inside and code.is_dark(x // side, y // side)
            rows[top + y][left + x] = _BLACK if dark else _WHITE
    frame = b"FRAME\n" + b"".join(rows) + bytes([128]) * (WIDTH * HEIGHT // 2)
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + frame * FRAMES)
    return path
