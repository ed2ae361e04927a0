"""What editors paste is harmless when it comes out, and what they wrote is still there."""

from __future__ import annotations

import re

import pytest

from app.core.rich_text import clean, is_link, media_keys, plain_text

KEY = "a" * 24
ATTACKS = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    f'<img src="/media/{KEY}/640.webp" onload="alert(1)">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" java\tscript:alert(1)">x</a>',
    '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>',
    "<svg><script>alert(1)</script></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    '<iframe src="https://example.com"></iframe>',
    '<div style="background:url(javascript:alert(1));position:fixed">x</div>',
    '<style>@import "https://example.com/x.css";</style>',
    '<form action="https://example.com"><input name="p"></form>',
    '<p onclick="alert(1)" onmouseover=alert(1)>x</p>',
    '<object data="x.swf"></object><embed src="x.swf">',
    '<meta http-equiv="refresh" content="0;url=https://example.com">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<img src="https://example.com/pixel.gif">',
    '<a href="//example.com/">x</a>',
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_in_it_runs_loads_or_covers_the_page(attack):
    cleaned = clean(f"<p>vorher</p>{attack}<p>nachher</p>")
    forbidden = (
        r"<script|<style|<iframe|<svg|<form|<input|<meta|<object|\son\w+=|script:|url\("
        r"|position|example\.com/"
    )
    assert re.search(forbidden, cleaned, re.IGNORECASE) is None, cleaned
    assert "vorher" in cleaned
    assert clean(cleaned) == cleaned


_TAGS = (
    "a abbr article b blockquote br code col colgroup del div em figure h1 h2 h3 hr i img "
    "ins li mark ol p pre s section span strong sub sup table tbody td tfoot th thead tr u "
    "ul video audio svg math iframe object embed form input button select textarea details "
    "marquee body base link meta"
)
TAGS = _TAGS.split()
_ATTRIBUTES = (
    "action background cite code codebase data dynsrc formaction href icon id longdesc "
    "lowsrc manifest name onabort onanimationstart onbegin onblur onclick oncut onerror "
    "onfocus oninput onload onmouseover onpointerenter onscroll ontoggle ontouchstart "
    "onwheel ping poster profile src srcdoc srcset style target title usemap xlink:href "
    "xmlns"
)
ATTRIBUTES = _ATTRIBUTES.split()


@pytest.mark.parametrize("tag", TAGS)
def test_a_script_in_every_attribute_of_any_tag_is_gone(tag):
    """Of an attribute that is kept, only what cannot run: no address of a script, no handler."""
    told = ("javascript:steal()", "jav&#x0A;ascript:steal()", "data:text/html,<script>steal()")
    for value in told:
        every = " ".join(f'{name}="{value}"' for name in ATTRIBUTES)
        cleaned = clean(f"<{tag} {every}>x</{tag}>")
        kept = set(re.findall(r'([\w:-]+)="[^"]', cleaned))  # A style of which nothing is left.
        assert kept <= {"rel", "target", "title"}, cleaned
        assert "<script" not in cleaned


def test_what_word_and_wechat_paste_keeps_its_words_and_its_table():
    word = (
        '<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p{mso-x:1}</style>'
        "</head><body><!--StartFragment--><h1>标题</h1><p class=MsoNormal style='mso-pagination:"
        "none;text-align:center'><span lang=EN-US style='font-size:12pt;mso-f:x'>正文<o:p></o:p>"
        "</span></p><table border=1><tr><td style='width:50%'>甲</td><td>乙</td></tr></table>"
        "</body></html>"
    )
    cleaned = clean(word)
    assert "mso" not in cleaned
    assert "<h2>标题</h2>" in cleaned
    assert "text-align:center" in cleaned.replace(" ", "")
    assert plain_text(cleaned).splitlines() == ["标题", "正文", "甲 乙"]
    wechat = '<section><p><img data-src="https://mmbiz.qpic.cn/a.png">看图</p></section>'
    assert clean(wechat) == "<p>看图</p>"


def test_pictures_of_our_library_stay_and_are_known():
    text = f'<p><img src="/media/{KEY}/1280.webp" alt="店面" style="width: 50%;"></p>'
    cleaned = clean(text)
    assert f"/media/{KEY}/1280.webp" in cleaned
    assert media_keys(cleaned) == {KEY}


def test_an_empty_text_is_empty():
    assert clean("<p><br></p>") == ""
    assert clean("<p>&nbsp;</p>") == ""


@pytest.mark.parametrize(
    ("address", "known"),
    [("/goods/1", True), ("https://a.cn", True), ("//a.cn", False), ("/\\a.cn", False),
     ("javascript:x", False)],
)  # fmt: skip
def test_a_link_leads_to_us_or_to_the_web(address, known):
    assert is_link(address) is known
