"""From the bytes of an iCalendar file to busy time in a span (RFC 5545 and the dialects that laboratories send).

Runs in a process of its own (``calendar_child``), because what comes in is hostile until shown otherwise. The file is
cut into components here; of each event only the properties that decide about time are looked at, so that one broken
event costs that event and nothing else. Recurrences are written out by recurring-ical-events, event by event, each
with a limit of time; rules by the hour or finer are refused before anything is counted.

How dialects are read:

* a zone by its IANA name, else by the Windows name, else by the VTIMEZONE of the file, else as a plain distance from
  UTC ("UTC+01"); any other name is a fault, and never quietly a time without a zone;
* a time without a zone is in the calendar's ``X-WR-TIMEZONE``, else in the zone that the reader was given; a whole day
  is a day of the zone that the reader was given;
* cancelled and transparent events, and those that Outlook marks as free, hold nothing;
* a wall-clock time that the clock skips counts with the offset before the change, one that it repeats is the first.
"""

from __future__ import annotations

import re
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
from icalendar.timezone import tzp

from resource_hub.domain.availability.errors import CalendarRefused
from resource_hub.domain.availability.terms import BusyEvent, CalendarRead
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan, midnight

MAX_BYTES = 10 * 1024 * 1024
MAX_EVENTS = 10_000
MAX_OCCURRENCES = 50_000
MAX_EVENT_DAYS = 366
MAX_FAULTS = 40
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# So many times of day a rule may name (BYHOUR × BYMINUTE × BYSECOND).
MAX_TIMES_A_DAY = 5_000
# Seconds until a limit of time that was not heeded is told of once more.
_AGAIN = 0.05

_KEPT = {
    "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "SEQUENCE", "STATUS", "TRANSP",
    "SUMMARY", "X-MICROSOFT-CDO-BUSYSTATUS", "DTSTAMP",
}  # fmt: skip
_DATES = {"DTSTART", "DTEND", "RDATE", "EXDATE", "RECURRENCE-ID"}
_NEEDED = {*_DATES, "DURATION", "RRULE"}
_RECURS = {"RRULE", "RDATE", "RECURRENCE-ID"}
_ZONE = re.compile(
    r';TZID=("[^"]*"|.*?)(?=(?:;[A-Za-z-]+=[^:"]*)?:[\d+\-]|;[A-Za-z-]+=|:P|:$)', re.IGNORECASE
)
_OFFSET = re.compile(r"\(?(?:UTC|GMT) ?([+-])(\d{1,2})(?::?00)?\)?", re.IGNORECASE)
_NAME = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[;:]")


class _Broken(Exception):
    """One event that cannot be read."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code, self.values = code, values


class _TooSlow(BaseException):
    """Not an Exception, so that no library swallows it."""


@dataclass
class _Block:
    """The lines of one event that matter, unfolded, by property."""

    line: int
    properties: dict[str, list[str]] = field(default_factory=dict)

    def first(self, name: str) -> str:
        """The value of a property, without its parameters."""
        rows = self.properties.get(name)
        return rows[0].split(":", 1)[-1].strip() if rows else ""

    @property
    def summary(self) -> str:
        text = re.sub(r"\\[nN]", " ", self.first("SUMMARY"))
        return re.sub(r"\\(.)", r"\1", text).strip()[:120]

    def ical(self) -> str:
        rows = [row for name, found in self.properties.items() if name != "SUMMARY" for row in found]
        return "\r\n".join(["BEGIN:VEVENT", *rows, "END:VEVENT", ""])


@dataclass
class _File:
    name: str = ""
    zone: str = ""
    cancelled: bool = False
    zones: list[str] = field(default_factory=list)
    events: list[_Block] = field(default_factory=list)


def expand(
    body: bytes, span: TimeSpan, zone: str, zones: Mapping[str, str] | None = None, seconds_each: float = 2.0
) -> CalendarRead:
    """Busy time of a calendar inside ``span``.

    Args:
        zone: whose days whole days are, and of times that name no zone.
        zones: what names stand for that nobody knows, as somebody has said.

    Raises:
        CalendarRefused: it is no calendar, or too large as a whole.
    """
    files = _cut(_text(body))
    count = sum(len(file.events) for file in files)
    busy: list[BusyEvent] = []
    faults: list[Reason] = []
    unknown: dict[str, int] = {}
    for file in files:
        reader = _Reader(file, span, zone, dict(zones or {}), seconds_each)
        for events, broken in reader.read():
            busy += events
            if broken is not None:
                name = broken.values.get("zone")
                if broken.code == "calendar.unknown_zone":
                    unknown[str(name)] = unknown.get(str(name), 0) + 1
                else:
                    faults.append(Reason(broken.code, broken.values))
            if len(busy) > MAX_OCCURRENCES:
                raise CalendarRefused(Reason("calendar.too_many_occurrences", {"most": MAX_OCCURRENCES}))
    shown = faults[:MAX_FAULTS]
    if len(faults) > MAX_FAULTS:
        shown.append(Reason("calendar.more_faults", {"count": len(faults) - MAX_FAULTS}))
    asked = [Reason("calendar.unknown_zone", {"zone": name, "events": n}) for name, n in unknown.items()]
    return CalendarRead(
        name=next((file.name for file in files if file.name), ""),
        events=count,
        busy=tuple(sorted(busy, key=lambda e: (e.span, e.summary))),
        faults=(*asked, *shown),
        unknown_zones=tuple(unknown),
    )


def _text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise CalendarRefused(Reason("calendar.too_large", {"megabytes": MAX_BYTES // 1024 // 1024}))
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("gb18030", "replace")


def _cut(text: str) -> list[_File]:
    """The calendars of a file with their events, before anything is understood.

    Raises:
        CalendarRefused: no calendar, cut off in the middle, or too many events.
    """
    files: list[_File] = []
    stack: list[str] = []
    event: _Block | None = None
    zone: list[str] = []
    for number, line in _unfolded(text):
        upper = line[:64].upper().rstrip()
        if upper.startswith("BEGIN:"):
            name = upper[6:].strip()
            # A calendar inside a calendar is one whose end was forgotten.
            stack = [name] if name == "VCALENDAR" else [*stack, name]
            if len(stack) > 8:
                raise CalendarRefused(Reason("calendar.not_a_calendar", {}))
            if stack == ["VCALENDAR"]:
                files.append(_File())
            elif stack == ["VCALENDAR", "VEVENT"]:
                event = _Block(number)
            elif stack[:2] == ["VCALENDAR", "VTIMEZONE"]:
                zone = [line] if len(stack) == 2 else [*zone, line]
            continue
        if not stack:
            continue
        if upper.startswith("END:"):
            name = upper[4:].strip()
            if name not in stack:
                continue
            inside = stack[:2] == ["VCALENDAR", "VTIMEZONE"]
            while stack.pop() != name:
                pass
            if inside:
                zone.append(line)
            if stack == ["VCALENDAR"] and name == "VTIMEZONE":
                files[-1].zones.append("\r\n".join([*zone, ""]))
            elif stack == ["VCALENDAR"] and name == "VEVENT" and event is not None:
                files[-1].events.append(event)
                event = None
                if len(files[-1].events) > MAX_EVENTS:
                    raise CalendarRefused(Reason("calendar.too_many_events", {"most": MAX_EVENTS}))
            continue
        if stack == ["VCALENDAR"]:
            _note(files[-1], line)
        elif stack == ["VCALENDAR", "VEVENT"] and event is not None:
            found = _NAME.match(line)
            name = found.group(1).upper() if found else ""
            if name in _KEPT:
                event.properties.setdefault(name, []).append(name + line[len(name) :])
        elif stack[:2] == ["VCALENDAR", "VTIMEZONE"]:
            zone.append(line)
    if not files:
        raise CalendarRefused(Reason("calendar.not_a_calendar", {}))
    if stack:
        raise CalendarRefused(Reason("calendar.cut_off", {}))
    if sum(len(file.events) for file in files) > MAX_EVENTS:
        raise CalendarRefused(Reason("calendar.too_many_events", {"most": MAX_EVENTS}))
    return files


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Whole lines with the number of their first one."""
    held, start = "", 0
    for number, line in enumerate(text.splitlines() if "\n" not in text else text.split("\n"), 1):
        line = line.rstrip("\r")
        if line[:1] in (" ", "\t") and held:
            held += line[1:]
            continue
        if held.strip():
            yield start, held.strip()
        held, start = line, number
    if held.strip():
        yield start, held.strip()


def _note(file: _File, line: str) -> None:
    name, _, value = line.partition(":")
    name = name.split(";")[0].upper()
    if name == "X-WR-TIMEZONE":
        file.zone = value.strip()
    elif name == "X-WR-CALNAME":
        file.name = value.strip()[:120]
    elif name == "METHOD":
        file.cancelled = value.strip().upper() == "CANCEL"


class _Reader:
    """One calendar of a file."""

    def __init__(
        self, file: _File, span: TimeSpan, zone: str, zones: dict[str, str], seconds_each: float
    ) -> None:
        self._file, self._span, self._zones, self._seconds = file, span, zones, seconds_each
        self._days = ZoneInfo(zone)
        tzp.use_default()  # forget the zones of the calendar before
        own = _resolved(file.zone) if file.zone else None
        self._floating: Any = own or self._days
        self._wr_zone = file.zone if own is not None else ""
        for block in file.zones:
            _learn(block)

    def read(self) -> Iterator[tuple[list[BusyEvent], _Broken | None]]:
        """Events by UID, the plain ones first; broken ones with what is wrong."""
        groups: dict[str, list[tuple[_Block, Any]]] = {}
        for number, block in enumerate(self._file.events):
            try:
                event = self._parsed(block)
                groups.setdefault(block.first("UID") or f"\0{number}", []).append((block, event))
            except _Broken as error:
                yield [], self._placed(error, block)
        for group in groups.values():
            block = group[0][0]
            try:
                yield list(self._busy(group)), None
            except _Broken as error:
                yield [], self._placed(error, block)
            except _TooSlow:
                yield [], self._placed(_Broken("calendar.event_too_heavy"), block)
            except (
                ValueError,
                KeyError,
                TypeError,
                AttributeError,
                OverflowError,
                IndexError,
                ArithmeticError,
            ):
                yield [], self._placed(_Broken("calendar.event_broken"), block)

    @staticmethod
    def _placed(error: _Broken, block: _Block) -> _Broken:
        error.values = {"summary": block.summary or "–", "line": block.line, **error.values}
        return error

    def _parsed(self, block: _Block) -> Any:
        if "DTSTART" not in block.properties:
            raise _Broken("calendar.event_without_start")
        for rule in block.properties.get("RRULE", ()):
            check_rule(rule.split(":", 1)[-1])
        for name in _DATES & set(block.properties):
            block.properties[name] = [self._with_zone(row) for row in block.properties[name]]
        try:
            event: Any = icalendar.Event.from_ical(block.ical())
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, IndexError) as error:
            raise _Broken("calendar.event_broken") from error
        if any(name in _NEEDED for name, _why in event.errors):
            raise _Broken("calendar.event_broken")
        return event

    def _with_zone(self, row: str) -> str:
        """The line with a zone that can be found; without one when its name is empty."""
        found = _ZONE.search(row)
        if found is None:
            return row
        name = found.group(1).strip('"').strip()
        if name and _resolved(name) is None:
            said = self._zones.get(name) or _distance(name)
            if said is None:
                raise _Broken("calendar.unknown_zone", zone=name[:120])
            name = said
        parameter = f';TZID="{name}"' if name else ""
        return row[: found.start()] + parameter + row[found.end() :]

    def _busy(self, group: list[tuple[_Block, Any]]) -> Iterator[BusyEvent]:
        summaries = [block.summary for block, _event in group]
        if len(group) == 1 and not _RECURS & set(group[0][0].properties):
            occurrences: Iterable[Any] = [group[0][1]]
        else:
            occurrences = self._written_out([event for _block, event in group])
        for event in occurrences:
            if self._file.cancelled or not _holds_time(event):
                continue
            start, end = self._ends(event)
            if end < start:
                raise _Broken("calendar.event_backwards")
            if end - start > timedelta(days=MAX_EVENT_DAYS):
                raise _Broken("calendar.event_too_long", days=MAX_EVENT_DAYS)
            if start < end and start < self._span.end and end > self._span.start:
                yield BusyEvent(TimeSpan(start, end), summaries[0])

    def _written_out(self, events: list[Any]) -> list[Any]:
        calendar = icalendar.Calendar()
        if self._wr_zone:
            calendar.add("X-WR-TIMEZONE", self._wr_zone)
        for event in events:
            calendar.add_component(event)
        # Whole days and times without a zone are compared without one: look a day further on both sides.
        day = timedelta(days=1)
        with _limited(self._seconds):
            query = recurring_ical_events.of(calendar)
            found: list[Any] = query.between(self._span.start - day, self._span.end + day)
        return found

    def _ends(self, event: Any) -> tuple[datetime, datetime]:
        start = event["DTSTART"].dt
        if "DTEND" in event:
            end = event["DTEND"].dt
        elif "DURATION" in event:
            length = event["DURATION"].dt
            whole = isinstance(start, datetime) or length.seconds == 0
            end = start + length if whole else datetime(start.year, start.month, start.day) + length  # noqa: DTZ001
        else:
            end = start if isinstance(start, datetime) else start + timedelta(days=1)
        if end == start and not isinstance(start, datetime):
            end = start + timedelta(days=1)  # one day, as many programs write it
        return self._instant(start), self._instant(end)

    def _instant(self, value: date | datetime) -> datetime:
        if not isinstance(value, datetime):
            return midnight(value, self._days)
        if value.tzinfo is None:
            value = value.replace(tzinfo=self._floating)
        return value.astimezone(UTC)


def check_rule(rule: str) -> None:
    """Refuse a recurrence rule that is not counted out: by the hour or finer, or with absurd parts.

    Raises:
        _Broken
    """
    parts = {}
    for part in rule.upper().replace("\\;", ";").replace("\\,", ",").split(";"):
        name, _, value = part.partition("=")
        parts[name.strip()] = value.strip()
    frequency = parts.get("FREQ", "")
    if frequency in ("SECONDLY", "MINUTELY", "HOURLY"):
        raise _Broken("calendar.rule_too_fine", frequency=frequency)
    if frequency not in FREQUENCIES:
        raise _Broken("calendar.event_broken")
    times = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        times *= parts[name].count(",") + 1 if parts.get(name) else 1
    if times > MAX_TIMES_A_DAY:
        raise _Broken("calendar.event_too_heavy")
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not (parts[name].isdigit() and 0 < int(parts[name]) < 1_000_000_000):
            raise _Broken("calendar.event_broken")


def _holds_time(event: Any) -> bool:
    def said(name: str) -> str:
        return str(event.get(name, "")).strip().upper()

    return (
        said("STATUS") != "CANCELLED"
        and said("TRANSP") != "TRANSPARENT"
        and said("X-MICROSOFT-CDO-BUSYSTATUS") != "FREE"
    )


def _resolved(name: str) -> Any:
    """The zone of a name, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return tzp.timezone(name)
        except (ValueError, KeyError, OSError, TypeError, AttributeError):
            return None


def _distance(name: str) -> str | None:
    """The zone of a name that says nothing but how far from UTC it is, in whole hours."""
    found = _OFFSET.fullmatch(name)
    if found is None or int(found.group(2)) > 12:
        return None
    # The zones of this family count the other way round: Etc/GMT-8 is eight hours ahead of UTC.
    return f"Etc/GMT{'-' if found.group(1) == '+' else '+'}{int(found.group(2))}"


def _learn(block: str) -> None:
    """Take a VTIMEZONE into the zones that names can be found in; one that cannot be read stays unknown."""
    if (
        re.search(r"FREQ=(SECONDLY|MINUTELY|HOURLY|DAILY|WEEKLY)", block, re.IGNORECASE)
        or len(block) > 200_000
    ):
        return
    try:
        zone = icalendar.Timezone.from_ical(block)
        if str(zone.get("TZID", "")).strip():
            tzp.cache_timezone_component(zone)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError):
        return


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Break off what takes longer. Only the main thread can be interrupted, and only it reads calendars."""
    over = False

    def stop(*_: Any) -> None:
        if not over:
            raise _TooSlow()

    def unraisable(what: sys.UnraisableHookArgs) -> None:
        if not isinstance(what.exc_value, _TooSlow):
            told(what)

    before, told = signal.signal(signal.SIGALRM, stop), sys.unraisablehook
    sys.unraisablehook = unraisable
    # Again and again: what the bell breaks off may be a callback of a weak reference or a __del__, where Python drops
    # every exception. One bell alone would be lost there, and the limit with it.
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        try:
            yield
        finally:
            over = True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.unraisablehook = told
