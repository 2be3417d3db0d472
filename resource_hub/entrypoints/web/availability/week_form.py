"""A weekly pattern as people write it: one line for several weekdays with the same times; in words and as bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _

from resource_hub.domain.availability.terms import Audience, OnHolidays, WeeklyHours
from resource_hub.entrypoints.support import formatting
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.support.words import word
from resource_hub.kernel.errors import DomainError

LINES = 28
SPARE = 2
_DAY = 1440
# What a form offers where nothing was published yet: workdays, nine to five.
USUAL = tuple(WeeklyHours(day, 9 * 60, 17 * 60) for day in range(5))
_WEEK = [str(n) for n in range(7)]


def clock_text(minute: int) -> str:
    return "24:00" if minute == _DAY else f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def weekday_names() -> list[str]:
    first = date(2026, 3, 2)
    return [formatting.weekday(first + timedelta(days=n)) for n in range(7)]


# ---- the form --------------------------------------------------------------------------------------------------


def initial(rows: Iterable[WeeklyHours]) -> dict[str, Any]:
    """The lines of a pattern; weekdays with the same times, audience and holidays share one."""
    lines: dict[tuple[int, int, str, str], list[str]] = {}
    parts = [part for row in rows for part in _within_a_day(row)]
    for row in sorted(parts, key=_order):
        key = (row.starts, row.ends, row.audience.value, row.on_holidays.value)
        lines.setdefault(key, []).append(str(row.weekday))
    values: dict[str, Any] = {}
    for n, ((starts, ends, audience, holidays), days) in enumerate(lines.items()):
        values |= {
            f"days.{n}": days,
            f"starts.{n}": clock_text(starts),
            f"ends.{n}": clock_text(ends % _DAY),
            f"audience.{n}": audience,
            f"on_holidays.{n}": holidays,
        }
    return values


def _order(row: WeeklyHours) -> tuple[int, int]:
    return row.weekday, row.starts


def _within_a_day(row: WeeklyHours) -> list[WeeklyHours]:
    """A stretch of more than 24 hours as two: the form writes an end by its clock time only."""
    if row.ends - row.starts <= _DAY:
        return [row]
    rest = replace(row, weekday=(row.weekday + 1) % 7, starts=0, ends=row.ends - _DAY)
    return [replace(row, ends=_DAY), rest]


def typed(form: Form) -> tuple[list[WeeklyHours], list[int]]:
    """The stretches in the form, and the line from which each came; faults are noted at their line.

    A line in which nothing stands is no line. An end that is not after the start lies on the next day.
    """
    rows: list[WeeklyHours] = []
    lines: list[int] = []
    for n in range(LINES):
        starts, ends = form.minutes(f"starts.{n}"), form.minutes(f"ends.{n}")
        days = form.choices(f"days.{n}", _WEEK)
        if not any(form.value(f"{name}.{n}") for name in ("starts", "ends")) and not days:
            continue
        audience = form.choice(f"audience.{n}", Audience) or Audience.ALL.value
        holidays = form.choice(f"on_holidays.{n}", OnHolidays) or OnHolidays.CLOSED.value
        for name, value in (("starts", starts), ("ends", ends)):
            if value is None and not form.error(f"{name}.{n}"):
                form.note(f"{name}.{n}", "form.required")
        if not days:
            form.note(f"days.{n}", "availability.days_missing")
        if starts is None or ends is None:
            continue
        last = ends + _DAY if ends <= starts else ends
        for day in days:
            rows.append(
                WeeklyHours(
                    int(day), starts, last, audience=Audience(audience), on_holidays=OnHolidays(holidays)
                )
            )
            lines.append(n)
    return rows, lines


def placed(error: DomainError, lines: Sequence[int]) -> DomainError:
    """Faults of stretch ``hours.3`` stand at the line from which it came, each once."""
    reasons = []
    for reason in error.reasons:
        if reason.place and reason.place.startswith("hours."):
            values = dict(reason.values)
            if "other" in values:
                values["other"] = lines[int(values["other"]) - 1] + 1
            line = lines[int(reason.place.removeprefix("hours."))]
            reason = replace(reason, values=values, place=f"starts.{line}")
        if reason not in reasons:
            reasons.append(reason)
    error.reasons = tuple(reasons)
    return error


def filled(form: Form) -> int:
    """How many lines there are up to the last one in which something stands."""
    found = [n for n in range(LINES) if form.value(f"starts.{n}") or form.values(f"days.{n}")]
    return max(found, default=-1) + 1


def shown_lines(form: Form, more: bool = False) -> range:
    return range(min(LINES, filled(form) + SPARE + (4 if more else 0)))


# ---- in words and as bars --------------------------------------------------------------------------------------


def in_words(rows: Iterable[WeeklyHours]) -> list[tuple[str, str]]:
    """The week in words, neighbouring days with the same hours together."""
    rows = list(rows)
    names = weekday_names()
    result: list[tuple[str, str]] = []
    first = 0
    for n in range(7):
        text = formatting.listed(_stretch_text(row) for row in sorted(rows, key=_order) if row.weekday == n)
        if result and result[-1][1] == text:
            result[-1] = (f"{names[first]}–{names[n]}", text)
        else:
            first = n
            result.append((names[n], text))
    return [(name, text or word("availability.look", "closed")) for name, text in result]


def _stretch_text(row: WeeklyHours) -> str:
    text = formatting.times(clock_text(row.starts), clock_text(row.ends))
    marks = []
    if row.audience is Audience.OUTSIDE:
        marks.append(word("availability.look", "protected"))
    if row.on_holidays is OnHolidays.OPEN:
        marks.append(word("availability.on_holidays", row.on_holidays))
    return _("%(hours)s (%(marks)s)", hours=text, marks=formatting.listed(marks)) if marks else text


@dataclass(frozen=True, slots=True)
class Piece:
    left: str
    width: str
    protected: bool


@dataclass(frozen=True, slots=True)
class DayBar:
    name: str
    pieces: tuple[Piece, ...]


def bars(rows: Iterable[WeeklyHours]) -> list[DayBar]:
    """Each weekday as 24 hours, with what is open; protected hours lie on top. The words beside it say the same."""
    found: list[list[Piece]] = [[] for _ in range(7)]
    for row in sorted(rows, key=lambda r: (r.audience is Audience.OUTSIDE, r.starts)):
        parts = [(row.weekday, row.starts, min(row.ends, _DAY))]
        if row.ends > _DAY:
            parts.append(((row.weekday + 1) % 7, 0, row.ends - _DAY))
        for day, start, end in parts:
            left, width = f"{100 * start / _DAY:.2f}", f"{100 * (end - start) / _DAY:.2f}"
            found[day].append(Piece(left, width, row.audience is Audience.OUTSIDE))
    return [DayBar(name, tuple(pieces)) for name, pieces in zip(weekday_names(), found, strict=True)]
