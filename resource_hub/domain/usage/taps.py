"""Check-in and check-out by the people at the machine. Each call is one unit; the same tap twice changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from resource_hub.domain.usage import neighbours, store
from resource_hub.domain.usage.errors import (
    AlreadySealed,
    CheckInRefused,
    EntryInvalid,
    NoSuchSession,
    UnitBusy,
)
from resource_hub.domain.usage.lifecycle import (
    end_session,
    flag,
    ids,
    open_for_booking,
    record,
    seal_due,
    settle,
)
from resource_hub.domain.usage.records import Host, SessionRecord
from resource_hub.domain.usage.rules import states
from resource_hub.domain.usage.rules.hours import day_of
from resource_hub.domain.usage.rules.taps import Counted, counted
from resource_hub.domain.usage.tables import SessionLine, UsageSession
from resource_hub.domain.usage.terms import (
    CodeKind,
    EvidenceKind,
    HouseTerms,
    Mode,
    SessionSource,
    SessionState,
    Tap,
)
from resource_hub.infra.ids import derived_id, new_id
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason, refuse_if
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import zone

S = SessionState


@retried()
def check_in(
    unit_key: HostKey,
    person_id: UUID,
    tap: Tap,
    *,
    booking_id: UUID | None = None,
    customer_id: UUID | None = None,
    purpose: str = "research",
) -> SessionRecord:
    """A person starts at a unit: with a booking, or as somebody who is not booked.

    The same tap (by its id) sent again changes nothing. When the one before has overrun the end of their booking,
    theirs is ended at this moment and flagged (worked case M6).

    Raises:
        CheckInRefused: all reasons at once. UnitBusy: somebody is in, and their time still runs.
    """
    with unit_of_work() as unit:
        lane = neighbours.unit(unit_key)
        host = neighbours.host(unit_key.institution_id)
        known = _known_tap(unit, host, tap)
        if known is not None:
            return known
        neighbours.lock_resource(unit, HostKey(host.id, lane.resource_id))
        when = counted(tap)
        terms = neighbours.house_terms(HostKey(host.id, lane.resource_id))
        if terms.rotating_code_required and tap.code_kind is not CodeKind.ROTATING:
            raise CheckInRefused(Reason("usage.rotating_code_wanted", {}))
        if not when.late:
            refuse_if(_untrained(host, terms, person_id, booking_id, when.at), CheckInRefused)
        row = (
            _session_to_start(unit, host, lane, person_id, booking_id, terms, when)
            if booking_id is not None
            else _walk_up(unit, host, lane, person_id, customer_id, purpose, when, tap)
        )
        _make_room(unit, host, lane, row, when)
        if row.state == S.RUNNING.value:
            return record(unit, row)  # a second tap on the same button
        # Evidence comes before the state, so that settling sees it.
        _tap_evidence(unit, host, lane, row, person_id, tap, when, EvidenceKind.CHECK_IN)
        row.starts_at = when.at
        if when.late:
            flag(row, "late_entry")
        was_missed = row.state == S.NO_SHOW.value
        row.state = S.ENDED.value if was_missed else S.RUNNING.value
        if was_missed:
            row.ends_at, row.end_reason = when.at, "late_entry"
            flag(row, "late_entry")
            settle(unit, host, row)
        else:
            row.version += 1
            unit.session.flush()
            if row.booking_id is not None:
                neighbours.booking_started(unit, HostKey(host.id, row.booking_id), row.starts_at)
        unit.publish("usage.started", f"{host.id}:{row.id}", ids(row))
        return record(unit, row)


def _untrained(
    host: Host, terms: HouseTerms, person_id: UUID, booking_id: UUID | None, at: datetime
) -> list[Reason]:
    """Who uses the instrument alone needs the training that the house rules name. What is entered late is recorded
    all the same: the use has been."""
    if not terms.training:
        return []
    if booking_id is not None:
        mode = neighbours.booking(HostKey(host.id, booking_id)).mode
        if mode is None or mode.value != Mode.SELF_USE.value:
            return []
    if neighbours.qualified(host.id, person_id, terms.training, day_of(at, zone(host.zone))):
        return []
    return [Reason("usage.untrained", {"training": terms.training})]


def _known_tap(unit: Unit, host: Host, tap: Tap) -> SessionRecord | None:
    if tap.tap_id is None:
        return None
    known = store.known_evidence(unit.session, host.id, store.PHONE, tap.tap_id)
    if known is None or known.session_id is None:
        return None
    row = store.session_row(unit.session, HostKey(host.id, known.session_id))
    return None if row is None else record(unit, row)


def _session_to_start(
    unit: Unit, host: Host, lane: Any, person_id: UUID, booking_id: UUID, terms: HouseTerms, when: Counted
) -> UsageSession:
    booking = neighbours.booking(HostKey(host.id, booking_id))
    mine = booking.person_id == person_id or neighbours.acts_for(person_id, booking.customer_id)
    if not mine or booking.unit_id != lane.key.id or booking.span is None:
        raise NoSuchSession()
    existing = store.session_of_booking(unit.session, host.id, booking_id)
    state = S(existing.state) if existing is not None else S.EXPECTED
    reasons: list[Reason] = []
    if booking.state.value not in ("approved", "in_use", "no_show"):
        reasons.append(
            Reason("usage.booking_not_approved", {"state": {"word": ["booking.state", booking.state.value]}})
        )
    if not (when.late and state is S.NO_SHOW):
        reasons += states.check_in_reasons(booking.span, state, terms, when.at)
    refuse_if(reasons, CheckInRefused)
    row = open_for_booking(unit, host, booking)
    locked = store.locked_session(unit, HostKey(host.id, row.id))
    assert locked is not None
    return locked


def _walk_up(
    unit: Unit,
    host: Host,
    lane: Any,
    person_id: UUID,
    customer_id: UUID | None,
    purpose: str,
    when: Counted,
    tap: Tap,
) -> UsageSession:
    """A use without a booking: recorded all the same, and flagged for the day close."""
    mine = neighbours.customers_of(person_id)
    chosen = next(
        (c for c in mine if c.id == customer_id), mine[0] if len(mine) == 1 and not customer_id else None
    )
    if chosen is None:
        raise CheckInRefused(Reason("usage.for_whom", {"choices": len(mine)}, "customer"))
    resource = neighbours.resource(HostKey(host.id, lane.resource_id))
    day = day_of(when.at + timedelta(seconds=1), zone(host.zone))
    session_id = derived_id(when.at, "walk_up", host.id, tap.tap_id) if tap.tap_id is not None else new_id()
    row = UsageSession(
        institution_id=host.id,
        id=session_id,
        resource_id=lane.resource_id,
        unit_id=lane.key.id,
        source=SessionSource.WALK_UP.value,
        mode=Mode.SELF_USE.value,
        state=S.EXPECTED.value,
        day=day,
        setup_seconds=0,
        measuring_seconds=0,
        post_seconds=0,
        idle_seconds=0,
        grade_reason={},
        end_reason="",
        flags=["not_booked"],
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
            id=derived_id(when.at, "session_line", host.id, session_id, 1),
            session_id=session_id,
            line=1,
            customer_id=chosen.id,
            customer_class=neighbours.customer_class(host.id, resource.department_id, chosen.id, day),
            person_id=person_id,
            purpose=purpose,
            share=1,
            samples=0,
        )
    )
    unit.session.flush()
    return row


def _make_room(unit: Unit, host: Host, lane: Any, row: UsageSession, when: Counted) -> None:
    """End the use of whoever overran; refuse while somebody's own time still runs."""
    other = store.running_on(unit.session, host.id, lane.key.id)
    if other is None or other.id == row.id:
        return
    if other.booked_ends_at is None or when.at < other.booked_ends_at:
        ends = other.booked_ends_at
        raise UnitBusy(Reason("usage.unit_busy", {"until": ends.isoformat() if ends else None}))
    end_session(unit, host, other, when.at, "overrun")
    flag(other, "overrun")


def _tap_evidence(
    unit: Unit,
    host: Host,
    lane: Any,
    row: UsageSession,
    person_id: UUID,
    tap: Tap,
    when: Counted,
    kind: EvidenceKind,
) -> UUID | None:
    lines = store.line_rows(unit.session, host.id, [row.id])
    by_customer = any(
        line.person_id == person_id or neighbours.acts_for(person_id, line.customer_id) for line in lines
    )
    private: dict[str, Any] = {}
    details: dict[str, Any] = {}
    if tap.phone_at is not None:
        details["offline"] = True
        details["clock_offset_seconds"] = tap.clock_offset_seconds or 0
        private["phone_at"] = tap.phone_at.isoformat()
    return store.add_evidence(
        unit,
        kind,
        institution_id=host.id,
        resource_id=lane.resource_id,
        unit_id=lane.key.id,
        session_id=row.id,
        booking_id=row.booking_id,
        starts_at=when.at,
        source=store.PHONE,
        source_key=tap.tap_id,
        person_id=person_id,
        customer_id=lines[0].customer_id if lines else None,
        by_customer=by_customer,
        late=when.late,
        code_kind=tap.code_kind,
        details=details,
        private=private,
    )


@retried()
def check_out(
    unit_key: HostKey, person_id: UUID, tap: Tap, *, session_id: UUID | None = None
) -> SessionRecord:
    """A person stops at a unit. A second tap changes nothing.

    A stop that was pressed offline and comes in after the forgotten log-out was capped still counts at its own time,
    if it is not late: the end moves back to when the person really left.

    Raises:
        NoSuchSession: this person has no use here that could be ended.
    """
    with unit_of_work() as unit:
        lane = neighbours.unit(unit_key)
        host = neighbours.host(unit_key.institution_id)
        known = _known_tap(unit, host, tap)
        if known is not None:
            return known
        row = _session_to_stop(unit, host, lane, session_id)
        lines = store.line_rows(unit.session, host.id, [row.id])
        if not any(
            line.person_id == person_id or neighbours.acts_for(person_id, line.customer_id) for line in lines
        ):
            raise NoSuchSession()
        if row.state == S.SEALED.value:
            raise AlreadySealed()
        when = counted(tap)
        moved_back = row.state == S.ENDED.value and row.end_reason in ("forgotten", "overrun", "late_entry")
        if row.state != S.RUNNING.value and not moved_back:
            return record(unit, row)  # a second tap on the same button
        if row.starts_at is not None and when.at < row.starts_at:
            raise EntryInvalid(Reason("usage.ends_before_start", {}))
        _tap_evidence(unit, host, lane, row, person_id, tap, when, EvidenceKind.CHECK_OUT)
        if when.late:
            flag(row, "late_entry")
        end_session(unit, host, row, when.at, "check_out")
        return record(unit, row)


def _session_to_stop(unit: Unit, host: Host, lane: Any, session_id: UUID | None) -> UsageSession:
    row: UsageSession | None = None
    if session_id is not None:
        row = store.locked_session(unit, HostKey(host.id, session_id))
        if row is not None and row.unit_id != lane.key.id:
            row = None
    else:
        found = store.running_on(unit.session, host.id, lane.key.id)
        if found is not None:
            row = store.locked_session(unit, HostKey(host.id, found.id))
    if row is None:
        raise NoSuchSession()
    return row
