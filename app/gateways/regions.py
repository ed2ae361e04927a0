"""Where an address is: province and city, by the file that the operator brings (ip2region's xdb).

Without a file nobody knows, and the statistics say so.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from pathlib import Path

from ip2region import searcher, util

_NOTHING = {"", "0"}
_HOME = "中国"
_COUNTRY_CODE = re.compile("[A-Z]{2}")
_ENDINGS = ("特别行政区", "维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市")


class RegionFileUnreadable(Exception):
    """The file is not there, or is no xdb."""


class Regions:
    """Addresses to ``四川 成都``; another country by its name; empty where nobody knows."""

    def __init__(self, path: Path | None) -> None:
        """
        Raises:
            RegionFileUnreadable
        """
        self._searcher: searcher.Searcher | None = None
        self.region_of = lru_cache(maxsize=8192)(self._find)
        if path is None:
            return
        try:
            # Wholly in memory (some ten megabytes): threads share it, and nothing waits for a disk.
            content = path.read_bytes()
            version = util.version_from_header(util.Header(content[: util.HeaderInfoLength]))
            if version is None:
                raise RegionFileUnreadable(str(path))
            self._searcher = searcher.new_with_buffer(version, content)
        except (OSError, ValueError, IndexError) as error:
            raise RegionFileUnreadable(str(path)) from error

    def _find(self, address: str) -> str:
        if self._searcher is None:
            return ""
        try:
            found = self._searcher.search(str(ipaddress.ip_address(address)))
        except (ValueError, IndexError):  # No address, one of the other kind, or not in the file.
            return ""
        names = _names(found)
        if not names or names[0] != _HOME:
            return names[0][:40] if names else ""
        return " ".join(dict.fromkeys(_short(name) for name in names[1:]))[:40] or _HOME


def _names(found: str) -> list[str]:
    """Country, province, city, as far as the file knows them.

    Files of today: country|province|city|provider|CN. Older ones have an area after the country.
    """
    parts = found.split("|")
    if len(parts) >= 5 and not _COUNTRY_CODE.fullmatch(parts[-1]):
        del parts[1]
    if parts[0] in _NOTHING:  # Nobody's country: a private network.
        return []
    return [part for part in parts[:3] if part not in _NOTHING]


def _short(name: str) -> str:
    """四川 for 四川省: people say it without, and files differ."""
    for ending in _ENDINGS:
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name.removesuffix(ending)
    return name
