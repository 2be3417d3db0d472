"""Charts of the year: hours by month, load by weekday and hour."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from flask_babel import gettext as _

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.assessment.terms import (
    Period,
)
from resource_hub.entrypoints.support import charts, formatting, words
from resource_hub.reports import usage_rows


def _short_month(month: date) -> str:
    """``3月`` or ``Mar``: the year stands above the chart, and twelve longer names do not fit on a phone."""
    written = formatting.month(month)
    return f"{month.month}月" if formatting.language() == "zh" else written.split()[0]


def month_chart(
    months: list[usage_rows.MonthHours], organisation: str, period: Period, resource_id: UUID | None = None
) -> charts.Chart | None:
    """Effective hours of each month by customer class; None without any use."""
    if not any(month.total for month in months):
        return None
    present = [each for each in CustomerClass if any(m.by_class.get(each.value) for m in months)]
    return charts.Chart(
        kind="stacked",
        title=_("Effective hours by month and customer"),
        categories=[_short_month(month.month) for month in months],
        category_label=_("Month"),
        unit=_("hours"),
        form="hours",
        series=[
            charts.Series(words.word("accounts.class", each), [m.by_class.get(each.value, 0) for m in months])
            for each in present
        ],
    )


def week_chart(load: list[list[int]]) -> charts.Chart | None:
    """Load by weekday and hour of the day in the host's zone."""
    if not any(any(row) for row in load):
        return None
    monday = date(2024, 1, 1)
    return charts.Chart(
        kind="heat",
        title=_("When it runs: effective hours by weekday and hour"),
        categories=[str(hour) for hour in range(24)],
        category_label=_("Hour"),
        unit=_("hours"),
        form="hours",
        series=[
            charts.Series(formatting.weekday(date.fromordinal(monday.toordinal() + day)), load[day])
            for day in range(7)
        ],
    )
