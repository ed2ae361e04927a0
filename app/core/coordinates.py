"""Positions in China: maps there show GCJ-02, Baidu's BD-09, a satellite receiver WGS-84.

GCJ-02 is kept, to a millionth of a degree (a decimetre). The conversion is the published
approximation that map software here agrees on; it is right to about a metre.
"""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass

_MAJOR_AXIS = 6378245.0  # Krasovsky's ellipsoid, in metres.
_ECCENTRICITY = 0.00669342162296594323
_BAIDU = math.pi * 3000.0 / 180.0
_PAIR = re.compile(r"\s*(-?[0-9]{1,3}(?:\.[0-9]+)?)\s*[,，;\s]\s*(-?[0-9]{1,3}(?:\.[0-9]+)?)\s*")


class CoordinateSystem(enum.Enum):
    gcj02 = "gcj02"
    bd09 = "bd09"
    wgs84 = "wgs84"


@dataclass(frozen=True)
class Position:
    """Degrees, north and east."""

    lat: float
    lng: float


def read_position(typed: str) -> Position | None:
    """``30.657, 104.081`` as people paste it; the other way round too, where that is certain."""
    found = _PAIR.fullmatch(typed)
    if found is None:
        return None
    lat, lng = float(found[1]), float(found[2])
    if abs(lat) > 90 and abs(lng) <= 90:
        lat, lng = lng, lat  # 104 degrees north is nowhere.
    return Position(lat, lng) if abs(lat) <= 90 and abs(lng) <= 180 else None


def to_gcj02(position: Position, source: CoordinateSystem) -> Position:
    """The same place as maps in China show it. Outside China WGS-84 and GCJ-02 are the same."""
    if source is CoordinateSystem.wgs84:
        position = _from_wgs84(position)
    elif source is CoordinateSystem.bd09:
        position = _from_bd09(position)
    return Position(round(position.lat, 6), round(position.lng, 6))


def _from_wgs84(position: Position) -> Position:
    lat, lng = position.lat, position.lng
    if not (0.8293 < lat < 55.8271 and 72.004 < lng < 137.8347):
        return position
    x, y = lng - 105.0, lat - 35.0
    radians = math.radians(lat)
    magic = 1 - _ECCENTRICITY * math.sin(radians) ** 2
    north = _north(x, y) / (_MAJOR_AXIS * (1 - _ECCENTRICITY) / (magic * math.sqrt(magic)))
    east = _east(x, y) / (_MAJOR_AXIS / math.sqrt(magic) * math.cos(radians))
    return Position(lat + math.degrees(north), lng + math.degrees(east))


def _from_bd09(position: Position) -> Position:
    x, y = position.lng - 0.0065, position.lat - 0.006
    distance = math.hypot(x, y) - 0.00002 * math.sin(y * _BAIDU)
    angle = math.atan2(y, x) - 0.000003 * math.cos(x * _BAIDU)
    return Position(distance * math.sin(angle), distance * math.cos(angle))


def _north(x: float, y: float) -> float:
    """Metres by which GCJ-02 shifts a place to the north."""
    found = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    found += _waves((20.0, 6.0, x), (20.0, 2.0, x))
    found += _waves((20.0, 1.0, y), (40.0, 1 / 3, y))
    return found + _waves((160.0, 1 / 12, y), (320.0, 1 / 30, y))


def _east(x: float, y: float) -> float:
    """Metres by which GCJ-02 shifts a place to the east."""
    found = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    found += _waves((20.0, 6.0, x), (20.0, 2.0, x))
    found += _waves((20.0, 1.0, x), (40.0, 1 / 3, x))
    return found + _waves((150.0, 1 / 12, x), (300.0, 1 / 30, x))


def _waves(*waves: tuple[float, float, float]) -> float:
    return sum(a * math.sin(f * math.pi * at) for a, f, at in waves) * 2.0 / 3.0
