"""Queries of booking: rows to records and facts; never commits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import (
    COUNTED,
    HOLDING,
    BookingKind,
    BookingRecord,
    BookingState,
    Holder,
    OwnTime,
    ThreeSums,
)
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra.locks import alone
from resource_hub.infra.together import add_later
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan


def record(row: Any, sums: ThreeSums | None = None) -> BookingRecord:
    """The record of a row, or of values under the names of its columns, with its sums where they are at hand."""
    return BookingRecord(
        key=HostKey(row.institution_id, row.id),
        number=row.number,
        kind=BookingKind(row.kind),
        mode=Mode(row.mode) if row.mode else None,
        state=BookingState(row.state),
        resource_id=row.resource_id,
        unit_id=row.unit_id,
        customer_id=row.customer_id,
        customer_class=CustomerClass(row.customer_class),
        person_id=row.person_id,
        booked_by=row.booked_by,
        span=TimeSpan(row.starts_at, row.ends_at) if row.starts_at and row.ends_at else None,
        setup_seconds=row.setup_seconds,
        teardown_seconds=row.teardown_seconds,
        purpose=row.purpose,
        project=row.project,
        description=row.description,
        samples=row.samples,
        hazard=row.hazard,
        answers=row.answers,
        quote_id=row.quote_id,
        tariff_id=row.tariff_id,
        rules_number=row.rules_number,
        ical_uid=row.ical_uid,
        ical_sequence=row.ical_sequence,
        hold_expires_at=row.hold_expires_at,
        answer_by=row.answer_by,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_note=row.decision_note,
        cancelled_at=row.cancelled_at,
        cancelled_by=row.cancelled_by,
        cancel_reason=row.cancel_reason,
        cancel_fee=Money(row.cancel_fee_minor, row.currency),
        version=row.version,
        created_at=row.created_at,
        changed_at=row.changed_at,
        series_id=row.series_id,
        parent_id=row.parent_id,
        fee_decides_at=row.fee_decides_at,
        extras=tuple(row.extras or ()),
        items=dict(row.items or {}),
        sums=sums,
    )


def row_of(session: Session, key: HostKey) -> Booking | None:
    return session.get(Booking, tuple(key))


def locked(session: Session, key: HostKey) -> Booking | None:
    """The row, locked to its transaction's end and read anew."""
    return session.scalars(
        select(Booking)
        .where(Booking.institution_id == key.institution_id, Booking.id == key.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def add(session: Session, values: Mapping[str, Any], sums: ThreeSums | None = None) -> BookingRecord:
    """Add a row; the record is what it will read as."""
    add_later(session, Booking, [values])
    return record(SimpleNamespace(**{**_UNSET, **values}), sums)


# Columns that a new order may leave out.
_UNSET: Mapping[str, Any] = {
    **dict.fromkeys(column.name for column in Booking.__table__.columns),
    **{
        c.name: c.default.arg
        for c in Booking.__table__.columns
        if c.default is not None and c.default.is_scalar
    },
}


def change(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(
        update(Booking)
        .where(Booking.institution_id == key.institution_id, Booking.id == key.id)
        .values(**values, version=Booking.version + 1)
        .execution_options(synchronize_session=False)
    )


def id_of_number(session: Session, institution_id: UUID, number: str) -> UUID | None:
    return session.scalar(
        select(Booking.id).where(Booking.institution_id == institution_id, Booking.number == number)
    )


def records_of(session: Session, keys: Collection[HostKey]) -> dict[HostKey, BookingRecord]:
    if not keys:
        return {}
    rows = session.scalars(
        select(Booking).where(tuple_(Booking.institution_id, Booking.id).in_([tuple(k) for k in keys]))
    )
    return {found.key: found for found in map(record, rows)}


def holders(session: Session, keys: Collection[HostKey]) -> dict[HostKey, Holder]:
    """Of many bookings only what a calendar shows: the mapper takes ten times as long over whole rows."""
    found: dict[HostKey, Holder] = {}
    for host in {key.institution_id for key in keys}:
        rows = session.execute(
            select(Booking.id, Booking.number, Booking.kind, Booking.state, Booking.customer_id).where(
                Booking.institution_id == host,
                Booking.id.in_([key.id for key in keys if key.institution_id == host]),
            )
        )
        for booking_id, number, kind, state, customer_id in rows:
            key = HostKey(host, booking_id)
            found[key] = Holder(key, number, BookingKind(kind), BookingState(state), customer_id)
    return found


def children_of(session: Session, institution_id: UUID, parents: Collection[UUID]) -> list[BookingRecord]:
    """The bookings under several orders that follow them, by resource."""
    rows = session.scalars(
        select(Booking)
        .where(
            Booking.institution_id == institution_id,
            Booking.parent_id.in_(parents),
            Booking.state != BookingState.CANCELLED.value,
        )
        .order_by(Booking.resource_id)
    )
    return [record(row) for row in rows]


def children(session: Session, parent: HostKey) -> list[BookingRecord]:
    """The bookings under an order that follow it, by resource; what was dropped from it is left out."""
    rows = session.scalars(
        select(Booking)
        .where(
            Booking.institution_id == parent.institution_id,
            Booking.parent_id == parent.id,
            Booking.state != BookingState.CANCELLED.value,
        )
        .order_by(Booking.resource_id)
        .execution_options(populate_existing=True)
    )
    return [record(row) for row in rows]


def held_together(session: Session, key: HostKey, now: datetime) -> set[HostKey]:
    """The resources of orders that stand with which a resource came along, and all that came along with them."""
    along, order = aliased(Booking), aliased(Booking)
    parents = select(along.parent_id).where(
        along.institution_id == key.institution_id,
        along.resource_id == key.id,
        along.parent_id.is_not(None),
        along.ends_at > now,
        along.state.in_([state.value for state in HOLDING]),
    )
    rows = session.scalars(
        select(order.resource_id)
        .where(
            order.institution_id == key.institution_id,
            or_(order.id.in_(parents), order.parent_id.in_(parents)),
        )
        .distinct()
    )
    return {HostKey(key.institution_id, resource_id) for resource_id in rows}


def owing_under(session: Session, parent: HostKey) -> list[BookingRecord]:
    """The cancelled bookings under an order that owe a fee of their own, by resource."""
    rows = session.scalars(
        select(Booking)
        .where(
            Booking.institution_id == parent.institution_id,
            Booking.parent_id == parent.id,
            Booking.cancel_fee_minor > 0,
        )
        .order_by(Booking.resource_id)
        .execution_options(populate_existing=True)
    )
    return [record(row) for row in rows]


# ---- facts for rules -----------------------------------------------------------------------------------------


def own_times(
    session: Session,
    resource: HostKey,
    customer_id: UUID,
    person_id: UUID,
    span: TimeSpan,
    ignore: UUID | None,
    now: datetime,
) -> tuple[OwnTime, ...]:
    """Bookings on a resource by the customer or the person that meet a span. A hold that has lapsed is none."""
    rows = session.execute(
        _own(resource.institution_id, [customer_id], [person_id], span, ignore, now).where(
            Booking.resource_id == resource.id
        )
    )
    return tuple(
        OwnTime(TimeSpan(row.starts_at, row.ends_at), BookingState(row.state), row.person_id, row.customer_id)
        for row in rows
    )


def own_elsewhere(
    session: Session,
    resource: HostKey,
    customer_ids: Collection[UUID],
    person_ids: Collection[UUID],
    span: TimeSpan,
    ignore: UUID | None,
    now: datetime,
) -> list[tuple[UUID, datetime, OwnTime]]:
    """Likewise on the host's other resources, each with its resource and when it was made. What came along with an
    order is none of its own."""
    rows = session.execute(
        _own(resource.institution_id, customer_ids, person_ids, span, ignore, now).where(
            Booking.resource_id != resource.id, Booking.parent_id.is_(None)
        )
    )
    return [
        (
            row.resource_id,
            row.created_at,
            OwnTime(
                TimeSpan(row.starts_at, row.ends_at), BookingState(row.state), row.person_id, row.customer_id
            ),
        )
        for row in rows
    ]


def _own(
    institution_id: UUID,
    customer_ids: Collection[UUID],
    person_ids: Collection[UUID],
    span: TimeSpan,
    ignore: UUID | None,
    now: datetime,
) -> Select[*tuple[Any, ...]]:
    found = select(
        Booking.resource_id,
        Booking.created_at,
        Booking.starts_at,
        Booking.ends_at,
        Booking.state,
        Booking.person_id,
        Booking.customer_id,
    )
    return found.where(
        Booking.institution_id == institution_id,
        or_(Booking.customer_id.in_(customer_ids), Booking.person_id.in_(person_ids)),
        Booking.kind == BookingKind.WINDOW.value,
        Booking.starts_at < span.end,
        Booking.ends_at > span.start,
        Booking.state.in_([s.value for s in COUNTED]),
        or_(Booking.state != BookingState.HELD.value, Booking.hold_expires_at > now),
        Booking.id != ignore if ignore else Booking.id.is_not(None),
    )


def count_alone(session: Session, institution_id: UUID, who: Iterable[UUID], *, wait: bool = True) -> bool:
    """Until the end of the transaction nobody else counts bookings of these customers and people across a host's
    resources. Taken after the resources and all at once; who holds several of them one after another does not ``wait``
    and is told whether it has them."""
    return alone(session, (institution_id.bytes + one.bytes for one in who), wait=wait)


# ---- lists ---------------------------------------------------------------------------------------------------


def _page(statement: Select[Any], after: Sequence[Any] | None, limit: int, *, newest: bool) -> Select[Any]:
    when = func.coalesce(Booking.starts_at, Booking.created_at)
    if after is not None:
        moment, booking_id = after
        beyond = when < moment if newest else when > moment
        same = Booking.id < booking_id if newest else Booking.id > booking_id
        statement = statement.where(or_(beyond, and_(when == moment, same)))
    order = (when.desc(), Booking.id.desc()) if newest else (when, Booking.id)
    return statement.order_by(*order).limit(limit)


def newest(
    statement: Select[Any], when: Any, row_id: Any, after: Sequence[Any] | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """A list with the newest first, from the place after a row: its moment and id."""
    if after is not None:
        moment, last = after
        statement = statement.where(or_(when < moment, and_(when == moment, row_id > last)))
    return statement.order_by(when.desc(), row_id).limit(limit)


def of_customers(
    session: Session,
    customer_ids: Collection[UUID],
    *,
    states: Collection[BookingState] = (),
    kinds: Collection[BookingKind] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    person_id: UUID | None = None,
    after: Sequence[Any] | None = None,
    limit: int = 50,
    newest: bool = True,
) -> list[BookingRecord]:
    statement = select(Booking).where(Booking.customer_id.in_(customer_ids), Booking.parent_id.is_(None))
    return _filtered(session, statement, states, kinds, since, until, person_id, after, limit, newest)


def count_of_customer(session: Session, institution_id: UUID, customer_id: UUID) -> int:
    statement = select(func.count()).where(
        Booking.customer_id == customer_id,
        Booking.institution_id == institution_id,
        Booking.parent_id.is_(None),
    )
    return session.scalar(statement) or 0


def customers_of_host(
    session: Session, institution_id: UUID, resource_ids: Collection[UUID] | None, limit: int
) -> list[UUID]:
    """Customers of a host, who booked latest first."""
    statement = select(Booking.customer_id).where(Booking.institution_id == institution_id)
    if resource_ids is not None:
        statement = statement.where(Booking.resource_id.in_(resource_ids))
    latest = func.max(Booking.created_at)
    return list(session.scalars(statement.group_by(Booking.customer_id).order_by(latest.desc()).limit(limit)))


def of_host(
    session: Session,
    institution_id: UUID,
    *,
    resource_ids: Collection[UUID] | None = None,
    states: Collection[BookingState] = (),
    kinds: Collection[BookingKind] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    after: Sequence[Any] | None = None,
    limit: int = 200,
    newest: bool = False,
) -> list[BookingRecord]:
    statement = select(Booking).where(Booking.institution_id == institution_id)
    if resource_ids is not None:
        statement = statement.where(Booking.resource_id.in_(resource_ids))
    return _filtered(session, statement, states, kinds, since, until, None, after, limit, newest)


def _filtered(
    session: Session,
    statement: Select[Any],
    states: Collection[BookingState],
    kinds: Collection[BookingKind],
    since: datetime | None,
    until: datetime | None,
    person_id: UUID | None,
    after: Sequence[Any] | None,
    limit: int,
    newest: bool,
) -> list[BookingRecord]:
    if states:
        statement = statement.where(Booking.state.in_([s.value for s in states]))
    if kinds:
        statement = statement.where(Booking.kind.in_([k.value for k in kinds]))
    if person_id is not None:
        statement = statement.where(Booking.person_id == person_id)
    if since is not None:
        statement = statement.where(func.coalesce(Booking.ends_at, Booking.created_at) > since)
    if until is not None:
        statement = statement.where(func.coalesce(Booking.starts_at, Booking.created_at) < until)
    return [record(row) for row in session.scalars(_page(statement, after, limit, newest=newest))]


def holders_of(
    session: Session, resource: HostKey, customer_ids: Collection[UUID], span: TimeSpan
) -> set[UUID]:
    """Bookings on a resource that belong to these customers."""
    return set(
        session.scalars(
            select(Booking.id).where(
                Booking.institution_id == resource.institution_id,
                Booking.resource_id == resource.id,
                Booking.customer_id.in_(customer_ids),
                Booking.starts_at < span.end,
                Booking.ends_at > span.start,
            )
        )
    )


def waiting(
    institution_id: UUID, resource_ids: Collection[UUID] | None, now: datetime
) -> list[ColumnElement[bool]]:
    """What makes an order of a host a request whose term to answer has not run out."""
    conditions: list[ColumnElement[bool]] = [
        Booking.institution_id == institution_id,
        Booking.state == BookingState.REQUESTED.value,
        Booking.parent_id.is_(None),
        or_(Booking.answer_by.is_(None), Booking.answer_by > now),
    ]
    return conditions if resource_ids is None else [*conditions, Booking.resource_id.in_(resource_ids)]


def requested(session: Session, conditions: Sequence[ColumnElement[bool]], limit: int) -> list[BookingRecord]:
    """Requests, the nearest term first; those without a term by the time since which they wait."""
    term = func.coalesce(Booking.answer_by, Booking.created_at)
    rows = session.scalars(
        select(Booking).where(*conditions).order_by(term, Booking.created_at, Booking.id).limit(limit)
    )
    return [record(row) for row in rows]


def due_to_start(session: Session, span: TimeSpan, limit: int) -> list[BookingRecord]:
    """Approved windows that start in a span, by start, of every host."""
    rows = session.scalars(
        select(Booking)
        .where(
            Booking.state == BookingState.APPROVED.value,
            Booking.kind == BookingKind.WINDOW.value,
            Booking.parent_id.is_(None),
            Booking.starts_at >= span.start,
            Booking.starts_at < span.end,
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(limit)
    )
    return [record(row) for row in rows]


def unanswered(session: Session, now: datetime, limit: int) -> list[HostKey]:
    """Holds and requests whose term has run out: so many, and what else of the same series has."""
    due = select(Booking.institution_id, Booking.id, Booking.series_id).where(
        Booking.parent_id.is_(None),
        or_(
            and_(Booking.state == BookingState.HELD.value, Booking.hold_expires_at <= now),
            and_(Booking.state == BookingState.REQUESTED.value, Booking.answer_by <= now),
        ),
    )
    rows = session.execute(due.order_by(Booking.institution_id, Booking.id).limit(limit)).all()
    series = {row.series_id for row in rows if row.series_id is not None}
    if series:
        rest = due.where(Booking.series_id.in_(series), Booking.id.not_in([row.id for row in rows]))
        rows = [*rows, *session.execute(rest)]
    return [HostKey(row.institution_id, row.id) for row in rows]


def fees_to_decide(session: Session, now: datetime, limit: int) -> list[HostKey]:
    """Late cancellations whose slot has begun, the oldest first."""
    rows = session.execute(
        select(Booking.institution_id, Booking.id)
        .where(Booking.fee_decides_at <= now)
        .order_by(Booking.fee_decides_at, Booking.institution_id, Booking.id)
        .limit(limit)
    )
    return [HostKey(*row) for row in rows]


# House rules know no longer set-up or tear-down.
_LONGEST_MARGIN = 86_400


def near_on_unit(
    session: Session, resource: HostKey, unit_id: UUID | None, span: TimeSpan, gone: UUID | None = None
) -> list[BookingRecord]:
    """Orders on a unit that hold some of a time, set-up and tear-down included, without one that is gone, as they are
    written; requests are among them."""
    far = span.widened(_LONGEST_MARGIN, _LONGEST_MARGIN)
    found = select(Booking).where(
        Booking.institution_id == resource.institution_id,
        Booking.resource_id == resource.id,
        Booking.unit_id == unit_id,
        Booking.starts_at < far.end,
        Booking.ends_at > far.start,
        Booking.state.in_([s.value for s in COUNTED - {BookingState.HELD}]),
    )
    rows = session.scalars(found if gone is None else found.where(Booking.id != gone))
    return [one for one in map(record, rows) if one.held is not None and one.held.overlaps(span)]


def next_on_unit(session: Session, resource: HostKey, unit_id: UUID, since: datetime) -> BookingRecord | None:
    """The booking that comes next on a unit."""
    row = session.scalars(
        select(Booking)
        .where(
            Booking.institution_id == resource.institution_id,
            Booking.resource_id == resource.id,
            Booking.unit_id == unit_id,
            Booking.starts_at >= since,
            Booking.state.in_([BookingState.REQUESTED.value, BookingState.APPROVED.value]),
        )
        .order_by(Booking.starts_at)
        .limit(1)
    ).one_or_none()
    return record(row) if row is not None else None
