"""The writer of calendars, read back by an independent library."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.entrypoints.feeds import ical

NOW = datetime(2026, 3, 5, 1, 0, tzinfo=UTC)


def event(**changes: object) -> ical.Event:
    values: dict = {
        "uid": "a@b", "start": NOW, "end": NOW + timedelta(hours=2), "zone": "Asia/Shanghai",
        "summary": "场发射扫描电子显微镜", "changed_at": NOW,
    }  # fmt: skip
    return ical.Event(**{**values, **changes})


def read(text: str) -> icalendar.Calendar:
    return icalendar.Calendar.from_ical(text)


@given(st.text())
def test_folding_loses_nothing_and_keeps_to_75_octets(text: str) -> None:
    line = "SUMMARY:" + ical.escape(text)
    folded = ical.fold(line)
    assert all(len(piece.encode()) <= 75 for piece in folded.split("\r\n"))
    assert folded.replace("\r\n ", "") == line


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff")))
def test_any_text_comes_back(text: str) -> None:
    back = read(ical.calendar("x", [event(summary=text, description=text + "\n" + text)]))
    found = back.walk("VEVENT")[0]
    assert str(found["SUMMARY"]) == text
    assert str(found["DESCRIPTION"]) == text + "\n" + text


def test_control_characters_and_line_ends() -> None:
    text = ical.calendar("x", [event(summary="a\x00b\r\nEND:VEVENT\u2028c\rd")])
    assert "\n" not in text.replace("\r\n", "")
    assert len(read(text).walk("VEVENT")) == 1
    assert str(read(text).walk("VEVENT")[0]["SUMMARY"]) == "ab\nEND:VEVENT\nc\nd"


def test_what_an_event_says() -> None:
    back = read(ical.calendar("我的预约", [event(status="CANCELLED", sequence=3, url="https://x.example/y")]))
    assert str(back["X-WR-CALNAME"]) == "我的预约"
    found = back.walk("VEVENT")[0]
    assert found.decoded("DTSTART") == NOW
    assert found["DTSTART"].params["TZID"] == "Asia/Shanghai"
    assert found.decoded("DTEND") == NOW + timedelta(hours=2)
    assert (found["STATUS"], found["SEQUENCE"], str(found["UID"])) == ("CANCELLED", 3, "a@b")
    assert found.decoded("LAST-MODIFIED") == NOW


def test_same_events_give_the_same_bytes() -> None:
    assert ical.calendar("x", [event()]) == ical.calendar("x", [event()])


ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Asia/Kathmandu",
]


@pytest.mark.parametrize("name", ZONES)
def test_the_zone_of_the_feed_agrees_with_the_world(name: str) -> None:
    """The zone is read from the feed alone, without the reader's own zone data, and asked every few hours of years."""
    back = read("\r\n".join(["BEGIN:VCALENDAR", *ical.timezone(name, 2025, 2027), "END:VCALENDAR", ""]))
    component = back.walk("VTIMEZONE")[0]
    component["TZID"] = icalendar.vText("x-own-" + name.replace("/", "-"))
    mine = component.to_tz(lookup_tzid=False)
    moment = datetime(2025, 1, 1, 12, tzinfo=UTC)
    while moment.year < 2028:
        wall = moment.astimezone(ZoneInfo(name))
        plain = wall.replace(tzinfo=None)
        twice = wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
        if not twice:
            assert plain.replace(tzinfo=mine).utcoffset() == wall.utcoffset(), plain
        moment += timedelta(hours=5)


def test_a_time_that_happens_twice_is_said_in_utc_the_second_time() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, before the clock goes back
    text = ical.calendar("x", [event(start=first, end=first + timedelta(hours=1), zone="Europe/Berlin")])
    assert "DTSTART;TZID=Europe/Berlin:20261025T023000" in text
    assert "DTEND:20261025T013000Z" in text


def test_two_thousand_events_are_written_quickly() -> None:
    many = [
        event(
            uid=f"{n}@x",
            start=NOW + timedelta(hours=n),
            end=NOW + timedelta(hours=n + 1),
            description="描述" * 30,
        )
        for n in range(2000)
    ]
    ical.calendar("x", many[:1])
    begun = time.perf_counter()
    text = ical.calendar("x", many)
    took = time.perf_counter() - begun
    assert text.count("BEGIN:VEVENT") == 2000
    assert took < 0.5, f"{took:.3f} s"  # some 40 ms on a quiet machine
