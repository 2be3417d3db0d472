"""Managing listings: the list of one's resources, making and changing a listing, units, history, copying settings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service as booking
from resource_hub.domain.catalogue import kinds as kind_fields
from resource_hub.domain.catalogue import rules, service
from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.terms import (
    TIMED_KINDS,
    ChangeState,
    ListingContents,
    ListingState,
    Mode,
    ResourceKind,
    ResourceRecord,
    UnitRecord,
    WorkingOrder,
)
from resource_hub.entrypoints.support import formatting, paging, uploads
from resource_hub.entrypoints.support.forms import Form, once, remember_zone
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.availability.hits import settled, settling_page, typed_verdicts
from resource_hub.entrypoints.web.catalogue import helpers, hooks, listing_form
from resource_hub.entrypoints.web.catalogue.public import own_record
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint("manage", __name__)
PAGE = 50

Answer = str | Response | tuple[str, int]


def _today() -> date:
    return local_day(clock.now(), zone(accounts.organisation(g.actor.organisation_id).zone))


@blueprint.get("/o/<organisation>/resources")
@allows(*service.MANAGES)
def index(organisation: str) -> str:
    """The resources that this person looks after."""
    state = request.args.get("state", "")
    states = (ListingState(state),) if state in {str(s) for s in ListingState} else ()
    kind = request.args.get("kind", "")
    kinds = (ResourceKind(kind),) if kind in {str(k) for k in ResourceKind} else ()
    text = request.args.get("q", "").strip()[:100]
    records = service.resources_managed_by(
        g.actor, states=states, kinds=kinds, text=text, after=request.args.get("after", ""), limit=PAGE + 1
    )
    shown = records[:PAGE]
    counts = service.state_counts(g.actor)
    host = accounts.organisation(g.actor.organisation_id)
    remember_zone(host.zone)
    return render_template(
        "catalogue/manage.html",
        records=shown,
        clocks={record.key: service.listing_clock(record, host) for record in shown},
        departments={d.id: d for d in accounts.departments(g.actor.organisation_id)},
        counts=counts,
        total=sum(counts.values()),
        state=state,
        page=paging.Page(shown, shown[-1].code if len(records) > PAGE else None),
        organisation=organisation,
    )


# ---- one listing ---------------------------------------------------------------------------------------------


@blueprint.get("/o/<organisation>/resources/new")
@allows(*service.MANAGES)
def new(organisation: str) -> str:
    """Which kind of resource, then its form."""
    kind = request.args.get("kind", "")
    if kind not in {str(k) for k in ResourceKind}:
        return render_template("catalogue/new_kind.html", organisation=organisation)
    contents = ListingContents(modes=(Mode.STAFF_RUN,) if kind == "instrument" else ())
    form = Form({**listing_form.initial(contents), "units": 1})
    return _form_page(organisation, form, ResourceKind(kind), None)


@blueprint.post("/o/<organisation>/resources/new")
@allows(*service.MANAGES)
@once
def create(organisation: str) -> Answer:
    """Keep a new resource as a draft."""
    form = Form.sent()
    kind = ResourceKind(form.choice("kind", ResourceKind, required=True) or "instrument")
    contents = listing_form.read(form, kind, ListingContents(), _today())
    code = form.text("code", required=True, longest=60) or ""
    department = form.id("department_id")
    units = form.whole("units", least=1, most=500) if kind in TIMED_KINDS else 0
    if form.ok:
        try:
            record = service.create(
                g.actor.organisation_id,
                kind,
                code,
                contents,
                by=g.actor,
                department_id=department,
                units=units or 1,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Kept as a draft. Nobody outside sees it yet."))
            return redirect(url_for("manage.show", organisation=organisation, resource_id=record.key.id), 303)
    return _form_page(organisation, form, kind, None), form.status


def _form_page(organisation: str, form: Form, kind: ResourceKind, record: Any, **more: Any) -> str:
    language = formatting.language()
    classes = instrument_classes()
    return render_template(
        "catalogue/form.html",
        form=form,
        kind=kind,
        record=record,
        organisation=organisation,
        fields=kind_fields.fields_of(kind),
        departments=[
            (d.id, d.name_in(language))
            for d in accounts.departments(g.actor.organisation_id)
            if g.actor.has(*service.APPROVES) or g.actor.reaches(d.id)
        ],
        needs_department=not g.actor.has(*service.APPROVES) and g.actor.department_ids is not None,
        classes=[
            (
                f"{top.code} {top.name(language)}",
                [(c.code, f"{c.code} {c.name(language)}") for c in classes.below(top.code)],
            )
            for top in classes.top()
            if classes.below(top.code)
        ]
        + [("990000", f"990000 {classes.name('990000', language)}")],
        class_source=classes.citation,
        modes=[(str(mode), word("catalogue.mode", mode)) for mode in Mode],
        timed=kind in TIMED_KINDS,
        **more,
    )


@blueprint.get("/o/<organisation>/resources/<uuid:resource_id>")
@allows(*service.MANAGES)
def show(organisation: str, resource_id: UUID) -> str:
    """One resource for its host: state, what waits, units, history, pages about it."""
    return _show_page(organisation, resource_id, Form())


def _show_page(organisation: str, resource_id: UUID, form: Form) -> str:
    record = own_record(organisation, resource_id)
    change = service.open_change(record.key)
    draft = change.contents if change is not None else record.contents
    lacking = rules.check_contents(record.kind, draft, instrument_classes(), complete=True)
    history = service.changes(record.key)
    people = accounts.people({p for c in history for p in (c.submitted_by, c.decided_by) if p})
    return render_template(
        "catalogue/manage_one.html",
        record=record,
        contents=draft,
        change=change,
        compared=service.compared(change) if change is not None else None,
        lacking=lacking,
        warnings=rules.warnings(record.kind, draft, instrument_classes()),
        units=service.units(record.key),
        unit_seen=service.unit_digest,
        helpers_seen=service.links_digest(service.links_of([record.key])),
        clock=service.listing_clock(record),
        term=service.listing_term(record.accepted_on or _today()),
        history=history,
        people=people,
        orders=[(str(order), word("catalogue.order", order)) for order in WorkingOrder],
        links=hooks.links(organisation, record),
        organisation=organisation,
        form=form,
        may_edit=g.actor.has(*service.APPROVES) or g.actor.reaches(record.department_id),
        steps=_steps(record.state, change.state if change is not None else None),
        timed=record.kind in TIMED_KINDS,
        helper_options=helpers.options(record) if record.kind in TIMED_KINDS else [],
    )


def _steps(state: ListingState, change: ChangeState | None) -> list[dict[str, str]]:
    """Draft → office → public, as far as it has come."""
    place = {
        ListingState.DRAFT: 0,
        ListingState.PENDING: 1,
        ListingState.PUBLIC: 3,
        ListingState.WITHDRAWN: 0,
    }[state]
    if change is ChangeState.APPROVED and state is not ListingState.PUBLIC:
        place = 2
    titles = [_("Draft"), _("Office"), _("Public")]
    return [
        {"title": title, "state": "done" if i < place else "current" if i == place else "todo"}
        for i, title in enumerate(titles)
    ]


@blueprint.get("/o/<organisation>/resources/<uuid:resource_id>/edit")
@allows(*service.MANAGES)
def edit(organisation: str, resource_id: UUID) -> Answer:
    """The draft of the next change, or what is in force as its start."""
    record = own_record(organisation, resource_id)
    change = service.open_change(record.key)
    contents = change.contents if change is not None else record.contents
    initial = {
        **listing_form.initial(contents),
        "department_id": record.department_id,
        "version": record.version,
    }
    return _form_page(organisation, Form(initial), record.kind, record, photo_id=contents.photo_id)


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/edit")
@allows(*service.MANAGES)
@once
def save(organisation: str, resource_id: UUID) -> Answer:
    """Keep the draft, with a photo when one was chosen."""
    record = own_record(organisation, resource_id)
    change = service.open_change(record.key)
    before = change.contents if change is not None else record.contents
    form = Form.sent()
    contents = listing_form.read(form, record.kind, before, _today())
    contents = _with_photo(form, contents)
    department = form.id("department_id")
    if form.ok:
        try:
            service.save_draft(
                record.key, contents, by=g.actor, version=form.version(), department_id=department
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(
                _("Kept as a draft. The public listing stays as it is until the office approves.")
                if record.state is ListingState.PUBLIC
                else _("Kept as a draft. Nobody outside sees it yet.")
            )
            return redirect(url_for("manage.show", organisation=organisation, resource_id=resource_id), 303)
    theirs = listing_form.initial(before) if form.stale else None
    return _form_page(
        organisation, form, record.kind, record, theirs=theirs, photo_id=before.photo_id
    ), form.status


def _with_photo(form: Form, contents: ListingContents) -> ListingContents:
    from dataclasses import replace

    if form.flag("photo_remove"):
        return replace(contents, photo_id=None)
    chosen = form.file("photo", most_bytes=uploads.PHOTOS.limit)
    if chosen is None or not form.ok:
        return contents
    try:
        taken = uploads.take(chosen, uploads.PHOTOS, "photo")
    except DomainError as error:
        form.refuse(error)
        return contents
    record = uploads.note(taken, g.actor.organisation_id, person_id=g.actor.person_id)
    return replace(contents, photo_id=record.id)


# ---- steps ---------------------------------------------------------------------------------------------------


def _step(organisation: str, resource_id: UUID, form: Form, done: str, action: Any) -> Answer:
    """Do one step and go back to the page of the resource, or show the page with the reasons."""
    if form.ok:
        try:
            action()
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            flash(done)
            return redirect(url_for("manage.show", organisation=organisation, resource_id=resource_id), 303)
    return _show_page(organisation, resource_id, form), form.status


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/submit")
@allows(*service.MANAGES)
@once
def submit(organisation: str, resource_id: UUID) -> Answer:
    """Hand the draft to the office."""
    key = HostKey(g.actor.organisation_id, resource_id)
    form = Form.sent()
    day, note = form.day("effective_on"), form.text("note", longest=2_000) or ""
    version = form.version()
    return _step(
        organisation, resource_id, form, _("Handed to the office."),
        lambda: service.submit(key, by=g.actor, effective_on=day, note=note, version=version),
    )  # fmt: skip


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/recall")
@allows(*service.MANAGES)
def recall(organisation: str, resource_id: UUID) -> Answer:
    key = HostKey(g.actor.organisation_id, resource_id)
    return _step(
        organisation, resource_id, Form.sent(), _("Taken back from the office; it is a draft again."),
        lambda: service.recall(key, by=g.actor),
    )  # fmt: skip


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/withdraw")
@allows(*service.MANAGES)
def withdraw(organisation: str, resource_id: UUID) -> Answer:
    key = HostKey(g.actor.organisation_id, resource_id)
    form = Form.sent()
    note, version = form.text("note", required=True, longest=2_000) or "", form.version()
    return _step(
        organisation, resource_id, form, _("Withdrawn: it is not public any more."),
        lambda: service.withdraw(key, by=g.actor, note=note, version=version),
    )  # fmt: skip


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/relist")
@allows(*service.MANAGES)
def relist(organisation: str, resource_id: UUID) -> Answer:
    key = HostKey(g.actor.organisation_id, resource_id)
    return _step(
        organisation, resource_id, Form.sent(), _("A draft with the last contents was made."),
        lambda: service.relist(key, by=g.actor),
    )  # fmt: skip


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/order")
@allows(*service.MANAGES)
def working_order(organisation: str, resource_id: UUID) -> Answer:
    """Say in what working order it is."""
    key = HostKey(g.actor.organisation_id, resource_id)
    form = Form.sent()
    order = form.choice("order", WorkingOrder, required=True) or ""
    return _step(
        organisation, resource_id, form, _("Noted."),
        lambda: service.set_working_order(key, WorkingOrder(order), by=g.actor),
    )  # fmt: skip


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/units")
@allows(*service.MANAGES)
@once
def add_units(organisation: str, resource_id: UUID) -> Answer:
    key = HostKey(g.actor.organisation_id, resource_id)
    form = Form.sent()
    count = form.whole("count", required=True, least=1, most=500)
    return _step(
        organisation, resource_id, form, _("Units were added."),
        lambda: service.add_units(key, count or 1, by=g.actor),
    )  # fmt: skip


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/units/<uuid:unit_id>")
@allows(*service.MANAGES)
@once
def change_unit(organisation: str, resource_id: UUID, unit_id: UUID) -> Answer:
    """Rename a unit, bring it back or take it out of use: then its bookings are shown first, and settled."""
    record = own_record(organisation, resource_id)
    form = Form.sent()
    values: dict[str, Any] = {
        "name_zh": form.text("name_zh", longest=120) or "",
        "name_en": form.text("name_en", longest=120) or "",
        "serial_number": form.text("serial_number", longest=100) or "",
        "active": form.flag("active"),
    }
    key = HostKey(record.key.institution_id, unit_id)
    unit = service.unit(key)
    if unit.resource_id != resource_id:
        raise NotFound()
    hits: Sequence[booking.HitBooking] = ()
    if form.ok and not values["active"]:
        hits = booking.preview_unit_out(key, by=g.actor)
        if hits and not request.form.get("publish"):
            return _unit_out_page(organisation, record, unit, form, hits)
    verdicts, reason = typed_verdicts(form), form.text("reason", longest=500) or ""
    if form.ok:
        try:
            count = booking.change_unit(
                key, by=g.actor, verdicts=verdicts, reason=reason, seen=form.text("seen") or "", **values
            )
        except DomainError as error:
            form.refuse(error)
            hits = booking.preview_unit_out(key, by=g.actor) if not values["active"] else ()
        else:
            flash(_("The unit was changed.") + settled(count))
            return redirect(url_for("manage.show", organisation=organisation, resource_id=resource_id), 303)
    if hits:
        return _unit_out_page(organisation, record, unit, form, hits)
    return _show_page(organisation, resource_id, form), form.status


def _unit_out_page(
    organisation: str,
    record: ResourceRecord,
    unit: UnitRecord,
    form: Form,
    hits: Sequence[booking.HitBooking],
) -> Answer:
    back = url_for("manage.show", organisation=organisation, resource_id=record.key.id)
    return settling_page(
        record,
        form,
        hits,
        title=_("Take %(unit)s out of use", unit=unit.name(formatting.language())),
        lead=_("Nobody can book it from now on."),
        button=_("Take out of use"),
        action=url_for(
            "manage.change_unit", organisation=organisation, resource_id=record.key.id, unit_id=unit.key.id
        ),
        back=f"{back}#units",
        kept=("name_zh", "name_en", "serial_number", "seen"),
    )


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/helpers")
@allows(*service.MANAGES)
@once
def save_helpers(organisation: str, resource_id: UUID) -> Answer:
    """Say what is booked together with a resource, and whether always."""
    key = HostKey(g.actor.organisation_id, resource_id)
    form = Form.sent()
    wanted = helpers.read(form)
    return _step(
        organisation, resource_id, form, _("Saved; it holds for new bookings."),
        lambda: service.save_links(key, wanted, by=g.actor, seen=form.text("seen") or ""),
    )  # fmt: skip


# ---- copying settings ----------------------------------------------------------------------------------------


@blueprint.get("/o/<organisation>/resources/<uuid:resource_id>/copy")
@allows(*service.MANAGES)
def copy(organisation: str, resource_id: UUID) -> Answer:
    """Choose what to copy and to which; look at the differences; then apply."""
    return _copy_page(organisation, resource_id, Form())


def _copy_page(organisation: str, resource_id: UUID, form: Form) -> Answer:
    record = own_record(organisation, resource_id)
    groups = [group for group in request.values.getlist("groups") if group in service.COPYABLE]
    wanted = set(request.values.getlist("targets"))
    others = [
        other
        for other in service.resources_managed_by(g.actor, kinds=(record.kind,), limit=500)
        if other.key != record.key
    ]
    targets = [other.key for other in others if str(other.key.id) in wanted]
    preview = None
    if groups and targets and form.ok:
        try:
            preview = service.copy_preview(record.key, targets, groups, by=g.actor)
        except DomainError as error:
            form.refuse(error)
    return render_template(
        "catalogue/copy.html",
        record=record,
        others=others,
        groups=groups,
        targets={str(key.id) for key in targets},
        preview=preview,
        copyable=list(service.COPYABLE),
        organisation=organisation,
        form=form,
    ), form.status


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/copy")
@allows(*service.MANAGES)
@once
def copy_apply(organisation: str, resource_id: UUID) -> Answer:
    """Copy what was looked at."""
    form = Form.sent()
    groups = form.choices("groups", service.COPYABLE, required=True)
    targets = [HostKey(g.actor.organisation_id, UUID(t)) for t in form.values("targets") if _is_id(t)]
    day = form.day("effective_on")
    if not form.ok:
        return _copy_page(organisation, resource_id, form)
    try:
        counts = service.copy_apply(
            HostKey(g.actor.organisation_id, resource_id), targets, groups, by=g.actor, effective_on=day
        )
    except DomainError as error:
        form.refuse(error)
        return _copy_page(organisation, resource_id, form)
    flash(
        _(
            "%(submitted)s handed to the office, %(drafts)s kept as drafts, %(unchanged)s alike already, "
            "%(waiting)s left alone because another change waits.",
            **counts,
        )
    )
    return redirect(url_for("manage.index", organisation=organisation), 303)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
