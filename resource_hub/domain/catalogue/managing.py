"""What every step of a listing shares: who may take it, the row held for it, its change, who is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, OrganisationRecord, Role
from resource_hub.domain.catalogue import contents as contents_json
from resource_hub.domain.catalogue import ports, rules, store
from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.errors import (
    ListingInvalid,
    ListingStale,
    NotYours,
    ResourceNotFound,
    WrongState,
)
from resource_hub.domain.catalogue.tables import ListingChange, Resource
from resource_hub.domain.catalogue.terms import (
    ChangeRecord,
    ChangeState,
    ListingContents,
    ListingState,
    ResourceKind,
    ResourceRecord,
)
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit as Work
from resource_hub.kernel.errors import Reason, refuse_if
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

MANAGES = (Role.MANAGER, Role.DEPUTY, Role.OFFICE, Role.INSTITUTION_ADMIN)
APPROVES = (Role.OFFICE, Role.INSTITUTION_ADMIN)


def may_manage(by: Actor, institution_id: UUID, department_id: UUID | None) -> None:
    """Raise unless the actor manages listings of this department of its own institution.

    Raises:
        ResourceNotFound: another host's row. NotYours: the role or department does not reach it.
    """
    if by.organisation_id != institution_id:
        raise ResourceNotFound()
    if not by.has(*MANAGES):
        raise NotYours()
    if not by.has(*APPROVES) and not by.reaches(department_id):
        raise NotYours()


def host_of(institution_id: UUID) -> OrganisationRecord:
    return accounts.organisation(institution_id)


def today_at(unit: Work, institution_id: UUID) -> date:
    """The day that it is at a host."""
    return local_day(unit.now, zone(host_of(institution_id).zone))


def locked(unit: Work, key: HostKey, by: Actor | None) -> Resource:
    """The row of a resource, held until the unit ends; with an actor only one that it manages.

    Raises:
        ResourceNotFound, NotYours
    """
    row = store.resource_row(unit.session, key, lock=True)
    if row is None:
        raise ResourceNotFound()
    if by is not None:
        may_manage(by, row.institution_id, row.department_id)
    return row


def check(kind: ResourceKind, contents: ListingContents, *, complete: bool) -> None:
    """Raise with every fault of the contents.

    Raises:
        ListingInvalid
    """
    refuse_if(rules.check_contents(kind, contents, instrument_classes(), complete=complete), ListingInvalid)


def subject(key: HostKey) -> str:
    return f"{key.institution_id}:{key.id}"


def recorded(unit: Work, row: Resource) -> ResourceRecord:
    key = HostKey(row.institution_id, row.id)
    host = host_of(row.institution_id)
    units = store.unit_counts(unit.session, [key]).get(key, 0)
    waits = key in store.waiting(unit.session, [key])
    return store.record_of(row, zone=host.zone, host_code=host.code, units=units, change_waits=waits)


def new_change(
    unit: Work, key: HostKey, contents: ListingContents, number: int | None = None
) -> ListingChange:
    return ListingChange(
        institution_id=key.institution_id,
        id=new_id(),
        resource_id=key.id,
        number=number or store.next_number(unit.session, key),
        state=str(ChangeState.DRAFT),
        document=contents_json.to_json(contents),
        created_at=unit.now,
    )


def open_change(key: HostKey) -> ChangeRecord | None:
    """The change that is on its way for this resource, if any: draft, refused, pending or approved for a later day."""
    row = open_row(key)
    return store.change_record(row) if row is not None else None


def open_row(key: HostKey) -> ListingChange | None:
    """The row of the change that is on its way."""
    rows = store.change_rows(
        reading(),
        key.institution_id,
        resource_id=key.id,
        states=(ChangeState.DRAFT, ChangeState.REFUSED, ChangeState.PENDING, ChangeState.APPROVED),
        limit=1,
    )
    return rows[0] if rows else None


def fresh(row: Resource, version: int | None) -> None:
    """Raise where somebody has changed the row since it was seen.

    Raises:
        ListingStale
    """
    if version is not None and row.version != version:
        raise ListingStale(seen=version, now=row.version, changed_at=row.changed_at.isoformat())


def draft(unit: Work, row: Resource, contents: ListingContents) -> ListingChange:
    """The draft of a resource with these contents; its row is locked."""
    check(ResourceKind(row.kind), contents, complete=False)
    key = HostKey(row.institution_id, row.id)
    change = open_row(key)
    if change is not None and change.state == str(ChangeState.PENDING):
        raise WrongState(Reason("catalogue.change_waits", {"number": change.number}))
    if change is None or change.state == str(ChangeState.APPROVED):
        change = new_change(unit, key, contents)
        unit.session.add(change)
    change.document = contents_json.to_json(contents)
    change.state = str(ChangeState.DRAFT)
    change.withdraws = False
    if row.state != str(ListingState.PUBLIC):
        # Nobody outside sees this row yet: it shows its draft in the host's own lists.
        write(row, contents)
    row.version += 1
    row.changed_at = unit.now
    unit.session.flush()
    return change


def write(row: Resource, contents: ListingContents) -> None:
    """Put contents in force on the row."""
    for name, value in store.columns_of(contents).items():
        setattr(row, name, value)


def told(
    unit: Work, row: Resource, change: ListingChange, what: str, people: Sequence[UUID], by: Actor
) -> None:
    """Audit a step and tell those who wait for it, except the one who did it."""
    key = HostKey(row.institution_id, row.id)
    details: dict[str, Any] = {"change": change.number, "code": row.code}
    if change.effective_on:
        details["effective_on"] = change.effective_on.isoformat()
    if change.decision_note or change.note:
        details["note"] = change.decision_note or change.note
    unit.audit(f"catalogue.{what}", row.institution_id, subject(key), details, person_id=by.person_id)
    host = host_of(row.institution_id)
    readers = [person for person in dict.fromkeys(people) if person != by.person_id]
    if readers:
        values = {
            "code": row.code,
            "name": {"zh": row.name_zh, "en": row.name_en},
            "note": change.decision_note or change.note,
            "effective_on": change.effective_on.isoformat() if change.effective_on else None,
        }
        page = "approvals" if what == "submitted" else f"resources/{row.id}"
        ports.notify(
            unit,
            readers,
            f"catalogue.{what}",
            values,
            f"/o/{host.code}/{page}",
            organisation_id=row.institution_id,
        )


def latest_contents(row: Resource) -> ListingContents:
    """The contents that a manager works on: of the draft where there is one, else those in force."""
    change = open_row(HostKey(row.institution_id, row.id))
    return contents_json.from_json(change.document) if change is not None else store.contents_of(row)
