"""Listings: draft → office approval → public, dated; withdrawing, copying settings, units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, OrganisationRecord, Role
from resource_hub.domain.catalogue import contents as contents_json
from resource_hub.domain.catalogue import index, ports, rules, store
from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.errors import (
    ChangeNotFound,
    CodeTaken,
    ListingInvalid,
    ListingStale,
    NotYours,
    ResourceNotFound,
    WrongState,
)
from resource_hub.domain.catalogue.tables import ListingChange, Resource, Unit
from resource_hub.domain.catalogue.terms import (
    ChangeRecord,
    ChangeState,
    FieldDifference,
    ListingContents,
    ListingState,
    ResourceKind,
    ResourceRecord,
    UnitRecord,
    WorkingOrder,
)
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import StoredFile
from resource_hub.infra.unit_of_work import Lease, unit_of_work
from resource_hub.infra.unit_of_work import Unit as Work
from resource_hub.kernel.errors import Reason, refuse_if
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

MANAGES = (Role.MANAGER, Role.DEPUTY, Role.OFFICE, Role.INSTITUTION_ADMIN)
APPROVES = (Role.OFFICE, Role.INSTITUTION_ADMIN)
# Groups of settings that can be copied from one instrument to others.
COPYABLE: dict[str, tuple[str, ...]] = {
    "contact": ("contact",),
    "place": ("city", "place_zh", "place_en", "latitude_micro", "longitude_micro"),
    "modes": ("modes",),
    "rules": ("rules_zh", "rules_en"),
    "openness": ("bookable", "open_to_outside"),
    "summary": ("summary_zh", "summary_en"),
    "specification": ("specification", "accessories"),
    "class": ("class_code",),
}


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


def _host(institution_id: UUID) -> OrganisationRecord:
    return accounts.organisation(institution_id)


def _today(unit: Work, institution_id: UUID) -> date:
    return local_day(unit.now, zone(_host(institution_id).zone))


def _locked(unit: Work, key: HostKey, by: Actor | None) -> Resource:
    row = store.resource_row(unit.session, key, lock=True)
    if row is None:
        raise ResourceNotFound()
    if by is not None:
        may_manage(by, row.institution_id, row.department_id)
    return row


def _check(kind: ResourceKind, contents: ListingContents, *, complete: bool) -> None:
    refuse_if(rules.check_contents(kind, contents, instrument_classes(), complete=complete), ListingInvalid)


def _subject(key: HostKey) -> str:
    return f"{key.institution_id}:{key.id}"


def _record(unit: Work, row: Resource) -> ResourceRecord:
    key = HostKey(row.institution_id, row.id)
    host = _host(row.institution_id)
    units = store.unit_counts(unit.session, [key]).get(key, 0)
    waits = key in store.waiting(unit.session, [key])
    return store.record_of(row, zone=host.zone, host_code=host.code, units=units, change_waits=waits)


# ---- making and changing -------------------------------------------------------------------------------------


def create(
    institution_id: UUID,
    kind: ResourceKind,
    code: str,
    contents: ListingContents,
    *,
    by: Actor,
    department_id: UUID | None = None,
    units: int = 1,
    listed: bool = True,
) -> ResourceRecord:
    """A new resource as a draft, with its units.

    Args:
        units: number of identical lanes, 1 to 500; kinds that are not used by time get none.
        listed: False for a helper (preparation room, operator) that is only booked together with another.

    Raises:
        ListingInvalid: every fault of the code and the contents. CodeTaken: the code stands for another resource.
    """
    code = code.strip()
    with unit_of_work() as unit:
        may_manage(by, institution_id, department_id)
        if department_id is not None:
            accounts.department(institution_id, department_id)
        reasons = rules.check_code(code)
        reasons += rules.check_contents(kind, contents, instrument_classes(), complete=False)
        refuse_if(reasons, ListingInvalid)
        if store.resource_id_of_code(unit.session, institution_id, code) is not None:
            raise CodeTaken(Reason("catalogue.code_taken", {"code": code}, "code"))
        row = Resource(
            institution_id=institution_id,
            id=new_id(),
            code=code,
            kind=str(kind),
            department_id=department_id,
            state=str(ListingState.DRAFT),
            status=str(WorkingOrder.NORMAL),
            listed=listed,
            version=1,
            created_at=unit.now,
            changed_at=unit.now,
            **store.columns_of(contents),
        )
        unit.session.add(row)
        unit.session.flush()
        key = HostKey(institution_id, row.id)
        if listed:
            unit.session.add(_new_change(unit, key, contents, number=1))
        if kind in (ResourceKind.INSTRUMENT, ResourceKind.FACILITY):
            _add_units(unit, row, units)
        unit.session.flush()
        unit.audit("catalogue.created", institution_id, _subject(key), {"code": code}, person_id=by.person_id)
        return _record(unit, row)


def _new_change(
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
    row = _open_change(key)
    return store.change_record(row) if row is not None else None


def _open_change(key: HostKey) -> ListingChange | None:
    rows = store.change_rows(
        reading(),
        key.institution_id,
        resource_id=key.id,
        states=(ChangeState.DRAFT, ChangeState.REFUSED, ChangeState.PENDING, ChangeState.APPROVED),
        limit=1,
    )
    return rows[0] if rows else None


def save_draft(
    key: HostKey,
    contents: ListingContents,
    *,
    by: Actor,
    version: int | None = None,
    department_id: UUID | None | bool = False,
) -> ChangeRecord:
    """Keep what was typed as the draft of the next change; the public listing stays as it is.

    Args:
        version: of the resource, as the person saw it; each saving makes a new one.
        department_id: the department or None; leave it out to keep it.

    Raises:
        ListingStale: somebody else saved in between. WrongState: a change waits for approval; recall it first.
    """
    with unit_of_work() as unit:
        row = _locked(unit, key, by)
        _fresh(row, version)
        if department_id is not False:
            assert not isinstance(department_id, bool)
            may_manage(by, row.institution_id, department_id)
            row.department_id = department_id
        change = _draft(unit, row, contents)
        unit.audit(
            "catalogue.draft_saved", key.institution_id, _subject(key), {"change": change.number},
            person_id=by.person_id,
        )  # fmt: skip
        return store.change_record(change)


def _fresh(row: Resource, version: int | None) -> None:
    if version is not None and row.version != version:
        raise ListingStale(seen=version, now=row.version, changed_at=row.changed_at.isoformat())


def _draft(unit: Work, row: Resource, contents: ListingContents) -> ListingChange:
    """The draft of a resource with these contents; its row is locked."""
    _check(ResourceKind(row.kind), contents, complete=False)
    key = HostKey(row.institution_id, row.id)
    change = _open_change(key)
    if change is not None and change.state == str(ChangeState.PENDING):
        raise WrongState(Reason("catalogue.change_waits", {"number": change.number}))
    if change is None or change.state == str(ChangeState.APPROVED):
        change = _new_change(unit, key, contents)
        unit.session.add(change)
    change.document = contents_json.to_json(contents)
    change.state = str(ChangeState.DRAFT)
    change.withdraws = False
    if row.state != str(ListingState.PUBLIC):
        # Nobody outside sees this row yet: it shows its draft in the host's own lists.
        _write(row, contents)
    row.version += 1
    row.changed_at = unit.now
    unit.session.flush()
    return change


def _write(row: Resource, contents: ListingContents) -> None:
    for name, value in store.columns_of(contents).items():
        setattr(row, name, value)


def submit(
    key: HostKey, *, by: Actor, effective_on: date | None = None, note: str = "", version: int | None = None
) -> ChangeRecord:
    """Hand the draft to the office.

    Args:
        effective_on: first day of the new contents in the host's zone; None for the day of approval.

    Raises:
        ListingInvalid: what a public listing still lacks, all at once. WrongState: there is no draft.
    """
    with unit_of_work() as unit:
        row = _locked(unit, key, by)
        _fresh(row, version)
        change = _open_change(key)
        if change is None:
            raise WrongState(Reason("catalogue.no_draft", {}))
        refuse_if(rules.may_submit(ChangeState(change.state)), WrongState)
        contents = contents_json.from_json(change.document)
        _check(ResourceKind(row.kind), contents, complete=True)
        if effective_on is not None and effective_on < _today(unit, key.institution_id):
            raise ListingInvalid(
                Reason("catalogue.effective_in_past", {"day": effective_on.isoformat()}, "effective_on")
            )
        change.state = str(ChangeState.PENDING)
        change.effective_on = effective_on
        change.note = note
        change.decision_note = ""
        change.submitted_by, change.submitted_at = by.person_id, unit.now
        change.version += 1
        if row.state in (str(ListingState.DRAFT), str(ListingState.WITHDRAWN)):
            row.state = str(ListingState.PENDING)
        row.version += 1
        unit.session.flush()
        _told(unit, row, change, "submitted", accounts.people_with_role(key.institution_id, *APPROVES), by)
        return store.change_record(change)


def recall(key: HostKey, *, by: Actor) -> ChangeRecord:
    """Take a change back from the office before it is decided; it is a draft again."""
    with unit_of_work() as unit:
        row = _locked(unit, key, by)
        change = _open_change(key)
        if change is None or change.state != str(ChangeState.PENDING):
            raise WrongState(
                Reason("catalogue.change_not_pending", {"state": change.state if change else "none"})
            )
        change.state = str(ChangeState.DRAFT)
        change.version += 1
        if row.state == str(ListingState.PENDING):
            row.state = str(ListingState.DRAFT)
        row.version += 1
        unit.audit("catalogue.recalled", key.institution_id, _subject(key), {"change": change.number},
                   person_id=by.person_id)  # fmt: skip
        unit.session.flush()
        return store.change_record(change)


# ---- deciding ------------------------------------------------------------------------------------------------


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
        today = _today(unit, row.institution_id)
        day = effective_on or change.effective_on or today
        if day < today:
            day = today
        _check(ResourceKind(row.kind), contents_json.from_json(change.document), complete=True)
        change.state = str(ChangeState.APPROVED)
        change.effective_on = day
        change.decision_note = note
        change.decided_by, change.decided_at = by.person_id, unit.now
        change.version += 1
        unit.session.flush()
        if day <= today:
            _put_in_force(unit, row, change)
        _told(unit, row, change, "approved", [change.submitted_by] if change.submitted_by else [], by)
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
        _told(unit, row, change, "refused", [change.submitted_by] if change.submitted_by else [], by)
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
    _write(row, contents)
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
        _subject(key),
        {"institution_id": str(row.institution_id), "resource_id": str(row.id), "change": change.number},
    )


def take_effect(limit: int = 100, *, lease: Lease | None = None) -> int:
    """Put approved changes in force whose day has come in their host's zone; the number of them. For a job."""
    session = reading()
    # The day comes first in the zones furthest east; each is looked at again under its own zone.
    ahead = local_day(clock.now(), zone("Pacific/Kiritimati"))
    due = [HostKey(row.institution_id, row.id) for row in store.due_changes(session, ahead, limit=limit)]
    done = 0
    for key in due:
        with unit_of_work(lease=lease) as unit:
            found = store.change_row(unit.session, key)
            if found is None:
                continue
            row = store.resource_row(unit.session, HostKey(key.institution_id, found.resource_id), lock=True)
            change = store.change_row(unit.session, key, lock=True)
            if row is None or change is None or change.state != str(ChangeState.APPROVED):
                continue
            if change.effective_on is not None and change.effective_on > _today(unit, key.institution_id):
                continue
            _put_in_force(unit, row, change)
            done += 1
    return done


def withdraw(key: HostKey, *, by: Actor, note: str, version: int | None = None) -> ResourceRecord:
    """Take a listing down at once, with a reason. Bookings that stand are not touched; new ones are not taken.

    Raises:
        ListingInvalid: no reason was given. WrongState: it is not public.
    """
    if not note.strip():
        raise ListingInvalid(Reason("catalogue.withdrawal_needs_reason", {}, "note"))
    with unit_of_work() as unit:
        row = _locked(unit, key, by)
        _fresh(row, version)
        if row.state != str(ListingState.PUBLIC):
            raise WrongState(Reason("catalogue.not_public", {"state": row.state}))
        change = _new_change(unit, key, store.contents_of(row))
        change.state, change.withdraws = str(ChangeState.IN_FORCE), True
        change.note = note.strip()
        change.submitted_by = change.decided_by = by.person_id
        change.submitted_at = change.decided_at = change.applied_at = unit.now
        change.effective_on = _today(unit, key.institution_id)
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
            _subject(key),
            {"institution_id": str(key.institution_id), "resource_id": str(key.id), "reason": note.strip()},
        )
        _told(unit, row, change, "withdrawn", accounts.people_with_role(key.institution_id, *APPROVES), by)
        return _record(unit, row)


def relist(key: HostKey, *, by: Actor) -> ChangeRecord:
    """Begin listing a withdrawn resource again: a draft with its last contents."""
    with unit_of_work() as unit:
        row = _locked(unit, key, by)
        if row.state != str(ListingState.WITHDRAWN):
            raise WrongState(Reason("catalogue.not_withdrawn", {"state": row.state}))
        change = _draft(unit, row, store.contents_of(row))
        row.state = str(ListingState.DRAFT)
        return store.change_record(change)


def _told(
    unit: Work, row: Resource, change: ListingChange, what: str, people: Sequence[UUID], by: Actor
) -> None:
    """Audit a step and tell those who wait for it, except the one who did it."""
    key = HostKey(row.institution_id, row.id)
    details: dict[str, Any] = {"change": change.number, "code": row.code}
    if change.effective_on:
        details["effective_on"] = change.effective_on.isoformat()
    if change.decision_note or change.note:
        details["note"] = change.decision_note or change.note
    unit.audit(f"catalogue.{what}", row.institution_id, _subject(key), details, person_id=by.person_id)
    host = _host(row.institution_id)
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


# ---- units ---------------------------------------------------------------------------------------------------


def _add_units(unit: Work, row: Resource, count: int) -> None:
    have = store.unit_rows(unit.session, HostKey(row.institution_id, row.id))
    first = max((u.position for u in have), default=0) + 1
    rows = unit_rows(row.institution_id, row.id, row.code, first, count)
    taken = store.unit_codes_taken(unit.session, row.institution_id, [r["code"] for r in rows])
    for r in rows:
        if r["code"] in taken:
            r["code"] = f"{r['code'][:50]}-{str(r['id'])[-6:]}"
    if rows:
        unit.session.execute(insert(Unit), rows)


def unit_rows(
    institution_id: UUID, resource_id: UUID, code: str, first: int, count: int
) -> list[dict[str, Any]]:
    """Rows of ``count`` new lanes from position ``first`` on; a single lane has the resource's own code."""
    rows = []
    for position in range(first, first + count):
        own = code if count == 1 and position == 1 else f"{code[:54]}-{position}"
        rows.append(
            {
                "institution_id": institution_id,
                "id": new_id(),
                "resource_id": resource_id,
                "code": own,
                "name_zh": f"{position} 号机位",
                "name_en": f"Unit {position}",
                "position": position,
                "active": True,
                "serial_number": "",
            }
        )
    return rows


def add_units(key: HostKey, count: int, *, by: Actor) -> list[UnitRecord]:
    """Add lanes. Not dated and not approved: they are the host's own affair."""
    if not 1 <= count <= 500:
        raise ListingInvalid(Reason("catalogue.unit_count", {"least": 1, "most": 500}, "units"))
    with unit_of_work() as unit:
        row = _locked(unit, key, by)
        _add_units(unit, row, count)
        row.version += 1
        unit.audit("catalogue.units_added", key.institution_id, _subject(key), {"count": count},
                   person_id=by.person_id)  # fmt: skip
        return [store.unit_record(u) for u in store.unit_rows(unit.session, key)]


def change_unit(
    unit_key: HostKey, *, by: Actor, name_zh: str, name_en: str, active: bool, serial_number: str = ""
) -> UnitRecord:
    """Rename a lane or take it out of use; its history stays."""
    with unit_of_work() as unit:
        found = store.unit_row(unit.session, unit_key.institution_id, id=unit_key.id)
        if found is None:
            raise ResourceNotFound()
        row = _locked(unit, HostKey(unit_key.institution_id, found.resource_id), by)
        found.name_zh, found.name_en = name_zh.strip()[:120], name_en.strip()[:120]
        found.active, found.serial_number = active, serial_number.strip()[:100]
        row.version += 1
        unit.session.flush()
        unit.audit("catalogue.unit_changed", unit_key.institution_id, _subject(HostKey(row.institution_id, row.id)),
                   {"unit": found.code, "active": active}, person_id=by.person_id)  # fmt: skip
        return store.unit_record(found)


def set_working_order(key: HostKey, order: WorkingOrder, *, by: Actor) -> ResourceRecord:
    """Say in what working order an instrument is; shown at once, because it is a fact and no promise."""
    with unit_of_work() as unit:
        row = _locked(unit, key, by)
        if row.status != str(order):
            unit.audit("catalogue.working_order", key.institution_id, _subject(key),
                       {"before": row.status, "after": str(order)}, person_id=by.person_id)  # fmt: skip
            row.status = str(order)
            row.version += 1
            row.changed_at = unit.now
            unit.session.flush()
        return _record(unit, row)


# ---- copying settings ----------------------------------------------------------------------------------------


def copied(source: ListingContents, target: ListingContents, groups: Sequence[str]) -> ListingContents:
    """The target with the chosen groups of settings from the source."""
    values = {name: getattr(source, name) for group in groups for name in COPYABLE[group]}
    return replace(target, **values)


def copy_preview(
    source: HostKey, targets: Sequence[HostKey], groups: Sequence[str], *, by: Actor
) -> list[tuple[ResourceRecord, list[FieldDifference]]]:
    """What copying would change, target by target; nothing is written."""
    unknown = [group for group in groups if group not in COPYABLE]
    if unknown or not groups:
        raise ListingInvalid(
            Reason("catalogue.copy_nothing_chosen", {"unknown": ", ".join(unknown)}, "groups")
        )
    session = reading()
    origin = store.resource_row(session, source)
    if origin is None:
        raise ResourceNotFound()
    may_manage(by, source.institution_id, origin.department_id)
    host = _host(source.institution_id)
    result = []
    for row in store.rows_of_keys(session, [key for key in targets if key != source]):
        may_manage(by, row.institution_id, row.department_id)
        before = latest_contents(row)
        after = copied(latest_contents(origin), before, groups)
        record = store.record_of(row, zone=host.zone, host_code=host.code)
        result.append((record, contents_json.differences(before, after)))
    return sorted(result, key=lambda pair: pair[0].code)


def latest_contents(row: Resource) -> ListingContents:
    """The contents that a manager works on: of the draft where there is one, else those in force."""
    change = _open_change(HostKey(row.institution_id, row.id))
    return contents_json.from_json(change.document) if change is not None else store.contents_of(row)


def copy_apply(
    source: HostKey,
    targets: Sequence[HostKey],
    groups: Sequence[str],
    *,
    by: Actor,
    effective_on: date | None = None,
) -> dict[str, int]:
    """Copy the chosen settings; each target that differs gets a change handed to the office in one go.

    A target that is not complete enough for the office is left as a draft. Counts by what became of them:
    ``submitted``, ``drafts``, ``unchanged``, ``waiting`` (another change waits for the office).
    """
    counts = {"submitted": 0, "drafts": 0, "unchanged": 0, "waiting": 0}
    with unit_of_work() as unit:
        for record, different in copy_preview(source, targets, groups, by=by):
            if not different:
                counts["unchanged"] += 1
                continue
            row = _locked(unit, record.key, by)
            origin = store.resource_row(unit.session, source)
            assert origin is not None
            contents = copied(latest_contents(origin), latest_contents(row), groups)
            try:
                _draft(unit, row, contents)
            except WrongState:
                counts["waiting"] += 1
                continue
            lacking = rules.check_contents(
                ResourceKind(row.kind), contents, instrument_classes(), complete=True
            )
            if lacking:
                counts["drafts"] += 1
            else:
                submit(record.key, by=by, effective_on=effective_on, note="")
                counts["submitted"] += 1
        unit.audit("catalogue.settings_copied", source.institution_id, _subject(source),
                   {"groups": ",".join(groups), **counts}, person_id=by.person_id)  # fmt: skip
    return counts
