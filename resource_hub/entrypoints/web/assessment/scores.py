"""The institution's own rate, and self-assessments frozen as they stood."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from uuid import UUID

from flask import Response, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.rules import periods
from resource_hub.entrypoints.support import exports, forms
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.assessment.common import OFFICE, asked_period, blueprint, own_host
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey


@blueprint.post("/rate")
@allows(*OFFICE)
@forms.once
def save_rate(organisation: str) -> AnyResponse:
    """The points per 1,000 yuan of internal income, which no copy of the form shows."""
    period = asked_period()
    form = forms.Form.sent()
    rate = form.decimal("internal_rate", most="100")
    note = form.text("note", longest=500) or ""
    if form.ok:
        try:
            service.set_internal_rate(
                g.actor.organisation_id,
                period,
                None if rate is None else Fraction(rate),
                version=form.whole("version") or 0,
                note=note,
                by=g.actor,
            )
            flash(_("The rate is set; scores that were ranges because of it are exact now."))
        except DomainError as error:
            form.refuse(error)
    for told in form.errors:
        flash(told.whole, "bad")
    return redirect(url_for(".year", organisation=organisation, period=period.label) + "#rate", 303)


@blueprint.post("/freeze")
@allows(*OFFICE)
@forms.once
def freeze(organisation: str) -> AnyResponse:
    """Keep the year's figures as they are, with all that is needed to recompute them."""
    period = asked_period()
    key = service.freeze(g.actor.organisation_id, period, by=g.actor)
    flash(_("Kept. Anyone can recompute it from the file."))
    return redirect(url_for(".frozen", organisation=organisation, score_id=key.id), 303)


@blueprint.get("/kept/<uuid:score_id>")
@allows(*OFFICE)
def frozen(organisation: str, score_id: UUID) -> str:
    """A kept self-assessment, recomputed on the spot from its own facts and rules."""
    own_host()
    key = HostKey(g.actor.organisation_id, score_id)
    kept = service.frozen_score(key, by=g.actor)
    since = date.fromisoformat(kept.document["facts"]["since"])
    return render_template(
        "assessment/frozen.html",
        kept=kept,
        period=periods.around(kept.period_kind, since),
        replay=service.replay(key, by=g.actor),
        result=kept.document["result"],
    )


@blueprint.get("/kept/<uuid:score_id>.json")
@allows(*OFFICE)
def frozen_file(organisation: str, score_id: UUID) -> Response:
    """The exact bytes that were hashed."""
    kept = service.frozen_score(HostKey(g.actor.organisation_id, score_id), by=g.actor)
    name = f"{kept.document['host']}-{kept.period.isoformat()}-{kept.digest[:12]}.json"
    return exports.file_response(name, kept.body, "application/json")
