"""The host's pages: requests that wait for an answer, and the calendar of all that one looks after."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import BookingRecord, BookingState
from resource_hub.infra import clock
from resource_hub.infra.database import db
from tests.builders.accounts import make_person
from tests.builders.availability import moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.support.pages import Send, signed_in

NOW = moment("2026-03-02T08:00+08:00")
Browser = tuple[FlaskClient, Send]


@pytest.fixture
def now() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def in_context(now: None, app: Flask) -> Callable[[Callable[[], Any]], Any]:
    def call(function: Callable[[], Any]) -> Any:
        with app.app_context():
            try:
                return function()
            finally:
                db.session.remove()

    return call


@pytest.fixture
def scene(in_context: Any) -> Scene:
    return in_context(lambda: make_scene(rules={"approval": "always"}))  # type: ignore[no-any-return]


@pytest.fixture
def manager(app: Flask, scene: Scene) -> Browser:
    return signed_in(app, scene.manager_person)


@pytest.fixture
def asked(in_context: Any, scene: Scene) -> Callable[..., BookingRecord]:
    """Somebody's request on Tuesday, from the given hour on."""

    def ask(hour: int, **more: Any) -> BookingRecord:
        def call() -> BookingRecord:
            _firm, _person, by = another_booker()
            wish = make_asked(
                f"2026-03-03T{hour:02d}:00+08:00", f"2026-03-03T{hour + 1:02d}:00+08:00", **more
            )
            return make_booking(scene, by=by, asked=wish)

        return in_context(call)  # type: ignore[no-any-return]

    return ask


def page_of(scene: Scene) -> str:
    return f"/o/{scene.host.code}/requests"


def answer_of(scene: Scene, record: BookingRecord) -> str:
    return f"/o/{scene.host.code}/bookings/{scene.host.code}/{record.key.id}/answer"


def state(in_context: Any, record: BookingRecord) -> BookingState:
    return in_context(lambda: service.booking(record.key)).state  # type: ignore[no-any-return]


def numbers(text: str, *records: BookingRecord) -> list[str]:
    """Numbers of these bookings in the order in which the page first names them."""
    found = re.findall("|".join(r.number for r in records), text)
    return list(dict.fromkeys(found))


# ---- requests --------------------------------------------------------------------------------------------------


def test_the_nearest_term_stands_first(manager: Browser, scene: Scene, asked: Any) -> None:
    client, _send = manager
    first = asked(14)
    with clock.fixed(NOW + timedelta(minutes=30)):
        second = asked(9)
    # Terms: 48 hours, but no later than the start; nine o'clock comes before two.
    text = client.get(page_of(scene)).get_data(as_text=True)
    assert numbers(text, first, second) == [second.number, first.number]


def test_no_request_says_what_will_stand_here(manager: Browser, scene: Scene) -> None:
    client, _send = manager
    page = client.get(page_of(scene))
    assert page.status_code == 200 and 'class="empty"' in page.get_data(as_text=True)


def test_one_click_confirms_and_leads_back(
    manager: Browser, scene: Scene, asked: Any, in_context: Any
) -> None:
    _client, send = manager
    record = asked(9)
    answer = send(
        page_of(scene), answer_of(scene, record), answer="approve", next="requests", version=record.version
    )
    assert answer.status_code == 303 and answer.location.endswith("/requests")
    assert state(in_context, record) is BookingState.APPROVED


def test_refusing_needs_a_reason(manager: Browser, scene: Scene, asked: Any, in_context: Any) -> None:
    _client, send = manager
    record = asked(9)
    fields = {"answer": "refuse", "next": "requests", "version": record.version}
    assert send(page_of(scene), answer_of(scene, record), **fields).status_code == 422
    assert state(in_context, record) is BookingState.REQUESTED
    assert send(page_of(scene), answer_of(scene, record), reason="样品含磁性", **fields).status_code == 303
    assert state(in_context, record) is BookingState.REJECTED


def test_dangerous_goods_are_not_ticked_with_others(manager: Browser, scene: Scene, asked: Any) -> None:
    client, _send = manager
    harmless = [asked(9), asked(10, hazards=frozenset({"none"}))]
    dangerous = asked(11, hazards=frozenset({"toxic"}), hazard_note="丙酮")
    text = client.get(page_of(scene)).get_data(as_text=True)
    for record in harmless:
        assert f'value="{record.key.id}/{record.version}"' in text
    assert f'value="{dangerous.key.id}/' not in text and "丙酮" in text


def test_several_are_confirmed_and_a_changed_one_waits(
    manager: Browser, scene: Scene, asked: Any, in_context: Any
) -> None:
    _client, send = manager
    good, other, changed = asked(9), asked(10), asked(11)
    ticked = [f"{r.key.id}/{r.version}" for r in (good, other)] + [f"{changed.key.id}/{changed.version - 1}"]
    answer = send(page_of(scene), f"{page_of(scene)}/confirm", request=[*ticked, "nonsense"])
    assert answer.status_code == 303
    assert [state(in_context, r) for r in (good, other, changed)] == [
        BookingState.APPROVED, BookingState.APPROVED, BookingState.REQUESTED,
    ]  # fmt: skip


def test_another_hosts_request_is_not_confirmed(
    app: Flask, scene: Scene, asked: Any, in_context: Any
) -> None:
    record = asked(9)
    other = in_context(lambda: make_scene(rules={"approval": "always"}))
    _client, send = signed_in(app, other.manager_person)
    path = f"/o/{other.host.code}/requests"
    assert send(path, f"{path}/confirm", request=[f"{record.key.id}/{record.version}"]).status_code == 303
    assert state(in_context, record) is BookingState.REQUESTED


def test_an_operator_reads_and_does_not_answer(app: Flask, scene: Scene, asked: Any, in_context: Any) -> None:
    record = asked(9)
    operator = in_context(lambda: make_person(roles=[(scene.host, Role.OPERATOR)]))
    client, send = signed_in(app, operator)
    text = client.get(page_of(scene)).get_data(as_text=True)
    assert record.number in text and 'value="approve"' not in text
    assert send(page_of(scene), f"{page_of(scene)}/confirm").status_code == 403
    assert send(page_of(scene), answer_of(scene, record), answer="approve").status_code == 403
    assert state(in_context, record) is BookingState.REQUESTED


# ---- the calendar ----------------------------------------------------------------------------------------------


def calendar(scene: Scene, **query: str) -> str:
    text = "&".join(f"{key}={value}" for key, value in query.items())
    return f"/o/{scene.host.code}/calendar?{text}"


def test_the_host_reads_who_holds_what(manager: Browser, scene: Scene, asked: Any, in_context: Any) -> None:
    client, _send = manager
    record = asked(9)
    from resource_hub.domain.accounts import service as accounts

    name = in_context(lambda: accounts.customer(record.customer_id)).name_zh
    for view in ({"day": "2026-03-03"}, {"view": "week", "day": "2026-03-05"}):
        text = client.get(calendar(scene, **view)).get_data(as_text=True)
        assert name in text and f"/bookings/{scene.host.code}/{record.key.id}" in text
    assert name not in client.get(calendar(scene, day="2026-03-04")).get_data(as_text=True)


def test_a_day_of_several_instruments_is_one_table(
    app: Flask, manager: Browser, scene: Scene, in_context: Any
) -> None:
    from tests.builders.catalogue import make_listing

    other = in_context(lambda: make_listing(scene.host, units=2, code="XPS-9"))
    client, _send = manager
    text = client.get(calendar(scene, day="2026-03-03")).get_data(as_text=True)
    assert text.count("data-timetable") == 1 and text.count('class="tt-lane"') == 3
    text = client.get(calendar(scene, day="2026-03-03", resource=other.code)).get_data(as_text=True)
    assert text.count('class="tt-lane"') == 2
    text = client.get(calendar(scene, view="week")).get_data(as_text=True)
    assert text.count("data-timetable") == 2


@pytest.mark.parametrize("day", ["2026-13-40", "soon", "1900-01-01", "9999-12-31"])
def test_a_day_that_cannot_be_is_today(manager: Browser, scene: Scene, day: str) -> None:
    client, _send = manager
    page = client.get(calendar(scene, day=day))
    assert page.status_code == 200 and 'value="2026-03-02"' in page.get_data(as_text=True)
