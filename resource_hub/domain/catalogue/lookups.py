"""Questions to the catalogue: what is this resource, what are its units, what waits for the office."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from resource_hub import rulebook
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, OrganisationRecord
from resource_hub.domain.catalogue import contents as contents_json
from resource_hub.domain.catalogue import ports, rules, store
from resource_hub.domain.catalogue.errors import ChangeNotFound, NotYours, ResourceNotFound
from resource_hub.domain.catalogue.managing import APPROVES, MANAGES
from resource_hub.domain.catalogue.tables import ListingChange, Resource
from resource_hub.domain.catalogue.terms import (
    ChangeRecord,
    ChangeState,
    FieldDifference,
    ListingClock,
    ListingContents,
    ListingState,
    ResourceKind,
    ResourceRecord,
    UnitRecord,
)
from resource_hub.infra import clock, stamps
from resource_hub.infra.database import reading
from resource_hub.infra.keeping import each_remembered, kept
from resource_hub.kernel.decision import Citation
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

# Of more at once the memory would be filled by one list.
_REMEMBERED = 500


def _beside(keys: Sequence[HostKey]) -> dict[HostKey, tuple[int, bool]]:
    """How many active units each has, and whether a change of its listing is on its way."""
    counts, waits = store.unit_counts(reading(), keys), store.waiting(reading(), keys)
    return {key: (counts.get(key, 0), key in waits) for key in keys}


def _records(rows: Sequence[Resource]) -> list[ResourceRecord]:
    """Rows as records, with an approved change laid over them whose day has come but whose job has not run."""
    session = reading()
    keys = [HostKey(row.institution_id, row.id) for row in rows]
    hosts = accounts.organisation_names({key.institution_id for key in keys})
    beside = (
        _beside(keys)
        if len(keys) > _REMEMBERED
        else each_remembered(("beside a listing",), keys, lambda key: (key.id,), _beside)
    )
    waits = {key for key, (_, waiting) in beside.items() if waiting}
    now = clock.now()
    days = {host.id: local_day(now, zone(host.zone)) for host in hosts.values()}
    due: dict[HostKey, ChangeRecord] = {}
    if waits:
        for change in store.due_changes(session, max(days.values()), keys=list(waits), limit=1000):
            if change.effective_on is not None and change.effective_on <= days[change.institution_id]:
                due[HostKey(change.institution_id, change.resource_id)] = store.change_record(change)
    result = []
    for key, row in zip(keys, rows, strict=True):
        host = hosts[key.institution_id]
        record = store.record_of(
            row, zone=host.zone, host_code=host.code, units=beside[key][0], change_waits=key in waits
        )
        if key in due:
            record = replace(
                record,
                contents=due[key].contents,
                state=ListingState.PUBLIC,
                listed_on=record.listed_on or due[key].effective_on,
            )
        result.append(record)
    return result


def resource(key: HostKey) -> ResourceRecord:
    """A resource, whatever its state.

    Raises:
        ResourceNotFound: there is none of this key.
    """
    return _resource(key, clock.quarter())


@kept(about=lambda key, _quarter: (key.id, key.institution_id))
def _resource(key: HostKey, _quarter: int) -> ResourceRecord:
    row = store.resource_row(reading(), key)
    if row is None:
        raise ResourceNotFound()
    return _records([row])[0]


def resources(keys: Iterable[HostKey]) -> dict[HostKey, ResourceRecord]:
    """Records by key, in a few queries; keys without a row are left out."""
    return {record.key: record for record in _records(store.rows_of_keys(reading(), keys))}


def resource_of(host_code: str, code_or_id: str) -> ResourceRecord:
    """A resource named as in an address: host's code, and the resource's code or id.

    Raises:
        ResourceNotFound: there is none. UnknownOrganisation: no such host.
    """
    known = _keys.get((host_code, code_or_id))
    if known is not None and (held := stamps.current()) is not None:
        held.expect(known)
    host = accounts.organisation(host_code)
    if known is not None and known.institution_id == host.id:
        with suppress(ResourceNotFound):
            record = resource(known)
            if record.code == code_or_id:
                return record
    found = store.resource_id_of_code(reading(), host.id, code_or_id)
    if found is None:
        try:
            found = UUID(code_or_id)
        except ValueError:
            raise ResourceNotFound() from None
    else:
        _keys[host_code, code_or_id] = HostKey(host.id, found)
    return resource(HostKey(host.id, found))


# Where resources were found by code. Codes may change, so this is only where to look first.
_keys: dict[tuple[str, str], HostKey] = {}


def keys_of_codes(institution_id: UUID, codes: Sequence[str]) -> dict[str, HostKey]:
    """Keys of a host's resources by code; codes that stand for none are left out."""
    rows = store.rows_of_codes(reading(), institution_id, codes)
    return {code: HostKey(row.institution_id, row.id) for code, row in rows.items()}


def resources_of(
    institution_id: UUID, *, states: Sequence[ListingState] = (), kinds: Sequence[ResourceKind] = ()
) -> list[ResourceRecord]:
    """All resources of a host by code."""
    rows = store.managed_rows(reading(), institution_id, department_ids=None, states=states, kinds=kinds)
    return _records(rows) if rows else []


@kept
def resources_managed_by(
    by: Actor,
    *,
    states: Sequence[ListingState] = (),
    kinds: Sequence[ResourceKind] = (),
    text: str = "",
    overdue_before: date | None = None,
    after: str = "",
    limit: int | None = None,
) -> list[ResourceRecord]:
    """The resources that an actor looks after, by code; ``after`` is the last code of the page before."""
    if not by.roles:
        return []
    rows = store.managed_rows(
        reading(),
        by.organisation_id,
        department_ids=None if by.has(*APPROVES) else by.department_ids,
        states=states,
        kinds=kinds,
        text=text,
        overdue_before=overdue_before,
        after=after,
        limit=limit,
    )
    return _records(rows) if rows else []


def state_counts(by: Actor) -> dict[ListingState, int]:
    departments = None if by.has(*APPROVES) else by.department_ids
    return store.state_counts(reading(), by.organisation_id, departments)


def visible(record: ResourceRecord, by: Actor | None) -> ResourceRecord:
    """The record if this reader may see it: public to all, anything else to the host's own staff.

    Raises:
        ResourceNotFound: it is not public, and the reader is not of the host.
    """
    own = by is not None and by.organisation_id == record.key.institution_id and by.has(*MANAGES)
    if record.state is ListingState.PUBLIC and record.listed or own:
        return record
    raise ResourceNotFound()


@kept
def units(key: HostKey, *, active_only: bool = False) -> list[UnitRecord]:
    """The lanes of a resource by position."""
    records = [store.unit_record(row) for row in store.unit_rows(reading(), key)]
    return [record for record in records if record.active] if active_only else records


@kept
def units_of(keys: Sequence[HostKey]) -> dict[HostKey, list[UnitRecord]]:
    """The active lanes of many resources by position, in one query."""
    return each_remembered(("lanes",), keys, lambda key: (key.id,), _units_of)


def _units_of(keys: Sequence[HostKey]) -> dict[HostKey, list[UnitRecord]]:
    found: dict[HostKey, list[UnitRecord]] = {key: [] for key in keys}
    for row in store.units_of_resources(reading(), keys):
        record = store.unit_record(row)
        key = HostKey(record.key.institution_id, record.resource_id)
        if key in found:
            found[key].append(record)
    return found


@kept
def unit(key: HostKey) -> UnitRecord:
    """One lane by id.

    Raises:
        ResourceNotFound: there is none.
    """
    row = store.unit_row(reading(), key.institution_id, id=key.id)
    if row is None:
        raise ResourceNotFound()
    return store.unit_record(row)


@kept
def unit_of(host_code: str, unit_code: str) -> UnitRecord:
    """A lane by its host's code and its own, as on its printed QR label.

    Raises:
        ResourceNotFound: there is none.
    """
    host = accounts.organisation(host_code)
    row = store.unit_row(reading(), host.id, code=unit_code)
    if row is None:
        raise ResourceNotFound()
    return store.unit_record(row)


# ---- changes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PendingListing:
    """A change that waits for the office, beside what is in force."""

    change: ChangeRecord
    resource: ResourceRecord
    differences: tuple[FieldDifference, ...]
    first: bool  # never listed before: there is nothing to compare with
    clock: ListingClock | None


def changes(key: HostKey) -> list[ChangeRecord]:
    """The history of a listing, newest first."""
    return [
        store.change_record(row)
        for row in store.change_rows(reading(), key.institution_id, resource_id=key.id)
    ]


def change(key: HostKey) -> ChangeRecord:
    """One change by its own key.

    Raises:
        ChangeNotFound
    """
    row = store.change_row(reading(), key)
    if row is None:
        raise ChangeNotFound()
    return store.change_record(row)


def pending(
    by: Actor, limit: int | None = None, after: tuple[datetime, UUID] | None = None
) -> list[PendingListing]:
    """What waits for the office, longest waiting first, each with its differences against the version in force; so
    many, from the one after a place (when it was handed in, and its id) on.

    Raises:
        NotYours: the actor is not of the office.
    """
    if not by.has(*APPROVES):
        raise NotYours()
    rows = store.change_rows(
        reading(), by.organisation_id, states=(ChangeState.PENDING,), limit=limit, after=after
    )
    return _all_compared(rows)


def approved_later(
    by: Actor, limit: int | None = None, after: tuple[datetime, UUID] | None = None
) -> list[PendingListing]:
    """What is approved and waits for its day, in the order in which it was handed in; so many, from a place on."""
    rows = store.change_rows(
        reading(), by.organisation_id, states=(ChangeState.APPROVED,), limit=limit, after=after
    )
    return _all_compared(rows)


def pending_count(institution_id: UUID) -> int:
    return store.pending_count(reading(), institution_id)


def _all_compared(rows: Sequence[ListingChange]) -> list[PendingListing]:
    found = [store.change_record(row) for row in rows]
    about = resources({HostKey(one.key.institution_id, one.resource_id) for one in found})
    return [_compared(one, about[HostKey(one.key.institution_id, one.resource_id)]) for one in found]


def compared(record: ChangeRecord) -> PendingListing:
    """A change with its differences against the version in force (against nothing for a first listing)."""
    return _compared(record, resource(HostKey(record.key.institution_id, record.resource_id)))


def _compared(record: ChangeRecord, about: ResourceRecord) -> PendingListing:
    first = about.listed_on is None
    before = ListingContents() if first else about.contents
    return PendingListing(
        record, about, tuple(contents_json.differences(before, record.contents)), first, listing_clock(about)
    )


# ---- the listing term ----------------------------------------------------------------------------------------


def listing_term(day: date) -> tuple[int, Citation]:
    """Working days within which an accepted instrument must be listed, by the rule in force on a day."""
    scheme = rulebook.scheme("cn/listing_duty")
    first = next(iter(scheme.versions)).since
    parameters = scheme.on(max(day, first))
    parameter = parameters.version.parameters["listing_term"]
    source = parameters.version.source
    cited = Citation(source.document, parameter.article, source.title, source.mark, "listing_term",
                     parameters.version.name)  # fmt: skip
    return int(parameter.value or ""), cited


def listing_clock(record: ResourceRecord, host: OrganisationRecord | None = None) -> ListingClock | None:
    """When an instrument had to be listed and whether it was; None without a day of acceptance, or outside China."""
    if record.kind is not ResourceKind.INSTRUMENT or record.accepted_on is None:
        return None
    host = host or accounts.organisation(record.key.institution_id)
    if not host.jurisdiction.upper().startswith("CN") and not host.jurisdiction.isdigit():
        return None
    today = local_day(clock.now(), zone(record.zone))
    term, _ = listing_term(record.accepted_on)
    return rules.listing_clock(
        record.accepted_on,
        record.listed_on,
        today,
        term,
        lambda day, number: ports.working_days_after(host.jurisdiction, day, number),
    )
