"""Calendars of others: real ones against an independent engine's lists, recurrence rules against libical's, and what is
broken, huge, hostile or from a dialect of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import weakref
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import recurring_ical_events

import config
from resource_hub.adapters import calendar_expansion, calendar_files
from resource_hub.adapters.calendar_expansion import expand
from resource_hub.domain.availability.errors import CalendarRefused
from resource_hub.domain.availability.terms import CalendarRead
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import moment, span

DATA = Path(os.environ.get("RESOURCE_HUB_DATA") or config.ROOT.parent / "shared" / "data") / "ical"
# Fails, and says where they are looked for: without the real calendars nothing here is shown.
needs_data = pytest.mark.usefixtures("data_dir")
# Stands for the rows of a file that is not there, so that their test runs and fails.
ABSENT: list[dict[str, Any]] = [{"file": "absent", "case": "absent"}]

SPRING = span("2026-03-01T00:00Z", "2026-05-01T00:00Z")


def calendar(*events: str, head: str = "") -> bytes:
    blocks = [f"BEGIN:VEVENT\nUID:{n}\n{event}\nEND:VEVENT" for n, event in enumerate(events)]
    text = "\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", *([head] if head else []), *blocks, "END:VCALENDAR", ""]
    )
    return text.replace("\n", "\r\n").encode()


def spans(read: CalendarRead) -> list[tuple[str, str]]:
    return [(f"{e.span.start:%Y-%m-%dT%H:%M}", f"{e.span.end:%Y-%m-%dT%H:%M}") for e in read.busy]


def codes(read: CalendarRead) -> list[str]:
    return [reason.code for reason in read.faults]


# ---- real calendars --------------------------------------------------------------------------------------------


@cache
def expected() -> dict[str, Any]:
    return json.loads((DATA / "expected_occurrences.json").read_text(encoding="utf-8"))


def instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# Where we hold less than the engine lists: file, number of occurrences, and why they are no busy time. The engine lists
# every occurrence; RFC 5545 says which of them take up time.
NOT_BUSY = {
    "ical4j/valid/6.ics": (1, "3.6.1: without DTEND it ends at the moment at which it starts"),
    "ical4j/valid/Earth32Seasons.ics": (12, "3.6.1: DTEND is DTSTART, a moment"),
    "ical4j/valid/EstoniaHolidays.ics": (249, "3.8.2.7: TRANSP:TRANSPARENT"),
    "ical4j/valid/classify.ics": (1, "3.6.1: a moment"),
    "ical4j/valid/maritz.ics": (3, "3.8.2.7: TRANSP:TRANSPARENT"),
    "ical4j/valid/php-flp.ics": (1, "3.6.1: a moment"),
    "ical4j/valid/rfc5545-sec3.6.1.ics": (4, "3.8.2.7: TRANSP:TRANSPARENT"),
    "node-ical/exchange_whole_day_moved_recurrence.ics": (51, "3.8.2.7: TRANSP:TRANSPARENT"),
    "node-ical/exchange_whole_day_moved_recurrence_offset_tz.ics": (51, "3.8.2.7: TRANSP:TRANSPARENT"),
    "node-ical/festival-multiday-rrule.ics": (53, "3.6.1: moments"),
    "node-ical/tentative-apple-calendar.ics": (1, "3.8.1.11: STATUS:CANCELLED"),
    "node-ical/whole_day_moved_over_dst_change_berlin.ics": (3, "3.8.2.7: TRANSP:TRANSPARENT"),
}
# The engine reads times in zones that it does not know as times without one (3.2.19: TZID must be found in the file);
# we ask. With the answer that it gave itself the lists are the same. "(GMT +01:00)" says all there is to know.
ASKED = {
    "node-ical/Office-2012-owa.ics": {
        "(GMT+10:00) Canberra, Melbourne, Sydney": "UTC",
        "(UTC-05:00) Eastern Time (US & Canada)": "UTC",
    },
    "node-ical/test_with_tz_list.ics": {
        "Amsterdam, Belgrade, Berlin, Brussels, Budapest, Madrid, Paris, Prague, Stockholm": "UTC",
    },
}
SHIFTED = {"node-ical/music-school-weekly-until.ics": timedelta(hours=-1)}


@needs_data
@pytest.mark.parametrize("row", expected()["files"] if DATA.is_dir() else ABSENT, ids=lambda row: row["file"])
def test_busy_time_is_that_of_an_independent_engine(row: dict[str, Any]) -> None:
    name = row["file"]
    window = TimeSpan(*(instant(day) for day in row["window"]))
    shift = SHIFTED.get(name, timedelta())
    read = expand(
        (DATA / name).read_bytes(), TimeSpan(window.start + shift, window.end + shift), "UTC", ASKED.get(name)
    )
    assert codes(read) == []
    less, _why = NOT_BUSY.get(name, (0, ""))
    assert len(read.busy) + less == row["occurrences"]
    listed = [(instant(start) + shift, instant(end) + shift) for start, end in row["first"]]
    held = {(e.span.start, e.span.end) for e in read.busy}
    missing = [pair for pair in listed if pair[0] < pair[1] and pair not in held]
    assert len(missing) <= less
    if not row["truncated"]:
        assert {pair for pair in listed if pair[0] < pair[1]} >= held


@needs_data
def test_a_zone_that_nobody_knows_is_asked_for_and_never_guessed() -> None:
    read = expand(
        (DATA / "node-ical/Office-2012-owa.ics").read_bytes(),
        span("2020-01-01T00:00Z", "2021-01-01T00:00Z"),
        "UTC",
    )
    assert read.busy == ()
    assert set(read.unknown_zones) == set(ASKED["node-ical/Office-2012-owa.ics"])
    assert codes(read) == ["calendar.unknown_zone"] * 2
    assert [r.values["events"] for r in read.faults] == [1, 3]


# What the engine could not expand at all: what we hold of it, or why we refuse it.
NOT_EXPANDED = {
    "ical4j/invalid/13-MoonPhase.ics": "calendar.cut_off",
    "ical4j/invalid/phpicalendar_sample.ics": {"calendar.event_broken"},
    "ical4j/invalid/smallcluster.ics": {"calendar.event_broken"},
    "ical4j/invalid/twinkle.ics": set(),
    "ical4j/invalid/twinkle_orig.ics": set(),
    "ical4j/valid/3.ics": set(),
    "ical4j/valid/blankTzid.ics": set(),
    "ical4j/valid/categories.ics": {"calendar.event_without_start"},
    "ical4j/valid/custom_component.ics": set(),
    "ical4j/valid/incoming.ics": {"calendar.event_without_start"},
    "ical4j/valid/mansour.ics": {"calendar.event_without_start"},
    "ical4j/valid/rfc5545-sec3.6.4.ics": set(),
    "ical4j/valid/rfc5545-sec3.6.6.ics": set(),
    "node-ical/attendee-with-url.ics": {"calendar.event_without_start"},
    "node-ical/event-with-category.ics": {"calendar.event_without_start"},
    "node-ical/large-file-with-late-error.ics": {"calendar.event_broken"},
    "node-ical/multi-event-basic.ics": {"calendar.event_broken"},
    "node-ical/test_date_duration.ics": {"calendar.event_broken"},
    "node-ical/utf8-french-calendar.ics": set(),
    "node-ical/vfreebusy-zimbra.ics": set(),
}


@needs_data
@pytest.mark.parametrize(
    "row", expected()["not_expanded"] if DATA.is_dir() else ABSENT, ids=lambda row: row["file"]
)
def test_what_is_broken_costs_its_own_events_and_says_so(row: dict[str, Any]) -> None:
    wanted: Any = NOT_EXPANDED[row["file"]]
    decades = span("1990-01-01T00:00Z", "2030-01-01T00:00Z")
    body = (DATA / row["file"]).read_bytes()
    if isinstance(wanted, str):
        with pytest.raises(CalendarRefused) as refused:
            expand(body, decades, "UTC")
        assert refused.value.reasons[0].code == wanted
        return
    assert set(codes(expand(body, decades, "UTC", seconds_each=60))) == wanted


@needs_data
def test_one_broken_event_among_four_hundred_is_one_fault() -> None:
    body = (DATA / "node-ical/large-file-with-late-error.ics").read_bytes()
    read = expand(body, span("2000-01-01T00:00Z", "2040-01-01T00:00Z"), "UTC")
    assert (read.events, len(read.busy), len(read.faults)) == (401, 394, 7)
    assert {"line", "summary"} <= set(read.faults[0].values)


# ---- recurrence rules ------------------------------------------------------------------------------------------


@cache
def firm() -> list[dict[str, Any]]:
    rows = json.loads((DATA / "libical_rrule_cases.json").read_text(encoding="utf-8"))
    return [row for row in rows if row["python_dateutil"] == "same"]


def finer(row: dict[str, Any]) -> bool:
    return any(word in row["RRULE"] for word in ("HOURLY", "MINUTELY", "SECONDLY"))


def wall(text: str) -> datetime:
    return datetime.strptime(f"{text[:15]}T000000"[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


# Rules that their own DTSTART does not fit. libical lists the rule alone; RFC 5545, 3.8.5.3: "The DTSTART property
# value defines the first instance in the recurrence set", and its own example of every Friday the 13th takes DTSTART
# out again with an EXDATE. The laboratory entered an event at that time, so it is held.
START_BESIDE_THE_RULE = {23, 70, 71, 73, 116, 134}


@needs_data
@pytest.mark.parametrize(
    "row", [r for r in firm() if not finer(r)] if DATA.is_dir() else ABSENT, ids=lambda row: str(row["case"])
)
def test_firm_lists_of_daily_or_longer_rules_hold(row: dict[str, Any]) -> None:
    start = wall(row["DTSTART"])
    listed = [wall(text) for text in row["INSTANCES"]]
    body = calendar(f"DTSTART:{row['DTSTART']}\nDURATION:PT1S\nRRULE:{row['RRULE']}")
    read = expand(body, TimeSpan(start, max([start, *listed]) + timedelta(seconds=1)), "UTC")
    added = [start] if row["case"] in START_BESIDE_THE_RULE else []
    assert start not in listed or not added
    assert [e.span.start for e in read.busy] == sorted([*added, *listed])


@needs_data
@pytest.mark.parametrize(
    "row", [r for r in firm() if finer(r)] if DATA.is_dir() else ABSENT, ids=lambda row: str(row["case"])
)
def test_finer_rules_are_refused_with_the_reason(row: dict[str, Any]) -> None:
    body = calendar(f"DTSTART:{row['DTSTART']}\nDURATION:PT1S\nRRULE:{row['RRULE']}\nSUMMARY:Often")
    read = expand(body, span("1990-01-01T00:00Z", "2030-01-01T00:00Z"), "UTC")
    assert read.busy == ()
    assert codes(read) == ["calendar.rule_too_fine"]
    assert read.faults[0].values["summary"] == "Often"


@needs_data
def test_there_are_sixty_six_and_sixteen_of_them() -> None:
    assert len([r for r in firm() if not finer(r)]) == 66
    assert len([r for r in firm() if finer(r)]) == 16


# ---- clock changes ---------------------------------------------------------------------------------------------

# Zone, wall-clock start and end, and the instants. 3.3.5: a time that the clock skips has the offset before the change,
# one that it repeats is the first.
CLOCKS = [
    ("Europe/Berlin", "20260329T023000", "20260329T040000", "2026-03-29T01:30", "2026-03-29T02:00"),
    ("Europe/Berlin", "20261025T023000", "20261025T030000", "2026-10-25T00:30", "2026-10-25T02:00"),
    ("America/New_York", "20260308T023000", "20260308T040000", "2026-03-08T07:30", "2026-03-08T08:00"),
    ("America/New_York", "20261101T013000", "20261101T020000", "2026-11-01T05:30", "2026-11-01T07:00"),
    ("Australia/Lord_Howe", "20261004T021500", "20261004T030000", "2026-10-03T15:45", "2026-10-03T16:00"),
    ("Australia/Lord_Howe", "20260405T014500", "20260405T020000", "2026-04-04T14:45", "2026-04-04T15:30"),
    ("Asia/Kathmandu", "20260305T090000", "20260305T100000", "2026-03-05T03:15", "2026-03-05T04:15"),
    ("China Standard Time", "20260305T090000", "20260305T100000", "2026-03-05T01:00", "2026-03-05T02:00"),
    ("/freeassociation.sourceforge.net/Asia/Shanghai", "20260305T090000", "20260305T100000",
     "2026-03-05T01:00", "2026-03-05T02:00"),
    ("UTC+08", "20260305T090000", "20260305T100000", "2026-03-05T01:00", "2026-03-05T02:00"),
]  # fmt: skip


@pytest.mark.parametrize("row", CLOCKS, ids=lambda row: f"{row[0]} {row[1]}")
def test_wall_clock_times_become_instants(row: tuple[str, ...]) -> None:
    zone, start, end, first, last = row
    body = calendar(f"DTSTART;TZID={zone}:{start}\nDTEND;TZID={zone}:{end}")
    read = expand(body, span("2026-01-01T00:00Z", "2027-01-01T00:00Z"), "UTC")
    assert codes(read) == []
    assert spans(read) == [(first, last)]


@pytest.mark.parametrize(
    ("zone", "utc_hours"),
    [
        ("Europe/Berlin", {7, 8}),
        ("America/New_York", {12, 13}),
        ("Asia/Shanghai", {0}),
        ("Australia/Sydney", {21, 22}),
    ],
)
def test_weekly_for_a_year_keeps_weekday_and_wall_clock(zone: str, utc_hours: set[int]) -> None:
    from zoneinfo import ZoneInfo

    body = calendar(
        f"DTSTART;TZID={zone}:20260302T0{'8' if zone != 'Europe/Berlin' else '9'}0000\nDURATION:PT2H\nRRULE:FREQ=WEEKLY;COUNT=53"
    )
    read = expand(body, span("2026-03-01T00:00Z", "2027-04-01T00:00Z"), "UTC")
    local = [e.span.start.astimezone(ZoneInfo(zone)) for e in read.busy]
    assert len(local) == 53
    assert {(t.weekday(), t.hour, t.minute) for t in local} == {(0, 9 if zone == "Europe/Berlin" else 8, 0)}
    assert {e.span.start.hour for e in read.busy} == utc_hours
    assert all(b - a == timedelta(days=7) for a, b in pairwise(t.replace(tzinfo=None) for t in local))


# ---- dialects --------------------------------------------------------------------------------------------------


def test_times_without_a_zone_are_the_laboratorys_or_googles() -> None:
    event = "DTSTART:20260305T090000\nDTEND:20260305T100000"
    assert spans(expand(calendar(event), SPRING, "Asia/Shanghai")) == [
        ("2026-03-05T01:00", "2026-03-05T02:00")
    ]
    google = calendar(event, head="X-WR-TIMEZONE:Asia/Tokyo")
    assert spans(expand(google, SPRING, "Asia/Shanghai")) == [("2026-03-05T00:00", "2026-03-05T01:00")]
    nonsense = calendar(event, head="X-WR-TIMEZONE:Middle/Earth")
    assert spans(expand(nonsense, SPRING, "Asia/Shanghai")) == [("2026-03-05T01:00", "2026-03-05T02:00")]


@pytest.mark.parametrize(
    ("event", "held"),
    [
        ("DTSTART;VALUE=DATE:20260305", [("2026-03-04T16:00", "2026-03-05T16:00")]),
        (
            "DTSTART;VALUE=DATE:20260305\nDTEND;VALUE=DATE:20260305",
            [("2026-03-04T16:00", "2026-03-05T16:00")],
        ),
        (
            "DTSTART;VALUE=DATE:20260305\nDTEND;VALUE=DATE:20260308",
            [("2026-03-04T16:00", "2026-03-07T16:00")],
        ),
        ("DTSTART;VALUE=DATE:20260305\nDURATION:P2D", [("2026-03-04T16:00", "2026-03-06T16:00")]),
        ("DTSTART:20260305T090000Z", []),
        ("DTSTART:20260305T090000Z\nDTEND:20260305T090000Z", []),
        ("DTSTART:20260305T090000Z\nDURATION:PT0S", []),
        ("DTSTART:20260305T090000Z\nDTEND:20260305T100000Z\nTRANSP:TRANSPARENT", []),
        ("DTSTART:20260305T090000Z\nDTEND:20260305T100000Z\nSTATUS:CANCELLED", []),
        (
            "DTSTART:20260305T090000Z\nDTEND:20260305T100000Z\nSTATUS:TENTATIVE",
            [("2026-03-05T09:00", "2026-03-05T10:00")],
        ),
        ("DTSTART:20260305T090000Z\nDTEND:20260305T100000Z\nX-MICROSOFT-CDO-BUSYSTATUS:FREE", []),
        (
            "DTSTART:20260305T090000Z\nDTEND:20260305T100000Z\nX-MICROSOFT-CDO-BUSYSTATUS:OOF",
            [("2026-03-05T09:00", "2026-03-05T10:00")],
        ),
        # Over the edge of the span that is read: whole, for the caller to cut.
        ("DTSTART:20260228T220000Z\nDTEND:20260301T020000Z", [("2026-02-28T22:00", "2026-03-01T02:00")]),
        ("DTSTART:20260228T220000Z\nDTEND:20260301T000000Z", []),
        ("DTSTART:20260501T000000Z\nDTEND:20260501T010000Z", []),
    ],
)
def test_what_takes_up_time(event: str, held: list[tuple[str, str]]) -> None:
    read = expand(calendar(event), SPRING, "Asia/Shanghai")
    assert codes(read) == []
    assert spans(read) == held


def test_a_cancelled_calendar_holds_nothing() -> None:
    body = calendar("DTSTART:20260305T090000Z\nDTEND:20260305T100000Z", head="METHOD:CANCEL")
    assert expand(body, SPRING, "UTC").busy == ()


def test_exceptions_and_moved_occurrences_of_a_series() -> None:
    series = (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:s\nDTSTART;TZID=Asia/Shanghai:20260302T090000\nDURATION:PT1H\n"
        "RRULE:FREQ=DAILY;COUNT=5\nEXDATE;TZID=Asia/Shanghai:20260303T090000\n"
        "RDATE;TZID=Asia/Shanghai:20260310T090000\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:s\nRECURRENCE-ID;TZID=Asia/Shanghai:20260304T090000\n"
        "DTSTART;TZID=Asia/Shanghai:20260304T140000\nDTEND;TZID=Asia/Shanghai:20260304T160000\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:s\nRECURRENCE-ID;TZID=Asia/Shanghai:20260305T090000\nSTATUS:CANCELLED\n"
        "DTSTART;TZID=Asia/Shanghai:20260305T090000\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    assert spans(expand(series.encode(), SPRING, "UTC")) == [
        ("2026-03-02T01:00", "2026-03-02T02:00"),
        ("2026-03-04T06:00", "2026-03-04T08:00"),
        ("2026-03-06T01:00", "2026-03-06T02:00"),
        ("2026-03-10T01:00", "2026-03-10T02:00"),
    ]


def test_a_zone_of_the_files_own() -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Customized Time Zone 7\nBEGIN:STANDARD\nDTSTART:16010101T000000\n"
        "TZOFFSETFROM:+0345\nTZOFFSETTO:+0345\nEND:STANDARD\nEND:VTIMEZONE"
    )
    event = "DTSTART;TZID=Customized Time Zone 7:20260305T090000\nDURATION:PT1H"
    assert spans(expand(calendar(event, head=zone), SPRING, "UTC")) == [
        ("2026-03-05T05:15", "2026-03-05T06:15")
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_names_in_chinese_encodings(encoding: str) -> None:
    text = calendar("DTSTART:20260305T090000Z\nDURATION:PT1H\nSUMMARY:组会\\, 每周").decode()
    assert expand(text.encode(encoding), SPRING, "UTC").busy[0].summary == "组会, 每周"


# ---- broken, huge, hostile -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("DTSTART:20260305T100000Z\nDTEND:20260305T090000Z", "calendar.event_backwards"),
        ("DTSTART:20260305T100000Z\nDURATION:-PT1H", "calendar.event_backwards"),
        ("DTSTART:20260305T100000Z\nDTEND:20360305T100000Z", "calendar.event_too_long"),
        ("DTSTART:20260305T100000Z\nDTEND:20270306T100001Z", "calendar.event_too_long"),
        ("DTEND:20260305T100000Z", "calendar.event_without_start"),
        ("DTSTART:20260230T100000Z\nDURATION:PT1H", "calendar.event_broken"),
        ("DTSTART:tomorrow\nDURATION:PT1H", "calendar.event_broken"),
        ("DTSTART:20260305T100000Z\nDURATION:PT1H\nRRULE:FREQ=FORTNIGHTLY", "calendar.event_broken"),
        ("DTSTART:20260305T100000Z\nDURATION:PT1H\nRRULE:COUNT=3", "calendar.event_broken"),
        ("DTSTART:20260305T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;INTERVAL=0", "calendar.event_broken"),
        ("DTSTART:20260305T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=never", "calendar.event_broken"),
        ("DTSTART:20260305T100000Z\nDURATION:PT1H\nRRULE:FREQ=HOURLY", "calendar.rule_too_fine"),
        ("DTSTART:20260305T100000Z\nDURATION:PT1H\nRRULE:freq=secondly", "calendar.rule_too_fine"),
        ("DTSTART;TZID=Middle/Earth:20260305T100000\nDURATION:PT1H", "calendar.unknown_zone"),
        ('DTSTART;TZID="(UTC+08:00) Beijing, Chongqing":20260305T100000\nDURATION:PT1H', "calendar.unknown_zone"),
        (
            "DTSTART:20260305T100000Z\nDURATION:PT1S\nRRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24)))
            + ";BYMINUTE=" + ",".join(map(str, range(60))) + ";BYSECOND=" + ",".join(map(str, range(60))),
            "calendar.event_too_heavy",
        ),
    ],
)  # fmt: skip
def test_a_broken_event_is_left_out_and_named(event: str, code: str) -> None:
    good = "DTSTART:20260306T090000Z\nDTEND:20260306T100000Z"
    read = expand(calendar(event, good), SPRING, "UTC")
    assert codes(read) == [code]
    assert spans(read) == [("2026-03-06T09:00", "2026-03-06T10:00")]


def test_the_longest_event_that_is_taken() -> None:
    read = expand(calendar("DTSTART:20260305T000000Z\nDURATION:P366D"), SPRING, "UTC")
    assert (codes(read), len(read.busy)) == ([], 1)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "calendar.not_a_calendar"),
        (b"<!doctype html><title>Sign in</title>", "calendar.not_a_calendar"),
        (b"\x00\xff\xfe" * 1000, "calendar.not_a_calendar"),
        (calendar("DTSTART:20260305T090000Z")[:-30], "calendar.cut_off"),
        (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X\r\n" * 50_000, "calendar.not_a_calendar"),
        (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\nEND:VEVENT\r\n" * 10_001 + b"END:VCALENDAR", "calendar.too_many_events"),
        (b" " * (calendar_expansion.MAX_BYTES + 1), "calendar.too_large"),
    ],
    ids=["nothing", "a page", "bytes", "cut off", "nested", "too many", "too large"],
)  # fmt: skip
def test_what_is_no_calendar_is_refused_as_a_whole(body: bytes, code: str) -> None:
    with pytest.raises(CalendarRefused) as refused:
        expand(body, SPRING, "UTC")
    assert [r.code for r in refused.value.reasons] == [code]


def test_a_rule_that_never_ends_to_be_counted_is_broken_off() -> None:
    slow = (
        "DTSTART:19000101T000000Z\nDURATION:PT1S\nRRULE:FREQ=DAILY;BYHOUR="
        + ",".join(map(str, range(24)))
        + (";BYMINUTE=" + ",".join(map(str, range(60))))
    )
    good = "DTSTART:20260306T090000Z\nDTEND:20260306T100000Z"
    read = expand(calendar(slow, good), SPRING, "UTC", seconds_each=0.2)
    assert codes(read) == ["calendar.event_too_heavy"]
    assert len(read.busy) == 1


def test_a_limit_whose_bell_a_callback_swallows_holds_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python drops what is raised in the callback of a weak reference, in a WeakSet of SQLAlchemy's, say."""

    def work(seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pass

    def slow(_: Any) -> Any:
        thing = type("Thing", (), {})()
        reference = weakref.ref(thing, lambda _: work(0.5))
        del thing
        assert reference() is None
        work(20)

    dropped: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", dropped.append)
    monkeypatch.setattr(recurring_ical_events, "of", slow)
    begun = time.monotonic()
    rule = "DTSTART:20260305T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"
    good = "DTSTART:20260306T090000Z\nDTEND:20260306T100000Z"
    read = expand(calendar(rule, good), SPRING, "UTC", seconds_each=0.1)
    assert codes(read) == ["calendar.event_too_heavy"]
    assert spans(read) == [("2026-03-06T09:00", "2026-03-06T10:00")]
    assert time.monotonic() - begun < 10
    assert dropped == [] and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_too_many_occurrences_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar_expansion, "MAX_OCCURRENCES", 100)
    daily = "DTSTART:20260101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"
    assert len(expand(calendar(daily), span("2026-01-01T00:00Z", "2026-04-11T00:00Z"), "UTC").busy) == 100
    with pytest.raises(CalendarRefused):
        expand(calendar(daily), span("2026-01-01T00:00Z", "2026-04-12T00:00Z"), "UTC")


# ---- the process of its own ------------------------------------------------------------------------------------


def test_the_child_says_what_the_reader_says() -> None:
    body = calendar(
        "DTSTART;TZID=Asia/Shanghai:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3\nSUMMARY:组会",
        "DTSTART:20260305T100000Z\nDTEND:20260305T090000Z",
        "DTSTART;TZID=Middle/Earth:20260305T100000",
        head="X-WR-CALNAME:Lab",
    )
    assert calendar_files.read(body, SPRING, "UTC") == expand(body, SPRING, "UTC")


def test_the_child_passes_a_refusal_on() -> None:
    with pytest.raises(CalendarRefused) as refused:
        calendar_files.read(b"nothing", SPRING, "UTC")
    assert refused.value.reasons[0].code == "calendar.not_a_calendar"


def test_the_child_is_ended_when_it_takes_too_long_or_too_much() -> None:
    body = calendar("DTSTART:20260305T090000Z\nDURATION:PT1H")
    for limits in ({"seconds": 0.01}, {"memory": 20 << 20}):
        with pytest.raises(CalendarRefused) as refused:
            calendar_files.read(body, SPRING, "UTC", **limits)  # type: ignore[arg-type]
        assert refused.value.reasons[0].code == "calendar.too_heavy"


def test_ten_thousand_events_are_read() -> None:
    start = moment("2026-03-01T00:00Z")
    events = [
        f"DTSTART:{start + timedelta(minutes=5 * n):%Y%m%dT%H%M%SZ}\nDURATION:PT5M" for n in range(10_000)
    ]
    read = calendar_files.read(calendar(*events), span("2026-03-01T00:00Z", "2027-01-01T00:00Z"), "UTC")
    assert (read.events, len(read.busy)) == (10_000, 10_000)
