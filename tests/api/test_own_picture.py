"""A member's own picture: drawn anew, told with a whole address, gone with its owner."""

from __future__ import annotations

import io
import os
import time

import pytest
import requests
from PIL import Image

from app.core.actor import SYSTEM
from app.flows.people import avatars
from app.models.tenants import Store


@pytest.fixture
def owner(world):
    member = world.make.member()
    return world.as_member(member)


def test_a_picture_is_cut_to_a_square_and_drawn_anew(world, owner):
    photo = _picture((900, 600), "JPEG", exif=_where_it_was_taken())
    told = _send(owner, photo)
    assert told.status_code == 200, told.text
    address = told.json()["avatar_url"]
    assert address.startswith(world.context.settings.public_base_url)
    assert owner.get("/api/v1/me").json()["avatar_url"] == address
    seen = _fetch(world, address)
    assert (seen.headers["Content-Type"], seen.status_code) == ("image/jpeg", 200)
    assert "private" in seen.headers["Cache-Control"]
    with Image.open(io.BytesIO(seen.content)) as drawn:
        assert drawn.size == (320, 320)
        assert not drawn.getexif()


def test_the_picture_before_is_deleted(world, owner):
    first = _send(owner, _picture((400, 400), "PNG")).json()["avatar_url"]
    second = _send(owner, _picture((400, 500), "WEBP")).json()["avatar_url"]
    assert _fetch(world, first).status_code == 404
    assert _fetch(world, second).status_code == 200


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"GIF89a" + b"\0" * 40, "picture_broken"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture_unknown"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 40, "picture_broken"),
        (b"\xff\xd8\xff" + b"\0" * (avatars.MAX_BYTES - 2), "avatar_too_large"),
    ],
)
def test_what_is_no_picture_of_a_fit_size_is_refused(owner, content, code):
    told = _send(owner, content)
    assert (told.status_code, told.json()["code"]) == (422, code)
    assert owner.get("/api/v1/me").json()["avatar_url"] == ""


def test_a_call_without_a_picture_and_a_stranger_are_refused(world, owner):
    told = owner.send("POST", "/api/v1/me/avatar", files={"other": ("a.png", b"x")})
    assert (told.status_code, told.json()["code"]) == (422, "picture_missing")
    assert _send(world.stranger, _picture((40, 40), "PNG")).status_code == 401


def test_it_is_deleted_with_the_account(world, owner):
    address = _send(owner, _picture((300, 300), "PNG")).json()["avatar_url"]
    assert owner.post("/api/v1/me/erasure", {"put_aside_fen": 0}).status_code == 200
    assert _fetch(world, address).status_code == 404


def test_what_nobody_has_is_swept_away_after_a_day(world, owner):
    kept = _send(owner, _picture((300, 300), "PNG")).json()["avatar_url"]
    folder = world.context.settings.home / "avatars"
    lost, fresh = folder / "zz" / f"{'z' * 24}.jpg", folder / "zz" / f"{'y' * 24}.jpg"
    lost.parent.mkdir(parents=True, exist_ok=True)
    for path in (lost, fresh):
        path.write_bytes(b"left behind")
    yesterday = time.time() - 90_000
    of_owner = folder / kept.rpartition("/")[2][:2] / kept.rpartition("/")[2]
    for path in (lost, of_owner):
        os.utime(path, (yesterday, yesterday))
    avatars.sweep_avatars(world.context)
    assert (lost.exists(), fresh.exists()) == (False, True)
    assert _fetch(world, kept).status_code == 200


def test_a_name_that_is_no_key_finds_nothing(world):
    for name in ("..%2f..%2fsecrets.jpg", "short.jpg", "x" * 60 + ".jpg"):
        answer = requests.get(f"{world.base_url}/avatars/{name}", timeout=20)
        assert answer.status_code == 404


def test_cities_are_told_and_narrow_the_stores(world, shop):
    with world.database.unit_of_work(SYSTEM) as session:
        session.get_one(Store, shop.store.id).city = f"城{shop.store.id}"
    named = [one["name"] for one in world.stranger.get("/api/v1/cities").json()["items"]]
    assert named
    found = world.stranger.get("/api/v1/stores", city=f"城{shop.store.id}", lat=30.6, lng=104.0)
    assert [one["id"] for one in found.json()["items"]] == [str(shop.store.id)]


def _picture(size, kind, **options):
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def _where_it_was_taken():
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def _send(client, content):
    return client.send("POST", "/api/v1/me/avatar", files={"file": ("me", content)})


def _fetch(world, address):
    path = address.removeprefix(world.context.settings.public_base_url)
    return requests.get(world.base_url + path, timeout=20)
