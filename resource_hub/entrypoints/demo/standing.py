"""What house rules keep account of in the demonstration: strikes, trainings and answers by several people; a waiting
list with an offer, a series, and a workday that was taken back. Hours that are protected for outside firms stand in the
calendars already."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import PLATFORM_ID
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import DayKind, SpecialDay
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import Asked, BookingRecord, BookingState, Purpose
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.entrypoints.demo.today import FIRM, HOST
from resource_hub.entrypoints.demo.world import LOGINS, World
from resource_hub.infra import outbox
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.time import TimeSpan, at, local_day

_ZONE = ZoneInfo("Asia/Shanghai")
_ENGINEER = LOGINS[0][1]
_STAFF = "platform@demo.example"
# Code, names, months that it holds, and so many days ago it was passed: it holds, it soon ends, it has ended.
_TRAININGS = (
    ("sem", "扫描电镜自主上机", "Scanning electron microscope, self-use", 12, 60),
    ("laser", "激光安全", "Laser safety", 12, 350),
    ("gas", "特种气体安全", "Special gases", 12, 420),
)
# What happened, and what the engineer says to it.
_STRIKES = (
    ("离开时未关闭样品室真空阀，由下一位用户处理。", ""),
    ("样品台未清洁，残留导电胶。", "当天由值班老师安排提前下机，现场有交接记录，请核实。"),
)
_STEPS = [{"who": "manager", "hours": 48}, {"who": "office", "hours": 48}]


def tell(world: World, now: datetime) -> None:
    """Make all of it; what the calendars leave no room for is left out."""
    with unit_of_work() as unit:
        _strikes(unit, world, now)
        _trainings(unit, world, now)
        outbox.deliver_due(limit=200)
    with unit_of_work() as unit:
        _several_answers(unit, world, now)
        _offer(unit, world, now)
        _series(unit, world, now)
        _workday_taken_back(unit, world, now)
        outbox.deliver_due(limit=200)


def _resource(world: World, code: str) -> ResourceRecord:
    return next(r for r in world.of_host(HOST) if r.code == code)


def _strikes(unit: Unit, world: World, now: datetime) -> None:
    """Two of the engineer's: one stands, one is appealed."""
    engineer = world.bookers[FIRM]
    host = world.organisations[HOST].id
    used = [
        one
        for one in booking.bookings_of(engineer, states=[BookingState.DONE], until=now, limit=200)
        if one.institution_id == host
    ]
    for (note, appeal), days in zip(_STRIKES, (20, 3), strict=True):
        given_at = now - timedelta(days=days)
        one = next((one for one in used if one.span is not None and one.span.end < given_at), None)
        if one is None:
            continue
        used.remove(one)
        with unit.at(given_at):
            given = booking.give_strike(one.number, note=note, by=world.managers[HOST])
        if appeal:
            with unit.at(now - timedelta(hours=5)):
                booking.appeal_strike(given.key, appeal, person_id=engineer.person_id)


def _trainings(unit: Unit, world: World, now: datetime) -> None:
    office = world.offices[HOST]
    for code, zh, en, months, days in _TRAININGS:
        passed = now - timedelta(days=days)
        with unit.at(passed):
            kind = accounts.add_training_type(
                code=code, name_zh=zh, name_en=en, valid_months=months, by=office
            )
            accounts.grant_training(kind.key.id, _ENGINEER, since=local_day(passed, _ZONE), by=office)


def _several_answers(unit: Unit, world: World, now: datetime) -> None:
    """The laboratory has said yes; the institution's office has not answered yet."""
    resource, manager = _resource(world, "fibsem"), world.managers[HOST]
    with unit.at(now - timedelta(days=3)):
        rules, _number = availability.house_rules(resource.key)
        document = {**availability.write_rules(rules), "steps": _STEPS}
        today = local_day(now - timedelta(days=3), _ZONE)
        availability.save_rules(
            resource.key, document, today, by=manager, note="大型设备对外服务由设备处会签。"
        )
    with unit.at(now - timedelta(hours=26)):
        made = _first_free(world, resource, "yunhe", now, 7, Mode.STAFF_RUN, "脂质体冷冻截面")
    if made is not None:
        with unit.at(now - timedelta(hours=2)):
            booking.approve(made.key, by=manager, note="机时可排，请设备处会签。")


def _offer(unit: Unit, world: World, now: datetime) -> None:
    """A full morning is given back, and the engineer, who waited for it, has it offered."""
    resource = _resource(world, "raman")
    with unit.at(now - timedelta(days=2)):
        made = _first_free(world, resource, "zijin", now, 6, Mode.SELF_USE, "滤膜成分面扫")
    if made is None or made.span is None:
        return
    with unit.at(now - timedelta(days=1)):
        wish = Asked(mode=Mode.SELF_USE, purpose=Purpose.RESEARCH.value, project="薄膜应力面扫")
        booking.join_line(
            resource.key, wish, made.span.start, made.span.end, made.span.seconds, by=world.bookers[FIRM]
        )
    with unit.at(now - timedelta(minutes=15)):
        booking.cancel(made.key, by=world.bookers["zijin"], reason="样品未按期制备完成。")


def _series(unit: Unit, world: World, now: datetime) -> None:
    """Every week at the same hour, as far as the calendar has room; the other days are left out by the engineer."""
    resource = _resource(world, "confocal")
    day, _provisional = availability.working_day_after("CN-JS", local_day(now, _ZONE), 4)
    start = at(day, 14 * 60, _ZONE)
    wish = Asked(
        mode=Mode.SELF_USE,
        span=TimeSpan(start, start + timedelta(hours=2)),
        purpose=Purpose.RESEARCH.value,
        project="涂层荧光老化跟踪",
        hazards=frozenset({"none"}),
    )
    rule = Recurrence(Frequency.WEEKLY, count=6)
    with unit.at(now - timedelta(hours=3)):
        look = booking.look_series(resource.key, wish, rule, by=world.bookers[FIRM])
        left_out = {clash.day: booking.Choice(skip=True) for clash in look.clashes}
        booking.create_series(resource.key, wish, rule, by=world.bookers[FIRM], choices=left_out)


def _workday_taken_back(unit: Unit, world: World, now: datetime) -> None:
    """A Sunday was to be worked, and then was not: who booked it stands outside the hours until the host decides."""
    staff = next(person for person, _seats in accounts.demonstration_people() if person.email == _STAFF)
    by = accounts.actor(staff.id, PLATFORM_ID)
    day = local_day(now, _ZONE) + timedelta(days=9)
    day += timedelta(days=6 - day.weekday())
    while availability.is_working_day("CN-JS", day):
        day += timedelta(days=7)
    with unit.at(now - timedelta(days=4)):
        made_up = SpecialDay(
            day, DayKind.WORKDAY, "调休上班", "Make-up workday", day - timedelta(days=4), source="暂定安排"
        )
        availability.enter_days("CN", [made_up], by=by)
    resource, start = _resource(world, "raman"), at(day, 10 * 60, _ZONE)
    with unit.at(now - timedelta(days=3)):
        wish = Asked(
            mode=Mode.SELF_USE,
            span=TimeSpan(start, start + timedelta(hours=2)),
            purpose=Purpose.RESEARCH.value,
            project="硅片应力面扫",
            hazards=frozenset({"none"}),
        )
        booking.request(resource.key, wish, by=world.bookers["zijin"])
    with unit.at(now - timedelta(hours=4)):
        availability.forget_day("CN", day, by=by)
    availability.roll_windows(limit=10_000)


def _first_free(
    world: World, resource: ResourceRecord, firm: str, now: datetime, days: int, mode: Mode, project: str
) -> BookingRecord | None:
    """A morning's booking so many working days ahead, or on the next day that has room."""
    day, _provisional = availability.working_day_after("CN-JS", local_day(now, _ZONE), days)
    for later in range(8):
        start = at(day + timedelta(days=later), 9 * 60, _ZONE)
        asked = Asked(
            mode=mode,
            span=TimeSpan(start, start + timedelta(hours=2)),
            purpose=Purpose.RESEARCH.value,
            project=project,
            hazards=frozenset({"none"}),
        )
        try:
            return booking.request(resource.key, asked, by=world.bookers[firm])
        except DomainError:
            continue
    return None
