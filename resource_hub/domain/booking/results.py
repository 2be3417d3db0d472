"""Results of an order: delivered with a last day, fetched by the two parties, deleted at the end of that day.

Two steps delete a file: first its rows go, so that nobody gets it; then whoever keeps the bytes erases them and says
so. What dies in between is taken up again. Of each file a record stays: who delivered it, when it was deleted and by
whom, its name, size and checksum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.booking import history_store, reading, result_store
from resource_hub.domain.booking.errors import InvalidOrder, NoSuchBooking, NotYours, StaleBooking, WrongState
from resource_hub.domain.booking.preparing import STAFF, announce, is_staff, record_event
from resource_hub.domain.booking.result_store import ResultRecord
from resource_hub.domain.booking.rules import results as rules
from resource_hub.domain.booking.terms import BookingRecord, FileKind
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import batches, clock, database, files
from resource_hub.infra.unit_of_work import Lease, Unit, retried, unit_of_work
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, midnight, zone

MOST_FILES = 20
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file whose bytes are in the store already, and that no row names yet."""

    name: str
    media_type: str
    size: int
    sha256: bytes


def may_deliver(record: BookingRecord, by: Actor) -> bool:
    """Whether an actor may deliver results of an order now."""
    return rules.deliverable(record.kind, record.state) and hosts(record, by)


def hosts(record: BookingRecord, by: Actor) -> bool:
    """Whether an actor is of the people who deliver results of an order and take them back."""
    return is_staff(by, catalogue.resource(record.resource_key), STAFF)


def deliver(key: HostKey, delivered: Sequence[NewFile], expires_on: date, *, by: Actor) -> list[ResultRecord]:
    """Deliver files to the customer; ``expires_on`` is the last day on which they can be fetched, in the host's zone.

    Raises:
        NoSuchBooking, NotYours: results come from the host's people.
        WrongState: there is nothing to deliver yet. InvalidOrder: no file, too many, or a day that cannot be.
    """
    with unit_of_work() as unit:
        record, _side = reading.booking_for(key, by)
        if not hosts(record, by):
            raise NotYours()
        resource = catalogue.resource(record.resource_key)
        here = zone(resource.zone)
        reasons = rules.faults_of_expiry(expires_on, local_day(unit.now, here))
        if not 0 < len(delivered) <= MOST_FILES:
            reasons.append(Reason("booking.result_files", {"most": MOST_FILES}, "results"))
        if reasons:
            raise InvalidOrder(*reasons)
        if not rules.deliverable(record.kind, record.state):
            values = {"state": {"word": ["booking.state", record.state.value]}}
            raise WrongState(Reason("booking.result_too_early", values))
        ends = midnight(expires_on + timedelta(days=1), here)
        made = [_add(unit, record, one, expires_on, ends, by) for one in delivered]
        record_event(unit, key, by.person_id, "results_delivered", {"files": len(made)})
        announce(
            unit,
            key,
            "booking.results_delivered",
            by.person_id,
            files=len(made),
            until=expires_on.isoformat(),
        )
        return [one for one in result_store.of_booking(unit.session, key) if one.key.id in made]


def _add(unit: Unit, record: BookingRecord, one: NewFile, expires_on: date, ends: Any, by: Actor) -> UUID:
    stored = files.register(
        record.institution_id,
        name=one.name,
        media_type=one.media_type,
        size=one.size,
        sha256=one.sha256,
        person_id=by.person_id,
        expires_at=ends,
    )
    made = history_store.add_file(
        unit.session, record.key, FileKind.RESULT, stored.organisation_id, stored.id
    )
    values = {
        "booking_id": record.key.id,
        "name": stored.name,
        "size": stored.size,
        "media_type": stored.media_type,
        "sha256": stored.sha256,
        "delivered_by": by.person_id,
        "delivered_at": unit.now,
        "expires_on": expires_on,
        "expires_at": ends,
        "remind_at": rules.remind_at(unit.now, ends),
        "reason": "",
    }
    key = HostKey(record.institution_id, made)
    result_store.add(unit.session, key, values)
    found = result_store.locked(unit.session, key)
    assert found is not None
    _audit(unit, found, "delivered", by.person_id)
    return made


def _audit(unit: Unit, found: ResultRecord, what: str, person_id: UUID | None) -> None:
    details = {
        "booking": str(found.booking_id),
        "name": found.name,
        "size": found.size,
        "sha256": found.sha256.hex(),
        "expires_on": found.expires_on.isoformat(),
    }
    subject = f"result:{found.key.id}"
    unit.audit(f"booking.result_{what}", found.key.institution_id, subject, details, person_id=person_id)


# ---- fetching --------------------------------------------------------------------------------------------------


def results_of(key: HostKey, by: Actor) -> list[ResultRecord]:
    """Results of an order for its two parties, the newest first, deleted ones too.

    Raises:
        NoSuchBooking
    """
    reading.booking_for(key, by)
    return result_store.of_booking(database.reading(), key)


def results_digest(results: Sequence[ResultRecord]) -> str:
    """A short mark of which results there are and which are over: who takes one back says which state was seen."""
    ended = [[str(one.key.id), one.ended_at is not None] for one in results]
    return digest(canonical_bytes(ended)).hex()[:16]


def fetch(key: HostKey, result_id: UUID, *, by: Actor) -> files.FileRecord:
    """The stored file of a result for one of the two parties; that it was fetched is written down first.

    Raises:
        NoSuchBooking: no such order or result, or not for this reader. WrongState: its last day is over.
    """
    with unit_of_work() as unit:
        record, _side = reading.booking_for(key, by)
        result_key = HostKey(key.institution_id, result_id)
        found = _of(unit, record, result_key)
        stored = result_store.stored_of(unit.session, result_key)
        if not found.available(unit.now) or stored is None:
            raise WrongState(Reason("booking.result_over", {"until": found.expires_on.isoformat()}))
        result_store.add_download(unit.session, result_key, unit.now, by.person_id)
        file = files.find(*stored)
        assert file is not None
        return file


def _of(unit: Unit, record: BookingRecord, key: HostKey) -> ResultRecord:
    found = result_store.locked(unit.session, key)
    if found is None or found.booking_id != record.key.id:
        raise NoSuchBooking()
    return found


# ---- ending ----------------------------------------------------------------------------------------------------


@retried()
def end(key: HostKey, result_id: UUID, *, by: Actor, reason: str, seen: str | None = None) -> None:
    """Take a result back before its last day, with the reason that the customer reads; its bytes go within minutes.

    Args:
        seen: ``results_digest`` of the results that were looked at.

    Raises:
        NoSuchBooking, NotYours, WrongState: it is over already. InvalidOrder: without a reason. StaleBooking
    """
    text = reason.strip()
    if not text or len(text) > LONGEST_REASON:
        raise InvalidOrder(Reason("booking.inquiry_reason", {"most": LONGEST_REASON}, "reason"))
    with unit_of_work() as unit:
        record, _side = reading.booking_for(key, by)
        result_key = HostKey(key.institution_id, result_id)
        found = _of(unit, record, result_key)
        if not hosts(record, by):
            raise NotYours()
        if not found.available(unit.now):
            raise WrongState(Reason("booking.result_over", {"until": found.expires_on.isoformat()}))
        if seen is not None and results_digest(result_store.of_booking(unit.session, key)) != seen:
            raise StaleBooking()
        _end(unit, found, by.person_id, text)
        record_event(unit, key, by.person_id, "result_ended", {"reason": text})
        announce(unit, key, "booking.result_ended", by.person_id, file=found.name, reason=text)


def _end(unit: Unit, found: ResultRecord, person_id: UUID | None, reason: str) -> None:
    result_store.forget_file(unit.session, found.key)
    values = {"ended_at": unit.now, "ended_by": person_id, "reason": reason, "remind_at": None}
    result_store.change(unit.session, found.key, values)
    _audit(unit, found, "ended", person_id)


def end_due(limit: int = 50, lease: Lease | None = None) -> int:
    """End results whose last day is over; returns how many. Nobody could fetch them since then."""

    def end(keys: Sequence[HostKey]) -> int:
        with unit_of_work(lease=lease) as unit:
            done = 0
            for key in keys:
                found = result_store.locked(unit.session, key)
                if found is not None and found.ended_at is None:
                    _end(unit, found, None, "")
                    done += 1
            return done

    job = "booking.end_results"
    due = batches.found(job, lambda n: result_store.due_to_end(database.reading(), clock.now(), n), limit)
    return batches.together(job, due, end)


def to_erase(limit: int = 50) -> list[tuple[ResultRecord, bool]]:
    """Ended results whose bytes may still be there, and whether somebody else handed in the same bytes."""
    session = database.reading()
    return [
        (one, result_store.named_by_others(session, one.sha256)) for one in result_store.ended(session, limit)
    ]


def erased(keys: Sequence[HostKey], lease: Lease | None = None) -> int:
    """The bytes of these results are gone, or belong to others only; written down once."""
    with unit_of_work(lease=lease) as unit:
        done = 0
        for key in sorted(keys):
            found = result_store.locked(unit.session, key)
            if found is not None and found.deleted_at is None:
                result_store.change(unit.session, key, {"deleted_at": unit.now})
                _audit(unit, found, "deleted", found.ended_by)
                done += 1
        return done


def remind_due(limit: int = 50, lease: Lease | None = None) -> int:
    """Tell customers of results that are deleted soon; returns how many."""

    def remind(keys: Sequence[HostKey]) -> int:
        with unit_of_work(lease=lease) as unit:
            for key in keys:
                found = result_store.locked(unit.session, key)
                result_store.change(unit.session, key, {"remind_at": None})
                if found is not None and found.available(unit.now):
                    booking = HostKey(found.key.institution_id, found.booking_id)
                    more = {"file": found.name, "until": found.expires_on.isoformat()}
                    announce(unit, booking, "booking.result_expiring", None, **more)
            return len(keys)

    def due(many: int) -> list[HostKey]:
        return [one.key for one in result_store.due_to_remind(database.reading(), clock.now(), many)]

    job = "booking.remind_results"
    return batches.together(job, batches.found(job, due, limit), remind)
