"""The waiting list through the pages: stand in line, take or leave what is kept, who waits at the host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask

from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import BookingState, WaitingKind
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders import accounts as people
from tests.builders.availability import make_rules, make_weekly, moment
from tests.builders.booking import TARIFF, Scene, another_booker, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing

WISH = {
    "mode": "self_use", "purpose": "research", "kind": "queue", "length": "2:00", "earliest_day": "2026-03-03",
    "earliest_time": "09:00", "latest_day": "2026-03-03", "latest_time": "17:00",
}  # fmt: skip


@pytest.fixture
def now() -> Iterator[None]:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        yield


def signed_in(app: Flask, person: Any) -> Any:
    client = app.test_client()
    with app.app_context():
        people.sign_in(client, person)
    with client.session_transaction() as session:
        session["language"] = "en"
    return client


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def token(client: Any, address: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', text(client.get(address)))
    return found[1] if found else ""


@pytest.fixture
def world(app: Flask, now: None) -> dict[str, Any]:
    """A day that is full, and somebody of another firm."""
    with app.app_context():
        scene = make_scene()
        made = make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00"))
        firm, person, by = another_booker()
    return {"scene": scene, "made": made, "firm": firm, "person": person, "by": by}


def form_of(world: dict[str, Any]) -> str:
    scene: Scene = world["scene"]
    return f"/o/{world['firm'].code}/book/{scene.host.code}/{scene.resource.code}/waiting"


def join(world: dict[str, Any], client: Any, **changed: str) -> Any:
    address = form_of(world)
    return client.post(address, data={**WISH, "csrf_token": token(client, address), **changed})


def test_a_unit_that_was_chosen_is_waited_for_and_said_on_both_sides(app: Flask, now: None) -> None:
    with app.app_context():
        scene = make_scene(units=2)
        first, second = (unit.key.id for unit in catalogue.units(scene.key, active_only=True))
        names = {unit.key.id: unit.name("en") for unit in catalogue.units(scene.key, active_only=True)}
        for unit in (first, second):
            asked = make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00", unit_id=unit)
            make_booking(scene, asked=asked)
        firm, person, by = another_booker()
    world = {"scene": scene, "firm": firm}
    client = signed_in(app, person)
    page = text(
        client.get(f"{form_of(world)}?start_day=2026-03-03&start_time=09:00&end_time=11:00&unit={second}")
    )
    assert re.search(rf'<option value="{second}" selected', page)
    assert join(world, client, unit=str(second)).status_code == 303
    with app.app_context():
        assert [one.unit_id for one in service.waits_of(by)] == [second]
    assert names[second] in text(client.get(f"/o/{firm.code}/waiting"))
    assert names[second] in text(
        signed_in(app, scene.manager_person).get(f"/o/{scene.host.code}/waiting-list")
    )


def test_in_line_then_kept_then_booked(app: Flask, world: dict[str, Any]) -> None:
    client = signed_in(app, world["person"])
    page = client.get(form_of(world) + "?start_day=2026-03-03&start_time=09:00&end_time=11:00")
    assert page.status_code == 200 and 'value="2:00"' in text(page) and "2026-03-03" in text(page)
    answer = join(world, client)
    assert answer.status_code == 303
    mine = f"/o/{world['firm'].code}/waiting"
    assert answer.location == mine and "you are next" in text(client.get(mine))
    host = signed_in(app, world["scene"].manager_person)
    assert "No. 1 in line" in text(host.get(f"/o/{world['scene'].host.code}/waiting-list"))
    with app.app_context():
        service.cancel(world["made"].key, by=world["scene"].booker)
    page = client.get(mine)
    assert "Kept for you" in text(page) and "Book it" in text(page)
    accept = re.search(r'action="([^"]+/accept)"', text(page))
    assert accept
    booked = client.post(accept[1], data={"csrf_token": token(client, form_of(world))})
    assert booked.status_code == 303 and "/bookings/" in booked.location
    assert "confirmed" in text(client.get(booked.location))
    assert client.post(accept[1], data={"csrf_token": token(client, form_of(world))}).status_code == 409
    assert "booked" in text(client.get(f"{mine}?view=past"))


def test_the_host_sees_each_line_by_itself(app: Flask, world: dict[str, Any]) -> None:
    """Of each who waits the place in the line of that instrument; who is only told of freed time has none."""
    scene: Scene = world["scene"]
    join(world, signed_in(app, world["person"]))
    with app.app_context():
        for kind in (WaitingKind.QUEUE, WaitingKind.ALERT):
            _firm, _person, by = another_booker()
            wish = make_asked("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
            service.join_line(
                scene.key,
                wish,
                moment("2026-03-03T09:00+08:00"),
                moment("2026-03-03T17:00+08:00"),
                7200,
                by=by,
                kind=kind,
            )
        other = make_listing(scene.host)
        with unit_of_work() as unit:
            availability.set_hours_directly(unit, other.key, make_weekly(), make_rules())
            availability.rebuild(unit, [other.key], availability.kept_span())
        pricing.adopt(other.key, TARIFF, date(2020, 1, 1))
        make_booking(
            replace(scene, resource=other),
            asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T17:00+08:00"),
        )
        service.join_line(
            other.key,
            make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00"),
            moment("2026-03-04T09:00+08:00"),
            moment("2026-03-04T17:00+08:00"),
            7200,
            by=world["by"],
        )
    host = signed_in(app, scene.manager_person)
    address = f"/o/{scene.host.code}/waiting-list"
    assert f'href="{address}"' in text(host.get(f"/o/{scene.host.code}/requests"))
    everything = text(host.get(address))
    assert everything.count("No. 1 in line") == 2 and everything.count("is only told") == 1
    assert f'value="{other.code}"' in everything
    one = text(host.get(f"{address}?resource={scene.resource.code}"))
    assert one.count("No. 1 in line") == one.count("No. 2 in line") == one.count("is only told") == 1
    assert text(host.get(f"{address}?resource={other.code}")).count("No. 1 in line") == 1
    # What nobody waits for, or is not there, is no reason to show nothing.
    assert text(host.get(f"{address}?resource=nothing")).count("No. 1 in line") == 2


def test_what_is_not_needed_is_given_back(app: Flask, world: dict[str, Any]) -> None:
    client = signed_in(app, world["person"])
    join(world, client)
    with app.app_context():
        service.cancel(world["made"].key, by=world["scene"].booker)
    mine = f"/o/{world['firm'].code}/waiting"
    leave = re.search(r'action="([^"]+/leave)"', text(client.get(mine)))
    assert leave
    assert client.post(leave[1], data={"csrf_token": token(client, form_of(world))}).location == mine
    assert "given up" in text(client.get(f"{mine}?view=past"))
    with app.app_context():
        assert service.bookings_of(world["by"], states=[BookingState.HELD]) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"length": "9:00"}, "f-latest"),
        ({"length": "0:10"}, "f-length"),
        ({"length": "two"}, "f-length"),
        ({"latest_day": "2026-06-03"}, "f-latest"),
        ({"kind": "both"}, "f-kind"),
        ({"earliest_day": ""}, "f-earliest"),
    ],
)
def test_wishes_that_cannot_be(
    app: Flask, world: dict[str, Any], changed: dict[str, str], field: str
) -> None:
    answer = join(world, signed_in(app, world["person"]), **changed)
    assert answer.status_code == 422 and f'href="#{field}"' in text(answer)


def test_strangers_and_empty_lists(app: Flask, world: dict[str, Any]) -> None:
    client = signed_in(app, world["person"])
    join(world, client)
    with app.app_context():
        (one,) = service.waits_of(world["by"])
    scene: Scene = world["scene"]
    other = signed_in(app, scene.booker_person)
    assert "You wait for nothing" in text(other.get(f"/o/{scene.firm.code}/waiting"))
    address = f"/o/{scene.firm.code}/waiting/{scene.host.code}/{one.key.id}/leave"
    order = f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}/waiting"
    assert other.post(address, data={"csrf_token": token(other, order)}).status_code == 404
    assert other.get(f"/o/{scene.host.code}/waiting-list").status_code == 404
