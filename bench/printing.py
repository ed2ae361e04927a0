"""The benchmark `print`: vouchers to PDF sheets, beside a sheet with nothing but the QR codes.

No server: one process draws, as the job does. Memory is the whole process's peak, so each run has a
process of its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pypdfium2
import zxingcpp

from app.core import codes
from app.core.serials import make_serials
from app.documents.barcodes import draw_qr
from app.documents.drawing import A4
from app.documents.pdf import PdfFile
from app.documents.sheets import LAYOUTS, write_sheets
from app.documents.vouchers import PrintedVoucher, VoucherDesign
from bench.load import WrongAnswer
from bench.seeds import ROOT

_DESIGN = VoucherDesign(
    title="川味小馆五十元代金券",
    kind="纸质券",
    face_value_fen=50_00,
    validity="有效期至 2027年12月31日",
    issuer="川味小馆餐饮管理有限公司",
    stores="春熙路店、宽窄巷子店、天府广场店",
    terms="每次限用一张，不找零。\n过期作废，复制无效。",
    support_phone="028-8888 6666",
    colour="#0b6e5b",
    batch_no="2611230007",
    address="https://kaquan.example.com/v/",
)
_BASELINE = "QR codes alone"
_CHUNK = 10_000
_SIZES = (2_000, 10_000, 20_000)


def print_sheets(scale: int) -> None:
    """One line a size: seconds of ours and of the bare codes, and the peak of memory."""
    for count in (size * scale for size in _SIZES):
        bare, ours = _run("bare", count), _run("sheets", count)
        row = {
            "bench": "print",
            "case": f"{count} vouchers, pdf",
            "ours": round(ours["seconds"], 2),
            "unit": "s",
            "baseline": round(bare["seconds"], 2),
            "baseline_name": _BASELINE,
            "ratio": round(bare["seconds"] / ours["seconds"], 3),
            "cpu_s": round(ours["cpu_s"], 2),
            "rss_mb": round(ours["rss_mb"]),
            "baseline_rss_mb": round(bare["rss_mb"]),
            "file_mb": round(ours["file_mb"], 1),
        }
        print(json.dumps(row), flush=True)


def _run(what: str, count: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.printing", what, str(count)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise WrongAnswer(done.stderr)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _vouchers(count: int) -> Iterator[PrintedVoucher]:
    """Chunk by chunk, as the job opens them."""
    for start in range(1, count + 1, _CHUNK):
        size = min(_CHUNK, count + 1 - start)
        serials = make_serials(_DESIGN.batch_no, start, size)
        yield from map(PrintedVoucher, serials, codes.make_codes(size))


def _draw_bare(path: Path, vouchers: Iterator[PrintedVoucher]) -> None:
    """The least that a print file can be: eight codes a page, no text, no back."""
    with path.open("wb") as file, PdfFile(file, title="bare") as pdf:
        while sheet := list(islice(vouchers, 8)):
            page = pdf.canvas(A4)
            for place, one in enumerate(sheet):
                code = draw_qr(_DESIGN.address + one.code)
                page.qr(20 + place % 2 * 96, 20 + place // 2 * 60, code, side=25)
            pdf.add_page(page)


def _check(path: Path, first: PrintedVoucher) -> None:
    """The first voucher stands at the first place, and a scanner reads it."""
    document = pypdfium2.PdfDocument(path)
    read = zxingcpp.read_barcodes(document[0].render(scale=300 / 72).to_pil())
    if _DESIGN.address + first.code not in {one.text for one in read}:
        raise WrongAnswer("the first voucher is not on the first sheet")


def main() -> None:
    what, count = sys.argv[1], int(sys.argv[2])
    vouchers = _vouchers(count)
    first = next(vouchers)
    vouchers = chain([first], vouchers)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.pdf"
        began, cpu = time.perf_counter(), time.process_time()
        if what == "bare":
            _draw_bare(path, vouchers)
        else:
            with path.open("wb") as file:
                write_sheets(file, design=_DESIGN, layout=LAYOUTS["a4"], vouchers=vouchers)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        _check(path, first)
        size = path.stat().st_size
    measured = {"seconds": seconds, "cpu_s": cpu, "rss_mb": peak_kb / 1024}
    print(json.dumps({**measured, "file_mb": size / 2**20}))


if __name__ == "__main__":
    main()
