"""Maintenance, closures and extra openings that come again: the dates of a rule, the bookings that they would hit, and
what becomes of each. A date that hits a booking is entered with its bookings settled, or left out when somebody says
so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import DatedException, ExceptionKind
from resource_hub.domain.booking import linking, waiting
from resource_hub.domain.booking.publishing import (
    HitBooking,
    carry_out,
    decided,
    outsiders_of,
    with_choices,
)
from resource_hub.domain.booking.rules.recurrence import Recurrence, days
from resource_hub.domain.booking.terms import Fate, Verdict
from resource_hub.infra.unit_of_work import retried, unit_of_work
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


def preview_hits(
    key: HostKey, first: DatedException, rule: Recurrence, *, by: Actor
) -> tuple[HitBooking, ...]:
    """Every booking that the dates would hit, with what may become of it."""
    found = dates(first, rule, availability.zone_of(key.institution_id))
    hits = availability.preview_dates(key, found, by=by, outsiders=outsiders_of(key.institution_id))
    return _with_choices(key, found, hits)


def _with_choices(
    key: HostKey, found: Sequence[DatedException], hits: Sequence[availability.Hit]
) -> tuple[HitBooking, ...]:
    maintenance = found[0].kind is ExceptionKind.MAINTENANCE
    return with_choices(key, hits, availability.dates_draft(found), stays=not maintenance)


def _verdicts_for_all(hits: Sequence[HitBooking], fate: Fate) -> dict[UUID, Verdict]:
    """The same for every booking for which it is possible; who moves gets the first time that is offered."""
    return {
        hit.held.holder_id: Verdict(fate, hit.times[0].span if fate is Fate.MOVES else None)
        for hit in hits
        if fate in hit.fates
    }


@retried()
def publish_repeated(
    key: HostKey,
    first: DatedException,
    rule: Recurrence,
    *,
    by: Actor,
    leave_out: bool = False,
    verdicts: Mapping[UUID, Verdict] | None = None,
    for_all: Fate | None = None,
    reason: str = "",
) -> tuple[int, int]:
    """Publish every date, with what becomes of each booking that it hits; returns how many dates were entered and how
    many were left out.

    Args:
        leave_out: leave out the dates that hit bookings instead.
        verdicts: by booking. for_all: what becomes of those without one, where it is possible.
        reason: what customers of moved and cancelled bookings read.

    Raises:
        HitsUndecided: naming each booking. InvalidOrder, BadDay, NotYourResource, and what moving and cancelling refuse
            with.
    """
    availability.warm()
    with unit_of_work() as unit, waiting.offered_last():
        availability.may_manage(key, by)
        linking.lock_with_orders(unit, key)
        found = dates(first, rule, availability.zone_of(key.institution_id))
        hits = availability.preview_dates(key, found, by=by, outsiders=outsiders_of(key.institution_id))
        if leave_out:
            free = [one.exception for one in _by_date(found, hits) if not one.holders]
            availability.add_dates(key, free, by=by)
            return len(free), len(found) - len(free)
        maintenance = first.kind is ExceptionKind.MAINTENANCE
        chosen_for_all = (
            _verdicts_for_all(_with_choices(key, found, hits), for_all) if for_all and hits else {}
        )
        chosen = decided(key, hits, {**chosen_for_all, **(verdicts or {})}, reason, stays=not maintenance)
        # As with a single one: maintenance needs its units free before, moves are judged by the hours that hold then.
        if maintenance:
            carry_out(unit, chosen, by, reason, availability.dates_draft(found))
        availability.add_dates(key, found, by=by)
        if not maintenance:
            carry_out(unit, chosen, by, reason)
    return len(found), 0
