"""Figures of an institution's year for programs: the same values as on the pages, with formula and sources."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.errors import NoSuchFigure
from resource_hub.domain.assessment.rules import periods
from resource_hub.domain.assessment.terms import Period, PeriodKind
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.support import figures
from resource_hub.entrypoints.support.guards import allows
from resource_hub.kernel.keys import HostKey

blueprint = Blueprint(
    "figures", __name__, url_prefix="/api/v1/hosts", description="Figures of an institution's year"
)

OFFICE = (Role.OFFICE, Role.INSTITUTION_ADMIN)
WITH_LABORATORY = (*OFFICE, Role.MANAGER, Role.DEPUTY)


class SideSchema(ma.Schema):
    """One bound of a figure."""

    shown = ma.fields.String(required=True, metadata={"description": "rounded as on every screen"})
    exact = ma.fields.String(required=True, metadata={"description": "exact fraction, such as 27300/1599"})


class CitationSchema(ma.Schema):
    """Where a rule stands; G and MEM mean not verified."""

    document = ma.fields.String(required=True)
    article = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    mark = ma.fields.String(required=True)
    parameter = ma.fields.String(required=True)
    version = ma.fields.String(required=True)


class SchemeSchema(ma.Schema):
    code = ma.fields.String(required=True)
    version = ma.fields.String(required=True)


class FigureSchema(ma.Schema):
    """A figure: its value, or the bounds between which it lies while something is not known."""

    code = ma.fields.String(required=True)
    label = ma.fields.String(required=True)
    unit = ma.fields.String(required=True)
    currency = ma.fields.String(required=True, allow_none=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(["exact", "range", "unknown"]))
    low = ma.fields.Nested(SideSchema, required=True, allow_none=True)
    high = ma.fields.Nested(SideSchema, required=True, allow_none=True)
    formula = ma.fields.String(required=True)
    missing = ma.fields.List(ma.fields.String(), required=True)
    notes = ma.fields.List(ma.fields.String(), required=True)
    verified = ma.fields.Boolean(required=True)
    scheme = ma.fields.Nested(SchemeSchema, required=True, allow_none=True)
    as_of = ma.fields.String(required=True, allow_none=True)
    citations = ma.fields.List(ma.fields.Nested(CitationSchema), required=True)
    parts = ma.fields.List(ma.fields.Nested(lambda: FigureSchema()), required=True)


class PeriodArguments(ma.Schema):
    period = ma.fields.String(
        load_default=None,
        metadata={"description": "2025 for a calendar year, 2024-2025 for a school year; now when left out"},
    )


class FiguresSchema(ma.Schema):
    """All figures of a year."""

    host = ma.fields.String(required=True)
    resource = ma.fields.String(required=True, allow_none=True)
    period = ma.fields.String(required=True)
    since = ma.fields.Date(required=True)
    until = ma.fields.Date(required=True, metadata={"description": "the first day after the period"})
    figures = ma.fields.List(ma.fields.Nested(FigureSchema), required=True)


def _own_host(host: str) -> UUID:
    """The token speaks for one organisation; any other host is not there for it."""
    if g.actor.organisation_code != host:
        raise NoSuchFigure(host=host)
    return g.actor.organisation_id


def _period(institution_id: UUID, label: str | None) -> Period:
    return periods.parse(label) if label else service.current_period(institution_id, PeriodKind.CALENDAR_YEAR)


def _answer(host: str, resource_id: UUID | None, period: Period, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "host": host,
        "resource": None if resource_id is None else str(resource_id),
        "period": period.label,
        "since": period.since,
        "until": period.until,
        "figures": [figures.as_json(found[code]) for code in sorted(found)],
    }


@blueprint.get("/<host>/figures")
@blueprint.arguments(PeriodArguments, location="query")
@blueprint.response(200, FiguresSchema)
@allows(*OFFICE)
def institution_figures(args: dict[str, Any], host: str) -> dict[str, Any]:
    """Figures of the institution in a year."""
    institution_id = _own_host(host)
    period = _period(institution_id, args["period"])
    return _answer(host, None, period, service.indicators(institution_id, None, period, by=g.actor))


@blueprint.get("/<host>/resources/<uuid:resource_id>/figures")
@blueprint.arguments(PeriodArguments, location="query")
@blueprint.response(200, FiguresSchema)
@allows(*WITH_LABORATORY)
def resource_figures(args: dict[str, Any], host: str, resource_id: UUID) -> dict[str, Any]:
    """Figures of one instrument in a year."""
    institution_id = _own_host(host)
    period = _period(institution_id, args["period"])
    key = HostKey(institution_id, resource_id)
    found = service.instrument_year(key, period, by=g.actor).figures()
    return _answer(host, resource_id, period, found)
