"""The host books for a customer or somebody at the door: at whose price, by which rules, told to whom, joined later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.errors import BadInput, NotYours, UnknownCustomer
from resource_hub.domain.accounts.terms import CustomerClass, Role
from resource_hub.domain.booking import errors, service
from resource_hub.domain.booking.terms import Act, Asked, BookingKind, BookingState, Side
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from resource_hub.kernel.errors import NotFound
from resource_hub.reports import calendar_feed
from tests.builders.accounts import actor, make_group, make_institution, make_person
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_scene
from tests.integration.booking.test_linked import linked, under


def for_customer(scene: Scene, **more: Any) -> Asked:
    return make_asked(customer_id=scene.customer_id, person_id=scene.booker_person.id, **more)


def operator(scene: Scene) -> Any:
    return actor(make_person(roles=[(scene.host, Role.OPERATOR)]), scene.host)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.MANAGER])
def test_who_works_at_the_host_acts_on_the_own_groups_booking_as_a_customer(now: Any, role: Role) -> None:
    scene = make_scene(rules={"lead": {"all": 7 * 24 * 60}})
    person = make_person(roles=[(scene.host, role)])
    group = make_group(scene.host, leader=person)
    by = actor(person, scene.host)
    far = make_asked("2026-03-12T09:00+08:00", "2026-03-12T11:00+08:00", customer_id=group.id)
    made = service.request(scene.key, far, by=by)
    near = span("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
    with pytest.raises(errors.BookingRefused) as refused:
        service.change(made.key, near, by=by)
    assert [reason.code for reason in refused.value.reasons] == ["booking.lead"]
    later = span("2026-03-13T09:00+08:00", "2026-03-13T11:00+08:00")
    assert service.change(made.key, later, by=by).span == later
    first, second = service.split(made.key, moment("2026-03-13T10:00+08:00"), by=by)
    with clock.fixed(moment("2026-03-13T08:30+08:00")):
        shown = service.cancel_preview(second.key, by=by)
        assert not shown.free
        assert service.cancel(second.key, by=by, expected=shown.fees).cancelled_by == person.id
    # By the host's door it is the host's word, of those who have it.
    if role is Role.MANAGER:
        assert service.propose(first.key, near, by=by).span == near
    else:
        with pytest.raises(errors.NotYours):
            service.propose(first.key, near, by=by)


def test_the_laboratory_goes_on_with_samples_of_the_own_group(now: Any) -> None:
    scene = make_scene()
    person = make_person(roles=[(scene.host, Role.MANAGER)])
    group = make_group(scene.host, leader=person)
    by = actor(person, scene.host)
    sent = Asked(
        kind=BookingKind.SAMPLES, mode=Mode.SEND_IN, customer_id=group.id, samples=2, description="两件试样"
    )
    made = service.request(scene.key, sent, by=by)
    service.approve(made.key, by=by)
    assert {Act.RECEIVE, Act.CANCEL} <= service.detail(made.key, by).acts
    for act in (Act.RECEIVE, Act.BEGIN, Act.DELIVER, Act.FINISH):
        assert act in service.detail(made.key, by).acts
        made = service.advance(made.key, act, by=by)
    assert made.state is BookingState.DONE


def test_the_customer_pays_its_price_is_told_and_may_cancel(now: Any) -> None:
    scene = make_scene(rules={"approval": "always", "lead": {"all": 10_000}})
    made = service.request(scene.key, for_customer(scene), by=operator(scene))
    assert made.state is BookingState.APPROVED
    assert (made.customer_id, made.person_id) == (scene.customer_id, scene.booker_person.id)
    assert made.booked_by != made.person_id and made.customer_class.is_firm
    assert service.sums_of([made])[made.key].to_pay.minor == 60000
    outbox.deliver_due()
    assert "booking.booked_for_you" in [one.kind for one in notices.inbox(scene.booker_person.id)]
    assert service.booking_for(made.key, scene.booker)[1] is Side.CUSTOMER
    assert service.cancel(made.key, by=scene.booker).state is BookingState.CANCELLED


def test_a_rule_is_set_aside_with_a_reason_by_who_decides(now: Any) -> None:
    scene = make_scene(rules={"most": 60})
    with pytest.raises(errors.BookingRefused):
        service.request(scene.key, for_customer(scene), by=scene.manager)
    with pytest.raises(errors.NotYours):
        service.request(scene.key, for_customer(scene, override="急用"), by=operator(scene))
    with pytest.raises(errors.NotYours):
        service.request(scene.key, make_asked(override="急用"), by=scene.booker)
    made = service.request(scene.key, for_customer(scene, override="急用"), by=scene.manager)
    (event,) = [e for e in service.detail(made.key, scene.booker).events if e.kind == "overridden"]
    assert event.person_id == scene.manager.person_id and event.details["reason"] == "急用"
    assert [rule["code"] for rule in event.details["rules"]] == ["booking.too_long"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-03T16:00+08:00", "2026-03-03T18:00+08:00"),  # beyond the opening hours
        ("2026-03-01T09:00+08:00", "2026-03-01T11:00+08:00"),  # past
    ],
)
def test_what_protects_others_is_not_set_aside(now: Any, start: str, end: str) -> None:
    scene = make_scene()
    asked = replace(make_asked(start, end), customer_id=scene.customer_id, override="急用")
    with pytest.raises(errors.BookingRefused) as caught:
        service.request(scene.key, asked, by=scene.manager)
    assert caught.value.reasons


def test_the_longest_reason_is_taken_and_one_more_letter_is_not(now: Any) -> None:
    scene = make_scene(rules={"most": 60})
    with pytest.raises(errors.InvalidOrder):
        service.request(scene.key, for_customer(scene, override="x" * 501), by=scene.manager)
    assert service.request(scene.key, for_customer(scene, override="x" * 500), by=scene.manager)


def test_somebody_at_the_door_is_booked_and_belongs_to_a_firm_later(now: Any) -> None:
    scene = make_scene()
    made = service.book_walk_in(scene.key, make_asked(), "新材公司", "王工 138", by=operator(scene))
    assert made.customer_class is CustomerClass.FIRM_UNSIZED
    (one,) = accounts.walk_ins(scene.manager)
    assert (one.customer.id, one.customer.name_zh, one.contact) == (made.customer_id, "新材公司", "王工 138")
    assert [o.id for o in accounts.joinable("新材公司")] == []
    with pytest.raises(errors.NoSuchBooking):
        service.booking_for(made.key, scene.booker)
    with pytest.raises(BadInput):
        accounts.ask_firm(made.customer_id, "91340100000000000X", by=scene.manager)
    firm = scene.firm
    assert firm.uscc is not None
    admin_person = make_person(roles=[(firm, Role.FIRM_ADMIN)])
    admin = actor(admin_person, firm)
    with pytest.raises(UnknownCustomer):
        accounts.answer_walk_in(made.customer_id, True, by=admin)
    assert accounts.ask_firm(made.customer_id, firm.uscc, by=scene.manager).id == firm.id
    outbox.deliver_due()
    assert "accounts.walk_in_asked" in [n.kind for n in notices.inbox(admin_person.id)]
    # Nothing is the firm's before it says so, and only its administrator does.
    assert made.customer_id not in actor(scene.booker_person, firm).led_customer_ids
    with pytest.raises(UnknownCustomer):
        accounts.answer_walk_in(made.customer_id, True, by=scene.booker)
    accounts.answer_walk_in(made.customer_id, False, by=admin)
    db.session.remove()
    assert accounts.walk_ins(scene.manager)[0].asked_id is None
    with pytest.raises(UnknownCustomer):
        accounts.answer_walk_in(made.customer_id, True, by=admin)
    accounts.ask_firm(made.customer_id, firm.uscc, by=scene.manager)
    db.session.remove()
    assert [b.key for b in service.bookings_of_walk_in(made.customer_id, by=admin)] == [made.key]
    accounts.answer_walk_in(made.customer_id, True, by=admin)
    db.session.remove()
    assert accounts.walk_ins(scene.manager) == []
    outbox.deliver_due()
    assert {"accounts.walk_in_joined", "accounts.walk_in_refused"} <= {
        n.kind for n in notices.inbox(scene.manager.person_id)
    }
    by = actor(scene.booker_person, firm)
    assert by.customer_ids == scene.booker.customer_ids and made.customer_id in by.led_customer_ids
    assert made.key in [record.key for record in service.bookings_of(by)]
    assert service.cancel(made.key, by=by).state is BookingState.CANCELLED
    # New orders go by the firm itself.
    assert service.request(scene.key, make_asked(), by=by).customer_id == scene.customer_id
    with pytest.raises(UnknownCustomer):
        accounts.ask_firm(made.customer_id, firm.uscc, by=scene.manager)


def test_nothing_is_written_down_when_the_booking_fails(now: Any) -> None:
    scene = make_scene()
    service.request(scene.key, make_asked(), by=scene.booker)
    with pytest.raises(errors.SlotTaken):
        service.book_walk_in(scene.key, make_asked(), "新材公司", "", by=scene.manager)
    assert accounts.walk_ins(scene.manager) == []
    with pytest.raises(BadInput):
        service.book_walk_in(scene.key, make_asked(), " ", "", by=scene.manager)


def test_walk_ins_are_their_hosts_own(now: Any) -> None:
    scene = make_scene()
    made = service.book_walk_in(scene.key, make_asked(), "新材公司", "", by=scene.manager)
    host = make_institution()
    other = actor(make_person(roles=[(host, Role.MANAGER)]), host)
    assert accounts.walk_ins(other) == []
    with pytest.raises(UnknownCustomer):
        accounts.ask_firm(made.customer_id, scene.firm.uscc or "", by=other)
    with pytest.raises(NotFound):
        service.book_walk_in(scene.key, make_asked(), "新材公司", "", by=other)
    with pytest.raises(NotYours):
        accounts.add_walk_in("新材公司", "", by=scene.booker)


def test_who_booked_before_is_offered_first(now: Any) -> None:
    scene = make_scene()
    _, _, other = another_booker()
    service.request(scene.key, make_asked(), by=scene.booker)
    service.request(scene.key, make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00"), by=other)
    assert set(service.customers_at(scene.manager)) == {scene.customer_id, *other.customer_ids}
    assert service.customers_at(scene.booker) == []


def test_what_is_booked_on_behalf_of_somebody_is_known_as_such(now: Any) -> None:
    scene = make_scene()
    by_hour = [f"2026-03-03T{hour:02d}:00+08:00" for hour in range(10, 18)]
    own = service.request(scene.key, make_asked(by_hour[0], by_hour[1]), by=scene.booker)
    for_person = service.request(
        scene.key, for_customer(scene, start=by_hour[2], end=by_hour[3]), by=scene.manager
    )
    walk_in = service.book_walk_in(
        scene.key, make_asked(by_hour[4], by_hour[5]), "王五", "", by=scene.manager
    )
    found = service.booked_for_others([own, for_person, walk_in])
    assert found == dict.fromkeys((for_person.key, walk_in.key), scene.manager.person_id)
    assert service.booked_for_others([own]) == service.booked_for_others([]) == {}
    feed = {row.key: row.behalf for row in calendar_feed.of_laboratory(scene.host.id, None, now)}
    assert feed == {own.key: "", for_person.key: "host", walk_in.key: "host"}


def test_what_was_handed_over_is_booked_on_behalf_of_nobody(now: Any) -> None:
    world = linked()
    scene = world.scene
    colleague = make_person(roles=[(scene.firm, Role.BOOKER)])
    _, _, taker = another_booker()
    hours = [f"2026-03-03T{hour:02d}:00+08:00" for hour in range(9, 18)]
    inside = service.request(scene.key, make_asked(hours[0], hours[1]), by=scene.booker)
    outside = service.request(scene.key, make_asked(hours[2], hours[3]), by=scene.booker)
    by_host = service.request(scene.key, for_customer(scene, start=hours[5], end=hours[6]), by=scene.manager)
    kept = service.request(scene.key, for_customer(scene, start=hours[7], end=hours[8]), by=scene.manager)
    for one in (inside, by_host):
        service.hand_over(one.key, colleague.id, by=scene.booker)
    offer = service.offer_hand_over(outside.key, next(iter(taker.customer_ids)), by=scene.booker)
    service.accept_hand_over(offer.key, by=taker)
    orders = [service.booking(one.key) for one in (inside, outside, by_host, kept)]
    children = [child.record for order in orders[:3] for child in under(order).values()]
    assert len(children) >= 3 and {c.person_id for c in children} == {colleague.id, taker.person_id}
    assert service.booked_for_others([*orders, *children]) == {kept.key: scene.manager.person_id}
    # Asked for alone, what is booked under an order knows of its hand-over.
    assert service.booked_for_others(children) == {}
    feed = {row.key: row.behalf for row in calendar_feed.of_laboratory(scene.host.id, None, now)}
    assert feed[kept.key] == "host"
    assert {feed[one.key] for one in [*orders[:3], *children]} == {""}
