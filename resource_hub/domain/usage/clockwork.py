"""What the clock does to sessions: opens them when a booking starts, marks who did not come, ends what was forgotten.

Every function judges by the clock it is given, works in a unit per session, and may run any number of times. Each is
given the business time by its caller, so that catching up after a stop decides as if it had run in time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from resource_hub.domain.usage import neighbours, store
from resource_hub.domain.usage.closing import miss
from resource_hub.domain.usage.lifecycle import end_session, flag, follow_booking, open_for_booking
from resource_hub.domain.usage.records import Host
from resource_hub.domain.usage.rules import states
from resource_hub.domain.usage.rules.hours import forgotten_end
from resource_hub.domain.usage.tables import Evidence, UsageSession
from resource_hub.domain.usage.terms import EvidenceKind, HouseTerms, Mode, SessionState
from resource_hub.infra import batches
from resource_hub.infra.database import reading
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.keys import HostKey

S = SessionState
LOOK_BACK = timedelta(days=400)
"""How far back a scheduler that stood still looks for bookings that started meanwhile."""
LONGEST = timedelta(hours=12)
"""After so long a use without a booking counts as a forgotten log-out."""


def open_expected(now: datetime, limit: int = 50, lease: Lease | None = None) -> int:
    """Open an expected session for approved bookings whose start is due; returns how many were opened."""

    def open_one(one: tuple[HostKey, HostKey]) -> int:
        key, resource = one
        with unit_of_work(lease=lease) as unit:
            neighbours.lock_resource(unit, resource)
            booking = neighbours.booking(key)
            if booking.state.value != "approved" or booking.span is None or booking.span.start > now:
                return 0
            before = store.session_of_booking(unit.session, key.institution_id, key.id)
            open_for_booking(unit, neighbours.host(key.institution_id), booking)
            return int(before is None)

    job = "usage.open_expected"
    return batches.each(job, batches.found(job, lambda n: _without_session(now, n).items(), limit), open_one)


def _without_session(now: datetime, limit: int) -> dict[HostKey, HostKey]:
    """Due bookings that have no session yet, each with its resource, oldest first. Staff-run ones stay approved for
    days after their session was opened, so the list is read page by page until enough are found."""
    found: dict[HostKey, HostKey] = {}
    since, until, page = now - LOOK_BACK, now + timedelta(microseconds=1), 200
    while len(found) < limit:
        due = neighbours.bookings_due(since, until, page)
        opened = _with_session([b.key for b in due])
        found |= {b.key: b.resource_key for b in due if b.key not in opened}
        if len(due) < page:
            break
        if due[-1].span.start == since:
            page *= 2  # more than a page starts at one instant
        since = due[-1].span.start
    return dict(islice(found.items(), limit))


def _with_session(keys: list[HostKey]) -> set[HostKey]:
    rows = reading().execute(
        select(UsageSession.institution_id, UsageSession.booking_id).where(
            UsageSession.institution_id.in_({key.institution_id for key in keys}),
            UsageSession.booking_id.in_([key.id for key in keys]),
            UsageSession.source == "booking",
        )
    )
    return {HostKey(row[0], row[1]) for row in rows if row[1] is not None}


def mark_no_shows(now: datetime, limit: int = 50, lease: Lease | None = None) -> int:
    """Bookings of self-use whose start and grace are over without any use of the unit: zero hours, slot released."""

    def mark(key: HostKey) -> int:
        with unit_of_work(lease=lease) as unit:
            row = store.locked_session(unit, key)
            if row is None or row.state != S.EXPECTED.value or not follow_booking(unit, row):
                return 0
            if row.booked_starts_at is None:
                return 0
            host = neighbours.host(key.institution_id)
            terms = neighbours.house_terms(HostKey(host.id, row.resource_id), row.day)
            used = any_use(unit.session, row)
            own = _host_own(unit.session, host, row)
            ends_at = row.booked_ends_at
            if states.missed(
                row.booked_starts_at, row.mode, terms, now, any_use=used, host_own=own, ends_at=ends_at
            ):
                return int(miss(unit, host, row, None))
            return 0

    job = "usage.mark_no_shows"
    return batches.each(job, batches.found(job, lambda n: _expected_since(now, n), limit), mark)


def _expected_since(now: datetime, limit: int) -> list[HostKey]:
    """Expected self-use sessions that may be missed. The grace is the resource's, so it is looked at one by one;
    those that a use of the unit excuses come up again each time, hence the generous limit and the newest last."""
    rows = reading().execute(
        select(UsageSession.institution_id, UsageSession.id)
        .where(
            UsageSession.state == S.EXPECTED.value,
            UsageSession.mode == Mode.SELF_USE.value,
            UsageSession.booked_starts_at <= now - timedelta(minutes=5),
        )
        .order_by(UsageSession.booked_starts_at)
        .limit(limit * 10)
    )
    return [HostKey(*row) for row in rows]


def any_use(session: Session, row: UsageSession) -> bool:
    """Whether anybody used the unit since the start of the booking: another session or a machine's signal (U1)."""
    other = aliased(UsageSession)
    if row.unit_id is None or row.booked_starts_at is None or row.booked_ends_at is None:
        return False
    by_people = exists().where(
        other.institution_id == row.institution_id,
        other.unit_id == row.unit_id,
        other.id != row.id,
        other.starts_at < row.booked_ends_at,
        or_(other.ends_at.is_(None), other.ends_at > row.booked_starts_at),
        other.state.in_([S.RUNNING.value, S.ENDED.value, S.SEALED.value]),
    )
    return bool(session.scalar(select(by_people))) or _signals(session, row) is not None


def _signals(session: Session, row: UsageSession) -> tuple[datetime, datetime] | None:
    """From the first to the last moment at which the machine ran inside the booking."""
    found = session.execute(
        select(Evidence.starts_at, Evidence.ends_at).where(
            Evidence.institution_id == row.institution_id,
            Evidence.unit_id == row.unit_id,
            Evidence.kind == EvidenceKind.MACHINE_SIGNAL.value,
            Evidence.starts_at < row.booked_ends_at,
            Evidence.ends_at > row.booked_starts_at,
        )
    ).all()
    if not found:
        return None
    return min(r.starts_at for r in found), max(r.ends_at for r in found)


def _host_own(session: Session, host: Host, row: UsageSession) -> bool:
    """A booking of the host's own people as an institution, not of one of its groups."""
    lines = store.line_rows(session, host.id, [row.id])
    customers = neighbours.customers({line.customer_id for line in lines})
    return bool(customers) and all(
        c.organisation_id == host.id and str(c.kind.value) == "institution" for c in customers.values()
    )


def close_overdue(now: datetime, limit: int = 50, lease: Lease | None = None) -> int:
    """End what runs past its booking and grace (a forgotten log-out), and what only the machine reported."""

    def close(key: HostKey) -> int:
        with unit_of_work(lease=lease) as unit:
            row = store.locked_session(unit, key)
            if row is None or not follow_booking(unit, row):
                return 0
            host = neighbours.host(key.institution_id)
            terms = neighbours.house_terms(HostKey(host.id, row.resource_id), row.day)
            if row.state == S.RUNNING.value:
                return _end_forgotten(unit, host, row, terms, now)
            return _end_by_signal(unit, host, row, terms, now)

    job = "usage.close_overdue"
    return batches.each(job, batches.found(job, lambda n: _overdue(now, n), limit), close)


def _overdue(now: datetime, limit: int) -> list[HostKey]:
    rows = reading().execute(
        select(UsageSession.institution_id, UsageSession.id)
        .where(
            or_(
                and_(
                    UsageSession.state == S.RUNNING.value,
                    or_(
                        UsageSession.booked_ends_at <= now,
                        and_(
                            UsageSession.booked_ends_at.is_(None),
                            UsageSession.starts_at <= now - timedelta(hours=12),
                        ),
                    ),
                ),
                and_(
                    UsageSession.state == S.EXPECTED.value,
                    UsageSession.booked_ends_at <= now,
                    exists().where(
                        Evidence.institution_id == UsageSession.institution_id,
                        Evidence.unit_id == UsageSession.unit_id,
                        Evidence.kind == EvidenceKind.MACHINE_SIGNAL.value,
                        Evidence.starts_at < UsageSession.booked_ends_at,
                        Evidence.ends_at > UsageSession.booked_starts_at,
                    ),
                ),
            )
        )
        .order_by(UsageSession.booked_ends_at, UsageSession.id)
        .limit(limit)
    )
    return [HostKey(*row) for row in rows]


def _end_forgotten(unit: Unit, host: Host, row: UsageSession, terms: HouseTerms, now: datetime) -> int:
    assert row.starts_at is not None
    cap = forgotten_end(row.starts_at, row.booked_ends_at, terms.logout_grace_seconds, now)
    if cap is None:
        return 0
    end_session(unit, host, row, cap, "forgotten")
    flag(row, "forgotten_log_out")
    unit.publish(
        "usage.log_out_forgotten",
        f"{host.id}:{row.id}",
        {"institution_id": str(host.id), "session_id": str(row.id)},
    )
    return 1


def _end_by_signal(unit: Unit, host: Host, row: UsageSession, terms: HouseTerms, now: datetime) -> int:
    """Nobody checked in, but the machine ran: the use is what the machine reported, within booking and grace."""
    if row.booked_ends_at is None or now < row.booked_ends_at + timedelta(seconds=terms.logout_grace_seconds):
        return 0
    ran = _signals(unit.session, row)
    if ran is None or row.booked_starts_at is None:
        return 0
    early = row.booked_starts_at - timedelta(seconds=terms.check_in_early_seconds)
    late = row.booked_ends_at + timedelta(seconds=terms.logout_grace_seconds)
    row.starts_at = max(ran[0], early)
    if row.booking_id is not None:
        neighbours.booking_started(unit, HostKey(host.id, row.booking_id), row.starts_at)
    flag(row, "not_checked_in")
    end_session(unit, host, row, min(ran[1], late), "signal")
    return 1


def on_booking_ended(unit: Unit, event: Event) -> None:
    """A booking was cancelled: its expected session, if one was opened, proves nothing any more."""
    row = _of_event(unit, event)
    if row is not None and states.may_move(S(row.state), S.VOID):
        row.state, row.end_reason = S.VOID.value, "cancelled"
        row.version += 1


def on_booking_changed(unit: Unit, event: Event) -> None:
    """A booking was moved or extended: an open session follows it."""
    row = _of_event(unit, event)
    if row is not None:
        follow_booking(unit, row)


def _of_event(unit: Unit, event: Event) -> UsageSession | None:
    institution_id = UUID(event.payload["institution_id"])
    found = store.session_of_booking(unit.session, institution_id, UUID(event.payload["booking_id"]))
    return None if found is None else store.locked_session(unit, HostKey(institution_id, found.id))
