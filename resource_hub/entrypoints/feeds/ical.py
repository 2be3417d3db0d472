"""Writes iCalendar (RFC 5545, RFC 7986) as plain text: fast, byte-stable, and with only what we mean to send.

A library makes an object of every value, which is slow for a feed of thousands. What others send us is read with a
library, never with this.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from resource_hub.kernel.time import zone as zone_of

CRLF = "\r\n"
LINE_OCTETS = 75  # RFC 5545, 3.1: without the line break
PRODUCT = "-//Resource Hub//Calendar feed//EN"

# Control characters may not stand in a text value; a tab may, and a line break is written as \n.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BREAK = re.compile("\r\n|\r|\n|\u2028|\u2029")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Times are aware; ``zone`` is the place's zone, in which the event is written.

    ``status`` is CONFIRMED, TENTATIVE or CANCELLED. ``sequence`` grows with every change that people must notice.
    """

    uid: str
    start: datetime
    end: datetime
    zone: str
    summary: str
    changed_at: datetime
    status: str = "CONFIRMED"
    sequence: int = 0
    description: str = ""
    location: str = ""
    url: str = ""
    private: bool = True


@functools.lru_cache(maxsize=2048)
def escape(text: str) -> str:
    """A text value: backslash, semicolon, comma and line break escaped (RFC 5545, 3.3.11)."""
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return _FORBIDDEN.sub("", _BREAK.sub("\\\\n", text))


def fold(line: str) -> str:
    """A content line in pieces of at most 75 octets, further ones begun with a blank; no character is cut in two."""
    if len(line) <= LINE_OCTETS and line.isascii():
        return line
    raw = line.encode()
    if len(raw) <= LINE_OCTETS:
        return line
    pieces: list[str] = []
    start, room = 0, LINE_OCTETS
    while start < len(raw):
        end = min(start + room, len(raw))
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        pieces.append(raw[start:end].decode())
        start, room = end, LINE_OCTETS - 1
    return (CRLF + " ").join(pieces)


def utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def calendar(name: str, events: Sequence[Event], *, refresh: timedelta = timedelta(minutes=15)) -> str:
    """A whole calendar. The same events give the same bytes, so that a mark of the contents can be compared."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        _text("NAME", name),
        _text("X-WR-CALNAME", name),
        f"REFRESH-INTERVAL;VALUE=DURATION:{_duration(refresh)}",
        f"X-PUBLISHED-TTL:{_duration(refresh)}",
    ]
    for zone_name in sorted({event.zone for event in events}):
        mine = [event for event in events if event.zone == zone_name]
        lines += timezone(zone_name, min(e.start for e in mine).year - 1, max(e.end for e in mine).year + 1)
    for event in events:
        lines += _event(event)
    lines.append("END:VCALENDAR")
    return CRLF.join(lines) + CRLF


def invitation(method: str, event: Event, *, organizer: str, attendee: str, answer_wanted: bool) -> str:
    """An iTIP message (RFC 5546) about one event for one person.

    Args:
        method: REQUEST or CANCEL.
        organizer, attendee: mail addresses; answers go to the organizer's.
    """
    wanted = ";PARTSTAT=NEEDS-ACTION;RSVP=TRUE" if answer_wanted and method == "REQUEST" else ""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", f"METHOD:{method}"]
    lines += timezone(event.zone, event.start.year - 1, event.end.year + 1)
    *body, end = _event(event)
    # The last piece holds CLASS, TRANSP and the end of the event together.
    lines += [
        *body,
        fold(f"ORGANIZER:mailto:{organizer}"),
        fold(f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT{wanted}:mailto:{attendee}"),
        end,
        "END:VCALENDAR",
    ]
    return CRLF.join(lines) + CRLF


def free_busy(name: str, busy: Sequence[tuple[datetime, datetime]], start: datetime, end: datetime) -> str:
    """When something or somebody is busy, and nothing else (RFC 5545, 3.6.4). Spans may overlap; they are joined."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VFREEBUSY",
        fold(f"UID:{escape(name)}"),
        f"DTSTAMP:{utc(start)}",
        f"DTSTART:{utc(start)}",
        f"DTEND:{utc(end)}",
    ]
    for begin, until in _joined(busy):
        if begin < end and until > start:
            lines.append(f"FREEBUSY;FBTYPE=BUSY:{utc(max(begin, start))}/{utc(min(until, end))}")
    lines += ["END:VFREEBUSY", "END:VCALENDAR"]
    return CRLF.join(lines) + CRLF


def _joined(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    result: list[tuple[datetime, datetime]] = []
    for begin, until in sorted(spans):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], until))
        else:
            result.append((begin, until))
    return result


def _duration(value: timedelta) -> str:
    return f"PT{int(value.total_seconds()) // 60}M"


def _event(event: Event) -> Iterator[str]:
    stamp = utc(event.changed_at)
    yield "BEGIN:VEVENT"
    yield fold(f"UID:{escape(event.uid)}")
    # Lines that cannot be long go in one piece, which halves the time for a large feed.
    yield (
        f"DTSTAMP:{stamp}\r\nLAST-MODIFIED:{stamp}\r\nSEQUENCE:{event.sequence}\r\nSTATUS:{event.status}\r\n"
        f"{_moment('DTSTART', event.start, event.zone)}\r\n{_moment('DTEND', event.end, event.zone)}"
    )
    yield _text("SUMMARY", event.summary)
    if event.location:
        yield _text("LOCATION", event.location)
    if event.description:
        yield _text("DESCRIPTION", event.description)
    if event.url:
        yield fold(f"URL:{event.url}")
    yield (
        f"CLASS:{'PRIVATE' if event.private else 'PUBLIC'}\r\n"
        f"TRANSP:{'TRANSPARENT' if event.status == 'CANCELLED' else 'OPAQUE'}\r\nEND:VEVENT"
    )


@functools.lru_cache(maxsize=2048)
def _text(name: str, text: str) -> str:
    return fold(f"{name}:{escape(text)}")


def _moment(name: str, moment: datetime, zone_name: str) -> str:
    local = moment.astimezone(zone_of(zone_name))
    if local.fold:
        # A wall-clock time that happens twice means the first one (RFC 5545, 3.3.5); the second is written in UTC.
        return f"{name}:{utc(moment)}"
    return f"{name};TZID={zone_name}:{local:%Y%m%dT%H%M%S}"


# ---- time zones ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rule:
    """What holds from a change of the clock on."""

    before: timedelta
    after: timedelta
    name: str
    summer: bool


@functools.lru_cache(maxsize=64)
def timezone(name: str, first_year: int, last_year: int) -> tuple[str, ...]:
    """A VTIMEZONE, exact from the first year to the last: every change of the clock as the zone's data has it."""
    lines = ["BEGIN:VTIMEZONE", f"TZID:{name}"]
    for rule, onsets in _rules(name, first_year, last_year).items():
        kind = "DAYLIGHT" if rule.summer else "STANDARD"
        # An onset is written in the wall-clock time that held before it.
        lines += [f"BEGIN:{kind}", f"DTSTART:{onsets[0]:%Y%m%dT%H%M%S}"]
        lines += [f"RDATE:{onset:%Y%m%dT%H%M%S}" for onset in onsets[1:]]
        lines += [f"TZOFFSETFROM:{_offset(rule.before)}", f"TZOFFSETTO:{_offset(rule.after)}"]
        lines += [f"TZNAME:{escape(rule.name)}", f"END:{kind}"]
    lines.append("END:VTIMEZONE")
    return tuple(lines)


def _rules(name: str, first_year: int, last_year: int) -> dict[_Rule, list[datetime]]:
    tz = zone_of(name)

    def state(moment: datetime) -> tuple[timedelta, str, bool]:
        local = moment.astimezone(tz)
        return local.utcoffset() or timedelta(), local.tzname() or name, bool(local.dst())

    begin = datetime(first_year, 1, 1, tzinfo=UTC)
    end = datetime(last_year + 1, 1, 1, tzinfo=UTC)
    offset, label, summer = state(begin)
    found = {_Rule(offset, offset, label, summer): [(begin + offset).replace(tzinfo=None)]}
    for low, high in _days(begin, end):
        before, after = state(low), state(high)
        if before == after:
            continue
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) // 2
            middle -= timedelta(microseconds=middle.microsecond)
            low, high = (middle, high) if state(middle) == before else (low, middle)
        rule = _Rule(before[0], after[0], after[1], after[2])
        found.setdefault(rule, []).append((high + before[0]).replace(tzinfo=None))
    return found


def _days(begin: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
    day = begin
    while day < end:
        yield day, day + timedelta(days=1)
        day += timedelta(days=1)


def _offset(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    sign = "-" if seconds < 0 else "+"
    seconds = abs(seconds)
    text = f"{sign}{seconds // 3600:02d}{seconds % 3600 // 60:02d}"
    return text + (f"{seconds % 60:02d}" if seconds % 60 else "")
