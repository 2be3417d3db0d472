"""The platform's page of organisations: registrations to check, duplicates to decide, new hosts and funders."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.terms import OrganisationKind, OrganisationState, Role
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.formatting import named
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.kernel.errors import DomainError, NotFound, Reason

blueprint = Blueprint("organisations", __name__)
Answer = str | Response | tuple[str, int]
_SHOWN = 25
_MERGES_SHOWN = 20


@blueprint.get("/o/<organisation>/organisations")
@allows(Role.PLATFORM_STAFF)
def index(organisation: str) -> Answer:
    return _page(organisation, Form())


def _page(organisation: str, form: Form) -> tuple[str, int]:
    _only_platform()
    kinds = {k.value: k for k in OrganisationKind}
    states = {s.value: s for s in OrganisationState}
    kind, state = kinds.get(request.args.get("kind", "")), states.get(request.args.get("state", ""))
    after = paging.unpack(request.args.get("after"), UUID)
    found = service.organisations(
        kind=kind,
        states=(state,) if state else None,
        text=request.args.get("q", "").strip()[:200],
        limit=_SHOWN + 1,
        after=after[0] if after else None,
    )
    merges = service.merge_proposals(by=g.actor)
    waiting = service.registrations_to_check(g.actor)
    html = render_template(
        "accounts/organisations.html",
        form=form,
        organisation=organisation,
        page=paging.page_of(found, _SHOWN, lambda o: (o.id,)),
        waiting=[(o, [Reason.from_json(r) for r in o.settings.get("doubts", [])]) for o in waiting],
        merges=merges[:_MERGES_SHOWN],
        merges_in_all=len(merges),
        kinds=list(kinds),
        states=list(states),
    )
    return html, form.status


def _only_platform() -> None:
    if g.actor.organisation_kind is not OrganisationKind.PLATFORM:
        raise NotFound()


@blueprint.post("/o/<organisation>/organisations/<uuid:organisation_id>/decide")
@allows(Role.PLATFORM_STAFF)
@once
def decide(organisation: str, organisation_id: UUID) -> Answer:
    form = Form.sent()
    accept = form.choice("answer", ("accept", "refuse"), required=True) == "accept"
    reason = form.text("reason", required=True, longest=1000)
    version = form.version() or 0
    if form.ok and reason:
        try:
            made = service.decide_registration(
                organisation_id, accept=accept, reason=reason, version=version, by=g.actor
            )
            text = _("%(name)s is accepted.") if accept else _("%(name)s is refused.")
            flash(text % {"name": named(made)}, "good")
            return redirect(url_for("organisations.index", organisation=organisation), 303)
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
    return _page(organisation, form)


@blueprint.post("/o/<organisation>/organisations/merges/<uuid:proposal_id>")
@allows(Role.PLATFORM_STAFF)
@once
def merge(organisation: str, proposal_id: UUID) -> Answer:
    form = Form.sent()
    keep = form.text("keep", required=True, longest=40)
    if form.ok and keep:
        try:
            keep_id = None if keep == "apart" else UUID(keep)
        except ValueError:
            form.note("keep", "form.not_an_id")
            return _page(organisation, form)
        try:
            service.decide_merge(proposal_id, keep_id=keep_id, by=g.actor)
            flash(_("Kept apart.") if keep_id is None else _("Merged."), "good")
            return redirect(url_for("organisations.index", organisation=organisation) + "#merges", 303)
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
    return _page(organisation, form)


@blueprint.post("/o/<organisation>/organisations")
@allows(Role.PLATFORM_STAFF)
@once
def create(organisation: str) -> Answer:
    """Set up an institution or funder and invite its first administrator."""
    form = Form.sent()
    kind = form.choice("kind", (OrganisationKind.INSTITUTION, OrganisationKind.FUNDER), required=True)
    code = form.text("code", required=True, longest=60) or ""
    fields = service.OrganisationFields(
        name_zh=form.text("name_zh", required=True) or "",
        name_en=form.text("name_en") or "",
        region_zh=form.text("region_zh", longest=100) or "",
        region_en=form.text("region_en", longest=100) or "",
        jurisdiction=form.text("jurisdiction", longest=12) or "CN",
        zone=form.text("zone", longest=60) or "Asia/Shanghai",
    )
    email = form.email("email", required=True)
    uscc = form.text("uscc", longest=60)
    if form.ok and kind and email:
        try:
            made = service.create_organisation(
                OrganisationKind(kind),
                code=code,
                fields=fields,
                uscc=uscc,
                by=g.actor,
                first_administrator=email,
            )
            flash(_("%(name)s is set up; %(email)s is invited.", name=named(made), email=email), "good")
            return redirect(url_for("organisations.index", organisation=organisation), 303)
        except DomainError as error:
            form.refuse(error)
    return _page(organisation, form)
