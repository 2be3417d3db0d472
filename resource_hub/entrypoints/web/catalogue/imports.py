"""Import: file → mapping → look with errors beside the cells → go, with progress → report. Leaving loses nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.catalogue import service
from resource_hub.domain.catalogue.importing import mapping as mappings
from resource_hub.domain.catalogue.importing import sheet as sheets
from resource_hub.domain.catalogue.terms import ImportState, ResourceKind
from resource_hub.entrypoints.support import exports, sentences, uploads
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.import_files import sheet_of
from resource_hub.entrypoints.support.words import word
from resource_hub.kernel.errors import DomainError, Reason
from resource_hub.kernel.keys import HostKey

blueprint = Blueprint("imports", __name__)

Answer = str | Response | tuple[str, int]
_OPTIONS = ("listed", "make_departments", "partial")


@blueprint.get("/o/<organisation>/import")
@allows(*service.MANAGES)
def index(organisation: str) -> str:
    """Choose a file; the imports so far."""
    return _index_page(organisation, Form())


def _index_page(organisation: str, form: Form) -> str:
    return render_template(
        "catalogue/imports.html", runs=service.import_runs(g.actor), organisation=organisation, form=form
    )


@blueprint.post("/o/<organisation>/import")
@allows(*service.MANAGES)
@once
def upload(organisation: str) -> Answer:
    """Store the file first, then look at it. A file that cannot be read is kept with the reasons."""
    form = Form.sent()
    chosen = form.file("file", required=True, most_bytes=uploads.SHEETS.limit)
    if chosen is None or not form.ok:
        return _index_page(organisation, form), form.status
    try:
        taken = uploads.take(chosen, uploads.SHEETS)
    except DomainError as error:
        form.refuse(error)
        return _index_page(organisation, form), form.status
    stored = uploads.note(taken, g.actor.organisation_id, person_id=g.actor.person_id)
    shape = None
    reasons: tuple[Reason, ...] = ()
    try:
        shape = sheets.open_sheet(uploads.store().path(taken.kept.sha256)).shape
    except DomainError as error:
        reasons = error.reasons
    record = service.start(stored.id, taken.name, shape, reasons, by=g.actor)
    return redirect(url_for("imports.show", organisation=organisation, import_id=record.key.id), 303)


def _record(import_id: UUID) -> service.ImportRecord:
    return service.import_run(HostKey(g.actor.organisation_id, import_id), by=g.actor)


@blueprint.get("/o/<organisation>/import/<uuid:import_id>")
@allows(*service.MANAGES)
def show(organisation: str, import_id: UUID) -> Answer:
    """One import, at whatever step it is."""
    return _show_page(organisation, _record(import_id), Form())


def _show_page(organisation: str, record: service.ImportRecord, form: Form) -> Answer:
    if record.state in (ImportState.WAITING, ImportState.RUNNING, ImportState.DONE) or (
        record.state is ImportState.FAILED and (record.shape is None or record.done or record.refused)
    ):
        return render_template(
            "catalogue/import_report.html", run=record, organisation=organisation, form=form
        ), form.status
    preview: service.Preview | None = None
    look_errors: Any = None
    if record.state is ImportState.CHECKED:
        try:
            sheet = sheet_of(record)
            preview = service.preview(
                sheet, record.mapping, record.key.institution_id, record.options, by=g.actor
            )
        except DomainError as error:
            look_errors = error
    targets = [("", _("leave out")), *((t, word("catalogue.field", t)) for t in mappings.TARGETS)]
    return render_template(
        "catalogue/import_map.html",
        run=record,
        chosen={column.heading: column for column in record.mapping.columns},
        samples=_samples(record),
        targets=targets,
        kinds=[(str(kind), word("catalogue.kind", kind)) for kind in ResourceKind],
        may_list=g.actor.has(*service.APPROVES),
        preview=preview,
        problems_at={
            (problem.line, problem.heading): problem
            for problem in (preview.outcome.problems if preview else ())
            if problem.heading
        },
        look_errors=look_errors,
        saved=service.mappings(g.actor.organisation_id),
        organisation=organisation,
        form=form,
    ), form.status


def _samples(record: service.ImportRecord) -> dict[str, list[str]]:
    """A few filled cells under each heading, so that a person sees what a column holds."""
    samples: dict[str, list[str]] = {
        heading: [] for heading in (record.shape.headings if record.shape else ())
    }
    if not samples:
        return samples
    try:
        for number, row in enumerate(sheet_of(record).rows()):
            for heading, cell in zip(samples, row.cells, strict=False):
                if cell.strip() and len(samples[heading]) < 3 and cell not in samples[heading]:
                    samples[heading].append(cell.strip()[:60])
            if number >= 20:
                break
    except DomainError:
        pass
    return samples


@blueprint.post("/o/<organisation>/import/<uuid:import_id>")
@allows(*service.MANAGES)
def configure(organisation: str, import_id: UUID) -> Answer:
    """Take over the mapping and the options, then look again."""
    record = _record(import_id)
    form = Form.sent()
    version = form.version()
    said = {name: form.text(name, longest=60) or "" for name in ("encoding", "delimiter", "sheet")}
    try:
        sheet = sheet_of(record, **said)
        headings = sheet.shape.headings
        named = request.form.get("use_mapping", "")
        saved = dict(service.mappings(g.actor.organisation_id))
        if named in saved:
            columns = saved[named]
        elif "column-0" in request.form and record.shape is not None and headings == record.shape.headings:
            targets = {heading: request.form.get(f"column-{i}", "") for i, heading in enumerate(headings)}
            units = {heading: request.form.get(f"unit-{i}", "CNY") for i, heading in enumerate(headings)}
            columns = service.remapped(headings, targets, units)
        else:
            columns = mappings.guess(headings)
        options = service.ImportOptions(
            **{name: form.flag(name) for name in _OPTIONS},
            kind=ResourceKind(form.choice("kind", ResourceKind) or "instrument"),
        )
        if form.ok:
            record = service.configure(record.key, columns, options, sheet.shape, by=g.actor, version=version)
            save_as = form.text("save_as", longest=120)
            if save_as:
                service.save_mapping(save_as, columns, by=g.actor)
                flash(_("The mapping was kept under this name."))
            return redirect(url_for("imports.show", organisation=organisation, import_id=import_id), 303)
    except DomainError as error:
        form.refuse(error)
    return _show_page(organisation, record, form)


@blueprint.post("/o/<organisation>/import/<uuid:import_id>/go")
@allows(*service.MANAGES)
@once
def go(organisation: str, import_id: UUID) -> Answer:
    """Let it run; a job takes it up within seconds."""
    record = _record(import_id)
    form = Form.sent()
    try:
        service.release(record.key, by=g.actor, rows=form.whole("rows") or 0, version=form.version())
    except DomainError as error:
        form.refuse(error)
        return _show_page(organisation, record, form)
    return redirect(url_for("imports.show", organisation=organisation, import_id=import_id), 303)


@blueprint.get("/o/<organisation>/import/<uuid:import_id>/report.csv")
@allows(*service.MANAGES)
def report(organisation: str, import_id: UUID) -> Response:
    """The problems, one a line, to mend the sheet by."""
    record = _record(import_id)
    rows = []
    for problem in record.problems:
        told = sentences.tell(problem.reason)
        rows.append([problem.line, problem.column or "", problem.heading, told.sentence, told.remedy])
    head = [_("Line"), _("Column"), _("Heading"), _("Reason"), _("Remedy")]
    return exports.csv_response(f"import-{str(record.key.id)[-8:]}.csv", head, rows)
