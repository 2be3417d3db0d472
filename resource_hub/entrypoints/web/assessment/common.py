"""What the pages of the year share: who enters, the host, the period in the address, ways to figures and gaps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, g, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.rules import periods
from resource_hub.domain.assessment.terms import (
    Period,
    PeriodKind,
)
from resource_hub.domain.assessment.year import Gap
from resource_hub.entrypoints.support import figures

blueprint = Blueprint("assessment", __name__, url_prefix="/o/<organisation>/year")
blueprint.record_once(lambda state: figures.install(state.app))

OFFICE = (Role.OFFICE, Role.INSTITUTION_ADMIN)
WITH_LABORATORY = (*OFFICE, Role.MANAGER, Role.DEPUTY)
ROWS_SHOWN = 50


@blueprint.url_value_preprocessor
def _keep(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """The office's hat is on, also for people who wear several."""
    g.hat = "office"


def own_host() -> Any:
    """The institution whose year it is; the page speaks in its zone."""
    if "host" not in g:
        g.host = accounts.organisation(g.actor.organisation_id)
        g.zone = g.host.zone
    return g.host


def asked_period() -> Period:
    """``?period=2025`` or ``2024-2025``; the calendar year of now when nothing is said."""
    own_host()
    label = request.args.get("period")
    if label:
        return periods.parse(label)
    return service.current_period(g.actor.organisation_id, PeriodKind.CALENDAR_YEAR)


def period_tabs(period: Period, endpoint: str, **values: Any) -> list[dict[str, Any]]:
    """The two schemes with their own kinds of year."""
    tabs = []
    for kind, title in (
        (PeriodKind.CALENDAR_YEAR, _("National evaluation")),
        (PeriodKind.SCHOOL_YEAR, _("Benefit form")),
    ):
        other = period if kind is period.kind else periods.around(kind, _middle(period))
        tabs.append(
            {
                "title": f"{title} · {other.label}",
                "href": url_for(endpoint, period=other.label, **values),
                "current": kind is period.kind,
            }
        )
    return tabs


def _middle(period: Period) -> date:
    """A day that lies in the year people mean when they change the kind: the one in which most of it falls."""
    return date(period.since.year, 3, 1) if period.kind is PeriodKind.CALENDAR_YEAR else period.until


def neighbours(period: Period, endpoint: str, **values: Any) -> list[dict[str, str]]:
    return [
        {"label": other.label, "href": url_for(endpoint, period=other.label, **values)}
        for other in (periods.neighbour(period, -1), periods.neighbour(period, 1))
    ]


def figure_href(organisation: str, period: Period, resource_id: UUID | None = None) -> Callable[[str], str]:
    def href(code: str) -> str:
        if resource_id is None:
            return url_for(".figure", organisation=organisation, code=code, period=period.label)
        return url_for(
            ".instrument_figure",
            organisation=organisation,
            resource_id=resource_id,
            code=code,
            period=period.label,
        )

    return href


def gap_href(organisation: str, period: Period, gap: Gap) -> str:
    if gap.code in ("inputs", "rated_class"):
        return url_for(
            ".inputs",
            organisation=organisation,
            resource_id=gap.resource_ids[0],
            period=period.label,
            next="1",
        )
    page = url_for(".year", organisation=organisation, period=period.label)
    return page + ("#rate" if gap.code == "internal_rate" else "#instruments")
