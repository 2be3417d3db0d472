"""What people look at: the unit in front of them, the day of a laboratory, one session and what stands behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.usage import neighbours, store
from resource_hub.domain.usage.errors import NoSuchEntry, NoSuchSession
from resource_hub.domain.usage.records import (
    EntryRecord,
    EvidenceRecord,
    FaultRecord,
    Host,
    SessionRecord,
    UnitNow,
)
from resource_hub.domain.usage.rules import states
from resource_hub.domain.usage.tables import SessionLine, UsageEntry, UsageSession
from resource_hub.domain.usage.terms import SessionState
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, midnight, zone

S = SessionState
HOST_ROLES = frozenset({Role.MANAGER, Role.DEPUTY, Role.OPERATOR, Role.OFFICE, Role.INSTITUTION_ADMIN})
AGREES_WITHIN = 15 * 60
"""Seconds by which booked and recorded time may differ at the day close before somebody should look."""


@dataclass(frozen=True, slots=True)
class BoardItem:
    """One booking or session on a lane of the board; either may be missing."""

    booking: Any | None
    session: SessionRecord | None
    span: TimeSpan | None
    customer_id: UUID | None
    person_id: UUID | None
    late_seconds: int = 0

    @property
    def state(self) -> str:
        if self.session is not None:
            return self.session.state
        return str(self.booking.state.value) if self.booking is not None else ""


@dataclass(frozen=True, slots=True)
class Lane:
    resource: Any
    unit: Any
    items: tuple[BoardItem, ...]
    faults: tuple[FaultRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenDay:
    """A day with sessions that nobody has closed yet, and when they seal themselves."""

    day: date
    sessions: int
    seal_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class DayBoard:
    """A day of the laboratories that an actor looks after."""

    host: Host
    day: date
    now: datetime
    span: TimeSpan
    lanes: tuple[Lane, ...]
    to_confirm: int
    faults: tuple[FaultRecord, ...]
    open_days: tuple[OpenDay, ...]
    customers: Mapping[UUID, Any]
    people: Mapping[UUID, Any]
    bookers: Mapping[HostKey, UUID]  # who booked on behalf of somebody

    def booker(self, item: BoardItem) -> Any | None:
        """Who booked it on behalf of somebody; None where nobody did."""
        booker_id = self.bookers.get(item.booking.key) if item.booking is not None else None
        return self.people.get(booker_id) if booker_id else None

    def user(self, item: BoardItem) -> Any | None:
        """The person for whom it is, where that one has an account."""
        booker = self.booker(item)
        person = self.people.get(item.person_id) if item.person_id else None
        return None if booker is not None and booker is person else person

    @property
    def late(self) -> list[tuple[Lane, BoardItem]]:
        return [(lane, item) for lane in self.lanes for item in lane.items if item.late_seconds > 0]

    @property
    def running(self) -> list[tuple[Lane, BoardItem]]:
        return [(lane, item) for lane in self.lanes for item in lane.items if item.state == S.RUNNING.value]


@dataclass(frozen=True, slots=True)
class CloseLine:
    """One session of the day close: what seems right, and why somebody should look at it first."""

    session: SessionRecord
    suggestion: str  # accept, no_show, wait
    look: tuple[Reason, ...]
    customers: tuple[UUID, ...]

    @property
    def agrees(self) -> bool:
        return not self.look and self.suggestion == "accept"


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session with all that stands behind it and all that became of it in this room."""

    session: SessionRecord
    host: Host
    resource: Any
    unit: Any | None
    booking: Any | None
    evidence: tuple[EvidenceRecord, ...]
    entries: tuple[EntryRecord, ...]
    customers: Mapping[UUID, Any]
    people: Mapping[UUID, Any]
    by_host: bool
    may_accept: bool

    @property
    def current_entries(self) -> list[EntryRecord]:
        """The entries that count: the newest of each line."""
        replaced = {e.corrects_id for e in self.entries if e.corrects_id is not None}
        return [e for e in self.entries if e.key.id not in replaced]


# ---- the unit in front of a person ------------------------------------------------------------------------------


def unit_now(host_code: str, unit_code: str, person_id: UUID | None) -> UnitNow:
    """The page behind the QR code on a machine. A stranger sees that it is taken, not by whom (law 8)."""
    lane = neighbours.unit_of(host_code, unit_code)
    host = neighbours.host(lane.key.institution_id)
    now = clock.now()
    terms = neighbours.house_terms(HostKey(host.id, lane.resource_id))
    session = reading()
    running = store.running_on(session, host.id, lane.key.id)
    record = store.session_records(session, [running])[0] if running is not None else None
    key = HostKey(host.id, lane.resource_id)
    near = [
        b
        for b in neighbours.bookings_of_resources(
            [key], TimeSpan(now - timedelta(hours=1), now + timedelta(hours=24))
        )
        if b.unit_id == lane.key.id
        and b.span is not None
        and b.state.value in ("approved", "in_use", "no_show")
    ]
    mine_ids = {c.id for c in neighbours.customers_of(person_id)} if person_id is not None else set()

    def is_mine(booking: Any) -> bool:
        return person_id is not None and (booking.person_id == person_id or booking.customer_id in mine_ids)

    early = now + timedelta(seconds=terms.check_in_early_seconds)
    current = next((b for b in near if b.span.start <= now < b.span.end), None)
    mine = next((b for b in near if is_mine(b) and b.span.start <= early and now < b.span.end), None)
    mine = mine or next((b for b in near if is_mine(b) and b.span.start > now), None)
    following = next((b for b in near if b.span.start > now and b is not mine), None)
    reasons: tuple[Reason, ...] = ()
    if mine is not None:
        own = store.session_of_booking(session, host.id, mine.key.id)
        state = S(own.state) if own is not None else S.EXPECTED
        reasons = tuple(states.check_in_reasons(mine.span, state, terms, now))
    running_is_mine = record is not None and any(
        line.person_id == person_id or line.customer_id in mine_ids for line in record.lines
    )
    return UnitNow(
        host=host,
        resource_id=lane.resource_id,
        unit_id=lane.key.id,
        running=record,
        running_is_mine=running_is_mine,
        mine=mine,
        current=current,
        following=following,
        customers=tuple(neighbours.customers_of(person_id)) if person_id is not None else (),
        reasons=reasons,
        open_faults=len(
            [
                f
                for f in store.open_faults(session, host.id, [lane.resource_id])
                if f.unit_id in (None, lane.key.id)
            ]
        ),
    )


# ---- the day of a laboratory ------------------------------------------------------------------------------------


def day_board(by: Actor, day: date | None = None) -> DayBoard:
    """Who comes, who is in, what is late, what needs an answer, which days are not closed."""
    host = neighbours.host(by.organisation_id)
    tz = zone(host.zone)
    now = clock.now()
    on = day or local_day(now, tz)
    span = TimeSpan(midnight(on, tz), midnight(on + timedelta(days=1), tz))
    resources = [r for r in neighbours.resources_looked_after(by) if r.bookable]
    keys = [r.key for r in resources]
    session = reading()
    ids = [key.id for key in keys]
    bookings = neighbours.bookings_of_resources(keys, span) if keys else []
    rows = _sessions_in(session, host.id, ids, span)
    records = store.session_records(session, rows)
    of_booking = {r.booking_id: r for r in records if r.booking_id is not None and r.source == "booking"}
    items: dict[UUID | None, list[BoardItem]] = {}
    for booking in bookings:
        record = of_booking.get(booking.key.id)
        items.setdefault(booking.unit_id, []).append(_booking_item(booking, record, now))
    shown = {b.key.id for b in bookings}
    for record in records:
        if record.booking_id in shown and record.source == "booking" or record.state == S.VOID.value:
            continue
        items.setdefault(record.unit_id, []).append(_session_item(record, now))
    faults = [store.fault_record(f) for f in store.open_faults(session, host.id, ids)]
    units = dict(neighbours.units_of(keys)) if keys else {}
    # Who stands on a unit that has gone out of use comes all the same.
    known = {unit.key.id for some in units.values() for unit in some}
    gone = {b.resource_key for b in bookings if b.unit_id is not None and b.unit_id not in known}
    for key in sorted(gone):
        units[key] = [unit for unit in neighbours.every_unit(key) if unit.active or unit.key.id in items]
    lanes = tuple(
        Lane(
            resource,
            unit,
            tuple(sorted(items.get(unit.key.id, []), key=lambda i: i.span.start if i.span else span.start)),
            tuple(f for f in faults if f.unit_id == unit.key.id),
        )
        for resource in resources
        for unit in units.get(resource.key, [])
    )
    open_ = open_days(host.id, ids, on)
    bookers = neighbours.booked_for_others(bookings)
    everybody = [i for lane in lanes for i in lane.items]
    return DayBoard(
        host=host,
        day=on,
        now=now,
        span=span,
        lanes=lanes,
        to_confirm=sum(d.sessions for d in open_),
        faults=tuple(faults),
        open_days=tuple(open_),
        customers=neighbours.customers({i.customer_id for i in everybody if i.customer_id}),
        people=neighbours.people({i.person_id for i in everybody if i.person_id} | set(bookers.values())),
        bookers=bookers,
    )


def _sessions_in(
    session: Any, institution_id: UUID, resource_ids: Sequence[UUID], span: TimeSpan
) -> list[UsageSession]:
    edge = func.coalesce(UsageSession.starts_at, UsageSession.booked_starts_at)
    end = func.coalesce(UsageSession.ends_at, UsageSession.booked_ends_at, UsageSession.starts_at)
    days = [local_day(span.start, zone("UTC")) + timedelta(days=n) for n in range(-2, 5)]
    return list(
        session.scalars(
            select(UsageSession).where(
                UsageSession.institution_id == institution_id,
                UsageSession.day.in_(days),
                UsageSession.resource_id.in_(resource_ids),
                edge < span.end,
                end >= span.start,
            )
        )
    )


def _booking_item(booking: Any, record: SessionRecord | None, now: datetime) -> BoardItem:
    late = 0
    if (
        record is not None
        and record.state == S.EXPECTED.value
        and booking.span.start < now < booking.span.end
    ):
        late = int((now - booking.span.start).total_seconds())
    return BoardItem(booking, record, booking.span, booking.customer_id, booking.person_id, late)


def _session_item(record: SessionRecord, now: datetime) -> BoardItem:
    start = record.starts_at or record.booked_starts_at or now
    end = record.ends_at or record.booked_ends_at or max(now, start)
    line = record.lines[0] if record.lines else None
    return BoardItem(
        None,
        record,
        TimeSpan(start, end) if end > start else None,
        line.customer_id if line else None,
        line.person_id if line else None,
    )


def open_days(institution_id: UUID, resource_ids: Sequence[UUID], until: date) -> list[OpenDay]:
    """Days up to ``until`` with sessions that are over and not sealed, oldest first."""
    rows = reading().execute(
        select(UsageSession.day, func.count(), func.min(UsageSession.seal_due_at))
        .where(
            UsageSession.institution_id == institution_id,
            UsageSession.resource_id.in_(resource_ids),
            UsageSession.state.in_([S.ENDED.value, S.NO_SHOW.value]),
            UsageSession.day <= until,
        )
        .group_by(UsageSession.day)
        .order_by(UsageSession.day)
    )
    return [OpenDay(*row) for row in rows]


def close_lines(by: Actor, day: date) -> list[CloseLine]:
    """The sessions of a day that are not sealed, those that need a look first; the right answer is suggested."""
    host = neighbours.host(by.organisation_id)
    ids = [r.key.id for r in neighbours.resources_looked_after(by)]
    rows = [
        row
        for row in store.sessions_of_day(reading(), host.id, day, ids)
        if row.state in (S.ENDED.value, S.NO_SHOW.value, S.EXPECTED.value, S.RUNNING.value)
    ]
    lines = [close_line(record) for record in store.session_records(reading(), rows)]
    return sorted(
        lines,
        key=lambda x: (
            not x.look,
            x.session.starts_at or x.session.booked_starts_at or midnight(day, zone(host.zone)),
        ),
    )


def close_line(record: SessionRecord) -> CloseLine:
    """What seems right for one session, and every reason to look at it first."""
    look: list[Reason] = [Reason(f"usage.look.{f}", {}) for f in record.flags if f != "corrected"]
    suggestion = "accept"
    if record.state in (S.EXPECTED.value, S.RUNNING.value):
        suggestion = "wait"
    elif record.state == S.ENDED.value:
        recorded, booked = record.recorded, record.booked
        if record.grade == "E":
            look.append(Reason("usage.look.grade_e", {}))
        if recorded is not None and booked is not None:
            over = int((recorded.end - booked.end).total_seconds())
            short = booked.seconds - recorded.seconds
            if over > AGREES_WITHIN:
                look.append(Reason("usage.look.longer", {"minutes": over // 60}))
            elif short > max(AGREES_WITHIN, booked.seconds // 2):
                look.append(Reason("usage.look.shorter", {"minutes": short // 60}))
    elif record.state == S.NO_SHOW.value and not look:
        suggestion = "accept"
    return CloseLine(record, suggestion, tuple(look), tuple(line.customer_id for line in record.lines))


# ---- one session ------------------------------------------------------------------------------------------------


def session_view(key: HostKey, by: Actor, *, witness: bool = False) -> SessionView:
    """A session as one of its two parties sees it, or a ``witness``: a funder of whom the caller has made sure that a
    claim of its programmes rests on this session. A witness sees no people.

    Raises:
        NoSuchSession: the reader is of neither party; told apart from a session that is not there nowhere.
    """
    db_session = reading()
    row = store.session_row(db_session, key)
    if row is None:
        raise NoSuchSession()
    record = store.session_records(db_session, [row])[0]
    by_host = by.organisation_id == key.institution_id and bool(by.roles & HOST_ROLES)
    mine = [line for line in record.lines if line.customer_id in by.customer_ids]
    if not by_host and not mine and not witness:
        raise NoSuchSession()
    evidence = [store.evidence_record(e) for e in store.evidence_rows(db_session, row)]
    entries = store.entries_of_lines(db_session, key.institution_id, [line.key.id for line in record.lines])
    entry_records = [store.entry_record(e) for e in entries]
    if not by_host and mine:
        own_lines = {line.key.id for line in mine}
        entry_records = [e for e in entry_records if e.line_id in own_lines]
        record = _only_own(record, mine)
    people = {e.person_id for e in evidence if e.person_id} | {
        line.person_id for line in record.lines if line.person_id
    }
    return SessionView(
        session=record,
        host=neighbours.host(key.institution_id),
        resource=neighbours.resource(HostKey(key.institution_id, row.resource_id)),
        unit=neighbours.unit(HostKey(key.institution_id, row.unit_id)) if row.unit_id else None,
        booking=neighbours.booking(HostKey(key.institution_id, row.booking_id)) if row.booking_id else None,
        evidence=tuple(evidence),
        entries=tuple(entry_records),
        customers=neighbours.customers({line.customer_id for line in record.lines}),
        people=neighbours.people(people | ({row.sealed_by} if row.sealed_by and people else set())),
        by_host=by_host,
        may_accept=bool(mine)
        and row.state == S.ENDED.value
        and any(line.accepted_at is None for line in mine),
    )


def _only_own(record: SessionRecord, mine: Sequence[Any]) -> SessionRecord:
    """A shared session shows a customer its own line only."""
    return replace(record, lines=tuple(mine))


def entry_ids_of_session(key: HostKey) -> list[UUID]:
    """Ids of the sealed entries of a session, corrected ones too. For other rooms; the caller checks the reader."""
    rows = reading().scalars(
        select(UsageEntry.id).where(
            UsageEntry.institution_id == key.institution_id, UsageEntry.session_id == key.id
        )
    )
    return list(rows)


def entry(key: HostKey) -> EntryRecord:
    """A sealed entry. For other rooms, not for pages: it is scoped by its host only.

    Raises:
        NoSuchEntry
    """
    row = store.entry_row(reading(), key)
    if row is None:
        raise NoSuchEntry()
    return store.entry_record(row)


def entries(
    institution_id: UUID,
    since: date,
    until: date,
    *,
    resource_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 500,
) -> list[EntryRecord]:
    """Entries that count (corrected ones left out) of days ``since`` to ``until`` (exclusive), by id."""
    later = aliased(UsageEntry)
    statement = (
        select(UsageEntry)
        .outerjoin(
            later, (later.institution_id == UsageEntry.institution_id) & (later.corrects_id == UsageEntry.id)
        )
        .where(
            UsageEntry.institution_id == institution_id,
            UsageEntry.day >= since,
            UsageEntry.day < until,
            later.id.is_(None),
        )
    )
    if resource_id is not None:
        statement = statement.where(UsageEntry.resource_id == resource_id)
    if after is not None:
        statement = statement.where(UsageEntry.id > after)
    return [
        store.entry_record(row) for row in reading().scalars(statement.order_by(UsageEntry.id).limit(limit))
    ]


def sessions_of_customer(customer_ids: Sequence[UUID], limit: int = 50) -> list[SessionRecord]:
    """The newest sessions of customers over all hosts."""
    rows = reading().scalars(
        select(UsageSession)
        .join(
            SessionLine,
            (SessionLine.institution_id == UsageSession.institution_id)
            & (SessionLine.session_id == UsageSession.id),
        )
        .where(SessionLine.customer_id.in_(customer_ids), UsageSession.state != S.VOID.value)
        .order_by(UsageSession.day.desc(), UsageSession.id.desc())
        .limit(limit)
    )
    return store.session_records(reading(), list(rows))


def sessions_of_booking(key: HostKey) -> list[SessionRecord]:
    """All sessions that served a booking, by start."""
    rows = reading().scalars(
        select(UsageSession)
        .where(
            UsageSession.institution_id == key.institution_id,
            UsageSession.booking_id == key.id,
            UsageSession.state != S.VOID.value,
        )
        .order_by(UsageSession.created_at)
    )
    return store.session_records(reading(), list(rows))
