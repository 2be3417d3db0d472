"""A year of the demonstration's past, lived through the services: book, use, close the day, charge, claim.

Each month of a host is one unit, in which business time is set to the moment of every step; so the rows carry their
proper times and a year costs few commits.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext
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
from resource_hub.entrypoints.demo import after, asked, money, others, own_use, standing, today
from resource_hub.entrypoints.demo.world import World
from resource_hub.infra import clock, outbox
from resource_hub.infra.keeping import keeping
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, at, midnight, zone

SEED = 20261123
MONTHS = 12
DEVICE = "采集电脑"
_ZONE = zone("Asia/Shanghai")
# Minute of the day and hours of a use: short mornings and afternoons, and days at the instrument.
_TIMES = ((540, 3), (540, 7), (600, 2), (600, 6), (840, 2), (840, 3))
_ON_FRIDAY = ((810, 2), (810, 3))


@dataclass
class Counts:
    bookings: int = 0
    sessions: int = 0
    statements: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """One use that is to happen."""

    resource: ResourceRecord
    span: TimeSpan
    booker: Actor
    fate: str  # used, missed, forgotten


def tell(world: World, now: datetime, say: Callable[[str], object]) -> Counts:
    """Live through the year up to yesterday, make today, then fill the weeks to come with bookings."""
    draw = random.Random(SEED)
    day = now.astimezone(_ZONE).date()
    monday = day - timedelta(days=day.weekday())
    counts = Counts()
    # Organisations, listings and calendars stand still while the past is told.
    with keeping():
        devices = _devices(world)
        yesterday = _working_day_before(day)
        for back in range(MONTHS, -1, -1):
            first = month_before(day, back)
            with notices.silence():
                for host in world.hosts():
                    plans = _month(world, host, first, day, draw)
                    own = host == today.HOST
                    if own:
                        plans += _visitors_own(world, first, yesterday)
                    if plans:
                        _live(world, host, plans, devices, counts, open_day=yesterday if own else None)
                    taken = {
                        (plan.resource.key.id, plan.span.start.astimezone(_ZONE).date()) for plan in plans
                    }
                    counts.sessions += own_use.month(world, host, first, yesterday, taken, draw)
            if back:
                following = month_before(day, back - 1)
                # The statements of the last month are news to those who sign in.
                with notices.silence() if back > 1 else nullcontext():
                    counts.statements += _month_end(world, following)
                with notices.silence():
                    money.month(world, following, day)
            if back % 3 == 0:
                say(f"  … {first:%Y-%m}")
        counts.bookings += today.tell(world, now)
        asked.tell(world, now)
        after.tell(world, now)
        with notices.silence():
            _weeks_to_come(world, monday, day, draw, counts)
    standing.tell(world, now)
    others.tell(world, now)
    return counts


def _working_day_before(day: date) -> date:
    day -= timedelta(days=1)
    while not availability.is_working_day("CN-JS", day):
        day -= timedelta(days=1)
    return day


def month_before(day: date, months: int) -> date:
    """The first day of the month so many months before that of ``day``."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


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


def _month(world: World, host: str, first: date, until: date, draw: random.Random) -> list[Plan]:
    """What is used in one month of a host: busy instruments often, others seldom; nobody on a day that is not over."""
    home = world.organisations[host].jurisdiction
    near = [
        f for f in world.firm_codes() if world.organisations[f].jurisdiction == home
    ] or world.firm_codes()
    mondays = [day for day in (first + timedelta(days=n) for n in range(31)) if day.weekday() == 0]
    plans = []
    for monday in (day for day in mondays if day.month == first.month):
        for resource in world.of_host(host):
            if resource.key not in world.list_price:
                continue
            times = draw.choice((0, 0, 1, 1)) if host in ("snu-su", "jhut") else draw.choice((0, 0, 0, 1))
            for weekday in sorted(draw.sample(range(5), k=times)):
                day = monday + timedelta(days=weekday)
                start, hours = draw.choice(_TIMES if weekday < 4 else _ON_FRIDAY)
                firm = draw.choice(near if draw.random() < 0.75 else world.firm_codes())
                fate = draw.choices(("used", "missed", "forgotten"), (93, 4, 3))[0]
                span = TimeSpan(at(day, start, _ZONE), at(day, start + hours * 60, _ZONE))
                if day < until:
                    plans.append(Plan(resource, span, world.bookers[firm], fate))
    return plans


def _visitors_own(world: World, first: date, yesterday: date) -> list[Plan]:
    """What the visitor's firm used in a month, two evenings in three weeks; and a day that nobody has closed yet."""
    resources = {record.code: record for record in world.of_host(today.HOST)}

    def plan(code: str, firm: str, day: date, hour: int, fate: str) -> Plan:
        span = TimeSpan(at(day, hour * 60, _ZONE), at(day, (hour + 2) * 60, _ZONE))
        return Plan(resources[code], span, world.bookers[firm], fate)

    days = (first + timedelta(days=n) for n in range(31))
    evenings = [day for day in days if day.month == first.month and day.weekday() == 2 and day < yesterday]
    plans = [
        plan("sem2" if place % 2 else "raman", today.FIRM, day, 18, "used")
        for place, day in enumerate(evenings)
        if place % 3 < 2
    ]
    if (first.year, first.month) == (yesterday.year, yesterday.month):
        plans += [
            plan("confocal", "changyi", yesterday, 13, "used"),
            plan("raman", "zijin", yesterday, 15, "forgotten"),
            plan("sem2", "taihu", yesterday, 15, "missed"),
        ]
    return plans


def _live(
    world: World,
    host: str,
    plans: list[Plan],
    devices: dict[UUID, tuple[str, str]],
    counts: Counts,
    *,
    open_day: date | None,
) -> None:
    """One month of one host, in the order in which things happen; the manager has not closed ``open_day`` yet."""
    manager = world.managers[host]
    with unit_of_work() as unit:
        booked: list[tuple[Plan, HostKey, UUID]] = []
        for plan in sorted(plans, key=lambda p: p.span.start):
            with unit.at(plan.span.start - timedelta(days=3)):
                made = _book(plan, manager)
            if made is not None:
                booked.append((plan, *made))
        counts.bookings += len(booked)
        happenings: list[tuple[datetime, int, Callable[[], object]]] = []
        for start in {plan.span.start for plan, *_ in booked}:
            happenings.append((start, 0, partial(usage.open_expected, start, limit=500)))
        for plan, key, unit_id in booked:
            happenings += _uses(unit, plan, key, unit_id, devices)
        for day in {plan.span.start.astimezone(_ZONE).date() for plan, *_ in booked}:
            happenings.append((at(day, 22 * 60 + 30, _ZONE), 3, partial(_evening, unit)))
            next_day = day + timedelta(days=1)
            if day != open_day:
                happenings.append((at(next_day, 9 * 60, _ZONE), 4, partial(_close, manager, day, counts)))
            if day.weekday() == 4:
                happenings.append((at(next_day, 12 * 60, _ZONE), 5, _deliver))
        for moment, _, act in sorted(happenings, key=lambda h: (h[0], h[1])):
            with unit.at(moment):
                act()
        if booked:
            with unit.at(max(moment for moment, *_ in happenings)):
                _deliver()


def _evening(unit: Unit) -> None:
    """Who did not come and who forgot to leave."""
    usage.mark_no_shows(unit.now, limit=100)
    usage.close_overdue(unit.now, limit=100)


def _deliver() -> None:
    while outbox.deliver_due(limit=1000):
        pass


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
) -> list[tuple[datetime, int, Callable[[], object]]]:
    lane = HostKey(key.institution_id, unit_id)
    person = plan.booker.person_id
    start = plan.span.start + timedelta(minutes=hash(key.id.int) % 7)
    end = plan.span.end - timedelta(minutes=hash(key.id.int) % 11)

    def tap(action: EvidenceKind) -> Tap:
        return Tap(action, unit.now, tap_id=f"{key.id}:{action.value}")

    def enter() -> None:
        if plan.fate != "missed":
            usage.check_in(lane, person, tap(EvidenceKind.CHECK_IN), booking_id=key.id)

    def leave() -> None:
        if plan.fate == "used":
            usage.check_out(lane, person, tap(EvidenceKind.CHECK_OUT))
        if plan.fate != "missed" and unit_id in devices:
            host, token = devices[unit_id]
            usage.receive_signals(host, token, [usage.Signal(str(key.id), start + timedelta(minutes=2), end)])

    return [(start, 1, enter), (end, 2, leave)]


def _close(manager: Actor, day: date, counts: Counts) -> None:
    lines = [
        line for line in usage.close_lines(manager, day) if str(line.session.state) in ("ended", "no_show")
    ]
    if lines:
        counts.sessions += len(
            usage.close_day(
                manager, day, [usage.Verdict(line.session.key.id, line.session.version) for line in lines]
            )
        )


def _month_end(world: World, month: date) -> int:
    """Statements of the month that is over."""
    period = month_before(month, 1)
    with unit_of_work() as unit, unit.at(midnight(month, _ZONE) + timedelta(days=2, hours=9)):
        issued = sum(billing.issue_statements(world.organisations[host].id, period) for host in world.hosts())
        _deliver()
    return issued


def _weeks_to_come(world: World, monday: date, present: date, draw: random.Random, counts: Counts) -> None:
    """Bookings of this week and the next two, some still waiting for an answer."""
    with unit_of_work() as unit:
        availability.roll_windows(limit=10_000)
        for week in range(3):
            for host in ("snu-su", "jhut", "hims", "wxmicro"):
                for resource in world.of_host(host):
                    if resource.key not in world.list_price or draw.random() < 0.35:
                        continue
                    day = monday + timedelta(weeks=week, days=draw.randrange(4))
                    if day <= present:
                        continue
                    start = draw.choice((9, 13, 15)) * 60
                    firm = draw.choice(world.firm_codes())
                    span = TimeSpan(at(day, start, _ZONE), at(day, start + 120, _ZONE))
                    plan = Plan(resource, span, world.bookers[firm], "used")
                    moment = max(
                        plan.span.start - timedelta(days=draw.randrange(3, 12)), unit.now - timedelta(days=9)
                    )
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
