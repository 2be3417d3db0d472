"""Bookings of the demonstration that pass between people: for somebody at the door, for a customer who called, and
offered by one firm to another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import Asked, BookingRecord, BookingState, Purpose
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.entrypoints.demo.today import FIRM, HOST
from resource_hub.entrypoints.demo.world import World
from resource_hub.infra import outbox
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.time import TimeSpan, at, local_day

_ZONE = ZoneInfo("Asia/Shanghai")
# Who stood at the door, how to reach them, for what, and the firm that is asked whether it is one of its own.
_DOOR = (
    ("石湖新材料（筹）程工", "微信 shihu-cheng", "粉体粒径初筛", ""),
    ("苏芯传感 王工（未登记）", "138 0000 0613", "封装裂纹复查", FIRM),
)
# Who offers to whom, what it says, and the answer; none: it still waits.
_OFFERS = (
    ("yunhe", FIRM, "样品延期到下月，机时可转给贵司。", ""),
    (FIRM, "zijin", "本周样品未到，若需要请接手。", ""),
    ("zijin", FIRM, "临时停产检修，用不上这段机时。", "declined"),
    ("taihu", FIRM, "切片已在别处完成。", "accepted"),
)


def tell(world: World, now: datetime) -> None:
    """Make all of it; what the calendars leave no room for is left out."""
    _walk_ins(world, now)
    with unit_of_work() as unit:
        _by_telephone(unit, world, now)
        for nth, (giver, taker, note, answer) in enumerate(_OFFERS):
            _offer(unit, world, now, (giver, taker, note, answer), days=4 + nth)
        outbox.deliver_due(limit=200)


def _resource(world: World, code: str) -> ResourceRecord:
    return next(r for r in world.of_host(HOST) if r.code == code)


def _mode(resource: ResourceRecord) -> Mode:
    modes = resource.contents.modes
    return Mode.SELF_USE if Mode.SELF_USE in modes else modes[0]


def _asked(resource: ResourceRecord, start: datetime, project: str) -> Asked:
    return Asked(
        mode=_mode(resource),
        span=TimeSpan(start, start + timedelta(hours=1)),
        purpose=Purpose.RESEARCH.value,
        project=project,
        hazards=frozenset({"none"}),
    )


def _hours_ahead(now: datetime, days: int) -> list[datetime]:
    """Full hours of the days from so many working days ahead on, at which a laboratory may have room."""
    day = local_day(now, _ZONE)
    if days:
        day, _provisional = availability.working_day_after("CN-JS", day, days)
    hours = [at(day + timedelta(days=n), hour * 60, _ZONE) for n in range(8) for hour in range(10, 17)]
    return [hour for hour in hours if hour > now + timedelta(hours=1)]


def _first(starts: Iterable[datetime], book: Callable[[datetime], BookingRecord]) -> BookingRecord | None:
    """The booking at the first of these times that the laboratory has room for."""
    for start in starts:
        try:
            return book(start)
        except DomainError:
            continue
    return None


def _walk_ins(world: World, now: datetime) -> None:
    """Of two people at the door; the first comes today, if there is room. Each try is a unit of its own, so that nobody
    is written down who was not booked in."""
    resource, manager = _resource(world, "sem2"), world.managers[HOST]
    for name, contact, project, firm in _DOOR:

        def book(
            start: datetime, who: tuple[str, str] = (name, contact), what: str = project
        ) -> BookingRecord:
            with unit_of_work() as unit, unit.at(now - timedelta(hours=1)):
                return booking.book_walk_in(resource.key, _asked(resource, start, what), *who, by=manager)

        made = _first(_hours_ahead(now, 0), book)
        if made is not None and firm:
            with unit_of_work() as unit, unit.at(now - timedelta(minutes=50)):
                accounts.ask_firm(made.customer_id, world.organisations[firm].uscc or "", by=manager)


def _by_telephone(unit: Unit, world: World, now: datetime) -> None:
    """The manager books for the engineer, who called."""
    resource, engineer = _resource(world, "confocal"), world.bookers[FIRM]
    customer_id, person_id = next(iter(engineer.customer_ids)), engineer.person_id

    def book(start: datetime) -> BookingRecord:
        asked = replace(_asked(resource, start, "涂层荧光补测"), customer_id=customer_id, person_id=person_id)
        return booking.request(resource.key, asked, by=world.managers[HOST])

    with unit.at(now - timedelta(hours=2)):
        _first(_hours_ahead(now, 1), book)


def _offer(unit: Unit, world: World, now: datetime, who: tuple[str, str, str, str], *, days: int) -> None:
    """A booking ahead is offered to another firm, which has answered or has not yet."""
    giver, taker, note, answer = who
    by, to = world.bookers[giver], world.bookers[taker]
    resource = _resource(world, "raman")

    def book(start: datetime) -> BookingRecord:
        return booking.request(resource.key, _asked(resource, start, "薄膜成分面扫"), by=by)

    with unit.at(now - timedelta(days=2)):
        made = _first(_hours_ahead(now, days), book)
        if made is None:
            return
        if made.state is BookingState.REQUESTED:
            booking.approve(made.key, by=world.managers[HOST])
    with unit.at(now - timedelta(hours=4)):
        offered = booking.offer_hand_over(made.key, next(iter(to.customer_ids)), by=by, note=note)
    with unit.at(now - timedelta(hours=1)):
        if answer == "declined":
            booking.decline_hand_over(offered.key, by=to, reason="该时段人员已另有安排。")
        elif answer == "accepted":
            booking.accept_hand_over(offered.key, by=to)
