"""`make screens`: photographs the main screens of the demo into docs/screens/, at three widths.

A face adds its own by a line in SCREENS. The pictures are reduced to a small palette, so that the
folder stays small. `make screens S=dashboard` takes only those whose
name begins like that; URL=http://… photographs a program that runs already.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.ground import USUAL_WIDTHS, Desk, Guard, open_browser, wait_for_charts
from tests.faults.stack import running_stack

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screens"
COLOURS = 64
Act = Callable[[Page], object]


@dataclass(frozen=True)
class Screen:
    """``account`` None: nobody is signed in. ``act`` is what is done before the picture."""

    name: str
    account: str | None
    path: str
    act: Act | None = None
    widths: Sequence[int] = USUAL_WIDTHS
    dark: bool = False
    whole: bool = False  # The whole page, and not only what the window shows.


def first_record(page: Page) -> None:
    page.locator("tbody tr td a").first.click()
    page.wait_for_load_state()


def open_menu(page: Page) -> None:
    page.click(".menu-button")


def whole_till(page: Page) -> None:
    """Until the screen is there; a till listens for ever, so the network never falls silent."""
    page.locator("#nav [aria-current]").wait_for()
    page.wait_for_timeout(1200)


def search_for(words: str) -> Act:
    def search(page: Page) -> None:
        page.keyboard.press("Control+k")
        page.keyboard.type(words)
        page.keyboard.press("Enter")
        page.wait_for_load_state()

    return search


TILL = (1280, 820, 390, 844)  # A counter's tablet, one held upright, a phone, a phone on its side.


SCREENS = (
    Screen("home", None, "/"),
    Screen("sign-in", None, "/login/"),
    Screen("dashboard-platform", "platform", "/console/?period=month", wait_for_charts, whole=True),
    Screen("dashboard-merchant", "merchant1", "/console/?period=week", wait_for_charts, whole=True),
    Screen("dashboard-store", "store1", "/console/", wait_for_charts),
    Screen("dashboard-dark", "merchant2", "/console/?period=month", wait_for_charts, dark=True),
    Screen("menu", "platform", "/console/payments/list/", open_menu, widths=(390,)),
    Screen("payments", "platform", "/console/payments/list/?period=month"),
    Screen("payment", "platform", "/console/payments/list/?status=refunded", first_record),
    Screen("top-ups", "merchant1", "/console/top-ups/list/"),
    Screen("redemptions", "store1", "/console/redemptions/list/"),
    Screen("members", "merchant1", "/console/members/list/"),
    Screen("member", "merchant1", "/console/members/list/", first_record),
    Screen("cards", "merchant1", "/console/cards/list/"),
    Screen("card", "platform", "/console/cards/list/", first_record),
    Screen("gifts", "platform", "/console/gifts/list/"),
    Screen("batches", "platform", "/console/voucher-batches/list/"),
    Screen("batch", "platform", "/console/voucher-batches/list/", first_record),
    Screen("batch-figures", "platform", "/console/voucher-batches/figures/4"),
    Screen("printing", "platform", "/console/print/4"),
    Screen("merchant-new", "platform", "/console/merchants/add/"),
    Screen("vouchers", "merchant1", "/console/vouchers/list/?status=redeemed"),
    Screen("stores", "platform", "/console/stores/list/"),
    Screen("statements", "platform", "/console/statements/list/"),
    Screen("statement", "merchant2", "/console/statements/list/?status=disputed", first_record),
    Screen("differences", "platform", "/console/differences/list/"),
    Screen("reconciliations", "finance", "/console/reconciliations/list/"),
    Screen("difference", "finance", "/console/differences/list/?kind=ledger_differs", first_record),
    Screen("payment-management", "platform", "/console/wechat-pay/"),
    Screen("report-takings", "platform", "/console/reports/?report=takings&group=store",
           wait_for_charts, whole=True),
    Screen("report-advance", "platform", "/console/reports/?report=liability", wait_for_charts),
    Screen("trial-balance", "platform", "/console/trial-balance/"),
    Screen("search", "platform", "/console/", search_for("面馆")),
    Screen("till-receive", "cashier1", "/pos/", whole_till, widths=TILL),
    Screen("till-redeem", "cashier1", "/pos/#redeem", whole_till, widths=TILL),
    Screen("till-top-up", "cashier1", "/pos/#top-up", whole_till, widths=TILL),
    Screen("till-today", "cashier1", "/pos/#today", whole_till, widths=TILL),
    Screen("till-shift", "cashier1", "/pos/#shift", whole_till, widths=TILL),
    Screen("till-device", "cashier1", "/pos/#device", whole_till, widths=TILL),
    Screen("nothing-found", "merchant1", "/console/refunds/list/?period=today&status=abnormal"),
)  # fmt: skip


def main() -> None:
    """Take every picture that was asked for. A fault in a page ends it, as it fails a test."""
    wanted = os.environ.get("S", "")
    screens = [screen for screen in SCREENS if screen.name.startswith(wanted)]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _program() as url, sync_playwright() as playwright, open_browser(playwright) as browser:
        guard = Guard(url)
        desk = Desk(browser, url, guard, {})
        for screen in screens:
            for width in screen.widths:
                _photograph(desk, screen, width)
            print(screen.name, file=sys.stderr)
        desk.close()
        guard.require_quiet()
    size = sum(path.stat().st_size for path in FOLDER.glob("*.png"))
    print(f"{len(screens)} screens, the folder has {size / 1e6:.1f} MB", file=sys.stderr)


@contextmanager
def _program() -> Iterator[str]:
    """A program that runs already, or one of our own with fresh demo data."""
    given = os.environ.get("URL")
    if given:
        yield given.rstrip("/")
        return
    with tempfile.TemporaryDirectory() as home, running_stack(Path(home)) as stack:
        yield stack.url


def _photograph(desk: Desk, screen: Screen, width: int) -> None:
    options = {"width": width, "color_scheme": "dark" if screen.dark else "light"}
    if screen.account is None:
        page = desk.stranger(**options)
    else:
        page = desk.console(screen.account, **options)
    page.goto(screen.path)
    if screen.act is not None:
        screen.act(page)
    if not screen.path.startswith("/pos/"):
        page.wait_for_load_state("networkidle")
    _keep(page.screenshot(full_page=screen.whole), FOLDER / f"{screen.name}-{width}.png")
    page.context.close()


def _keep(png: bytes, path: Path) -> None:
    """With few colours: a screen of ours has hardly more, and it is a fifth of the size."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    few = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


if __name__ == "__main__":
    main()
