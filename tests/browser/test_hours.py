"""A lab manager at the keyboard, at a desk and on a phone: hours changed with the bookings they hit, a request answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from resource_hub.domain.availability.terms import OnHolidays
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import BookingRecord, BookingState
from resource_hub.entrypoints.web.booking import hosting
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.kernel.time import zone
from tests.builders import accounts as build
from tests.builders.availability import make_weekly
from tests.builders.booking import Scene, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing
from tests.support.accessibility import assert_accessible
from tests.support.installation import wait_for
from tests.support.keys import tab_to

pytestmark = pytest.mark.browser

WIDTHS = {"desk": (1440, 900), "phone": (390, 844)}


@pytest.fixture(params=WIDTHS)
def world(
    app: Any, page: Any, live_server: Any, request: pytest.FixtureRequest
) -> tuple[Scene, BookingRecord]:
    """Open every day; somebody asks for two hours the day after tomorrow; the manager is signed in."""
    with app.app_context():
        weekly = make_weekly(weekdays=range(7), on_holidays=OnHolidays.OPEN)
        scene = make_scene(weekly=weekly, rules={"approval": "always"})
        day = clock.now().astimezone(zone("Asia/Shanghai")).date() + timedelta(days=2)
        asked = make_asked(f"{day}T09:00+08:00", f"{day}T11:00+08:00")
        made = make_booking(scene, asked=asked)
        client = app.test_client()
        build.sign_in(client, scene.manager_person)
        cookie = client.get_cookie("session")
        db.session.remove()
    page.context.add_cookies([{"name": "session", "value": cookie.value, "url": live_server.url}])
    width, height = WIDTHS[request.param]
    page.set_viewport_size({"width": width, "height": height})
    return scene, made


def state(app: Any, record: BookingRecord) -> BookingRecord:
    with app.app_context():
        found = booking.booking(record.key)
        db.session.remove()
    return found


def no_sideways_scroll(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_hours_are_changed_with_the_hit_booking_settled(app: Any, page: Any, world: Any) -> None:
    scene, made = world
    weekday = made.span.start.astimezone(zone("Asia/Shanghai")).weekday()
    page.goto(f"/o/{scene.host.code}/resources/{scene.key.id}/hours")
    assert_accessible(page)
    tab_to(page, page.locator(f'input[name="days.0"][value="{weekday}"]'))
    page.keyboard.press("Space")
    # Enter looks; nothing is published yet.
    page.keyboard.press("Enter")
    looked = page.locator(".looked")
    expect(looked).to_be_focused()
    assert looked.get_by_role("link", name=made.number).is_visible()
    assert state(app, made).state is BookingState.REQUESTED
    assert_accessible(page)
    assert no_sideways_scroll(page)
    tab_to(page, page.locator(f'input[name="fate.{made.key.id}"][value="stays"]'))
    page.keyboard.press("ArrowDown")
    times = page.locator(f'select[name="time.{made.key.id}"]')
    assert times.is_visible() and times.locator("option").count() >= 1
    page.keyboard.press("ArrowDown")
    assert page.locator(f'input[name="fate.{made.key.id}"][value="cancelled"]').is_checked()
    assert times.is_hidden()
    tab_to(page, page.locator('textarea[name="reason"]').first)
    page.keyboard.type("固定检修日")
    tab_to(page, page.get_by_role("button", name="发布，自"))
    page.keyboard.press("Enter")
    page.get_by_text("已发布，自").wait_for()
    found = state(app, made)
    assert (found.state, found.cancel_reason) == (BookingState.CANCELLED, "固定检修日")
    assert found.cancel_fee.is_zero


def test_a_request_is_confirmed_from_the_list(app: Any, page: Any, world: Any) -> None:
    scene, made = world
    page.goto(f"/o/{scene.host.code}/requests")
    assert_accessible(page)
    assert no_sideways_scroll(page)
    tab_to(page, page.get_by_role("button", name="确认", exact=True))
    page.keyboard.press("Enter")
    page.get_by_text("没有待您答复的申请").wait_for()
    assert state(app, made).state is BookingState.APPROVED


def test_a_request_is_refused_with_a_reason(app: Any, page: Any, world: Any) -> None:
    scene, made = world
    page.goto(f"/o/{scene.host.code}/requests")
    tab_to(page, page.locator(".asked-refuse summary"))
    page.keyboard.press("Enter")
    tab_to(page, page.locator('textarea[name="reason"]'))
    page.keyboard.type("样品含磁性颗粒")
    tab_to(page, page.get_by_role("button", name="拒绝该申请"))
    page.keyboard.press("Enter")
    page.get_by_text("没有待您答复的申请").wait_for()
    found = state(app, made)
    assert (found.state, found.decision_note) == (BookingState.REJECTED, "样品含磁性颗粒")


def test_the_rest_of_many_instruments_comes_when_one_scrolls_there(
    app: Any, page: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "SHOWN", 2)
    scene, _made = world
    with app.app_context():
        for _ in range(4):
            make_listing(scene.host)
        db.session.remove()
    page.goto(f"/o/{scene.host.code}/calendar?view=week")
    lanes = page.locator("[data-timetable]")
    assert lanes.count() < 5

    def scrolled_down() -> bool:
        page.keyboard.press("End")
        return bool(lanes.count() == 5)

    assert wait_for(scrolled_down)
    headings = page.locator(".hosts-calendar h2").all_inner_texts()
    assert len(headings) == 5 and page.get_by_role("link", name="下一页").count() == 0
    assert no_sideways_scroll(page)
    assert_accessible(page)
