"""A session from its opening to its end: opened for a booking, worked out anew after each piece of evidence, ended.

What a session is worth is never typed: ``settle`` works out seconds and grade from all there is, until it is sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.usage import neighbours, store
from resource_hub.domain.usage.errors import AlreadySealed
from resource_hub.domain.usage.records import Host, SessionRecord
from resource_hub.domain.usage.rules.grades import grade_session
from resource_hub.domain.usage.rules.hours import day_of, effective_hours
from resource_hub.domain.usage.tables import SessionLine, UsageSession
from resource_hub.domain.usage.terms import Hours, Mode, PhaseSpan, SessionSource, SessionState
from resource_hub.infra.ids import derived_id
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, midnight, zone

S = SessionState


def session_id_for(unit: Unit, institution_id: UUID, booking: Any) -> UUID:
    """The expected session of a booking gets the same id, whoever opens it: the first of its ids that is free. What was
    opened at a start from which the booking was moved away keeps its own."""
    earlier: tuple[int, ...] = ()
    while True:
        made = derived_id(booking.created_at, "session", institution_id, booking.key.id, *earlier)
        if store.session_row(unit.session, HostKey(institution_id, made)) is None:
            return made
        earlier = (earlier[0] + 1 if earlier else 1,)


def open_for_booking(unit: Unit, host: Host, booking: Any) -> UsageSession:
    """The session of a booking, opened as expected if there is none yet."""
    found = store.session_of_booking(unit.session, host.id, booking.key.id)
    if found is not None:
        return found
    span = booking.span
    day = day_of(span.end, zone(host.zone))
    row = UsageSession(
        institution_id=host.id,
        id=session_id_for(unit, host.id, booking),
        resource_id=booking.resource_id,
        unit_id=booking.unit_id,
        booking_id=booking.key.id,
        source=SessionSource.BOOKING.value,
        mode=str(booking.mode.value if booking.mode else Mode.SELF_USE.value),
        state=S.EXPECTED.value,
        day=day,
        booked_starts_at=span.start,
        booked_ends_at=span.end,
        setup_seconds=0,
        measuring_seconds=0,
        post_seconds=0,
        idle_seconds=0,
        grade_reason={},
        end_reason="",
        flags=[],
        note="",
        seal_due_at=seal_due(host, day),
        version=1,
        created_at=unit.now,
    )
    unit.session.add(row)
    unit.session.flush()
    unit.session.add(
        SessionLine(
            institution_id=host.id,
            id=derived_id(booking.created_at, "session_line", host.id, row.id, 1),
            session_id=row.id,
            line=1,
            booking_id=booking.key.id,
            customer_id=booking.customer_id,
            customer_class=str(booking.customer_class.value),
            person_id=booking.person_id,
            purpose=booking.purpose,
            share=1,
            samples=booking.samples,
        )
    )
    unit.session.flush()
    return row


def follow_booking(unit: Unit, row: UsageSession) -> bool:
    """Bring a locked session into step with its booking, whether or not the news of a change has come yet; whether it
    is still open. Moved to a time that lies ahead it is void, so that the new start opens a session of its own."""
    if row.booking_id is None or row.state not in (S.EXPECTED.value, S.RUNNING.value):
        return row.state in (S.EXPECTED.value, S.RUNNING.value)
    booking = neighbours.booking(HostKey(row.institution_id, row.booking_id))
    span = booking.span
    expected = row.state == S.EXPECTED.value
    if expected and booking.state.value in ("cancelled", "rejected", "expired"):
        row.state, row.end_reason = S.VOID.value, "cancelled"
        row.version += 1
        return False
    if span is None:
        return True
    if expected and span.start > unit.now:
        row.state, row.end_reason = S.VOID.value, "moved"
        row.booking_id = None
        row.version += 1
        return False
    before = (row.booked_starts_at, row.booked_ends_at, row.unit_id)
    row.booked_starts_at, row.booked_ends_at, row.unit_id = span.start, span.end, booking.unit_id
    row.version += before != (span.start, span.end, booking.unit_id)
    return True


def seal_due(host: Host, day: date) -> datetime:
    """When a use of ``day`` is sealed without being asked."""
    due = neighbours.sealing_due_day(host.jurisdiction, day, neighbours.sealing_term(host.id))
    return midnight(due, zone(host.zone))


def settle(unit: Unit, host: Host, row: UsageSession) -> None:
    """Work out seconds, grade and day of an unsealed session from all its evidence."""
    if row.state == S.SEALED.value:
        raise AlreadySealed()
    unit.session.flush()
    evidence = [store.fact(e) for e in store.evidence_rows(unit.session, row)]
    recorded = None
    if row.state == S.ENDED.value and row.starts_at and row.ends_at and row.ends_at > row.starts_at:
        recorded = TimeSpan(row.starts_at, row.ends_at)
    said = row.declared or {}
    phases = [PhaseSpan(e.phase, e.span) for e in evidence if e.phase is not None and e.span is not None]
    if said and recorded is not None:
        hours = declared_hours(recorded, said)
    else:
        hours = effective_hours(recorded, phases)
    row.setup_seconds, row.measuring_seconds = hours.setup, hours.measuring
    row.post_seconds, row.idle_seconds = hours.post, hours.idle
    booked = None
    if row.booked_starts_at is not None and row.booked_ends_at is not None:
        booked = TimeSpan(row.booked_starts_at, row.booked_ends_at)
    if row.state in (S.ENDED.value, S.NO_SHOW.value):
        reason = grade_session(evidence, mode=row.mode, booked=booked, recorded=recorded, source=row.source)
        row.grade, row.grade_reason = reason.grade.value, reason.as_json()
    if recorded is not None:
        row.day = day_of(recorded.end, zone(host.zone))
        row.seal_due_at = seal_due(host, row.day)
    elif row.state == S.NO_SHOW.value and booked is not None:
        row.day = day_of(booked.end, zone(host.zone))
    row.version += 1


def declared_hours(recorded: TimeSpan, said: Mapping[str, int]) -> Hours:
    """Seconds as an operator declared them: set-up, post-processing and idle; the rest was measuring."""
    setup, post, idle = (int(said.get(k, 0)) for k in ("setup_seconds", "post_seconds", "idle_seconds"))
    return Hours(setup, max(0, recorded.seconds - setup - post - idle), post, idle)


def flag(row: UsageSession, *flags: str) -> None:
    row.flags = sorted({*(row.flags or []), *flags})


def end_session(unit: Unit, host: Host, row: UsageSession, at: datetime, reason: str) -> None:
    """A use is over at ``at``; its booking is done and the rest of the slot free."""
    row.ends_at = max(at.replace(microsecond=0), row.starts_at or at)
    row.state, row.end_reason = S.ENDED.value, reason
    settle(unit, host, row)
    if row.booking_id is not None:
        neighbours.booking_finished(unit, HostKey(host.id, row.booking_id), row.ends_at)
    unit.publish("usage.ended", f"{host.id}:{row.id}", ids(row))


def ids(row: UsageSession) -> dict[str, Any]:
    return {
        "institution_id": str(row.institution_id),
        "session_id": str(row.id),
        "booking_id": str(row.booking_id) if row.booking_id else None,
        "resource_id": str(row.resource_id),
    }


def record(unit: Unit, row: UsageSession) -> SessionRecord:
    unit.session.flush()
    return store.session_records(unit.session, [row])[0]
