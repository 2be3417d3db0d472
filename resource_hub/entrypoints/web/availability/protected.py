"""Hours kept for customers from outside, month by month: promised, used by them, broken and by what, left free."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.entrypoints.support import exports, formatting
from resource_hub.entrypoints.support.charts import Chart, Series
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.availability.blueprints import MANAGES, blueprint, managed, today_of
from resource_hub.infra import clock
from resource_hub.reports import protected_hours

_PAGE = "/o/<organisation>/resources/<uuid:resource_id>/protected"
_PARTS = ("promised", "outside", "free", "inside", "closed", "maintained", "elsewhere")


def _year(today: date) -> int:
    text = request.args.get("year", "")
    year = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else today.year
    return year if 2000 <= year <= today.year + 1 else today.year


def _labels() -> dict[str, str]:
    return {
        "promised": _("Promised"),
        "outside": _("Used by outside customers"),
        "free": _("Left free"),
        "inside": _("Used by the host's own"),
        "closed": _("Closed"),
        "maintained": _("Maintenance"),
        "elsewhere": _("Other calendar"),
    }


@blueprint.get(_PAGE)
@allows(*MANAGES)
def protected(organisation: str, resource_id: UUID) -> Any:
    """The year of a resource. Time ahead counts as it is booked now."""
    record = managed(resource_id)
    today = today_of(record)
    year = _year(today)
    months = protected_hours.of_year(record.key, year)
    labels = _labels()
    if request.args.get("format") == "csv":
        head = [_("Month"), *(f"{label} (s)" for label in labels.values())]
        rows = [[f"{m.first:%Y-%m}", *(getattr(m.use, name) for name in _PARTS)] for m in months]
        return exports.csv_response(f"protected-{record.code}-{year}.csv", head, rows)
    whole = protected_hours.total(months)
    chart = Chart(
        "stacked",
        _("Protected hours of %(year)s by what became of them", year=year),
        [str(m.first.month) for m in months],
        [
            Series(labels["outside"], [m.use.outside for m in months]),
            Series(labels["free"], [m.use.free for m in months]),
            Series(_("Broken"), [m.use.broken for m in months]),
        ],
        unit=_("hours"),
        form="hours",
        category_label=_("Month"),
    )
    return render_template(
        "availability/protected.html",
        record=record,
        organisation_code=organisation,
        year=year,
        years=range(max(year - 1, 2000), min(year, today.year) + 2),
        months=[
            {"month": formatting.month(m.first), **{n: getattr(m.use, n) for n in _PARTS}} for m in months
        ],
        whole=whole,
        foot={"month": _("Year"), **{name: getattr(whole, name) for name in _PARTS}},
        columns=[
            {"key": "month", "label": _("Month"), "lead": True},
            *(
                {"key": n, "label": labels[n], "kind": "hours", "unit": "h", "keep": n == "promised"}
                for n in _PARTS
            ),
        ],
        chart=chart if whole.promised else None,
        as_of=clock.now(),
        export=url_for(
            "availability.protected",
            organisation=organisation,
            resource_id=resource_id,
            year=year,
            format="csv",
        ),
    )
