"""The office's approvals: what waits, how it differs from what is in force, approve or send back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.catalogue import service
from resource_hub.entrypoints.support.forms import Form, once, remember_zone
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.catalogue import hooks
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey

blueprint = Blueprint("approvals", __name__)

Answer = str | Response | tuple[str, int]


@blueprint.get("/o/<organisation>/approvals")
@allows(*service.APPROVES)
def index(organisation: str) -> str:
    """Listings (and, from their own area, tariffs) that wait for the office, longest waiting first."""
    return _page(organisation, Form(), None)


def _page(organisation: str, form: Form, failed: UUID | None) -> str:
    host = accounts.organisation(g.actor.organisation_id)
    remember_zone(host.zone)
    waiting = service.pending(g.actor)
    later = service.approved_later(g.actor)
    people = accounts.people({p.change.submitted_by for p in [*waiting, *later] if p.change.submitted_by})
    return render_template(
        "catalogue/approvals.html",
        waiting=waiting,
        later=later,
        people=people,
        organisation=organisation,
        form=form,
        failed=failed,
        **hooks.approvals(g.actor),
    )


@blueprint.post("/o/<organisation>/approvals/<uuid:change_id>/approve")
@allows(*service.APPROVES)
@once
def approve(organisation: str, change_id: UUID) -> Answer:
    """In force from its day on."""
    form = Form.sent()
    day, note, version = form.day("effective_on"), form.text("note", longest=2_000) or "", form.version()
    return _decided(
        organisation, change_id, form, _("Approved."),
        lambda key: service.approve(key, by=g.actor, effective_on=day, note=note, version=version),
    )  # fmt: skip


@blueprint.post("/o/<organisation>/approvals/<uuid:change_id>/refuse")
@allows(*service.APPROVES)
@once
def refuse(organisation: str, change_id: UUID) -> Answer:
    """Back to who handed it in, with the reason."""
    form = Form.sent()
    note, version = form.text("note", required=True, longest=2_000) or "", form.version()
    return _decided(
        organisation, change_id, form, _("Sent back with your reason."),
        lambda key: service.refuse(key, by=g.actor, note=note, version=version),
    )  # fmt: skip


def _decided(organisation: str, change_id: UUID, form: Form, done: str, action: Any) -> Answer:
    if form.ok:
        try:
            action(HostKey(g.actor.organisation_id, change_id))
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            flash(done)
            return redirect(url_for("approvals.index", organisation=organisation), 303)
    return _page(organisation, form, change_id), form.status
