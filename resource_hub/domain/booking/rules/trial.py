"""House rules tried on bookings of the past: which of them would have been refused, and by which rule (pure).

Bookings are taken in the order in which they were made. One that would have been refused does not count against the
quotas of those that follow, just as it would not have stood. Only rules about time and people are tried: nobody knows
what was typed into fields that did not exist, or what somebody owed on that day.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from resource_hub.domain.availability.terms import HouseDocument, QuotaPeriod
from resource_hub.domain.booking.rules.check import TRIED
from resource_hub.domain.booking.rules.earned import NOTHING, Barring, Conduct
from resource_hub.domain.booking.terms import COUNTED, BookingFacts, BookingKind, BookingState, OwnTime
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, zone

# How far from a booking others bear on a quota of each kind, a clock change included.
_REACH = {QuotaPeriod.DAY: 2, QuotaPeriod.WEEK: 8, QuotaPeriod.MONTH: 32}


@dataclass(frozen=True, slots=True)
class PastOrder:
    """A booking of time as it stands, and when its time was last asked for."""

    key: HostKey
    asked_at: datetime
    span: TimeSpan
    state: BookingState
    mode: Mode | None
    unit_id: UUID | None
    customer_id: UUID
    person_id: UUID
    booked_by: UUID
    outside: bool
    by_host: bool = False
    conduct: Conduct = NOTHING


@dataclass(frozen=True, slots=True)
class TriedOrder:
    order: PastOrder
    reasons: tuple[Reason, ...]


def replay(
    orders: Iterable[PastOrder],
    rules: HouseDocument,
    zone_name: str,
    working_days_after: Callable[[date, int], date],
    elsewhere: Iterable[tuple[datetime, OwnTime]] = (),
    barring: Barring | None = None,
) -> Iterator[TriedOrder]:
    """Each order with every reason that the rules would have had against it. Bookings ``elsewhere``, each with the
    moment in which it was made, stood as they did. Of those that were cancelled only the strikes are of interest."""
    barring = barring or Barring(rules, zone_name)
    tz = zone(zone_name)
    own: dict[UUID, dict[object, OwnTime]] = defaultdict(dict)
    others = deque(sorted(elsewhere, key=lambda one: one[0]))
    stood: list[PastOrder] = []
    depends = any(row.after for row in rules.times)
    ahead = any(quota.period is QuotaPeriod.FUTURE for quota in rules.quotas)
    reach = timedelta(days=max((_REACH.get(quota.period, 1) for quota in rules.quotas), default=1))
    reach = max(reach, timedelta(minutes=rules.gap + 1))
    for order in sorted(orders, key=lambda one: (one.asked_at, one.key)):
        while others and others[0][0] <= order.asked_at:
            made, other = others.popleft()
            _stands(own, (made, len(others)), other)
        barred = () if order.by_host else barring.against(order.person_id, order.asked_at)
        if order.state is BookingState.CANCELLED:
            if not barred:
                barring.stood(order.span, order.conduct, order.person_id, order.customer_id)
            continue
        near = TimeSpan(order.span.start - reach, order.span.end + reach)
        mine = own[order.customer_id] | own[order.person_id] if rules.quotas or rules.gap else {}
        earliest = (
            working_days_after(local_day(order.asked_at, tz), rules.lead_days) if rules.lead_days else None
        )
        facts = BookingFacts(
            kind=BookingKind.WINDOW,
            mode=order.mode,
            zone=zone_name,
            span=order.span,
            outside=order.outside,
            by_host=order.by_host,
            person_id=order.person_id,
            customer_id=order.customer_id,
            own=tuple(
                t for t in mine.values() if t.span.overlaps(near) or (ahead and t.span.end > order.asked_at)
            ),
            booked_by=order.booked_by,
            earliest_day=earliest,
            taken=_taken(order, order.span.widened(2 * 86_400, 0), stood) if depends else (),
        )
        reasons = tuple(reason for rule in TRIED for reason in rule(facts, rules, order.asked_at)) + barred
        yield TriedOrder(order, reasons)
        if not reasons and order.state in COUNTED:
            _stands(own, order.key, OwnTime(order.span, order.state, order.person_id, order.customer_id))
            stood.append(order)
            barring.stood(order.span, order.conduct, order.person_id, order.customer_id)


def _stands(own: dict[UUID, dict[object, OwnTime]], key: object, time: OwnTime) -> None:
    """To whoever booked next it still lay ahead, whatever became of it."""
    time = replace(time, state=BookingState.APPROVED)
    own[time.customer_id][key] = time
    own[time.person_id][key] = time


def _taken(order: PastOrder, near: TimeSpan, stood: Iterable[PastOrder]) -> tuple[TimeSpan, ...]:
    return tuple(one.span for one in stood if one.unit_id == order.unit_id and one.span.overlaps(near))
