"""A month at a glance: each day in words, ways to its day and its week, and few queries."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from resource_hub.domain.booking import service
from resource_hub.entrypoints.web.booking import months
from resource_hub.infra.database import db
from tests.builders.booking import make_asked, make_booking
from tests.web.booking.pages.conftest import NOW
from tests.web.booking.pages.test_choosing import calendar

pytestmark = pytest.mark.any_engine


def days(page):
    """Day → its sentence, in order."""
    found = re.findall(r'href="([^"]+)"[^>]*data-day="([\d-]+)"><span class="sr">(.*?)</span>', page, re.S)
    return {day: (text, href) for href, day, text in found}


def month(browser, scene, **query):
    return browser.see(calendar(scene), view="month", **query)


def test_each_day_says_what_is_free_taken_and_closed(app, scene, visitor, desk):
    with app.app_context():
        make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00"))
        make_booking(scene, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T17:00+08:00"))
        db.session.remove()
    found = days(month(visitor, scene, week="2026-03-02"))
    assert [min(found), max(found), len(found)] == ["2026-03-01", "2026-03-31", 31]
    assert found["2026-03-01"][0] == "Sun 1 Mar: over"
    assert re.search(r"\d h free, 2:00 h taken", found["2026-03-03"][0])
    assert "nothing free, 8:00 h taken" in found["2026-03-04"][0]
    assert "h free, nothing taken" in found["2026-03-05"][0]
    assert "not open" in found["2026-03-07"][0]
    assert "of yours" not in found["2026-03-03"][0]
    own = days(month(desk, scene, week="2026-03-02"))
    assert "of yours" in own["2026-03-03"][0] and "of yours" not in own["2026-03-05"][0]


def test_a_day_and_a_week_open_from_it(scene, visitor):
    page = month(visitor, scene, week="2026-03-31")
    assert "view=day&week=2026-03-05" in days(page)["2026-03-05"][1]
    assert "view=week&week=2026-03-09" in page
    opened = visitor.see(days(page)["2026-03-05"][1])
    assert 'data-day="2026-03-05"' in opened and "data-timetable" in opened


@pytest.mark.parametrize(
    ("asked", "first", "count"),
    [
        ("2026-02-28", "2026-02-01", 28), ("2026-04-01", "2026-04-01", 30), ("2026-04-30", "2026-04-01", 30),
        ("2026-12-31", "2026-12-01", 31), ("2027-01-01", "2027-01-01", 31), ("rubbish", "2026-03-01", 31),
        ("9999-12-31", "2026-03-01", 31), ("2026-13-01", "2026-03-01", 31),
    ],
)  # fmt: skip
def test_the_month_asked_for(scene, visitor, asked, first, count):
    found = list(days(month(visitor, scene, week=asked)))
    assert (found[0], len(found)) == (first, count)


def test_the_ways_to_other_months_end_at_today_and_at_the_horizon(scene, visitor):
    page = month(visitor, scene)
    assert 'rel="prev"' not in page and "week=2026-04-01" in page
    assert 'rel="prev"' in month(visitor, scene, week="2026-04-01")


def test_the_hosts_month_shows_each_of_its_instruments(scene, desk_of):
    page = desk_of(scene.manager_person).see(f"/o/{scene.host.code}/calendar", view="month", day="2026-03-20")
    found = days(page)
    assert len(found) == 31
    assert (
        f"/o/{scene.host.code}/calendar?day=2026-03-05&resource={scene.resource.code}"
        in found["2026-03-05"][1]
    )
    assert "view=week" in page and 'aria-current="date"' in page


@contextmanager
def statements(app):
    with app.app_context():
        engine = db.engine
    seen = []

    def note(_c, _cur, statement, *_rest):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_month_asks_no_more_than_a_week_and_its_lanes_take_ten_statements_at_most(app, scene, visitor):
    month(visitor, scene)
    with statements(app) as of_the_week:
        visitor.see(calendar(scene), view="week")
    with statements(app) as of_the_month:
        month(visitor, scene)
    assert len(of_the_month) <= len(of_the_week)
    with app.app_context():
        db.session.remove()
        span = months.span_of(scene.host.zone, NOW.date().replace(day=1))
        with statements(app) as lanes:
            service.calendar(scene.key, span, None)
        db.session.remove()
    asked = [s for s in lanes if not s.startswith("BEGIN")]
    assert len(asked) <= 10, "\n".join(s[s.find("FROM") :][:60].replace("\n", " ") for s in asked)


def test_the_words_are_those_of_each_reader(scene, desk_of):
    """Whichever language was first to open the page."""
    zh, en = desk_of(scene.manager_person, "zh"), desk_of(scene.manager_person, "en")
    for browser, here, not_here in ((zh, "已占</li>", "taken</li>"), (en, "taken</li>", "已占</li>")):
        page = browser.see(f"/o/{scene.host.code}/calendar", view="month")
        assert here in page and not_here not in page
