"""House rules tried on the bookings of the last months before they take effect. Reads only; for the host alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, CustomerClass
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.rules import working_days
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking import counting, history_store, ports, store, strike_store
from resource_hub.domain.booking.rules.earned import Barring, Conduct, TriedBar, TriedStrike
from resource_hub.domain.booking.rules.trial import PastOrder, TriedOrder, replay
from resource_hub.domain.booking.tables import Booking, BookingEvent
from resource_hub.domain.booking.terms import (
    COUNTED,
    BookingKind,
    BookingState,
    OwnTime,
    StrikeKind,
    StrikeState,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

# So many bookings are tried, the newest first; of those refused so many are listed.
MOST_TRIED = 2_000
MOST_LISTED = 50
MONTHS = (3, 6, 12)
_MONTH = timedelta(days=30)
STOOD = COUNTED - {BookingState.HELD, BookingState.REQUESTED}
# What asks for a time, and may have been done by the host's own people.
_ASKS = ("requested", "changed", "proposed")


@dataclass(frozen=True, slots=True)
class Trial:
    """What a draft would have done.

    Attributes:
        whole: whether every booking since then was tried, or only the newest ones.
        before: how many of them the rules in force today would refuse.
        by_rule: refusals by code, the commonest first, with one reason as an example; a booking may have several.
        listed: the newest of those refused.
        barred: how many people strikes would have barred, and ``barred_before`` by the rules in force today.
        bars: the newest of these bars.
    """

    since: datetime
    tried: int
    whole: bool
    refused: int
    before: int
    customers: int
    by_rule: tuple[tuple[Reason, int], ...] = ()
    listed: tuple[TriedOrder, ...] = ()
    barred: int = 0
    barred_before: int = 0
    bars: tuple[TriedBar, ...] = ()


def try_rules(key: HostKey, draft: HouseDocument, *, by: Actor, months: int = 6) -> Trial:
    """Replay the bookings of a resource that began in the last months against a draft.

    Raises:
        NotFound, NotYourResource: the resource is not for this actor to manage.
    """
    availability.may_manage(key, by)
    now = clock.now()
    since = now - months * _MONTH
    orders = _orders(reading(), key, since, now)
    whole = len(orders) <= MOST_TRIED
    orders = orders[:MOST_TRIED]
    host = accounts.organisation(key.institution_id)
    days = _working_days(host.jurisdiction, orders)
    present, _number = availability.house_rules(key)
    others = _elsewhere(key, orders, now) if draft.counts_elsewhere or present.counts_elsewhere else []
    past = orders
    own: list[TriedStrike] = []
    others_strikes: list[TriedStrike] = []
    if draft.bars or present.bars:
        own, others_strikes, past = _with_conduct(key, orders, since, now)
        if draft.compares_use or present.compares_use:
            past = _with_use(key, past, since)

    def barring(rules: HouseDocument) -> Barring:
        given = [*own, *others_strikes] if rules.strike_everywhere else own
        return Barring(rules, host.zone, given if rules.bars else ())

    trying, today = barring(draft), barring(present)
    found = [one for one in replay(past, draft, host.zone, days, others, trying) if one.reasons]
    before = sum(bool(one.reasons) for one in replay(past, present, host.zone, days, others, today))
    bars = trying.bars()
    counts = Counter(code for one in found for code in {reason.code for reason in one.reasons})
    examples = {reason.code: reason for one in found for reason in one.reasons}
    found.sort(key=lambda one: one.order.span, reverse=True)
    return Trial(
        since=since,
        tried=len(orders),
        whole=whole,
        refused=len(found),
        before=before,
        customers=len({one.order.customer_id for one in found}),
        by_rule=tuple((examples[code], count) for code, count in counts.most_common()),
        listed=tuple(found[:MOST_LISTED]),
        barred=len({one.person_id for one in bars}),
        barred_before=len({one.person_id for one in today.bars()}),
        bars=tuple(reversed(bars[-MOST_LISTED:])),
    )


def _with_conduct(
    key: HostKey, orders: list[PastOrder], since: datetime, now: datetime
) -> tuple[list[TriedStrike], list[TriedStrike], list[PastOrder]]:
    """Strikes that stand whatever a draft says, here and elsewhere at the host, and the orders with what became of
    them, those that the customer cancelled once they were confirmed included. What was lifted earns nothing again."""
    session, host = reading(), key.institution_id
    strikes = strike_store.since(session, host, since)
    lifted = {(s.booking_id, s.kind) for s in strikes if s.state is StrikeState.LIFTED}
    stand: dict[bool, list[TriedStrike]] = {True: [], False: []}
    for one in strikes:
        here = one.resource_id == key.id
        if one.state is not StrikeState.LIFTED and (not here or one.kind is StrikeKind.MISUSE):
            stand[here].append(
                TriedStrike(one.kind, one.given_at, one.expires_at, one.person_id, one.customer_id)
            )
    cancelled = _orders(session, key, since, now, [BookingState.CANCELLED])[:MOST_TRIED]
    past = [*orders, *cancelled]
    conduct = history_store.conduct(session, host, [order.key.id for order in past])
    kept = []
    for order in past:
        own = conduct.get(order.key.id, Conduct())
        if order.state is not BookingState.NO_SHOW or (order.key.id, StrikeKind.NO_SHOW) in lifted:
            own = replace(own, missed_at=None)
        if (order.key.id, StrikeKind.LATE_CANCEL) in lifted:
            own = replace(own, given_back=())
        if (order.key.id, StrikeKind.LATE) in lifted:
            own = replace(own, came_at=None)
        kept.append(replace(order, conduct=own))
    return stand[True], stand[False], kept


def _with_use(key: HostKey, orders: list[PastOrder], since: datetime) -> list[PastOrder]:
    """The orders with what was used of them; what was lifted earns nothing again."""
    ids = [order.key.id for order in orders if order.mode is Mode.SELF_USE]
    found = ports.installed().uses.recorded(key, ids, since)
    lifted = strike_store.lifted(reading(), key, StrikeKind.MISMATCH)
    result = []
    for order in orders:
        use = found.get(order.key.id) if order.key.id not in lifted else None
        if use is not None:
            order = replace(order, conduct=replace(order.conduct, used_seconds=use[0], sealed_at=use[1]))
        result.append(order)
    return result


def _orders(
    session: Session,
    key: HostKey,
    since: datetime,
    now: datetime,
    states: Iterable[BookingState] = STOOD,
) -> list[PastOrder]:
    """Bookings that stood, or in other states, the newest first, one more than are tried."""
    rows = session.execute(
        select(
            Booking.id, Booking.created_at, Booking.starts_at, Booking.ends_at, Booking.state, Booking.mode,
            Booking.unit_id, Booking.customer_id, Booking.customer_class, Booking.person_id, Booking.booked_by,
        )
        .where(
            Booking.institution_id == key.institution_id,
            Booking.resource_id == key.id,
            Booking.kind == BookingKind.WINDOW.value,
            Booking.starts_at >= since,
            Booking.starts_at < now,
            Booking.state.in_([state.value for state in states]),
        )
        .order_by(Booking.starts_at.desc(), Booking.id)
        .limit(MOST_TRIED + 1)
    ).all()  # fmt: skip
    asks = _asks(session, key.institution_id, [row.id for row in rows])
    result = []
    for row in rows:
        asked_at, by_host = asks.get(row.id, (row.created_at, False))
        result.append(
            PastOrder(
                key=HostKey(key.institution_id, row.id),
                asked_at=asked_at,
                span=TimeSpan(row.starts_at, row.ends_at),
                state=BookingState(row.state),
                mode=Mode(row.mode) if row.mode else None,
                unit_id=row.unit_id,
                customer_id=row.customer_id,
                person_id=row.person_id,
                booked_by=row.booked_by,
                outside=CustomerClass(row.customer_class).outside,
                by_host=by_host,
            )
        )
    return result


def _elsewhere(key: HostKey, orders: list[PastOrder], now: datetime) -> list[tuple[datetime, OwnTime]]:
    """Bookings of the same customers and people on the host's other resources, each with when it was made."""
    if not orders:
        return []
    span = TimeSpan(min(one.span.start for one in orders), max(one.span.end for one in orders))
    customers, people = {one.customer_id for one in orders}, {one.person_id for one in orders}
    near = span.widened(counting.NEAR, counting.NEAR)
    found = store.own_elsewhere(reading(), key, customers, people, near, None, now)
    reaches = counting.reaches_to(catalogue.resource(key), {one[0] for one in found})
    return [(made, replace(time, within=reaches[other])) for other, made, time in found]


def _asks(session: Session, institution_id: UUID, ids: list[UUID]) -> Mapping[UUID, tuple[datetime, bool]]:
    """When the time of each booking was last asked for, and whether by the host's people."""
    found: dict[UUID, tuple[datetime, bool]] = {}
    for start in range(0, len(ids), 500):
        rows = session.execute(
            select(BookingEvent.booking_id, BookingEvent.at, BookingEvent.details)
            .where(
                BookingEvent.institution_id == institution_id,
                BookingEvent.booking_id.in_(ids[start : start + 500]),
                BookingEvent.kind.in_(_ASKS),
            )
            .order_by(BookingEvent.at, BookingEvent.id)
        )
        found |= {row.booking_id: (row.at, bool(row.details.get("by_host"))) for row in rows}
    return found


class _WorkingDays:
    """Working days from one look at the calendar, however many bookings ask."""

    def __init__(self, jurisdiction: str, first: date, last: date) -> None:
        self._special = availability.special_days(jurisdiction, first, last)
        self._known: dict[tuple[date, int], date] = {}

    def __call__(self, day: date, count: int) -> date:
        if (day, count) not in self._known:
            self._known[day, count] = working_days.working_days_after(day, count, self._special.get)
        return self._known[day, count]


def _working_days(jurisdiction: str, orders: Iterable[PastOrder]) -> _WorkingDays:
    days = [order.asked_at.date() for order in orders] or [clock.now().date()]
    return _WorkingDays(jurisdiction, min(days) - timedelta(days=1), max(days) + timedelta(days=180))
