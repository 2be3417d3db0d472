"""Booking in a real browser: by dragging, tapping, typing and with the keyboard alone; moving, extending, cancelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from resource_hub.domain.booking import service
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import BookingState
from resource_hub.infra.database import db, reading
from tests.builders import accounts as build
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.support.accessibility import assert_accessible
from tests.support.keys import press, tab_to

pytestmark = pytest.mark.browser

NOW = moment("2026-03-02T08:00+08:00")


@pytest.fixture
def still(live_server) -> Iterator[None]:
    with live_server.fixed(NOW):
        yield


@pytest.fixture
def scene(app, still) -> Scene:
    with app.app_context():
        found = make_scene(units=2)
        db.session.remove()
    return found


@pytest.fixture
def sign_in(app, page, live_server, scene) -> Callable[..., None]:
    """The booker in this tab, in a language."""

    def signed(language: str = "en") -> None:
        client = app.test_client()
        with app.app_context():
            build.sign_in(client, scene.booker_person)
            db.session.remove()
        with client.session_transaction() as session:
            session["language"] = language
        cookie = client.get_cookie("session")
        page.context.add_cookies([{"name": "session", "value": cookie.value, "url": live_server.url}])

    return signed


def calendar(scene: Scene, more: str = "?week=2026-03-02") -> str:
    return f"/hosts/{scene.host.code}/resources/{scene.resource.code}/calendar{more}"


def booked(app: Any) -> list[Booking]:
    with app.app_context():
        found = list(reading().scalars(select(Booking).order_by(Booking.created_at)))
        db.session.expunge_all()
        db.session.remove()
    return found


def track(page: Page, day: str, lane: int = 0) -> Locator:
    return page.locator(f'.tt-day[data-day="{day}"] .tt-track').nth(lane)


def place(page: Page, day: str, clock: str, lane: int = 0) -> tuple[float, float]:
    """Where a time stands on the page."""
    table = page.locator("[data-timetable]")
    first, last = int(table.get_attribute("data-first")), int(table.get_attribute("data-last"))
    box = track(page, day, lane).bounding_box()
    minute = int(clock[:2]) * 60 + int(clock[3:])
    return box["x"] + box["width"] * (minute - first) / (last - first), box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def times(page: Page) -> tuple[str, str, str]:
    return tuple(
        page.locator(f'[data-choose-form] [name="{n}"]').input_value()
        for n in ("start_day", "start_time", "end_time")
    )  # type: ignore[return-value]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_drag_read_the_price_and_book(app, page, scene, sign_in, language):
    sign_in(language)
    words = {
        "zh": ("本次应付", "预约", "确认预约", "已确认"),
        "en": ("To pay", "Book", "Book now", "confirmed"),
    }[language]
    page.goto(calendar(scene))
    assert_accessible(page)
    drag(page, place(page, "2026-03-03", "10:05"), place(page, "2026-03-03", "12:50"))
    assert times(page) == ("2026-03-03", "10:00", "13:00")  # snapped to the grid of the house
    expect(page.locator("#quote")).to_contain_text(words[0])
    expect(page.locator("#quote .is-main dd")).to_have_text("¥\u202f900.00")
    # longer by one of its ends: the price follows
    drag(page, place(page, "2026-03-03", "12:58"), place(page, "2026-03-03", "14:00"))
    assert times(page) == ("2026-03-03", "10:00", "14:00")
    expect(page.locator("#quote .is-main dd")).to_have_text("¥\u202f1,200.00")
    page.locator("#choose").get_by_role("button", name=words[1], exact=True).click()
    expect(page.locator(".order-form")).to_be_visible()
    expect(page.locator("#hold")).to_contain_text("08:15")  # kept while one writes
    assert times(page) == ("2026-03-03", "10:00", "14:00")
    assert_accessible(page)
    page.locator('[name="description"]').fill("断口形貌")
    page.locator(".form-end").get_by_role("button", name=words[2], exact=True).click()
    expect(page.locator("h1 .badge")).to_contain_text(words[3])
    assert_accessible(page)
    [made] = booked(app)
    assert (made.starts_at, made.ends_at) == (
        moment("2026-03-03T10:00+08:00"),
        moment("2026-03-03T14:00+08:00"),
    )


def order_page(scene: Scene, chosen: str) -> str:
    address = f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}"
    return f"{address}?start_day=2026-03-03&mode=self_use&{chosen}"


def book_now(page: Page) -> str:
    page.locator(".form-end").get_by_role("button", name="Book now", exact=True).click()
    expect(page.locator("h1 .badge")).to_contain_text("confirmed")
    return page.url


def test_back_and_another_time_is_another_booking_back_and_the_same_is_none(app, page, scene, sign_in):
    sign_in()
    page.goto(order_page(scene, "start_time=09:00&end_time=10:00"))
    # the page asks for it while it loads: were it answered after the order, it would stand beside it
    expect(page.locator("#hold .kept")).to_be_visible()
    first = book_now(page)
    page.go_back()
    expect(page.locator("#hold .kept")).to_be_visible()
    page.locator('[name="start_time"]').fill("13:00")
    page.locator('[name="end_time"]').fill("14:00")
    second = book_now(page)
    assert second != first and len(booked(app)) == 2
    page.go_back()
    expect(page.locator("#hold .kept")).to_be_visible()
    assert times(page) == ("2026-03-03", "13:00", "14:00")
    assert book_now(page) == second
    assert [made.state for made in booked(app)].count(BookingState.APPROVED) == 2


def test_the_order_waits_until_the_time_is_kept(app, page, scene, sign_in):
    sign_in()
    asked = []
    page.route("**/hold", lambda route: asked.append(route))
    page.goto(order_page(scene, "start_time=09:00&end_time=10:00"))
    page.wait_for_timeout(50)
    page.locator('[name="project"]').press("Enter")
    book = page.locator(".form-end").get_by_role("button", name="Book now", exact=True)
    book.click()
    page.wait_for_timeout(300)
    expect(book).to_have_attribute("aria-busy", "true")
    assert not booked(app)
    [late] = asked
    late.continue_()
    expect(page.locator("h1 .badge")).to_contain_text("confirmed")
    assert [made.state for made in booked(app)] == [BookingState.APPROVED]  # and nothing kept beside it


def test_an_order_does_not_wait_for_ever_for_the_time_to_be_kept(app, page, scene, sign_in):
    sign_in()
    page.route("**/hold", lambda _route: None)
    page.goto(order_page(scene, "start_time=09:00&end_time=10:00"))
    book_now(page)
    page.unroute_all(behavior="ignoreErrors")
    assert [made.state for made in booked(app)] == [BookingState.APPROVED]


def test_a_kept_time_is_given_back_with_the_keyboard(app, page, scene, sign_in):
    sign_in()
    page.goto(order_page(scene, "start_time=09:00&end_time=10:00"))
    kept = page.locator("#hold .kept")
    expect(kept).to_contain_text("Tue 3 Mar, 09:00")
    page.locator('[name="start_time"]').fill("13:00")
    expect(kept).to_contain_text("Tue 3 Mar, 09:00")  # still kept, and still said
    press(page, kept.get_by_role("button", name="Give it back"))
    expect(kept).to_contain_text("Given back")
    expect(kept).to_be_focused()
    assert_accessible(page)
    assert [made.state for made in booked(app)] == [BookingState.CANCELLED]


def test_two_tabs_with_one_form_book_what_each_shows(app, page, scene, sign_in):
    sign_in()
    page.goto(order_page(scene, "start_time=09:00&end_time=10:00"))
    copy = page.context.new_page()
    copy.goto(order_page(scene, "start_time=13:00&end_time=14:00"))
    mark = page.locator('.order-form [name="_once"]').input_value()
    copy.evaluate("mark => { document.querySelector('.order-form [name=_once]').value = mark; }", mark)
    first, second = book_now(page), book_now(copy)
    assert first != second
    assert [made.state for made in booked(app)].count(BookingState.APPROVED) == 2


def test_a_time_that_cannot_be_had_says_why_and_one_of_three_others_is_taken(app, page, scene, sign_in):
    with app.app_context():
        _firm, _person, other = another_booker()
        for _unit in range(2):
            make_booking(
                scene, by=other, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00")
            )
        db.session.remove()
    sign_in()
    page.goto(calendar(scene))
    taken = track(page, "2026-03-03").locator(".tt-cell.is-taken")
    taken.hover()
    expect(taken.locator(".tt-why")).to_be_visible()
    drag(page, place(page, "2026-03-03", "09:05"), place(page, "2026-03-03", "10:50"))
    expect(page.locator("#quote .reasons")).to_contain_text("is taken")
    expect(page.locator(".tt-choice.is-refused").first).to_be_visible()
    others = page.locator("#quote [data-take]")
    expect(others).to_have_count(3)
    others.first.click()
    expect(page.locator("#quote .quote")).to_have_attribute("data-bookable", "yes")
    expect(page.locator(".tt-choice.is-refused")).to_have_count(0)


def test_with_the_keyboard_alone(app, page, scene, sign_in):
    sign_in()
    page.goto(calendar(scene))
    press(page, page.locator('.tt-day[data-day="2026-03-03"] a.tt-piece').first)
    choice = page.get_by_role("slider", name="Chosen time")
    expect(choice).to_be_focused()
    expect(choice).to_have_attribute("aria-valuetext", "2026-03-03 09:00–10:00")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(choice).to_be_focused()
    expect(choice).to_have_attribute("aria-valuetext", "2026-03-04 10:00–11:30")
    expect(page.locator("#quote .is-main dd")).to_have_text("¥\u202f450.00")
    page.keyboard.press("Enter")
    expect(page.locator("#choose").get_by_role("button", name="Book", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.locator('[name="description"]'))
    page.keyboard.type("grain size")
    press(page, page.get_by_role("button", name="Book now").last)
    expect(page.locator("h1 .badge")).to_contain_text("confirmed")
    assert booked(app)[0].starts_at == moment("2026-03-04T10:00+08:00")


def test_typing_prices_too_and_the_address_keeps_it(page, scene, sign_in):
    sign_in()
    page.goto(calendar(scene))
    page.locator('#choose [name="start_day"]').fill("2026-03-05")
    page.locator('#choose [name="start_time"]').fill("13:00")
    page.locator('#choose [name="end_time"]').fill("15:00")
    expect(page.locator("#quote .is-main dd")).to_have_text("¥\u202f600.00")
    expect(page.locator('.tt-day[data-day="2026-03-05"] .tt-choice')).to_have_count(2)  # any of the two units
    page.wait_for_url(re.compile("start_time=13"))
    page.reload()
    assert times(page) == ("2026-03-05", "13:00", "15:00")


@pytest.fixture
def made(app, scene):
    """Tuesday from 9 to 11."""
    with app.app_context():
        found = make_booking(scene)
        db.session.remove()
    return found


def stored(app, made):
    with app.app_context():
        found = service.booking(made.key)
        db.session.remove()
    return found


def test_drag_an_own_booking_and_confirm_what_it_means(app, page, scene, made, sign_in):
    sign_in()
    page.goto(calendar(scene))
    drag(page, place(page, "2026-03-03", "10:00"), place(page, "2026-03-05", "14:00"))
    page.wait_for_url(re.compile("/change"))
    assert stored(app, made) == made  # nothing moved yet
    assert times(page) == ("2026-03-05", "13:00", "15:00")
    expect(page.locator("#quote")).to_contain_text("It moves at once")
    assert_accessible(page)
    page.get_by_role("button", name="Move it").click()
    expect(page.locator(".notice").first).to_contain_text("Moved.")
    assert stored(app, made).span == span("2026-03-05T13:00+08:00", "2026-03-05T15:00+08:00")


def test_extend_by_dragging_its_end_on_the_page_of_the_change(app, page, scene, made, sign_in):
    sign_in()
    page.goto(f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}/change")
    end = place(page, "2026-03-03", "11:00")
    drag(page, (end[0] - 4, end[1]), place(page, "2026-03-03", "12:30"))
    assert times(page) == ("2026-03-03", "09:00", "12:30")
    expect(page.locator("#quote strong").first).to_have_text("¥\u202f1,050.00")
    page.get_by_role("button", name="Move it").click()
    expect(page.locator(".notice").first).to_contain_text("Moved.")
    assert stored(app, made).span == span("2026-03-03T09:00+08:00", "2026-03-03T12:30+08:00")


def test_a_time_to_which_it_cannot_move_offers_others_and_no_button(page, scene, made, sign_in):
    sign_in()
    page.goto(f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}/change")
    move = page.get_by_role("button", name="Move it")
    expect(move).to_be_visible()
    page.locator('#choose [name="start_time"]').fill("20:00")
    page.locator('#choose [name="end_time"]').fill("22:00")
    expect(page.locator("#quote .reasons")).to_be_visible()
    expect(move).to_be_hidden()
    assert_accessible(page)
    page.locator("#quote [data-take]").first.click()
    expect(move).to_be_visible()
    assert_accessible(page)


def test_move_and_extend_with_the_keyboard_alone(app, page, scene, made, sign_in):
    sign_in()
    page.goto(f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}")
    press(page, page.get_by_role("link", name="Move or extend").first)
    choice = page.get_by_role("slider").first
    tab_to(page, choice)
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert times(page) == ("2026-03-04", "10:00", "12:30")
    expect(page.locator("#quote strong").first).to_have_text("¥\u202f750.00")
    press(page, page.get_by_role("button", name="Move it"))
    expect(page.locator(".notice").first).to_contain_text("Moved.")
    assert stored(app, made).span == span("2026-03-04T10:00+08:00", "2026-03-04T12:30+08:00")


def test_move_and_extend_on_a_phone(app, page, scene, made, sign_in):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in()
    page.goto(f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}")
    page.get_by_role("link", name="Move or extend").first.click()
    page.locator('.tt-day[data-day="2026-03-04"] a.tt-piece').first.click()
    page.get_by_role("button", name="Longer").click()
    start, end = times(page)[1:]
    assert times(page)[0] == "2026-03-04"
    expect(page.locator("#quote")).to_contain_text("It moves at once")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert_accessible(page)
    page.get_by_role("button", name="Move it").click()
    expect(page.locator(".notice").first).to_contain_text("Moved.")
    assert stored(app, made).span == span(f"2026-03-04T{start}+08:00", f"2026-03-04T{end}+08:00")


def test_the_fee_stands_there_before_cancelling(app, page, live_server, scene, made, sign_in):
    sign_in()
    with live_server.fixed(moment("2026-03-02T20:00+08:00")):
        page.goto(f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}")
        page.get_by_text("Cancel: costs ¥\u202f100.00").click()
        expect(page.locator(".danger-body")).to_contain_text("A fee of ¥\u202f100.00 is charged")
        assert_accessible(page)
        page.get_by_role("button", name="Cancel it now").click()
        expect(page.locator("h1 .badge")).to_contain_text("cancelled")
    assert (stored(app, made).state, stored(app, made).cancel_fee.minor) == (BookingState.CANCELLED, 10_000)


def test_on_a_phone_the_list_comes_first_and_a_tap_chooses(app, page, scene, made, sign_in):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in("zh")
    page.goto(calendar(scene))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    piece = page.locator('.tt-day[data-day="2026-03-04"] a.tt-piece').first
    assert piece.bounding_box()["height"] >= 44
    piece.click()
    expect(page.locator("#quote")).to_contain_text("本次应付")
    expect(page.locator('.tt-day[data-day="2026-03-04"] .is-chosen')).to_have_count(1)
    expect(page.locator("#choose")).to_be_in_viewport()
    page.get_by_role("button", name="延长").click()
    expect(page.locator("#quote .is-main dd")).to_have_text("¥\u202f450.00")
    page.locator("#choose").get_by_role("button", name="预约", exact=True).click()
    page.locator('[name="description"]').fill("断口形貌")
    page.get_by_role("button", name="确认预约", exact=True).last.click()
    expect(page.locator("h1 .badge")).to_contain_text("已确认")
    assert booked(app)[-1].starts_at == moment("2026-03-04T09:00+08:00")
    for path in (
        f"/o/{scene.firm.code}/home",
        f"/o/{scene.firm.code}/bookings",
        f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert_accessible(page)


def test_without_scripts_it_is_booked_just_the_same(app, browser, live_server, scene, sign_in, page):
    sign_in()
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    try:
        plain.goto(calendar(scene))
        plain.locator('.tt-day[data-day="2026-03-03"] a.tt-piece').first.click()
        expect(plain.locator("#quote .is-main dd")).to_have_text("¥\u202f300.00")
        plain.locator('#choose [name="end_time"]').fill("12:00")
        plain.get_by_role("button", name="Show price").click()
        expect(plain.locator("#quote .is-main dd")).to_have_text("¥\u202f900.00")
        plain.locator("#choose").get_by_role("button", name="Book", exact=True).click()
        plain.locator('[name="description"]').fill("x")
        plain.get_by_role("button", name="Book now").last.click()
        expect(plain.locator("h1 .badge")).to_contain_text("confirmed")
    finally:
        context.close()
    assert booked(app)[0].ends_at == moment("2026-03-03T12:00+08:00")


def test_who_sits_elsewhere_reads_both_times(browser, live_server, scene, sign_in, page):
    sign_in()
    context = browser.new_context(
        base_url=live_server.url, timezone_id="Europe/Berlin", storage_state=page.context.storage_state()
    )
    try:
        far = context.new_page()
        far.goto(calendar(scene, "?week=2026-03-02&start_day=2026-03-03&start_time=09:00&end_time=11:00"))
        expect(far.locator(".tt-zone")).to_contain_text("Times in Beijing time")
        expect(far.locator(".tt-zone")).to_contain_text("you are in Europe/Berlin")
        expect(far.locator("#quote")).to_contain_text(re.compile(r"09:00\W–\W11:00"))
        expect(far.locator("#quote")).to_contain_text("02:00 (Europe/Berlin)")
    finally:
        context.close()


def test_the_first_screen_has_the_cursor_in_the_search(page, scene, sign_in):
    sign_in()
    page.goto(f"/o/{scene.firm.code}/")
    expect(page.locator("#q")).to_be_focused()
    assert_accessible(page)


SPLIT = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    for (const times of node.data.matchAll(/\\d\\d:\\d\\d\\W*–\\W*\\d\\d:\\d\\d/g)) {
      const range = document.createRange();
      range.setStart(node, times.index);
      range.setEnd(node, times.index + times[0].length);
      found.push(new Set([...range.getClientRects()].map(box => Math.round(box.top))).size);
    }
  }
  return found;
}"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_times_of_a_span_stand_on_one_line_however_narrow_the_phone(
    app, page: Page, scene: Scene, sign_in, language: str
) -> None:
    with app.app_context():
        make_booking(scene)
        db.session.remove()
    sign_in(language)
    page.goto(f"/o/{scene.firm.code}/home")
    parted = []
    for width in [375, *range(300, 420, 3)]:
        page.set_viewport_size({"width": width, "height": 800})
        lines = page.evaluate(SPLIT)
        assert lines, width
        if max(lines) > 1:
            parted.append(width)
    assert parted == []
