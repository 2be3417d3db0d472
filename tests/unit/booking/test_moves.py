"""Who was moved by the host away from the time that they chose."""

from __future__ import annotations

from typing import Any

import pytest

from resource_hub.domain.booking.rules.moves import moved_from
from resource_hub.domain.booking.terms import EventRecord
from tests.builders.availability import moment

NINE, TEN, TWO, LONG = (9, 11), (10, 12), (14, 16), (8, 12)


def move(before: tuple[int, int], after: tuple[int, int], by_host: bool) -> EventRecord:
    def text(hours: tuple[int, int]) -> list[str]:
        return [f"2026-03-03T{hour:02d}:00:00+00:00" for hour in hours]

    details: dict[str, Any] = {"from": text(before), "to": text(after), "by_host": by_host}
    return EventRecord(moment("2026-03-02T08:00"), None, "proposed" if by_host else "changed", details)


OTHER = EventRecord(moment("2026-03-02T08:00"), None, "requested", {})


@pytest.mark.parametrize(
    ("events", "away"),
    [
        ([], False),
        ([OTHER], False),
        ([move(NINE, TWO, True)], True),
        ([move(NINE, TEN, True)], True),
        ([move(NINE, LONG, True)], False),
        ([move(NINE, TWO, False)], False),
        ([move(NINE, TWO, True), move(TWO, NINE, True)], False),
        ([move(NINE, TWO, True), move(TWO, TEN, True)], True),
        ([move(NINE, TWO, True), move(TWO, TEN, False)], False),
        ([move(NINE, TWO, True), OTHER], True),
        ([move(NINE, TWO, False), move(TWO, NINE, True)], True),
    ],
    ids=[
        "never moved", "only asked", "moved", "shifted by an hour", "extended", "moved itself", "moved back",
        "moved twice", "chose again", "something else since", "chose, then moved",
    ],
)  # fmt: skip
def test_moved_away(events: list[EventRecord], away: bool) -> None:
    assert (moved_from(events) is not None) is away


def test_half_of_a_booking_knows_what_was_chosen_of_the_whole() -> None:
    chosen = moved_from([move(NINE, TWO, True)])
    assert chosen is not None
    half = EventRecord(
        OTHER.at, None, "split_from", {"moved_from": [chosen.start.isoformat(), chosen.end.isoformat()]}
    )
    assert moved_from([OTHER, half]) == chosen
    assert moved_from([half, move(TWO, TEN, False)]) is None
    assert moved_from([half, move(TWO, LONG, True)]) is None
