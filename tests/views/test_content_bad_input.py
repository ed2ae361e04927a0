"""What editors paste, upload and type, through the console's own forms and the public pages."""

from __future__ import annotations

import io
import os
import re

import pytest
from PIL import Image
from sqlalchemy import select

from app.core.actor import SYSTEM, Role
from app.documents.pictures import MAX_BYTES
from app.models.contents import ContentItem, MediaFile
from app.services.publishing.search_index import index_content

NEW = "/console/content/new?kind=article"
UPLOAD = "/console/media/upload"
WORD = """
<html xmlns:o="urn:schemas-microsoft-com:office:office">
<head><style>p.MsoNormal{mso-x:1}</style></head>
<body><!--[if gte mso 9]><xml><w:WordDocument/></xml><![endif]-->
<p class="MsoNormal" style="mso-margin-top-alt:auto;text-align:center">
<b>会员须知</b><o:p></o:p></p>
<table border="1"><tr><td style="width:50%;position:fixed">面值</td>
<td onclick="x()">50</td></tr></table>
"""
WECHAT = """
<section style="position:fixed;top:0;background:url(https://evil.example/x)" data-tools="135编辑器">
<p><span style="color:red">到店有礼</span></p>
<img data-src="https://mmbiz.qpic.cn/x" src="https://mmbiz.qpic.cn/x"><mp-common-profile></mp-common-profile>
<script>alert(1)</script></section>
"""
ATTACKS = (
    '<a href="javascript:alert(1)">a</a><a href="data:text/html,x">b</a>',
    '<img src="/media/x" onerror="alert(1)"><svg onload="alert(1)"></svg>',
    '<p style="background:url(javascript:alert(1))" onmouseover="alert(1)">c</p>',
    '<iframe src="https://evil.example"></iframe><form action="//evil.example"><input></form>',
    "<math><mtext></mtext><style><img src=x onerror=alert(1)></style></math>",
)


@pytest.fixture(scope="module")
def editor(signed_in, make):
    return signed_in(make.staff(Role.content_editor))


@pytest.fixture
def written(editor, database):
    """``written("标题", "<p>…</p>")``: saved by the form and published; its public address."""

    def write(title: str, body: str) -> str:
        done = editor.post(NEW, {"title": title, "body_html": body})
        assert done.status_code == 302, done.text[-2000:]
        pk = done.location.rsplit("/", 1)[1]
        assert editor.post(f"/console/content/{pk}/plan").status_code == 302
        return f"/articles/{pk}"

    return write


def text_of(app, path: str) -> str:
    page = app.test_client().get(path).text
    return re.search(r'class="written">(.*?)</div>', page, re.DOTALL)[1]


def test_word_keeps_its_words_and_its_table_only(app, written):
    text = text_of(app, written("会员须知", WORD))
    assert "会员须知" in text
    assert "<table" in text
    assert "text-align:center" in text
    for gone in ("mso", "Mso", "o:p", "position", "onclick", "[if", "<style"):
        assert gone not in text


def test_wechat_keeps_its_words_only(app, written):
    text = text_of(app, written("到店有礼", WECHAT))
    assert "到店有礼" in text
    for gone in ("qpic", "evil", "position", "script", "alert", "<img", "mp-common"):
        assert gone not in text


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_script_comes_through(app, written, attack):
    path = written("攻击", f"<p>前</p>{attack}<p>后</p>")
    text = text_of(app, path)
    assert "前" in text
    assert "后" in text
    for gone in ("alert", "javascript", "evil", "onerror", "<form", "<iframe", "data:text"):
        assert gone not in text


def test_a_title_of_ten_thousand_characters_is_refused_and_kept_in_the_form(editor):
    refused = editor.post(NEW, {"title": "长" * 10_000, "body_html": "<p>不要丢了我</p>"})
    assert refused.status_code == 422
    assert "不要丢了我" in refused.text
    assert "长" * 10_000 in refused.text


def test_emoji_and_full_width_letters_are_words_like_others(app, written, database):
    path = written("Ｇｉｆｔ　礼品卡🎁", "<p>１００元 👩‍👩‍👧</p>")
    page = app.test_client().get(path).text
    assert "Ｇｉｆｔ　礼品卡🎁" in page
    assert "👩‍👩‍👧" in page


def send(editor, name: str, content: bytes):
    """As the editor's script sends it; the token comes from the library's own page."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', editor.get("/console/media/").text)[1]
    answer = editor.client.post(
        UPLOAD,
        data={"file": (io.BytesIO(content), name), "csrf_token": token},
        content_type="multipart/form-data",
        headers={"Accept": "application/json"},
    )
    answer.request.environ["wsgi.input"].close()  # A large one lies in a file.
    return answer


def jpeg(width: int = 60, height: int = 40) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (20, 90, 70)).save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("script.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("page.jpg", b"<html><script>alert(1)</script></html>"),
        ("half.jpg", jpeg(600, 400)[:900]),
        ("polyglot.jpg", jpeg() + b"<?php system($_GET[0]); ?>"),
        ("archive.jpg", jpeg() + b"PK\x05\x06" + bytes(18)),
        ("empty.png", b""),
        ("heavy.jpg", jpeg() + bytes(MAX_BYTES)),
    ],
)
def test_what_is_no_harmless_picture_is_refused_in_words(editor, database, name, content):
    answer = send(editor, name, content)
    assert answer.status_code == 422
    assert answer.json["errno"] == 1
    assert re.search("[一-鿿]{2}", answer.json["message"])
    with database.unit_of_work(SYSTEM) as session:
        assert session.scalar(select(MediaFile.id).where(MediaFile.name == name)) is None


def test_a_picture_is_taken_and_served_without_its_name(app, editor):
    answer = send(editor, "../../etc/店面.jpg", jpeg())
    assert answer.status_code == 200
    url = answer.json["data"]["url"]
    assert re.fullmatch(r"/media/[A-Za-z0-9_-]{20,40}/1280\.webp", url)
    with app.test_client().get(url) as served:
        assert served.status_code == 200
        assert served.headers["X-Content-Type-Options"] == "nosniff"


def test_a_picture_of_nearly_20_megabytes_is_taken_and_drawn_smaller(editor, database):
    """As a camera makes them; what is larger is refused above, without being read to its end."""
    raw = os.urandom(2560 * 2560 * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (2560, 2560), raw).save(out, "PNG", compress_level=0)
    assert 19_000_000 < out.tell() <= MAX_BYTES
    answer = send(editor, "二十兆.png", out.getvalue())
    assert answer.status_code == 200, answer.text
    with database.unit_of_work(SYSTEM) as session:
        kept = session.scalars(
            select(MediaFile).where(MediaFile.id == int(answer.json["data"]["id"]))
        ).one()
        assert kept.byte_count < MAX_BYTES
        assert max(kept.width, kept.height) <= 2560


@pytest.mark.parametrize(
    "typed", ["茶" * 5000, "a & !b | c:*", "' OR 1=1 --", "😀", "ＣＸＬ", "\x00", "%"]
)
def test_the_search_box_takes_anything(app, typed):
    browser = app.test_client()
    assert browser.get("/search", query_string={"q": typed}).status_code in {200, 400}
    assert browser.get("/api/v1/search", query_string={"q": typed}).status_code in {200, 400, 422}


def test_what_is_offered_as_a_link_is_public(editor, written, database):
    path = written("可以链接的一篇", "<p>x</p>")
    hidden = editor.post(NEW, {"title": "还没有公开的一篇", "body_html": "<p>x</p>"})
    assert hidden.status_code == 302
    with database.unit_of_work(SYSTEM) as session:
        pk = int(path.rsplit("/", 1)[1])
        assert session.get_one(ContentItem, pk).title == "可以链接的一篇"
        index_content(session, item_id=pk)
    offered = editor.get("/console/content-links/?q=可以链接的一篇").json["items"]
    assert path in {one["url"] for one in offered}
    nothing = editor.get("/console/content-links/?q=还没有公开的一篇").json["items"]
    assert "还没有公开的一篇" not in {one["title"] for one in nothing}
    gift = editor.get("/console/content-links/?q=朋友").json["items"]
    assert "/m/pages/gift/index" in {one["url"] for one in gift}
