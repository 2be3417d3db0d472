"""The first screen of the year: figures against the schemes, what is missing, watch-lists."""

from __future__ import annotations

from typing import Any

from flask import g, render_template

from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.rules import national, periods
from resource_hub.domain.assessment.terms import (
    PeriodKind,
    Rows,
    WatchCode,
)
from resource_hub.domain.assessment.year import InstitutionYear, InstrumentYear
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.assessment.common import (
    OFFICE,
    ROWS_SHOWN,
    asked_period,
    blueprint,
    figure_href,
    gap_href,
    neighbours,
    period_tabs,
)
from resource_hub.entrypoints.web.assessment.trends import month_chart
from resource_hub.reports import usage_rows

# Gaps that only the benefit form has.
FORM_GAPS = ("inputs", "rated_class", "internal_rate")
# Figures of the first screen, in the order of the national indicators.
HEADLINES = (
    "hours.mean_effective",
    "ratio.mean_utilisation",
    "hours.mean_external",
    "ratio.unit_sharing",
    "ratio.opening",
    "ratio.late_listing",
)


@blueprint.get("")
@allows(*OFFICE)
def year(organisation: str) -> str:
    """The first screen of the office."""
    period = asked_period()
    found = service.year(g.actor.organisation_id, period, by=g.actor)
    values = {"organisation": organisation}
    rows = Rows(found.institution_id, period.since, period.until)
    return render_template(
        "assessment/year.html",
        year=found,
        period=period,
        national=period.kind is PeriodKind.CALENDAR_YEAR,
        tabs=period_tabs(period, ".year", **values),
        neighbours=neighbours(period, ".year", **values),
        headlines=[found.measures[code] for code in HEADLINES if code in found.measures],
        figure_href=figure_href(organisation, period),
        months=month_chart(usage_rows.months(rows), organisation, period),
        compared=_compared(found),
        frozen=service.frozen_scores(g.actor.organisation_id, period, by=g.actor),
        instruments=_instruments(found),
        missing=_missing(organisation, found),
        rate_version=found.entered_version,
    )


def _instruments(found: InstitutionYear) -> paging.Page[InstrumentYear]:
    """Instruments by use, most first; the page after place so many."""
    ordered = sorted(found.instruments, key=lambda each: (-each.facts.hours.effective, each.facts.code))
    asked = paging.unpack(paging.asked_after(), int)
    start = max(0, asked[0]) if asked else 0
    limit = paging.asked_limit(ROWS_SHOWN)
    shown = ordered[start : start + limit]
    more = start + limit < len(ordered)
    return paging.Page(shown, paging.pack([start + limit]) if more else None, len(ordered))


def _missing(organisation: str, found: InstitutionYear) -> list[dict[str, Any]]:
    """What keeps figures open: of this year, and on the national page also of the form that is due next."""
    rows = []
    years = [found]
    if found.period.kind is PeriodKind.CALENDAR_YEAR:
        ended = periods.neighbour(periods.around(PeriodKind.SCHOOL_YEAR, found.today), -1)
        years.insert(0, service.year(found.institution_id, ended, by=g.actor))
    for each in years:
        school = each.period.kind is PeriodKind.SCHOOL_YEAR
        for gap in each.gaps:
            if (
                school
                and (gap.code in FORM_GAPS or each is found)
                or not school
                and gap.code not in FORM_GAPS
            ):
                rows.append(
                    {"gap": gap, "period": each.period, "href": gap_href(organisation, each.period, gap)}
                )
    return rows


def _compared(found: InstitutionYear) -> list[dict[str, Any]]:
    """Own means beside the published national ones; None of them a target."""
    published = found.published
    if published is None:
        return []
    rows = []
    for code, hours in (
        ("hours.mean_effective", published.mean_effective_hours),
        ("hours.mean_external", published.mean_external_hours),
    ):
        figure = found.measures.get(code)
        if figure is None or hours is None:
            continue
        share = national.against(figure, hours)
        rows.append(
            {
                "figure": figure,
                "published": hours * 3600,
                "share": None if share is None else share / 100,
                "citation": published.citation,
            }
        )
    return rows


@blueprint.get("/watch/<name>")
@allows(*OFFICE)
def watch(organisation: str, name: str) -> str:
    """One watch-list, whole."""
    from werkzeug.exceptions import NotFound

    period = asked_period()
    if name not in set(WatchCode):
        raise NotFound()
    found = service.year(g.actor.organisation_id, period, by=g.actor)
    return render_template(
        "assessment/watch.html",
        code=WatchCode(name),
        period=period,
        rows=found.watches.get(WatchCode(name), []),
    )
