"""Whatever is sent to the doors of booking and availability is answered as the description says, and never with 5xx."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from resource_hub.infra import clock
from tests.support.door import NOW, Door, World
from tests.support.drawn import anew, often
from tests.web.booking.test_api import book

PATHS = r"/resources/\{code\}/(calendar|free-times|hours|exceptions|rules|quotes|holds|bookings)|/bookings|/quotes/"
PATHS += r"|/(series|waiting|helpers|strikes|bars|hand-overs|walk-ins|to-approve|units|external-calendars|outside-hours)"
PATHS += r"|/(protected-hours|calendar-days|trainings|training-types|feeds)"
CHECKS = [
    not_a_server_error, content_type_conformance, response_headers_conformance, response_schema_conformance,
    status_code_conformance,
]  # fmt: skip
ORDERS = ("/bookings", "/holds", "/quotes", "/bookings/preview")
EXAMPLES = 10
# Half hours of three weeks around now, sorted by who uses them.
NEAR = st.lists(
    st.integers(-48, 900).map(lambda n: NOW + timedelta(minutes=30 * n)), min_size=2, max_size=2
).map(sorted)
# And ends that nobody means: no time at all, backwards, ten years, far away, and the borders of what a date can be.
ODD: list[tuple[datetime, datetime]] = [
    (NOW, NOW),
    (NOW + timedelta(hours=2), NOW),
    (NOW, NOW + timedelta(days=3653)),
    (datetime(2199, 12, 31, 9, tzinfo=UTC), datetime(2199, 12, 31, 11, tzinfo=UTC)),
    (NOW, datetime(2199, 12, 31, 11, tzinfo=UTC)),
    (datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, 2, tzinfo=UTC)),
    (datetime(9999, 12, 31, 21, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
]
TIMES = st.one_of(NEAR, NEAR, st.sampled_from(ODD).map(list))


def operations(world: World) -> list[Any]:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.app)
    return [found.ok() for found in schema.include(path_regex=PATHS).get_all_operations()]


def plausible(body: dict[str, Any], times: list[datetime], order: bool) -> dict[str, Any]:
    """A body whose times are times and whose ids are left out; what else it holds stays as it was made."""
    body = {k: v for k, v in body.items() if not k.endswith("_id")}
    for name, moment in zip(("start", "end"), times, strict=True):
        if name in body or name == "end" and "start" in body:
            body[name] = moment.isoformat()
    if order:
        body |= {
            "kind": "window",
            "start": times[0].isoformat(),
            "end": times[1].isoformat(),
            "mode": "self_use",
        }
    if "since" in body:
        body["since"] = times[0].date().isoformat()
    return body


def fuzz(world: World, doors: Sequence[Door], operation: Any, ids: dict[str, str]) -> Counter[int]:
    """How often each status was answered; what is made up is sent by everybody."""
    seen: Counter[int] = Counter()
    known = {"host": world.scene.host.code, "code": world.scene.resource.code, **ids}

    @settings(
        max_examples=often(EXAMPLES),
        phases=[Phase.generate],
        database=None,
        derandomize=not anew(),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), real=st.integers(0, 3), times=TIMES)
    def run(case: Any, real: int, times: list[datetime]) -> None:
        # Most calls name what is there, or nothing behind the door would be seen.
        if real:
            case.path_parameters = {k: known.get(k, v) for k, v in (case.path_parameters or {}).items()}
            case.headers = {**(case.headers or {}), "If-Match": "*"}
        if real > 1 and isinstance(case.body, dict):
            case.body = plausible(case.body, times, operation.path.endswith(ORDERS))
        for door in doors:
            with clock.fixed(NOW):
                answer = case.call_and_validate(
                    headers={**door.headers, "Accept-Encoding": "identity"}, checks=CHECKS
                )
            seen[answer.status_code] += 1

    run()
    return seen


@pytest.mark.slow
def test_every_operation_answers_as_described(make_world: Callable[..., World]) -> None:
    world = make_world(rules={"approval": "outside"})
    made = book(world)
    ids = {"booking_id": made["id"], "quote_id": made["quote_id"]}
    found = operations(world)
    assert len(found) >= 30
    seen: Counter[int] = Counter()
    for operation in found:
        seen += fuzz(world, (world.booker, world.manager), operation, ids)
    # The doors were opened, and not only knocked at.
    assert {200, 201, 403, 404, 409, 412, 422} <= set(seen), seen


@pytest.mark.parametrize("times", ODD, ids=lambda pair: f"{pair[0].year}-{pair[1].year}")
def test_times_that_nobody_means_are_refused_at_once(world: World, times: tuple[datetime, datetime]) -> None:
    order = {"start": times[0].isoformat(), "end": times[1].isoformat(), "description": "断口形貌"}
    path = f"/api/v1/hosts/{world.scene.host.code}/resources/{world.scene.resource.code}"
    client = world.app.test_client()
    for act in ("bookings", "holds", "waiting"):
        sent = order | (
            {"earliest": order["start"], "latest": order["end"], "minutes": 60} if act == "waiting" else {}
        )
        began = time.perf_counter()
        answer = client.post(f"{path}/{act}", json=sent, headers=world.booker.headers)
        assert 400 <= answer.status_code < 500, (act, answer.text)
        assert time.perf_counter() - began < 3, act
