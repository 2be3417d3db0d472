"""What operators enter of a use, with its document; and what the customer says of it: accepted or disputed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.usage import neighbours, store
from resource_hub.domain.usage.errors import AlreadySealed, EntryInvalid, NoSuchSession, WrongState
from resource_hub.domain.usage.lifecycle import flag, ids, record, seal_due, settle
from resource_hub.domain.usage.records import Host, SessionRecord
from resource_hub.domain.usage.rules import states
from resource_hub.domain.usage.rules.hours import day_of
from resource_hub.domain.usage.tables import SessionLine, UsageSession
from resource_hub.domain.usage.terms import EvidenceKind, Mode, SessionSource, SessionState
from resource_hub.infra.ids import derived_id, new_id
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason, refuse_if
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import zone

S = SessionState


@dataclass(frozen=True, slots=True)
class LineEntry:
    """What an operator says of one customer order in a session."""

    customer_id: UUID
    purpose: str = "research"
    share: int = 1
    samples: int = 0
    booking_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OperatorEntry:
    """A use as an operator enters it. ``document`` names a stored file: ``sha256`` (hex),
    ``file`` (name), ``file_id``."""

    starts_at: datetime
    ends_at: datetime
    lines: Sequence[LineEntry] = ()
    mode: str = Mode.STAFF_RUN.value
    setup_seconds: int = 0
    post_seconds: int = 0
    idle_seconds: int = 0
    document: Mapping[str, str] | None = None
    note: str = ""
    source_key: str | None = None
    flags: Sequence[str] = field(default=())


@retried()
def record_operator_entry(
    key: HostKey,
    entry: OperatorEntry,
    by: Actor,
    *,
    session_id: UUID | None = None,
    unit_id: UUID | None = None,
) -> SessionRecord:
    """An operator enters a use of a resource (``key``): a new one, or what really happened in an expected one.

    Within the sealing term of the day of use, and with a document, it is worth grade D; later it is grade E. An
    operator's entry is never the user's action.

    Raises:
        EntryInvalid: every problem of the entry at once. AlreadySealed: use a correction.
    """
    with unit_of_work() as unit:
        host = neighbours.host(key.institution_id)
        resource = neighbours.resource(key)
        refuse_if(_entry_problems(entry, unit.now, bool(session_id)), EntryInvalid)
        starts, ends = entry.starts_at.replace(microsecond=0), entry.ends_at.replace(microsecond=0)
        if session_id is not None:
            row = store.locked_session(unit, HostKey(host.id, session_id))
            if row is None or row.resource_id != key.id:
                raise NoSuchSession()
            if row.state == S.SEALED.value:
                raise AlreadySealed()
            if row.state != S.ENDED.value and not states.may_move(S(row.state), S.ENDED):
                raise WrongState(Reason("usage.wrong_state", {"state": {"word": ["usage.state", row.state]}}))
        else:
            if entry.source_key is not None:
                known = store.known_evidence(unit.session, host.id, "operator", entry.source_key)
                if known is not None and known.session_id is not None:
                    again = store.session_row(unit.session, HostKey(host.id, known.session_id))
                    assert again is not None
                    return record(unit, again)
            row = _operator_session(unit, host, resource, entry, unit_id, starts, ends)
        day = day_of(ends, zone(host.zone)) if ends > starts else starts.astimezone(zone(host.zone)).date()
        late = unit.now >= seal_due(host, day)
        store.add_evidence(
            unit,
            EvidenceKind.OPERATOR_ENTRY,
            institution_id=host.id,
            resource_id=key.id,
            unit_id=row.unit_id,
            session_id=row.id,
            booking_id=row.booking_id,
            starts_at=starts,
            ends_at=ends,
            source="operator",
            source_key=entry.source_key,
            person_id=by.person_id,
            late=late,
            details={
                **(entry.document or {}),
                "setup_seconds": entry.setup_seconds,
                "post_seconds": entry.post_seconds,
                "idle_seconds": entry.idle_seconds,
            },
            private={"note": entry.note} if entry.note else {},
        )
        was = row.state
        row.declared = {
            "setup_seconds": entry.setup_seconds,
            "post_seconds": entry.post_seconds,
            "idle_seconds": entry.idle_seconds,
        }
        row.starts_at, row.ends_at, row.state, row.end_reason = starts, ends, S.ENDED.value, "operator"
        row.note = entry.note or row.note
        if late:
            flag(row, "late_entry")
        if entry.flags:
            flag(row, *entry.flags)
        if session_id is not None and entry.lines:
            _replace_lines(unit, host, resource, row, entry, day)
        settle(unit, host, row)
        if row.booking_id is not None and row.source == SessionSource.BOOKING.value:
            if was in (S.EXPECTED.value, S.NO_SHOW.value):
                neighbours.booking_started(unit, HostKey(host.id, row.booking_id), row.starts_at)
            neighbours.booking_finished(unit, HostKey(host.id, row.booking_id), ends)
        unit.audit(
            "usage.operator_entry", host.id, f"session:{row.id}",
            {"starts_at": starts.isoformat(), "ends_at": ends.isoformat(), "late": late}, person_id=by.person_id,
        )  # fmt: skip
        unit.publish("usage.ended", f"{host.id}:{row.id}", ids(row))
        return record(unit, row)


def _entry_problems(entry: OperatorEntry, now: datetime, existing: bool) -> list[Reason]:
    problems = []
    delivery = entry.mode == Mode.DELIVERY.value
    if entry.ends_at < entry.starts_at or (entry.ends_at == entry.starts_at and not delivery):
        problems.append(Reason("usage.ends_before_start", {}, "ends_at"))
    if entry.ends_at > now:
        problems.append(Reason("usage.in_the_future", {}, "ends_at"))
    declared = entry.setup_seconds + entry.post_seconds + entry.idle_seconds
    if min(entry.setup_seconds, entry.post_seconds, entry.idle_seconds) < 0:
        problems.append(Reason("usage.negative", {}, "setup_seconds"))
    elif entry.ends_at > entry.starts_at and declared > (entry.ends_at - entry.starts_at).total_seconds():
        problems.append(Reason("usage.parts_exceed_whole", {}, "setup_seconds"))
    if not existing and not entry.lines:
        problems.append(Reason("usage.for_whom", {"choices": 0}, "customer"))
    for line in entry.lines:
        if line.share <= 0 or line.samples < 0:
            problems.append(Reason("usage.negative", {}, "samples"))
    return problems


def _operator_session(
    unit: Unit,
    host: Host,
    resource: Any,
    entry: OperatorEntry,
    unit_id: UUID | None,
    starts: datetime,
    ends: datetime,
) -> UsageSession:
    day = day_of(ends, zone(host.zone)) if ends > starts else starts.astimezone(zone(host.zone)).date()
    booking_id = entry.lines[0].booking_id if len(entry.lines) == 1 else None
    booked = None
    if booking_id is not None:
        booking = neighbours.booking(HostKey(host.id, booking_id))
        booked, unit_id = booking.span, unit_id or booking.unit_id
    session_id = (
        derived_id(starts, "operator", host.id, entry.source_key)
        if entry.source_key is not None
        else new_id()
    )
    row = UsageSession(
        institution_id=host.id,
        id=session_id,
        resource_id=resource.key.id,
        unit_id=unit_id,
        booking_id=booking_id,
        source=SessionSource.OPERATOR.value,
        mode=entry.mode,
        state=S.EXPECTED.value,
        day=day,
        booked_starts_at=booked.start if booked else None,
        booked_ends_at=booked.end if booked else None,
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
    _add_lines(unit, host, resource, row, entry.lines, day)
    return row


def _replace_lines(
    unit: Unit, host: Host, resource: Any, row: UsageSession, entry: OperatorEntry, day: date
) -> None:
    """Samples and shares as the operator counted them; a line keeps its id, so that nothing points into the void."""
    old = store.line_rows(unit.session, host.id, [row.id])
    for line, said in zip(old, entry.lines, strict=False):
        line.customer_id, line.purpose, line.share, line.samples = (
            said.customer_id, said.purpose, said.share, said.samples,
        )  # fmt: skip
    for line in old[len(entry.lines) :]:
        unit.session.delete(line)
    _add_lines(unit, host, resource, row, entry.lines[len(old) :], day, first=len(old) + 1)


def _add_lines(
    unit: Unit,
    host: Host,
    resource: Any,
    row: UsageSession,
    lines: Sequence[LineEntry],
    day: date,
    first: int = 1,
) -> None:
    for number, line in enumerate(lines, start=first):
        booking = neighbours.booking(HostKey(host.id, line.booking_id)) if line.booking_id else None
        customer_class = (
            str(booking.customer_class.value)
            if booking is not None
            else neighbours.customer_class(host.id, resource.department_id, line.customer_id, day)
        )
        unit.session.add(
            SessionLine(
                institution_id=host.id,
                id=derived_id(row.created_at, "session_line", host.id, row.id, number),
                session_id=row.id,
                line=number,
                booking_id=line.booking_id,
                customer_id=line.customer_id,
                customer_class=customer_class,
                person_id=booking.person_id if booking is not None else None,
                purpose=line.purpose,
                share=line.share,
                samples=line.samples,
            )
        )
    unit.session.flush()


@retried()
def accept(key: HostKey, by: Actor) -> SessionRecord:
    """The customer accepts hours and samples of their line. In staff-run and send-in work this is the user's action.

    Raises:
        NoSuchSession: no line of it belongs to this person's customers. AlreadySealed: too late to accept.
    """
    with unit_of_work() as unit:
        row = store.locked_session(unit, key)
        if row is None:
            raise NoSuchSession()
        lines = store.line_rows(unit.session, key.institution_id, [row.id])
        mine = [line for line in lines if line.customer_id in by.customer_ids]
        if not mine:
            raise NoSuchSession()
        if row.state == S.SEALED.value:
            raise AlreadySealed()
        if row.state != S.ENDED.value:
            raise WrongState(Reason("usage.wrong_state", {"state": {"word": ["usage.state", row.state]}}))
        host = neighbours.host(key.institution_id)
        now = unit.now.replace(microsecond=0)
        for line in mine:
            if line.accepted_at is not None:
                continue
            line.accepted_at, line.accepted_by = now, by.person_id
            store.add_evidence(
                unit,
                EvidenceKind.ACCEPTANCE,
                institution_id=host.id,
                resource_id=row.resource_id,
                unit_id=row.unit_id,
                session_id=row.id,
                booking_id=line.booking_id,
                starts_at=now,
                source=store.PAGE,
                source_key=f"acceptance:{line.id}",
                person_id=by.person_id,
                customer_id=line.customer_id,
                by_customer=True,
                details={"samples": line.samples, "effective_seconds": store.hours_of(row).effective},
            )
        settle(unit, host, row)
        return record(unit, row)


@retried()
def dispute(key: HostKey, by: Actor, text: str) -> SessionRecord:
    """The customer disputes hours or samples before they are sealed: the day close looks at it first.

    Raises:
        NoSuchSession, AlreadySealed
    """
    with unit_of_work() as unit:
        row = store.locked_session(unit, key)
        lines = [] if row is None else store.line_rows(unit.session, key.institution_id, [row.id])
        if row is None or not any(line.customer_id in by.customer_ids for line in lines):
            raise NoSuchSession()
        if row.state == S.SEALED.value:
            raise AlreadySealed()
        flag(row, "disputed")
        row.note = text.strip()[:2000]
        row.version += 1
        unit.audit("usage.disputed", key.institution_id, f"session:{row.id}", {}, person_id=by.person_id)
        return record(unit, row)
