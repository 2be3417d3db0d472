"""What calendar feeds show: the windows of a person, a customer or a laboratory, and when a resource is taken.

Cancelled windows are told for 30 days, so that calendars take them out; after that they are missing. No row carries a
person's name (law 8): a feed's address ends up in calendars on other people's servers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from resource_hub.domain.accounts.tables import Organisation
from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.booking.tables import Booking, BookingEvent
from resource_hub.domain.catalogue.tables import Resource, Unit
from resource_hub.infra import app_key
from resource_hub.infra.database import reading
from resource_hub.kernel.keys import HostKey

PAST = timedelta(days=92)
FUTURE = timedelta(days=550)
CANCELLED_KEPT = timedelta(days=30)
MOST = 10_000

SHOWN = ("requested", "approved", "in_use", "done", "no_show")
GONE = ("cancelled", "rejected", "expired")


@dataclass(frozen=True, slots=True)
class BookedRow:
    """One window of somebody who may know about it. ``state`` is the booking's."""

    key: HostKey
    uid: str
    sequence: int
    number: str
    state: str
    start: datetime
    end: datetime
    changed_at: datetime
    host_code: str
    zone: str
    resource_zh: str
    resource_en: str
    unit_code: str
    unit_zh: str
    unit_en: str
    place_zh: str
    place_en: str
    behalf: str = ""  # "host": its people booked for the customer; "colleague": one person for another

    @property
    def gone(self) -> bool:
        return self.state in GONE


@dataclass(frozen=True, slots=True)
class TakenRow:
    """A stretch in which a unit cannot be had, set-up and tear-down included; nothing says by whom or why."""

    uid: str
    sequence: int
    start: datetime
    end: datetime
    changed_at: datetime
    gone: bool
    unit_code: str
    unit_zh: str
    unit_en: str


def of_person(person_id: UUID, now: datetime) -> list[BookedRow]:
    """The windows booked for one person, at all hosts, by start; those handed over to somebody else as cancelled."""
    own = _booked(now, and_(Booking.person_id == person_id, Booking.parent_id.is_(None)))
    return sorted([*own, *_handed_away(person_id, now)], key=lambda row: (row.start, row.key))


def _handed_away(person_id: UUID, now: datetime) -> list[BookedRow]:
    """What a person had and somebody else has now: as it was then, and nothing of what became of it."""
    events = (
        reading()
        .execute(
            select(
                BookingEvent.institution_id, BookingEvent.booking_id, BookingEvent.at, BookingEvent.details
            )
            .where(
                BookingEvent.kind == "handed_over",
                BookingEvent.at > now - CANCELLED_KEPT,
                BookingEvent.details["from"].as_string() == str(person_id),
                BookingEvent.details["start"].as_string().is_not(None),
            )
            .order_by(BookingEvent.at)
        )
        .all()
    )
    last = {HostKey(host, booking): (at, details) for host, booking, at, details in events}
    if not last:
        return []
    keys = tuple_(Booking.institution_id, Booking.id).in_([tuple(key) for key in last])
    rows = []
    for row in _rows(and_(keys, Booking.person_id != person_id, Booking.parent_id.is_(None))):
        at, details = last[row.key]
        start, end = (datetime.fromisoformat(details[side]) for side in ("start", "end"))
        if now - PAST < end and start < now + FUTURE:
            sequence = int(details.get("sequence", row.sequence))
            rows.append(
                replace(
                    row, state="cancelled", sequence=sequence, start=start, end=end, changed_at=at, behalf="",
                    unit_code="", unit_zh="", unit_en="",
                )
            )  # fmt: skip
    return rows


def of_customer(customer_id: UUID, now: datetime) -> list[BookedRow]:
    """The windows of a firm, an institution or a group, at all hosts, by start."""
    return _booked(now, and_(Booking.customer_id == customer_id, Booking.parent_id.is_(None)))


def of_laboratory(
    institution_id: UUID, department_ids: Iterable[UUID] | None, now: datetime
) -> list[BookedRow]:
    """The windows on a host's resources; with departments only on theirs."""
    scope: ColumnElement[bool] = Booking.institution_id == institution_id
    if department_ids is not None:
        scope = and_(scope, Resource.department_id.in_(list(department_ids)))
    return _booked(now, scope)


def of_booking(key: HostKey) -> BookedRow | None:
    """One window, whatever its state; None when it has no time or is not there."""
    rows = _rows(and_(Booking.institution_id == key.institution_id, Booking.id == key.id))
    return rows[0] if rows else None


def customer_and_person(key: HostKey) -> tuple[UUID, UUID, UUID | None] | None:
    """Who may know about a booking: its customer, the person it is for, the department that keeps the resource."""
    row = (
        reading()
        .execute(
            select(Booking.customer_id, Booking.person_id, Resource.department_id)
            .join(
                Resource,
                and_(Resource.institution_id == Booking.institution_id, Resource.id == Booking.resource_id),
            )
            .where(Booking.institution_id == key.institution_id, Booking.id == key.id)
        )
        .one_or_none()
    )
    return None if row is None else (row[0], row[1], row[2])


_BY_HOST = exists().where(
    BookingEvent.institution_id == Booking.institution_id,
    BookingEvent.booking_id == Booking.id,
    BookingEvent.kind == "requested",
    BookingEvent.details["by_host"].as_boolean(),
)


# Who took a booking over did not have it booked for them; what is booked under an order goes along with it.
_HANDED_OVER = exists().where(
    BookingEvent.institution_id == Booking.institution_id,
    BookingEvent.booking_id.in_([Booking.id, Booking.parent_id]),
    BookingEvent.kind == "handed_over",
)


# What is booked under an order was kept, and asked for, with it.
_OF_ORDER = and_(
    BookingEvent.institution_id == Booking.institution_id,
    BookingEvent.booking_id == func.coalesce(Booking.parent_id, Booking.id),
)
_KEPT = exists().where(_OF_ORDER, BookingEvent.kind == "held")
_ASKED_FOR = exists().where(_OF_ORDER, BookingEvent.kind == "requested")


def _booked(now: datetime, scope: ColumnElement[bool]) -> list[BookedRow]:
    return _rows(
        and_(
            scope,
            Booking.ends_at > now - PAST,
            Booking.starts_at < now + FUTURE,
            or_(
                Booking.state.in_(SHOWN),
                and_(
                    Booking.state.in_(GONE),
                    Booking.changed_at > now - CANCELLED_KEPT,
                    # A hold that nobody turned into a request was never shown, so nothing is to be taken out.
                    or_(_ASKED_FOR, ~_KEPT),
                ),
            ),
        )
    )


def _rows(condition: ColumnElement[bool]) -> list[BookedRow]:
    host = aliased(Organisation)
    statement = (
        select(
            Booking.institution_id,
            Booking.id,
            Booking.ical_uid,
            Booking.ical_sequence,
            Booking.number,
            Booking.state,
            Booking.starts_at,
            Booking.ends_at,
            Booking.changed_at,
            host.code,
            host.zone,
            Resource.name_zh,
            Resource.name_en,
            Unit.code,
            Unit.name_zh,
            Unit.name_en,
            Resource.place_zh,
            Resource.place_en,
            case(
                (and_(_BY_HOST, ~_HANDED_OVER), "host"),
                (and_(Booking.booked_by != Booking.person_id, ~_HANDED_OVER), "colleague"),
                else_="",
            ),
        )
        .join(
            Resource,
            and_(Resource.institution_id == Booking.institution_id, Resource.id == Booking.resource_id),
        )
        .join(host, host.id == Booking.institution_id)
        .outerjoin(Unit, and_(Unit.institution_id == Booking.institution_id, Unit.id == Booking.unit_id))
        .where(condition, Booking.kind == "window", Booking.starts_at.is_not(None))
        .order_by(Booking.starts_at, Booking.id)
        .limit(MOST)
    )
    return [_row(tuple(row)) for row in reading().execute(statement)]


def _row(row: tuple[Any, ...]) -> BookedRow:
    # The unit is missing until one is given.
    unit = [text or "" for text in row[13:16]]
    return BookedRow(HostKey(row[0], row[1]), *row[2:13], *unit, *row[16:])


def taken(key: HostKey, now: datetime, unit_id: UUID | None = None) -> list[TakenRow]:
    """When a resource, or one unit of it, cannot be had, by start. A hold counts while it lasts."""
    session = reading()
    units = {
        row[0]: (row[1], row[2], row[3])
        for row in session.execute(
            select(Unit.id, Unit.code, Unit.name_zh, Unit.name_en).where(
                Unit.institution_id == key.institution_id, Unit.resource_id == key.id
            )
        )
    }
    nothing = ("", "", "")
    rows: list[TakenRow] = []
    for line in session.execute(
        select(
            Occupancy.id,
            Occupancy.unit_id,
            Occupancy.holder_id,
            Occupancy.starts_at,
            Occupancy.ends_at,
            Booking.ical_sequence,
            Booking.changed_at,
        )
        .outerjoin(
            Booking,
            and_(Booking.institution_id == Occupancy.institution_id, Booking.id == Occupancy.holder_id),
        )
        .where(
            Occupancy.institution_id == key.institution_id,
            Occupancy.resource_id == key.id,
            *([Occupancy.unit_id == unit_id] if unit_id else []),
            Occupancy.ends_at > now - PAST,
            Occupancy.starts_at < now + FUTURE,
            or_(Occupancy.expires_at.is_(None), Occupancy.expires_at > now),
        )
    ):
        row_id, held_unit, holder_id, start, end, sequence, changed_at = line
        # A booking keeps its mark when it moves to another time or unit; anything else, such as a calendar that was
        # read, holds many stretches.
        of_booking = changed_at is not None
        rows.append(
            TakenRow(
                _mark(holder_id) if of_booking else _mark(holder_id, held_unit, start),
                sequence or 0,
                start,
                end,
                changed_at if of_booking else _made_at(row_id),
                False,
                *units.get(held_unit, nothing),
            )
        )
    for row in session.execute(
        select(
            Booking.id,
            Booking.unit_id,
            Booking.starts_at,
            Booking.ends_at,
            Booking.setup_seconds,
            Booking.teardown_seconds,
            Booking.ical_sequence,
            Booking.changed_at,
        ).where(
            Booking.institution_id == key.institution_id,
            Booking.resource_id == key.id,
            *([Booking.unit_id == unit_id] if unit_id else []),
            Booking.kind == "window",
            Booking.starts_at.is_not(None),
            Booking.starts_at < now + FUTURE,
            Booking.ends_at > now - PAST,
            Booking.state.in_(GONE),
            Booking.changed_at > now - CANCELLED_KEPT,
        )
    ):
        rows.append(
            TakenRow(
                _mark(row.id),
                row.ical_sequence,
                row.starts_at - timedelta(seconds=row.setup_seconds),
                row.ends_at + timedelta(seconds=row.teardown_seconds),
                row.changed_at,
                True,
                *units.get(row.unit_id, nothing),
            )
        )
    rows.sort(key=lambda r: (r.start, r.uid))
    return rows[:MOST]


def _mark(holder_id: UUID, unit_id: UUID | None = None, start: datetime | None = None) -> str:
    """The same for the same stretch at every call, and of no use to whoever knows the booking's own id."""
    parts = [holder_id.bytes]
    if unit_id is not None and start is not None:
        parts += [unit_id.bytes, start.isoformat().encode()]
    return f"taken-{app_key.derived('feeds.taken', *parts).hex()[:32]}@resource-hub"


def _made_at(row_id: UUID) -> datetime:
    """Our ids begin with the milliseconds of their making (RFC 9562)."""
    return datetime.fromtimestamp((row_id.int >> 80) // 1000, UTC)
