"""Settings: what a demo may leave out, and what stops a start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from config import ROOT, SettingsError, load_settings

SECRET = "s" * 40


@pytest.fixture
def production(tmp_path):
    """Everything that a start in production needs."""
    files = {}
    for name in ("WECHATPAY_MCH_KEY_FILE", "WECHATPAY_PUBLIC_KEY_FILE"):
        path = tmp_path / name
        path.write_text("key")
        files[name] = str(path)
    return {
        "KAQUAN_ENV": "production",
        "KAQUAN_HOME": str(tmp_path / "home"),
        "DATABASE_URL": "postgresql://app@db/kaquan",
        "PUBLIC_BASE_URL": "https://kaquan.example/",
        **dict.fromkeys(("SECRET_KEY", "CODE_KEY_1", "PHONE_KEY"), SECRET),
        "WECHATPAY_MCHID": "1900000109",
        "WECHATPAY_APIV3_KEY": "k" * 32,
        "WECHATPAY_MCH_SERIAL": "5157F09EFDC096DE15EBE81A47057A72",
        "WECHATPAY_PUBLIC_KEY_ID": "PUB_KEY_ID_1",
        "WECHAT_MINI_APPID": "wx1",
        "WECHAT_MINI_SECRET": SECRET,
        "WECHAT_OA_APPID": "wx2",
        "WECHAT_OA_SECRET": SECRET,
        "WECHAT_OA_TOKEN": SECRET,
        "WECHAT_OA_AES_KEY": "a" * 43,
        **files,
    }


def test_nothing_set_is_a_demo_against_the_simulator(tmp_path):
    settings = load_settings({"KAQUAN_HOME": str(tmp_path), "PORT": "8100"})
    assert settings.demo
    assert settings.simulated
    assert settings.wechat.pay_api_base == "http://127.0.0.1:8101"
    assert settings.public_base_url == "http://127.0.0.1:8100"
    assert settings.rate_limits
    assert settings.database_url is None


def test_home_is_the_projects_wherever_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    secrets = dict.fromkeys(("SECRET_KEY", "CODE_KEY_1", "PHONE_KEY"), SECRET)
    assert load_settings(secrets).home == ROOT / "var"


def test_made_up_secrets_stay_the_same_and_are_readable_by_us_alone(tmp_path):
    env = {"KAQUAN_HOME": str(tmp_path)}
    with ThreadPoolExecutor(max_workers=8) as starters:
        all_settings = list(starters.map(lambda _: load_settings(env), range(8)))
    assert len({settings.secret_key for settings in all_settings}) == 1
    assert all_settings[0].secret_key != all_settings[0].phone_key
    files = sorted((tmp_path / "secrets").iterdir())
    assert [file.name for file in files] == ["code_key_1", "phone_key", "secret_key"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_home_that_cannot_be_written_stops_the_start_in_one_line(tmp_path):
    (tmp_path / "file").write_text("not a directory")
    home = tmp_path / "file" / "home"
    with pytest.raises(SettingsError, match=f"KAQUAN_HOME {home} cannot be written: Not a dir"):
        load_settings({"KAQUAN_HOME": str(home)})


def test_a_kept_secret_that_was_emptied_stops_the_start(tmp_path):
    env = {"KAQUAN_HOME": str(tmp_path)}
    load_settings(env)
    (tmp_path / "secrets" / "code_key_1").write_text("")
    with pytest.raises(SettingsError, match="CODE_KEY_1"):
        load_settings(env)


def test_another_far_end_takes_the_simulators_place(tmp_path, production):
    far_end = "http://127.0.0.1:9999"
    env = production | {
        "KAQUAN_ENV": "",
        "KAQUAN_DEMO": "1",
        "WECHAT_API_BASE": far_end,
        "WECHATPAY_API_BASE": far_end,
    }
    settings = load_settings(env)
    assert settings.demo
    assert not settings.simulated
    assert settings.wechat.api_base == far_end


def test_production_with_everything_starts(production):
    settings = load_settings(production)
    assert settings.production
    assert not settings.demo
    assert not settings.simulated
    assert settings.wechat.notify_url == "https://kaquan.example/wechat/pay/notify"
    assert settings.wechat.pay_api_base == "https://api.mch.weixin.qq.com"


@pytest.mark.parametrize(
    "name",
    [
        *("DATABASE_URL", "SECRET_KEY", "CODE_KEY_1", "PHONE_KEY", "PUBLIC_BASE_URL"),
        *("WECHATPAY_APIV3_KEY", "WECHAT_MINI_SECRET", "WECHAT_OA_TOKEN", "WECHAT_OA_AES_KEY"),
    ],
)
def test_production_without_a_setting_names_it(production, name):
    del production[name]
    with pytest.raises(SettingsError, match=name):
        load_settings(production)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "demo" * 10),
        ("WECHATPAY_APIV3_KEY", "demo-apiv3-key-of-32-characters!"),
        ("WECHATPAY_APIV3_KEY", "short"),
        ("WECHAT_OA_AES_KEY", "kaquandemokaquandemokaquandemokaquandemo123"),
        ("WECHATPAY_MCH_KEY_FILE", "/nowhere/key.pem"),
        ("RATE_LIMITS", "off"),
        ("KAQUAN_DEMO", "1"),
    ],
)
def test_production_refuses_what_only_a_demo_may(production, name, value):
    with pytest.raises(SettingsError, match=name):
        load_settings(production | {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65535"),
        ("WEB_WORKERS", "-1"),
        ("RATE_LIMITS", "maybe"),
        ("WECHATPAY_MCHID", "1900000109"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_one_line(tmp_path, name, value):
    with pytest.raises(SettingsError) as refusal:
        load_settings({"KAQUAN_HOME": str(tmp_path), name: value})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAQUAN_ENV", "prod"),
        ("KAQUAN_ENV", "Production"),
        ("KAQUAN_DEMO", "true"),
        ("PUBLIC_BASE_URL", "kaquan.example"),
        ("PUBLIC_BASE_URL", "ftp://kaquan.example"),
        ("PUBLIC_BASE_URL", "https://kaquan.example/cards"),
        ("PUBLIC_BASE_URL", "https://kaquan.example evil"),
        ("PUBLIC_BASE_URL", "https://kaquan.example@evil.example"),
        ("WECHATPAY_API_BASE", "api.mch.weixin.qq.com"),
        ("DATABASE_URL", "rubbish"),
        ("DATABASE_URL", "mysql://app:secret@db/kaquan"),
        ("DATABASE_ADMIN_URL", "db/kaquan"),
        ("WECHAT_OA_AES_KEY", "short"),
        ("TOTP_REQUIRED", "yes"),
        ("STRICT_TILLS", "yes"),
        ("MAP_TILE_URL", "http://tiles.example/{z}/{x}/{y}.png"),
        ("MAP_TILE_URL", "https://tiles.example/map.png"),
        ("MAP_TILE_URL", "https://tiles.example; script-src */{z}"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_start(tmp_path, name, value):
    with pytest.raises(SettingsError, match=name) as refusal:
        load_settings({"KAQUAN_HOME": str(tmp_path), name: value})
    assert "secret" not in str(refusal.value)


def test_the_second_factor_is_required_in_production_unless_told_otherwise(tmp_path, production):
    assert load_settings(production).totp_required
    home = {"KAQUAN_HOME": str(tmp_path)}
    assert not load_settings(home).totp_required
    assert load_settings({**home, "TOTP_REQUIRED": "on"}).totp_required


def test_new_stores_begin_with_strict_tills_in_production_unless_told_otherwise(
    tmp_path, production
):
    assert load_settings(production).strict_tills
    assert not load_settings({**production, "STRICT_TILLS": "off"}).strict_tills
    home = {"KAQUAN_HOME": str(tmp_path)}
    assert not load_settings(home).strict_tills
    assert load_settings({**home, "STRICT_TILLS": "on"}).strict_tills
