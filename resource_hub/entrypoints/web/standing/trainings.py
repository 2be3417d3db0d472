"""Trainings of a host: which there are, who has passed them and until when, confirm one, take one back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import formatting, paging
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.catalogue import hooks
from resource_hub.entrypoints.web.standing.blueprints import blueprint, training_rows
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone


def _links(organisation: str, record: ResourceRecord) -> list[tuple[str, str]]:
    if record.takes_access_requests:
        return []
    return [(_("Trainings"), url_for("standing.trainings", organisation=organisation))]


hooks.manage_links.append(_links)


@blueprint.get("/o/<organisation>/trainings")
@allows(*accounts.TRAINS)
def trainings(organisation: str) -> tuple[str, int]:
    return _page(organisation)


def _page(
    organisation: str, grant: Form | None = None, kind: Form | None = None, revoke: Form | None = None
) -> tuple[str, int]:
    types = accounts.training_types(g.actor.organisation_id)
    chosen = next((one for one in types if one.code == request.args.get("training")), None)
    limit = paging.asked_limit(30)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    type_id = chosen.key.id if chosen else None
    rows = training_rows(accounts.trainings_at(g.actor, limit + 1, after, type_id=type_id))
    today = local_day(clock.now(), zone(accounts.organisation(g.actor.organisation_id).zone))
    html = render_template(
        "standing/trainings.html",
        organisation_code=organisation,
        types=types,
        chosen=chosen,
        names=[
            (str(one.key.id), formatting.named({"name": {"zh": one.name_zh, "en": one.name_en}}))
            for one in types
            if one.active
        ],
        page=paging.page_of(rows, limit, lambda row: (row.record.granted_at, row.record.key.id)),
        grant=grant or Form({"since": today, "type": str(chosen.key.id) if chosen else ""}),
        kind=kind or Form(),
        revoke=revoke,
    )
    return html, max(form.status if form else 200 for form in (grant, kind, revoke))


@blueprint.post("/o/<organisation>/trainings/types")
@allows(*accounts.TRAINS)
@once
def training_added(organisation: str) -> Any:
    form = Form.sent()
    months = form.whole("valid_months", most=240) or 0
    values = {name: form.text(name, longest=120) or "" for name in ("code", "name_zh", "name_en")}
    if not form.ok:
        return _page(organisation, kind=form)
    try:
        accounts.add_training_type(**values, valid_months=months, by=g.actor)
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, kind=form)
    flash(_("Added; house rules may ask for it now."), "good")
    return redirect(url_for("standing.trainings", organisation=organisation), 303)


@blueprint.post("/o/<organisation>/trainings")
@allows(*accounts.TRAINS)
@once
def training_granted(organisation: str) -> Any:
    form = Form.sent()
    type_id, email = form.id("type", required=True), form.email("email", required=True)
    since, until = form.day("since", required=True), form.day("until")
    note = form.text("note", longest=500) or ""
    if not form.ok or type_id is None or email is None or since is None:
        return _page(organisation, grant=form)
    try:
        found = accounts.grant_training(type_id, email, since=since, until=until, note=note, by=g.actor)
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, grant=form)
    name = accounts.person(found.person_id).name
    flash(_("Confirmed for %(name)s, who is told.", name=name), "good")
    return redirect(url_for("standing.trainings", organisation=organisation), 303)


@blueprint.post("/o/<organisation>/trainings/<uuid:qualification_id>/revoke")
@allows(*accounts.TRAINS)
@once
def training_revoked(organisation: str, qualification_id: UUID) -> Any:
    form = Form.sent()
    key = HostKey(g.actor.organisation_id, qualification_id)
    try:
        accounts.revoke_training(
            key, reason=form.text("reason", longest=500) or "", by=g.actor, version=form.version()
        )
    except NotFound:
        raise
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, revoke=form)
    flash(_("Revoked; the person is told."), "good")
    return redirect(url_for("standing.trainings", organisation=organisation), 303)
