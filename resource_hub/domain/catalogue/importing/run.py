"""Imports as people do them: a stored file, a mapping, a look at what would happen, then batches with progress.

The file is stored before anything is read, and the run is a row: whoever leaves the page finds it again. A batch is one
unit, so what was counted is there and what was not is not; a run that died goes on behind its last batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import select

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.catalogue import store
from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.errors import (
    ImportNotFound,
    ListingStale,
    MappingInvalid,
    NotYours,
    WrongState,
)
from resource_hub.domain.catalogue.importing import bulk, mapping
from resource_hub.domain.catalogue.importing.bulk import Options, Outcome
from resource_hub.domain.catalogue.importing.mapping import SheetMapping
from resource_hub.domain.catalogue.importing.rows import RowFacts, RowProblem, read_row
from resource_hub.domain.catalogue.importing.sheet import Sheet, SheetRow, SheetShape
from resource_hub.domain.catalogue.managing import APPROVES, MANAGES
from resource_hub.domain.catalogue.tables import ImportMapping, ImportRun
from resource_hub.domain.catalogue.terms import ImportState
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import DomainError, Reason, refuse_if
from resource_hub.kernel.keys import HostKey

BATCH = 200
# Problems kept for the report; all are counted.
KEPT_PROBLEMS = 2_000
PREVIEW_ROWS = 50


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """One import: the file as it was read, what is done so far, and what was wrong."""

    key: HostKey
    file_id: UUID
    file_name: str
    state: ImportState
    mapping: SheetMapping
    options: Options
    shape: SheetShape | None
    rows: int
    done: int
    created: int
    updated: int
    unchanged: int
    refused: int
    problems: tuple[RowProblem, ...]
    errors: tuple[Reason, ...]
    created_at: datetime
    ended_at: datetime | None
    started_by: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row as it would be imported: its cells, what would become of it, and what is wrong in which column."""

    line: int
    cells: tuple[str, ...]
    outcome: str
    problems: tuple[RowProblem, ...]


@dataclass(slots=True)
class Preview:
    """What an import would do. ``cut`` says that the look ended before the file did."""

    rows: list[PreviewRow] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)
    total: int = 0
    cut: bool = False


def facts_of(
    sheet: Sheet, columns: SheetMapping, skip: int = 0
) -> Iterator[tuple[SheetRow, RowFacts | list[RowProblem]]]:
    """Each row with its facts or its problems, in order."""
    classes = instrument_classes()
    headings = sheet.shape.headings
    for row in islice(sheet.rows(), skip, None):
        yield row, read_row(row, headings, columns, classes)


def preview(
    sheet: Sheet,
    columns: SheetMapping,
    institution_id: UUID,
    options: Options,
    *,
    by: Actor | None = None,
    seconds: float = 6.0,
    shown: int = PREVIEW_ROWS,
) -> Preview:
    """A dry run: nothing is written. Rows with problems are shown first.

    Args:
        seconds: how long to look; the rest of a larger file is looked at when it is imported.
    """
    refuse_if(mapping.check_against(columns, sheet.shape.headings), MappingInvalid)
    result = Preview()
    seen: dict[str, int] = {}
    reach = _reach(by)
    until = time.monotonic() + seconds
    batch: list[tuple[SheetRow, RowFacts]] = []
    good: list[PreviewRow] = []
    bad: list[PreviewRow] = []

    def look() -> None:
        part = bulk.apply(
            institution_id,
            [fact for _, fact in batch],
            options,
            person_id=None,
            reach=reach,
            seen=seen,
            dry=True,
        )
        _add(result.outcome, part)
        for row, _ in batch:
            wrong = tuple(p for p in part.problems if p.line == row.line)
            entry = PreviewRow(row.line, row.cells, part.of_line.get(row.line, ""), wrong)
            (bad if wrong else good).append(entry)
        del good[shown:], bad[shown * 4 :]
        batch.clear()

    for row, fact in facts_of(sheet, columns):
        result.total += 1
        if isinstance(fact, list):
            result.outcome.refuse(fact)
            if len(bad) < shown * 4:
                bad.append(PreviewRow(row.line, row.cells, "refused", tuple(fact)))
        else:
            batch.append((row, fact))
        if len(batch) >= BATCH:
            look()
            if time.monotonic() > until:
                result.cut = True
                break
    if batch:
        look()
    result.rows = [*sorted(bad, key=lambda r: r.line), *good][: max(shown, len(bad))]
    return result


def _add(total: Outcome, part: Outcome) -> None:
    total.created += part.created
    total.updated += part.updated
    total.unchanged += part.unchanged
    total.problems += part.problems
    total.refused_lines |= part.refused_lines


def _reach(by: Actor | None) -> frozenset[UUID] | None:
    return None if by is None or by.has(*APPROVES) else by.department_ids


def _may_import(by: Actor, options: Options | None = None) -> None:
    if not by.has(*MANAGES):
        raise NotYours()
    if options is not None and (options.listed or options.make_departments) and not by.has(*APPROVES):
        raise NotYours()


# ---- runs as rows --------------------------------------------------------------------------------------------


def record_of(row: ImportRun) -> ImportRecord:
    shape = None
    if row.shape:
        shape = SheetShape(**{**row.shape, "headings": tuple(row.shape["headings"])})
    return ImportRecord(
        HostKey(row.institution_id, row.id),
        row.file_id,
        row.file_name,
        ImportState(row.state),
        mapping.from_json(row.mapping),
        Options.from_json(row.options),
        shape,
        row.rows,
        row.done,
        row.created,
        row.updated,
        row.unchanged,
        row.refused,
        tuple(RowProblem.from_json(problem) for problem in row.report),
        tuple(Reason.from_json(reason) for reason in row.error),
        row.created_at,
        row.ended_at,
        row.started_by,
        row.version,
    )


def start(
    file_id: UUID, file_name: str, shape: SheetShape | None, errors: tuple[Reason, ...], *, by: Actor
) -> ImportRecord:
    """Begin an import of a stored file, with a guessed mapping, or one saved for the same headings.

    Args:
        shape: how the file is read; None when it cannot be, with the reasons in ``errors``.
    """
    _may_import(by)
    with unit_of_work() as unit:
        guessed = SheetMapping(())
        if shape is not None:
            guessed = _saved_for(by.organisation_id, shape) or mapping.guess(shape.headings)
        row = ImportRun(
            institution_id=by.organisation_id,
            id=new_id(),
            file_id=file_id,
            file_name=file_name[:300],
            mapping=guessed.as_json(),
            options={},
            state=str(ImportState.UPLOADED if shape is not None else ImportState.FAILED),
            shape=_shape_json(shape),
            error=[reason.as_json() for reason in errors],
            report=[],
            started_by=by.person_id,
            created_at=unit.now,
        )
        unit.session.add(row)
        unit.session.flush()
        unit.audit("catalogue.import_started", by.organisation_id, f"import:{row.id}", {"file": file_name[:300]},
                   person_id=by.person_id)  # fmt: skip
        return record_of(row)


def _shape_json(shape: SheetShape | None) -> dict[str, Any]:
    if shape is None:
        return {}
    return {
        "format": shape.format,
        "encoding": shape.encoding,
        "delimiter": shape.delimiter,
        "sheet": shape.sheet,
        "headings": list(shape.headings),
        "heading_line": shape.heading_line,
    }


def _saved_for(institution_id: UUID, shape: SheetShape) -> SheetMapping | None:
    for _, saved in mappings(institution_id):
        if saved.columns and all(column.heading in shape.headings for column in saved.columns):
            return saved
    return None


def import_run(key: HostKey, *, by: Actor) -> ImportRecord:
    """One import of the actor's institution.

    Raises:
        ImportNotFound
    """
    _may_import(by)
    row = store.import_row(reading(), key) if by.organisation_id == key.institution_id else None
    if row is None:
        raise ImportNotFound()
    return record_of(row)


def import_runs(by: Actor) -> list[ImportRecord]:
    """The imports of the institution, newest first."""
    _may_import(by)
    return [record_of(row) for row in store.import_rows(reading(), by.organisation_id)]


def configure(
    key: HostKey,
    columns: SheetMapping,
    options: Options,
    shape: SheetShape,
    *,
    by: Actor,
    version: int | None = None,
) -> ImportRecord:
    """Keep mapping and options of an import that has not begun."""
    _may_import(by, options)
    with unit_of_work() as unit:
        row = (
            store.import_row(unit.session, key, lock=True)
            if by.organisation_id == key.institution_id
            else None
        )
        if row is None:
            raise ImportNotFound()
        if version is not None and row.version != version:
            raise ListingStale(seen=version, now=row.version)
        if row.state not in (str(ImportState.UPLOADED), str(ImportState.CHECKED), str(ImportState.FAILED)):
            raise WrongState(Reason("catalogue.import_begun", {"state": row.state}))
        row.mapping, row.options = columns.as_json(), options.as_json()
        row.shape, row.error = _shape_json(shape), []
        row.state = str(ImportState.CHECKED)
        row.version += 1
        unit.session.flush()
        return record_of(row)


def release(key: HostKey, *, by: Actor, rows: int = 0, version: int | None = None) -> ImportRecord:
    """Let a checked import go: it waits for its turn, and goes on whether or not anybody watches."""
    with unit_of_work() as unit:
        row = (
            store.import_row(unit.session, key, lock=True)
            if by.organisation_id == key.institution_id
            else None
        )
        if row is None:
            raise ImportNotFound()
        _may_import(by, Options.from_json(row.options))
        if version is not None and row.version != version:
            raise ListingStale(seen=version, now=row.version)
        if row.state != str(ImportState.CHECKED):
            raise WrongState(Reason("catalogue.import_begun", {"state": row.state}))
        row.state = str(ImportState.WAITING)
        row.rows = rows
        row.started_by = by.person_id
        row.version += 1
        unit.session.flush()
        unit.audit("catalogue.import_released", key.institution_id, f"import:{key.id}", {"rows": rows},
                   person_id=by.person_id)  # fmt: skip
        return record_of(row)


def imports_at_work(limit: int = 5) -> list[ImportRecord]:
    """Imports whose turn it is, oldest first. For the job."""
    return [record_of(row) for row in store.imports_at_work(reading(), limit)]


def fail(key: HostKey, reasons: tuple[Reason, ...]) -> None:
    """Mark an import as failed as a whole; what earlier batches brought in stays and is counted."""
    with unit_of_work() as unit:
        row = store.import_row(unit.session, key, lock=True)
        if row is None or row.state in ("done", "failed"):
            return
        row.state = str(ImportState.FAILED)
        row.error = [reason.as_json() for reason in reasons]
        row.ended_at = unit.now
        row.version += 1
        unit.audit("catalogue.import_failed", key.institution_id, f"import:{key.id}", {"line": row.done})


def go_on(
    record: ImportRecord, sheet: Sheet, *, by: Actor | None, seconds: float = 20.0, lease: Any = None
) -> ImportRecord:
    """Import further batches behind what is done, until the end or until the time is up.

    A file with bad rows is imported without them only when that was asked for; otherwise nothing of it is.

    Raises:
        NotYours: who started it may no longer do so.
    """
    if by is not None:
        _may_import(by, record.options)
    if record.done == 0 and not record.options.partial:
        look = preview(sheet, record.mapping, record.key.institution_id, record.options, by=by, seconds=3600)
        if look.outcome.problems:
            _keep_report(record.key, look)
            return record_of(_row(record.key))
    until = time.monotonic() + seconds
    rows = facts_of(sheet, record.mapping, skip=record.done)
    seen = _seen_before(sheet, record)
    while True:
        batch = list(islice(rows, BATCH))
        record = _batch(record, batch, seen, by, lease, end=len(batch) < BATCH)
        if record.state is not ImportState.RUNNING or time.monotonic() > until:
            return record


def _row(key: HostKey) -> ImportRun:
    row = store.import_row(reading(), key)
    if row is None:
        raise ImportNotFound()
    return row


def _seen_before(sheet: Sheet, record: ImportRecord) -> dict[str, int]:
    """Codes of the rows that an earlier process took, so that doubles across its death are still found."""
    if record.done == 0:
        return {}
    seen: dict[str, int] = {}
    for _, fact in islice(facts_of(sheet, record.mapping), record.done):
        if not isinstance(fact, list):
            seen.setdefault(fact.code, fact.line)
    return seen


def _keep_report(key: HostKey, look: Preview) -> None:
    with unit_of_work() as unit:
        row = store.import_row(unit.session, key, lock=True)
        if row is None:
            return
        row.rows, row.refused = look.total, look.outcome.refused
        row.report = [problem.as_json() for problem in look.outcome.problems[:KEPT_PROBLEMS]]
        row.state = str(ImportState.FAILED)
        row.error = [Reason("catalogue.import_has_problems", {"rows": look.outcome.refused}).as_json()]
        row.ended_at = unit.now
        row.version += 1


def _batch(
    record: ImportRecord,
    batch: list[tuple[SheetRow, RowFacts | list[RowProblem]]],
    seen: dict[str, int],
    by: Actor | None,
    lease: Any,
    *,
    end: bool,
) -> ImportRecord:
    """One unit: the rows, the counts, the place up to which the file is done."""
    with unit_of_work(lease=lease) as unit:
        row = store.import_row(unit.session, record.key, lock=True)
        if row is None:
            raise ImportNotFound()
        if row.state not in ("waiting", "running") or row.done != record.done:
            return record_of(row)  # another process went on with it
        facts = [fact for _, fact in batch if not isinstance(fact, list)]
        outcome = bulk.apply(
            record.key.institution_id,
            facts,
            record.options,
            person_id=by.person_id if by is not None else row.started_by,
            reach=_reach(by),
            seen=seen,
        )
        for _, problems in batch:
            if isinstance(problems, list):
                outcome.refuse(problems)
        row.state = str(ImportState.DONE if end else ImportState.RUNNING)
        row.done += len(batch)
        row.rows = max(row.rows, row.done)
        row.created += outcome.created
        row.updated += outcome.updated
        row.unchanged += outcome.unchanged
        row.refused += outcome.refused
        if outcome.problems and len(row.report) < KEPT_PROBLEMS:
            kept = sorted(outcome.problems, key=lambda p: (p.line, p.column))[
                : KEPT_PROBLEMS - len(row.report)
            ]
            row.report = [*row.report, *(problem.as_json() for problem in kept)]
        row.version += 1
        if end:
            row.rows = row.done
            row.ended_at = unit.now
            unit.audit(
                "catalogue.import_done",
                record.key.institution_id,
                f"import:{record.key.id}",
                {
                    "created": row.created,
                    "updated": row.updated,
                    "unchanged": row.unchanged,
                    "refused": row.refused,
                },
                person_id=row.started_by,
            )
        unit.session.flush()
        return record_of(row)


def import_directly(
    sheet: Sheet,
    columns: SheetMapping,
    institution_id: UUID,
    options: Options,
    *,
    progress: Any = None,
) -> Outcome:
    """The whole of a file in batches, without a run row: for the command line and the rehearsal.

    Args:
        progress: called after each batch with the number of rows read so far.
    """
    refuse_if(mapping.check_against(columns, sheet.shape.headings), MappingInvalid)
    total = Outcome()
    seen: dict[str, int] = {}
    rows = facts_of(sheet, columns)
    read = 0
    while batch := list(islice(rows, BATCH)):
        read += len(batch)
        facts = [fact for _, fact in batch if not isinstance(fact, list)]
        for _, problems in batch:
            if isinstance(problems, list):
                total.refuse(problems)
        _add(total, bulk.apply(institution_id, facts, options, person_id=None, seen=seen))
        if progress is not None:
            progress(read)
    return total


# ---- saved mappings ------------------------------------------------------------------------------------------


def mappings(institution_id: UUID) -> list[tuple[str, SheetMapping]]:
    """Mappings that the institution saved, by name."""
    query = (
        select(ImportMapping)
        .where(ImportMapping.institution_id == institution_id)
        .order_by(ImportMapping.name)
    )
    result = []
    for row in reading().scalars(query):
        try:
            result.append((row.name, mapping.from_json(row.document)))
        except DomainError:
            continue  # saved by an earlier version with fields that are no more
    return result


def save_mapping(name: str, columns: SheetMapping, *, by: Actor) -> None:
    """Keep a mapping under a name for the next file like this; the same name replaces it."""
    _may_import(by)
    name = name.strip()[:120]
    if not name:
        raise MappingInvalid(Reason("catalogue.mapping_name", {}, "mapping_name"))
    with unit_of_work() as unit:
        row = unit.session.scalars(
            select(ImportMapping).where(
                ImportMapping.institution_id == by.organisation_id, ImportMapping.name == name
            )
        ).one_or_none()
        if row is None:
            row = ImportMapping(
                institution_id=by.organisation_id, id=new_id(), name=name, document={}, created_at=unit.now
            )
            unit.session.add(row)
        row.document = columns.as_json()


def remapped(headings: tuple[str, ...], targets: Mapping[str, str], units: Mapping[str, str]) -> SheetMapping:
    """A mapping from what a person chose on the page: heading → target, heading → unit of its amounts."""
    columns = {
        heading: {"field": targets[heading], "unit": units.get(heading, "CNY")}
        for heading in headings
        if targets.get(heading)
    }
    return mapping.from_json({"columns": columns})
