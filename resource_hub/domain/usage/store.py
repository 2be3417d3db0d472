"""Rows of usage and how they become records. Queries only; never commits."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from resource_hub.domain.usage import neighbours
from resource_hub.domain.usage.records import (
    DeviceRecord,
    EntryRecord,
    EvidenceRecord,
    FaultRecord,
    LineRecord,
    SessionRecord,
)
from resource_hub.domain.usage.rules.hours import split_hours
from resource_hub.domain.usage.tables import (
    Device,
    Evidence,
    EvidencePrivate,
    Fault,
    SessionLine,
    UsageEntry,
    UsageSession,
)
from resource_hub.domain.usage.terms import CodeKind, EvidenceFact, EvidenceKind, Hours, Phase, SessionState
from resource_hub.infra.ids import derived_id, new_id
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

PHONE = "phone"
PAGE = "page"


def session_row(session: Session, key: HostKey, *, lock: bool = False) -> UsageSession | None:
    statement = select(UsageSession).where(
        UsageSession.institution_id == key.institution_id, UsageSession.id == key.id
    )
    if lock:
        # What a request read before may be old by now: take the row as it stands under the lock.
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return session.scalars(statement).one_or_none()


def locked_session(unit: Unit, key: HostKey) -> UsageSession | None:
    """A session to be changed. Its resource is locked before it: ending a use frees time (law 10, one order)."""
    found = session_row(unit.session, key)
    if found is None:
        return None
    neighbours.lock_resource(unit, HostKey(key.institution_id, found.resource_id))
    return session_row(unit.session, key, lock=True)


def session_of_booking(session: Session, institution_id: UUID, booking_id: UUID) -> UsageSession | None:
    """The session that the scheduler opens for a booking; others for the same booking come from operators."""
    return session.scalars(
        select(UsageSession)
        .where(
            UsageSession.institution_id == institution_id,
            UsageSession.booking_id == booking_id,
            UsageSession.source == "booking",
        )
        .limit(1)
    ).one_or_none()


def running_on(session: Session, institution_id: UUID, unit_id: UUID) -> UsageSession | None:
    return session.scalars(
        select(UsageSession).where(
            UsageSession.institution_id == institution_id,
            UsageSession.unit_id == unit_id,
            UsageSession.state == SessionState.RUNNING.value,
        )
    ).one_or_none()


def line_rows(session: Session, institution_id: UUID, session_ids: Sequence[UUID]) -> list[SessionLine]:
    return list(
        session.scalars(
            select(SessionLine)
            .where(SessionLine.institution_id == institution_id, SessionLine.session_id.in_(session_ids))
            .order_by(SessionLine.session_id, SessionLine.line)
        )
    )


def add_evidence(
    unit: Unit,
    kind: EvidenceKind,
    *,
    institution_id: UUID,
    resource_id: UUID,
    unit_id: UUID | None,
    session_id: UUID | None,
    starts_at: datetime,
    source: str,
    booking_id: UUID | None = None,
    ends_at: datetime | None = None,
    person_id: UUID | None = None,
    customer_id: UUID | None = None,
    by_customer: bool = False,
    late: bool = False,
    code_kind: CodeKind = CodeKind.NONE,
    source_key: str | None = None,
    details: Mapping[str, Any] | None = None,
    private: Mapping[str, Any] | None = None,
) -> UUID | None:
    """Append a piece of evidence; None when the same one (by source and its key) is there already.

    ``private`` tells of a person or a phone and goes, with the salt of the digest, into the erasable table.
    """
    if (
        source_key is not None
        and known_evidence(unit.session, institution_id, source, source_key) is not None
    ):
        return None
    evidence_id = (
        new_id()
        if source_key is None
        else derived_id(starts_at, "evidence", institution_id, source, source_key)
    )
    unit.session.add(
        Evidence(
            institution_id=institution_id,
            id=evidence_id,
            kind=kind.value,
            resource_id=resource_id,
            unit_id=unit_id,
            session_id=session_id,
            booking_id=booking_id,
            starts_at=starts_at,
            ends_at=ends_at,
            entered_at=unit.now.replace(microsecond=0),
            person_id=person_id,
            customer_id=customer_id,
            by_customer=by_customer,
            late=late,
            code_kind=code_kind.value,
            source=source,
            source_key=source_key,
            details=dict(details or {}),
        )
    )
    unit.session.flush()
    unit.session.add(
        EvidencePrivate(
            institution_id=institution_id,
            evidence_id=evidence_id,
            salt=secrets.token_bytes(16),
            details=dict(private or {}),
        )
    )
    unit.session.flush()
    return evidence_id


def known_evidence(session: Session, institution_id: UUID, source: str, source_key: str) -> Evidence | None:
    return session.scalars(
        select(Evidence).where(
            Evidence.institution_id == institution_id,
            Evidence.source == source,
            Evidence.source_key == source_key,
        )
    ).one_or_none()


def evidence_rows(session: Session, row: UsageSession) -> list[Evidence]:
    """Evidence of a session: what was entered for it, and the signals of its unit at its time."""
    edges = [t for t in (row.booked_starts_at, row.starts_at) if t is not None]
    ends = [t for t in (row.booked_ends_at, row.ends_at) if t is not None]
    condition: Any = Evidence.session_id == row.id
    if row.unit_id is not None and edges and ends:
        condition = or_(
            condition,
            and_(
                Evidence.session_id.is_(None),
                Evidence.unit_id == row.unit_id,
                Evidence.kind == EvidenceKind.MACHINE_SIGNAL.value,
                Evidence.starts_at < max(ends),
                Evidence.ends_at > min(edges),
            ),
        )
    return list(
        session.scalars(
            select(Evidence)
            .where(Evidence.institution_id == row.institution_id, condition)
            .order_by(Evidence.starts_at, Evidence.id)
        )
    )


def fact(row: Evidence) -> EvidenceFact:
    phase = row.details.get("phase")
    span = TimeSpan(row.starts_at, row.ends_at) if row.ends_at and row.ends_at > row.starts_at else None
    return EvidenceFact(
        kind=EvidenceKind(row.kind),
        occurred_at=row.starts_at,
        entered_at=row.entered_at,
        span=span,
        by_customer=row.by_customer,
        late=row.late,
        code_kind=CodeKind(row.code_kind),
        phase=Phase(phase) if phase else None,
        person_id=row.person_id,
        document_digest=row.details.get("sha256"),
    )


def salts(session: Session, institution_id: UUID, evidence_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    rows = session.execute(
        select(EvidencePrivate.evidence_id, EvidencePrivate.salt).where(
            EvidencePrivate.institution_id == institution_id, EvidencePrivate.evidence_id.in_(evidence_ids)
        )
    )
    return {row.evidence_id: row.salt for row in rows}


def hours_of(row: UsageSession) -> Hours:
    return Hours(row.setup_seconds, row.measuring_seconds, row.post_seconds, row.idle_seconds)


def session_record(row: UsageSession, lines: Iterable[SessionLine] = ()) -> SessionRecord:
    mine = [line for line in lines if line.session_id == row.id]
    parts = split_hours(hours_of(row), [line.share for line in mine]) if mine else []
    return SessionRecord(
        key=HostKey(row.institution_id, row.id),
        resource_id=row.resource_id,
        unit_id=row.unit_id,
        booking_id=row.booking_id,
        source=row.source,
        mode=row.mode,
        state=row.state,
        day=row.day,
        booked_starts_at=row.booked_starts_at,
        booked_ends_at=row.booked_ends_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        hours=hours_of(row),
        grade=row.grade,
        grade_reason=dict(row.grade_reason or {}),
        end_reason=row.end_reason,
        flags=tuple(row.flags or ()),
        note=row.note,
        seal_due_at=row.seal_due_at,
        sealed_at=row.sealed_at,
        sealed_by=row.sealed_by,
        version=row.version,
        lines=tuple(line_record(line, part) for line, part in zip(mine, parts, strict=True)),
    )


def line_record(row: SessionLine, hours: Hours) -> LineRecord:
    return LineRecord(
        HostKey(row.institution_id, row.id), row.line, row.booking_id, row.customer_id, row.customer_class,
        row.person_id, row.purpose, row.share, row.samples, row.accepted_at, hours,
    )  # fmt: skip


def session_records(session: Session, rows: Sequence[UsageSession]) -> list[SessionRecord]:
    """Records with their lines, in the order of the rows."""
    if not rows:
        return []
    lines = session.scalars(
        select(SessionLine)
        .where(
            SessionLine.institution_id.in_({row.institution_id for row in rows}),
            SessionLine.session_id.in_([row.id for row in rows]),
        )
        .order_by(SessionLine.session_id, SessionLine.line)
    )
    of_session: dict[UUID, list[SessionLine]] = {}
    for line in lines:
        of_session.setdefault(line.session_id, []).append(line)
    return [session_record(row, of_session.get(row.id, ())) for row in rows]


def evidence_record(row: Evidence) -> EvidenceRecord:
    return EvidenceRecord(
        HostKey(row.institution_id, row.id), row.kind, row.starts_at, row.ends_at, row.entered_at, row.person_id,
        row.customer_id, row.by_customer, row.late, row.code_kind, row.source, dict(row.details),
    )  # fmt: skip


def entry_record(row: UsageEntry) -> EntryRecord:
    return EntryRecord(
        HostKey(row.institution_id, row.id), row.kind, row.session_id, row.line_id, row.corrects_id, row.day,
        row.resource_id, row.unit_id, row.booking_id, row.customer_id, row.customer_class, row.purpose, row.grade,
        row.starts_at, row.ends_at, row.effective_seconds, row.samples, row.body, row.digest, row.sealed_at,
    )  # fmt: skip


def fault_record(row: Fault) -> FaultRecord:
    return FaultRecord(
        HostKey(row.institution_id, row.id), row.resource_id, row.unit_id, row.session_id, row.severity, row.text,
        row.reported_by, row.reported_at, row.closed_at, row.closing_note,
    )  # fmt: skip


def device_record(row: Device) -> DeviceRecord:
    return DeviceRecord(
        HostKey(row.institution_id, row.id),
        row.resource_id,
        row.unit_id,
        row.name,
        row.active,
        row.last_seen_at,
    )


def open_faults(
    session: Session, institution_id: UUID, resource_ids: Sequence[UUID] | None = None
) -> list[Fault]:
    statement = select(Fault).where(Fault.institution_id == institution_id, Fault.closed_at.is_(None))
    if resource_ids is not None:
        statement = statement.where(Fault.resource_id.in_(resource_ids))
    return list(session.scalars(statement.order_by(Fault.reported_at.desc())))


def sessions_of_day(
    session: Session, institution_id: UUID, day: date, resource_ids: Sequence[UUID] | None = None
) -> list[UsageSession]:
    statement = select(UsageSession).where(
        UsageSession.institution_id == institution_id, UsageSession.day == day
    )
    if resource_ids is not None:
        statement = statement.where(UsageSession.resource_id.in_(resource_ids))
    return list(session.scalars(statement.order_by(UsageSession.starts_at, UsageSession.id)))


def entries_of_lines(session: Session, institution_id: UUID, line_ids: Sequence[UUID]) -> list[UsageEntry]:
    """All entries of lines, corrections after what they correct."""
    return list(
        session.scalars(
            select(UsageEntry)
            .where(UsageEntry.institution_id == institution_id, UsageEntry.line_id.in_(line_ids))
            .order_by(UsageEntry.sealed_at, UsageEntry.id)
        )
    )


def recorded_use(
    session: Session, resource: HostKey, booking_ids: Collection[UUID], since: date
) -> dict[UUID, tuple[int, datetime]]:
    """Seconds for which bookings of a resource were used from a day on, and when the last entry was sealed. The newest
    entry of a line counts; bookings with a session that is not sealed yet are left out."""
    e, later = UsageEntry, aliased(UsageEntry)
    replaced = and_(later.institution_id == e.institution_id, later.corrects_id == e.id)
    entries = session.execute(
        select(e.booking_id, e.starts_at, e.ends_at, e.sealed_at)
        .outerjoin(later, replaced)
        .where(
            e.institution_id == resource.institution_id,
            e.resource_id == resource.id,
            e.day >= since,
            e.booking_id.is_not(None),
            later.id.is_(None),
        )
    )
    wanted = set(booking_ids)
    found: dict[UUID, tuple[int, datetime]] = {}
    for booking_id, starts, ends, sealed_at in entries:
        if booking_id is not None and booking_id in wanted:
            seconds = int((ends - starts).total_seconds()) if starts and ends else 0
            before, last = found.get(booking_id, (0, sealed_at))
            found[booking_id] = (before + seconds, max(last, sealed_at))
    s = UsageSession
    own_line = and_(SessionLine.institution_id == s.institution_id, SessionLine.session_id == s.id)
    unsealed = session.scalars(
        select(SessionLine.booking_id)
        .join(s, own_line)
        .where(
            s.institution_id == resource.institution_id,
            s.resource_id == resource.id,
            s.day >= since,
            s.state.not_in(("sealed", "void")),
            SessionLine.booking_id.is_not(None),
        )
    )
    for booking_id in unsealed:
        if booking_id is not None:
            found.pop(booking_id, None)
    return found


def entry_row(session: Session, key: HostKey) -> UsageEntry | None:
    return session.get(UsageEntry, (key.institution_id, key.id))


def resources_of_sessions(
    session: Session, institution_id: UUID, session_ids: Sequence[UUID]
) -> list[HostKey]:
    rows = session.scalars(
        select(UsageSession.resource_id)
        .where(UsageSession.institution_id == institution_id, UsageSession.id.in_(session_ids))
        .distinct()
    )
    return [HostKey(institution_id, resource_id) for resource_id in rows]
