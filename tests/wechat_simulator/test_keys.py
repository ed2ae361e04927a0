from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.gateways.wechat.keys import load_merchant_key, load_wechatpay_key
from app.wechat_simulator.keys import ensure_keys
from config import load_settings


def test_four_starters_agree_on_one_set_of_keys(tmp_path: Path) -> None:
    directory = tmp_path / "simulator"
    with ThreadPoolExecutor(4) as starters:
        made = list(starters.map(ensure_keys, [directory] * 4))
    assert len({keys.merchant.public_numbers() for keys in made}) == 1
    assert sorted(path.name for path in directory.iterdir()) == [
        "merchant_key.pem",
        "merchant_public.pem",
        "wechatpay_key.pem",
        "wechatpay_public.pem",
    ]
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_the_keys_lie_where_the_settings_look(tmp_path: Path) -> None:
    keys = ensure_keys(tmp_path / "simulator")
    wechat = load_settings({"KAQUAN_HOME": str(tmp_path)}).wechat
    ours = load_merchant_key(wechat.mch_key_file).public_key()
    theirs = load_wechatpay_key(wechat.public_key_file)
    assert ours.public_numbers() == keys.merchant.public_numbers()
    assert theirs.public_numbers() == keys.wechatpay.public_key().public_numbers()
