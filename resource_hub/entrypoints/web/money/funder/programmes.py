"""Programmes of a funder with their budgets and numbers entered by hand, and applications for quota."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.subsidy import service
from resource_hub.domain.subsidy.terms import (
    ProgrammeState,
)
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.money import parts
from resource_hub.entrypoints.web.money.funder.common import (
    ADMIN,
    PEOPLE,
    Answer,
    blueprint,
    me,
    own_programme,
    tell,
    this_year,
    today,
)
from resource_hub.entrypoints.web.money.subsidy import card
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import FunderKey


@blueprint.get("/o/<organisation>/programmes")
@allows(*PEOPLE)
def programmes(organisation: str) -> str:
    """Programmes with their rules, sources and money."""
    return _programmes_page(organisation, Form({"year": today().year}))


def _programmes_page(organisation: str, form: Form, failed: UUID | None = None) -> str:
    funder_id = me()
    year = this_year()
    own = service.programmes(funder_id)
    money = {b.programme_id: b for b in service.budgets([p.id for p in own], year)} if own else {}
    taken = {p.scheme for p in own}
    return render_template(
        "money/programmes.html",
        organisation=organisation,
        year=year,
        cards=[{"programme": p, "card": card(p), "budget": money.get(p.id)} for p in own],
        schemes=[s for s in service.support_schemes() if s.code not in taken],
        may_change=g.actor.has(*ADMIN),
        form=form,
        failed=failed,
    )


@blueprint.post("/o/<organisation>/programmes")
@allows(*ADMIN)
@once
def open_programme(organisation: str) -> Answer:
    """Make a programme out of a scheme of the rulebook."""
    form = Form.sent()
    scheme = form.text("scheme", required=True, longest=120)
    code = form.text("code", required=True, longest=60)
    if form.ok and scheme and code:
        try:
            service.open_programme(me(), code, scheme, by=g.actor)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("The programme is open."))
            return redirect(url_for("funder.programmes", organisation=organisation), 303)
    return _programmes_page(organisation, form), form.status


@blueprint.post("/o/<organisation>/programmes/<uuid:programme_id>/budget")
@allows(*ADMIN)
@once
def budget(organisation: str, programme_id: UUID) -> Answer:
    """Set the money of a year."""
    found = own_programme(programme_id)
    form = Form.sent()
    amount = form.money("amount", required=True)
    year = form.whole("year", required=True, least=2000, most=2100)
    if form.ok and amount is not None and year:
        try:
            service.set_budget(found.id, year, amount, by=g.actor, version=form.version())
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Budget set."))
            return redirect(url_for("funder.programmes", organisation=organisation, year=year), 303)
    return _programmes_page(organisation, form, programme_id), form.status


@blueprint.post("/o/<organisation>/programmes/<uuid:programme_id>/state")
@allows(*ADMIN)
@once
def state(organisation: str, programme_id: UUID) -> Response:
    """Open or close a programme for new use."""
    found = own_programme(programme_id)
    wanted = ProgrammeState.CLOSED if found.state is ProgrammeState.OPEN else ProgrammeState.OPEN
    service.set_programme_state(found.id, wanted, by=g.actor)
    flash(_("The programme is closed.") if wanted is ProgrammeState.CLOSED else _("The programme is open."))
    return redirect(url_for("funder.programmes", organisation=organisation), 303)


@blueprint.post("/o/<organisation>/programmes/<uuid:programme_id>/entered")
@allows(*ADMIN)
@once
def entered(organisation: str, programme_id: UUID) -> Response:
    """Enter a value that cannot be read in the copy of the document."""
    found = own_programme(programme_id)
    form = Form.sent()
    name, value = form.text("name", required=True), form.text("value", required=True, longest=40)
    if name and value:
        try:
            service.enter_parameter(found.id, name, value, by=g.actor)
        except DomainError as error:
            tell(error)
        else:
            flash(_("Entered; it is marked as such wherever it is used."))
    return redirect(url_for("funder.programmes", organisation=organisation), 303)


# ---- applications for quota


@blueprint.get("/o/<organisation>/applications")
@allows(*PEOPLE)
def applications(organisation: str) -> str:
    """Applications for quota: waiting ones first, then what was granted and used."""
    funder_id = me()
    quotas = service.quotas_of_funder(funder_id)
    known = parts.names(
        customers={q.customer_id for q in quotas}, programmes={q.programme_id for q in quotas}
    )
    owners = accounts.organisation_names({c.organisation_id for c in known.customers.values()})
    rows: list[dict[str, Any]] = [
        {
            "quota": q,
            "customer": known.customers.get(q.customer_id),
            "owner": owners.get(known.customers[q.customer_id].organisation_id)
            if q.customer_id in known.customers
            else None,
            "programme": known.programmes.get(q.programme_id),
            "size": accounts.firm_size(q.customer_id, today()),
        }
        for q in quotas
    ]
    return render_template(
        "money/applications.html",
        organisation=organisation,
        waiting=[r for r in rows if r["quota"].state == "requested"],
        decided=[r for r in rows if r["quota"].state != "requested"],
    )


@blueprint.post("/o/<organisation>/applications/<uuid:quota_id>")
@allows(*PEOPLE)
@once
def decide(organisation: str, quota_id: UUID) -> Response:
    """Grant (perhaps less) or refuse with a reason."""
    form = Form.sent()
    grant = form.value("answer") == "grant"
    amount = form.money("amount") if grant else None
    note = form.text("note", longest=2000) or ""
    try:
        service.decide_quota(
            FunderKey(me(), quota_id), grant, by=g.actor, amount=amount, note=note, version=form.version()
        )
    except NotFound:
        raise
    except DomainError as error:
        tell(error)
    else:
        flash(_("Granted.") if grant else _("Refused with your reason."))
    return redirect(url_for("funder.applications", organisation=organisation), 303)
