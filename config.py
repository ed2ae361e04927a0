"""Settings, read once from the environment into one frozen object.

A missing secret stops the start with one clear line, never the first request.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.core.notice_templates import (
    DEMO_ACCOUNT_TEMPLATES,
    DEMO_TEMPLATES,
    NoticeTemplate,
    TellingAccount,
    TemplatesInvalid,
    read_templates,
)

DEMO_PASSWORD = "demo-kaquan-2026"  # noqa: S105 - there are no demo accounts in production
ROOT = Path(__file__).resolve().parent
WECHAT_NAMES = (
    "WECHATPAY_MCHID",
    "WECHATPAY_APIV3_KEY",
    "WECHATPAY_MCH_KEY_FILE",
    "WECHATPAY_MCH_SERIAL",
    "WECHATPAY_PUBLIC_KEY_ID",
    "WECHATPAY_PUBLIC_KEY_FILE",
    "WECHAT_MINI_APPID",
    "WECHAT_MINI_SECRET",
)
# Whoever knows the token can speak in WeChat's name: production never falls back to the demo's.
OFFICIAL_ACCOUNT_NAMES = (
    "WECHAT_OA_APPID",
    "WECHAT_OA_SECRET",
    "WECHAT_OA_TOKEN",
    "WECHAT_OA_AES_KEY",
)
SECRET_NAMES = ("SECRET_KEY", "CODE_KEY_1", "PHONE_KEY")
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?(\?\S*)?")
_WEB_ROOT = re.compile(r"https?://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:\d+)?/*")
_DATABASE_ADDRESS = re.compile(r"postgres(ql)?(\+psycopg)?://")
_AES_KEY = re.compile(r"[A-Za-z0-9]{43}")
LAST_PORT = 65534  # The simulator needs the one after it.


class SettingsError(Exception):
    """The program cannot start with these settings. The text is one line for the operator."""


@dataclass(frozen=True, kw_only=True)
class WeChatSettings:
    """How WeChat is reached. In demo mode the far end is our own simulator, over the same HTTP."""

    api_base: str
    pay_api_base: str
    mini_appid: str
    mini_secret: str
    mini_version: str  # Which build of the mini-program its codes open.
    oa_appid: str
    oa_secret: str
    oa_token: str
    oa_aes_key: str
    mchid: str
    apiv3_key: bytes
    mch_key_file: Path
    mch_serial: str
    mch_cert_file: Path | None  # To be warned before it ends; nothing is signed with it.
    public_key_id: str
    public_key_file: Path
    notify_url: str


@dataclass(frozen=True, kw_only=True)
class SmtpSettings:
    """The operator's mail server, for reports that are delivered by the clock."""

    host: str
    port: int
    tls: str  # "starttls", "tls" (from the first byte on) or "off".
    user: str
    password: str
    sender: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    home: Path
    bind: str
    port: int
    web_workers: int
    public_base_url: str
    production: bool
    demo: bool
    simulated: bool  # The far end is our own simulator, with keys made under the home.
    rate_limits: bool
    strict_tills: bool  # What a new store starts with: enrolled terminals and open shifts only.
    totp_required: bool  # Platform and merchant roles come in with a second factor only.
    icp_number: str  # 备案号, in the footer of the public site; empty: none is shown.
    map_tile_url: str | None  # Where the map picker's tiles come from; None: a drawn grid.
    database_url: str | None
    database_admin_url: str | None
    demo_password: str
    secret_key: bytes
    code_keys: Mapping[int, bytes]
    phone_key: bytes
    wechat: WeChatSettings
    notice_templates: Mapping[str, NoticeTemplate]  # Kinds without one are never sent.
    account_templates: Mapping[str, NoticeTemplate]  # The same for the official account.
    smtp: SmtpSettings | None = None  # None: files wait in the download centre, nobody is written.
    sold_rules_strict: bool = False  # What the law says of sold vouchers: stop, or only warn.
    geoip_xdb: Path | None = None  # ip2region's file; without it regions are unknown.
    baidu_push_token: str = ""  # Empty: Baidu is told of nothing.
    baidu_push_url: str = ""  # Another far end in Baidu's place.
    trusted_proxies: int = 0  # How many proxies of ours stand before us and name the caller.

    @property
    def telling_account(self) -> TellingAccount:
        """Of what the official account tells its followers."""
        return TellingAccount(appid=self.wechat.oa_appid, kinds=tuple(self.account_templates))

    @property
    def simulator_port(self) -> int:
        """The simulator listens beside the web server, on the next port."""
        return self.port + 1


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment. Secrets that a demo lacks are made once and kept under the home.

    Raises:
        SettingsError: In production, when a secret is missing, known from the demo, or the
            database would be the embedded one.
    """
    env = os.environ if environ is None else environ
    production = _is_named(env, "KAQUAN_ENV", "production")
    # Unless named, the home is the project's, wherever a command is called from.
    home = Path(env.get("KAQUAN_HOME") or ROOT / "var").resolve()
    port = _integer(env, "PORT", 8000, at_most=LAST_PORT)
    if production:
        _require_production_settings(env)
    given = _has_wechat(env)
    demo = not production and (_is_named(env, "KAQUAN_DEMO", "1", "0") or not given)
    _require_addresses(env)
    public_base_url = (env.get("PUBLIC_BASE_URL") or f"http://127.0.0.1:{port}").rstrip("/")
    return Settings(
        home=home,
        bind=env.get("BIND") or "127.0.0.1",
        port=port,
        web_workers=_integer(env, "WEB_WORKERS", 2, at_most=256),
        public_base_url=public_base_url,
        production=production,
        demo=demo,
        trusted_proxies=_integer(env, "TRUSTED_PROXIES", 0, at_least=0, at_most=5),
        simulated=not given,
        rate_limits=_rate_limits(env, production=production),
        sold_rules_strict=_sold_rules(env) == "stop",
        strict_tills=_is_on(env, "STRICT_TILLS", default=production),
        totp_required=_is_on(env, "TOTP_REQUIRED", default=production),
        icp_number=env.get("ICP_NUMBER") or "",
        map_tile_url=_tile_url(env),
        geoip_xdb=_optional_path(env, "GEOIP_XDB"),
        baidu_push_token=env.get("BAIDU_PUSH_TOKEN") or "",
        baidu_push_url=env.get("BAIDU_PUSH_URL") or "",
        database_url=env.get("DATABASE_URL") or None,
        database_admin_url=env.get("DATABASE_ADMIN_URL") or None,
        demo_password=env.get("DEMO_PASSWORD") or DEMO_PASSWORD,
        secret_key=_secret(env, "SECRET_KEY", home, production=production),
        code_keys={1: _secret(env, "CODE_KEY_1", home, production=production)},
        phone_key=_secret(env, "PHONE_KEY", home, production=production),
        wechat=_wechat(env, home, simulated=not given, port=port, base_url=public_base_url),
        notice_templates=_templates(env, "WECHAT_NOTICE_TEMPLATES", demo and DEMO_TEMPLATES),
        account_templates=_templates(env, "WECHAT_OA_TEMPLATES", demo and DEMO_ACCOUNT_TEMPLATES),
        smtp=_smtp(env, production=production),
    )


def _has_wechat(env: Mapping[str, str]) -> bool:
    """Whether a far end is given, all of it, rather than our own simulator."""
    missing = [name for name in WECHAT_NAMES if not env.get(name)]
    if len(missing) == len(WECHAT_NAMES):
        return False
    if missing:
        raise SettingsError(f"WeChat settings are incomplete; also set: {', '.join(missing)}")
    return True


def _smtp(env: Mapping[str, str], *, production: bool) -> SmtpSettings | None:
    if not env.get("SMTP_HOST"):
        return None
    tls = env.get("SMTP_TLS") or "starttls"
    if tls not in {"off", "starttls", "tls"}:
        raise SettingsError("SMTP_TLS is off, starttls or tls")
    user, password = env.get("SMTP_USER") or "", env.get("SMTP_PASSWORD") or ""
    if user and (not password or (tls == "off" and production)):
        raise SettingsError(
            "SMTP_USER needs SMTP_PASSWORD, and in production SMTP_TLS other than off"
        )
    sender = env.get("SMTP_FROM") or user
    if "@" not in sender:
        raise SettingsError("SMTP_FROM is the address that reports are sent from")
    port = _integer(env, "SMTP_PORT", 465 if tls == "tls" else 587, at_most=65535)
    return SmtpSettings(
        host=env["SMTP_HOST"], port=port, tls=tls, user=user, password=password, sender=sender
    )


def _templates(
    env: Mapping[str, str], setting: str, of_demo: Mapping[str, NoticeTemplate] | Literal[False]
) -> Mapping[str, NoticeTemplate]:
    """From the file that the setting names. Without one nobody is told, but in a demo."""
    name = env.get(setting)
    if not name:
        return of_demo or {}
    try:
        return read_templates(Path(name).read_text(encoding="utf-8"))
    except OSError:
        raise SettingsError(f"{setting}: {name} cannot be read") from None
    except TemplatesInvalid as error:
        raise SettingsError(f"{setting}: {error}") from None


def _mini_version(env: Mapping[str, str]) -> str:
    value = env.get("WECHAT_MINI_VERSION") or "release"
    if value not in {"release", "trial", "develop"}:
        raise SettingsError("WECHAT_MINI_VERSION is release, trial or develop")
    return value


def _wechat(
    env: Mapping[str, str], home: Path, *, simulated: bool, port: int, base_url: str
) -> WeChatSettings:
    simulator = f"http://127.0.0.1:{port + 1}"
    keys = home / "simulator"
    return WeChatSettings(
        api_base=env.get("WECHAT_API_BASE")
        or (simulator if simulated else "https://api.weixin.qq.com"),
        pay_api_base=env.get("WECHATPAY_API_BASE")
        or (simulator if simulated else "https://api.mch.weixin.qq.com"),
        mini_appid=env.get("WECHAT_MINI_APPID") or "wxdemo0000000001",
        mini_secret=env.get("WECHAT_MINI_SECRET") or "demo-mini-secret",
        mini_version=_mini_version(env),
        oa_appid=env.get("WECHAT_OA_APPID") or "wxdemo0000000002",
        oa_secret=env.get("WECHAT_OA_SECRET") or "demo-oa-secret",
        oa_token=env.get("WECHAT_OA_TOKEN") or "demo-oa-token",
        oa_aes_key=env.get("WECHAT_OA_AES_KEY") or "kaquandemokaquandemokaquandemokaquandemo123",
        mchid=env.get("WECHATPAY_MCHID") or "1900000001",
        apiv3_key=_apiv3_key(env),
        mch_key_file=Path(env.get("WECHATPAY_MCH_KEY_FILE") or keys / "merchant_key.pem"),
        mch_serial=env.get("WECHATPAY_MCH_SERIAL") or "DE40000000000000000000000000000000000001",
        mch_cert_file=_optional_path(env, "WECHATPAY_MCH_CERT_FILE"),
        public_key_id=env.get("WECHATPAY_PUBLIC_KEY_ID")
        or "PUB_KEY_ID_0119000000012026112300000001",
        public_key_file=Path(env.get("WECHATPAY_PUBLIC_KEY_FILE") or keys / "wechatpay_public.pem"),
        notify_url=f"{base_url}/wechat/pay/notify",
    )


def _optional_path(env: Mapping[str, str], name: str) -> Path | None:
    return Path(env[name]) if env.get(name) else None


def _apiv3_key(env: Mapping[str, str]) -> bytes:
    key = (env.get("WECHATPAY_APIV3_KEY") or "demo-apiv3-key-of-32-characters!").encode()
    if len(key) != 32:
        raise SettingsError("WECHATPAY_APIV3_KEY must be 32 characters long")
    return key


def _require_production_settings(env: Mapping[str, str]) -> None:
    needed = (
        *("DATABASE_URL", "PUBLIC_BASE_URL"),
        *SECRET_NAMES,
        *WECHAT_NAMES,
        *OFFICIAL_ACCOUNT_NAMES,
    )
    missing = [name for name in needed if not env.get(name)]
    if missing:
        raise SettingsError(f"production needs these settings: {', '.join(missing)}")
    weak = [name for name in SECRET_NAMES if len(env[name]) < 32]
    if weak:
        raise SettingsError(f"these secrets need 32 characters or more: {', '.join(weak)}")
    confidential = (
        *SECRET_NAMES,
        *("WECHATPAY_APIV3_KEY", "WECHAT_MINI_SECRET"),
        *OFFICIAL_ACCOUNT_NAMES[1:],
    )
    demo = [name for name in confidential if "demo" in env[name].lower()]
    if demo:
        raise SettingsError(f"these are demo secrets, not for production: {', '.join(demo)}")
    files = ("WECHATPAY_MCH_KEY_FILE", "WECHATPAY_PUBLIC_KEY_FILE")
    unreadable = [name for name in files if not os.access(env[name], os.R_OK)]
    if unreadable:
        raise SettingsError(f"these files cannot be read: {', '.join(unreadable)}")
    if env.get("KAQUAN_DEMO") == "1":
        raise SettingsError("KAQUAN_DEMO=1 is refused in production")


def _is_named(env: Mapping[str, str], name: str, wanted: str, *others: str) -> bool:
    """A word that is nearly right (``prod``) must not quietly start the opposite."""
    value = env.get(name) or ""
    if value not in {"", wanted, *others}:
        known = " or ".join((wanted, *others))
        raise SettingsError(f"{name} is {known}, or not set; not {value!r}")
    return value == wanted


def _require_addresses(env: Mapping[str, str]) -> None:
    """The text never repeats an address: there may be a password in it."""
    for name in ("PUBLIC_BASE_URL", "WECHAT_API_BASE", "WECHATPAY_API_BASE", "BAIDU_PUSH_URL"):
        if env.get(name) and not _WEB_ADDRESS.fullmatch(env[name]):
            raise SettingsError(f"{name} is an address such as https://card.example.com")
    if env.get("PUBLIC_BASE_URL") and not _WEB_ROOT.fullmatch(env["PUBLIC_BASE_URL"]):
        raise SettingsError("PUBLIC_BASE_URL is scheme and host only, without a path")
    for name in ("DATABASE_URL", "DATABASE_ADMIN_URL"):
        if env.get(name) and not _DATABASE_ADDRESS.match(env[name]):
            raise SettingsError(f"{name} begins with postgresql://")
    if env.get("WECHAT_OA_AES_KEY") and not _AES_KEY.fullmatch(env["WECHAT_OA_AES_KEY"]):
        raise SettingsError("WECHAT_OA_AES_KEY is the EncodingAESKey: 43 letters and digits")


def _sold_rules(env: Mapping[str, str]) -> str:
    value = env.get("SOLD_VOUCHER_RULES") or "warn"
    if value not in {"warn", "stop"}:
        raise SettingsError("SOLD_VOUCHER_RULES is warn or stop")
    return value


def _rate_limits(env: Mapping[str, str], *, production: bool) -> bool:
    value = env.get("RATE_LIMITS") or "on"
    if value not in {"on", "off"}:
        raise SettingsError("RATE_LIMITS is on or off")
    if value == "off" and production:
        raise SettingsError("RATE_LIMITS=off is for load tests and refused in production")
    return value == "on"


def _is_on(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = env.get(name) or ("on" if default else "off")
    if value not in {"on", "off"}:
        raise SettingsError(f"{name} is on or off")
    return value == "on"


def _tile_url(env: Mapping[str, str]) -> str | None:
    """A Leaflet template such as ``https://tiles.example/{z}/{x}/{y}.png``, GCJ-02."""
    url = env.get("MAP_TILE_URL")
    if not url:
        return None
    if not re.fullmatch(r"https://[A-Za-z0-9.{}-]+(?::\d+)?/[^\s;,'\"]*", url) or "{z}" not in url:
        raise SettingsError("MAP_TILE_URL is an https address with {z}, {x} and {y}")
    return url


def _integer(
    env: Mapping[str, str], name: str, default: int, *, at_least: int = 1, at_most: int
) -> int:
    text = env.get(name) or str(default)
    if not text.isdecimal() or not at_least <= int(text) <= at_most:
        bounds = f"from {at_least} to {at_most}"
        raise SettingsError(f"{name} must be a whole number {bounds}, not {text!r}")
    return int(text)


def _secret(env: Mapping[str, str], name: str, home: Path, *, production: bool) -> bytes:
    """The secret of that name. Outside production it is made at first need and kept (0600)."""
    if env.get(name):
        return env[name].encode()
    assert not production, "production settings were checked before"
    path = home / "secrets" / name.lower()
    try:
        if not path.exists():
            _keep_new_secret(path)
    except OSError as error:
        raise SettingsError(f"KAQUAN_HOME {home} cannot be written: {error.strerror}") from error
    secret = path.read_bytes().strip()
    if len(secret) < 32:
        raise SettingsError(f"the secret in {path} is too short: restore it, or set {name}")
    return secret


def _keep_new_secret(path: Path) -> None:
    """Two processes may start at once: whoever links first wins, the other reads his."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
        os.fsync(file.fileno())  # What is sealed with it must not outlive it.
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    draft.unlink()
