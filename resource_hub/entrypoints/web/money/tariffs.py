"""Tariffs: edited as a form, read back as sentences, compared, tried on past use, approved by the office."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.billing import service as billing
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.pricing import service
from resource_hub.domain.pricing.errors import InvalidTariff
from resource_hub.domain.pricing.terms import TariffRecord, TariffState
from resource_hub.entrypoints.support import money_text, paging
from resource_hub.entrypoints.support.forms import Form, once, remember_zone
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.catalogue import hooks
from resource_hub.entrypoints.web.money import tariff_form
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint("tariffs", __name__)

Answer = str | Response | tuple[str, int]


def _link(organisation: str, record: ResourceRecord) -> Iterable[tuple[str, str]]:
    yield _("Tariff"), url_for("tariffs.show", organisation=organisation, resource_id=record.key.id)


def _waiting(by: Actor, view: str) -> dict[str, Any]:
    """Tariffs on the office's page of approvals: the first of them among the rest, all of them by themselves."""
    if view not in ("", "tariffs"):
        return {}
    place = paging.unpack(paging.asked_after(), datetime, UUID) if view else None
    limit = paging.asked_limit()
    waiting = service.tariffs_waiting(by.organisation_id, limit + 1, (place[0], place[1]) if place else None)
    page = paging.page_of(waiting, limit, lambda record: (record.submitted_at, record.key.id))
    before = service.tariffs_before(page.items)
    resources = catalogue.resources({record.resource_key for record in page.items})
    return {
        "tariffs": page,
        "tariffs_waiting": [
            _card(record, resources[record.resource_key], before.get(record.key)) for record in page.items
        ],
        "tariffs_count": service.tariffs_waiting_count(by.organisation_id),
    }


hooks.manage_links.append(_link)
hooks.approval_context.append(_waiting)


def _card(record: TariffRecord, resource: ResourceRecord, before: TariffRecord | None) -> dict[str, Any]:
    """A tariff with everything that deciding about it needs."""
    return {
        "record": record,
        "resource": resource,
        "sentences": _sentences(record),
        "changes": _changes(before, record),
        "before": before,
    }


def _sentences(record: TariffRecord) -> list[str]:
    return [money_text.sentence(reason, record.currency) for reason in service.read_back(record.document)]


def _changes(before: TariffRecord | None, after: TariffRecord) -> list[dict[str, Any]]:
    """Sentences that went and came: what a reader compares, not field names."""
    old = _sentences(before) if before else []
    new = _sentences(after)
    return [{"text": s, "gone": True} for s in old if s not in new] + [
        {"text": s, "gone": False} for s in new if s not in old
    ]


def _resource(resource_id: UUID) -> ResourceRecord:
    record = catalogue.resource(HostKey(g.actor.organisation_id, resource_id))
    remember_zone(record.zone)
    return record


def _own_tariff(resource: ResourceRecord, tariff_id: UUID) -> TariffRecord:
    record = service.tariff(HostKey(g.actor.organisation_id, tariff_id))
    if record.resource_id != resource.key.id:
        raise NotFound()
    return record


@blueprint.get("/o/<organisation>/resources/<uuid:resource_id>/tariff")
@allows(*service.WRITES)
def show(organisation: str, resource_id: UUID) -> str:
    """The tariff in force, what waits, and every one before."""
    resource = _resource(resource_id)
    history = service.tariffs(resource.key)
    today = local_day(clock.now(), zone(resource.zone))
    current = service.tariff_in_force(resource.key, today)
    people = accounts.people({p for t in history for p in (t.submitted_by, t.decided_by) if p})
    open_ones = [t for t in history if t.state in (TariffState.DRAFT, TariffState.PENDING)]
    later = [t for t in history if t.state is TariffState.APPROVED and t.since > today]
    return render_template(
        "money/tariff.html",
        organisation=organisation,
        resource=resource,
        current=current,
        sentences=_sentences(current) if current else [],
        history=history,
        open_ones=[
            {"record": t, "sentences": _sentences(t), "changes": _changes(current, t)} for t in open_ones
        ],
        later=[{"record": t, "sentences": _sentences(t), "changes": _changes(current, t)} for t in later],
        people=people,
        today=today,
        may_write=service.may_write(g.actor, resource),
        may_approve=g.actor.has(*service.APPROVES),
    )


@blueprint.get("/o/<organisation>/resources/<uuid:resource_id>/tariff/edit")
@allows(*service.WRITES)
def edit(organisation: str, resource_id: UUID) -> str:
    """The form, filled with a draft, or with a copy of the tariff in force."""
    resource = _resource(resource_id)
    asked = request.args.get("draft", "")
    draft = _own_tariff(resource, UUID(asked)) if asked else None
    today = local_day(clock.now(), zone(resource.zone))
    source = draft or service.tariff_in_force(resource.key, today)
    since = draft.since if draft else today + timedelta(days=1)
    form = Form(
        tariff_form.initial(
            source.document if source else None,
            since=since,
            basis=source.basis if source else "",
            note=draft.note if draft else "",
            version=draft.version if draft else None,
            draft=str(draft.key.id) if draft else "",
        )
    )
    return _form_page(organisation, resource, form, source.document if source else None)


def _form_page(
    organisation: str,
    resource: ResourceRecord,
    form: Form,
    before: Any,
    *,
    said: list[str] | None = None,
    tried: Any = None,
) -> str:
    return render_template(
        "money/tariff_form.html",
        organisation=organisation,
        resource=resource,
        form=form,
        classes=tariff_form.classes_of(before),
        counts={
            "bands": max(tariff_form.BANDS, len((before or {}).get("bands") or [])),
            "steps": tariff_form.STEPS,
            "breaks": tariff_form.BREAKS,
            "extras": max(tariff_form.EXTRAS, len((before or {}).get("extras") or [])),
        },
        week=tariff_form.WEEK,
        said=said,
        tried=tried,
    )


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/tariff/edit")
@allows(*service.WRITES)
@once
def save(organisation: str, resource_id: UUID) -> Answer:
    """Look (read back, difference, tried on the past), keep as a draft, or keep and hand in."""
    resource = _resource(resource_id)
    form = Form.sent()
    draft_id = form.id("draft")
    draft = _own_tariff(resource, draft_id) if draft_id else None
    in_force = service.tariff_in_force(resource.key, local_day(clock.now(), zone(resource.zone)))
    before = (draft or in_force).document if (draft or in_force) else None  # type: ignore[union-attr]
    since = form.day("since", required=True)
    document = tariff_form.read(form, before)
    basis, note = form.text("basis", longest=2_000) or "", form.text("note", longest=2_000) or ""
    action = form.value("action", "look")
    try:
        reasons = service.read_back(document)
    except InvalidTariff as fault:
        form.refuse(InvalidTariff(*(tariff_form.field_of(reason) for reason in fault.reasons)))
        return _form_page(organisation, resource, form, before), form.status
    if action == "look" or not form.ok or since is None:
        said = [money_text.sentence(reason, document["currency"]) for reason in reasons]
        page = _form_page(organisation, resource, form, before, said=said, tried=_tried(resource, document))
        return page if form.ok else (page, form.status)
    try:
        record = service.save_draft(
            resource.key, document, since, by=g.actor, basis=basis, note=note, tariff_id=draft_id,
            version=form.version(),
        )  # fmt: skip
        if action == "submit":
            service.submit(record.key, by=g.actor)
    except DomainError as error:
        form.refuse(error)
        return _form_page(organisation, resource, form, before), form.status
    flash(_("Handed to the office.") if action == "submit" else _("Saved as a draft."))
    return redirect(url_for("tariffs.show", organisation=organisation, resource_id=resource_id), 303)


def _tried(resource: ResourceRecord, document: dict[str, Any]) -> dict[str, Any]:
    """What past uses would have cost: the sums, and the uses that change most."""
    lines = billing.tried(resource.key, document)
    priced = [line for line in lines if line.would_be is not None]
    currency = document["currency"]
    was = Money.sum(
        (line.charge.gross for line in priced if line.charge.gross.currency == currency), currency
    )
    would = Money.sum((line.would_be for line in priced if line.would_be is not None), currency)
    changed = [line for line in priced if line.would_be != line.charge.gross]
    changed.sort(key=lambda line: -abs(line.would_be.minor - line.charge.gross.minor))  # type: ignore[union-attr]
    return {
        "count": len(lines),
        "unpriced": len(lines) - len(priced),
        "was": was,
        "would": would,
        "changed": changed[:10],
        "changed_count": len(changed),
    }


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/tariff/<uuid:tariff_id>/submit")
@allows(*service.WRITES)
@once
def submit(organisation: str, resource_id: UUID, tariff_id: UUID) -> Response:
    resource = _resource(resource_id)
    service.submit(_own_tariff(resource, tariff_id).key, by=g.actor, version=Form.sent().version())
    flash(_("Handed to the office."))
    return redirect(url_for("tariffs.show", organisation=organisation, resource_id=resource_id), 303)


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/tariff/<uuid:tariff_id>/withdraw")
@allows(*service.WRITES)
@once
def withdraw(organisation: str, resource_id: UUID, tariff_id: UUID) -> Response:
    resource = _resource(resource_id)
    service.withdraw(_own_tariff(resource, tariff_id).key, by=g.actor, version=Form.sent().version())
    flash(_("Withdrawn."))
    return redirect(url_for("tariffs.show", organisation=organisation, resource_id=resource_id), 303)


@blueprint.post("/o/<organisation>/tariffs/<uuid:tariff_id>/approve")
@allows(*service.APPROVES)
@once
def approve(organisation: str, tariff_id: UUID) -> Response:
    """In force from its day on."""
    form = Form.sent()
    note = form.text("note", longest=2_000) or ""
    try:
        service.approve(
            HostKey(g.actor.organisation_id, tariff_id), by=g.actor, note=note, version=form.version()
        )
    except NotFound:
        raise
    except DomainError as error:
        _flash_reasons(error)
    else:
        flash(_("Approved."))
    return redirect(url_for("approvals.index", organisation=organisation) + "#tariffs", 303)


@blueprint.post("/o/<organisation>/tariffs/<uuid:tariff_id>/refuse")
@allows(*service.APPROVES)
@once
def refuse(organisation: str, tariff_id: UUID) -> Response:
    """Back to who handed it in, with the reason."""
    form = Form.sent()
    note = form.text("note", required=True, longest=2_000)
    if note is None:
        flash(_("Say why it is sent back."), "error")
    else:
        service.refuse(
            HostKey(g.actor.organisation_id, tariff_id), by=g.actor, note=note, version=form.version()
        )
        flash(_("Sent back with your reason."))
    return redirect(url_for("approvals.index", organisation=organisation) + "#tariffs", 303)


def _flash_reasons(error: DomainError) -> None:
    from resource_hub.entrypoints.support import sentences

    for told in sentences.tell_all(error):
        flash(told.whole, "error")
