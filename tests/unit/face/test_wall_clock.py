"""Instants through the fields of a form and back: what a clock change repeats is asked for, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from resource_hub.entrypoints.support import formatting, language, wall_clock
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.web.booking.reading_forms import span_fields, typed_span
from resource_hub.kernel.time import TimeSpan

NEW_YORK = "America/New_York"
# Instants of changes: an hour and half an hour back and forth, at midnight, and a day that was left out.
CHANGES = [
    (NEW_YORK, "2026-11-01T06:00"), (NEW_YORK, "2026-03-08T07:00"), ("Europe/Berlin", "2026-10-25T01:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"), ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("America/Sao_Paulo", "2018-02-18T02:00"), ("America/Sao_Paulo", "2018-11-04T03:00"),
    ("Pacific/Apia", "2011-12-30T10:00"), ("Pacific/Apia", "2021-04-03T14:00"), ("Europe/Moscow", "2014-10-25T22:00"),
    ("Asia/Shanghai", "2026-11-01T06:00"), ("Europe/Dublin", "2026-10-25T01:00"),
]  # fmt: skip
MINUTES = st.integers(-1600, 1600)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def page():
    app = Flask("resource_hub")
    app.config.update(SECRET_KEY="x", TESTING=True)
    language.install(app)
    with app.test_request_context("/x", headers={"Accept-Language": "en"}):
        yield


@given(st.sampled_from(CHANGES), MINUTES, st.integers(1, 1600))
def test_a_span_comes_back_as_it_went_out(change, minutes, length):
    zone, moment = change
    start = utc(moment) + timedelta(minutes=minutes)
    span = TimeSpan(start, start + timedelta(minutes=length))
    found = typed_span(span_fields(span, zone), zone)
    assert (found.span, found.fault) == (span, None)


@given(st.sampled_from(CHANGES), MINUTES)
def test_a_moment_comes_back_as_it_went_out(change, minutes):
    zone, text = change
    moment = utc(text) + timedelta(minutes=minutes)
    fields = wall_clock.fields("at", moment, zone)
    form = Form({}, MultiDict(fields))
    assert form.moment("at", zone=zone) == moment and form.ok
    offered = [value for value, _text in form.twice("at", zone)]
    assert (fields["at_offset"] in offered) if offered else not fields["at_offset"]


def test_a_time_that_comes_twice_is_asked_for():
    fields = {"start_day": "2026-11-01", "start_time": "01:30", "end_time": "02:30"}
    assert typed_span(fields, NEW_YORK).fault == "form.repeated_time"
    form = Form({}, MultiDict(fields))
    assert form.twice("start", NEW_YORK) == [
        ("-04:00", "01:30 (summer time)"), ("-05:00", "01:30 (winter time)"),
    ]  # fmt: skip
    assert form.twice("end", NEW_YORK, "start") == []
    assert form.moment("start", zone=NEW_YORK) is None
    assert [e.code for e in form.errors] == ["form.repeated_time"]
    first = typed_span({**fields, "start_offset": "-04:00"}, NEW_YORK).span
    second = typed_span({**fields, "start_offset": "-05:00"}, NEW_YORK).span
    assert first is not None and second is not None and (first.seconds, second.seconds) == (7200, 3600)
    # Only one of the two ends lies after this start; an old mark beside a time that comes once says nothing.
    winter = {"start_day": "2026-11-01", "start_time": "01:30", "start_offset": "-05:00", "end_time": "01:45"}
    assert typed_span(winter, NEW_YORK).span == TimeSpan(utc("2026-11-01T06:30"), utc("2026-11-01T06:45"))
    later = {**fields, "start_time": "03:00", "end_time": "04:00", "start_offset": "-04:00"}
    assert typed_span(later, NEW_YORK).span == TimeSpan(utc("2026-11-01T08:00"), utc("2026-11-01T09:00"))


def test_a_time_that_the_clock_leaves_out_is_told():
    gap = {"start_day": "2026-03-08", "start_time": "02:30", "end_time": "04:00", "start_offset": "-05:00"}
    assert typed_span(gap, NEW_YORK).fault == "form.skipped_time"
    assert Form({}, MultiDict(gap)).twice("start", NEW_YORK) == []


def test_what_is_shown_says_which_one():
    hour = TimeSpan(utc("2026-11-01T05:30"), utc("2026-11-01T06:30"))
    shown = formatting.span(hour, NEW_YORK)
    assert "01:30 (summer time)" in shown and "01:30 (winter time)" in shown
    assert "(" not in formatting.span(TimeSpan(hour.end, utc("2026-11-01T08:00")), "Asia/Shanghai")
    assert formatting.clock(utc("2014-10-25T22:30"), "Europe/Moscow") == "01:30 (second time)"
