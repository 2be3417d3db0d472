"""The page of the order: everything once more, check, then book; refusals keep what was typed; twice is once."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import keeping, ports, service
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import ExpectedSupportLine
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.entrypoints.support import formatting
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.tables import OutboxEvent
from resource_hub.kernel.money import Money
from tests.builders import accounts as build
from tests.builders.availability import moment
from tests.builders.booking import another_booker, make_asked, make_booking

pytestmark = pytest.mark.any_engine

TUESDAY = {"start_day": "2026-03-03", "start_time": "09:00", "end_time": "12:00"}
WISH = {**TUESDAY, "mode": "self_use", "purpose": "research", "description": "断口形貌"}


def address(scene):
    return f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}"


def bookings(app):
    with app.app_context():
        found = list(reading().scalars(select(Booking).order_by(Booking.number)))
        db.session.expunge_all()
        db.session.remove()
    return found


def test_check_then_book(app, scene, desk):
    page = desk.see(address(scene), **TUESDAY)
    assert "Book now" in page and "¥\u202f900.00" in page
    assert "Free until 24 h" in page  # the fee of cancelling stands there before the booking
    answer = desk.send(address(scene), page, **WISH)
    [made] = bookings(app)
    assert answer.status_code == 303
    assert answer.location == f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.id}"
    shown = desk.see(answer.location)
    assert f"Booked. Your number is {made.number}." in shown
    assert made.description == "断口形貌"


def test_sending_twice_books_once(app, scene, desk):
    page = desk.see(address(scene), **TUESDAY)
    first = desk.send(address(scene), page, **WISH)
    second = desk.send(address(scene), page, **WISH)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    assert len(bookings(app)) == 1


def test_another_time_on_the_page_gone_back_to_is_another_booking(app, scene, desk):
    page = desk.see(address(scene), **TUESDAY)
    first = desk.send(address(scene), page, **WISH)
    later = {**WISH, "start_time": "14:00", "end_time": "15:00"}
    second, again = desk.send(address(scene), page, **later), desk.send(address(scene), page, **WISH)
    assert [a.status_code for a in (first, second, again)] == [303, 303, 303]
    assert first.location == again.location != second.location
    starts = sorted(made.starts_at for made in bookings(app))
    assert starts == [moment("2026-03-03T09:00+08:00"), moment("2026-03-03T14:00+08:00")]
    assert "Booked. Your number is" in desk.see(second.location)


def test_every_reason_is_told_at_once_and_what_was_typed_stays(app, scenery, desk_of):
    scene = scenery(
        rules={"hazard": True, "fields": [{"code": "alloy", "name_zh": "合金牌号", "name_en": "Alloy"}]}
    )
    desk = desk_of(scene.booker_person)
    page = desk.see(address(scene), **TUESDAY)
    wish = {**WISH, "start_time": "19:10", "end_time": "20:10", "project": "P-77 <b>"}
    answer = desk.send(address(scene), page, **wish)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409 and bookings(app) == []
    for said in ("Outside opening hours", "multiple of 30 minutes", "dangerous", "Alloy"):
        assert said in text
    assert 'value="P-77 &lt;b&gt;"' in text and "断口形貌" in text and 'value="19:10"' in text
    assert text.count("data-take") == 3


def test_a_slot_that_somebody_else_took_meanwhile_is_refused_with_others(app, scene, desk):
    page = desk.see(address(scene), **TUESDAY)
    with app.app_context():
        make_booking(scene, by=another_booker()[2])
        db.session.remove()
    answer = desk.send(address(scene), page, **WISH)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "is taken" in text and text.count("data-take") == 3
    assert len(bookings(app)) == 1


def test_a_time_that_was_not_chosen_is_asked_for(app, scene, desk):
    page = desk.see(address(scene))
    answer = desk.send(address(scene), page, description="x")
    assert answer.status_code in (409, 422)
    assert "Choose a time." in answer.get_data(as_text=True)
    assert bookings(app) == []


def test_looking_at_another_price_books_nothing(app, scene, desk):
    page = desk.see(address(scene), **TUESDAY)
    answer = desk.send(address(scene), page, look="1", **{**WISH, "end_time": "11:00"})
    assert answer.status_code == 200 and "¥\u202f600.00" in answer.get_data(as_text=True)
    assert bookings(app) == []


class Support:
    """A voucher that takes a third off at once, and a grant that brings back a third later."""

    def expected(
        self, institution_id: Any, resource: Any, customer_id: Any, price: Any, on: Any
    ) -> list[Any]:
        third = Money(price.total.minor // 3, "CNY")
        return [
            ExpectedSupportLine("v", "Jiangsu", "deducted", third, True, None, (), "创新券", "Voucher"),
            ExpectedSupportLine("g", "Suzhou", "later", third, False, date(2026, 9, 30), (), "补助", "Grant"),
        ]


def test_the_three_sums_are_those_of_the_quote_and_never_mixed(app, scene, desk, monkeypatch):
    with app.app_context():
        monkeypatch.setattr(ports, "_ports", replace(ports.installed(), expected_support=Support()))
    page = desk.see(address(scene), **TUESDAY)
    with app.app_context(), app.test_request_context(headers={"Accept-Language": "en"}):
        asked = make_asked("2026-03-03T09:00+08:00", "2026-03-03T12:00+08:00", customer_id=scene.customer_id)
        by = build.actor(scene.booker_person, scene.firm)
        prepared = service.prepare(scene.key, asked, by=by, now=clock.now())
        quote = service.preview(scene.resource, prepared.asked, prepared.who).quote
        assert quote is not None
        sums = quote.sums
        wanted = [formatting.money(m) for m in (sums.list_price, sums.to_pay, sums.back, sums.net)]
        db.session.remove()
    assert (sums.to_pay - sums.back, sums.list_price) == (sums.net, Money.cny("900"))
    block = page.split('class="sums"')[1].split("</dl>")[0]
    told = re.findall(r"<dt>([^<]+)", block)
    assert [t.strip() for t in told] == ["List price", "To pay", "Expected back", "In the end"]
    assert re.findall(r'<dd><span class="amount[^"]*">([^<]+)</span>', block) == wanted
    assert "from Suzhou" in block and "only estimated" in block
    assert "Deducted at once: Voucher" in page
    answer = desk.send(address(scene), page, **WISH)
    shown = desk.see(answer.location).split('class="sums"')[1].split("</dl>")[0]
    assert re.findall(r'<dd><span class="amount[^"]*">([^<]+)</span>', shown) == wanted


def test_documents_come_along(app, scene, desk):
    page = desk.see(address(scene), **TUESDAY)
    plan = (io.BytesIO(b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"), "plan.pdf")
    answer = desk.send(address(scene), page, documents=plan, **WISH)
    assert "plan.pdf" in desk.see(answer.location)


def test_samples_need_their_number_and_no_time(app, scenery, desk_of):
    scene = scenery(modes=(Mode.SELF_USE, Mode.SEND_IN))
    desk = desk_of(scene.booker_person)
    page = desk.see(address(scene), mode="send_in")
    refused = desk.send(address(scene), page, mode="send_in", description="x", hazards="none")
    assert "Say how many samples you send." in refused.get_data(as_text=True)
    answer = desk.send(address(scene), page, mode="send_in", samples="3", description="x", hazards="none")
    assert answer.status_code == 303
    assert "¥\u202f240.00" in desk.see(answer.location)


@pytest.mark.parametrize("path", ["book", "calendar", "price"])
def test_what_is_not_there_is_not_found(scene, desk, path):
    where = (
        f"/o/{scene.firm.code}/book/{scene.host.code}/none"
        if path == "book"
        else (f"/hosts/{scene.host.code}/resources/none/{path}")
    )
    desk.see(where, status=404)


def test_one_books_for_the_own_organisation_only(app, scene, desk_of):
    with app.app_context():
        _firm, person, _actor = another_booker()
        db.session.remove()
    desk_of(person).see(address(scene), status=404)


def test_a_visitor_signs_in_and_keeps_the_choice(scene, visitor):
    answer = visitor.client.get(
        f"/hosts/{scene.host.code}/resources/{scene.resource.code}/book", query_string=TUESDAY
    )
    assert answer.status_code in (302, 303) and "/sign-in" in answer.location
    assert "start_time" in answer.location


def test_who_books_for_nobody_is_told_how_to(app, scene, desk_of):
    with app.app_context():
        person = build.make_person()
        db.session.remove()
    page = desk_of(person).see(f"/hosts/{scene.host.code}/resources/{scene.resource.code}/book", status=409)
    assert "Register a firm" in page and "Join an organisation" in page


# ---- the slot that is kept while the order is being written


def keep(desk, scene, **wish):
    return desk.client.post(f"{address(scene)}/hold", data=wish or WISH).get_data(as_text=True)


def test_a_time_is_kept_while_one_writes_and_becomes_the_booking(app, scene, desk, desk_of):
    assert "kept for you until 08:15" in keep(desk, scene)
    assert "kept for you until 08:15" in keep(desk, scene)  # asked again it is the same one
    [kept] = bookings(app)
    assert kept.state == "held"
    with app.app_context():
        _firm, person, _actor = another_booker()
        db.session.remove()
    others = f"/hosts/{scene.host.code}/resources/{scene.resource.code}/price"
    assert "is taken" in desk_of(person).see(others, **TUESDAY)
    page = desk.see(address(scene), **TUESDAY)
    assert 'data-bookable="yes"' in page  # not in its own way
    assert desk.send(address(scene), page, **WISH).status_code == 303
    [made] = bookings(app)
    assert (made.id, made.number, made.state) == (kept.id, kept.number, "approved")


def test_who_changes_the_wish_books_that_and_keeps_nothing_else(app, scene, desk):
    keep(desk, scene)
    page = desk.see(address(scene), **TUESDAY)
    later = {**WISH, "start_day": "2026-03-04"}
    assert desk.send(address(scene), page, **later).status_code == 303
    [made] = bookings(app)
    assert made.state == "approved"
    day = desk.see(
        f"/hosts/{scene.host.code}/resources/{scene.resource.code}/calendar", week="2026-03-03", view="day"
    )
    assert 'data-look="mine"' not in day and 'data-look="held"' not in day


def test_who_orders_while_another_tab_keeps_another_time_books_what_the_page_shows(
    app, scene, desk, monkeypatch
):
    keep(desk, scene)
    page = desk.see(address(scene), **TUESDAY)
    looked_up = keeping.own_hold

    def seen_before_the_other_tab(*asked):
        monkeypatch.setattr(keeping, "own_hold", looked_up)
        seen = looked_up(*asked)
        keeping.give_back(seen.key, by=asked[1])
        return seen

    monkeypatch.setattr(keeping, "own_hold", seen_before_the_other_tab)
    assert desk.send(address(scene), page, **WISH).status_code == 303
    assert sorted(row.state for row in bookings(app)) == ["approved", "cancelled"]


def test_rules_made_stricter_meanwhile_refuse_and_say_what_stays_kept(app, scene, desk):
    page = desk.see(address(scene), **TUESDAY)
    keep(desk, scene)
    with app.app_context():
        stricter = {"least": 240, "step": 30}
        availability.save_rules(scene.key, stricter, date(2026, 3, 2), by=scene.manager)
        db.session.remove()
    refused = desk.send(address(scene), page, **WISH)
    said = refused.get_data(as_text=True)
    assert refused.status_code == 409 and "At least 4 h; asked for: 3 h." in said
    assert (
        "Choose a longer time." in said and "is kept for you until 08:15" in said and "Give it back" in said
    )
    assert desk.send(address(scene), page, **{**WISH, "end_time": "13:00"}).status_code == 303
    assert [row.state for row in bookings(app)] == ["approved"]


def test_a_new_choice_gives_the_kept_one_back(app, scene, desk):
    keep(desk, scene)
    assert "kept for you" in keep(desk, scene, **{**WISH, "start_day": "2026-03-04"})
    assert sorted(row.state for row in bookings(app)) == ["cancelled", "held"]
    assert "is taken" not in desk.see(
        f"/hosts/{scene.host.code}/resources/{scene.resource.code}/price", **TUESDAY
    )


def test_the_kept_time_is_given_back_by_who_has_it(app, scene, desk, desk_of):
    keep(desk, scene)
    with app.app_context():
        _firm, person, _actor = another_booker()
        db.session.remove()
    other = desk_of(person)
    give = f"{address(scene)}/hold/give-back"
    assert other.client.post(give).status_code == 404  # another firm's address
    assert [row.state for row in bookings(app)] == ["held"]
    assert "Given back" in desk.client.post(give).get_data(as_text=True)
    assert "Given back" in desk.client.post(give).get_data(as_text=True)  # twice is once
    assert [row.state for row in bookings(app)] == ["cancelled"]
    price = f"/hosts/{scene.host.code}/resources/{scene.resource.code}/price"
    assert "is taken" not in other.see(price, **TUESDAY)


def test_what_cannot_be_had_is_not_kept_and_lapses_by_itself(app, scene, desk, now):
    assert "kept" not in keep(desk, scene, **{**WISH, "start_time": "19:00", "end_time": "20:00"})
    keep(desk, scene)
    with clock.fixed(now + timedelta(minutes=16)):
        visitor_page = desk.see(address(scene), **TUESDAY)
        assert desk.send(address(scene), visitor_page, **WISH).status_code == 303


def test_the_host_is_told_of_no_kept_slot(app, scene, desk):
    keep(desk, scene)
    keep(desk, scene, **{**WISH, "start_day": "2026-03-04"})
    with app.app_context():
        names = set(reading().scalars(select(OutboxEvent.name)))
        db.session.remove()
    assert names <= {"booking.hold_lapsed", "booking.held"}
    assert desk.see(f"/o/{scene.firm.code}/bookings").count("No booking ahead") == 1
