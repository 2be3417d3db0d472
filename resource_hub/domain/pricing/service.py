"""The door to pricing: the one price, tariffs and their way from draft to force."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor, CustomerClass, Role
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.pricing import indicative, store
from resource_hub.domain.pricing.errors import (
    InvalidTariff,
    NoTariff,
    NotYourTariff,
    SamePerson,
    TariffNotFound,
    TariffsOverlap,
    WrongTariffState,
)
from resource_hub.domain.pricing.indicative import ASK, NONE, keep_missing, prices_in_force
from resource_hub.domain.pricing.parsing import parsed
from resource_hub.domain.pricing.rules import price as price_rule
from resource_hub.domain.pricing.rules import read_tariff
from resource_hub.domain.pricing.rules.agreed import agreed_price as agreed_price
from resource_hub.domain.pricing.rules.document import canonical_json
from resource_hub.domain.pricing.rules.readback import Difference, differences, sentences
from resource_hub.domain.pricing.tables import Tariff as TariffRow
from resource_hub.domain.pricing.telling import SUBSCRIPTIONS as SUBSCRIPTIONS
from resource_hub.domain.pricing.terms import Price, Tariff, TariffRecord, TariffState, UseFacts
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import derived_id, new_id
from resource_hub.infra.keeping import remembered
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import DomainError, Reason, Stale
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

__all__ = [
    "APPROVES", "ASK", "NONE", "SUBSCRIPTIONS", "WRITES", "Wanted", "adopt", "approve", "difference", "keep_missing",
    "may_write", "parsed", "price", "prices_in_force", "prices_of_page", "read_back", "refuse", "save_draft", "submit",
    "tariff", "tariff_in_force", "tariffs", "tariffs_before", "tariffs_waiting", "tariffs_waiting_count", "withdraw",
]  # fmt: skip

WRITES = (Role.MANAGER, Role.DEPUTY, Role.OFFICE, Role.INSTITUTION_ADMIN)
APPROVES = (Role.OFFICE, Role.INSTITUTION_ADMIN)


# ---- the price


def price(
    key: HostKey,
    on: date,
    customer_class: CustomerClass,
    use: UseFacts,
    tariff_id: UUID | None = None,
) -> Price:
    """The one price, for quote and charge. A quoted booking passes its tariff and keeps it.

    Raises:
        NoTariff: nothing is in force on that day. TariffNotFound: the tariff named is not this resource's.
        PriceOnRequest, NoRate, NothingToPrice, InvalidTariff: as the price function says.
    """
    if tariff_id is not None:
        row = store.row_of(reading(), HostKey(key.institution_id, tariff_id))
        if row is None or row.resource_id != key.id:
            raise TariffNotFound()
        record = store.record(row)
        tariff = parsed(record)
    else:
        found_record = next((one for one in _approved(key) if one.since <= on), None)
        if found_record is None:
            raise NoTariff(day=on.isoformat())
        record, tariff = found_record, _approved_tariff(key, found_record.key.id)
    return _priced(record, tariff, customer_class, use)


@remembered(about=lambda key: (key.id,))
def _approved(key: HostKey) -> list[TariffRecord]:
    """The approved tariffs of a resource, the latest first."""
    return store.approved(reading(), key)


@remembered(about=lambda key, _tariff_id: (key.id,))
def _approved_tariff(key: HostKey, tariff_id: UUID) -> Tariff:
    """One of them as the price function wants it."""
    return parsed(next(one for one in _approved(key) if one.key.id == tariff_id))


def _priced(record: TariffRecord, tariff: Tariff, customer_class: CustomerClass, use: UseFacts) -> Price:
    found = price_rule(tariff, customer_class, use)
    return replace(found, tariff_id=record.key.id, version=record.number)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A use that waits for its price on a page of many."""

    key: HostKey
    on: date
    customer_class: CustomerClass
    use: UseFacts


def prices_of_page(wanted: Sequence[Wanted]) -> list[Price | DomainError | None]:
    """The one price of many uses, in their order and in one statement; None where no tariff is in force, and the
    refusal where one is that names no price: on request, without a rate for the class, or by a measure that nobody has
    stated yet."""
    if not wanted:
        return []
    days = [one.on for one in wanted]
    rows = store.approved_between(reading(), [one.key for one in wanted], min(days), max(days))
    return [_of_page(one, rows.get(one.key, ())) for one in wanted]


def _of_page(one: Wanted, rows: Iterable[TariffRow]) -> Price | DomainError | None:
    row = next((row for row in rows if row.since <= one.on), None)
    if row is None:
        return None
    try:
        record = store.record(row)
        return _priced(record, parsed(record), one.customer_class, one.use)
    except DomainError as refused:
        return refused


# ---- reading tariffs


def tariff_in_force(key: HostKey, on: date | None = None) -> TariffRecord | None:
    row = store.in_force(reading(), key, on or clock.now().date())
    return store.record(row) if row else None


def tariff(key: HostKey) -> TariffRecord:
    """A tariff by its key.

    Raises:
        TariffNotFound
    """
    row = store.row_of(reading(), key)
    if row is None:
        raise TariffNotFound()
    return store.record(row)


def tariffs(resource: HostKey) -> list[TariffRecord]:
    """Every tariff of a resource, newest first: its history, public as the rules ask."""
    return [store.record(row) for row in store.all_of(reading(), resource)]


def tariffs_waiting(
    institution_id: UUID, limit: int | None = None, after: tuple[datetime, UUID] | None = None
) -> list[TariffRecord]:
    """Tariffs that wait for the office, the longest waiting first; so many, from the one after a place (when it was
    handed in, and its id) on."""
    return [store.record(row) for row in store.waiting(reading(), institution_id, limit, after)]


def tariffs_waiting_count(institution_id: UUID) -> int:
    return store.waiting_count(reading(), institution_id)


def tariffs_before(records: Collection[TariffRecord]) -> dict[HostKey, TariffRecord]:
    """By the key of each of these tariffs the one in force on the day before it begins; left out where none is."""
    if not records:
        return {}
    keys = list({record.resource_key for record in records})
    rows = store.approved_between(reading(), keys, date.min, max(record.since for record in records))
    before = {
        record.key: next((row for row in rows.get(record.resource_key, ()) if row.since < record.since), None)
        for record in records
    }
    return {key: store.record(row) for key, row in before.items() if row is not None}


def read_back(document: Mapping[str, Any]) -> list[Reason]:
    """The tariff as sentences (codes and values), in reading order.

    Raises:
        InvalidTariff
    """
    return sentences(read_tariff(document))


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[Difference]:
    """What a new document changes, field by field."""
    return differences(before or {}, after)


# ---- writing tariffs


def may_write(by: Actor, resource: ResourceRecord) -> bool:
    return (
        by.organisation_id == resource.key.institution_id
        and by.has(*WRITES)
        and (by.has(*APPROVES) or by.reaches(resource.department_id))
    )


def _resource_to_write(key: HostKey, by: Actor) -> ResourceRecord:
    if by.organisation_id != key.institution_id:
        raise TariffNotFound()
    resource = catalogue.resource(key)
    if not may_write(by, resource):
        raise NotYourTariff()
    return resource


def save_draft(
    key: HostKey,
    document: Mapping[str, Any],
    since: date,
    *,
    by: Actor,
    basis: str = "",
    note: str = "",
    tariff_id: UUID | None = None,
    version: int | None = None,
) -> TariffRecord:
    """Write a new draft, or change one that is still a draft.

    Raises:
        InvalidTariff: with every fault and its place. Stale: somebody changed the draft meanwhile.
    """
    _resource_to_write(key, by)
    currency = read_tariff(document).currency
    with unit_of_work() as unit:
        if tariff_id is None:
            row = TariffRow(
                institution_id=key.institution_id,
                id=new_id(),
                resource_id=key.id,
                number=store.next_number(unit.session, key),
                state=TariffState.DRAFT.value,
                created_at=unit.now,
            )
            unit.session.add(row)
        else:
            row = _locked(unit, HostKey(key.institution_id, tariff_id), version, TariffState.DRAFT)
            row.version += 1
        row.since = since
        row.currency = currency
        row.document = dict(document)
        row.basis = basis
        row.note = note
        unit.session.flush()
        unit.audit("pricing.tariff_saved", key.institution_id, f"tariff:{row.id}", {"number": row.number})
        return store.record(row)


def _locked(unit: Unit, key: HostKey, version: int | None, *states: TariffState) -> TariffRow:
    row = store.row_of(unit.session, key, lock=True)
    if row is None:
        raise TariffNotFound()
    if version is not None and row.version != version:
        raise Stale(yours=version, current=row.version)
    if TariffState(row.state) not in states:
        raise WrongTariffState(state=row.state, wanted=", ".join(states))
    return row


def submit(key: HostKey, *, by: Actor, version: int | None = None) -> TariffRecord:
    """Hand a draft to the office."""
    with unit_of_work() as unit:
        row = _locked(unit, key, version, TariffState.DRAFT)
        _resource_to_write(HostKey(row.institution_id, row.resource_id), by)
        read_tariff(row.document)
        row.state = TariffState.PENDING.value
        row.submitted_by, row.submitted_at = by.person_id, unit.now
        row.version += 1
        _tell(unit, row, "pricing.tariff_submitted")
        return store.record(row)


def withdraw(key: HostKey, *, by: Actor, version: int | None = None) -> TariffRecord:
    """Take a draft or a waiting tariff back. One in force ends only by its successor."""
    with unit_of_work() as unit:
        row = _locked(unit, key, version, TariffState.DRAFT, TariffState.PENDING)
        _resource_to_write(HostKey(row.institution_id, row.resource_id), by)
        row.state = TariffState.WITHDRAWN.value
        row.version += 1
        _tell(unit, row, "pricing.tariff_withdrawn")
        return store.record(row)


def approve(key: HostKey, *, by: Actor, version: int | None = None, note: str = "") -> TariffRecord:
    """Put a tariff in force from its day on; the one before ends there.

    Raises:
        SamePerson: who handed it in approves it, although a second person is there for that.
        TariffsOverlap: another approved tariff starts on that day.
        InvalidTariff: its day has passed, so that it would change prices of uses that have happened.
    """
    _may_approve(key, by)
    with unit_of_work() as unit:
        row = _locked(unit, key, version, TariffState.PENDING)
        if row.submitted_by == by.person_id:
            raise SamePerson()
        resource = catalogue.resource(HostKey(row.institution_id, row.resource_id))
        today = local_day(unit.now, zone(resource.zone))
        first = store.in_force(unit.session, resource.key, row.since) is None
        if row.since < today and not first:
            raise InvalidTariff(
                Reason(
                    "pricing.tariff.since_past",
                    {"since": row.since.isoformat(), "today": today.isoformat()},
                    "since",
                )
            )
        row.decision_note = note
        row.decided_by, row.decided_at = by.person_id, unit.now
        _put_in_force(unit, row)
        _tell(unit, row, "pricing.tariff_approved")
        return store.record(row)


def refuse(key: HostKey, *, by: Actor, version: int | None = None, note: str) -> TariffRecord:
    """Send a tariff back with a reason; its writer makes a new draft of it."""
    _may_approve(key, by)
    with unit_of_work() as unit:
        row = _locked(unit, key, version, TariffState.PENDING)
        row.state = TariffState.REFUSED.value
        row.decision_note = note
        row.decided_by, row.decided_at = by.person_id, unit.now
        row.version += 1
        _tell(unit, row, "pricing.tariff_refused")
        return store.record(row)


def adopt(
    key: HostKey, document: Mapping[str, Any], since: date, *, basis: str = "", by: UUID | None = None
) -> TariffRecord:
    """Put a tariff in force without the way over the office: for imports, set-up and demonstration.

    Natural key: resource, day and document; a second time nothing changes.

    Raises:
        TariffsOverlap: another document already starts on that day.
    """
    tariff = read_tariff(document)
    with unit_of_work() as unit:
        standing = store.starts_on(unit.session, key, since)
        if standing is not None:
            if canonical_json(standing.document) == canonical_json(document):
                return store.record(standing)
            raise TariffsOverlap(since=since.isoformat(), number=standing.number)
        row = TariffRow(
            institution_id=key.institution_id,
            id=derived_id(unit.now, "tariff", key.institution_id, key.id, since, canonical_json(document)),
            resource_id=key.id,
            number=store.next_number(unit.session, key),
            since=since,
            currency=tariff.currency,
            document=dict(document),
            basis=basis,
            submitted_by=by,
            decided_by=by,
            decided_at=unit.now,
            created_at=unit.now,
            state=TariffState.PENDING.value,
        )
        unit.session.add(row)
        _put_in_force(unit, row)
        return store.record(row)


def _put_in_force(unit: Unit, row: TariffRow) -> None:
    resource = HostKey(row.institution_id, row.resource_id)
    if store.starts_on(unit.session, resource, row.since) is not None:
        raise TariffsOverlap(since=row.since.isoformat(), number=row.number)
    before, after = store.approved_neighbours(unit.session, resource, row.since)
    if before is not None:
        before.until = row.since
        before.version += 1
        indicative.end(unit.session, before)
    row.until = after.since if after is not None else None
    row.state = TariffState.APPROVED.value
    row.version = (row.version or 0) + 1
    unit.session.flush()
    indicative.keep(unit.session, row)
    unit.publish(
        "pricing.tariff_in_force",
        f"{row.institution_id}:{row.resource_id}",
        {
            "institution_id": str(row.institution_id),
            "resource_id": str(row.resource_id),
            "tariff_id": str(row.id),
        },
    )


def _may_approve(key: HostKey, by: Actor) -> None:
    if by.organisation_id != key.institution_id:
        raise TariffNotFound()
    if not by.has(*APPROVES):
        raise NotYourTariff()


def _tell(unit: Unit, row: TariffRow, name: str) -> None:
    unit.session.flush()
    unit.audit(name, row.institution_id, f"tariff:{row.id}", {"number": row.number, "state": row.state})
    unit.publish(
        name,
        f"{row.institution_id}:{row.id}",
        {
            "institution_id": str(row.institution_id),
            "tariff_id": str(row.id),
            "resource_id": str(row.resource_id),
        },
    )
