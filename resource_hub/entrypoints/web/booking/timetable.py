"""A week as people see it: days, lanes, cells placed by the wall clock; and the same as a list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from uuid import UUID

from flask_babel import gettext as _

from resource_hub.domain.availability.terms import Lane, Look, SpecialDay, Stretch, Week
from resource_hub.entrypoints.support import formatting, sentences, wall_clock
from resource_hub.entrypoints.support.words import word
from resource_hub.kernel.time import TimeSpan, zone

_DAY = 1440
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Cell:
    """One piece of a lane on one day. Places are per cent of the shown part of the day; ``begin`` and ``until`` are
    minutes of the wall clock after the day's midnight. ``pass_by``: of a piece inside a stretch that the clock goes
    through twice, the first time or the second."""

    look: str
    left: str
    width: str
    time: str
    text: str
    why: str
    start: str
    end: str
    begin: int
    until: int
    bookable: bool
    href: str = ""
    holder: str = ""
    move: str = ""
    start_offset: str = ""
    end_offset: str = ""
    pass_by: str = ""


@dataclass(frozen=True, slots=True)
class LaneRow:
    unit_id: str
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class DayRow:
    day: date
    name: str
    note: str
    today: bool
    off: bool
    lanes: tuple[LaneRow, ...]
    now: str = ""
    over: bool = False

    @property
    def open(self) -> bool:
        return any(cell.look != "closed" for lane in self.lanes for cell in lane.cells)


@dataclass(frozen=True, slots=True)
class Timetable:
    days: tuple[DayRow, ...]
    ticks: tuple[tuple[str, str], ...]
    first_minute: int
    last_minute: int
    zone: str
    step: int
    looks: tuple[str, ...] = field(default=())
    units: int = 1

    @property
    def minutes(self) -> int:
        return self.last_minute - self.first_minute


def _minute(moment: datetime, day: date, zone_name: str) -> int:
    """Minutes of the wall clock after a day's midnight."""
    wall = moment.astimezone(zone(zone_name))
    return (wall.toordinal() - day.toordinal()) * _DAY + wall.hour * 60 + wall.minute


def _covered(piece: TimeSpan, day: date, zone_name: str) -> tuple[int, int]:
    """The minutes of the wall clock that a piece covers, from the first to the last. Where the clock goes back in it
    these reach further than its start and its end."""
    begin, end = _minute(piece.start, day, zone_name), _minute(piece.end, day, zone_name)
    if (end - begin) * 60 >= piece.seconds:
        return begin, end
    tz = zone(zone_name)
    offset = piece.start.astimezone(tz).utcoffset()
    low, high = 0, piece.seconds
    while high - low > 1:
        middle = (low + high) // 2
        same = (piece.start + timedelta(seconds=middle)).astimezone(tz).utcoffset() == offset
        low, high = (middle, high) if same else (low, middle)
    back = piece.start + timedelta(seconds=high)
    return min(begin, _minute(back, day, zone_name)), max(end, begin + high // 60)


def _pass_by(piece: TimeSpan, zone_name: str) -> str:
    first, last = wall_clock.offset(piece.start, zone_name), wall_clock.offset(piece.end - _TICK, zone_name)
    if not first or first != last:
        return ""
    return "second" if piece.start.astimezone(zone(zone_name)).fold else "first"


def shown_part(week: Week | Iterable[Week]) -> tuple[int, int]:
    """First and last minute of the day worth showing: where anything is open or held, on whole hours."""
    weeks = [week] if isinstance(week, Week) else list(week)
    starts, ends = [8 * 60], [18 * 60]
    for one in weeks:
        tz = zone(one.zone)
        for lane in one.lanes:
            for stretch in lane.stretches:
                if stretch.look is Look.CLOSED:
                    continue
                for day, part in stretch.span.by_day(tz):
                    starts.append(_minute(part.start, day, one.zone))
                    ends.append(_minute(part.end, day, one.zone))
    return max(0, min(starts) // 60 * 60), min(_DAY, -(-max(ends) // 60) * 60)


def ticks(first: int, last: int) -> tuple[tuple[str, str], ...]:
    hours = range(first // 60, last // 60 + 1)
    every = 1 if len(hours) <= 13 else 2 if len(hours) <= 19 else 3
    span = last - first
    return tuple(
        (f"{h:02d}", f"{100 * (h * 60 - first) / span:.3f}") for h in hours if (h - first // 60) % every == 0
    )


def day_note(special: SpecialDay | None) -> str:
    """What is special about a day, in words."""
    if special is None:
        return ""
    name = formatting.named({"name": {"zh": special.name_zh, "en": special.name_en}})
    kind = word("availability.day", special.kind.value)
    text = f"{name} · {kind}" if name else kind
    return _("%(what)s (provisional)", what=text) if special.provisional else text


def timetable(
    week: Week,
    *,
    link: Callable[[Stretch, TimeSpan, UUID], str] | None = None,
    tell: Callable[[Stretch], str] | None = None,
    move: Callable[[Stretch], str] | None = None,
    part: tuple[int, int] | None = None,
    label: Callable[[Lane], str] | None = None,
) -> Timetable:
    """A week as rows. ``link`` gives the address behind a piece, ``tell`` more words about it (for the host),
    ``move`` the address under which its booking is moved."""
    first, last = part or shown_part(week)
    tz = zone(week.zone)
    now = week.as_of
    rows = []
    looks: dict[str, None] = {}

    @cache
    def named(look: Look) -> str:
        return word("availability.look", look.value)

    pieces = {lane.unit_id: _by_day(lane, tz) for lane in week.lanes}
    for day in week.days:
        lanes = []
        for lane in week.lanes:
            cells = []
            for stretch, piece in pieces[lane.unit_id].get(day, ()):
                cell = _cell(week, stretch, piece, day, first, last, lane.unit_id, link, tell, move, named)
                if cell is not None:
                    cells.append(cell)
                    looks[cell.look] = None
            name = label(lane) if label else lane_name(lane)
            lanes.append(LaneRow(str(lane.unit_id), name, tuple(cells)))
        today = now is not None and now.astimezone(tz).date() == day
        marker = ""
        if today and now is not None:
            at = _minute(now, day, week.zone)
            if first <= at <= last:
                marker = f"{100 * (at - first) / (last - first):.3f}"
        special = week.special.get(day)
        rows.append(
            DayRow(
                day,
                formatting.day(day, year=False),
                day_note(special),
                today,
                special is not None and special.kind.value == "holiday",
                tuple(lanes),
                marker,
                now is not None and day < now.astimezone(tz).date(),
            )
        )
    return Timetable(
        tuple(rows),
        ticks(first, last),
        first,
        last,
        week.zone,
        week.step_minutes,
        tuple(looks),
        len(week.lanes),
    )


def _by_day(lane: Lane, tz: tzinfo) -> dict[date, list[tuple[Stretch, TimeSpan]]]:
    """The pieces of a lane that fall on each day."""
    found: dict[date, list[tuple[Stretch, TimeSpan]]] = defaultdict(list)
    for stretch in lane.stretches:
        for day, piece in stretch.span.by_day(tz):
            found[day].append((stretch, piece))
    return found


def lane_name(lane: Lane) -> str:
    return formatting.named({"name": {"zh": lane.name_zh, "en": lane.name_en}}) or lane.label


def _cell(
    week: Week,
    stretch: Stretch,
    piece: TimeSpan,
    day: date,
    first: int,
    last: int,
    unit_id: UUID,
    link: Callable[[Stretch, TimeSpan, UUID], str] | None,
    tell: Callable[[Stretch], str] | None,
    move: Callable[[Stretch], str] | None,
    named: Callable[[Look], str],
) -> Cell | None:
    begin, end = _minute(piece.start, day, week.zone), _minute(piece.end, day, week.zone)
    drawn_from, drawn_until = _covered(piece, day, week.zone)
    drawn_from, drawn_until = max(drawn_from, first), min(drawn_until, last)
    if drawn_from >= drawn_until:
        return None
    begin, end = max(begin, first), min(end, last)
    offsets = wall_clock.offset(piece.start, week.zone), wall_clock.offset(piece.end, week.zone)
    whole = last - first
    more = tell(stretch) if tell else ""
    shown = more or named(stretch.look)
    why = sentences.sentence(stretch.why.code, stretch.why.values) if stretch.why else ""
    if more and stretch.look is Look.TAKEN:
        why = more  # who has it, in full where the stretch has no room for it
    return Cell(
        look=stretch.look.value,
        left=f"{100 * (drawn_from - first) / whole:.3f}",
        width=f"{100 * (drawn_until - drawn_from) / whole:.3f}",
        time=formatting.times(
            formatting.clock(piece.start, week.zone) if offsets[0] else _clock(begin),
            formatting.clock(piece.end, week.zone) if offsets[1] else _clock(end),
        ),
        text=shown,
        why=why,
        start=piece.start.isoformat(),
        end=piece.end.isoformat(),
        begin=begin,
        until=end,
        bookable=stretch.bookable,
        href=link(stretch, piece, unit_id) if link else "",
        holder=str(stretch.holder_id) if stretch.holder_id else "",
        move=move(stretch) if move else "",
        start_offset=offsets[0],
        end_offset=offsets[1],
        pass_by=_pass_by(piece, week.zone) if any(offsets) else "",
    )


def _clock(minute: int) -> str:
    return "24:00" if minute == _DAY else f"{minute // 60:02d}:{minute % 60:02d}"


def first_start(piece: TimeSpan, tz: tzinfo, step: int, since: datetime | None = None) -> datetime | None:
    """The first moment inside the piece, and not before ``since``, at which a booking may begin; None where no step of
    ``step`` minutes of the wall clock begins in it."""
    start = (max(piece.start, since) if since else piece.start).astimezone(tz)
    into = (start.hour * 60 + start.minute) % step
    if into or start.second or start.microsecond:
        start += timedelta(minutes=step - into, seconds=-start.second, microseconds=-start.microsecond)
    return start if start < piece.end else None


def first_day(text: str | None, today: date, view: str) -> date:
    """The first day that a view shows: the day asked for, or the Monday of its week."""
    monday = monday_of(text, today)
    if view != "day":
        return monday
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return today
    return day if abs((day - today).days) <= 800 else today


def days_name(first: date, last: date) -> str:
    """``30 Nov – 6 Dec 2026``, ``2026年11月30日 – 12月6日``; the year once, where each language puts it."""
    same = first.year == last.year
    leads = formatting.language() == "zh"
    return " – ".join(
        [
            formatting.day(first, year=leads or not same, week=False),
            formatting.day(last, year=not leads or not same, week=False),
        ]
    )


def monday_of(text: str | None, today: date) -> date:
    """The Monday of the week asked for in an address (``2026-03-05`` or ``2026-W10``), else of this week."""
    day = today
    try:
        if text and "W" in text:
            day = datetime.strptime(f"{text}-1", "%G-W%V-%u").date()  # noqa: DTZ007 - a date, no moment
        elif text:
            day = date.fromisoformat(text)
    except ValueError:
        day = today
    if abs((day - today).days) > 800:
        day = today
    return day - timedelta(days=day.weekday())
