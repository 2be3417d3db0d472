"""Lists that are paged on pages and over the REST interface alike: the last row is reached, each row stands once, what is
counted is right, and a page asks no more the more rows there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from resource_hub.domain.accounts.terms import PersonRecord, Role
from resource_hub.domain.availability.terms import ExceptionKind
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.after_tables import Rating
from resource_hub.domain.booking.hand_over_tables import HandOverOffer
from resource_hub.domain.booking.inquiry_words import Wish
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import BookingKind
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.entrypoints.web.customer import SHOWN
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.time import TimeSpan
from tests.builders.accounts import actor, bearer, make_person, make_platform
from tests.builders.availability import make_exception, moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.builders.feeds import make_bookings
from tests.support.door import Door
from tests.support.pages import signed_in
from tests.support.queries import asked, queries
from tests.web.booking.test_many import pages_of

NOW = moment("2026-03-02T08:00+08:00")
FEW, MANY = 3, 45
STEPS = [{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}]


@pytest.fixture
def now() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def slot(n: int) -> TimeSpan:
    """Half an hour of its own within the opening hours of the next workdays."""
    week, day = divmod(n // 16, 5)
    start = NOW + timedelta(weeks=week, days=(1, 2, 3, 4, 7)[day], hours=1, minutes=n % 16 * 30)
    return TimeSpan(start, start + timedelta(minutes=30))


def wish(n: int) -> Any:
    return make_asked(slot(n).start.isoformat(), slot(n).end.isoformat())


WEEKLY = Recurrence(Frequency.WEEKLY, count=2)


def series(scene: Scene, numbers: range) -> None:
    for n in numbers:
        booking.create_series(scene.key, wish(n), WEEKLY, by=scene.booker)


def hand_overs(scene: Scene, numbers: range) -> None:
    """Offers of bookings that were declined."""
    other = another_booker()[2]
    for n in numbers:
        made = make_booking(scene, asked=wish(n))
        with unit_of_work() as unit:
            unit.session.execute(
                insert(HandOverOffer).values(
                    institution_id=scene.host.id,
                    id=new_id(),
                    booking_id=made.key.id,
                    from_customer_id=scene.customer_id,
                    to_customer_id=next(iter(other.customer_ids)),
                    state="declined",
                    offered_by=scene.booker_person.id,
                    offered_at=NOW - timedelta(minutes=n + 1),
                    expires_at=NOW + timedelta(days=1),
                )
            )


def inquiries(scene: Scene, numbers: range) -> None:
    for _ in numbers:
        asked_for = Wish(BookingKind.WINDOW, Mode.SELF_USE, 7200, description="断口形貌")
        booking.ask_for_quote(scene.key, asked_for, by=scene.booker)


def to_approve(scene: Scene, numbers: range) -> None:
    for n in numbers:
        make_booking(scene, asked=wish(n))
    while outbox.deliver_due():
        pass


def maintenance(scene: Scene, numbers: range) -> None:
    for n in numbers:
        work = make_exception(ExceptionKind.MAINTENANCE, span=slot(n))
        booking.publish_repeated(scene.key, work, WEEKLY, by=scene.manager)


def reported(scene: Scene, numbers: range) -> None:
    """Every third is decided."""
    staff = actor(make_person(roles=[(make_platform(), Role.PLATFORM_STAFF)]), make_platform())
    for n in numbers:
        made = make_booking(scene, asked=wish(n))
        decided = {"decided_at": NOW, "decided_by": staff.person_id, "decision": "如实"} if n % 3 == 0 else {}
        with unit_of_work() as unit:
            unit.session.execute(
                insert(Rating).values(
                    institution_id=scene.host.id,
                    id=new_id(),
                    booking_id=made.key.id,
                    resource_id=scene.key.id,
                    side="customer",
                    stars=1,
                    aspects={},
                    words="骂人",
                    given_by=scene.booker_person.id,
                    given_at=NOW - timedelta(days=1),
                    closes_at=NOW,
                    revealed_at=NOW,
                    report="人身攻击",
                    reported_by=scene.manager_person.id,
                    reported_at=NOW - timedelta(minutes=n),
                    **decided,
                )
            )


def working(scene: Scene, numbers: range) -> None:
    """Orders that are worked on."""
    (unit,) = catalogue.units(scene.key)
    make_bookings(
        scene.key,
        unit.key.id,
        scene.customer_id,
        scene.booker_person.id,
        [NOW + timedelta(days=1, hours=3 * n) for n in numbers],
        kind="samples",
        mode="send_in",
        state="received",
    )


@dataclass(frozen=True)
class Case:
    """``mark`` stands once a row on the page; ``who`` is who reads it; ``size`` of its pages."""

    fill: Callable[[Scene, range], None]
    who: str
    page: str
    mark: str
    size: int
    path: str
    scene: dict[str, Any] | None = None


ASK = {"tariff": {"format": 1, "currency": "CNY", "ask": True}}
ANSWERED = {"rules": {"approval": "always", "steps": STEPS}}
CASES = {
    "series": Case(series, "booker", "/o/{firm}/series", 'data-label="Days ahead"', 30, "/series"),
    "series at the host": Case(series, "manager", "", "", 0, "/hosts/{host}/series"),
    "hand-overs": Case(hand_overs, "booker", "/o/{firm}/hand-overs", "<li>[^<]* → ", 20, "/hand-overs"),
    "own quotes": Case(inquiries, "booker", "/o/{firm}/quotes", 'data-label="Asked"', 30, "/inquiries", ASK),
    "quotes at the host": Case(
        inquiries, "manager", "/o/{host}/quotes/asked", 'data-label="Asked"', 30, "/hosts/{host}/inquiries", ASK
    ),
    "to approve": Case(
        to_approve, "approver", "/o/{firm}/to-approve", 'id="b-', 20, "/to-approve", ANSWERED
    ),
    "maintenance": Case(
        maintenance, "manager", "/o/{host}/resources/{id}/dates", r'/dates/[0-9a-f-]{36}/remove"', 20,
        "/hosts/{host}/resources/{code}/exceptions/repeated",
    ),
    "reported": Case(reported, "platform", "/o/platform/ratings", '<article class="card">', 20, "/ratings/reported"),
    "running": Case(
        working, "manager", "/o/{host}/requests/working", 'data-label="Number"', 30,
        "/hosts/{host}/bookings?state=received",
    ),
}  # fmt: skip


def reader(scene: Scene, who: str) -> tuple[PersonRecord, Any]:
    """Who reads the list, and for which organisation."""
    if who == "approver":
        limit = {"limit_minor": 100_000_00}
        return make_person(roles=[(scene.firm, Role.APPROVER, limit)]), scene.firm
    if who == "platform":
        home = make_platform()
        return make_person(roles=[(home, Role.PLATFORM_STAFF)]), home
    return (scene.booker_person, scene.firm) if who == "booker" else (scene.manager_person, scene.host)


def all_of(door: Door, path: str, limit: int) -> list[str]:
    """The ids of every row, page by page."""
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        mark = "&" if "?" in path else "?"
        page = door("GET", f"{path}{mark}limit={limit}{after and f'&after={after}'}", 200).json
        assert len(page["items"]) == limit or page["next"] is None
        found += [str(one.get("id") or one["booking"]["id"]) for one in page["items"]]
        after = page["next"]
        assert len(found) <= 2 * MANY
    return found


def asks(app: Flask, look: Callable[..., Any], *args: Any) -> int:
    """How much is asked of the database by a look that is not the first."""
    look(*args)
    with queries(app) as sent:
        look(*args)
    return len(asked(sent))


@pytest.mark.parametrize("name", CASES)
def test_a_list_comes_in_pages_and_asks_no_more(app: Flask, now: None, name: str) -> None:
    case = CASES[name]
    with app.app_context():
        scene = make_scene(**case.scene or {})
        person, home = reader(scene, case.who)
        door = Door(app, bearer(person, home), NOW)
        db.session.remove()
    client, _send = signed_in(app, person)
    with client.session_transaction() as session:
        session["language"] = "en"
    names = {
        "host": scene.host.code,
        "firm": scene.firm.code,
        "id": scene.key.id,
        "code": scene.resource.code,
    }
    page, path = case.page.format(**names), case.path.format(**names)
    some = f"{path}{'&' if '?' in path else '?'}limit=20"
    counts = []
    for numbers in (range(FEW), range(FEW, MANY)):
        with app.app_context():
            case.fill(scene, numbers)
            db.session.remove()
        counts.append([*([asks(app, client.get, page)] if page else []), asks(app, door, "GET", some, 200)])
    assert all(many <= few + 1 for few, many in zip(*counts, strict=True)), counts
    if page:
        whole, rest = divmod(MANY, case.size)
        assert pages_of(client, page, case.mark) == [case.size] * whole + [rest]
    found = all_of(door, path, 20)
    assert len(found) == len(set(found)) == MANY
    assert all_of(door, path, 7) == found


def test_what_waits_is_counted_beyond_the_first_page(app: Flask, now: None) -> None:
    """The requests of a laboratory say how many quotes are asked for, and Home how many wait for the approver."""
    with app.app_context():
        scene = make_scene(**ASK)
        inquiries(scene, range(MANY))
        answered = make_scene(**ANSWERED)
        approver = make_person(roles=[(answered.firm, Role.APPROVER)])
        to_approve(answered, range(120))
        db.session.remove()
    client, _send = signed_in(app, scene.manager_person)
    with client.session_transaction() as session:
        session["language"] = "en"
    assert f"{MANY} quotes asked for" in client.get(f"/o/{scene.host.code}/requests").text
    client, _send = signed_in(app, approver)
    with client.session_transaction() as session:
        session["language"] = "en"
    home = client.get(f"/o/{answered.firm.code}/home").text
    assert f"{120 - SHOWN} more bookings to approve" in home
