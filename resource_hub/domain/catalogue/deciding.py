"""What the office decides of a listing, and when that comes in force; withdrawing and listing again."""

from __future__ import annotations

from datetime import date

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.catalogue import contents as contents_json
from resource_hub.domain.catalogue import index, rules, store
from resource_hub.domain.catalogue.errors import (
    ChangeNotFound,
    ListingInvalid,
    ListingStale,
    NotYours,
    WrongState,
)
from resource_hub.domain.catalogue.managing import (
    APPROVES,
    check,
    draft,
    fresh,
    locked,
    new_change,
    recorded,
    subject,
    today_at,
    told,
    write,
)
from resource_hub.domain.catalogue.tables import ListingChange, Resource
from resource_hub.domain.catalogue.terms import (
    ChangeRecord,
    ChangeState,
    ListingState,
    ResourceKind,
    ResourceRecord,
)
from resource_hub.infra import batches, clock
from resource_hub.infra.database import reading
from resource_hub.infra.tables import StoredFile
from resource_hub.infra.unit_of_work import Lease, unit_of_work
from resource_hub.infra.unit_of_work import Unit as Work
from resource_hub.kernel.errors import Reason, refuse_if
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone


def _decidable(
    unit: Work, change_key: HostKey, by: Actor, version: int | None
) -> tuple[Resource, ListingChange]:
    if by.organisation_id != change_key.institution_id:
        raise ChangeNotFound()
    if not by.has(*APPROVES):
        raise NotYours()
    change = store.change_row(unit.session, change_key)
    if change is None:
        raise ChangeNotFound()
    row = store.resource_row(unit.session, HostKey(change.institution_id, change.resource_id), lock=True)
    change = store.change_row(unit.session, change_key, lock=True)
    if row is None or change is None:
        raise ChangeNotFound()
    if version is not None and change.version != version:
        raise ListingStale(seen=version, now=change.version)
    refuse_if(rules.may_decide(ChangeState(change.state)), WrongState)
    return row, change


def approve(
    change_key: HostKey,
    *,
    by: Actor,
    effective_on: date | None = None,
    note: str = "",
    version: int | None = None,
) -> ChangeRecord:
    """Approve a change. It is in force from its day on: at once when that has come, else it waits.

    Args:
        effective_on: the office's day; without it the day that was asked for, without that today.
    """
    with unit_of_work() as unit:
        row, change = _decidable(unit, change_key, by, version)
        today = today_at(unit, row.institution_id)
        day = effective_on or change.effective_on or today
        if day < today:
            day = today
        check(ResourceKind(row.kind), contents_json.from_json(change.document), complete=True)
        change.state = str(ChangeState.APPROVED)
        change.effective_on = day
        change.decision_note = note
        change.decided_by, change.decided_at = by.person_id, unit.now
        change.version += 1
        unit.session.flush()
        if day <= today:
            _put_in_force(unit, row, change)
        told(unit, row, change, "approved", [change.submitted_by] if change.submitted_by else [], by)
        return store.change_record(change)


def refuse(change_key: HostKey, *, by: Actor, note: str, version: int | None = None) -> ChangeRecord:
    """Send a change back with the reason; it can be mended and handed in again.

    Raises:
        ListingInvalid: no reason was given.
    """
    if not note.strip():
        raise ListingInvalid(Reason("catalogue.refusal_needs_reason", {}, "note"))
    with unit_of_work() as unit:
        row, change = _decidable(unit, change_key, by, version)
        change.state = str(ChangeState.REFUSED)
        change.decision_note = note.strip()
        change.decided_by, change.decided_at = by.person_id, unit.now
        change.version += 1
        if row.state == str(ListingState.PENDING):
            row.state = str(ListingState.DRAFT)
        row.version += 1
        unit.session.flush()
        told(unit, row, change, "refused", [change.submitted_by] if change.submitted_by else [], by)
        return store.change_record(change)


def _put_in_force(unit: Work, row: Resource, change: ListingChange) -> None:
    """The contents of an approved change become the listing; what was in force before is kept as superseded."""
    key = HostKey(row.institution_id, row.id)
    for old in store.change_rows(
        unit.session, row.institution_id, resource_id=row.id, states=(ChangeState.IN_FORCE,)
    ):
        old.state = str(ChangeState.SUPERSEDED)
    for overtaken in store.change_rows(
        unit.session, row.institution_id, resource_id=row.id, states=(ChangeState.APPROVED,)
    ):
        # A change approved earlier for a later day, but made before this one, would undo it.
        if overtaken.number < change.number:
            overtaken.state = str(ChangeState.SUPERSEDED)
    contents = contents_json.from_json(change.document)
    change.state = str(ChangeState.IN_FORCE)
    change.applied_at = unit.now
    write(row, contents)
    row.state = str(ListingState.PUBLIC)
    row.listed_on = row.listed_on or change.effective_on
    row.version += 1
    row.changed_at = unit.now
    if contents.photo_id is not None:
        photo = unit.session.get(StoredFile, (row.institution_id, contents.photo_id))
        if photo is not None:
            photo.public = True
    unit.session.flush()
    index.refresh_rows(unit.session, [key], [row])
    unit.publish(
        "catalogue.listed",
        subject(key),
        {"institution_id": str(row.institution_id), "resource_id": str(row.id), "change": change.number},
    )


def take_effect(limit: int = 100, *, lease: Lease | None = None) -> int:
    """Put approved changes in force whose day has come in their host's zone; the number of them. For a job."""
    # The day comes first in the zones furthest east; each is looked at again under its own zone.
    ahead = local_day(clock.now(), zone("Pacific/Kiritimati"))

    def due(many: int) -> list[HostKey]:
        rows = store.due_changes(reading(), ahead, limit=many)
        return [HostKey(row.institution_id, row.id) for row in rows]

    def put(key: HostKey) -> int:
        with unit_of_work(lease=lease) as unit:
            found = store.change_row(unit.session, key)
            if found is None:
                return 0
            row = store.resource_row(unit.session, HostKey(key.institution_id, found.resource_id), lock=True)
            change = store.change_row(unit.session, key, lock=True)
            if row is None or change is None or change.state != str(ChangeState.APPROVED):
                return 0
            if change.effective_on is not None and change.effective_on > today_at(unit, key.institution_id):
                return 0
            _put_in_force(unit, row, change)
            return 1

    job = "catalogue.take_effect"
    return batches.each(job, batches.found(job, due, limit), put)


def withdraw(key: HostKey, *, by: Actor, note: str, version: int | None = None) -> ResourceRecord:
    """Take a listing down at once, with a reason. Bookings that stand are not touched; new ones are not taken.

    Raises:
        ListingInvalid: no reason was given. WrongState: it is not public.
    """
    if not note.strip():
        raise ListingInvalid(Reason("catalogue.withdrawal_needs_reason", {}, "note"))
    with unit_of_work() as unit:
        row = locked(unit, key, by)
        fresh(row, version)
        if row.state != str(ListingState.PUBLIC):
            raise WrongState(Reason("catalogue.not_public", {"state": row.state}))
        change = new_change(unit, key, store.contents_of(row))
        change.state, change.withdraws = str(ChangeState.IN_FORCE), True
        change.note = note.strip()
        change.submitted_by = change.decided_by = by.person_id
        change.submitted_at = change.decided_at = change.applied_at = unit.now
        change.effective_on = today_at(unit, key.institution_id)
        for old in store.change_rows(
            unit.session,
            key.institution_id,
            resource_id=key.id,
            states=(ChangeState.IN_FORCE, ChangeState.APPROVED),
        ):
            old.state = str(ChangeState.SUPERSEDED)
        unit.session.add(change)
        row.state = str(ListingState.WITHDRAWN)
        row.version += 1
        row.changed_at = unit.now
        unit.session.flush()
        index.refresh_rows(unit.session, [key], [row])
        unit.publish(
            "catalogue.withdrawn",
            subject(key),
            {"institution_id": str(key.institution_id), "resource_id": str(key.id), "reason": note.strip()},
        )
        told(unit, row, change, "withdrawn", accounts.people_with_role(key.institution_id, *APPROVES), by)
        return recorded(unit, row)


def relist(key: HostKey, *, by: Actor) -> ChangeRecord:
    """Begin listing a withdrawn resource again: a draft with its last contents."""
    with unit_of_work() as unit:
        row = locked(unit, key, by)
        if row.state != str(ListingState.WITHDRAWN):
            raise WrongState(Reason("catalogue.not_withdrawn", {"state": row.state}))
        change = draft(unit, row, store.contents_of(row))
        row.state = str(ListingState.DRAFT)
        return store.change_record(change)
