"""A month as people see it: a table of weeks, each day with what is free, taken and closed, in words and as a bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Week
from resource_hub.entrypoints.support import formatting
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.timetable import day_note
from resource_hub.kernel.time import TimeSpan, zone


@dataclass(frozen=True, slots=True)
class MonthDay:
    """One day: ``short`` stands in the cell, ``long`` says it in a sentence; the widths are per cent of the bar."""

    day: date
    look: str
    short: str
    long: str
    note: str
    free: str
    taken: str
    today: bool
    mine: bool
    href: str


@dataclass(frozen=True, slots=True)
class MonthWeek:
    name: str
    href: str
    days: tuple[MonthDay | None, ...]


@dataclass(frozen=True, slots=True)
class Month:
    name: str
    heads: tuple[str, ...]
    weeks: tuple[MonthWeek, ...]
    zone: str


def month_of(text: str | None, today: date) -> date:
    """The first day of the month asked for in an address (``2026-03-05`` or ``2026-03``), else of this one."""
    try:
        day = date.fromisoformat(f"{(text or '')[:7]}-01")
    except ValueError:
        day = today
    return (day if abs((day - today).days) <= 800 else today).replace(day=1)


def next_month(first: date, count: int = 1) -> date:
    """The first day so many months later."""
    months = first.year * 12 + first.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)


def span_of(zone_name: str, first: date) -> TimeSpan:
    """The whole month by the host's clock."""
    return availability.days_of(zone_name, first, (next_month(first) - first).days)


def month(week: Week, day_href: Callable[[date], str], week_href: Callable[[date], str]) -> Month:
    """The days of a month as weeks that begin on Monday; ``week`` holds the lanes of exactly that month."""
    shares = availability.day_shares(week)
    today = week.as_of.astimezone(zone(week.zone)).date() if week.as_of else None
    widest = max((share.open for share in shares.values()), default=0) or 1
    cells = {
        day: _day(day, share, widest, day_note(week.special.get(day)), today, day_href(day))
        for day, share in shares.items()
    }
    first, last = week.days[0], week.days[-1]
    weeks = []
    monday = first - timedelta(days=first.weekday())
    heads = tuple(formatting.weekday(monday + timedelta(days=n)) for n in range(7))
    while monday <= last:
        days = tuple(cells.get(monday + timedelta(days=n)) for n in range(7))
        weeks.append(
            MonthWeek(formatting.day(monday, year=False, week=False), week_href(max(monday, first)), days)
        )
        monday += timedelta(days=7)
    return Month(formatting.month(first), heads, tuple(weeks), week.zone)


def _day(
    day: date, share: availability.DayShare, widest: int, note: str, today: date | None, href: str
) -> MonthDay:
    look, short, long = _words(share, over=today is not None and day < today)
    name = formatting.day(day, year=False)
    own = _("with a booking of yours") if share.mine else ""
    return MonthDay(
        day=day,
        look=look,
        short=short,
        long=f"{name}: {' · '.join(filter(None, [long, note, own]))}",
        note=note,
        free=f"{100 * share.free / widest:.1f}",
        taken=f"{100 * share.taken / widest:.1f}",
        today=day == today,
        mine=share.mine,
        href=href,
    )


def _words(share: availability.DayShare, *, over: bool) -> tuple[str, str, str]:
    """Look, the word in the cell, and the sentence."""
    free, taken = formatting.hours(share.free), formatting.hours(share.taken)
    if over:
        if share.taken:
            return "over", "–", _("over, %(hours)s h were taken", hours=taken)
        return "over", "–", _("over")
    if not share.open:
        return "closed", word("availability.look", "closed"), word("availability.look", "closed")
    if not share.free:
        return "full", _("full"), _("nothing free, %(hours)s h taken", hours=taken)
    if not share.taken:
        return "free", free, _("%(hours)s h free, nothing taken", hours=free)
    return "part", free, _("%(free)s h free, %(taken)s h taken", free=free, taken=taken)
