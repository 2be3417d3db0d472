"""Split and hand over through the page."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.infra import clock
from tests.builders import accounts as people
from tests.builders.availability import moment
from tests.builders.booking import another_booker, make_booking, make_scene


def signed_in(app: Flask, person: Any) -> Any:
    client = app.test_client()
    with app.app_context():
        people.sign_in(client, person)
    with client.session_transaction() as session:
        session["language"] = "en"
    return client


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def test_split_and_hand_over(app: Flask) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        with app.app_context():
            scene = make_scene()
            made = make_booking(scene)
            colleague = people.make_person(name="王芳", roles=[(scene.firm, Role.BOOKER)])
            stranger_firm, stranger, _ = another_booker()
        client = signed_in(app, scene.booker_person)
        shown = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}"
        assert f"{shown}/divide" in text(client.get(shown))
        page = text(client.get(f"{shown}/divide"))
        assert "王芳" in page and 'value="10:00"' in page
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        data = {"csrf_token": token[1], "version": str(made.version)}
        wrong = client.post(f"{shown}/split", data={**data, "at_day": "2026-03-03", "at_time": "11:00"})
        assert wrong.status_code == 422 and "inside the booked time" in text(wrong)
        done = client.post(f"{shown}/split", data={**data, "at_day": "2026-03-03", "at_time": "10:00"})
        assert done.status_code == 303 and "09:00\u2060–\u206010:00" in text(client.get(shown))
        with app.app_context():
            version = service.booking(made.key).version
            assert len(service.bookings_of(scene.booker)) == 2
        data = {"csrf_token": token[1], "version": str(version)}
        assert client.post(f"{shown}/hand-over", data={**data, "person": "x"}).status_code == 422
        person = f"{made.customer_id}:{colleague.id}"
        assert client.post(f"{shown}/hand-over", data={**data, "person": person}).status_code == 303
        assert "王芳" in text(client.get(shown))
        assert client.post(f"{shown}/hand-over", data={**data, "person": person}).status_code == 412
        other = signed_in(app, stranger)
        there = f"/o/{stranger_firm.code}/bookings/{scene.host.code}/{made.key.id}/divide"
        assert other.get(there).status_code == 404
    with clock.fixed(moment("2026-03-03T09:00+08:00")):
        refused = client.post(
            f"{shown}/split", data={"csrf_token": token[1], "at_day": "2026-03-03", "at_time": "09:30"}
        )
        assert refused.status_code == 409 and "It has begun, is over" in text(refused)
