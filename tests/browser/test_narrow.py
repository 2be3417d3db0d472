"""The laboratory's pages of booking and hours at 375 px: words whole, the open view in sight, only what is asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Audience, OnHolidays
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.kernel.time import zone
from tests.builders import accounts as build
from tests.builders.availability import make_weekly
from tests.builders.booking import Scene, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing
from tests.support.accessibility import assert_accessible

pytestmark = pytest.mark.browser


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def enter(app: Any, page: Page, live_server: Any, person: Any, language: str) -> None:
    """Somebody on a phone, in a language."""
    client = app.test_client()
    with app.app_context():
        build.sign_in(client, person)
        db.session.remove()
    with client.session_transaction() as session:
        session["language"] = language
    cookie = client.get_cookie("session")
    page.context.add_cookies([{"name": "session", "value": cookie.value, "url": live_server.url}])
    page.set_viewport_size({"width": 375, "height": 812})


@pytest.fixture
def scene(app: Any, page: Page, live_server: Any, language: str) -> Scene:
    """The manager of an instrument beside another with a long name."""
    with app.app_context():
        found = make_scene()
        make_listing(
            found.host, name_en="Scanning transmission electron microscope", name_zh="扫描透射电子显微镜"
        )
        db.session.remove()
    enter(app, page, live_server, found.manager_person, language)
    return found


def at(scene: Scene, page: str = "") -> str:
    return f"/o/{scene.host.code}/resources/{scene.key.id}{page}"


def lines(page: Page, selector: str) -> list[int]:
    """On how many lines the text of each stands."""
    return page.evaluate(
        """selector => [...document.querySelectorAll(selector)].map(element => {
          const range = document.createRange();
          range.selectNodeContents(element);
          return new Set([...range.getClientRects()].map(box => Math.round(box.bottom / 8))).size;
        })""",
        selector,
    )


def test_names_of_what_is_booked_along_stay_whole(page: Page, scene: Scene) -> None:
    page.goto(at(scene))
    assert lines(page, ".helper-links th") and max(lines(page, ".helper-links th")) <= 2
    choice = page.locator('.helper-links input[value="optional"]').first
    choice.locator("xpath=..").click()
    expect(choice).to_be_checked()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_weekdays_of_named_hours_stay_whole(page: Page, scene: Scene) -> None:
    page.goto(at(scene, "/rules"))
    page.locator("#named .rule-edit > summary").click()
    assert set(lines(page, ".is-hours .day-pill span")) == {1}
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.goto(at(scene, "/hours"))
    inside = page.evaluate(
        """() => [...document.querySelectorAll(".hours-line")].every(line =>
          [...line.querySelectorAll("input, select")].every(field =>
            field.getBoundingClientRect().right <= line.getBoundingClientRect().right - 4))"""
    )
    assert inside


@pytest.mark.parametrize("view", ["/hours", "/dates", "/rules", "/protected", "/calendars"])
def test_the_open_view_is_in_sight(page: Page, scene: Scene, view: str) -> None:
    page.goto(at(scene, view))
    box = page.locator(".tabs [aria-current]").bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 375


def test_only_what_the_choice_needs_is_asked(page: Page, scene: Scene) -> None:
    page.goto(at(scene, "/calendars"))
    expect(page.locator('[name="url"]')).to_be_visible()
    expect(page.locator('[name="file"]')).to_be_hidden()
    page.locator('[name="way"][value="file"]').check()
    expect(page.locator('[name="url"]')).to_be_hidden()
    expect(page.locator('[name="file"]')).to_be_visible()
    page.goto(at(scene, "/dates"))
    expect(page.locator("#f-weekdays")).to_be_visible()
    expect(page.locator('[name="monthly"]')).to_be_hidden()
    expect(page.locator('[name="audience"]')).to_be_hidden()
    page.locator('[name="frequency"]').select_option("monthly")
    page.locator('[name="kind"][value="extra"]').check()
    expect(page.locator("#f-weekdays")).to_be_hidden()
    expect(page.locator('[name="monthly"]')).to_be_visible()
    expect(page.locator('[name="audience"]')).to_be_visible()
    assert_accessible(page)


@pytest.fixture
def booker(app: Any, page: Page, live_server: Any, language: str) -> Scene:
    with app.app_context():
        found = make_scene(weekly=make_weekly(weekdays=range(7), on_holidays=OnHolidays.OPEN))
        db.session.remove()
    enter(app, page, live_server, found.booker_person, language)
    return found


def test_a_series_asks_only_what_its_rhythm_needs(page: Page, booker: Scene) -> None:
    page.goto(f"/o/{booker.firm.code}/book/{booker.host.code}/{booker.resource.code}/series")
    expect(page.locator("#f-weekdays")).to_be_visible()
    expect(page.locator("#f-monthly")).to_be_hidden()
    expect(page.locator('[name="until"]')).to_be_hidden()
    page.locator('[name="frequency"]').select_option("monthly")
    page.locator('[name="ends"][value="until"]').check()
    expect(page.locator("#f-weekdays")).to_be_hidden()
    expect(page.locator("#f-monthly")).to_be_visible()
    expect(page.locator('[name="until"]')).to_be_visible()
    expect(page.locator('[name="count"]')).to_be_hidden()
    assert_accessible(page)


def test_words_of_the_notices_settings_stay_whole(page: Page, booker: Scene) -> None:
    page.goto("/me/notifications")
    assert set(lines(page, ".choices td:last-child span, .choices th:not(:first-child)")) == {1}
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_numbers_of_bookings_stay_whole(app: Any, page: Page, booker: Scene) -> None:
    with app.app_context():
        day = clock.now().astimezone(zone("Asia/Shanghai")).date() + timedelta(days=2)
        make_booking(booker, asked=make_asked(f"{day}T09:00+08:00", f"{day}T10:00+08:00"))
        db.session.remove()
    page.goto(f"/o/{booker.firm.code}/bookings")
    assert lines(page, ".nobr") == [1]


def test_price_and_ways_out_of_an_order_come_before_its_history(app: Any, page: Page, booker: Scene) -> None:
    with app.app_context():
        day = clock.now().astimezone(zone("Asia/Shanghai")).date() + timedelta(days=2)
        made = make_booking(booker, asked=make_asked(f"{day}T10:00+08:00", f"{day}T12:00+08:00"))
        db.session.remove()
    page.goto(f"/o/{booker.firm.code}/bookings/{booker.host.code}/{made.key.id}")
    booked, aside, history = (
        page.locator(".has-rest > div >> nth=0"),
        page.locator("aside"),
        page.locator("#history"),
    )
    tops = [found.bounding_box()["y"] for found in (booked, aside, history)]
    assert tops == sorted(tops)
    page.set_viewport_size({"width": 1280, "height": 800})
    # Where there is room they stand beside it, and the rest follows without a gap.
    first, beside = booked.bounding_box(), aside.bounding_box()
    assert beside["x"] > first["x"] + first["width"] and abs(beside["y"] - first["y"]) < 2
    assert page.locator("#documents").bounding_box()["y"] < first["y"] + first["height"] + 60


def test_what_has_the_focus_is_not_behind_the_entries_at_the_foot(page: Page, booker: Scene) -> None:
    page.goto(f"/o/{booker.firm.code}/home")
    page.goto(f"/o/{booker.firm.code}/book/{booker.host.code}/{booker.resource.code}/series")
    foot = page.locator(".side").bounding_box()
    assert foot is not None and foot["y"] > 600  # it stands at the foot
    for _ in range(60):
        page.keyboard.press("Tab")
        below = page.evaluate(
            """() => {
              const element = document.activeElement;
              if (!element || !element.closest("main")) return 0;
              return element.getBoundingClientRect().bottom - document.querySelector(".side").getBoundingClientRect().top;
            }"""
        )
        assert below <= 0, page.evaluate("document.activeElement.outerHTML")


def test_days_of_a_search_stand_whole_beside_each_other(page: Page, booker: Scene) -> None:
    page.goto("/search?length=120")
    for name in ("from", "until"):
        box = page.locator(f'.search-when [name="{name}"]').bounding_box()
        assert box is not None and box["width"] >= 150  # a day of ten characters and its button
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert_accessible(page)


def test_a_month_of_protected_hours_is_two_lines(app: Any, page: Page, scene: Scene) -> None:
    with app.app_context():
        weekly = make_weekly() + make_weekly(weekdays=[5], audience=Audience.OUTSIDE)
        availability.save_hours(scene.key, weekly, clock.now().date(), by=scene.manager)
        db.session.remove()
    page.goto(at(scene, f"/protected?year={clock.now().year + 1}"))
    heights = page.locator(".is-compact tbody tr").evaluate_all("rows => rows.map(row => row.offsetHeight)")
    assert len(heights) == 12 and max(heights) < 90
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert_accessible(page)


def test_what_takes_the_focus_is_not_behind_the_button_that_is_kept(page: Page, scene: Scene) -> None:
    page.goto(at(scene, "/rules"))
    button = page.locator(".form-end.is-kept button")
    # With the keyboard alone: to the words of a part, its fields open, and on through them.
    page.locator("#length .rule-edit > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator('[name="least"]')).to_be_focused()
    for _n in range(20):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => {
              const one = document.activeElement, kept = document.querySelector(".form-end.is-kept");
              return [one.name || one.localName, one.getBoundingClientRect().bottom, kept.getBoundingClientRect().top];
            }"""
        )
        if place[0] == "look":
            break
        assert place[1] <= place[2], place
    expect(button).to_be_in_viewport()
    assert_accessible(page)


def test_the_caption_of_a_table_stays_whole(app: Any, page: Page, live_server: Any, language: str) -> None:
    with app.app_context():
        staff = build.make_person(roles=[(build.make_platform(), Role.PLATFORM_STAFF)])
        db.session.remove()
    enter(app, page, live_server, staff, language)
    page.goto("/o/platform/calendar-days")
    assert lines(page, ".table caption") == [1]
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert_accessible(page)
