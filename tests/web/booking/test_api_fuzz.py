"""Whatever is sent to the doors of booking and availability is answered as the description says, and never with 5xx."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
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
from tests.web.booking.test_api import book

PATHS = r"/resources/\{code\}/(calendar|free-times|hours|exceptions|rules|quotes|holds|bookings)|/bookings|/quotes/"
PATHS += r"|/(series|waiting|helpers|strikes|hand-overs|walk-ins|to-approve)"
CHECKS = [
    not_a_server_error, content_type_conformance, response_headers_conformance, response_schema_conformance,
    status_code_conformance,
]  # fmt: skip
ORDERS = ("/bookings", "/holds", "/quotes", "/bookings/preview")
EXAMPLES = 10
# Half hours of three weeks around now, sorted by who uses them.
TIMES = st.lists(
    st.integers(-48, 900).map(lambda n: NOW + timedelta(minutes=30 * n)), min_size=2, max_size=2
).map(sorted)


def operations(world: World) -> list[Any]:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.app)
    return [found.ok() for found in schema.include(path_regex=PATHS).get_all_operations()]


def plausible(body: dict[str, Any], times: list[datetime], order: bool) -> dict[str, Any]:
    """A body whose times are times and whose ids are left out; what else it holds stays as it was made."""
    body = {k: v for k, v in body.items() if not k.endswith("_id")}
    for name, moment in zip(("start", "end"), sorted(times), strict=True):
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
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
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
