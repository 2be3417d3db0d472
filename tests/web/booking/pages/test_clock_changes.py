"""The night on which the clock goes back: every page carries which of the two times is meant."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from resource_hub.domain.availability.terms import WeeklyHours
from resource_hub.domain.booking import service
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.kernel.time import TimeSpan
from tests.builders.booking import make_asked, make_booking, make_scene
from tests.web.booking.pages.test_ordering import address, bookings

pytestmark = pytest.mark.any_engine

SECOND = TimeSpan(datetime(2026, 11, 1, 6, 30, tzinfo=UTC), datetime(2026, 11, 1, 7, 30, tzinfo=UTC))
TYPED = {"start_day": "2026-11-01", "start_time": "01:30", "end_time": "02:30"}
WISH = {**TYPED, "mode": "self_use", "purpose": "research", "description": "断口形貌"}


def around_the_clock(app):
    with app.app_context():
        weekly = tuple(WeeklyHours(day, 0, 1440) for day in range(7))
        found = make_scene(weekly=weekly, zone="America/New_York", rules={"step": 15})
        db.session.remove()
    return found


@pytest.fixture
def scene(app):
    with clock.fixed(datetime(2026, 10, 30, 12, tzinfo=UTC)):
        yield around_the_clock(app)


def test_a_change_form_sent_back_unchanged_changes_nothing(app, scene, desk):
    with app.app_context():
        made = make_booking(scene, asked=make_asked(SECOND.start.isoformat(), SECOND.end.isoformat()))
        db.session.remove()
    where = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}/change"
    page = desk.see(where)
    assert '<option value="-05:00" selected>01:30 (winter time)</option>' in page
    names = ("version", "start_day", "start_time", "end_day", "end_time")
    fields = {name: re.search(f'name="{name}"[^>]*value="([^"]*)"', page)[1] for name in names}
    desk.send(where, page, start_offset="-05:00", **fields)
    with app.app_context():
        assert service.booking(made.key).span == SECOND
        db.session.remove()


def test_the_second_time_can_be_chosen_and_is_asked_for(app, scene, desk):
    page = desk.see(address(scene), **TYPED)
    assert "This time comes twice on that day" in page and "01:30 (summer time)" in page
    asked = desk.send(address(scene), page, **WISH)
    assert asked.status_code == 422 and bookings(app) == []
    assert 'name="start_offset"' in asked.get_data(as_text=True)
    assert desk.send(address(scene), page, start_offset="-05:00", **WISH).status_code == 303
    [made] = bookings(app)
    assert (made.starts_at, made.ends_at) == (SECOND.start, SECOND.end)


def test_the_panel_sends_the_choice_along_with_the_price(scene, desk):
    price = f"/hosts/{scene.host.code}/resources/{scene.resource.code}/price"
    piece = desk.client.get(price, query_string=TYPED, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<template data-twice>" in piece and 'name="start_offset"' in piece
    assert "300.00" in desk.see(price, **TYPED, start_offset="-05:00")
    assert "600.00" in desk.see(price, **TYPED, start_offset="-04:00")
    later = {**TYPED, "start_time": "03:00", "end_time": "04:00"}
    piece = desk.client.get(price, query_string=later, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert 'name="start_offset"' not in piece


def test_other_times_are_links_with_the_exact_moment(app, scene, desk):
    with app.app_context():
        make_booking(scene, asked=make_asked("2026-11-01T00:00-04:00", "2026-11-01T01:30-05:00"))
        db.session.remove()
    price = f"/hosts/{scene.host.code}/resources/{scene.resource.code}/price"
    page = desk.see(price, start_day="2026-11-01", start_time="00:30", end_time="01:30", end_offset="-04:00")
    assert re.search(r'href="[^"]*start_time=01:30&start_offset=-05:00[^"]*"\s+data-start-day', page)
    series = desk.see(address(scene), **TYPED, start_offset="-05:00")
    assert re.search(r'href="[^"]*/series\?[^"]*start_offset=-05:00', series)


SERIES = {
    "mode": "self_use", "purpose": "research", "start_time": "01:30", "end_time": "02:00", "frequency": "daily",
    "interval": "1", "monthly": "day", "ends": "count", "count": "2",
}  # fmt: skip


def test_a_series_says_which_of_the_two_it_takes(scene, desk):
    where = f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}/series"
    page = desk.see(where)
    both = "01:30 comes twice on this day: UTC-04:00 and UTC-05:00."
    seen = desk.send(where, page, look="1", start_day="2026-10-31", **SERIES).get_data(as_text=True)
    assert f"{both} This is the first." in seen and seen.count(both) == 1
    seen = desk.send(where, page, look="1", start_day="2026-11-01", start_offset="-05:00", **SERIES)
    assert f"{both} This is the second." in seen.get_data(as_text=True)


def test_a_day_of_a_series_that_the_clock_skips_waits_for_a_choice(app, desk_of):
    with clock.fixed(datetime(2027, 3, 12, 12, tzinfo=UTC)):
        scene = around_the_clock(app)
        desk = desk_of(scene.booker_person)
        where = f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}/series"
        page = desk.see(where)
        wish = {**SERIES, "start_day": "2027-03-13", "start_time": "02:30", "end_time": "03:30"}
        seen = desk.send(where, page, look="1", **wish).get_data(as_text=True)
        assert "choice.2027-03-14" in seen and "put forward over this time" in seen
        assert desk.send(where, page, book="1", **wish).status_code == 409
        assert bookings(app) == []
        left_out = {"choice.2027-03-14": "skip"}
        assert desk.send(where, page, book="1", **wish, **left_out).status_code == 303
        assert len(bookings(app)) == 1


@pytest.mark.parametrize(
    ("start", "end", "at", "wide", "told"),
    [
        ("01:30-04:00", "01:30-05:00", "4.167", "4.167", "01:30 (summer time)–01:30 (winter time)"),
        ("01:15-04:00", "01:45-04:00", "5.208", "2.083", "01:15 (summer time)–01:45 (summer time)"),
        ("01:45-04:00", "01:15-05:00", "4.167", "4.167", "01:45 (summer time)–01:15 (winter time)"),
        ("00:30-04:00", "02:30-05:00", "2.083", "8.333", "00:30–02:30"),
    ],
)
def test_a_booking_in_the_hour_that_comes_twice_is_drawn(app, scene, desk, start, end, at, wide, told):
    with app.app_context():
        made = make_booking(scene, asked=make_asked(f"2026-11-01T{start}", f"2026-11-01T{end}"))
        db.session.remove()
    page = desk.see(f"/hosts/{scene.host.code}/resources/{scene.resource.code}/calendar", week="2026-11-01")
    [cell] = re.findall(r'<li class="tt-cell is-mine.*?</li>', page, re.S)
    assert f"--at:{at}%;--wide:{wide}%" in cell and told in cell.replace("\u2060", "")
    # What shows no length on the clock cannot be dragged; it is moved by the form of its page.
    assert ("data-move" in cell) is (start[:5] < end[:5])
    assert str(made.key.id) in cell


def test_what_lies_in_either_pass_of_that_hour_is_drawn_apart(app, scene, desk):
    with app.app_context():
        for offset in ("-04:00", "-05:00"):
            make_booking(scene, asked=make_asked(f"2026-11-01T01:15{offset}", f"2026-11-01T01:45{offset}"))
        db.session.remove()
    page = desk.see(f"/hosts/{scene.host.code}/resources/{scene.resource.code}/calendar", week="2026-11-01")
    cells = re.findall(r'<li class="tt-cell is-mine.*?</li>', page, re.S)
    assert [re.search(r"is-(first|second)-pass", cell)[1] for cell in cells] == ["first", "second"]
