"""What was typed of a series: the rule, and what to do with the days that clash. And the rule read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext, pgettext
from werkzeug.datastructures import MultiDict

from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.recurrence import LAST, Frequency, Monthly, Recurrence, nth_of
from resource_hub.entrypoints.support import formatting, wall_clock
from resource_hub.entrypoints.support.forms import Form
from resource_hub.kernel.time import (
    EmptySpan,
    NoSuchLocalTime,
    RepeatedLocalTime,
    TimeSpan,
)

WEEKDAYS = range(7)
_MONDAY = date(2026, 1, 5)


def weekday_name(number: int) -> str:
    return formatting.weekday(_MONDAY + timedelta(days=number))


def read_rule(form: Form) -> Recurrence | None:
    """The rule as typed; None with errors in the form."""
    frequency = form.choice("frequency", Frequency, required=True)
    interval = form.whole("interval", least=1, most=52) or 1
    weekdays = form.choices("weekdays", [str(n) for n in WEEKDAYS])
    monthly = form.choice("monthly", ["day", "weekday", "last"]) or "day"
    ends = form.choice("ends", ["count", "until"], required=True)
    count = form.whole("count", required=ends == "count", least=1, most=1000) if ends == "count" else None
    until = form.day("until", required=ends == "until") if ends == "until" else None
    if not form.ok or frequency is None:
        return None
    return Recurrence(
        Frequency(frequency),
        interval,
        tuple(sorted(int(n) for n in weekdays)) if frequency == "weekly" else (),
        Monthly.DAY if monthly == "day" else Monthly.WEEKDAY,
        LAST if frequency == "monthly" and monthly == "last" else None,
        count,
        until,
    )


def read_choices(values: MultiDict[str, str], zone_name: str, length: int) -> dict[date, service.Choice]:
    """What the user wants of the days that clash, from ``choice.<day>``; another time of the same length may be typed
    into ``other.<day>_day`` and ``_time``. What cannot be read is no choice, so the clash is shown again."""
    found = {}
    for name, value in values.items():
        if not name.startswith("choice.") or not value:
            continue
        try:
            day = date.fromisoformat(name.removeprefix("choice."))
        except ValueError:
            continue
        choice = _choice(value, values, day, zone_name, length)
        if choice is not None:
            found[day] = choice
    return found


def left_as_they_are(form: Form, clashes: Iterable[Any]) -> dict[date, service.Choice]:
    """For all days that clash the choice to leave them out, or where they are; the form shows it as chosen."""
    days = [one.day for one in clashes]
    form.typed = MultiDict(form.typed or {})
    for day in days:
        form.typed[f"choice.{day.isoformat()}"] = "skip"
    return {day: service.Choice(skip=True) for day in days}


def _choice(
    value: str, values: Mapping[str, str], day: date, zone_name: str, length: int
) -> service.Choice | None:
    if value == "skip":
        return service.Choice(skip=True)
    try:
        if value == "other":
            wall = datetime.fromisoformat(
                f"{values.get(f'other.{day}_day', '')}T{values.get(f'other.{day}_time', '')}"
            )
            start = wall_clock.exact(wall, values.get(f"other.{day}_offset", ""), zone_name)
            return service.Choice(span=TimeSpan(start, start + timedelta(seconds=length)))
        start_text, _slash, end_text = value.partition("/")
        return service.Choice(
            span=TimeSpan(datetime.fromisoformat(start_text), datetime.fromisoformat(end_text))
        )
    except (ValueError, EmptySpan, NoSuchLocalTime, RepeatedLocalTime, OverflowError):
        return None


def others(alternatives: Iterable[Mapping[str, str]]) -> list[tuple[str, str]]:
    """Other times as options of a choice."""
    result = []
    for one in alternatives:
        span = TimeSpan(datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]))
        result.append((f"{one['start']}/{one['end']}", formatting.span(span, year=False)))
    return result


# ---- read back -------------------------------------------------------------------------------------------------


def told(rule: Recurrence, first: date, starts_minute: int, length_seconds: int) -> str:
    """A rule as a sentence."""
    ends = starts_minute + length_seconds // 60
    times = formatting.times(_clock(starts_minute), _clock(ends % 1440)) + (" (+1)" if ends > 1440 else "")
    end = (
        _("until %(day)s", day=formatting.day(rule.until))
        if rule.until is not None
        else ngettext("%(num)d time", "%(num)d times", rule.count or 0)
    )
    return _("%(how_often)s, %(times)s, %(end)s", how_often=_how_often(rule, first), times=times, end=end)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _how_often(rule: Recurrence, first: date) -> str:
    if rule.frequency is Frequency.DAILY:
        return _("every day") if rule.interval == 1 else _("every %(num)s days", num=rule.interval)
    if rule.frequency is Frequency.WEEKLY:
        on = formatting.joined([formatting.whole_weekday(n) for n in rule.weekdays or (first.weekday(),)])
        if rule.interval == 1:
            return _("every week on %(on)s", on=on)
        return _("every %(num)s weeks on %(on)s", num=rule.interval, on=on)
    on = _on_in_month(rule, first)
    if rule.interval == 1:
        return _("every month on %(on)s", on=on)
    return _("every %(num)s months on %(on)s", num=rule.interval, on=on)


def _on_in_month(rule: Recurrence, first: date) -> str:
    if rule.monthly is Monthly.DAY:
        return pgettext("day of the month", "the %(day)s", day=formatting.ordinal(first.day))
    weekday = formatting.whole_weekday(first.weekday())
    which = {
        1: _("the first %(weekday)s", weekday=weekday),
        2: _("the second %(weekday)s", weekday=weekday),
        3: _("the third %(weekday)s", weekday=weekday),
        4: _("the fourth %(weekday)s", weekday=weekday),
        LAST: _("the last %(weekday)s", weekday=weekday),
    }
    return which[rule.nth or nth_of(first)]


def rule_fields(first: date | None) -> dict[str, Any]:
    """What stands in a fresh form."""
    return {
        "frequency": "weekly",
        "interval": "1",
        "weekdays": [str(first.weekday())] if first else [],
        "monthly": "day",
        "ends": "count",
        "count": "4",
    }
