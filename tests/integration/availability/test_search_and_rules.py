"""A search for time against the rule engine: the time that it names first is the first that can be booked."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord
from resource_hub.domain.availability import service
from resource_hub.domain.availability.errors import SlotTaken
from resource_hub.domain.availability.occupancy_store import occupancies
from resource_hub.domain.availability.terms import Audience, OccupancyKind, WeeklyHours, Wish
from resource_hub.domain.booking.rules.check import check
from resource_hub.domain.booking.terms import BookingFacts, BookingKind
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, at, local_day, midnight, zone
from tests.builders.accounts import make_group, make_institution
from tests.builders.availability import make_rules, make_weekly, moment
from tests.builders.catalogue import make_listing
from tests.support.drawn import anew, often

FIVE = timedelta(minutes=5)
DAYS = 5
# Before a change of the clock forward, before one back, and where there are none.
PLACES = [
    ("Europe/Berlin", "2026-03-27T07:40+01:00"),
    ("Europe/Berlin", "2026-10-23T15:10+02:00"),
    ("Australia/Lord_Howe", "2026-04-03T10:00+11:00"),
    ("Asia/Kathmandu", "2026-03-02T08:00+05:45"),
]


def weekly_of(rng: random.Random) -> tuple[WeeklyHours, ...]:
    if rng.random() < 0.3:
        return make_weekly(weekdays=range(7), starts=0, ends=1440)
    if rng.random() < 0.3:
        return make_weekly(weekdays=range(7), starts=1200, ends=1200 + 30 * rng.randrange(8, 30))
    first = 30 * rng.randrange(0, 20)
    rows = make_weekly(weekdays=range(7), starts=first, ends=first + 30 * rng.randrange(4, 20))
    if rng.random() < 0.4:
        cut = rows[0].ends
        rows += make_weekly(weekdays=range(7), starts=cut, ends=cut + 120, audience=Audience.OUTSIDE)
    return rows


def rules_of(rng: random.Random, group: str) -> dict[str, Any]:
    step = rng.choice([5, 15, 30, 30, 60, 90, 1440])
    found: dict[str, Any] = {"step": step, "least": rng.choice([step, step, 2 * step])}
    if rng.random() < 0.3:
        found["most"] = found["least"] * rng.randrange(1, 4)
    if rng.random() < 0.4:
        found["lead"] = {rng.choice(["all", "self_use", "staff_run"]): rng.choice([45, 600, 2000])}
    if rng.random() < 0.3:
        found["lead_days"] = rng.randrange(1, 3)
    if rng.random() < 0.5:
        found["setup"], found["teardown"] = rng.choice([0, 20, 45]), rng.choice([0, 10, 60])
    found["horizon_days"] = rng.choice([3, 60])
    if rng.random() < 0.4:
        found["times"] = [
            {"code": "prime", "name_zh": "黄金", "name_en": "Prime", "days": list(range(7)), "starts": 540,
             "ends": rng.choice([780, 1500])}
        ]  # fmt: skip
        found["ahead"] = [
            {"days": rng.choice([1, 2, 4]), "whom": rng.choice(["all", "outside"]),
             "inside": rng.choice(["prime", ""])},
            {"days": 3, "group": group, "whom": "all", "inside": ""},
        ]  # fmt: skip
    return found


def make_one(rng: random.Random, host: OrganisationRecord, group: str, now: datetime) -> HostKey:
    key = make_listing(host, units=rng.choice([1, 1, 2])).key
    plan = service.plan(key, TimeSpan(now, now + timedelta(days=1)))
    with unit_of_work() as unit:
        service.set_hours_directly(unit, key, weekly_of(rng), make_rules(**rules_of(rng, group)))
        service.rebuild(unit, [key], service.kept_span())
    for _ in range(rng.randrange(0, 6)):
        start = now.replace(minute=0) + timedelta(minutes=5 * rng.randrange(0, DAYS * 288))
        when = TimeSpan(start, start + timedelta(minutes=5 * rng.randrange(1, 150)))
        with suppress(SlotTaken), unit_of_work() as unit:
            service.occupy(
                unit, key, rng.choice(plan.units).key.id, when, OccupancyKind.BOOKING, new_id(),
                setup_seconds=rng.choice([0, 900]), teardown_seconds=rng.choice([0, 600]),
            )  # fmt: skip
    return key


def wish_of(rng: random.Random, now: datetime, tz: ZoneInfo) -> Wish:
    first = now.astimezone(tz).date() + timedelta(days=rng.randrange(0, 2))
    seconds = rng.choice([300, 900, 1800, 3600, 5400, 7200, 4 * 3600, 86400, 86400, 2 * 86400])
    starts, ends = rng.choice([(0, 1440), (0, 1440), (540, 1020), (1260, 1860)])
    if seconds > (ends - starts) * 60:
        starts, ends = 0, 1440
    return Wish(
        first, first + timedelta(days=rng.randrange(1, DAYS - 1)), seconds, starts, ends,
        mode=rng.choice(["all", "self_use", "staff_run"]),
    )  # fmt: skip


@pytest.mark.parametrize("place", range(len(PLACES)))
@pytest.mark.parametrize("seed", range(often(1)))
def test_the_first_time_named_is_the_first_that_can_be_booked(in_app: Any, place: int, seed: int) -> None:
    rng = random.Random(None if anew() else f"{place} {seed}")
    zone_name, text = PLACES[place]
    with clock.fixed(now := moment(text)):
        host = make_institution(zone=zone_name)
        group = make_group(host)
        keys = [make_one(rng, host, str(group.id), now) for _ in range(3)]
        for _ in range(4):
            inside = rng.random() < 0.5
            customer = group.id if inside and rng.random() < 0.6 else None
            wish = replace(
                wish_of(rng, now, zone(zone_name)),
                inside=frozenset({host.id} if inside else ()),
                customers=frozenset({customer} if customer else ()),
            )
            named = service.first_fits(keys, wish)
            rows = {row.resource_id: row.at for row in reading().execute(select(service.fitting(wish)))}
            for key in keys:
                expected = by_trial(key, wish, now, customer)
                found = named[key].span if key in named else None
                assert found == expected, (wish, service.house_rules(key)[0])
                # The one pass may name a time that is too early, so that nothing that can be had is left out.
                assert expected is None or rows[key.id] <= expected.start, (wish, service.house_rules(key)[0])


def by_trial(key: HostKey, wish: Wish, now: datetime, customer_id: UUID | None) -> TimeSpan | None:
    """Every five minutes tried, as an order would be: the rules asked and each unit looked at."""
    outside = key.institution_id not in wish.inside
    tz = zone(service.zone_of(key.institution_id))
    whole = TimeSpan(midnight(wish.first, tz), midnight(wish.last + timedelta(days=2), tz))
    plan = service.plan(key, whole)
    rules = plan.rules
    host = accounts.organisation(key.institution_id)
    facts = BookingFacts(
        kind=BookingKind.WINDOW,
        mode=None if wish.mode == "all" else Mode(wish.mode),
        zone=plan.zone,
        span=whole,
        outside=outside,
        customer_id=customer_id,
        earliest_day=service.earliest_day(host, rules.lead_days, now),
    )
    held = occupancies(reading(), [key], whole.widened(2 * 86_400, 2 * 86_400)).get(key, [])
    by_day = rules.by_day and wish.seconds % 86_400 == 0
    start = max(now, whole.start).replace(second=0, microsecond=0)
    start -= timedelta(minutes=start.minute % 5)
    for n in range((whole.end - start) // FIVE):
        span = wished(wish, start + n * FIVE, tz, by_day)
        if span is None or check(replace(facts, span=span), rules, now):
            continue
        margins = span.widened(rules.setup_seconds, rules.teardown_seconds)
        for unit in plan.units:
            if service.reasons_against(plan, unit.key.id, span, outside=outside):
                continue
            if not any(one.unit_id == unit.key.id and one.span.overlaps(margins) for one in held):
                return span
    return None


def wished(wish: Wish, start: datetime, tz: ZoneInfo, by_day: bool) -> TimeSpan | None:
    """The time from a moment on, where it lies as was wished; days are those of the calendar."""
    end = start + timedelta(seconds=wish.seconds)
    if by_day:
        end = midnight(local_day(start, tz) + timedelta(days=wish.seconds // 86_400), tz)
    days = [wish.first + timedelta(days=n) for n in range((wish.last - wish.first).days + 1)]
    laid = [(at(day, wish.starts, tz), at(day, wish.ends, tz)) for day in days]
    if wish.whole_days or by_day:
        laid = [(midnight(wish.first, tz), midnight(wish.last + timedelta(days=1), tz))]
    return TimeSpan(start, end) if any(a <= start and end <= b for a, b in laid) else None
