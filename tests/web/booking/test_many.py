"""Lists with more rows than one wants to read at once: they come in pages, reach the last row, and ask no more the more
rows there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking import waiting_store
from resource_hub.domain.booking.tables import Strike
from resource_hub.domain.booking.terms import StrikeKind, StrikeState, WaitingKind, WaitingState
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import make_exception, moment
from tests.builders.booking import Scene, make_asked, make_booking, make_scene
from tests.support.pages import signed_in
from tests.support.queries import queries

NOW = moment("2026-03-02T08:00+08:00")
MANY = 65


@pytest.fixture
def now() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def scene(app: Flask, now: None) -> Scene:
    with app.app_context():
        made = make_scene()
        db.session.remove()
    return made


def wait(scene: Scene, count: int, state: WaitingState = WaitingState.WAITING) -> None:
    with unit_of_work() as unit:
        for n in range(count):
            at = unit.now + timedelta(seconds=n)
            values = {
                "institution_id": scene.key.institution_id,
                "id": new_id(),
                "resource_id": scene.key.id,
                "customer_id": scene.customer_id,
                "person_id": scene.booker_person.id,
                "kind": WaitingKind.QUEUE.value,
                "state": state.value,
                "earliest": NOW + timedelta(days=1),
                "latest": NOW + timedelta(days=2),
                "length_seconds": 3600,
                "wish": {},
                "created_at": at,
                "changed_at": at,
            }
            waiting_store.add(unit.session, values)


def strike(scene: Scene, count: int, state: StrikeState = StrikeState.GIVEN) -> None:
    with unit_of_work() as unit:
        for n in range(count):
            unit.session.execute(
                insert(Strike).values(
                    institution_id=scene.key.institution_id,
                    id=new_id(),
                    resource_id=scene.key.id,
                    customer_id=scene.customer_id,
                    person_id=scene.booker_person.id,
                    kind=StrikeKind.MISUSE.value,
                    state=state.value,
                    given_at=NOW - timedelta(minutes=n),
                    expires_at=NOW + timedelta(days=30),
                )
            )


def train(scene: Scene, count: int) -> None:
    types = accounts.training_types(scene.host.id)
    if not types:
        accounts.add_training_type(
            code="sem", name_zh="扫描电镜", name_en="SEM", valid_months=0, by=scene.manager
        )
        types = accounts.training_types(scene.host.id)
    from tests.builders.accounts import make_person

    for _n in range(count):
        person = make_person()
        accounts.grant_training(
            types[0].key.id, person.email, since=NOW.date(), until=None, note="", by=scene.manager
        )


def walk_in(scene: Scene, count: int) -> None:
    for n in range(count):
        accounts.add_walk_in(f"石湖 {n:03d}", "", by=scene.manager)


def close(scene: Scene, count: int) -> None:
    for n in range(count):
        at = NOW + timedelta(days=1, hours=n)
        wanted = make_exception(span=TimeSpan(at, at + timedelta(minutes=30)))
        availability.add_exception(scene.key, wanted, by=scene.manager)


def answered(scene: Scene, count: int) -> None:
    for _n in range(count):
        made = len(booking.bookings_at(scene.manager))
        at = NOW + timedelta(days=(1, 2, 3, 4, 7)[made // 16], hours=1, minutes=made % 16 * 30)
        make_booking(scene, asked=make_asked(at.isoformat(), (at + timedelta(minutes=30)).isoformat()))


def pages_of(client: Any, address: str, mark: str) -> list[int]:
    """How often a mark stands on each page, from the first to the last."""
    found = []
    while address:
        text = client.get(address).get_data(as_text=True)
        found.append(len(re.findall(mark, text)))
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = following[1].replace("&amp;", "&") if following else ""
        assert len(found) < 20
    return found


CASES: list[tuple[str, str, Callable[[Scene, int], None], str, str, list[int]]] = [
    ("manager", "/o/{host}/waiting-list", wait, "the line at the host", 'data-label="Waits since"', [30, 30, 5]),
    ("booker", "/o/{firm}/waiting", wait, "own places", "/leave", [30, 30, 5]),
    ("manager", "/o/{host}/strikes", strike, "strikes", 'name="decision"', [30, 30, 5]),
    ("booker", "/me/standing", strike, "own strikes", 'name="appeal"', [30, 30, 5]),
    ("manager", "/o/{host}/trainings", train, "trainings", "/revoke", [30, 30, 5]),
    ("manager", "/o/{host}/resources/{resource}/hours", close, "closures", "/remove", [20, 20, 20, 5]),
    ("manager", "/o/{host}/requests/answered", answered, "answered", 'data-label="Customer"', [30, 30, 5]),
    ("manager", "/o/{host}/walk-ins", walk_in, "walk-ins", 'id="w-', [20, 20, 20, 5]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "path", "fill", "mark", "expected"),
    [(who, path, fill, mark, expected) for who, path, fill, _name, mark, expected in CASES],
    ids=[case[3] for case in CASES],
)
def test_a_long_list_comes_in_pages_and_asks_no_more(
    app: Flask, scene: Scene, who: str, path: str, fill: Any, mark: str, expected: list[int]
) -> None:
    person = scene.manager_person if who == "manager" else scene.booker_person
    client, _send = signed_in(app, person)
    with client.session_transaction() as session:
        session["language"] = "en"
    address = path.format(host=scene.host.code, firm=scene.firm.code, resource=scene.key.id)
    counts = []
    for more in (5, MANY - 5):
        with app.app_context():
            fill(scene, more)
            db.session.remove()
        client.get(address)
        with queries(app) as statements:
            client.get(address)
        counts.append(len(statements))
    assert counts[1] <= counts[0] + 1
    assert pages_of(client, address, mark) == expected


def test_what_became_of_waiting_stands_by_itself(app: Flask, scene: Scene) -> None:
    with app.app_context():
        wait(scene, 40, WaitingState.MISSED)
        wait(scene, 3)
        db.session.remove()
    client, _send = signed_in(app, scene.booker_person)
    address = f"/o/{scene.firm.code}/waiting"
    assert pages_of(client, address, "/leave") == [3]
    again = f"/book/{scene.host.code}/"
    assert pages_of(client, f"{address}?view=past", again) == [30, 10]


def test_many_appeals_do_not_hide_the_strikes(app: Flask, scene: Scene) -> None:
    with app.app_context():
        strike(scene, 25, StrikeState.APPEALED)
        strike(scene, 2)
        db.session.remove()
    client, _send = signed_in(app, scene.manager_person)
    assert pages_of(client, f"/o/{scene.host.code}/strikes", 'name="decision"') == [22]


def test_versions_of_the_house_rules_come_in_pages_and_one_is_found_by_itself(
    app: Flask, scene: Scene
) -> None:
    with app.app_context():
        first = availability.newest_rules_number(scene.key)
        for n in range(1, 26):
            day = NOW.date() + timedelta(days=n)
            availability.save_rules(
                scene.key, {"least": 10 * n}, day, note=f"note {n:02d}.", by=scene.manager
            )
        db.session.remove()
        versions = availability.rules_history(scene.key)
        some = availability.rules_history(scene.key, 5, versions[4].since)
        assert some == versions[5:10]
        with queries(app) as statements:
            assert availability.rules_numbered(scene.key, first + 7).least == 70
        assert len(statements) == 1 and "number" in statements[0].partition("WHERE")[2]
        db.session.remove()
    client, _send = signed_in(app, scene.manager_person)
    address = f"/o/{scene.host.code}/resources/{scene.key.id}/rules"
    assert pages_of(client, address, r"note \d\d\.") == [10, 10, 5]
