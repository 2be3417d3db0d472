"""An order under the lock of its resource: opened, written with history and event, confirmed, let go, lapsed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import (
    answers,
    linking,
    ports,
    reading,
    store,
    waiting,
)
from resource_hub.domain.booking.errors import (
    NoSuchBooking,
    NotYours,
    WrongState,
    unchanged,
)
from resource_hub.domain.booking.preparing import (
    DECIDES,
    announce,
    announce_series,
    is_staff,
    record_event,
)
from resource_hub.domain.booking.rules.states import not_open, step
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import (
    Act,
    BookingKind,
    BookingRecord,
    BookingState,
    Side,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import batches, clock
from resource_hub.infra.database import reading as reads
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey

# How many days of a series a term has ended, by the name of what is told of it.
Lapsed = Counter[tuple[HostKey, str]]


def opened(unit: Unit, key: HostKey, by: Actor, version: int | None) -> tuple[Booking, BookingRecord, Side]:
    """The booking, its resource locked before it, for one of its parties. A term that has run out has done its work.

    Raises:
        NoSuchBooking, StaleBooking
    """
    before, side = reading.booking_for(key, by)
    return *locked_order(unit, before, version), side


def locked_order(
    unit: Unit, before: BookingRecord, version: int | None, lapsed: Lapsed | None = None
) -> tuple[Booking, BookingRecord]:
    """The booking as it is now, its resource locked before it, without asking whose it is. What its term did is told,
    or for a day of a series counted in ``lapsed``, for ``tell_lapsed``."""
    key = before.key
    linking.lock(unit, [before.resource_key, *(c.resource_key for c in store.children(unit.session, key))])
    row = store.locked(unit.session, key)
    if row is None:
        raise NoSuchBooking()
    if row.parent_id is not None:
        raise WrongState(Reason("booking.follows_its_order", {}))
    unchanged(row.version, version)
    record = store.record(row)
    if _lapse(unit, record, lapsed):
        row = store.locked(unit.session, key)
        assert row is not None
        record = store.record(row)
    return row, record


def decides(record: BookingRecord, by: Actor) -> None:
    if not is_staff(by, catalogue.resource(record.resource_key), DECIDES):
        raise NotYours()


def written(
    unit: Unit,
    record: BookingRecord,
    changes: dict[str, Any],
    person_id: UUID | None,
    kind: str,
    details: dict[str, Any],
    name: str,
    *,
    quiet: bool = False,
    **told: Any,
) -> BookingRecord:
    """Write a change, its history and its event, which also says what is ``told``; a quiet one is told with others."""
    store.change(unit.session, record.key, {**changes, "changed_at": unit.now})
    linking.carry(unit, record, changes, person_id, kind)
    record_event(unit, record.key, person_id, kind, details)
    by_host = bool(details.get("by_host"))
    announce(unit, record.key, name, person_id, kind=record.kind.value, quiet=quiet, by_host=by_host, **told)
    row = store.locked(unit.session, record.key)
    assert row is not None
    return store.record(row)


def handed_over(
    unit: Unit,
    record: BookingRecord,
    to: UUID,
    person_id: UUID | None,
    changes: Mapping[str, Any] = MappingProxyType({}),
    *,
    quiet: bool = False,
    **details: Any,
) -> BookingRecord:
    """Write that an order, with all that is booked under it, is somebody else's from now on; both are told, and who had
    it learns nothing of what becomes of it. A quiet one is told with others."""
    then: dict[str, Any] = {}
    if record.span is not None:
        then = {"start": record.span.start.isoformat(), "end": record.span.end.isoformat()}
    sequence = record.ical_sequence + 1
    done = written(
        unit,
        record,
        {**changes, "person_id": to, "ical_sequence": sequence},
        person_id,
        "handed_over",
        {"from": str(record.person_id), "to": str(to), "sequence": sequence, **then, **details},
        "booking.handed_over",
        quiet=quiet,
        former=str(record.person_id),
        former_customer=str(record.customer_id),
        **then,
    )
    for child in store.children(unit.session, record.key):
        store.change(unit.session, child.key, {"person_id": to})
    return done


def approve_in(
    unit: Unit, record: BookingRecord, person_id: UUID | None, note: str, *, quiet: bool = False
) -> BookingRecord:
    """Say yes inside a unit."""
    side = Side.HOST if person_id else Side.SYSTEM
    state = step(record.kind, record.state, Act.APPROVE, side)
    kept = [availability.settle(unit, record.institution_id, one) for one in linking.holders(unit, record)]
    if record.kind is BookingKind.WINDOW and not all(kept):
        # By a clock that is ahead of this one the term is over, and somebody else has the time.
        raise not_open(Act.APPROVE, BookingState.EXPIRED)
    values: dict[str, Any] = {
        "state": state.value,
        "decided_by": person_id,
        "decided_at": unit.now,
        "decision_note": note.strip(),
        "answer_by": None,
        "ical_sequence": record.ical_sequence + 1,
    }
    details = {"note": note.strip()}
    return written(unit, record, values, person_id, "approved", details, "booking.approved", quiet=quiet)


def let_go(unit: Unit, record: BookingRecord) -> None:
    """Free the time and the money that an order held; nobody need answer it any more."""
    if record.state is BookingState.REQUESTED:
        answers.drop(unit, record)
    linking.let_go(unit, record)
    availability.release(unit, record.institution_id, record.key.id, key=record.resource_key)
    ports.installed().hold_of_funds.release(unit, record.key)


def lapse_due(limit: int = 50, lease: Lease | None = None) -> int:
    """End holds that have lapsed and requests that nobody answered in time; returns how many.

    Where the house rules take silence as consent, an unanswered request is approved instead.
    """

    def end(keys: Sequence[HostKey]) -> int:
        with unit_of_work(lease=lease) as unit:
            return _lapse_all(unit, keys)

    job = "booking.lapse"
    keys = batches.found(job, lambda many: store.unanswered(reads(), clock.now(), many), limit)
    return batches.together(job, keys, end, _by_series)


def _by_series(keys: Sequence[HostKey]) -> list[list[HostKey]]:
    """Days of a series are told of together, so they are tried together."""
    records = store.records_of(reads(), keys)
    parts: dict[HostKey, list[HostKey]] = {}
    for key in keys:
        parts.setdefault(records[key].series_key or key, []).append(key)
    return list(parts.values())


def _lapse_all(unit: Unit, keys: Sequence[HostKey]) -> int:
    records = store.records_of(unit.session, keys)
    linking.lock(unit, {record.resource_key for record in records.values()})
    days = Counter(record.series_key for record in records.values())
    done = 0
    lapsed: Lapsed = Counter()
    for key in sorted(records):
        row = store.locked(unit.session, key)
        if row is not None:
            record = store.record(row)
            done += _lapse(unit, record, lapsed if days[record.series_key] > 1 else None)
    tell_lapsed(unit, lapsed)
    return done


def tell_lapsed(unit: Unit, lapsed: Lapsed) -> None:
    """One message for all days of a series that met the same."""
    for (series_key, name), days in lapsed.items():
        announce_series(unit, series_key, name, None, bookings=days)


def _lapse(unit: Unit, record: BookingRecord, lapsed: Lapsed | None = None) -> bool:
    """End what has run out by the clock; whether anything has."""
    now_is = reading.judged_by_clock(record, unit.now)
    if now_is is record.state:
        return False
    series_key = record.series_key if lapsed is not None else None
    quiet = series_key is not None
    if lapsed is not None and series_key is not None:
        approved = now_is is BookingState.APPROVED
        lapsed[series_key, f"booking.series_{'approved' if approved else 'expired'}"] += 1
    if now_is is BookingState.APPROVED:
        approve_in(unit, record, None, "", quiet=quiet)
        return True
    state = step(record.kind, record.state, Act.LAPSE, Side.SYSTEM)
    let_go(unit, record)
    changes = {"state": state.value, "ical_sequence": record.ical_sequence + 1}
    name = "booking.expired" if record.state is BookingState.REQUESTED else "booking.hold_lapsed"
    written(unit, record, changes, None, "lapsed", {}, name, quiet=quiet)
    waiting.freed(unit, record, record.span, record.person_id, lapsed=True)
    return True
