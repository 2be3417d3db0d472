"""The calendar and the panel: every grey piece says why, a choice is judged and priced, nothing is written."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from resource_hub.domain.booking.tables import Booking, Quote
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from tests.builders.availability import moment
from tests.builders.booking import another_booker, make_asked, make_booking

pytestmark = pytest.mark.any_engine

TUESDAY = {"start_day": "2026-03-03", "start_time": "09:00", "end_time": "12:00"}


def calendar(scene):
    return f"/hosts/{scene.host.code}/resources/{scene.resource.code}/calendar"


def price(scene):
    return f"/hosts/{scene.host.code}/resources/{scene.resource.code}/price"


def pieces(page):
    """``(look, begin, until, text)`` of each piece of the timetable, in order."""
    found = re.findall(r'data-look="(\w+)" data-begin="(\d+)" data-until="(\d+)"(.*?)</li>', page, re.S)
    return [
        (look, int(begin), int(until), " ".join(re.sub("<[^>]+>|^[^<]*>", " ", text).split()))
        for look, begin, until, text in found
    ]


def test_every_piece_of_a_lane_has_a_pattern_a_word_and_a_reason(app, scene, visitor):
    with app.app_context():
        make_booking(scene)
        db.session.remove()
    page = visitor.see(calendar(scene), week="2026-03-02")
    told = {look: text for look, _b, _u, text in pieces(page)}
    assert "Taken." in told["taken"]
    assert "free" in told["free"]
    assert "Not open on this day." in told["closed"]
    for look, begin, until, text in pieces(page):
        assert begin < until
        assert text, look
    # a lane is covered without gaps
    first_day = page.split('data-day="2026-03-03"')[1].split('data-day="2026-03-04"')[0]
    row = [(b, u) for _l, b, u, _t in pieces(first_day)]
    assert all(a[1] == b[0] for a, b in zip(row, row[1:], strict=False))


def test_strangers_see_that_it_is_taken_and_the_booker_that_it_is_theirs(app, scene, visitor, desk):
    with app.app_context():
        made = make_booking(scene)
        db.session.remove()
    assert 'data-look="mine"' not in visitor.see(calendar(scene), week="2026-03-02")
    assert scene.firm.name_zh not in visitor.see(calendar(scene), week="2026-03-02")
    own = desk.see(calendar(scene), week="2026-03-02")
    assert 'data-look="mine"' in own
    assert f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}/change" in own


def test_set_up_and_tear_down_are_told_apart(app, scenery, visitor):
    scene = scenery(rules={"setup": 30, "teardown": 15})
    with app.app_context():
        make_booking(scene, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00"))
        db.session.remove()
    found = {
        look: (b, u) for look, b, u, _t in pieces(visitor.see(calendar(scene), week="2026-03-03", view="day"))
    }
    assert (found["setup"], found["taken"], found["teardown"]) == ((570, 600), (600, 720), (720, 735))


@pytest.mark.parametrize("view", ["week", "day", "list"])
def test_the_views_show_their_days(scene, visitor, view):
    page = visitor.see(calendar(scene), week="2026-03-04", view=view)
    days = re.findall(r'data-day="([\d-]+)"', page)
    assert days == (["2026-03-04"] if view == "day" else [f"2026-03-0{n}" for n in range(2, 9)])
    assert ("is-list" in page) is (view == "list")


def test_a_holiday_is_named_on_its_day(scene, visitor):
    assert "National Day" in visitor.see(calendar(scene), week="2026-09-28")


def test_the_zone_of_the_host_is_named(scenery, visitor):
    scene = scenery(zone="Asia/Urumqi")
    assert "Asia/Urumqi" in visitor.see(calendar(scene))


def test_a_free_piece_works_without_scripts(scene, visitor):
    page = visitor.see(calendar(scene), week="2026-03-02")
    link = re.search(r'class="tt-piece" href="([^"]+)"', page)[1]
    chosen = visitor.see(link.split("#")[0])
    assert 'name="start_time" step="1800" value="09:00"' in chosen
    assert "¥\u202f300.00" in chosen


# The scene is open 09:00 to 17:00 with a step of 30 minutes.
@pytest.mark.parametrize(
    ("at", "leads_to"), [("09:54", None), ("09:30", "09:30"), ("09:29", "09:30"), ("09:31", None)]
)
def test_free_time_leads_somewhere_only_where_a_booking_may_begin(app, scene, desk_of, at, leads_to):
    """What is left of a lane until the next booking, when no step begins in it, is shown and is no link."""
    with app.app_context():
        make_booking(scene, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00"))
        moved = make_booking(scene, asked=make_asked("2026-03-04T11:00+08:00", "2026-03-04T12:00+08:00"))
        db.session.remove()
    change = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{moved.key.id}/change"
    host = f"/o/{scene.host.code}/calendar"
    with clock.fixed(moment(f"2026-03-03T{at}+08:00")):
        pages = {
            "choosing": desk_of(scene.booker_person).see(calendar(scene), week="2026-03-02"),
            "changing": desk_of(scene.booker_person).see(change),
            "hosting": desk_of(scene.manager_person).see(host, view="week", day="2026-03-02"),
        }
    for name, page in pages.items():
        cell = re.search(r'<li class="tt-cell is-free[^>]*data-until="600"[^>]*>(.*?)</li>', page, re.S)[1]
        link = re.search(r'href="[^"]*start_time=([^&"#]+)', cell)
        assert (link and link[1].replace("%3A", ":")) == leads_to, name


def test_a_visitor_reads_the_list_price_and_that_support_may_exist(scene, visitor):
    page = visitor.see(price(scene), **TUESDAY)
    assert "List price" in page and "¥\u202f900.00" in page and "Support may exist" in page
    assert "To pay" not in page


def test_the_booker_reads_what_is_to_pay(scene, desk):
    page = desk.see(price(scene), **TUESDAY)
    assert "To pay" in page and "¥\u202f900.00" in page and 'data-bookable="yes"' in page


REFUSALS = [
    ({"start_day": "2026-03-01", "start_time": "09:00", "end_time": "10:00"}, "This time has passed."),
    ({"start_day": "2026-03-07", "start_time": "09:00", "end_time": "10:00"}, "Not open on this day."),
    ({"start_day": "2026-03-03", "start_time": "19:00", "end_time": "20:00"}, "Outside opening hours"),
    ({"start_day": "2026-03-03", "start_time": "09:10", "end_time": "10:10"}, "multiple of 30 minutes"),
    (
        {"start_day": "2026-03-03", "start_time": "09:00", "end_time": "09:45"},
        "The length goes by 30 minutes.",
    ),
    ({"start_day": "2026-06-30", "start_time": "09:00", "end_time": "10:00"}, "days ahead"),
]


@pytest.mark.parametrize(("typed", "said"), REFUSALS)
def test_a_time_that_cannot_be_had_says_why_and_offers_three_that_can(scene, desk, typed, said):
    page = desk.see(price(scene), **typed)
    assert said in page
    assert 'data-bookable="no"' in page
    offered = re.findall(r"<a [^>]*data-take data-start-day=\"([^\"]+)\" data-start-time=\"([^\"]+)\"", page)
    assert len(offered) == 3
    for day, clock_time in offered:
        end = f"{int(clock_time[:2]) + 1:02d}{clock_time[2:]}"
        again = desk.see(price(scene), start_day=day, start_time=clock_time, end_time=end)
        assert 'data-bookable="yes"' in again


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"start_day": "2026-03-03", "start_time": "", "end_time": "10:00"}, "Choose a time."),
        ({"start_day": "yesterday", "start_time": "09:00", "end_time": "10:00"}, "form.not_a_moment"),
        ({"start_day": "2026-03-03", "start_time": "10:00", "end_time": "09:00", "end_day": "2026-03-03"}, "The end is not after the start."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(app, scene, desk, typed, said):
    if said.startswith("form."):
        with app.test_request_context():
            from resource_hub.entrypoints.support import sentences

            said = sentences.sentence_table()[said]
    assert str(said) in desk.see(price(scene), **typed)


def test_a_taken_time_offers_others(app, scene, desk):
    with app.app_context():
        _firm, _person, other = another_booker()
        make_booking(scene, by=other)
        db.session.remove()
    page = desk.see(price(scene), start_day="2026-03-03", start_time="09:00", end_time="11:00")
    assert "is taken" in page and page.count("data-take") == 3
    assert 'data-start-time="11:00"' in page
    [line] = re.findall(r'href="([^"]+/waiting\?[^"]+)"', page)
    assert "2026-03-03" in desk.see(line)


def test_what_was_chosen_before_goes_along_into_the_line(app, scene, desk):
    given = str(uuid4())
    where = f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}/waiting"
    page = desk.see(where, samples="3", given=given)
    assert 'name="samples" value="3"' in page and f'name="given" value="{given}"' in page


def test_looking_and_pricing_store_nothing(app, scene, desk):
    desk.see(calendar(scene), **TUESDAY)
    desk.see(price(scene), **TUESDAY)
    with app.app_context():
        assert reading().scalar(select(func.count()).select_from(Booking)) == 0
        assert reading().scalar(select(func.count()).select_from(Quote)) == 0
        db.session.remove()


def test_the_page_of_the_resource_shows_week_and_panel(scene, desk):
    page = desk.see(f"/hosts/{scene.host.code}/resources/{scene.resource.code}", **TUESDAY)
    assert "data-timetable" in page and 'id="booking-form"' in page and "¥\u202f900.00" in page


def test_a_customer_of_others_in_the_address_is_not_taken(app, scene, desk):
    with app.app_context():
        _firm, _person, other = another_booker()
        theirs = next(iter(other.customer_ids))
        db.session.remove()
    assert "This cannot be booked" not in desk.see(calendar(scene), customer=str(theirs), **TUESDAY)


def test_in_chinese_every_word_is_there(scene, desk_of):
    page = desk_of(scene.booker_person, "zh").see(calendar(scene), **TUESDAY)
    for word in ("可预约时间", "空闲", "不开放", "本次应付", "预约规则", "时间均为北京时间"):
        assert word in page


def test_a_time_that_is_taken_leads_to_others_of_its_kind(app, scene, scenery, visitor):
    other = scenery()
    assert "hx-get" not in visitor.see(price(scene), **TUESDAY), "free: nothing else is looked for"
    with app.app_context():
        make_booking(scene)
        db.session.remove()
    page = visitor.see(price(scene), **TUESDAY)
    piece = re.search(r'hx-get="([^"]*/elsewhere[^"]*)"', page)
    assert piece, "looked for after the answer, which does not wait for it"
    assert f"/search?kind=instrument&class={scene.resource.class_code}&length=180&from=2026-03-03" in page
    found = visitor.see(piece[1])
    assert other.resource.name_en in found and "Free elsewhere" in found
    assert f"/hosts/{other.host.code}/resources/{other.resource.code}/calendar?" in found
    assert f"/resources/{scene.resource.code}/calendar?" not in found
    visitor.see(f"/hosts/{scene.host.code}/resources/NONE/elsewhere", status=404)
    assert "Free elsewhere" not in visitor.see(
        f"/hosts/{scene.host.code}/resources/{scene.resource.code}/elsewhere"
    )


@pytest.mark.parametrize("year", [2027, 2040, 9999])
def test_an_end_far_away_is_answered_in_few_words(scene, visitor, year):
    wish = {"start_day": "2026-03-03", "start_time": "09:00", "end_day": f"{year}-03-03", "end_time": "12:00"}
    page = visitor.see(calendar(scene), **wish)
    assert len(page) < 300_000
    assert page.count("Not open on this day") < 20 and page.count("<li>") < 120
    if year == 2040:
        assert "At most 366 days can be asked for at once." in page
