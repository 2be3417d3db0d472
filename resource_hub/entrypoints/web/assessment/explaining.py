"""A figure, explained: its rule, the rows behind it, and the proof as a file."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, g, render_template, request, url_for

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.terms import (
    Figure,
    Period,
    Rows,
)
from resource_hub.domain.assessment.year import InstrumentYear
from resource_hub.entrypoints.support import exports, figures, formatting, paging
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.assessment.common import (
    OFFICE,
    ROWS_SHOWN,
    WITH_LABORATORY,
    asked_period,
    blueprint,
    figure_href,
    own_host,
)
from resource_hub.kernel.keys import HostKey
from resource_hub.reports import usage_rows


@blueprint.get("/figures/<code>")
@allows(*OFFICE)
def figure(organisation: str, code: str) -> str:
    period = asked_period()
    found = service.figure(g.actor.organisation_id, None, code, period, by=g.actor)
    return _explained(organisation, period, found, None)


@blueprint.get("/<uuid:resource_id>/figures/<code>")
@allows(*WITH_LABORATORY)
def instrument_figure(organisation: str, resource_id: UUID, code: str) -> str:
    period = asked_period()
    one = service.instrument_year(HostKey(g.actor.organisation_id, resource_id), period, by=g.actor)
    found = service.figure(g.actor.organisation_id, resource_id, code, period, by=g.actor)
    return _explained(organisation, period, found, one)


def _explained(organisation: str, period: Period, found: Figure, one: InstrumentYear | None) -> str:
    host = own_host()
    page: paging.Page[Any] | None = None
    totals = None
    if found.rows is not None and (found.rows.resource_ids or one is not None):
        asked = paging.unpack(paging.asked_after(), date, UUID)
        after = (asked[0], asked[1]) if asked else None
        limit = paging.asked_limit(ROWS_SHOWN)
        rows = usage_rows.page(found.rows, host.zone, after=after, limit=limit)
        page = paging.page_of(rows, limit, lambda row: (row.day, row.key.id))
        totals = _totals(found.rows)
    resource_id = one.facts.resource_id if one else None
    return render_template(
        "assessment/figure.html",
        figure=found,
        shown=figures.show(found),
        period=period,
        one=one,
        page=page,
        totals=totals,
        host=host,
        figure_href=figure_href(organisation, period, resource_id),
        customers=_customer_names(page.items if page else ()),
        proof_href=url_for(
            ".proof", organisation=organisation, code=found.code, period=period.label, resource=resource_id
        ),
    )


def _totals(rows: Rows) -> dict[str, Any]:
    """Seconds by grade behind a figure, from the same rollup that made it."""
    by_grade: dict[str, int] = {}
    for month in usage_rows.months(rows):
        for grade, seconds in month.by_grade.items():
            by_grade[grade] = by_grade.get(grade, 0) + seconds
    return {"by_grade": sorted(by_grade.items()), "seconds": sum(by_grade.values())}


def _customer_names(rows: Any) -> dict[UUID, str]:
    found = accounts.customers({row.customer_id for row in rows})
    return {customer_id: formatting.named(customer) for customer_id, customer in found.items()}


@blueprint.get("/figures/<code>/proof.csv")
@allows(*WITH_LABORATORY)
def proof(organisation: str, code: str) -> Response:
    """Every sealed entry behind a figure, exact to the second; adds up to the figure."""
    period = asked_period()
    host = own_host()
    resource = request.args.get("resource")
    found = service.figure(
        g.actor.organisation_id, UUID(resource) if resource else None, code, period, by=g.actor
    )
    head = (
        "entry_id", "session_id", "resource", "day", "starts_at", "ends_at", "customer_class", "purpose", "grade",
        "effective_seconds", "counted_seconds", "samples",
    )  # fmt: skip

    def lines() -> Any:
        if found.rows is None:
            return
        for row in usage_rows.every(found.rows, host.zone):
            yield (
                str(row.key.id), str(row.session_id), row.resource_code, row.day.isoformat(),
                row.starts_at.isoformat() if row.starts_at else "", row.ends_at.isoformat() if row.ends_at else "",
                row.customer_class, row.purpose, row.grade, row.effective_seconds, row.counted_seconds, row.samples,
            )  # fmt: skip

    return exports.csv_response(f"{host.code}-{code}-{period.label}.csv", head, lines())
