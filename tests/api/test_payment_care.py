"""Payment management: asking WeChat by hand, the keys, and a payment tried without money."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.core.clock import utc_now
from app.flows.sales import payment_care
from app.gateways.wechat.keys import load_merchant_key

_SERIAL = 0x4D1E5


def test_the_far_end_answers_and_a_trial_moves_nothing(world):
    before = world.one("SELECT coalesce(max(id), 0) FROM journal_entry")
    checks = [payment_care.check_far_end(world.context),
              *payment_care.try_payment(world.context, "o-tester")]  # fmt: skip
    assert [(check.name, check.state) for check in checks] == [
        ("far_end", "good"),
        ("prepay", "good"),
        ("query", "good"),
        ("close", "good"),
    ]
    assert world.one("SELECT coalesce(max(id), 0) FROM journal_entry") == before


def test_a_far_end_that_signs_with_another_key_is_not_in_order(world):
    world.wechat.post("/_scenario", scenario="answer_forged", all=True)
    try:
        assert payment_care.check_far_end(world.context).state == "bad"
    finally:
        world.wechat.post("/_scenario", scenario="normal", all=True)


def test_the_keys_are_looked_at_and_the_missing_certificate_is_said(world):
    states = {check.name: check.state for check in payment_care.check_keys(
        world.context, now=utc_now())}  # fmt: skip
    assert states == {
        "merchant_key": "good",
        "wechatpay_key": "good",
        "public_key_id": "good",
        "merchant_serial": "good",
        "certificate": "warning",
    }


def test_an_order_that_hangs_is_settled_by_asking(world):
    client = world.sign_in_member()
    world.wish("lost")
    body = {"amount_fen": 31_00, "program_id": str(world.shop().program.id)}
    made = client.post("/api/v1/top-ups", body).json()
    world.confirm_in_wechat(made)
    assert payment_care.ask_about_order(world.context, made["top_up_no"]) == "credited"
    assert payment_care.ask_about_order(world.context, made["top_up_no"]) == "credited"


@pytest.mark.parametrize("days", [-1, 10, 400])
def test_a_certificate_is_warned_of_before_it_ends(world, tmp_path, days):
    context, serial = _with_certificate(world, tmp_path, days)
    found = payment_care.check_keys(context, now=utc_now())[-1]
    assert found.state == ("bad" if days < 0 else "warning" if days < 30 else "good"), serial


def _with_certificate(world, folder, days):
    wechat = world.context.settings.wechat
    key = load_merchant_key(wechat.mch_key_file)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wechat.mchid)])
    ends = utc_now() + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(_SERIAL)
        .not_valid_before(ends - timedelta(days=1800))
        .not_valid_after(ends)
        .sign(key, SHA256())
    )
    path = folder / "apiclient_cert.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    settings = dataclasses.replace(
        world.context.settings,
        wechat=dataclasses.replace(wechat, mch_cert_file=path, mch_serial=f"{_SERIAL:040X}"),
    )
    return dataclasses.replace(world.context, settings=settings), wechat.mch_serial
