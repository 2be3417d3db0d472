"""Series through the pages: the days before they are booked, clashes answered, moved, cancelled, answered by the host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.infra import clock, outbox
from resource_hub.kernel.keys import HostKey
from tests.builders import accounts as people
from tests.builders.availability import moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

NOW = moment("2026-03-02T08:00+08:00")
WEEKLY = {
    "mode": "self_use", "purpose": "research", "start_day": "2026-03-03", "start_time": "09:00", "end_time": "11:00",
    "frequency": "weekly", "interval": "1", "weekdays": ["1"], "monthly": "day", "ends": "count", "count": "3",
}  # fmt: skip


@pytest.fixture
def now() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def signed_in(app: Flask, person: Any) -> Any:
    client = app.test_client()
    with app.app_context():
        people.sign_in(client, person)
    with client.session_transaction() as session:
        session["language"] = "en"
    return client


def token(client: Any, address: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(address).get_data(as_text=True))
    return found[1] if found else ""


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def scene_in(app: Flask, **more: Any) -> Scene:
    with app.app_context():
        return make_scene(**more)


def form_of(scene: Scene) -> str:
    return f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}/series"


def made(app: Flask, scene: Scene, client: Any, **more: Any) -> str:
    """A series made by clicks; its address."""
    address = form_of(scene)
    answer = client.post(address, data={**WEEKLY, "csrf_token": token(client, address), "book": "1", **more})
    assert answer.status_code == 303, text(answer)
    return str(answer.location)


def test_the_days_are_shown_with_prices_before_anything_is_booked(app: Flask, now: None) -> None:
    scene = scene_in(app)
    client = signed_in(app, scene.booker_person)
    address = form_of(scene)
    page = client.get(address + "?start_day=2026-03-03&start_time=09:00&end_time=11:00")
    assert page.status_code == 200 and "2026-03-03" in text(page)
    look = client.post(address, data={**WEEKLY, "csrf_token": token(client, address), "look": "1"})
    assert look.status_code == 200
    assert text(look).count("is-free") == 3
    assert "1,800.00" in text(look)
    with app.app_context():
        assert service.series_of(scene.booker) == []


def test_a_clash_waits_for_a_choice_and_then_all_is_booked(app: Flask, now: None) -> None:
    scene = scene_in(app)
    with app.app_context():
        _, _, other = another_booker()
        make_booking(scene, by=other, asked=make_asked("2026-03-10T10:00+08:00", "2026-03-10T12:00+08:00"))
    client = signed_in(app, scene.booker_person)
    address = form_of(scene)
    data = {**WEEKLY, "csrf_token": token(client, address)}
    refused = client.post(address, data={**data, "book": "1"})
    assert refused.status_code == 409
    assert "choice.2026-03-10" in text(refused) and "is-clash" in text(refused)
    other_time = re.search(r'<option value="(2026-03-\S+/2026-03-\S+)"', text(refused))
    assert other_time
    look = client.post(address, data={**data, "look": "1", "choice.2026-03-10": other_time[1]})
    assert text(look).count("is-free") == 3
    booked = client.post(address, data={**data, "book": "1", "choice.2026-03-10": "skip"})
    assert booked.status_code == 303
    page = client.get(booked.location)
    assert text(page).count("/bookings/") >= 2 and "left out" in text(page)


def test_many_clashes_are_left_out_with_one_click(app: Flask, now: None) -> None:
    """A series of every day meets the weekends: what clashes is left out at once and still said day by day."""
    scene = scene_in(app)
    client = signed_in(app, scene.booker_person)
    address = form_of(scene)
    daily = {**WEEKLY, "frequency": "daily", "count": "14", "csrf_token": token(client, address)}
    look = text(client.post(address, data={**daily, "look": "1"}))
    assert look.count('"is-clash"') == 4 and "Leave all of them out" in look and 'name="book"' not in look
    look = text(client.post(address, data={**daily, "look": "rest"}))
    assert '"is-clash"' not in look and look.count('"is-skipped"') == 4 and "Book 10 days" in look
    chosen = dict.fromkeys(re.findall(r'name="(choice[^"]+)"', look), "skip")
    assert look.count('value="skip" selected') == len(chosen) == 4
    booked = client.post(address, data={**daily, "book": "1", **chosen})
    assert booked.status_code == 303 and text(client.get(booked.location)).count("left out") == 4


def test_days_that_cannot_move_stay_with_one_click(app: Flask, now: None) -> None:
    scene = scene_in(app)
    client = signed_in(app, scene.booker_person)
    shown = made(app, scene, client, frequency="daily", count="4")
    with app.app_context():
        _, _, other = another_booker()
        for day in (4, 5, 6):
            taken = make_asked(f"2026-03-0{day}T13:00+08:00", f"2026-03-0{day}T15:00+08:00")
            make_booking(scene, by=other, asked=taken)
    address = re.findall(r'href="([^"]+/change/[^"]+)"', text(client.get(shown)))[0]
    data = {
        "csrf_token": token(client, address), "start_day": "2026-03-03", "start_time": "13:00", "end_time": "15:00",
        "scope": "all",
    }  # fmt: skip
    look = text(client.post(address, data={**data, "look": "1"}))
    assert look.count('"is-clash"') == 3 and "Leave all of them where they are" in look
    look = text(client.post(address, data={**data, "look": "rest"}))
    assert '"is-clash"' not in look and "1 day moves" in look and look.count('value="skip" selected') == 3


def test_a_day_that_was_left_out_is_booked_after_all(app: Flask, now: None) -> None:
    scene = scene_in(app)
    with app.app_context():
        _, _, other = another_booker()
        make_booking(scene, by=other, asked=make_asked("2026-03-10T10:00+08:00", "2026-03-10T12:00+08:00"))
    client = signed_in(app, scene.booker_person)
    shown = made(app, scene, client, **{"choice.2026-03-10": "skip"})
    (address,) = re.findall(r'href="([^"]+/days/2026-03-10)"', text(client.get(shown)))
    page = text(client.get(address))
    assert "It cannot be booked like this" in page and "These times can be had" in page
    data = {"csrf_token": token(client, address), "start_day": "2026-03-10", "version": "1", "book": "1"}
    taken = client.post(address, data={**data, "start_time": "09:00", "end_time": "11:00"})
    assert taken.status_code == 409
    look = {**data, "book": "", "look": "1", "start_time": "13:00", "end_time": "15:00"}
    assert "600.00" in text(client.post(address, data=look))
    done = client.post(address, data={**data, "start_time": "13:00", "end_time": "15:00"})
    assert done.status_code == 303
    page = text(client.get(done.location))
    assert "The day is booked." in page and "left out" not in page and "Book it after all" not in page
    assert client.get(address.replace("03-10", "03-11")).status_code == 404


def test_another_time_can_be_typed(app: Flask, now: None) -> None:
    scene = scene_in(app)
    client = signed_in(app, scene.booker_person)
    more = {
        "choice.2026-03-10": "other", "other.2026-03-10_day": "2026-03-11", "other.2026-03-10_time": "14:00",
    }  # fmt: skip
    page = client.get(made(app, scene, client, **more))
    assert "14:00" in text(page) and "moved by hand" in text(page)


def test_sending_the_form_twice_makes_one_series(app: Flask, now: None) -> None:
    scene = scene_in(app)
    client = signed_in(app, scene.booker_person)
    address = form_of(scene)
    data = {**WEEKLY, "csrf_token": token(client, address), "_once": "this form", "book": "1"}
    first, second = client.post(address, data=data), client.post(address, data=data)
    assert first.location == second.location
    with app.app_context():
        assert len(service.series_of(scene.booker)) == 1
    later = client.post(
        address, data={**data, "start_time": "13:00", "end_time": "15:00"}
    )  # back, another time
    assert later.status_code == 303 and later.location != first.location
    with app.app_context():
        assert len(service.series_of(scene.booker)) == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"count": "1"}, "A series has 2 to 200 days."),
        ({"ends": "until", "until": "2026-03-01"}, "The last day lies after the first."),
        ({"ends": "until", "until": ""}, "f-until"),
        ({"start_time": ""}, "f-time"),
        ({"frequency": "hourly"}, "f-frequency"),
    ],
)
def test_rules_that_cannot_be_are_told_beside_their_field(
    app: Flask, now: None, changed: dict[str, str], said: str
) -> None:
    scene = scene_in(app)
    client = signed_in(app, scene.booker_person)
    address = form_of(scene)
    answer = client.post(
        address, data={**WEEKLY, "csrf_token": token(client, address), "look": "1", **changed}
    )
    assert answer.status_code == 422 and said in text(answer)


def test_this_and_following_with_the_days_before_the_click(app: Flask, now: None) -> None:
    scene = scene_in(app)
    client = signed_in(app, scene.booker_person)
    shown = made(app, scene, client)
    days = text(client.get(shown)).split('id="days"')[1]
    address = re.findall(r'href="([^"]+/change/[^"]+)"', days)[1]
    data = {
        "csrf_token": token(client, address), "start_day": "2026-03-10", "start_time": "14:00", "end_time": "16:00",
        "scope": "rest",
    }  # fmt: skip
    look = client.post(address, data={**data, "look": "1"})
    assert look.status_code == 200 and "2 days move" in text(look)
    saved = client.post(address, data={**data, "save": "1"})
    assert saved.status_code == 303 and saved.location != shown
    assert text(client.get(saved.location)).count("14:00\u2060–\u206016:00") >= 2
    assert "14:00" not in text(client.get(shown)).split('id="days"')[1]
    listed = client.get(f"/o/{scene.firm.code}/series")
    assert text(listed).count('data-label="How often"') == 2


def test_only_this_day(app: Flask, now: None) -> None:
    scene = scene_in(app)
    client = signed_in(app, scene.booker_person)
    shown = made(app, scene, client)
    address = re.findall(r'href="([^"]+/change/[^"]+)"', text(client.get(shown)))[1]
    data = {
        "csrf_token": token(client, address), "start_day": "2026-03-03", "start_time": "14:00", "end_time": "16:00",
        "scope": "one", "save": "1",
    }  # fmt: skip
    assert client.post(address, data=data).location == shown
    assert "moved by hand" in text(client.get(shown))


def test_cancel_from_a_day_on(app: Flask, now: None) -> None:
    scene = scene_in(app)
    client = signed_in(app, scene.booker_person)
    shown = made(app, scene, client)
    address = re.findall(r'href="([^"]+/cancel\?since=2026-03-10)"', text(client.get(shown)))[0]
    page = client.get(address)
    assert "2 days are cancelled." in text(page)
    fee = re.search(r'name="fees" value="([^"]+)"', text(page))
    assert fee
    data = {
        "csrf_token": token(client, address), "since": "2026-03-10", "fees": fee[1],
        "reason": "样品没到",
    }  # fmt: skip
    assert client.post(address.split("?")[0], data=data).status_code == 303
    page = client.get(shown)
    assert text(page).count("is-off") >= 2


def test_the_host_answers_and_strangers_find_nothing(app: Flask, now: None) -> None:
    scene = scene_in(app, rules={"approval": "always"})
    client = signed_in(app, scene.booker_person)
    shown = made(app, scene, client)
    series_id = shown.rsplit("/", 1)[1]
    host = signed_in(app, scene.manager_person)
    address = f"/o/{scene.host.code}/series/{scene.host.code}/{series_id}"
    assert "Your answer" in text(host.get(address)) and "Your answer" not in text(client.get(shown))
    ticked = re.findall(r'name="day" value="([^"]+)" checked', text(host.get(address)))
    data = {"csrf_token": token(host, address), "answer": "no", "day": ticked}
    assert len(ticked) == 3 and host.post(address + "/answer", data=data).status_code == 422
    assert host.post(address + "/answer", data={**data, "answer": "yes", "day": []}).status_code == 422
    assert host.post(address + "/answer", data={**data, "answer": "yes"}).status_code == 303
    assert "Your answer" not in text(host.get(address))
    permanent = f"/hosts/{scene.host.code}/series/{series_id}"
    assert host.get(permanent).location == address and client.get(permanent).location == shown
    with app.app_context():
        other_firm, stranger, _ = another_booker()
    out = signed_in(app, stranger)
    assert out.get(permanent).status_code == 404
    assert out.get(f"/o/{other_firm.code}/series/{scene.host.code}/{series_id}").status_code == 404


def test_ticked_days_are_answered_and_those_left_say_why(app: Flask, now: None) -> None:
    scene = scene_in(app, rules={"approval": "always"})
    client = signed_in(app, scene.booker_person)
    series_id = made(app, scene, client).rsplit("/", 1)[1]
    host = signed_in(app, scene.manager_person)
    address = f"/o/{scene.host.code}/series/{scene.host.code}/{series_id}"
    asked = f"/o/{scene.host.code}/requests"
    assert f"{address}#answer" in text(host.get(asked))
    ticked = re.findall(r'name="day" value="([^"]+)" checked', text(host.get(address)))
    with app.app_context():
        first = HostKey(scene.host.id, UUID(ticked[0].split("/")[0]))
        service.cancel(first, by=scene.booker)
    data = {"csrf_token": token(host, address), "answer": "yes", "day": ticked[:2]}
    shown = text(host.post(address + "/answer", data=data))
    assert "1 day confirmed." in shown and "1 day was not answered" in shown
    kept = re.search(r'id="kept">(.*?)</ul>', shown)
    assert kept is not None and "3 Mar" in kept[1]
    assert re.findall(r'name="day" value="([^"]+)"', shown) == ticked[2:]
    # What was ticked and typed stays where nothing could be answered.
    again = host.post(address + "/answer", data={**data, "note": "欢迎"})
    assert again.status_code == 409 and "2 days were not answered" in text(again)
    assert 'value="欢迎"' in text(again)


def test_the_customers_approver_answers_from_its_list(app: Flask, now: None) -> None:
    steps = [{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}]
    scene = scene_in(app, rules={"approval": "always", "steps": steps})
    with app.app_context():
        approver = people.make_person(roles=[(scene.firm, Role.APPROVER)])
    client = signed_in(app, scene.booker_person)
    address = made(app, scene, client)
    with app.app_context():
        outbox.deliver_due()
        outbox.deliver_due()
    boss = signed_in(app, approver)
    assert f"{address}#answer" in text(boss.get(f"/o/{scene.firm.code}/to-approve"))
    assert "Your answer" not in text(client.get(address))
    ticked = re.findall(r'name="day" value="([^"]+)" checked', text(boss.get(address)))
    data = {"csrf_token": token(boss, address), "answer": "yes", "day": ticked}
    assert boss.post(address + "/answer", data=data).status_code == 303
    shown = text(boss.get(address))
    assert "Your yes to 3 days is noted" in shown and "Your answer" not in shown
    host = signed_in(app, scene.manager_person)
    there = address.replace(f"/o/{scene.firm.code}/", f"/o/{scene.host.code}/")
    assert "Your answer" in text(host.get(there))


def test_empty_list(app: Flask, now: None) -> None:
    scene = scene_in(app)
    assert "No series yet" in text(signed_in(app, scene.booker_person).get(f"/o/{scene.firm.code}/series"))
