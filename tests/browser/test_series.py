"""Series and the waiting list in a real browser, on a desk and on a phone, and with the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from resource_hub.domain.booking import service
from resource_hub.infra.database import db
from tests.builders import accounts as build
from tests.builders.availability import moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.support.accessibility import assert_accessible
from tests.support.keys import press, tab_to

pytestmark = pytest.mark.browser

NOW = moment("2026-03-02T08:00+08:00")
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def still(live_server) -> Iterator[None]:
    with live_server.fixed(NOW):
        yield


@pytest.fixture
def scene(app, still) -> Scene:
    """Somebody else has the second Tuesday from ten to twelve."""
    with app.app_context():
        found = make_scene()
        _, _, other = another_booker()
        make_booking(found, by=other, asked=make_asked("2026-03-10T10:00+08:00", "2026-03-10T12:00+08:00"))
        db.session.remove()
    return found


@pytest.fixture
def sign_in(app, page, live_server) -> Callable[[Any], None]:
    def signed(person: Any) -> None:
        client = app.test_client()
        with app.app_context():
            build.sign_in(client, person)
            db.session.remove()
        with client.session_transaction() as session:
            session["language"] = "en"
        cookie = client.get_cookie("session")
        page.context.add_cookies([{"name": "session", "value": cookie.value, "url": live_server.url}])

    return signed


def order(scene: Scene, what: str) -> str:
    chosen = "?start_day=2026-03-03&start_time=09:00&end_time=11:00"
    return f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}/{what}{chosen}"


def no_sideways_scroll(page: Page) -> None:
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0


@pytest.mark.parametrize("size", SIZES)
def test_a_clash_is_answered_then_this_and_following_moves(
    page: Page, scene: Scene, sign_in, size: str
) -> None:
    page.set_viewport_size(SIZES[size])
    sign_in(scene.booker_person)
    page.goto(order(scene, "series"))
    page.get_by_role("button", name="Show the days").click()
    expect(page.get_by_text("1 day cannot be had as it stands")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Book "))).to_have_count(0)
    no_sideways_scroll(page)
    assert_accessible(page)
    typed = page.locator('.clash-choice input[type="time"]')
    expect(typed).to_be_hidden()
    page.get_by_label("What to do on").select_option("other")
    expect(typed).to_be_visible()
    page.get_by_label("What to do on").select_option("skip")
    page.get_by_role("button", name="Look again with these choices").click()
    page.get_by_role("button", name="Book 3 days").click()
    page.wait_for_url(re.compile(r"/series/"))
    expect(page.get_by_text("3 days booked.")).to_be_visible()
    expect(page.get_by_text("left out")).to_be_visible()
    no_sideways_scroll(page)
    page.evaluate("scrollTo(0, 0)")  # what a bar of the phone covers at this moment is no small target
    assert_accessible(page)
    page.get_by_role("link", name="Move", exact=True).nth(1).click()
    page.locator("input[name=start_time]").fill("13:00")
    page.locator("input[name=end_time]").fill("16:00")
    page.get_by_label("This day and the following").check()
    page.get_by_role("button", name="Show what it means").click()
    expect(page.get_by_text("2 days move")).to_be_visible()
    no_sideways_scroll(page)
    page.evaluate("scrollTo(0, 0)")  # what a bar of the phone covers at this moment is no small target
    assert_accessible(page)
    page.get_by_role("button", name="Move it").click()
    expect(page.get_by_role("link", name=re.compile(r"13:00\W–\W16:00"))).to_have_count(2)
    page.get_by_role("link", name="The earlier part of this series").click()
    expect(page.get_by_role("link", name=re.compile(r"09:00\W–\W11:00"))).to_have_count(1)


def test_a_series_with_the_keyboard_alone(page: Page, scene: Scene, sign_in, app) -> None:
    sign_in(scene.booker_person)
    page.goto(order(scene, "series"))
    tab_to(page, page.locator("input[name=count]"))
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    choice = page.get_by_label("What to do on")
    tab_to(page, choice)
    page.keyboard.press("ArrowDown")
    expect(choice).to_have_value("skip")
    press(page, page.get_by_role("button", name="Look again with these choices"))
    press(page, page.get_by_role("button", name="Book 3 days"))
    page.wait_for_url(re.compile(r"/series/"))
    press(page, page.get_by_role("link", name="Move", exact=True).nth(1))
    for name, clock in (("start_time", "13:00"), ("end_time", "16:00")):
        field = page.locator(f"input[name={name}]")
        tab_to(page, field)
        if field.get_attribute("type") == "time":
            page.keyboard.type(f"{int(clock[:2]) - 12:02d}00PM")
        else:
            page.keyboard.press("ControlOrMeta+A")
            page.keyboard.type(clock)
        expect(field).to_have_value(clock)
    tab_to(page, page.locator("input[name=scope]:checked"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("This day and the following")).to_be_checked()
    press(page, page.get_by_role("button", name="Show what it means"))
    press(page, page.get_by_role("button", name="Move it"))
    expect(page.get_by_role("link", name=re.compile(r"13:00\W–\W16:00"))).to_have_count(2)
    with app.app_context():
        found = service.series_of(scene.booker)
        days = [day.booking.span for one in found for day in service.series_days(one.key) if day.booking]
        db.session.remove()
    assert sorted((one.start, one.seconds // 3600) for one in days) == [
        (moment("2026-03-03T09:00+08:00"), 2),
        (moment("2026-03-17T13:00+08:00"), 3),
        (moment("2026-03-24T13:00+08:00"), 3),
    ]


def click(page: Page, target: Locator) -> None:
    target.click()


@pytest.mark.parametrize(
    ("size", "go"), [("desk", click), ("phone", click), ("desk", press)], ids=["desk", "phone", "keys"]
)
def test_from_the_line_to_the_booking(
    page: Page, scene: Scene, sign_in, app, size: str, go: Callable[[Page, Locator], None]
) -> None:
    page.set_viewport_size(SIZES[size])
    with app.app_context():
        full = make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00"))
        firm, person, _ = another_booker()
        db.session.remove()
    sign_in(person)
    page.goto(order(scene, "waiting").replace(scene.firm.code, firm.code))
    no_sideways_scroll(page)
    assert_accessible(page)
    go(page, page.get_by_role("button", name="Stand in line"))
    expect(page.get_by_text("you are next")).to_be_visible()
    no_sideways_scroll(page)
    assert_accessible(page)
    with app.app_context():
        service.cancel(full.key, by=scene.booker)
        db.session.remove()
    page.reload()
    expect(page.get_by_role("heading", name="Kept for you")).to_be_visible()
    no_sideways_scroll(page)
    assert_accessible(page)
    go(page, page.get_by_role("button", name="Book it"))
    page.wait_for_url(re.compile(r"/bookings/"))
    expect(page.get_by_text("confirmed").first).to_be_visible()
