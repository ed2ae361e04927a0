"""An editor's walk: write with table and picture, preview, schedule, see it come out, go back."""

from __future__ import annotations

import base64
import io
import re
from datetime import timedelta

from PIL import Image
from playwright.sync_api import Locator, expect

from app.core.clock import local, utc_now
from tests.browser.ground import TOGETHER

pytestmark = TOGETHER

_TITLE = "浏览器里写的文章"
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; V2307A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
    " Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49.2600"
)
LAPTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36"
)


def photo(kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1400, 800), (30, 110, 90)).save(out, kind)
    return out.getvalue()


def soon(moment):
    return local(moment).strftime("%Y-%m-%dT%H:%M:%S")


_PASTE = """(text, [kind, content]) => {
    const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
    const held = new DataTransfer();
    if (kind === "text/html") held.setData(kind, new TextDecoder().decode(bytes));
    else held.items.add(new File([bytes], "copied", { type: kind }));
    const said = { bubbles: true, cancelable: true };
    const pasted = new ClipboardEvent("paste", { ...said, clipboardData: held });
    if (text.dispatchEvent(pasted)) text.dispatchEvent(new InputEvent(
        "beforeinput", { ...said, inputType: "insertFromPaste", dataTransfer: held }));
}"""


def paste(text: Locator, kind: str, content: bytes) -> None:
    """What a browser tells of Ctrl+V. The machine's own clipboard is not everywhere to be had."""
    text.evaluate(_PASTE, [kind, base64.b64encode(content).decode()])


def test_what_is_pasted_into_a_text_is_ours_afterwards(console):
    """The guard of every page sees to it that no other host is asked for a picture."""
    page = console("editor")
    page.goto("/console/content/new?kind=article")
    page.wait_for_selector(".content-form[data-ready]")
    page.fill("[name=title]", "粘贴来的文章")
    text = page.locator(".editor-page [contenteditable]")
    text.click()
    page.keyboard.type("自己写的。")
    expect(text).to_contain_text("自己写的。")
    copied = (
        "<p>从公众号复制的<b>文字</b></p>"
        '<img src="https://mmbiz.example/cat.png">'
        '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'
    )
    paste(text, "text/html", copied.encode())
    expect(text).to_contain_text("从公众号复制的文字")
    expect(page.locator(".content-form .problem")).to_contain_text("其他网站的图片没有粘贴")
    expect(page.locator(".editor-page img")).to_have_count(0)
    paste(text, "image/png", photo("PNG"))
    expect(page.locator(".editor-page img")).to_have_attribute("src", re.compile(r"^/media/"))
    page.click(".content-form button[type=submit]")
    page.wait_for_url(re.compile(r"/console/contents/show/\d+$"))
    page.get_by_role("link", name="预览", exact=True).click()
    expect(page.locator(".written img")).to_have_count(1)
    expect(page.locator(".written b, .written strong")).to_have_text("文字")


def test_an_article_is_written_previewed_scheduled_comes_out_and_goes_back(console, desk):
    desk.guard.tolerate("Failed to load resource")  # Not there yet, and no dashboard for editors.
    page = console("editor")
    page.goto("/console/content/new?kind=article")
    page.wait_for_selector(".content-form[data-ready]")
    page.fill("[name=title]", _TITLE)
    page.fill("[name=category]", "新闻")
    page.click(".editor-page [contenteditable]")
    page.keyboard.type("第一段文字。")
    page.keyboard.press("Enter")
    with page.expect_file_chooser() as chooser:
        page.click('[data-menu-key="uploadImage"]:not(.disabled)')
    chooser.value.set_files({"name": "店面.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(page.locator(".editor-page img").first).to_be_visible()
    page.keyboard.press("Control+End")
    page.click('[data-menu-key="insertTable"]:not(.disabled)')
    page.locator(".w-e-panel-content-table td").nth(1).click()
    expect(page.locator(".editor-page table")).to_be_visible()
    page.click(".page-links summary")
    page.fill(".page-links input", "cxl")
    store = page.locator(".page-links button", has_text="春熙路").filter(has_text="门店").first
    store.click()
    expect(page.locator(".editor-page a[href^='/stores/']")).to_be_visible()
    page.click(".content-form button[type=submit]")
    page.wait_for_url(re.compile(r"/console/contents/show/(\d+)$"))
    expect(page.locator(".message")).to_contain_text("已存为草稿")
    pk = page.url.rsplit("/", 1)[1]

    reader = desk.stranger()
    assert reader.goto(f"/articles/{pk}").status == 404

    page.get_by_role("link", name="预览", exact=True).click()
    expect(page.locator(".preview-bar")).to_be_visible()
    expect(page.locator(".written img")).to_be_visible()
    expect(page.locator(".written table")).to_be_visible()
    expect(page.locator(".written a[href^='/stores/']")).to_be_visible()

    # Some seconds ahead, so that the clock publishes it while we wait.
    page.goto(f"/console/content/{pk}/plan")
    page.fill("[name=publish_at]", soon(utc_now() + timedelta(seconds=12)))
    page.click(".form button[type=submit]")
    expect(page.locator(".message")).to_contain_text("自动发布")
    for _ in range(80):
        if reader.goto(f"/articles/{pk}").status == 200:
            break
        reader.wait_for_timeout(1000)
    expect(reader.locator("h1")).to_have_text(_TITLE)
    expect(reader.locator(".written table")).to_be_visible()
    width = reader.locator(".written img").evaluate("picture => picture.naturalWidth")
    assert width > 0
    listed = reader.request.get("/api/v1/articles?limit=100").json()["items"]
    assert pk in {one["id"] for one in listed}
    # Found within a second or two: by its words, by initials, by pinyin.
    for typed in ("浏览器里写的文章", "llqlxdwz", "liulanqi"):
        for _ in range(20):
            reader.goto(f"/search?q={typed}")
            if reader.locator(f".found a[href='/articles/{pk}']").count():
                break
            reader.wait_for_timeout(500)
        expect(reader.locator(f".found a[href='/articles/{pk}']")).to_be_visible()

    page.goto(f"/console/content/{pk}/edit")
    page.wait_for_selector(".content-form[data-ready]")
    page.fill("[name=title]", "改过的标题")
    page.click(".content-form button[type=submit]")
    page.wait_for_url(re.compile(r"/console/contents/show/\d+$"))
    page.get_by_role("link", name="发布", exact=True).click()
    page.click(".form button[type=submit]")
    reader.goto(f"/articles/{pk}?again=1")
    expect(reader.locator("h1")).to_have_text("改过的标题")

    page.goto(f"/console/content-versions/{pk}")
    expect(page.locator(".diff del").first).to_contain_text(_TITLE)
    page.locator("a", has_text="恢复").last.click()
    page.click(".form button[type=submit]")
    page.goto(f"/console/content/{pk}/plan")
    page.click(".form button[type=submit]")
    reader.goto(f"/articles/{pk}?again=2")
    expect(reader.locator("h1")).to_have_text(_TITLE)
    page.goto(f"/console/contents/show/{pk}")
    expect(page.locator("main")).to_contain_text("设定定时发布")


def test_a_picture_that_is_none_is_refused_in_words(console, desk):
    desk.guard.tolerate("Failed to load resource")
    page = console("editor")
    page.goto("/console/media/")
    bad = {"name": "a.svg", "mimeType": "image/png", "buffer": b"<svg onload=alert(1)>"}
    page.set_input_files("[name=file]", bad)
    page.click("[data-drop] button")
    expect(page.locator(".problem")).to_contain_text("不是 JPEG")


def test_the_site_needs_no_script(desk):
    page = desk.stranger(width=390, java_script_enabled=False)
    page.goto("/")
    expect(page.locator(".shelf a").first).to_be_visible()
    page.goto("/search?q=招牌牛肉面")  # Which has a text, unlike what other tests publish.
    page.get_by_role("link", name="招牌牛肉面").first.click()
    expect(page.locator("h1")).to_have_text("招牌牛肉面")
    expect(page.locator(".written")).to_be_visible()


def test_what_is_read_is_counted_exactly(console, desk):
    """Two readers of a page that only they read: the statistics say just that."""
    desk.guard.tolerate("Failed to load resource")
    page = console("editor")
    page.goto("/console/content/new?kind=article")
    page.wait_for_selector(".content-form[data-ready]")
    page.fill("[name=title]", "只有两位读者的文章")
    page.click(".content-form button[type=submit]")
    page.wait_for_url(re.compile(r"/console/contents/show/(\d+)$"))
    pk = page.url.rsplit("/", 1)[1]
    page.goto(f"/console/content/{pk}/plan")
    page.click(".form button[type=submit]")
    phone = desk.stranger(width=390, user_agent=PHONE)
    laptop = desk.stranger(user_agent=LAPTOP)
    for reader, times in ((phone, 2), (laptop, 1)):
        for _ in range(times):
            with reader.expect_response("**/api/v1/page-views") as told:
                reader.goto(f"/articles/{pk}?utm_campaign=walk-{pk}")
            assert told.value.status == 202
    # The worker adds up every minute what has come.
    row = page.locator("[data-dimension=path] tr", has_text=f"/articles/{pk}")
    for _ in range(90):
        page.goto("/console/traffic/")
        if row.count():
            break
        page.wait_for_timeout(1000)
    cells = [cell.strip() for cell in row.locator("td").all_inner_texts()]
    assert cells[:4] == [f"/articles/{pk}", "3", "2", "2"]
    campaign = page.locator("[data-dimension=campaign] tr", has_text=f"walk-{pk}")
    assert [cell.strip() for cell in campaign.locator("td").all_inner_texts()][1:4] == [
        "2", "2", "2",
    ]  # fmt: skip


def test_pictures_of_goods_are_uploaded_put_in_order_and_swiped(console, desk):
    page = console("editor")
    page.goto("/console/content/new?kind=goods")
    page.fill("[name=title]", "三张图的礼盒")
    gallery = page.locator("[data-gallery]")
    lines = gallery.locator(".gallery-strip li")
    files = [
        {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": photo()}
        for name in ("正面", "背面", "里面")
    ]
    gallery.locator("input[type=file]").set_input_files(files)
    expect(lines).to_have_count(3)
    expect(lines.nth(2)).to_contain_text("里面")
    gallery.get_by_role("button", name="前移：里面").click()
    expect(lines.nth(1)).to_contain_text("里面")
    gallery.get_by_role("button", name="去掉：正面").click()
    expect(lines).to_have_count(2)
    page.click(".content-form button[type=submit]")
    page.wait_for_url(re.compile(r"/console/contents/show/\d+$"))
    pk = page.url.rsplit("/", 1)[1]
    page.goto(f"/console/content/{pk}/plan")
    page.click("main form button[type=submit]")
    page.wait_for_url(re.compile(r"/console/contents/show/\d+$"))
    reader = desk.stranger(width=390)
    reader.goto(f"/goods/{pk}")
    shown = reader.locator(".gallery img")
    expect(shown).to_have_count(2)
    expect(reader.locator(".gallery figcaption").first).to_contain_text("1/2")
