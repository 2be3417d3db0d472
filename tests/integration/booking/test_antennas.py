"""Real requests for the antennas of the Deep Space Network, scheduled first-fit through the public API.

Weeks 10, 20 and 30 of 2018: 844 requests of some thirty missions for 14 antennas, each with a set-up and a tear-down of
its own, a window, intervals in which the spacecraft is in view, and alternative or joint antennas; and the maintenance
of those weeks. Far more is asked for than there is, so about half is refused; nothing may overlap.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.tables import Occupancy, OpeningException
from resource_hub.domain.availability.terms import OnHolidays
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import BookingState
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.time import TimeSpan, subtract
from tests.builders.accounts import bearer, make_firm, make_institution, make_person
from tests.builders.availability import make_rules, make_weekly
from tests.builders.booking import TARIFF
from tests.builders.catalogue import make_listing

STEP = 300
# What every antenna needs at least is a rule of the house; what a request needs beyond it is part of the booked time.
SETUP, TEARDOWN = 30, 15


@dataclass(frozen=True)
class Wish:
    """A request: antennas that would do (one or several together), when they see the spacecraft, and for how long."""

    mission: int
    track: str
    choices: tuple[tuple[str, ...], ...]
    views: dict[str, tuple[TimeSpan, ...]]
    window: TimeSpan
    seconds: int
    least_seconds: int
    setup: int
    teardown: int


@dataclass
class Antenna:
    """An antenna as a careful client knows it: what was free at first, less what it has booked since."""

    path: str
    free: list[TimeSpan] = field(default_factory=list)
    held: list[TimeSpan] = field(default_factory=list)


def stamp(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def wishes(folder: Path, week: str) -> list[Wish]:
    with gzip.open(folder / "usage" / "dsn_antenna_requests_2018.json.gz", "rt", encoding="utf-8") as file:
        rows = json.load(file)[week]
    return [
        Wish(
            row["subject"],
            row["track_id"],
            tuple(tuple(choice) for choice in row["resources"]),
            {
                name: tuple(TimeSpan(stamp(v["TRX ON"]), stamp(v["TRX OFF"])) for v in views)
                for name, views in row["resource_vp_dict"].items()
            },
            TimeSpan(stamp(row["time_window_start"]), stamp(row["time_window_end"])),
            on_grid(row["duration"]),
            on_grid(row["duration_min"]),
            row["setup_time"] * 60,
            row["teardown_time"] * 60,
        )
        for row in rows
    ]


def on_grid(hours: float) -> int:
    return ceil(round(hours * 3600) / STEP) * STEP


def closures(folder: Path, week: int) -> list[tuple[str, TimeSpan]]:
    with (folder / "usage" / "dsn_antenna_maintenance_2018.csv").open(encoding="utf-8") as file:
        return [
            (row["antenna"], TimeSpan(stamp(int(float(row["starttime"]))), stamp(int(float(row["endtime"])))))
            for row in csv.DictReader(file)
            if int(float(row["week"])) == week
        ]


ALWAYS = TimeSpan(datetime(2018, 1, 1, tzinfo=UTC), datetime(2019, 1, 1, tzinfo=UTC))


def first_start(wish: Wish, view: TimeSpan, seconds: int, free: Sequence[TimeSpan]) -> TimeSpan | None:
    """The first booked time on the grid that lies in free time and whose track lies in view."""
    before, after = wish.setup - SETUP * 60, wish.teardown - TEARDOWN * 60
    within = view.intersection(wish.window)
    if within is None:
        return None
    reach = within.widened(before, after)
    for piece in (cut for one in free if (cut := one.intersection(reach))):
        start = piece.start + timedelta(seconds=-int(piece.start.timestamp()) % STEP)
        end = start + timedelta(seconds=before + seconds + after)
        if end <= piece.end:
            return TimeSpan(start, end)
    return None


class Network:
    """The antennas behind the API, the missions with their tokens, and the client that schedules for all of them."""

    def __init__(self, app: Flask, start: datetime, names: set[str], missions: set[int]) -> None:
        self.client: FlaskClient = app.test_client()
        self.start = start
        host = make_institution(zone="UTC")
        manager = make_person(roles=[(host, Role.MANAGER)])
        self.manager = bearer(manager, host)
        weekly = make_weekly(
            weekdays=range(7), starts=0, ends=1440, since=date(2017, 1, 1), on_holidays=OnHolidays.OPEN
        )
        rules = make_rules(step=5, least=5, setup=SETUP, teardown=TEARDOWN)
        self.antennas: dict[str, Antenna] = {}
        for name in sorted(names):
            resource = make_listing(host, code=name)
            with unit_of_work() as unit:
                availability.set_hours_directly(unit, resource.key, weekly, rules)
                availability.rebuild(unit, [resource.key], availability.kept_span())
            pricing.adopt(resource.key, TARIFF, date(2017, 1, 1))
            self.antennas[name] = Antenna(f"/api/v1/hosts/{host.code}/resources/{name}")
        self.bookings = f"/api/v1/hosts/{host.code}/bookings"
        self.tokens = {}
        for mission in missions:
            firm = make_firm()
            self.tokens[mission] = bearer(make_person(roles=[(firm, Role.BOOKER)]), firm)

    def close(self, name: str, span: TimeSpan) -> None:
        body = {"kind": "closure", "start": span.start.isoformat(), "end": span.end.isoformat()}
        body["reason"] = {"zh": "例行维护", "en": "Maintenance"}  # type: ignore[assignment]
        answer = self.client.post(f"{self.antennas[name].path}/exceptions", json=body, headers=self.manager)
        assert answer.status_code == 201, answer.get_data(as_text=True)

    def free_times(self, name: str) -> list[TimeSpan]:
        end = self.start + timedelta(days=10)
        query = {"since": self.start.isoformat(), "until": end.isoformat()}
        answer = self.client.get(f"{self.antennas[name].path}/free-times", query_string=query)
        return [
            TimeSpan(datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]))
            for one in answer.get_json()["items"]
        ]

    def learn(self) -> None:
        for name, antenna in self.antennas.items():
            antenna.free, antenna.held = self.free_times(name), []

    # ---- first fit

    def fits(self, wish: Wish, seconds: int) -> Iterator[tuple[tuple[str, ...], TimeSpan]]:
        """Choices in the order in which they were asked for, each with the first time that this client thinks free."""
        for choice in wish.choices:
            for view in wish.views.get("_".join(choice), ()):
                span = self.first(choice, wish, view, seconds)
                if span is not None:
                    yield choice, span

    def first(self, choice: tuple[str, ...], wish: Wish, view: TimeSpan, seconds: int) -> TimeSpan | None:
        common: list[TimeSpan] = [ALWAYS]
        for name in choice:
            common = [
                cut for one in common for free in self.now_free(name) if (cut := one.intersection(free))
            ]
        return first_start(wish, view, seconds, sorted(common))

    def now_free(self, name: str) -> list[TimeSpan]:
        antenna = self.antennas[name]
        margins = [held.widened(TEARDOWN * 60, SETUP * 60) for held in antenna.held]
        return subtract(antenna.free, margins)

    def schedule(self, wish: Wish) -> tuple[str, list[Any]]:
        """``full``, ``shorter``, ``out of view``, or ``refused`` with the refusals that the API gave."""
        for name, seconds in (("full", wish.seconds), ("shorter", wish.least_seconds)):
            for choice, span in self.fits(wish, seconds):
                refusals = self.book(wish, choice, span)
                assert not refusals, "what is free to a careful client is free"
                return name, []
        vain = self.in_vain(wish)
        return ("refused", self.book(wish, *vain)) if vain else ("out of view", [])

    def in_vain(self, wish: Wish) -> tuple[tuple[str, ...], TimeSpan] | None:
        """The first choice at the first moment at which it would be in view for long enough, were it free."""
        for choice in wish.choices:
            for view in wish.views.get("_".join(choice), ()):
                span = first_start(wish, view, wish.least_seconds, (ALWAYS,))
                if span is not None:
                    return choice, span
        return None

    def book(self, wish: Wish, choice: tuple[str, ...], span: TimeSpan) -> list[Any]:
        """All antennas of a choice or none; the refusals."""
        made = []
        for name in choice:
            body = {"start": span.start.isoformat(), "end": span.end.isoformat(), "description": wish.track}
            key = {"Idempotency-Key": f"{wish.track}-{name}-{span.start:%d%H%M}"}
            answer = self.client.post(
                f"{self.antennas[name].path}/bookings",
                json=body,
                headers={**self.tokens[wish.mission], **key},
            )
            if answer.status_code != 201:
                for booking_id in made:
                    self.give_back(wish, booking_id)
                assert answer.status_code == 409, answer.get_data(as_text=True)
                return [answer.get_json()]
            made.append(answer.get_json()["id"])
            self.antennas[name].held.append(span.widened(SETUP * 60, TEARDOWN * 60))
        return []

    def give_back(self, wish: Wish, booking_id: str) -> None:
        answer = self.client.post(
            f"{self.bookings}/{booking_id}/cancellation",
            json={},
            headers={**self.tokens[wish.mission], "If-Match": "*"},
        )
        assert answer.status_code == 200, answer.get_data(as_text=True)


@pytest.mark.slow
@pytest.mark.parametrize(("week", "requests"), [(10, 257), (20, 294), (30, 293)])
def test_a_week_of_the_network(
    app: Flask, data_dir: Path, week: int, requests: int, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = wishes(data_dir, f"W{week}_2018")
    assert len(asked) == requests
    start = min(wish.window.start for wish in asked)
    names = {name for wish in asked for choice in wish.choices for name in choice}
    closed = [one for one in closures(data_dir, week) if one[0] in names]
    with app.app_context(), clock.fixed(start - timedelta(hours=2)):
        network = Network(app, start, names, {wish.mission for wish in asked})
        for one in closed:
            network.close(*one)
        network.learn()
        done: Counter[str] = Counter()
        codes: Counter[str] = Counter()
        for wish in asked:
            outcome, refusals = network.schedule(wish)
            done[outcome] += 1
            for refusal in refusals:
                assert refusal["reasons"]
                assert all(reason["detail"] for reason in refusal["reasons"])
                assert "alternatives" in refusal
                codes.update(reason["code"] for reason in refusal["reasons"])
            assert (outcome == "refused") == bool(refusals)
        assert done.total() == requests and done["full"] > requests // 3
        db.session.remove()
        booked = check(network, closed)
    with capsys.disabled():
        print(
            f"\nweek {week}: {dict(done)} on {len(names)} antennas, {booked} bookings; refusals {dict(codes)}"
        )


def check(network: Network, closed: list[tuple[str, TimeSpan]]) -> int:
    """What the database holds, looked at by itself: no overlap, whole set-up and tear-down, nothing in maintenance."""
    session = reading()
    rows = session.execute(
        select(Occupancy.unit_id, Occupancy.starts_at, Occupancy.ends_at, Occupancy.holder_id).order_by(
            Occupancy.unit_id, Occupancy.starts_at
        )
    ).all()
    for earlier, later in zip(rows, rows[1:], strict=False):
        assert earlier.unit_id != later.unit_id or earlier.ends_at <= later.starts_at
    spans = {row.holder_id: TimeSpan(row.starts_at, row.ends_at) for row in rows}
    closed_by_resource: dict[Any, list[TimeSpan]] = {}
    for row in session.scalars(select(OpeningException)):
        closed_by_resource.setdefault(row.resource_id, []).append(TimeSpan(row.starts_at, row.ends_at))
    assert sum(map(len, closed_by_resource.values())) == len(closed)
    bookings = session.scalars(select(Booking).where(Booking.state == BookingState.APPROVED.value)).all()
    for one in bookings:
        proper = TimeSpan(one.starts_at, one.ends_at)  # type: ignore[arg-type]
        assert spans.pop(one.id) == proper.widened(SETUP * 60, TEARDOWN * 60)
        assert not any(proper.overlaps(closure) for closure in closed_by_resource.get(one.resource_id, ()))
    assert not spans, "nobody holds an antenna without a booking"
    # What the careful client thinks free is what the hub says is free.
    for name in network.antennas:
        assert network.free_times(name) == network.now_free(name)
    return len(bookings)
