"""Closing a day and sealing it; what changes afterwards is a correction that points at the old entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from resource_hub.domain.accounts.terms import Actor, CustomerClass, Role
from resource_hub.domain.usage import neighbours, store
from resource_hub.domain.usage.entries import ToSeal, take_back, write_entries
from resource_hub.domain.usage.errors import (
    AlreadySealed,
    EntryInvalid,
    NoSuchSession,
    StaleSession,
    WrongState,
)
from resource_hub.domain.usage.lifecycle import flag, follow_booking, ids, record, settle
from resource_hub.domain.usage.records import EntryRecord, Host, SessionRecord
from resource_hub.domain.usage.rules.hours import day_of, split_hours
from resource_hub.domain.usage.rules.ledger import evidence_row, facts_of, salted_digest
from resource_hub.domain.usage.tables import DayClose, SessionLine, UnlinkedEntry, UsageSession
from resource_hub.domain.usage.terms import (
    EntryFacts,
    EntryKind,
    EvidenceKind,
    Grade,
    Hours,
    SessionSource,
    SessionState,
)
from resource_hub.infra import batches
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Lease, Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason, refuse_if
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import zone

S = SessionState
CLOSES_DAYS = (Role.MANAGER, Role.DEPUTY)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a manager says of one session at the day close. ``version`` is the one that was looked at."""

    session_id: UUID
    version: int
    no_show: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """How a sealed line should have read; ``None`` leaves a thing as it was."""

    reason: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    setup_seconds: int | None = None
    post_seconds: int | None = None
    idle_seconds: int | None = None
    samples: int | None = None
    purpose: str | None = None
    no_use: bool = False


# ---- sealing ----------------------------------------------------------------------------------------------------


def seal(unit: Unit, host: Host, row: UsageSession, by: UUID | None) -> list[UUID]:
    """Seal one session whose use is over: an entry per line, its place in the sealer's queue, the rollups, the event.

    Raises:
        AlreadySealed, WrongState
    """
    if row.state == S.SEALED.value:
        raise AlreadySealed()
    if row.state not in (S.ENDED.value, S.NO_SHOW.value):
        raise _not_possible(row)
    settle(unit, host, row)
    lines = store.line_rows(unit.session, host.id, [row.id])
    facts = _facts(unit, host, row, lines)
    sealed = [
        ToSeal(f, line.id, CustomerClass(line.customer_class).outside, has_span=f.ends_at > f.starts_at)
        for f, line in zip(facts, lines, strict=True)
    ]
    now = unit.now.replace(microsecond=0)
    entry_ids = write_entries(
        unit.session, host.id, sealed, sealed_at=now, sealing_day=now.astimezone(zone(host.zone)).date()
    )
    outcome = row.state
    row.state, row.sealed_at, row.sealed_by = S.SEALED.value, now, by
    row.end_reason = row.end_reason or outcome
    unit.session.flush()
    for entry_id, line in zip(entry_ids, lines, strict=True):
        _publish(unit, host.id, row, line, entry_id)
        if outcome != S.NO_SHOW.value:
            _hold_against_booking(unit, row, line)
    return entry_ids


def _hold_against_booking(unit: Unit, row: UsageSession, line: SessionLine) -> None:
    """Where the house rules compare use and booking, say how long the line's order was used, once all is sealed."""
    resource = HostKey(row.institution_id, row.resource_id)
    if line.booking_id is None or not neighbours.compares_use(resource):
        return
    unit.session.flush()
    order = HostKey(row.institution_id, line.booking_id)
    since = neighbours.booking(order).span
    if since is None:
        return
    day = since.start.date() - timedelta(days=1)
    found = store.recorded_use(unit.session, resource, [line.booking_id], day)
    if line.booking_id in found:
        neighbours.use_sealed(unit, order, found[line.booking_id][0])


def _publish(unit: Unit, institution_id: UUID, row: UsageSession, line: SessionLine, entry_id: UUID) -> None:
    unit.publish(
        "usage.sealed",
        f"{institution_id}:{row.id}",
        {
            **ids(row),
            "entry_id": str(entry_id),
            "line_id": str(line.id),
            "customer_id": str(line.customer_id),
        },
    )


def _facts(unit: Unit, host: Host, row: UsageSession, lines: Sequence[SessionLine]) -> list[EntryFacts]:
    evidence = store.evidence_rows(unit.session, row)
    salt = store.salts(unit.session, host.id, [e.id for e in evidence])
    proofs = tuple(
        evidence_row(
            store.fact(e),
            salted_digest(
                salt.get(e.id, b""),
                {
                    "id": str(e.id),
                    "person": str(e.person_id) if e.person_id else None,
                    "source": e.source,
                    "source_key": e.source_key,
                    "ends_at": e.ends_at.isoformat() if e.ends_at else None,
                    "details": e.details,
                },
            ),
        )
        for e in evidence
    )
    starts = row.starts_at if row.state == S.ENDED.value else row.booked_starts_at
    ends = row.ends_at if row.state == S.ENDED.value else row.booked_ends_at
    if starts is None or ends is None:
        raise WrongState(Reason("usage.no_span", {}))
    whole = store.hours_of(row)
    parts = split_hours(whole, [line.share for line in lines])
    return [
        EntryFacts(
            host_code=host.code,
            resource_id=row.resource_id,
            unit_id=row.unit_id,
            session_id=row.id,
            line=line.line,
            revision=1,
            kind=EntryKind.USE,
            corrects=None,
            source=SessionSource(row.source),
            source_ref=row.source_key,
            mode=row.mode,
            state=row.state,
            booking_id=line.booking_id,
            customer_id=line.customer_id,
            customer_class=line.customer_class,
            purpose=line.purpose,
            starts_at=starts,
            ends_at=ends,
            booked_starts_at=row.booked_starts_at,
            booked_ends_at=row.booked_ends_at,
            zone=host.zone,
            day=row.day,
            hours=hours,
            session_effective_seconds=whole.effective,
            samples=line.samples,
            grade=Grade(row.grade or "E"),
            evidence=proofs,
        )
        for line, hours in zip(lines, parts, strict=True)
    ]


# ---- the day close ----------------------------------------------------------------------------------------------


@retried()
def close_day(by: Actor, day: date, verdicts: Sequence[Verdict]) -> list[SessionRecord]:
    """A manager says what happened on a day; what is said here is sealed at once.

    Sessions that are left out stay open until they are closed or their term runs out.

    Raises:
        NoSuchSession: one of them is not this actor's to close. StaleSession: it changed since it was looked at, and
            nothing was sealed. WrongState: it still runs.
    """
    host = neighbours.host(by.organisation_id)
    mine = {r.key.id for r in neighbours.resources_looked_after(by)}
    with unit_of_work() as unit:
        done: list[UsageSession] = []
        closed: dict[UUID, int] = {}
        neighbours.lock_resources(
            unit, store.resources_of_sessions(unit.session, host.id, [v.session_id for v in verdicts])
        )
        for verdict in sorted(verdicts, key=lambda v: str(v.session_id)):
            row = store.locked_session(unit, HostKey(host.id, verdict.session_id))
            if row is None or row.resource_id not in mine or row.day != day:
                raise NoSuchSession()
            if row.state == S.SEALED.value:
                continue  # the button was pressed twice
            if row.version != verdict.version:
                raise StaleSession(seen=verdict.version, now=row.version)
            if verdict.no_show and row.state != S.NO_SHOW.value:
                _miss_by_hand(unit, host, row, by)
            seal(unit, host, row, by.person_id)
            closed[row.resource_id] = closed.get(row.resource_id, 0) + 1
            done.append(row)
        for resource_id, count in closed.items():
            _note_close(unit, host, resource_id, day, by.person_id, count)
        return store.session_records(unit.session, done)


def _note_close(unit: Unit, host: Host, resource_id: UUID, day: date, by: UUID | None, count: int) -> None:
    unit.session.add(
        DayClose(
            institution_id=host.id,
            id=new_id(),
            resource_id=resource_id,
            day=day,
            closed_by=by,
            closed_at=unit.now,
            sessions=count,
        )
    )
    unit.session.flush()


def miss(unit: Unit, host: Host, row: UsageSession, by: UUID | None) -> bool:
    """Nobody came: zero hours, the slot released, the customer's person told. False, and nothing of this, where the
    booking has gone to another time or was cancelled, even if the news of it has not come yet."""
    if row.state == S.EXPECTED.value and not follow_booking(unit, row):
        return False
    row.state, row.end_reason = S.NO_SHOW.value, "no_show"
    row.starts_at = row.ends_at = None
    store.add_evidence(
        unit,
        EvidenceKind.NO_SHOW,
        institution_id=host.id,
        resource_id=row.resource_id,
        unit_id=row.unit_id,
        session_id=row.id,
        booking_id=row.booking_id,
        starts_at=row.booked_starts_at or unit.now.replace(microsecond=0),
        source="clock" if by is None else store.PAGE,
        source_key=f"no_show:{row.id}:{row.version}",
        person_id=by,
    )
    settle(unit, host, row)
    if row.booking_id is not None:
        neighbours.booking_missed(unit, HostKey(host.id, row.booking_id))
    unit.publish("usage.no_show", f"{host.id}:{row.id}", ids(row))
    return True


def _miss_by_hand(unit: Unit, host: Host, row: UsageSession, by: Actor) -> None:
    if not miss(unit, host, row, by.person_id):
        raise _not_possible(row)


def _not_possible(row: UsageSession) -> WrongState:
    return WrongState(Reason("usage.wrong_state", {"state": {"word": ["usage.state", row.state]}}))


@retried()
def mark_no_show(key: HostKey, by: Actor) -> SessionRecord:
    """The manager's button on a booking that is late: nobody is coming.

    Raises:
        NoSuchSession, WrongState: it has begun, or is over.
    """
    with unit_of_work() as unit:
        row = store.locked_session(unit, key)
        if row is None or row.institution_id != by.organisation_id:
            raise NoSuchSession()
        if row.state == S.NO_SHOW.value:
            return record(unit, row)
        if row.state != S.EXPECTED.value:
            raise _not_possible(row)
        _miss_by_hand(unit, neighbours.host(key.institution_id), row, by)
        return record(unit, row)


def seal_overdue(now: datetime, limit: int = 20, lease: Lease | None = None) -> int:
    """Seal by itself what nobody closed within the term; what was still expected then was a no-show."""

    def due(many: int) -> list[HostKey]:
        rows = reading().execute(
            select(UsageSession.institution_id, UsageSession.id)
            .where(
                UsageSession.state.in_([S.ENDED.value, S.NO_SHOW.value, S.EXPECTED.value]),
                UsageSession.seal_due_at <= now,
            )
            .order_by(UsageSession.seal_due_at, UsageSession.id)
            .limit(many)
        )
        return [HostKey(*row) for row in rows]

    def seal_one(key: HostKey) -> int:
        with unit_of_work(lease=lease) as unit:
            row = store.locked_session(unit, key)
            if row is None or row.seal_due_at is None or row.seal_due_at > now:
                return 0
            if row.state not in (S.ENDED.value, S.NO_SHOW.value, S.EXPECTED.value):
                return 0
            host = neighbours.host(key.institution_id)
            if row.state == S.EXPECTED.value and not miss(unit, host, row, None):
                return 0
            seal(unit, host, row, None)
            _note_close(unit, host, row.resource_id, row.day, None, 1)
            return 1

    job = "usage.seal_overdue"
    return batches.each(job, batches.found(job, due, limit), seal_one)


# ---- corrections ------------------------------------------------------------------------------------------------


@retried()
def correct(entry_key: HostKey, correction: Correction, by: Actor) -> EntryRecord:
    """Correct a sealed line: a new entry that points at the old one and says how it should have read.

    The old entry stays. A correction that takes hours away keeps the grade; one that adds hours is a late entry and
    so grade E. Figures move from the old entry's days to the new one's in the same unit.

    Raises:
        NoSuchSession: no such entry of this host. WrongState: it has been corrected already; correct the newest.
        EntryInvalid
    """
    with unit_of_work() as unit:
        host = neighbours.host(by.organisation_id)
        old = store.entry_row(unit.session, entry_key)
        if old is None or entry_key.institution_id != host.id:
            raise NoSuchSession()
        row = store.locked_session(unit, HostKey(host.id, old.session_id))
        assert row is not None
        history = store.entries_of_lines(unit.session, host.id, [old.line_id])
        if any(e.corrects_id == old.id for e in history):
            raise WrongState(Reason("usage.corrected_already", {}))
        before = facts_of(old.body)
        after = _corrected(before, correction, old.digest.hex(), unit.now)
        outside = CustomerClass(before.customer_class).outside
        take_back(
            unit.session,
            host.id,
            [ToSeal(before, old.line_id, outside, has_span=before.ends_at > before.starts_at)],
        )
        now = unit.now.replace(microsecond=0)
        [new_entry] = write_entries(
            unit.session,
            host.id,
            [ToSeal(after, old.line_id, outside, old.id, has_span=after.ends_at > after.starts_at)],
            sealed_at=now,
            sealing_day=now.astimezone(zone(host.zone)).date(),
        )
        flag(row, "corrected")
        _show_corrected(unit, row, after)
        unit.audit(
            "usage.corrected",
            host.id,
            f"session:{row.id}",
            {"entry": str(new_entry), "corrects": str(old.id), "reason": correction.reason[:500]},
            person_id=by.person_id,
        )
        line = next(x for x in store.line_rows(unit.session, host.id, [row.id]) if x.id == old.line_id)
        _publish(unit, host.id, row, line, new_entry)
        _hold_against_booking(unit, row, line)
        stored = store.entry_row(unit.session, HostKey(host.id, new_entry))
        assert stored is not None
        return store.entry_record(stored)


def _corrected(before: EntryFacts, wanted: Correction, corrects: str, now: datetime) -> EntryFacts:
    starts = (wanted.starts_at or before.starts_at).replace(microsecond=0)
    ends = (wanted.ends_at or before.ends_at).replace(microsecond=0)
    problems = []
    if not wanted.reason.strip():
        problems.append(Reason("usage.reason_wanted", {}, "reason"))
    if ends < starts:
        problems.append(Reason("usage.ends_before_start", {}, "ends_at"))
    if ends > now:
        problems.append(Reason("usage.in_the_future", {}, "ends_at"))
    if wanted.samples is not None and wanted.samples < 0:
        problems.append(Reason("usage.negative", {}, "samples"))
    refuse_if(problems, EntryInvalid)
    hours = before.hours
    if wanted.no_use:
        hours = Hours()
    elif any(v is not None for v in (wanted.starts_at, wanted.ends_at, wanted.setup_seconds, wanted.post_seconds,
                                     wanted.idle_seconds)):  # fmt: skip
        setup = hours.setup if wanted.setup_seconds is None else wanted.setup_seconds
        post = hours.post if wanted.post_seconds is None else wanted.post_seconds
        idle = hours.idle if wanted.idle_seconds is None else wanted.idle_seconds
        measuring = int((ends - starts).total_seconds()) - setup - post - idle
        if min(setup, post, idle, measuring) < 0:
            raise EntryInvalid(Reason("usage.parts_exceed_whole", {}, "setup_seconds"))
        hours = Hours(setup, measuring, post, idle)
    grade = before.grade if hours.effective <= before.hours.effective else Grade.E
    return replace(
        before,
        revision=before.revision + 1,
        kind=EntryKind.CORRECTION,
        corrects=corrects,
        state=S.NO_SHOW.value if wanted.no_use and before.booking_id else S.ENDED.value,
        starts_at=starts,
        ends_at=ends,
        day=day_of(ends, zone(before.zone)) if ends > starts else before.day,
        hours=hours,
        session_effective_seconds=before.session_effective_seconds - before.hours.effective + hours.effective,
        samples=before.samples if wanted.samples is None else wanted.samples,
        purpose=wanted.purpose or before.purpose,
        grade=grade,
    )


def _show_corrected(unit: Unit, row: UsageSession, after: EntryFacts) -> None:
    """What pages show of the session follows the newest entries; the sealed truth stands in the ledger."""
    lines = store.line_rows(unit.session, row.institution_id, [row.id])
    if len(lines) == 1:
        row.setup_seconds, row.measuring_seconds = after.hours.setup, after.hours.measuring
        row.post_seconds, row.idle_seconds = after.hours.post, after.hours.idle
        row.starts_at, row.ends_at = after.starts_at, after.ends_at
        row.grade = after.grade.value
    for line in lines:
        if line.line == after.line:
            line.samples, line.purpose = after.samples, after.purpose
    row.version += 1
    unit.session.flush()


def queue_for_sealer(
    unit: Unit, institution_id: UUID, kind: str, entry_id: UUID, digest: bytes, sealing_day: date
) -> None:
    """Hand a sealed row of another ledger (money) to the sealer, in the caller's unit."""
    unit.session.add(
        UnlinkedEntry(
            institution_id=institution_id,
            kind=kind,
            entry_id=entry_id,
            digest=digest,
            sealing_day=sealing_day,
        )
    )
