"""Questions about bookings: one, lists of them, what they belong to, and who may see which."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, not_, select

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Viewer, Week
from resource_hub.domain.booking import answers, history_store, quote_store, quoting, store
from resource_hub.domain.booking.errors import NoSuchBooking
from resource_hub.domain.booking.preparing import DECIDES, STAFF, is_staff
from resource_hub.domain.booking.rules.answering import lapses_at
from resource_hub.domain.booking.rules.states import open_acts
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import (
    FINAL,
    HOLDING,
    Act,
    Asked,
    BookingKind,
    BookingRecord,
    BookingState,
    EventRecord,
    FileKind,
    FileRecord,
    Holder,
    MessageRecord,
    QuoteRecord,
    Side,
    ThreeSums,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.keeping import keeping
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan


def booking(key: HostKey) -> BookingRecord:
    """A booking, for other capabilities; pages ask ``booking_for``.

    Raises:
        NoSuchBooking: there is none.
    """
    row = store.row_of(reading(), key)
    if row is None:
        raise NoSuchBooking()
    return store.record(row)


def judged_by_clock(record: BookingRecord, now: datetime) -> BookingState:
    """The state as it is now, whether or not a job has written it down: a hold that has lapsed is expired, and so is
    a request that nobody answered in time, unless silence is a yes."""
    if (
        record.state is BookingState.HELD
        and record.hold_expires_at is not None
        and record.hold_expires_at <= now
    ):
        return BookingState.EXPIRED
    if record.state is BookingState.REQUESTED and record.answer_by is not None and record.answer_by <= now:
        return BookingState.APPROVED if _consented(record, record.answer_by) else BookingState.EXPIRED
    return record.state


def as_of(record: BookingRecord, now: datetime) -> BookingRecord:
    """A booking with the state that it has now: looking, clicking and answering judge by the same one."""
    return replace(record, state=judged_by_clock(record, now))


def _consented(record: BookingRecord, answer_by: datetime) -> bool:
    """Whether silence was a yes, by the house rules by which the order was judged."""
    if record.span is None:
        return False
    rules = availability.rules_numbered(record.resource_key, record.rules_number)
    return lapses_at(rules, record.span, answer_by) is None


def side_of(record: BookingRecord, by: Actor) -> Side | None:
    """On which side of a booking an actor stands; None for strangers."""
    return side_at(record.resource_key, record.customer_id, by)


def side_at(resource: HostKey, customer_id: UUID, by: Actor) -> Side | None:
    """On which side an actor stands of what a customer has of a resource. Who acts for the customer is bound by the
    customer's rules, at the host as well; what only the host does goes by its own doors."""
    if customer_id in by.customer_ids or customer_id in by.led_customer_ids:
        return Side.CUSTOMER
    if by.organisation_id == resource.institution_id and by.has(*STAFF):
        if is_staff(by, catalogue.resource(resource)):
            return Side.HOST
    return None


def booking_for(key: HostKey, by: Actor) -> tuple[BookingRecord, Side]:
    """A booking for one of its two parties.

    Raises:
        NoSuchBooking: there is none, or the reader is a stranger; the two are told apart nowhere.
    """
    record = booking(key)
    side = side_of(record, by)
    if side is None:
        raise NoSuchBooking()
    return record, side


def quote_of(key: HostKey, by: Actor | None = None) -> QuoteRecord:
    """A frozen quote; with an actor only for its customer (without any, for who asked) and who decides on the resource.

    Raises:
        NoSuchBooking: there is none, or not for this reader.
    """
    found = quote_store.quote(reading(), key)
    if found is None or (by is not None and not _may_read(found, by)):
        raise NoSuchBooking()
    return found


def _may_read(quote: QuoteRecord, by: Actor) -> bool:
    if quote.customer_id is None and by.person_id == quote.asked_by:
        return True
    if quote.customer_id in by.customer_ids | by.led_customer_ids:
        return True
    return is_staff(by, catalogue.resource(quote.resource_key), DECIDES)


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything on the page of one booking."""

    record: BookingRecord
    state: BookingState
    side: Side
    acts: frozenset[Act]
    resource: ResourceRecord
    quote: QuoteRecord | None
    events: tuple[EventRecord, ...]
    messages: tuple[MessageRecord, ...]
    files: tuple[FileRecord, ...]


# What either side does, each by its own rules.
_OF_EITHER = {Act.CHANGE, Act.CANCEL}


def detail(key: HostKey, by: Actor) -> Detail:
    record, side = booking_for(key, by)
    session = reading()
    state = judged_by_clock(record, clock.now())
    quote = (
        quote_store.quote(session, HostKey(key.institution_id, record.quote_id)) if record.quote_id else None
    )
    resource = catalogue.resource(record.resource_key)
    acts = open_acts(record.kind, state, side)
    if side is Side.CUSTOMER and is_staff(by, resource):
        acts |= open_acts(record.kind, state, Side.HOST) - _OF_EITHER
    events, left = _since_taken_over(history_store.events(session, key), side)
    return Detail(
        record=record,
        state=state,
        side=side,
        acts=acts if record.parent_id is None else frozenset(),
        resource=resource,
        quote=quote,
        events=tuple(events),
        messages=tuple(one for one in history_store.messages(session, key) if str(one.id) not in left),
        files=tuple(one for one in history_store.files(session, key) if str(one.id) not in left),
    )


def _since_taken_over(events: Sequence[EventRecord], side: Side) -> tuple[Sequence[EventRecord], set[str]]:
    """What a side may read of what happened, and the ids of messages and documents that it may not: a customer that
    took a booking over from another organisation learns nothing of what that one and the host did before."""
    if side is Side.CUSTOMER:
        for place in range(len(events) - 1, -1, -1):
            details = events[place].details
            if events[place].kind == "handed_over" and "messages" in details:
                return events[place:], {*details["messages"], *details["files"]}
    return events, set()


def file_of(key: HostKey, booking_file_id: UUID, by: Actor) -> FileRecord:
    """A document of a booking, for its two parties; results are fetched, which is written down.

    Raises:
        NoSuchBooking
    """
    for found in detail(key, by).files:
        if found.id == booking_file_id and found.kind is not FileKind.RESULT:
            return found
    raise NoSuchBooking()


# ---- lists -----------------------------------------------------------------------------------------------------


def bookings_of(
    by: Actor,
    *,
    states: Collection[BookingState] = (),
    kinds: Collection[BookingKind] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    mine: bool = False,
    after: Sequence[Any] | None = None,
    limit: int = 50,
    newest: bool = True,
) -> list[BookingRecord]:
    """Orders of the customers that an actor acts for."""
    customers = by.customer_ids | by.led_customer_ids
    if not customers:
        return []
    return store.of_customers(
        reading(), customers, states=states, kinds=kinds, since=since, until=until,
        person_id=by.person_id if mine else None, after=after, limit=limit, newest=newest,
    )  # fmt: skip


def reach_of(by: Actor) -> list[UUID] | None:
    """Ids of the resources whose bookings an actor of the host sees; None is all of the house."""
    if not by.has(*STAFF):
        return []
    if by.department_ids is None:
        return None
    return [record.key.id for record in catalogue.resources_managed_by(by)]


def bookings_at(
    by: Actor,
    *,
    states: Collection[BookingState] = (),
    kinds: Collection[BookingKind] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    after: Sequence[Any] | None = None,
    limit: int = 200,
    newest: bool = False,
) -> list[BookingRecord]:
    """Orders at a host, as far as the actor's roles reach."""
    found = reach_of(by)
    if found == []:
        return []
    return store.of_host(
        reading(), by.organisation_id, resource_ids=found, states=states, kinds=kinds, since=since, until=until,
        after=after, limit=limit, newest=newest,
    )  # fmt: skip


def requests(
    by: Actor, *, mine: bool | None = None, resource: HostKey | None = None, limit: int = 200
) -> list[BookingRecord]:
    """What waits for an answer of the actor's house, the nearest term first.

    Args:
        mine: only what waits for this actor, or only what waits for others.
        resource: only what is asked of this one.
    """
    where = _waiting(by, mine, resource)
    return [] if where is None else store.requested(reading(), where, limit)


def requested_resources(by: Actor) -> list[HostKey]:
    """The resources of which somebody waits for an answer."""
    where = _waiting(by, None)
    if where is None:
        return []
    found = reading().scalars(select(Booking.resource_id).where(*where).distinct())
    return [HostKey(by.organisation_id, resource_id) for resource_id in found]


def waiting_count(by: Actor, *, mine: bool = True, resource: HostKey | None = None) -> int:
    """How many orders wait for this actor's answer, or for that of others of its house or of the customer's."""
    counted = waiting_orders(by, mine=mine, resource=resource)
    return 0 if counted is None else reading().scalar(counted) or 0


def waiting_orders(by: Actor, *, mine: bool = True, resource: HostKey | None = None) -> Select[int] | None:
    """The count of them as a statement; None where there can be none."""
    where = _waiting(by, mine, resource)
    return None if where is None else select(func.count()).select_from(Booking).where(*where)


def _waiting(
    by: Actor, mine: bool | None, resource: HostKey | None = None
) -> list[ColumnElement[bool]] | None:
    found = reach_of(by)
    if found == []:
        return None
    now = clock.now()
    where = store.waiting(by.organisation_id, found, now)
    if mine is not None:
        his = answers.wanted_from(by, now)
        where.append(his if mine else not_(his))
    if resource is not None:
        where.append(Booking.resource_id == resource.id)
    return where


def of_resources(keys: Sequence[HostKey], span: TimeSpan) -> list[BookingRecord]:
    """Bookings that hold or held time of these resources in a span, by start."""
    result: list[BookingRecord] = []
    hosts: dict[UUID, list[UUID]] = {}
    for key in keys:
        hosts.setdefault(key.institution_id, []).append(key.id)
    states = [*HOLDING, BookingState.DONE, BookingState.NO_SHOW]
    for institution_id, ids in hosts.items():
        result += store.of_host(
            reading(), institution_id, resource_ids=ids, states=states, kinds=[BookingKind.WINDOW],
            since=span.start, until=span.end, limit=10_000,
        )  # fmt: skip
    now = clock.now()
    live = [r for r in result if judged_by_clock(r, now) not in (BookingState.EXPIRED, BookingState.HELD)]
    return sorted(live, key=lambda r: (r.starts_at or r.created_at, r.key))


def due_to_start(span: TimeSpan, limit: int = 200) -> list[BookingRecord]:
    """Approved bookings of time that start in a span, of every host, oldest first."""
    return store.due_to_start(reading(), span, limit)


def next_start_of(person_id: UUID, after: datetime) -> datetime | None:
    """Start of the next booking of a person, whoever pays for it."""
    return reading().scalar(
        select(Booking.starts_at)
        .where(
            Booking.person_id == person_id,
            Booking.starts_at > after,
            Booking.state.in_([BookingState.APPROVED.value, BookingState.REQUESTED.value]),
        )
        .order_by(Booking.starts_at)
        .limit(1)
    )


def sums_of(records: Iterable[BookingRecord]) -> Mapping[HostKey, ThreeSums]:
    """The three sums of many bookings at once, by booking, with those of what is booked together."""
    records = list(records)
    result = {r.key: r.sums for r in records if r.sums is not None}
    wanted = {
        HostKey(r.key.institution_id, r.quote_id): r.key for r in records if r.quote_id and r.sums is None
    }
    if not wanted:
        return result
    found = quote_store.sums(reading(), wanted, set(wanted.values()))
    # The order's own sums come first: in their currency an order is said first.
    for key, order, sums in sorted(found, key=lambda row: row[0] not in wanted):
        owner = wanted.get(key, order)
        if owner is None:
            continue
        result[owner] = result[owner].plus(sums) if owner in result else sums
    return result


def records(keys: Collection[HostKey]) -> dict[HostKey, BookingRecord]:
    """Many bookings at once, for other capabilities."""
    return store.records_of(reading(), keys)


def holders(keys: Collection[HostKey]) -> dict[HostKey, Holder]:
    """What calendars show of many bookings at once."""
    return store.holders(reading(), keys)


# ---- calendar --------------------------------------------------------------------------------------------------


def viewer_of(
    resource: ResourceRecord, span: TimeSpan, by: Actor | None, customer_id: UUID | None = None
) -> Viewer:
    """Who looks at the calendar of a resource: what is theirs, and whether protected hours are for them."""
    if by is None:
        return Viewer()
    host = is_staff(by, resource)
    customers = by.customer_ids | by.led_customer_ids
    mine = store.holders_of(reading(), resource.key, customers, span) if customers else set()
    one = (
        customer_id
        if customer_id in by.customer_ids
        else (next(iter(by.customer_ids)) if len(by.customer_ids) == 1 else None)
    )
    outside: bool | None = None
    if one is not None:
        outside = quoting.buyer(resource, one, quoting.day_of(resource, span, clock.now())).outside
    elif by.organisation_id == resource.key.institution_id:
        outside = False
    return Viewer(outside, frozenset(mine), host)


def calendar(key: HostKey, span: TimeSpan, by: Actor | None, customer_id: UUID | None = None) -> Week:
    """Lanes of a resource for a reader; strangers see that a time is taken and nothing more."""
    with keeping(joining=True):
        resource = catalogue.visible(catalogue.resource(key), by)
        return availability.week(key, span, viewer_of(resource, span, by, customer_id))


def asked_of(record: BookingRecord, span: TimeSpan | None = None) -> Asked:
    """A booking as the wish that it came from, perhaps for another time."""
    return Asked(
        kind=record.kind,
        mode=record.mode,
        span=span or record.span,
        unit_id=None,
        customer_id=record.customer_id,
        person_id=record.person_id,
        purpose=record.purpose,
        project=record.project,
        description=record.description,
        samples=record.samples,
        items=dict(record.items),
        extras=frozenset(record.extras),
        answers={k: str(v) for k, v in record.answers.items()},
        hazards=frozenset(record.hazard.get("kinds", ())),
        hazard_note=str(record.hazard.get("note", "")),
    )


def is_over(record: BookingRecord) -> bool:
    return record.state in FINAL


def near_future(days: int = 14) -> TimeSpan:
    now = clock.now()
    return TimeSpan(now, now + timedelta(days=days))
