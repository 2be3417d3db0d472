"""Maintenance, closures and extra openings that come again: the dates of a rule, the bookings that they would hit, and
which of them are entered. A date that hits a booking is named and left out only when somebody says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import DatedException
from resource_hub.domain.booking import linking
from resource_hub.domain.booking.errors import HitsUndecided
from resource_hub.domain.booking.publishing import outsiders_of
from resource_hub.domain.booking.rules.recurrence import Recurrence, days
from resource_hub.infra.unit_of_work import retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, at, local_day, zone


@dataclass(frozen=True, slots=True)
class DateHit:
    """One date, and the bookings (by holder) that it would hit."""

    exception: DatedException
    holders: tuple[UUID, ...] = ()


def dates(first: DatedException, rule: Recurrence, zone_name: str) -> list[DatedException]:
    """Every date of a rule, at the wall-clock times of the first one, whatever the clock does in between.

    A stretch that lies wholly inside the hour that the clock skips does not happen.

    Raises:
        InvalidOrder: the rule cannot be.
    """
    tz = zone(zone_name)
    day = local_day(first.span.start, tz)
    start, end = first.span.start.astimezone(tz), first.span.end.astimezone(tz)
    starts = start.hour * 60 + start.minute
    ends = (end.date() - day).days * 1440 + end.hour * 60 + end.minute
    found = []
    for one in days(rule, day):
        begin, stop = at(one, starts, tz), at(one, ends, tz)
        if begin < stop:
            found.append(replace(first, span=TimeSpan(begin, stop)))
    return found


def preview_repeated(
    key: HostKey, first: DatedException, rule: Recurrence, *, by: Actor
) -> tuple[DateHit, ...]:
    """Every date with the bookings that it would hit; nothing is written.

    Raises:
        InvalidOrder, BadDay, NotYourResource
    """
    found = dates(first, rule, availability.zone_of(key.institution_id))
    hits = availability.preview_dates(key, found, by=by, outsiders=outsiders_of(key.institution_id))
    return _by_date(found, hits)


def _by_date(found: Sequence[DatedException], hits: Sequence[availability.Hit]) -> tuple[DateHit, ...]:
    holders: dict[TimeSpan, list[UUID]] = {one.span: [] for one in found}
    for hit in hits:
        for one in availability.date_of(found, hit):
            holders[one.span].append(hit.held.holder_id)
    return tuple(DateHit(one, tuple(holders[one.span])) for one in found)


@retried()
def publish_repeated(
    key: HostKey, first: DatedException, rule: Recurrence, *, by: Actor, leave_out: bool = False
) -> tuple[int, int]:
    """Publish every date; returns how many were entered and how many were left out.

    Args:
        leave_out: leave out dates that hit bookings; without it nothing is published when there are some.

    Raises:
        HitsUndecided: naming each date that hits bookings. InvalidOrder, BadDay, NotYourResource
    """
    availability.warm()
    with unit_of_work() as unit:
        availability.may_manage(key, by)
        linking.lock(unit, [key])
        found = preview_repeated(key, first, rule, by=by)
        hit = [one for one in found if one.holders]
        if hit and not leave_out:
            zone_name = availability.zone_of(key.institution_id)
            raise HitsUndecided(
                *(
                    Reason(
                        "availability.date_hits",
                        {
                            "start": one.exception.span.start.isoformat(),
                            "count": len(one.holders),
                            "zone": zone_name,
                        },
                        "until",
                    )
                    for one in hit
                )
            )
        free = [one.exception for one in found if not one.holders]
        availability.add_dates(key, free, by=by)
    return len(free), len(hit)
