"""The day on which a visitor enters the demonstration: a working morning in the laboratories of one university.

One use is over and waits for the manager, one runs, one is late, others come later; a request waits for an answer, and
the engineer whom the visitor may be has bookings today and in the weeks ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import Asked, BookingRecord, BookingState, Purpose
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.terms import EvidenceKind, Tap
from resource_hub.entrypoints.demo.world import World
from resource_hub.infra import outbox
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, at, zone

HOST, FIRM = "snu-su", "suxin"
_ZONE = zone("Asia/Shanghai")
# Between these minutes of the day the story has room before and after.
_FROM, _TO, _ELSE = 10 * 60, 14 * 60, 10 * 60 + 10


def entry(now: datetime) -> datetime:
    """When the demonstration's clock starts: now, or the next working morning when laboratories are closed."""
    local = now.astimezone(_ZONE)
    minutes = local.hour * 60 + local.minute
    day = local.date()
    if availability.is_working_day("CN-JS", day) and _FROM <= minutes <= _TO:
        return now
    if minutes >= _FROM:
        day += timedelta(days=1)
    while not availability.is_working_day("CN-JS", day):
        day += timedelta(days=1)
    return at(day, _ELSE, _ZONE)


@dataclass(frozen=True, slots=True)
class Scene:
    """One booking of the day: half-hours from the present one, and what has become of it."""

    resource: str
    firm: str
    start: int
    length: int
    comes: bool = False
    leaves: bool = False
    project: str = "新产品研发"


TODAY = (
    Scene("sem2", "zijin", -3, 2, comes=True, leaves=True, project="滤料颗粒物形貌"),
    Scene("raman", "yunhe", -2, 6, comes=True, project="脂质体包封表征"),
    Scene("flow", "yunhe", -1, 4, project="CAR-T 细胞分选"),
    Scene("confocal", "changyi", 1, 3, project="涂层荧光示踪"),
    Scene("sem2", FIRM, 2, 4, project="MEMS 谐振器断面"),
    Scene("lcms", "nanrui", 3, 2, project="树脂小分子残留"),
)
# Resource, firm, working days ahead, hour, and whether the host has said yes.
AHEAD = (
    ("snu-su", "fibsem", "taihu", 3, 10, False, "轴承剥落区截面"),
    ("snu-su", "raman", FIRM, 2, 14, True, "应力面扫"),
    ("snu-su", "sem2", FIRM, 6, 9, True, "键合界面复测"),
    ("jhut", "xps", FIRM, 7, 10, True, "钝化层价态"),
    ("jhut", "tem200", FIRM, 9, 9, False, "栅氧厚度"),
)


def tell(world: World, now: datetime) -> int:
    """Make the day; returns how many bookings it has."""
    made = 0
    present = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
    with unit_of_work() as unit:
        happenings: list[tuple[datetime, Callable[[], object]]] = []
        for scene in TODAY:
            start = present + timedelta(minutes=30 * scene.start)
            span = TimeSpan(start, start + timedelta(minutes=30 * scene.length))
            found = _booked(
                unit, world, (HOST, scene.resource, scene.firm), span, scene.project, approve=True
            )
            if found is None:
                continue
            made += 1
            if start <= now:
                happenings.append((start, partial(usage.open_expected, start)))
            if scene.comes:
                came = partial(_tap, world, scene, found, EvidenceKind.CHECK_IN)
                happenings.append((start + timedelta(minutes=2), came))
            if scene.leaves:
                happenings.append((span.end, partial(_tap, world, scene, found, EvidenceKind.CHECK_OUT)))
        for moment, act in sorted(happenings, key=lambda happening: happening[0]):
            with unit.at(moment):
                act()
                outbox.deliver_due(limit=100)
    with unit_of_work() as unit:
        for host, code, firm, days, hour, approve, project in AHEAD:
            made += _ahead(unit, world, now, (host, code, firm), days, hour, project, approve=approve)
    return made


def _ahead(
    unit: Unit,
    world: World,
    now: datetime,
    who: tuple[str, str, str],
    days: int,
    hour: int,
    project: str,
    *,
    approve: bool,
) -> bool:
    """A booking so many working days ahead, or on one of the next days when that one is taken."""
    day, _ = availability.working_day_after("CN-JS", now.astimezone(_ZONE).date(), days)
    for later in range(8):
        start = at(day + timedelta(days=later), hour * 60, _ZONE)
        if _booked(
            unit, world, who, TimeSpan(start, start + timedelta(hours=2)), project, approve=approve, now=now
        ):
            return True
    return False


def _booked(
    unit: Unit,
    world: World,
    who: tuple[str, str, str],
    span: TimeSpan,
    project: str,
    *,
    approve: bool,
    now: datetime | None = None,
) -> BookingRecord | None:
    """A booking asked for some days ago, and answered the next morning; None where the time is taken."""
    host, code, firm = who
    resource = next(r for r in world.of_host(host) if r.code == code)
    mode = Mode.SELF_USE if Mode.SELF_USE in resource.contents.modes else Mode.STAFF_RUN
    asked = Asked(
        mode=mode, span=span, purpose=Purpose.RESEARCH.value, project=project, hazards=frozenset({"none"})
    )
    moment = min(span.start, now or span.start) - timedelta(hours=27)
    try:
        with unit.at(moment):
            made = booking.request(resource.key, asked, by=world.bookers[firm])
            outbox.deliver_due(limit=100)
        if approve and made.state is BookingState.REQUESTED:
            with unit.at(moment + timedelta(hours=2)):
                made = booking.approve(made.key, by=world.managers[host])
                outbox.deliver_due(limit=100)
    except DomainError:
        return None
    return made


def _tap(world: World, scene: Scene, made: BookingRecord, action: EvidenceKind) -> None:
    assert made.unit_id is not None
    lane = HostKey(made.key.institution_id, made.unit_id)
    person = world.bookers[scene.firm].person_id
    with unit_of_work() as unit:
        tap = Tap(action, unit.now, tap_id=f"{made.key.id}:{action.value}")
        if action is EvidenceKind.CHECK_IN:
            usage.check_in(lane, person, tap, booking_id=made.key.id)
        else:
            usage.check_out(lane, person, tap)
