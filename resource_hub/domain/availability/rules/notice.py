"""The yearly notice of public holidays (国务院办公厅关于部分节假日安排的通知), read from its text (pure).

Each holiday is one line:

    二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。
    2月14日（周六）、2月28日（周六）上班。

(in one line there). Its days up to the word 放假 are holidays, those before 上班 are make-up workdays. A number of days
that does not come out, and a line that names days and cannot be read, are told and not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from resource_hub.domain.availability.terms import DayKind, SpecialDay

_LINE = re.compile(
    r"^\s*(?:[一二三四五六七八九十]+[、.．]|\d+[、.．)）])?\s*"
    r"(?P<name>[^:\uff1a,，。]{1,20}?)\s*[:\uff1a]\s*(?P<rest>.+)$"
)
_NOTE = re.compile(r"[（(][^（）()]*[）)]")
_DATE = re.compile(r"(?:(?P<year>\d{4})年)?(?:(?P<month>\d{1,2})月)?(?P<day>\d{1,2})日")
_TOTAL = re.compile(r"共(\d{1,2})天")
_ENGLISH = {
    "元旦": "New Year's Day",
    "春节": "Spring Festival",
    "清明节": "Tomb-Sweeping Day",
    "劳动节": "Labor Day",
    "端午节": "Dragon Boat Festival",
    "中秋节": "Mid-Autumn Festival",
    "国庆节": "National Day",
    "国庆节、中秋节": "National Day, Mid-Autumn Festival",
    "中秋节、国庆节": "National Day, Mid-Autumn Festival",
}


@dataclass(frozen=True, slots=True)
class ReadNotice:
    """Days that a notice names, in order, and the lines that name days and could not be read."""

    days: tuple[SpecialDay, ...]
    unread: tuple[str, ...] = ()


def read(text: str, year: int) -> ReadNotice:
    """Special days in the text of a notice for a year."""
    days: dict[date, SpecialDay] = {}
    unread = []
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None or not _DATE.search(line):
            if _DATE.search(line) and ("放假" in line or "上班" in line):
                unread.append(line.strip())
            continue
        own = _one(found["name"].strip(), _NOTE.sub("", found["rest"]), year)
        if own is None:
            unread.append(line.strip())
            continue
        days |= {day.day: day for day in own}
    return ReadNotice(tuple(days[day] for day in sorted(days)), tuple(unread))


def _one(name: str, text: str, year: int) -> list[SpecialDay] | None:
    """Days of one holiday; None where they cannot be read."""
    off, rest = text.partition("放假")[::2]
    if not rest and "放假" not in text:
        return None
    total = _TOTAL.search(text)
    try:
        free = list(_spans(off, year))
        work = list(_spans(_before_work(rest), year))
    except ValueError:
        return None
    if not free or (total and len(free) != int(total[1])) or ("上班" in rest and not work):
        return None
    english = _ENGLISH.get(name, "")
    return [
        *(SpecialDay(day, DayKind.HOLIDAY, name, english) for day in free),
        *(SpecialDay(day, DayKind.WORKDAY, name, english) for day in work),
    ]


def _before_work(text: str) -> str:
    """The part of the sentences after 放假 that names the days on which people work."""
    return "".join(part for part in text.split("。") if "上班" in part)


def _spans(text: str, year: int) -> Iterator[date]:
    """Every day that is named, spans with 至 filled; a day without a month is in that of the one before.

    Raises:
        ValueError: a day that does not exist, or a span that runs backwards.
    """
    before: date | None = None
    end = 0
    for found in _DATE.finditer(text):
        month = int(found["month"]) if found["month"] else before.month if before else 0
        own_year = int(found["year"]) if found["year"] else before.year if before else year
        day = date(own_year, month, int(found["day"]))
        if before is not None and re.fullmatch(r"\s*[至到—–-]+\s*", text[end : found.start()]):
            if day <= before:
                raise ValueError(text)
            yield from (before + timedelta(days=n) for n in range(1, (day - before).days))
        yield day
        before, end = day, found.end()
