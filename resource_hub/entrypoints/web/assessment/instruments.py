"""One instrument in the year, and what is entered for it by hand."""

from __future__ import annotations

from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.terms import (
    BENEFIT_INPUTS,
    TABLE_INPUTS,
    InputCode,
    Period,
    RatedClass,
    Rows,
)
from resource_hub.domain.assessment.year import InstrumentYear
from resource_hub.entrypoints.support import forms, words
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.assessment.common import (
    OFFICE,
    WITH_LABORATORY,
    asked_period,
    blueprint,
    figure_href,
    neighbours,
    own_host,
    period_tabs,
)
from resource_hub.entrypoints.web.assessment.trends import month_chart, week_chart
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.reports import usage_rows


@blueprint.get("/<uuid:resource_id>")
@allows(*WITH_LABORATORY)
def instrument(organisation: str, resource_id: UUID) -> str:
    period = asked_period()
    one = service.instrument_year(HostKey(g.actor.organisation_id, resource_id), period, by=g.actor)
    rows = Rows(g.actor.organisation_id, period.since, period.until, (resource_id,))
    values = {"organisation": organisation, "resource_id": resource_id}
    return render_template(
        "assessment/instrument.html",
        one=one,
        period=period,
        tabs=period_tabs(period, ".instrument", **values),
        neighbours=neighbours(period, ".instrument", **values),
        figure_href=figure_href(organisation, period, resource_id),
        months=month_chart(usage_rows.months(rows), organisation, period, resource_id),
        week=week_chart(usage_rows.week_load(rows, own_host().zone)),
        purposes=sorted(one.facts.hours.by_purpose.items(), key=lambda pair: -pair[1]),
        grades=sorted(one.facts.hours.by_grade.items()),
    )


@blueprint.get("/<uuid:resource_id>/inputs")
@allows(*WITH_LABORATORY)
def inputs(organisation: str, resource_id: UUID) -> str:
    """What only people know about an instrument's year."""
    period = asked_period()
    one = service.instrument_year(HostKey(g.actor.organisation_id, resource_id), period, by=g.actor)
    standing = one.facts.inputs
    form = forms.Form(
        {
            **standing.values,
            "rated_class": (standing.rated_class or one.facts.earlier_class or ""),
            "version": standing.version,
        }
    )
    return _inputs_page(organisation, period, one, form)


def _inputs_page(organisation: str, period: Period, one: InstrumentYear, form: forms.Form) -> str:
    key = HostKey(g.actor.organisation_id, one.facts.resource_id)
    return render_template(
        "assessment/inputs.html",
        one=one,
        form=form,
        period=period,
        benefit_inputs=BENEFIT_INPUTS,
        table_inputs=TABLE_INPUTS,
        rated_classes=[(each.value, words.word("assessment.rated_class", each)) for each in RatedClass],
        history=service.input_history(key, period, by=g.actor),
        action=url_for(
            ".save_inputs",
            organisation=organisation,
            resource_id=one.facts.resource_id,
            period=period.label,
            next=request.args.get("next"),
        ),
        back=url_for(
            ".instrument", organisation=organisation, resource_id=one.facts.resource_id, period=period.label
        ),
    )


@blueprint.post("/<uuid:resource_id>/inputs")
@allows(*WITH_LABORATORY)
@forms.once
def save_inputs(organisation: str, resource_id: UUID) -> AnyResponse | tuple[str, int]:
    period = asked_period()
    key = HostKey(g.actor.organisation_id, resource_id)
    form = forms.Form.sent()
    values: dict[InputCode, int | None] = {
        code: form.whole(code.value, most=service.MOST_OF_ONE_INPUT) for code in InputCode
    }
    rated = form.text("rated_class")
    note = form.text("note", longest=500) or ""
    version = form.whole("version") or 0
    if rated and rated not in RatedClass.__members__.values():
        form.note("rated_class", "form.not_a_choice")
    if form.ok:
        try:
            service.save_inputs(
                key,
                period,
                values,
                RatedClass(rated) if rated else None,
                version=version,
                note=note,
                by=g.actor,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved. The score counts it from now on."))
            return redirect(_after_saving(organisation, period, key), 303)
    one = service.instrument_year(key, period, by=g.actor)
    return _inputs_page(organisation, period, one, form), form.status


def _after_saving(organisation: str, period: Period, key: HostKey) -> str:
    """Back to the instrument; with ``?next`` straight to the next one that lacks something."""
    if request.args.get("next") and g.actor.has(*OFFICE):
        found = service.year(key.institution_id, period, by=g.actor)
        for each in found.scored:
            if each.facts.resource_id != key.id and each.inputs_missing:
                return url_for(
                    ".inputs",
                    organisation=organisation,
                    resource_id=each.facts.resource_id,
                    period=period.label,
                    next="1",
                )
    return url_for(".instrument", organisation=organisation, resource_id=key.id, period=period.label)
