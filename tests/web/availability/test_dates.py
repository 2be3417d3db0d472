"""The page of what comes again: looked at, entered with or without the dates that hit bookings, taken back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service as booking
from tests.builders.availability import span
from tests.builders.booking import make_booking

YEAR = span("2026-03-01T00:00Z", "2027-06-01T00:00Z")


def page_of(scene: Any) -> str:
    return f"/o/{scene.host.code}/resources/{scene.key.id}/dates"


def fields(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "maintenance", "day": "2026-03-09", "starts": "08:00", "ends": "10:00", "frequency": "weekly",
        "interval": "1", "until": "2026-03-31", "monthly": "weekday", "audience": "all", **changes,
    }  # fmt: skip


def entered(in_context: Any, scene: Any) -> list[str]:
    found = in_context(lambda: availability.exceptions(scene.key, YEAR))
    return [f"{one.span.start:%m-%d %H}" for one in found]


def test_looked_at_and_entered_and_taken_back(scene: Any, manager: Any, in_context: Any) -> None:
    client, send = manager
    page = page_of(scene)
    looked = send(page, page, **fields(look="1"))
    assert looked.status_code == 200
    assert looked.get_data(as_text=True).count("08:00\u2060–\u206010:00") == 4
    assert entered(in_context, scene) == []
    assert send(page, page, **fields(publish="all")).status_code == 303
    assert entered(in_context, scene) == ["03-09 00", "03-16 00", "03-23 00", "03-30 00"]
    shown = client.get(page).get_data(as_text=True)
    removal = re.search(rf'action="({page}/[0-9a-f-]+/remove)"', shown)
    assert removal
    assert send(page, removal[1]).status_code == 303
    assert entered(in_context, scene) == []


def test_dates_with_bookings_are_named_and_left_out(scene: Any, manager: Any, in_context: Any) -> None:
    _client, send = manager
    page = page_of(scene)
    booked = in_context(lambda: make_booking(scene))
    day = booked.span.start.astimezone().strftime("%Y-%m-%d")
    wanted = fields(day=day, starts="00:00", ends="23:00", until="2026-03-20")
    looked = send(page, page, **{**wanted, "look": "1"}).get_data(as_text=True)
    assert (
        ("1 booking" in looked or "1 个预约" in looked)
        and 'name="publish" value="free"' in looked
        and f'name="fate.{booked.key.id}" value="moves"' in looked
        and f'name="fate.{booked.key.id}" value="stays"' not in looked
    )
    assert send(page, page, **{**wanted, "publish": "all"}).status_code in (409, 422)
    assert entered(in_context, scene) == []
    assert send(page, page, **{**wanted, "publish": "free"}).status_code == 303
    assert len(entered(in_context, scene)) >= 1
    assert all(not row.startswith(f"{booked.span.start:%m-%d}") for row in entered(in_context, scene))


def test_dates_are_entered_with_their_bookings_settled(scene: Any, manager: Any, in_context: Any) -> None:
    _client, send = manager
    page = page_of(scene)
    booked = in_context(lambda: make_booking(scene))
    day = booked.span.start.astimezone().strftime("%Y-%m-%d")
    wanted = fields(day=day, starts="00:00", ends="23:00", until="2026-03-20", publish="all", reason="校准")
    assert send(page, page, **wanted).status_code == 409
    chosen = {f"fate.{booked.key.id}": "cancelled", f"version.{booked.key.id}": booked.version}
    assert send(page, page, **{**wanted, **chosen}).status_code == 303
    assert len(entered(in_context, scene)) == 3
    assert in_context(lambda: booking.booking(booked.key)).cancel_reason == "校准"


@pytest.mark.parametrize(
    ("changes", "dates"),
    [
        ({"weekdays": ["0", "2"], "until": "2026-03-18"}, ["03-09 00", "03-11 00", "03-16 00", "03-18 00"]),
        ({"weekdays": ["2"], "until": "2026-03-18"}, ["03-11 00", "03-18 00"]),
        (
            {"frequency": "daily", "interval": "2", "until": "2026-03-14"},
            ["03-09 00", "03-11 00", "03-13 00"],
        ),
        ({"frequency": "monthly", "until": "2026-05-31"}, ["03-09 00", "04-13 00", "05-11 00"]),
        (
            {"frequency": "monthly", "monthly": "last", "until": "2026-05-31"},
            ["03-30 00", "04-27 00", "05-25 00"],
        ),
        ({"starts": "22:00", "ends": "06:00", "until": "2026-03-16"}, ["03-09 14", "03-16 14"]),
    ],
)
def test_rules(scene: Any, manager: Any, in_context: Any, changes: dict[str, Any], dates: list[str]) -> None:
    _client, send = manager
    page = page_of(scene)
    answer = send(page, page, **fields(publish="all", **changes))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert entered(in_context, scene) == dates


@pytest.mark.parametrize(
    "changes",
    [
        {"until": "2026-03-09"}, {"until": ""}, {"day": "x"}, {"starts": ""}, {"interval": "0"}, {"kind": "party"},
        {"frequency": "hourly"}, {"day": "2026-02-02"}, {"until": "2036-03-09", "frequency": "daily"},
        {"frequency": "daily", "starts": "08:00", "ends": "08:00", "until": "2036-01-01"},
    ],
)  # fmt: skip
def test_what_cannot_be_stays_in_the_form(
    scene: Any, manager: Any, in_context: Any, changes: dict[str, Any]
) -> None:
    _client, send = manager
    page = page_of(scene)
    answer = send(page, page, **fields(publish="all", **changes))
    assert answer.status_code == 422
    assert entered(in_context, scene) == []
