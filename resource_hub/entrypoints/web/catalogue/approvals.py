"""The office's approvals: what waits, how it differs from what is in force, approve or send back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.catalogue import service
from resource_hub.entrypoints.support import paging
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


@blueprint.get("/o/<organisation>/approvals/<any(listings,tariffs,later):view>", endpoint="part")
@allows(*service.APPROVES)
def part(organisation: str, view: str) -> str:
    """All listings that wait, all tariffs that wait, or all that is approved for a day to come."""
    return _page(organisation, Form(), None, view)


def _page(organisation: str, form: Form, failed: UUID | None, view: str = "") -> str:
    """The first of each kind, or one kind page by page."""
    host = accounts.organisation(g.actor.organisation_id)
    remember_zone(host.zone)
    waiting = _listings(service.pending, view) if view in ("", "listings") else None
    later = _listings(service.approved_later, view) if view in ("", "later") else None
    shown = waiting.items if waiting else ()
    people = accounts.people({p.change.submitted_by for p in shown if p.change.submitted_by})
    return render_template(
        "catalogue/approvals.html",
        view=view,
        waiting=waiting,
        count=service.pending_count(g.actor.organisation_id) if waiting else 0,
        later=later,
        people=people,
        organisation=organisation,
        form=form,
        failed=failed,
        beside=failed in {p.change.key.id for p in shown},
        **hooks.approvals(g.actor, view),
    )


def _listings(
    read: Callable[..., list[service.PendingListing]], view: str
) -> paging.Page[service.PendingListing]:
    place = paging.unpack(paging.asked_after(), datetime, UUID) if view else None
    limit = paging.asked_limit()
    found = read(g.actor, limit + 1, place)
    return paging.page_of(found, limit, lambda p: (p.change.submitted_at, p.change.key.id))


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
