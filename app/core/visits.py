"""What a visit says of itself: page, device, where it came from. Nothing of who it was."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from ua_parser import parse

FACES = ("site", "h5", "mini")
KINDS = ("view", "leave", "scan")
MOST_SECONDS = 1800  # A page left open longer was not being read.
_LONGEST = 120
# A code in an address is worth money: only the kind of page is kept of these.
_SECRET = re.compile(r"^/(q|v|t|g)/.*$")
_PATH = re.compile(r"^/[\w./\-\u3400-\u9fff]{0,119}$")
_BOTS = re.compile(
    r"bot\b|bot/|spider|crawl|slurp|curl|wget|python|httpx|java/|go-http|okhttp|headlesschrome"
    r"|lighthouse|monitor|preview|scrapy|axios|node-fetch|phantom|baiduspider|yisou|bytespider",
    re.IGNORECASE,
)
# Control characters and halves of a pair: nothing that is kept may hold them.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
_WECHAT = re.compile(r"MicroMessenger/(\d+\.\d+)", re.IGNORECASE)
# Which engine a host is, and where it used to say what was looked for.
_ENGINES = (
    ("weixin.sogou.com", "weixin.sogou", ("query",)),
    ("baidu.com", "baidu", ("wd", "word")),
    ("sogou.com", "sogou", ("query", "keyword")),
    ("so.com", "so", ("q",)),
    ("bing.com", "bing", ("q",)),
    ("google.", "google", ("q",)),
    ("sm.cn", "sm", ("q",)),
    ("toutiao.com", "toutiao", ("keyword",)),
    ("yandex.", "yandex", ("text",)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """What a page tells us, as it came. Address and agent go no further than the visitor's digest.

    ``code_digests`` are a scanned printed code's, for its batch.
    """

    at: datetime
    kind: str
    face: str
    path: str
    address: str
    agent: str
    referrer: str = ""
    campaign: str = ""
    keyword: str = ""
    seconds: int = 0
    code_digests: tuple[bytes, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Client:
    """``device``: phone, tablet or computer. ``name``: WeChat 8.0, Chrome, Safari …"""

    device: str
    name: str
    bot: bool


def plain(told: str, longest: int) -> str:
    """What somebody's browser told, on one line: no NUL, which no text of PostgreSQL's holds."""
    return _UNSEEN.sub(" ", told[:longest]).strip()


def kept_path(path: str) -> str | None:
    """A path as it is counted, without query and secrets; None for what is no page of ours."""
    bare = path.split("?", 1)[0].split("#", 1)[0]
    secret = _SECRET.match(bare)
    if secret:
        return f"/{secret[1]}/"
    if bare.startswith("/preview/"):  # Its address is a key, and nobody of the public reads it.
        return None
    bare = bare.rstrip("/") or "/"
    return bare if _PATH.match(bare) and ".." not in bare and "//" not in bare else None


@lru_cache(maxsize=4096)
def read_agent(agent: str) -> Client:
    if not agent or _BOTS.search(agent):
        return Client(device="", name="", bot=True)
    tablet = "iPad" in agent or ("Android" in agent and "Mobile" not in agent)
    phone = any(word in agent for word in ("Mobile", "iPhone", "MicroMessenger", "HarmonyOS"))
    computer = any(word in agent for word in ("Windows NT", "Macintosh", "X11"))
    device = "tablet" if tablet else "computer" if computer else "phone" if phone else "other"
    wechat = _WECHAT.search(agent)
    if wechat:
        return Client(device=device, name=f"WeChat {wechat[1]}", bot=False)
    browser = parse(agent[:400]).user_agent
    return Client(device=device, name=browser.family if browser else "other", bot=False)


def read_source(referrer: str, *, own_host: str) -> tuple[str, str]:
    """Where somebody came from, as ``baidu`` or a host, and what was looked for there, if told."""
    try:
        parts = urlsplit(referrer[:500])
        host = (parts.hostname or "").lower()
    except ValueError:
        return "direct", ""
    if not host:
        return "direct", ""
    if host == own_host:
        return "own", ""
    for ending, engine, names in _ENGINES:
        if host == ending or host.endswith(f".{ending}") or (ending[-1] == "." and ending in host):
            told = parse_qs(parts.query)
            word = next((told[name][0] for name in names if name in told), "")
            return engine, plain(" ".join(word.split()), 40)
    return plain(host, _LONGEST), ""


def visitor_of(visit: Visit, *, salt: bytes) -> int:
    """A number for one device on one day; without the day's salt nobody can make it again."""
    told = f"{visit.address}\n{visit.agent}\n{visit.face}".encode()
    digest = hashlib.blake2b(told, digest_size=8, key=salt).digest()
    return int.from_bytes(digest, "big", signed=True)
