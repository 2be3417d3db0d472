"""Time zone of a place by its coordinates, from the table that comes with the zone database."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from math import cos, radians


@cache
def _zones() -> dict[str, list[tuple[float, float, str]]]:
    """Country code → (latitude, longitude, zone) of each zone's chief place."""
    table: dict[str, list[tuple[float, float, str]]] = {}
    text = files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        country, place, name = line.split("\t")[:3]
        latitude, longitude = (_degrees(part) for part in re.findall(r"[+-]\d+", place))
        table.setdefault(country, []).append((latitude, longitude, name))
    return table


def _degrees(text: str) -> float:
    """``+DDMM``, ``+DDDMM`` or with seconds behind."""
    sign = -1 if text[0] == "-" else 1
    digits = text[1:]
    whole = 3 if len(digits) in (5, 7) else 2
    minutes, seconds = int(digits[whole : whole + 2]), int(digits[whole + 2 :] or 0)
    return sign * (int(digits[:whole]) + minutes / 60 + seconds / 3600)


def nearest(country: str, latitude: float, longitude: float) -> str | None:
    """The zone of the country whose chief place is nearest; None for a country that has none.

    Right for nearly all places; where a border between two zones runs close by, a person must look.
    """
    zones = _zones().get(country.upper())
    if not zones:
        return None

    def away(zone: tuple[float, float, str]) -> float:
        dx = (abs(zone[1] - longitude) + 180) % 360 - 180
        return (zone[0] - latitude) ** 2 + (dx * cos(radians(latitude))) ** 2

    return min(zones, key=away)[2]
