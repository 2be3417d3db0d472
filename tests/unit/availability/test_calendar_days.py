"""Holidays and make-up workdays against the published notices, and the arithmetic of working days."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from resource_hub.domain.availability.calendar_days import library_days
from resource_hub.domain.availability.rules.working_days import (
    is_working_day,
    working_days_after,
    working_days_between,
)
from resource_hub.domain.availability.terms import DayKind


@pytest.mark.parametrize("year", [2023, 2024, 2025, 2026])
def test_every_day_of_a_published_year_agrees_with_the_notice(year: int, data_dir: Path) -> None:
    days = json.loads((data_dir / "calendar" / f"holiday_cn_{year}.json").read_text(encoding="utf-8"))["days"]
    notice = {date.fromisoformat(row["date"]): not row["isOffDay"] for row in days}
    known = library_days("CN", year)
    day = date(year, 1, 1)
    while day.year == year:
        assert is_working_day(day, known.get(day)) == notice.get(day, day.weekday() < 5), day
        day += timedelta(days=1)
    assert not any(special.provisional for special in known.values())


def test_a_year_without_a_notice_says_that_it_is_provisional() -> None:
    later = library_days("CN", 2029)
    assert later and all(special.provisional for special in later.values())
    assert not any(special.kind is DayKind.WORKDAY for special in later.values())


def test_a_make_up_workday_knows_the_day_that_it_makes_up() -> None:
    assert library_days("CN", 2026)[date(2026, 2, 28)].stands_for == date(2026, 2, 23)
    assert library_days("CN", 2026)[date(2026, 2, 28)].name_zh == "春节"


def test_a_weekend_inside_a_holiday_is_a_holiday() -> None:
    assert library_days("CN", 2025)[date(2025, 10, 4)].kind is DayKind.HOLIDAY


def test_an_unknown_jurisdiction_has_no_special_days() -> None:
    assert library_days("ZZ", 2026) == {}


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 2, 13), 1, date(2026, 2, 14)),  # Saturday is a make-up workday
        (date(2026, 2, 13), 2, date(2026, 2, 24)),  # then Spring Festival to 23 February
        (date(2026, 3, 6), 3, date(2026, 3, 11)),
        (date(2026, 3, 6), 0, date(2026, 3, 6)),
    ],
)
def test_working_days_after(day: date, count: int, expected: date) -> None:
    known = library_days("CN", 2026)
    assert working_days_after(day, count, known.get) == expected


def test_working_days_between_counts_the_first_and_not_the_last() -> None:
    assert working_days_between(date(2026, 3, 2), date(2026, 3, 9), lambda _day: None) == 5
