"""Regions by a file of the operator's, made here as ip2region makes it; and none without one."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import pytest

from app.gateways.regions import RegionFileUnreadable, Regions

HEADER, VECTOR = 256, 256 * 256 * 8
_SEGMENTS = [
    ("1.2.3.0", "1.2.3.255", "中国|四川省|成都市|电信|CN"),
    ("1.2.4.0", "1.2.4.255", "中国|0|北京|北京市|联通"),
    ("1.2.5.0", "1.2.5.255", "中国|广西壮族自治区|0|移动|CN"),
    ("1.2.6.0", "1.2.6.255", "日本|东京都|0|0|JP"),
    ("1.2.7.0", "1.2.7.255", "0|0|内网IP|内网IP|0"),
    ("1.2.8.0", "1.2.8.255", "中国|0|0|电信|CN"),
]


@pytest.fixture(scope="module")
def xdb(tmp_path_factory) -> Path:
    """Six segments in one vector: the format is ip2region's, version 3."""
    texts = [text.encode() for _, _, text in _SEGMENTS]
    begin = HEADER + VECTOR
    index_at = begin + sum(map(len, texts))
    index, at = b"", begin
    for (first, last, _), text in zip(_SEGMENTS, texts, strict=True):
        ends = [int(ipaddress.ip_address(end)) for end in (first, last)]
        index += struct.pack("<IIHI", *ends, len(text), at)
        at += len(text)
    vector = bytearray(VECTOR)
    place = (1 * 256 + 2) * 8
    vector[place : place + 8] = struct.pack("<II", index_at, index_at + len(index) - 14)
    header = struct.pack("<HHIIIHH", 3, 1, 0, index_at, index_at + len(index) - 14, 4, 4)
    path = tmp_path_factory.mktemp("xdb") / "regions.xdb"
    path.write_bytes(header.ljust(HEADER, b"\0") + bytes(vector) + b"".join(texts) + index)
    return path


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("1.2.3.4", "四川 成都"),
        ("1.2.4.4", "北京"),
        ("1.2.5.4", "广西"),
        ("1.2.6.4", "日本"),
        ("1.2.7.4", ""),
        ("1.2.8.4", "中国"),
        ("9.9.9.9", ""),
        ("::1", ""),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_province_and_city_of_an_address(xdb, address, region):
    assert Regions(xdb).region_of(address) == region


def test_without_a_file_nobody_knows():
    assert Regions(None).region_of("1.2.3.4") == ""


def test_a_wrong_file_stops_the_start(tmp_path):
    wrong = tmp_path / "wrong.xdb"
    wrong.write_bytes(b"no such thing" * 100)
    for path in (wrong, tmp_path / "missing.xdb"):
        with pytest.raises(RegionFileUnreadable):
            Regions(path)
