"""Public holidays and make-up workdays, from the ``holidays`` library, by jurisdiction and year.

The library follows the yearly notice of the State Council for China (国务院办公厅关于部分节假日安排的通知).
A year whose notice is not out yet has the statutory days only; those are marked as provisional, and an administrator
enters the notice on the page of calendar days (table ``calendar_day``, which goes before the library).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from resource_hub.domain.availability.terms import DayKind, SpecialDay

SOURCE = "holidays"
_FROM = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
# "春节（补假）", "Labor Day (observed)": the plain name says enough on a calendar.
_CLEAN = re.compile(r"（.*?）|\s*\((?:observed|substituted|Spring Festival).*?\)")
# Before this year China had no make-up workdays by notice in the library.
_FIRST_NOTICE = 2001


@functools.lru_cache(maxsize=64)
def library_days(jurisdiction: str, year: int) -> dict[date, SpecialDay]:
    """Special days of a year. An unknown jurisdiction has none."""
    import holidays

    country, _, subdivision = jurisdiction.partition("-")
    try:
        zh = holidays.country_holidays(country, years=year, language="zh_CN") if country == "CN" else None
        en = holidays.country_holidays(
            country, subdiv=None if country == "CN" else subdivision or None, years=year
        )
    except NotImplementedError:
        return {}
    if country == "CN":
        en = holidays.country_holidays("CN", years=year, language="en_US")
    made_up = {day for day in getattr(en, "weekend_workdays", ()) if day.year == year}
    provisional = country == "CN" and year >= _FIRST_NOTICE and not made_up and year > _last_published()
    found: dict[date, SpecialDay] = {}
    stands_for: dict[date, tuple[date, str, str]] = {}
    for day, name_en in en.items():
        if day.year != year:
            continue
        name_zh = (zh.get(day) if zh is not None else "") or name_en
        source = _FROM.search(name_zh)
        if source:
            worked = date(int(source[1]), int(source[2]), int(source[3]))
            holiday_zh, holiday_en = _near(day, zh or en, en)
            stands_for[worked] = (day, holiday_zh, holiday_en)
            name_zh, name_en = holiday_zh, holiday_en
        name_zh, name_en = _CLEAN.sub("", name_zh), _CLEAN.sub("", name_en)
        found[day] = SpecialDay(day, DayKind.HOLIDAY, name_zh, name_en, None, provisional, SOURCE)
    for day in made_up:
        instead, name_zh, name_en = stands_for.get(day, (None, "", ""))
        found[day] = SpecialDay(day, DayKind.WORKDAY, name_zh, name_en, instead, provisional, SOURCE)
    for day, before in _weekends_inside(found, year):
        found[day] = replace(before, day=day)
    return found


def _weekends_inside(found: Mapping[date, SpecialDay], year: int) -> list[tuple[date, SpecialDay]]:
    """Weekend days between two days of a holiday belong to it: a lab that opens on Saturdays is closed then too."""
    result = []
    one = timedelta(days=1)
    day = date(year, 1, 2)
    while day < date(year, 12, 31):
        if day.weekday() >= 5 and day not in found:
            before = day - one if day.weekday() == 5 else day - 2 * one
            after = day + 2 * one if day.weekday() == 5 else day + one
            if day.weekday() == 5 and day + one in found:
                after = day + one
            if day.weekday() == 6 and day - one in found:
                before = day - one
            both = [found.get(before), found.get(after)]
            if all(d is not None and d.kind is DayKind.HOLIDAY for d in both) and both[0] is not None:
                result.append((day, both[0]))
        day += one
    return result


def _near(day: date, zh: Mapping[date, str], en: Mapping[date, str]) -> tuple[str, str]:
    """The holiday that a substituted day off belongs to: the nearest day with a name of its own."""
    named = [d for d in zh if d.year == day.year and not _FROM.search(zh.get(d) or "")]
    nearest = min(named, key=lambda d: (abs((d - day).days), d))
    return _CLEAN.sub("", zh.get(nearest) or ""), _CLEAN.sub("", en.get(nearest) or "")


@functools.cache
def _last_published() -> int:
    """The last year for which the library knows a notice for China."""
    import holidays

    year = 2024
    while year < 2100:
        days = holidays.country_holidays("CN", years=year + 1)
        if not any(day.year == year + 1 for day in days.weekend_workdays):
            return year
        year += 1
    return year


def warm(year: int) -> None:
    """Load the library and the years that bookings touch, outside of any unit: it takes a second the first time."""
    for near in (year - 1, year, year + 1):
        library_days("CN", near)
