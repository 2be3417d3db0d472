"""The laboratory's pages of booking and hours at 375 px: words whole, the open view in sight, only what is asked."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from resource_hub.infra.database import db
from tests.builders import accounts as build
from tests.builders.booking import Scene, make_scene
from tests.builders.catalogue import make_listing
from tests.support.accessibility import assert_accessible

pytestmark = pytest.mark.browser


@pytest.fixture(params=["zh", "en"])
def scene(app: Any, page: Page, live_server: Any, request: pytest.FixtureRequest) -> Scene:
    """The manager of an instrument beside another with a long name, on a phone."""
    with app.app_context():
        found = make_scene()
        make_listing(
            found.host, name_en="Scanning transmission electron microscope", name_zh="扫描透射电子显微镜"
        )
        client = app.test_client()
        build.sign_in(client, found.manager_person)
        db.session.remove()
    with client.session_transaction() as session:
        session["language"] = request.param
    cookie = client.get_cookie("session")
    page.context.add_cookies([{"name": "session", "value": cookie.value, "url": live_server.url}])
    page.set_viewport_size({"width": 375, "height": 812})
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
