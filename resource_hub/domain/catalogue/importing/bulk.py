"""Many resources at once: what a batch of rows would create or change, and doing it in one unit with few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.catalogue import contents as contents_json
from resource_hub.domain.catalogue import index, ports, rules, store
from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.importing.rows import RowFacts, RowProblem
from resource_hub.domain.catalogue.tables import ListingChange, Resource, Unit
from resource_hub.domain.catalogue.terms import (
    TIMED_KINDS,
    ChangeState,
    ListingContents,
    ListingState,
    ResourceKind,
    WorkingOrder,
)
from resource_hub.domain.catalogue.units import unit_rows
from resource_hub.infra.bulk import insert_rows
from resource_hub.infra.database import reading
from resource_hub.infra.ids import derived_id
from resource_hub.infra.unit_of_work import Unit as Work
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

# Rows of one source meet themselves: their ids follow from host and code, not from when they came.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Options:
    """How an import is done.

    ``listed``: put rows in force at once (the office's own import) instead of leaving drafts for approval;
    ``complete``: then only rows that a public listing could hold; ``make_departments``: add departments that are new;
    ``partial``: import the good rows of a file that has bad ones.
    """

    listed: bool = False
    complete: bool = True
    make_departments: bool = False
    partial: bool = False
    kind: ResourceKind = ResourceKind.INSTRUMENT

    def as_json(self) -> dict[str, Any]:
        return {
            "listed": self.listed,
            "complete": self.complete,
            "make_departments": self.make_departments,
            "partial": self.partial,
            "kind": str(self.kind),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Options:
        return cls(
            bool(row.get("listed")),
            bool(row.get("complete", True)),
            bool(row.get("make_departments")),
            bool(row.get("partial")),
            ResourceKind(row.get("kind", "instrument")),
        )


@dataclass(slots=True)
class Outcome:
    """What became, or would become, of some rows. ``of_line`` says it line by line."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    refused_lines: set[int] = field(default_factory=set)
    of_line: dict[int, str] = field(default_factory=dict)

    @property
    def refused(self) -> int:
        return len(self.refused_lines)

    def refuse(self, problems: Iterable[RowProblem]) -> None:
        for problem in problems:
            self.problems.append(problem)
            self.refused_lines.add(problem.line)
            self.of_line[problem.line] = "refused"

    def count(self, line: int, what: str) -> None:
        self.of_line[line] = what
        setattr(self, what, getattr(self, what) + 1)


def apply(
    institution_id: UUID,
    facts: Sequence[RowFacts],
    options: Options,
    *,
    person_id: UUID | None,
    reach: frozenset[UUID] | None = None,
    seen: dict[str, int] | None = None,
    dry: bool = False,
) -> Outcome:
    """Create and change resources after these rows, in one unit; with ``dry`` only say what would be done.

    Args:
        reach: departments that the person manages; None for the whole institution.
        seen: code → line of rows already taken from the same file, so that a code that stands twice is refused.
    """
    seen = {} if seen is None else seen
    outcome = Outcome()
    if dry:
        _Batch(None, institution_id, options, person_id, reach, seen, outcome).go(facts)
        return outcome
    with unit_of_work() as unit:
        batch = _Batch(unit, institution_id, options, person_id, reach, seen, outcome)
        batch.go(facts)
        _write(unit, [batch])
    return outcome


def apply_many(groups: Sequence[tuple[UUID, Sequence[RowFacts]]], options: Options) -> Outcome:
    """The same for rows of many hosts in one unit: registers that list the machines of a thousand institutions."""
    outcome = Outcome()
    with unit_of_work() as unit:
        batches = []
        for institution_id, facts in groups:
            batch = _Batch(unit, institution_id, options, None, None, {}, outcome)
            batch.go(facts)
            batches.append(batch)
        _write(unit, batches)
    return outcome


class _Batch:
    def __init__(
        self,
        unit: Work | None,
        institution_id: UUID,
        options: Options,
        person_id: UUID | None,
        reach: frozenset[UUID] | None,
        seen: dict[str, int],
        outcome: Outcome,
    ) -> None:
        self.unit, self.institution_id, self.options, self.reach = unit, institution_id, options, reach
        self.person_id, self.seen, self.outcome = person_id, seen, outcome
        self.session = reading() if unit is None else unit.session
        self.departments = {
            _fold(name): record.id
            for record in accounts.departments(institution_id)
            for name in (record.code, record.name_zh, record.name_en)
            if name
        }
        self.new_departments: dict[str, str] = {}
        self.resources: list[dict[str, Any]] = []
        self.units: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self.touched: list[HostKey] = []
        self.grown: list[HostKey] = []

    def go(self, facts: Sequence[RowFacts]) -> None:
        rows = store.rows_of_codes(self.session, self.institution_id, [fact.code for fact in facts])
        ids = [row.id for row in rows.values()]
        self.open = _open_changes(self.session, self.institution_id, ids)
        self.numbers = _last_numbers(self.session, self.institution_id, ids)
        self.active_units = store.unit_counts(self.session, [HostKey(self.institution_id, i) for i in ids])
        if self.unit is not None:
            host = accounts.organisation(self.institution_id)
            self.now = self.unit.now
            self.today = local_day(self.now, zone(host.zone))
        for fact in facts:
            self._one(fact, rows.get(fact.code))

    def _problem(self, fact: RowFacts, code: str, /, **values: Any) -> None:
        self.outcome.refuse([RowProblem(fact.line, 0, "", Reason(f"catalogue.{code}", values))])

    def _one(self, fact: RowFacts, row: Resource | None) -> None:
        first = self.seen.get(fact.code)
        if first is not None and first != fact.line:
            self._problem(fact, "row_code_twice", code=fact.code, first=first)
            return
        self.seen[fact.code] = fact.line
        kind = fact.kind or (ResourceKind(row.kind) if row is not None else self.options.kind)
        if row is not None and ResourceKind(row.kind) is not kind:
            self._problem(fact, "row_kind_differs", code=fact.code, kind={"word": ["catalogue.kind", str(kind)]},
                          stored={"word": ["catalogue.kind", row.kind]})  # fmt: skip
            return
        department = self._department(fact, row)
        if department is False:
            return
        if self.reach is not None and department not in self.reach:
            self._problem(fact, "row_not_yours", code=fact.code)
            return
        open_change = self.open.get(row.id) if row is not None else None
        if row is None:
            before = ListingContents()
        elif open_change is not None and not self.options.listed:
            before = contents_json.from_json(open_change.document)
        else:
            before = store.contents_of(row)
        after = fact.onto(before)
        reasons = rules.check_contents(
            kind, after, instrument_classes(), complete=self.options.listed and self.options.complete
        )
        if reasons:
            self.outcome.refuse(RowProblem(fact.line, 0, reason.place or "", reason) for reason in reasons)
            return
        wanted_units = fact.units or (1 if kind in TIMED_KINDS else 0)
        if row is None:
            self._create(fact, kind, department, after, wanted_units)
            return
        key = HostKey(row.institution_id, row.id)
        more_units = max(0, (fact.units or 0) - self.active_units.get(key, 0)) if fact.units else 0
        order = str(fact.order) if fact.order else row.status
        # The same contents need no new change; but a draft that the office now lists is one.
        same = contents_json.contents_digest(before) == contents_json.contents_digest(after)
        lists = self.options.listed and row.state != str(ListingState.PUBLIC)
        if same and not lists and not more_units and order == row.status and department == row.department_id:
            self.outcome.count(fact.line, "unchanged")
            return
        if not same and open_change is not None and open_change.state == str(ChangeState.PENDING):
            self._problem(fact, "row_change_waits", code=fact.code, number=open_change.number)
            return
        self._update(
            row, department, after, more_units, order, open_change, contents_differ=not same or lists
        )
        self.outcome.count(fact.line, "updated")

    def _department(self, fact: RowFacts, row: Resource | None) -> Any:
        if fact.department is None:
            return row.department_id if row is not None else None
        if not fact.department:
            return None
        found = self.departments.get(_fold(fact.department))
        if found is not None:
            return found
        if not self.options.make_departments:
            self._problem(fact, "row_department_unknown", department=fact.department[:80])
            return False
        if self.unit is None:
            return None if self.reach is None else False
        made = accounts.add_department(
            self.institution_id, code=fact.department[:60], name_zh=fact.department[:200]
        )
        self.departments[_fold(fact.department)] = made.id
        return made.id

    def _create(
        self,
        fact: RowFacts,
        kind: ResourceKind,
        department: UUID | None,
        contents: ListingContents,
        units: int,
    ) -> None:
        self.outcome.count(fact.line, "created")
        if self.unit is None:
            return
        identifier = derived_id(_EPOCH, "catalogue.resource", self.institution_id, fact.code)
        key = HostKey(self.institution_id, identifier)
        self.resources.append(
            {
                "institution_id": self.institution_id,
                "id": identifier,
                "code": fact.code,
                "kind": str(kind),
                "department_id": department,
                "state": str(ListingState.PUBLIC if self.options.listed else ListingState.DRAFT),
                "status": str(fact.order or WorkingOrder.NORMAL),
                "listed": True,
                "listed_on": self.today if self.options.listed else None,
                "version": 1,
                "created_at": self.now,
                "changed_at": self.now,
                **store.columns_of(contents),
            }
        )
        self.units += unit_rows(self.institution_id, identifier, fact.code, 1, units)
        self._change(key, 1, contents)
        self.touched.append(key)

    def _change(self, key: HostKey, number: int, contents: ListingContents) -> None:
        listed = self.options.listed
        self.changes.append(
            {
                "institution_id": key.institution_id,
                "id": derived_id(_EPOCH, "catalogue.change", key.institution_id, key.id, number),
                "resource_id": key.id,
                "number": number,
                "state": str(ChangeState.IN_FORCE if listed else ChangeState.DRAFT),
                "document": contents_json.to_json(contents),
                "effective_on": self.today if listed else None,
                "note": "",
                "decision_note": "",
                "submitted_by": self.person_id,
                "submitted_at": self.now if listed else None,
                "decided_by": self.person_id if listed else None,
                "decided_at": self.now if listed else None,
                "applied_at": self.now if listed else None,
                "withdraws": False,
                "version": 1,
                "created_at": self.now,
            }
        )

    def _update(
        self,
        row: Resource,
        department: UUID | None,
        contents: ListingContents,
        more_units: int,
        order: str,
        open_change: ListingChange | None,
        *,
        contents_differ: bool,
    ) -> None:
        if self.unit is None:
            return
        key = HostKey(row.institution_id, row.id)
        row.department_id = department
        row.status = order
        row.version += 1
        row.changed_at = self.now
        if more_units:
            first = max((u.position for u in store.unit_rows(self.session, key)), default=0) + 1
            self.units += unit_rows(self.institution_id, row.id, row.code, first, more_units)
            self.grown.append(key)
        if contents_differ and self.options.listed:
            for old in store.change_rows(
                self.session,
                key.institution_id,
                resource_id=key.id,
                states=(ChangeState.IN_FORCE, ChangeState.APPROVED, ChangeState.DRAFT, ChangeState.REFUSED),
            ):
                old.state = str(ChangeState.SUPERSEDED)
            self._change(key, self.numbers.get(row.id, 0) + 1, contents)
            self._into(row, contents)
            row.state = str(ListingState.PUBLIC)
            row.listed_on = row.listed_on or self.today
        elif contents_differ:
            if open_change is not None and open_change.state != str(ChangeState.APPROVED):
                open_change.document = contents_json.to_json(contents)
                open_change.state = str(ChangeState.DRAFT)
                open_change.version += 1
            else:
                self._change(key, self.numbers.get(row.id, 0) + 1, contents)
            if row.state != str(ListingState.PUBLIC):
                self._into(row, contents)
        self.touched.append(key)

    @staticmethod
    def _into(row: Resource, contents: ListingContents) -> None:
        for name, value in store.columns_of(contents).items():
            setattr(row, name, value)


def _write(unit: Work, batches: Sequence[_Batch]) -> None:
    """What the batches gathered, table by table."""
    session = unit.session
    session.flush()
    for batch in batches:
        if batch.units:
            taken = store.unit_codes_taken(session, batch.institution_id, [u["code"] for u in batch.units])
            for row in batch.units:
                if row["code"] in taken:
                    row["code"] = f"{row['code'][:50]}-{str(row['id'])[-6:]}"
    for table, rows in (
        (Resource, [row for batch in batches for row in batch.resources]),
        (Unit, [row for batch in batches for row in batch.units]),
        (ListingChange, [row for batch in batches for row in batch.changes]),
    ):
        if rows:
            columns = list(rows[0])
            insert_rows(session, table, columns, [[row[name] for name in columns] for row in rows])
    touched = [key for batch in batches for key in batch.touched]
    if touched:
        index.refresh(session, touched)
    ports.units_changed(unit, [key for batch in batches for key in batch.grown])


def _open_changes(session: Any, institution_id: UUID, ids: Sequence[UUID]) -> dict[UUID, ListingChange]:
    if not ids:
        return {}
    query = select(ListingChange).where(
        ListingChange.institution_id == institution_id,
        ListingChange.resource_id.in_(ids),
        ListingChange.state.in_(["draft", "refused", "pending", "approved"]),
    )
    return {row.resource_id: row for row in session.scalars(query.order_by(ListingChange.number))}


def _last_numbers(session: Any, institution_id: UUID, ids: Sequence[UUID]) -> dict[UUID, int]:
    if not ids:
        return {}
    query = (
        select(ListingChange.resource_id, ListingChange.number)
        .where(ListingChange.institution_id == institution_id, ListingChange.resource_id.in_(ids))
        .order_by(ListingChange.number)
    )
    return {row.resource_id: row.number for row in session.execute(query)}


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()
