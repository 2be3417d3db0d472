"""Reported ratings over the REST interface: read by the platform only, hidden, left, and decided once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.tables import AuditEntry
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import bearer, make_person, make_platform
from tests.builders.availability import moment
from tests.builders.booking import make_asked, make_booking
from tests.support.door import Door, World
from tests.web.booking.test_api import codes

USED, SHOWN = moment("2026-03-03T17:00+08:00"), moment("2026-03-18T12:00+08:00")
REASON = {"hide": True, "reason": "含侮辱性文字"}


@dataclass(frozen=True)
class Reported:
    """Ratings of three orders, each reported a minute after the one before."""

    world: World
    platform: Door
    keys: list[HostKey]
    orders: list[HostKey]

    def one(self, index: int) -> str:
        return f"/hosts/{self.world.scene.host.code}/ratings/{self.keys[index].id}"

    def ids(self, **query: Any) -> list[str]:
        rows = self.platform("GET", "/ratings/reported", 200, query_string=query).json["items"]
        return [row["id"] for row in rows]


@pytest.fixture
def reported(world: World) -> Reported:
    keys, orders = [], []
    with world.app.app_context():
        for n, hour in enumerate((9, 11, 13)):
            span = f"2026-03-03T{hour:02d}:00+08:00", f"2026-03-03T{hour + 1:02d}:00+08:00"
            with clock.fixed(moment("2026-03-02T08:00+08:00")):
                record = make_booking(world.scene, asked=make_asked(*span))
            with clock.fixed(USED), unit_of_work() as unit:
                service.started(unit, record.key)
                service.finished(unit, record.key, unit.now)
                keys.append(service.rate(record.key, 1, words="骂人", by=world.scene.booker).key)
            with clock.fixed(SHOWN.replace(minute=n)):
                service.report_rating(record.key, "人身攻击", by=world.scene.manager)
            orders.append(record.key)
        home = make_platform()
        headers = bearer(make_person(roles=[(home, Role.PLATFORM_STAFF)]), home)
    return Reported(world, Door(world.app, headers, SHOWN.replace(hour=13)), keys, orders)


def test_read_by_the_platform_only(reported: Reported) -> None:
    assert reported.ids() == [str(key.id) for key in reversed(reported.keys)]
    row = reported.platform("GET", reported.one(0), 200)
    assert row.headers["ETag"] == f'"{row.json["version"]}"'
    assert (row.json["words"], row.json["report"], row.json["side"], row.json["hidden"]) == (
        "骂人", "人身攻击", "customer", False,
    )  # fmt: skip
    assert not {"person_id", "customer_id", "booking_id"} & set(row.json)
    for door in (reported.world.booker, reported.world.manager, reported.world.stranger):
        door("GET", "/ratings/reported", 403)
        door("GET", reported.one(0), 403)
        door("POST", f"{reported.one(0)}/decision", 403, json=REASON, headers={"If-Match": "*"})
    reported.world.visitor("GET", "/ratings/reported", 401)
    # The id of the order is not that of the rating.
    wrong = f"/hosts/{reported.world.scene.host.code}/ratings/{reported.orders[0].id}"
    reported.platform("GET", wrong, 404)
    reported.platform("POST", f"{wrong}/decision", 404, json=REASON, headers={"If-Match": "*"})


def test_hidden_and_shown_again_after_a_second_look(reported: Reported) -> None:
    scene, order = reported.world.scene, reported.orders[0]
    at = f"/hosts/{scene.host.code}/bookings/{order.id}/rating"
    host = Door(reported.world.app, reported.world.manager.headers, reported.platform.at)
    assert host("GET", at, 200).json["other"]["words"] == "骂人"
    tag = reported.platform("GET", reported.one(0), 200).headers["ETag"]
    path = f"{reported.one(0)}/decision"
    hidden = reported.platform("POST", path, 200, json=REASON, headers={"If-Match": tag})
    assert hidden.json["hidden"] and hidden.json["decision"] == REASON["reason"]
    assert host("GET", at, 200).json["other"] is None
    # Who still looks at the version before the decision does not overwrite it unseen.
    shown = {"hide": False, "reason": "复核后恢复"}
    reported.platform("POST", path, 412, json=shown, headers={"If-Match": tag})
    reported.platform("POST", path, 428, json=shown)
    again = reported.platform("POST", path, 200, json=shown, headers={"If-Match": hidden.headers["ETag"]})
    assert not again.json["hidden"] and host("GET", at, 200).json["other"]["words"] == "骂人"
    with reported.world.app.app_context():
        subject = f"rating:{reported.keys[0].id}"
        actions = reading().scalars(select(AuditEntry.action).where(AuditEntry.subject == subject)).all()
    assert actions.count("booking.rating_hidden") == actions.count("booking.rating_kept") == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"hide": True}, "invalid"),
        ({"hide": True, "reason": ""}, "invalid"),
        ({"hide": True, "reason": " "}, "booking.rating_text"),
        ({"hide": True, "reason": "x" * 1001}, "invalid"),
        ({"reason": "x"}, "invalid"),
    ],
)
def test_a_decision_says_what_and_why(reported: Reported, body: Any, code: str) -> None:
    answer = reported.platform(
        "POST", f"{reported.one(0)}/decision", 422, json=body, headers={"If-Match": "*"}
    )
    assert codes(answer) == [code]
    assert not reported.platform("GET", reported.one(0), 200).json["hidden"]


def test_what_waits_comes_first_and_no_row_is_lost_between_pages(reported: Reported) -> None:
    first, second, third = (str(key.id) for key in reported.keys)
    reported.platform("POST", f"{reported.one(2)}/decision", 200, json=REASON, headers={"If-Match": "*"})
    assert reported.ids() == [second, first, third]
    assert reported.ids(decided="true") == [third] and reported.ids(decided="false") == [second, first]
    found, after = [], None
    while True:
        query = {"limit": 1, **({"after": after} if after else {})}
        page = reported.platform("GET", "/ratings/reported", 200, query_string=query).json
        found += [row["id"] for row in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert found == [second, first, third]
    reported.platform("GET", "/ratings/reported", 422, query_string={"after": "nonsense"})
