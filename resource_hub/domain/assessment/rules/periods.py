"""Years of assessment as stretches of local days."""

from __future__ import annotations

from datetime import date

from resource_hub.domain.assessment.errors import NoSuchPeriod
from resource_hub.domain.assessment.terms import Period, PeriodKind

_FIRST_YEAR, _LAST_YEAR = 1990, 2199


def calendar_year(year: int) -> Period:
    """1 January to 31 December, the period of the national evaluation."""
    return Period(PeriodKind.CALENDAR_YEAR, date(year, 1, 1), date(year + 1, 1, 1))


def school_year(year: int) -> Period:
    """1 September of ``year`` to 31 August of the next, the period of the benefit form (〔2000〕22号)."""
    return Period(PeriodKind.SCHOOL_YEAR, date(year, 9, 1), date(year + 1, 9, 1))


def around(kind: PeriodKind, day: date) -> Period:
    """The period of that kind in which a local day lies."""
    if kind is PeriodKind.CALENDAR_YEAR:
        return calendar_year(day.year)
    return school_year(day.year if day.month >= 9 else day.year - 1)


def parse(label: str) -> Period:
    """The period that an address names: ``2025`` or ``2024-2025``.

    Raises:
        NoSuchPeriod: the text names no year.
    """
    first, dash, second = label.partition("-")
    if first.isascii() and first.isdigit() and len(first) == 4 and _FIRST_YEAR <= int(first) <= _LAST_YEAR:
        if not dash:
            return calendar_year(int(first))
        if second == str(int(first) + 1):
            return school_year(int(first))
    raise NoSuchPeriod(period=label)


def neighbour(period: Period, step: int) -> Period:
    """The period so many years later (or earlier)."""
    year = period.since.year + step
    return calendar_year(year) if period.kind is PeriodKind.CALENDAR_YEAR else school_year(year)
