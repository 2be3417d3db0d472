"""A year of the demonstration's past, lived through the services: book, use, close the day, charge, claim.

Each week of a host is one unit, in which business time is set to the moment of every step; so the rows carry their
proper times and a year costs few commits.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.billing import service as billing
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import Asked, BookingState, Purpose
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.domain.notices import service as notices
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.terms import EvidenceKind, Tap
from resource_hub.entrypoints.demo import money
from resource_hub.entrypoints.demo.world import World
from resource_hub.infra import clock, outbox
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, at, midnight, zone

SEED = 20261123
WEEKS = 52
DEVICE = "采集电脑"


@dataclass
class Counts:
    bookings: int = 0
    sessions: int = 0
    charges: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """One use that is to happen."""

    resource: ResourceRecord
    span: TimeSpan
    booker: Actor
    fate: str  # used, missed, forgotten


def tell(world: World, say: Callable[[str], object]) -> Counts:
    """Live through the year up to yesterday, then fill the weeks to come with bookings."""
    draw = random.Random(SEED)
    tz = zone("Asia/Shanghai")
    today = clock.now().astimezone(tz).date()
    monday = today - timedelta(days=today.weekday())
    counts = Counts()
    devices = _devices(world)
    with notices.silence():
        for back in range(WEEKS, -1, -1):
            first = monday - timedelta(weeks=back)
            for host in world.hosts():
                plans = _week(world, host, first, today, draw)
                if plans:
                    _live(world, host, plans, devices, counts)
            if first.day <= 7 and back:
                _month_end(world, first.replace(day=1))
                money.month(world, first.replace(day=1), today)
            if back % 13 == 0:
                say(f"  … {first:%Y-%m-%d}")
    _weeks_to_come(world, monday, today, draw, counts)
    return counts


def _devices(world: World) -> dict[UUID, tuple[str, str]]:
    """Every third instrument sends signals of its own: host code and token by unit."""
    found = {}
    with unit_of_work():
        for number, (key, resource) in enumerate(world.resources.items()):
            if resource.contents.modes and key in world.list_price and number % 3 == 0:
                host = next(c for c in world.hosts() if world.organisations[c].id == key.institution_id)
                for lane in catalogue.units(key):
                    _, token = usage.add_device(world.managers[host], lane.key, DEVICE)
                    found[lane.key.id] = (host, token)
    return found


def _week(world: World, host: str, first: date, today: date, draw: random.Random) -> list[Plan]:
    """What is used in one week of a host: busy instruments often, others seldom; nobody on a day that is not over."""
    tz = zone("Asia/Shanghai")
    home = world.organisations[host].jurisdiction
    near = [f for f in world.firm_codes() if world.organisations[f].jurisdiction == home] or world.firm_codes()
    plans = []
    for resource in world.of_host(host):
        if resource.key not in world.list_price:
            continue
        times = draw.choice((0, 1, 1, 2)) if host in ("snu-su", "jhut") else draw.choice((0, 0, 0, 1))
        days = draw.sample(range(5), k=min(times, 5))
        for weekday in sorted(days):
            day = first + timedelta(days=weekday)
            if day >= today:
                continue
            start = draw.choice((9, 10, 14)) * 60 if weekday < 4 else 13 * 60 + 30
            length = draw.choice((2, 2, 3)) * 60
            firm = draw.choice(near if draw.random() < 0.75 else world.firm_codes())
            fate = draw.choices(("used", "missed", "forgotten"), (93, 4, 3))[0]
            plans.append(
                Plan(resource, TimeSpan(at(day, start, tz), at(day, start + length, tz)), world.bookers[firm], fate)
            )
    return plans


def _live(
    world: World, host: str, plans: list[Plan], devices: dict[UUID, tuple[str, str]], counts: Counts
) -> None:
    """One week of one host, in the order in which things happen."""
    manager = world.managers[host]
    with unit_of_work() as unit:
        happenings: list[tuple[datetime, int, Callable[[], None]]] = []
        booked: list[tuple[Plan, HostKey, UUID]] = []
        for plan in sorted(plans, key=lambda p: p.span.start):
            with unit.at(plan.span.start - timedelta(days=3)):
                made = _book(plan, manager)
            if made is not None:
                booked.append((plan, *made))
                counts.bookings += 1
        for plan, key, unit_id in booked:
            happenings += _uses(unit, plan, key, unit_id, devices)
        days = {plan.span.start.date() for plan, *_ in booked}
        for day in days:
            morning = at(day + timedelta(days=1), 9 * 60, zone("Asia/Shanghai"))
            happenings.append((morning, 9, partial(_close, manager, day, counts)))
        for moment, _, act in sorted(happenings, key=lambda h: (h[0], h[1])):
            with unit.at(moment):
                act()
        if booked:
            end = max(plan.span.end for plan, *_ in booked) + timedelta(days=1)
            with unit.at(end):
                counts.charges += outbox.deliver_due(limit=1000)


def _book(plan: Plan, manager: Actor) -> tuple[HostKey, UUID] | None:
    modes = plan.resource.contents.modes
    mode = Mode.SELF_USE if Mode.SELF_USE in modes else modes[0]
    asked = Asked(
        mode=mode if mode is not Mode.SEND_IN else Mode.STAFF_RUN,
        span=plan.span,
        purpose=Purpose.RESEARCH.value,
        project="新产品研发",
        hazards=frozenset({"none"}),
    )
    try:
        made = booking.request(plan.resource.key, asked, by=plan.booker)
        if made.state is BookingState.REQUESTED:
            made = booking.approve(made.key, by=manager)
    except DomainError:
        return None  # a holiday, or somebody else was first
    assert made.unit_id is not None
    return made.key, made.unit_id


def _uses(
    unit: Unit, plan: Plan, key: HostKey, unit_id: UUID, devices: dict[UUID, tuple[str, str]]
) -> list[tuple[datetime, int, Callable[[], None]]]:
    lane = HostKey(key.institution_id, unit_id)
    person = plan.booker.person_id
    start = plan.span.start + timedelta(minutes=hash(key.id.int) % 7)
    end = plan.span.end - timedelta(minutes=hash(key.id.int) % 11)

    def tap(action: EvidenceKind) -> Tap:
        return Tap(action, unit.now, tap_id=f"{key.id}:{action.value}")

    def enter() -> None:
        usage.open_expected(unit.now, limit=500)
        if plan.fate != "missed":
            usage.check_in(lane, person, tap(EvidenceKind.CHECK_IN), booking_id=key.id)

    def leave() -> None:
        if plan.fate == "used":
            usage.check_out(lane, person, tap(EvidenceKind.CHECK_OUT))
        if plan.fate != "missed" and unit_id in devices:
            host, token = devices[unit_id]
            usage.receive_signals(host, token, [usage.Signal(str(key.id), start + timedelta(minutes=2), end)])

    def look() -> None:
        usage.mark_no_shows(unit.now, limit=100)
        usage.close_overdue(unit.now, limit=100)

    return [(start, 1, enter), (end, 2, leave), (plan.span.end + timedelta(hours=2), 3, look)]


def _close(manager: Actor, day: date, counts: Counts) -> None:
    lines = [line for line in usage.close_lines(manager, day) if str(line.session.state) in ("ended", "no_show")]
    if lines:
        counts.sessions += len(
            usage.close_day(
                manager, day, [usage.Verdict(line.session.key.id, line.session.version) for line in lines]
            )
        )


def _month_end(world: World, month: date) -> None:
    """Statements of the month that is over."""
    period = (month - timedelta(days=1)).replace(day=1)
    with unit_of_work() as unit, unit.at(midnight(month, zone("Asia/Shanghai")) + timedelta(days=2, hours=9)):
        for host in world.hosts():
            billing.issue_statements(world.organisations[host].id, period)


def _weeks_to_come(world: World, monday: date, today: date, draw: random.Random, counts: Counts) -> None:
    """Bookings of this week and the next two, some still waiting for an answer."""
    tz = zone("Asia/Shanghai")
    with notices.silence(), unit_of_work() as unit:
        availability.roll_windows(limit=10_000)
        for week in range(3):
            for host in ("snu-su", "jhut", "hims", "wxmicro"):
                for resource in world.of_host(host):
                    if resource.key not in world.list_price or draw.random() < 0.35:
                        continue
                    day = monday + timedelta(weeks=week, days=draw.randrange(4))
                    if day <= today:
                        continue
                    start = draw.choice((9, 13, 15)) * 60
                    firm = draw.choice(world.firm_codes())
                    plan = Plan(
                        resource, TimeSpan(at(day, start, tz), at(day, start + 120, tz)), world.bookers[firm], "used"
                    )
                    moment = max(plan.span.start - timedelta(days=draw.randrange(3, 12)), unit.now - timedelta(days=9))
                    with unit.at(min(moment, clock.now())):
                        approve = draw.random() < 0.8
                        counts.bookings += _ask(plan, world.managers[host], approve)


def _ask(plan: Plan, manager: Actor, approve: bool) -> int:
    modes = plan.resource.contents.modes
    mode = Mode.SELF_USE if Mode.SELF_USE in modes else Mode.STAFF_RUN
    asked = Asked(mode=mode, span=plan.span, project="送样前验证", hazards=frozenset({"none"}))
    try:
        made = booking.request(plan.resource.key, asked, by=plan.booker)
        if approve and made.state is BookingState.REQUESTED:
            booking.approve(made.key, by=manager)
    except DomainError:
        return 0
    return 1


