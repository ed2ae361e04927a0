"""Several pictures of one thing: put in order at the desk, seen by everybody in that order."""

from __future__ import annotations

import re

import pytest

from app.core.actor import SYSTEM, Role
from app.models.base import OPERATOR_ID
from app.services.publishing.media import DrawnPicture, add_media, new_key

NEW = "/console/content/new?kind=goods"


@pytest.fixture(scope="module")
def editor(signed_in, make):
    return signed_in(make.staff(Role.content_editor))


@pytest.fixture
def pictures(database):
    """So many pictures of the platform's library: their ids and keys."""

    def add(count: int, merchant_id: int = OPERATOR_ID) -> list[tuple[int, str]]:
        with database.unit_of_work(SYSTEM) as session:
            return [
                (add_media(session, merchant_id=merchant_id, alt=f"说明{n}", actor=SYSTEM,
                           picture=DrawnPicture(key=key, name=f"图{n}", extension="jpg", width=9,
                                                height=9, byte_count=9)).id, key)
                for n, key in enumerate(new_key() for _ in range(count))
            ]  # fmt: skip

    return add


def _written(editor, **fields: str) -> int:
    done = editor.post(NEW, {"title": "带图商品", "body_html": "<p>正文</p>", **fields})
    assert done.status_code == 302, done.text[-1500:]
    return int(done.location.rsplit("/", 1)[1])


def _numbers(*chosen: tuple[int, str]) -> str:
    return ", ".join(str(pk) for pk, _ in chosen)


def _publish(editor, pk: int) -> None:
    assert editor.post(f"/console/content/{pk}/plan", {}).status_code == 302


def _keys(text: str) -> list[str]:
    return re.findall(r'src="[^"]*/media/([^/"]+)/640\.webp"', text)


def test_pictures_are_shown_in_their_order_behind_the_cover(app, editor, pictures):
    first, second, third = pictures(3)
    pk = _written(editor, cover_id=str(second[0]), picture_ids=_numbers(third, first, second))
    _publish(editor, pk)
    visitor = app.test_client()
    page = visitor.get(f"/goods/{pk}").text
    gallery = page[page.index('class="gallery"') : page.index("</ul>", page.index("gallery"))]
    assert _keys(gallery) == [second[1], third[1], first[1]], "the cover first, and only once"
    assert 'alt="说明0"' in gallery
    assert "1/3" in gallery
    told = visitor.get(f"/api/v1/goods/{pk}").get_json()
    assert [one["url"].split("/")[-2] for one in told["pictures"]] == _keys(gallery)
    assert [one["alt"] for one in told["pictures"]] == ["说明1", "说明2", "说明0"]


def test_without_a_cover_the_first_picture_stands_in_lists(app, editor, pictures):
    first, second = pictures(2)
    pk = _written(editor, picture_ids=_numbers(second, first))
    _publish(editor, pk)
    listed = app.test_client().get("/api/v1/goods?limit=100").get_json()["items"]
    found = next((one for one in listed if one["id"] == str(pk)), None)
    if found is not None:  # Others may have filled the page.
        assert second[1] in found["cover"]["url"]
    told = app.test_client().get(f"/api/v1/goods/{pk}").get_json()
    assert second[1] in told["cover"]["url"]
    assert len(told["pictures"]) == 2


def test_the_order_is_changed_by_a_new_version_and_compared_by_names(app, editor, pictures):
    first, second = pictures(2)
    pk = _written(editor, picture_ids=_numbers(first, second))
    _publish(editor, pk)
    edit = f"/console/content/{pk}/edit"
    assert f'value="{_numbers(first, second)}"' in editor.get(edit).text
    fields = {"title": "带图商品", "body_html": "<p>正文</p>", "seen_no": "1"}
    assert editor.post(edit, {**fields, "picture_ids": _numbers(second, first)}).status_code == 302
    public = app.test_client().get(f"/api/v1/goods/{pk}").get_json()
    assert first[1] in public["pictures"][0]["url"], "public once it is published"
    compared = editor.get(f"/console/content-versions/{pk}?old=1&new=2").text
    assert "图0、图1" in compared
    assert "图1、图0" in compared


def test_other_peoples_pictures_and_nonsense_are_refused_with_all_that_was_typed(
    editor, pictures, make
):
    (foreign,) = pictures(1, make.merchant().id)
    for typed, said in (
        (str(foreign[0]), "有图片不在图片库中"),
        ("一张", "请填写图片编号"),
        ("9" * 25, "请填写图片编号"),
        (_numbers(*pictures(10)), "最多再放 9 张图片"),
    ):
        refused = editor.post(NEW, {"title": "留住的标题", "picture_ids": typed})
        assert refused.status_code == 422, typed
        assert said in refused.text
        assert "留住的标题" in refused.text


def test_a_picture_of_a_gallery_is_in_use_and_is_not_deleted(editor, pictures):
    (one,) = pictures(1)
    _written(editor, picture_ids=_numbers(one))
    page = editor.get(f"/console/media/{one[0]}").text
    assert "带图商品" in page
    editor.post(f"/console/media/{one[0]}/delete", {})
    assert editor.get(f"/console/media/{one[0]}").status_code == 200
