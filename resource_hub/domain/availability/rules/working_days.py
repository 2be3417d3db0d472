"""Arithmetic with working days (pure)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from resource_hub.domain.availability.terms import DayKind, SpecialDay


def is_working_day(day: date, special: SpecialDay | None) -> bool:
    """Monday to Friday, except holidays; a make-up workday counts whatever its weekday."""
    if special is not None and special.kind is not DayKind.ORDINARY:
        return special.kind is DayKind.WORKDAY
    return day.weekday() < 5


def working_days_after(day: date, count: int, special_on: Callable[[date], SpecialDay | None]) -> date:
    """The ``count``-th working day after ``day``; ``day`` itself is not counted.

    Raises:
        ValueError: for a negative count.
    """
    if count < 0:
        raise ValueError("working days are counted forward")
    while count > 0:
        day += timedelta(days=1)
        if is_working_day(day, special_on(day)):
            count -= 1
    return day


def working_days_between(start: date, end: date, special_on: Callable[[date], SpecialDay | None]) -> int:
    """Working days in ``[start, end)``."""
    days = (end - start).days
    return sum(
        1
        for n in range(days)
        if is_working_day(start + timedelta(days=n), special_on(start + timedelta(days=n)))
    )
