"""One booking and the lists: who may see it, what moving and cancelling would mean before it is done, stale forms."""

from __future__ import annotations

import io
import re

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import BookingKind, BookingState
from resource_hub.infra import clock
from resource_hub.infra.database import db
from tests.builders import accounts as build
from tests.builders.availability import moment, span
from tests.builders.booking import another_booker, make_asked, make_booking

pytestmark = pytest.mark.any_engine

LATER = {"start_day": "2026-03-04", "start_time": "13:00", "end_time": "15:00"}


@pytest.fixture
def made(app, scene):
    """Tuesday from 9 to 11."""
    with app.app_context():
        found = make_booking(scene)
        db.session.remove()
    return found


def page_of(scene, made, more=""):
    return f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}{more}"


def stored(app, made):
    with app.app_context():
        found = service.booking(made.key)
        db.session.remove()
    return found


def version(page):
    return re.search(r'name="version" value="(\d+)"', page)[1]


# ---- who sees it


def test_it_says_what_when_where_and_what_next(scene, made, desk):
    page = desk.see(page_of(scene, made))
    for said in (
        made.number,
        "Tue 3 Mar 2026, 09:00\u2060–\u206011:00",
        "Come on Tue 3 Mar 2026, 09:00",
        "¥\u202f600.00",
        "Order placed",
    ):
        assert said in page


@pytest.mark.parametrize("more", ["", "/change"])
def test_ids_of_others_are_not_found(app, scene, made, desk_of, more):
    with app.app_context():
        firm, person, _actor = another_booker()
        db.session.remove()
    stranger = desk_of(person)
    stranger.see(page_of(scene, made, more), status=404)
    own_side = f"/o/{firm.code}/bookings/{scene.host.code}/{made.key.id}{more}"
    stranger.see(own_side, status=404)
    stranger.see(f"/hosts/{scene.host.code}/bookings/{made.key.id}", status=404)


def test_who_works_in_the_laboratory_and_books_too_reads_each_among_its_entries(app, scene, made, desk_of):
    with app.app_context():
        person = build.make_person(roles=[(scene.host, Role.MANAGER), (scene.host, Role.BOOKER)])
        db.session.remove()
    desk, at = desk_of(person), f"/o/{scene.host.code}"
    for more in ("", "/change", "/divide"):
        theirs = desk.see(f"{at}/bookings/{scene.host.code}/{made.key.id}{more}")
        assert f'href="{at}/day-close"' in theirs and f'href="{at}/orders"' not in theirs
        assert re.search(rf'href="{at}/requests"[^>]*aria-current', theirs)
    assert re.search(rf'href="{at}/bookings"[^>]*aria-current', desk.see(f"{at}/bookings"))


@pytest.mark.parametrize("act", ["cancel", "change", "messages", "files", "advance", "answer"])
def test_strangers_change_nothing(app, scene, made, desk_of, act):
    with app.app_context():
        firm, person, _actor = another_booker()
        db.session.remove()
    fields = {
        **LATER,
        "text": "x",
        "act": "finish",
        "answer": "approve",
        "document": (io.BytesIO(b"%PDF-1.4"), "a.pdf"),
    }
    answer = desk_of(person).client.post(
        f"/o/{firm.code}/bookings/{scene.host.code}/{made.key.id}/{act}", data=fields
    )
    assert answer.status_code == 404
    assert stored(app, made) == made


def test_the_permanent_address_opens_for_either_side(scene, made, desk, desk_of):
    where = f"/hosts/{scene.host.code}/bookings/{made.key.id}"
    assert desk.client.get(where).location == page_of(scene, made)
    hosts = desk_of(scene.manager_person).client.get(where)
    assert hosts.location == f"/o/{scene.host.code}/bookings/{scene.host.code}/{made.key.id}"


# ---- moving


def test_what_moving_means_stands_there_before_it_moves(app, scene, made, desk):
    page = desk.see(
        page_of(scene, made, "/change"), start_day="2026-03-04", start_time="13:00", end_time="16:00"
    )
    assert "<s>¥\u202f600.00</s> → <strong>¥\u202f900.00</strong>" in page
    assert "It moves at once" in page
    assert stored(app, made) == made


def test_moved_it_keeps_its_number_and_frees_the_old_time(app, scene, made, desk):
    page = desk.see(page_of(scene, made, "/change"))
    answer = desk.send(
        page_of(scene, made, "/change"), page, version=version(page), note="sample late", **LATER
    )
    assert answer.status_code == 303
    now = stored(app, made)
    assert (now.number, now.ical_uid) == (made.number, made.ical_uid)
    assert now.span == span("2026-03-04T13:00+08:00", "2026-03-04T15:00+08:00")
    shown = desk.see(page_of(scene, made))
    assert "Number and calendar entry stay the same." in shown and "sample late" in shown
    week = desk.see(
        f"/hosts/{scene.host.code}/resources/{scene.resource.code}/calendar", week="2026-03-03", view="day"
    )
    assert 'data-look="mine"' not in week


def test_a_fee_for_time_given_back_late_is_seen_before_it_moves(app, scene, made, desk):
    where = page_of(scene, made, "/change")
    with clock.fixed(moment("2026-03-02T12:00+08:00")):
        unseen = desk.send(where, desk.see(where), version=made.version, **LATER)
        assert unseen.status_code == 409 and stored(app, made) == made
        page = desk.see(where, **LATER)
        assert "The time given back so late costs ¥\u202f100.00" in page
        seen = re.search(r'name="fees" value="([^"]+)"', page)[1]
        assert desk.send(where, page, version=made.version, fees=seen, **LATER).status_code == 303
        shown = desk.see(page_of(scene, made))
    assert "Given back late, Tue 3 Mar, 09:00\u2060–\u206011:00: ¥\u202f100.00" in shown
    assert "Fee: ¥\u202f100.00" in shown


def test_a_stale_form_shows_both_and_keeps_what_was_typed(app, scene, made, desk):
    page = desk.see(page_of(scene, made, "/change"))
    with app.app_context():
        service.change(made.key, span("2026-03-05T09:00+08:00", "2026-03-05T11:00+08:00"), by=scene.booker)
        db.session.remove()
    answer = desk.send(page_of(scene, made, "/change"), page, version=version(page), note="mine", **LATER)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 412
    assert (
        "Thu 5 Mar 2026, 09:00\u2060–\u206011:00" in text
        and "Wed 4 Mar 2026, 13:00\u2060–\u206015:00" in text
    )
    assert 'value="13:00"' in text and 'value="mine"' in text
    # sent again it is a choice, no accident
    again = desk.send(page_of(scene, made, "/change"), text, version=version(text), **LATER)
    assert again.status_code == 303
    assert stored(app, made).span == span("2026-03-04T13:00+08:00", "2026-03-04T15:00+08:00")


def test_a_time_that_cannot_be_had_is_refused_with_others(app, scene, made, desk):
    with app.app_context():
        make_booking(
            scene,
            by=another_booker()[2],
            asked=make_asked("2026-03-04T13:00+08:00", "2026-03-04T14:00+08:00"),
        )
        db.session.remove()
    page = desk.see(page_of(scene, made, "/change"), **LATER)
    assert "is taken" in page and page.count("data-take") == 3
    answer = desk.send(page_of(scene, made, "/change"), page, version=version(page), **LATER)
    assert answer.status_code == 409 and 'value="13:00"' in answer.get_data(as_text=True)
    assert stored(app, made).span == made.span


def test_the_preview_alone_is_a_fragment(scene, made, desk):
    answer = desk.client.get(
        page_of(scene, made, "/change"), query_string=LATER, headers={"HX-Request": "true"}
    )
    text = answer.get_data(as_text=True)
    assert "<html" not in text and "data-bookable" in text


# ---- cancelling


def test_cancelling_early_is_free_and_said_so(app, scene, made, desk):
    with clock.fixed(moment("2026-03-01T08:00+08:00")):
        page = desk.see(page_of(scene, made))
        assert "Cancel, free of charge" in page and "It costs nothing." in page
        answer = desk.send(page_of(scene, made, "/cancel"), page, version=version(page), fees="0/CNY")
    assert answer.status_code == 303
    assert (stored(app, made).state, stored(app, made).cancel_fee.minor) == (BookingState.CANCELLED, 0)


def test_the_fee_is_said_before_the_click_and_is_the_one_that_is_owed(app, scene, made, desk):
    with clock.fixed(moment("2026-03-02T20:00+08:00")):
        page = desk.see(page_of(scene, made))
        assert "Cancel: costs ¥\u202f100.00" in page and "A fee of ¥\u202f100.00 is charged" in page
        desk.send(page_of(scene, made, "/cancel"), page, version=version(page), fees="10000/CNY")
        assert "Fee of the cancellation: ¥\u202f100.00" in desk.see(page_of(scene, made))
    assert stored(app, made).cancel_fee.minor == 10_000


def test_who_comes_too_late_to_cancel_reads_how_to_reach_the_laboratory(app, scenery, desk_of):
    scene = scenery(rules={"cancel_until": 48 * 60})
    with app.app_context():
        made = make_booking(scene)
        db.session.remove()
    page = desk_of(scene.booker_person).see(page_of(scene, made))
    assert "It cannot be cancelled here any more" in page
    assert re.search(r'href="[^"]*#contact">How to reach the laboratory<', page)
    assert 'href="#messages"' in page


def test_a_fee_that_rose_since_the_page_was_opened_is_asked_about(app, scene, made, desk):
    with clock.fixed(moment("2026-03-01T08:00+08:00")):
        page = desk.see(page_of(scene, made))
    with clock.fixed(moment("2026-03-02T20:00+08:00")):
        answer = desk.send(page_of(scene, made, "/cancel"), page, version=version(page), fees="0/CNY")
        text = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "would cost ¥\u202f100.00 by now" in text and "Cancel: costs" in text
    assert stored(app, made).state is BookingState.APPROVED


# ---- messages, documents, the host's side


def test_messages_and_documents_reach_both_sides(scene, made, desk, desk_of):
    page = desk.see(page_of(scene, made))
    desk.send(page_of(scene, made, "/messages"), page, text="Bring gloves? <i>")
    file = (io.BytesIO(b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"), "sds.pdf")
    desk.send(page_of(scene, made, "/files"), desk.see(page_of(scene, made)), document=file, kind="hazard")
    host = desk_of(scene.manager_person)
    seen = host.client.get(f"/o/{scene.host.code}/bookings/{scene.host.code}/{made.key.id}").get_data(
        as_text=True
    )
    assert "Bring gloves? &lt;i&gt;" in seen and "sds.pdf" in seen and "Safety sheet" in seen
    link = re.search(r'href="([^"]+/files/[^"]+)"', seen)[1]
    assert host.client.get(link).headers["Content-Disposition"].startswith("attachment")


def test_the_host_answers_on_the_page(app, scenery, desk_of):
    scene = scenery(rules={"approval": "always"})
    with app.app_context():
        made = make_booking(scene)
        db.session.remove()
    booker, host = desk_of(scene.booker_person), desk_of(scene.manager_person)
    assert "waiting for an answer" in booker.see(page_of(scene, made))
    assert "Your answer" not in booker.see(page_of(scene, made))
    where = f"/o/{scene.host.code}/bookings/{scene.host.code}/{made.key.id}"
    page = host.see(where)
    refused = host.send(f"{where}/answer", page, answer="refuse", version=version(page))
    assert refused.status_code == 422 and "Give a reason" in refused.get_data(as_text=True)
    page = host.see(where)
    assert host.send(f"{where}/answer", page, answer="approve", version=version(page)).status_code == 303
    assert stored(app, made).state is BookingState.APPROVED


# ---- lists and the first screen


def test_the_list_shows_what_is_ahead_and_exports_the_same(scene, made, desk):
    page = desk.see(f"/o/{scene.firm.code}/bookings")
    assert made.number in page and "600.00" in page
    csv = desk.client.get(f"/o/{scene.firm.code}/bookings?export=csv").get_data(as_text=True)
    assert made.number in csv and len(csv.strip().splitlines()) == 2
    assert "No booking" not in page
    assert "Nothing here yet" in desk.see(f"/o/{scene.firm.code}/bookings", view="past")


def test_orders_are_a_list_of_their_own(scene, made, desk):
    page = desk.see(f"/o/{scene.firm.code}/orders")
    assert made.number not in page and "No order under way" in page


def test_home_is_the_first_screen_with_what_is_next(scene, made, desk):
    answer = desk.client.get(f"/o/{scene.firm.code}/")
    assert answer.location == f"/o/{scene.firm.code}/home"
    page = desk.see(answer.location)
    assert re.search(r'<input id="q"[^>]* autofocus', page)
    assert "Tue 3 Mar, 09:00\u2060–\u206011:00" in page and str(made.key.id) in page
    assert "and ¥\u202f600.00 booked, not charged yet" in page
    assert "Nothing waits for you." in page


def test_home_names_what_waits(app, scenery, desk_of):
    from resource_hub.domain.catalogue.terms import Mode

    scene = scenery(modes=(Mode.SELF_USE, Mode.SEND_IN))
    with app.app_context():
        order = make_booking(
            scene,
            asked=make_asked(
                kind=BookingKind.SAMPLES, mode=Mode.SEND_IN, span=None, samples=2, hazards=frozenset({"none"})
            ),
        )
        if order.state is BookingState.REQUESTED:
            service.approve(order.key, by=scene.manager)
        admin = build.make_person(roles=[(scene.firm, Role.FIRM_ADMIN)])
        db.session.remove()
    page = desk_of(admin).see(f"/o/{scene.firm.code}/home")
    assert "Send the samples for" in page and order.number in page


def test_home_is_for_customers(app, scene, desk_of):
    desk_of(scene.manager_person).see(f"/o/{scene.host.code}/home", status=403)


def test_parts_of_the_requests_without_any_say_what_will_stand_there(scene, desk_of):
    desk = desk_of(scene.manager_person)
    assert "Nothing is being worked on" in desk.see(f"/o/{scene.host.code}/requests/working")
    assert "Nothing was answered" in desk.see(f"/o/{scene.host.code}/requests/answered")
