"""Orders over the API believe what their process saw last, and are decided by what is so."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from resource_hub.domain.accounts.tables import ApiToken, Membership, Person
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.catalogue.tables import Resource
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import unit_of_work
from tests.support.door import World
from tests.web.booking.test_api import ORDER, codes


def _order(day: int, **more: Any) -> dict[str, Any]:
    times = {"start": f"2026-03-{day:02d}T09:00:00+08:00", "end": f"2026-03-{day:02d}T10:00:00+08:00"}
    return {**ORDER, **times, **more}


def _elsewhere(world: World, statement: Any) -> None:
    """As another process would: nothing here is told."""
    with world.app.app_context(), unit_of_work() as unit:
        unit.session.execute(statement)


def _count(world: World) -> int:
    with world.app.app_context():
        return reading().scalar(sa.select(sa.func.count()).select_from(Booking)) or 0


CHANGES: dict[str, tuple[Any, Any, int]] = {
    "person": (sa.update(Person).values(state="suspended"), sa.update(Person).values(state="active"), 401),
    "token": (
        sa.update(ApiToken).values(revoked_at=sa.func.coalesce(ApiToken.revoked_at, ApiToken.created_at)),
        sa.update(ApiToken).values(revoked_at=None),
        401,
    ),
    "membership": (
        sa.update(Membership).values(state="ended"), sa.update(Membership).values(state="active"), 401,
    ),
    "resource": (
        sa.update(Resource).values(state="withdrawn"), sa.update(Resource).values(state="public"), 404,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("path", ["bookings", "holds"])
def test_what_was_changed_elsewhere_counts_at_once_and_what_was_mended_too(
    world: World, what: str, path: str
) -> None:
    change, mend, status = CHANGES[what]
    for day in (3, 4):
        world.booker("POST", f"{world.at}/{path}", 201, json=_order(day))
    _elsewhere(world, change)
    before = _count(world)
    world.booker("POST", f"{world.at}/{path}", status, json=_order(5))
    assert _count(world) == before
    _elsewhere(world, mend)
    world.booker("POST", f"{world.at}/{path}", 201, json=_order(5))
    assert _count(world) == before + 1


def test_no_refusal_is_told_to_whom_may_not_enter_any_more(world: World) -> None:
    for day in (3, 4):
        world.booker("POST", f"{world.at}/bookings", 201, json=_order(day))
    world.booker("POST", f"{world.at}/bookings", 409, json=_order(4))
    world.booker("POST", f"{world.at}/bookings", 422, json=_order(5, samples=-1))
    _elsewhere(world, CHANGES["token"][0])
    for order in (_order(4), _order(5, samples=-1)):
        world.booker("POST", f"{world.at}/bookings", 401, json=order)


def test_an_answer_that_is_repeated_is_given_only_to_whom_may_still_enter(world: World) -> None:
    key = {"Idempotency-Key": "sent-twice"}
    made = world.booker("POST", f"{world.at}/bookings", 201, json=_order(3), headers=key).json
    again = world.booker("POST", f"{world.at}/bookings", 201, json=_order(3), headers=key).json
    assert again["id"] == made["id"]
    _elsewhere(world, CHANGES["person"][0])
    world.booker("POST", f"{world.at}/bookings", 401, json=_order(3), headers=key)
    _elsewhere(world, CHANGES["person"][1])
    world.booker("POST", f"{world.at}/bookings", 201, json=_order(3), headers=key)
    assert _count(world) == 1


def test_the_host_writes_down_a_walk_in_only_while_it_is_the_host_s(world: World) -> None:
    walk_in = {"name": "王工", "contact": "139"}
    for day in (3, 4):
        world.manager("POST", f"{world.at}/bookings", 201, json=_order(day, walk_in=walk_in))
    _elsewhere(world, CHANGES["membership"][0])
    before = _count(world)
    world.manager("POST", f"{world.at}/bookings", 401, json=_order(5, walk_in=walk_in))
    assert _count(world) == before


def test_what_changes_between_the_door_and_the_lock_is_judged_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is still free then, and the order is decided once more from the beginning."""
    from resource_hub.domain.booking import ordering

    for day in (3, 4):
        world.booker("POST", f"{world.at}/bookings", 201, json=_order(day))
    entered: list[int] = []
    plain = ordering._behind_lock

    def late(*args: Any) -> Any:
        entered.append(1)
        return plain(*args)

    monkeypatch.setattr(ordering, "_behind_lock", late)
    _elsewhere(world, sa.update(Person).values(phone="139"))
    made = world.booker("POST", f"{world.at}/bookings", 201, json=_order(5)).json
    assert (made["state"], len(entered)) == ("approved", 2)
    world.booker("POST", f"{world.at}/bookings", 201, json=_order(6))
    assert len(entered) == 3, "who begins again has seen what is so"
    _elsewhere(world, sa.update(Person).values(phone="138"))
    answer = world.booker("POST", f"{world.at}/bookings", 409, json=_order(6))
    assert codes(answer) == ["availability.slot_taken"]
    assert len(answer.json["alternatives"]) == 3


def test_a_service_that_fails_in_its_unit_leaves_nothing_believed(world: World) -> None:
    key = {"Idempotency-Key": "one"}
    world.booker("POST", f"{world.at}/bookings", 201, json=_order(3), headers=key)
    answer = world.booker("POST", f"{world.at}/bookings", 409, json=_order(4), headers=key)
    assert codes(answer) == ["booking.key_reused"]
    _elsewhere(world, sa.update(ApiToken).values(revoked_at=clock.machine_now()))
    world.booker("POST", f"{world.at}/bookings", 401, json=_order(4), headers=key)
