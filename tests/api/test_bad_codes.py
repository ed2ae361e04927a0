"""Codes of paper: mistyped, unknown, used up, of another kind; and as people type them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from app.core import codes
from app.core.actor import SYSTEM
from app.core.clock import local_day, utc_now
from app.models.cards import Bearer
from app.models.vouchers import BatchKind
from app.services.vouchers import voucher_endings
from tests.api.scene import refused_as

CODE_CALLS = ("/pos/api/redemptions", "/pos/api/vouchers/lookup", "/api/v1/top-ups/redeem-code")


@pytest.fixture
def batch_of(world, scene):
    def make(call: str, **terms: Any):
        topup = call == "/api/v1/top-ups/redeem-code"
        return world.make.batch(
            issuer=terms.pop("issuer", scene.shop.merchant),
            kind=BatchKind.topup if topup else BatchKind.payment,
            program=scene.shop.program if topup else None,
            quantity=1,
            face_value_fen=10_00,
            bearer=Bearer.platform,
            **terms,
        )

    return make


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", CODE_CALLS)
@pytest.mark.parametrize(
    "spoil",
    [lambda c: c[:-1] + ("0" if c[-1] != "0" else "1"), lambda c: c[:-1], lambda c: c + "0",
     lambda c: "U" + c[1:], lambda c: "*" * 16, lambda _: "-", lambda _: "券" * 16,
     lambda _: "０" * 15 + "１"],
    ids=["check character", "short", "long", "U", "stars", "dash", "Chinese", "full width"],
)  # fmt: skip
def test_a_code_with_a_typing_error(scene, call, spoil):
    refused_as(scene.post(call, {"code": spoil(codes.make_code())}), 422, "code_mistyped")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("call", CODE_CALLS)
def test_a_code_that_is_nobodys(scene, call):
    refused_as(scene.post(call, {"code": codes.make_code()}), 404, "voucher_not_found")


@pytest.mark.parametrize("call", CODE_CALLS[:2])
def test_another_merchants_code_is_not_there(scene, batch_of, call):
    [code] = scene.world.make.vouchers(batch_of(call, issuer=scene.world.make.merchant()))
    refused_as(scene.post(call, {"code": code}), 404, "voucher_not_found")


@pytest.mark.parametrize("call", CODE_CALLS)
@pytest.mark.parametrize("state", ["inactive", "frozen", "voided", "expired", "other kind"])
def test_a_code_that_cannot_be_used(scene, batch_of, call, state):
    code = _code_in(scene, batch_of, call, state)
    expected = {
        "inactive": "voucher_not_active", "frozen": "voucher_frozen", "voided": "voucher_voided",
        "expired": "voucher_expired", "other kind": "voucher_of_other_kind",
    }[state]  # fmt: skip
    before = scene.world.one("SELECT count(*) FROM journal_entry")
    answer = scene.post(call, {"code": code})
    if call == "/pos/api/vouchers/lookup":
        seen = answer.json()
        assert (answer.status_code, seen["redeemable"], seen["reason"]) == (200, False, expected)
        assert seen["reason_text"]
    else:
        refused_as(answer, 409, expected)
    assert scene.world.one("SELECT count(*) FROM journal_entry") == before


def _code_in(scene, batch_of, call, state):
    make = scene.world.make
    if state == "other kind":
        topup = "/api/v1/top-ups/redeem-code"
        call = "/pos/api/redemptions" if call == topup else topup
    tomorrow = local_day(utc_now()) + timedelta(days=1)
    batch = batch_of(call, expires_on=tomorrow)
    [code] = make.vouchers(batch, activate=state != "inactive")
    said = {"batch_id": batch.id, "serials": None, "reason": "test", "actor": SYSTEM}
    with scene.world.database.unit_of_work(SYSTEM) as session:
        if state == "frozen":
            voucher_endings.freeze_vouchers(session, **said)
        if state == "voided":
            voucher_endings.void_vouchers(session, **said, now=utc_now())
    if state == "expired":
        scene.world.by_superuser(
            "UPDATE voucher SET expires_on = expires_on - 3 WHERE batch_id = %s", batch.id
        )
    return code


def test_a_used_code_says_where_and_when(scene, batch_of):
    [code] = scene.world.make.vouchers(batch_of("/pos/api/redemptions"))
    done = scene.shop.cashier.post("/pos/api/redemptions", {"code": code}).json()
    told = refused_as(
        scene.post("/pos/api/redemptions", {"code": code}), 409, "voucher_already_redeemed"
    )
    assert (told["redeemed_at"], told["store"]) == (done["redeemed_at"], scene.shop.store.name)
    seen = scene.post("/pos/api/vouchers/lookup", {"code": code}, key="").json()
    assert (seen["redeemable"], seen["reason"]) == (False, "voucher_already_redeemed")
    assert seen["redemption"]["redeemed_at"] == done["redeemed_at"]


def _with_look_alikes() -> str:
    """A code with a 0 and a 1 in it, so that a person may read O, I and L."""
    for number in range(1000):
        code = codes.make_code(
            bytes([0, 1, 1]) + number.to_bytes(2, "big") + uuid.uuid4().bytes[:10]
        )
        if code[:3] == "011":
            return code
    raise AssertionError


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        codes.grouped,
        lambda c: f"  {c[:4]} {c[4:8]} {c[8:]}\t",
        lambda c: c.replace("0", "O").replace("1", "I"),
        lambda c: c.replace("0", "o").replace("1", "l"),
        lambda c: f"https://card.example/v/{codes.grouped(c)}",
    ],
    ids=["lower case", "dashes", "spaces", "O and I", "o and l", "scanned address"],
)
def test_a_code_as_people_type_it_is_understood(scene, batch_of, typed):
    batch = batch_of("/pos/api/redemptions")
    [code] = scene.world.make.vouchers(batch)
    plain = _with_look_alikes()
    digest = scene.world.make.keys.code_digests(plain)[0]
    scene.world.by_superuser(
        "UPDATE voucher SET code_digest = %s WHERE batch_id = %s", digest, batch.id
    )
    assert code != plain
    seen = scene.post("/pos/api/vouchers/lookup", {"code": typed(plain)}, key="")
    assert (seen.status_code, seen.json()["redeemable"]) == (200, True)
    assert scene.post("/pos/api/redemptions", {"code": typed(plain)}).status_code == 201
