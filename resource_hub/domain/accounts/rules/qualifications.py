"""How long a training holds (pure)."""

from __future__ import annotations

import calendar
from datetime import date


def after_months(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where it has no such day."""
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
