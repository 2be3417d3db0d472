"""One bad row of a batch: the others are done, it is counted, and it is tried more and more rarely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from resource_hub.infra import batches
from resource_hub.infra.locks import LeaseLost


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(batches, "time", clock)
    monkeypatch.setattr(batches, "_memories", type(batches._memories)(batches._Memory))
    return clock


class Rows:
    """Rows 0 to 9, of which some fail."""

    def __init__(self, *bad: int) -> None:
        self.left, self.bad, self.tried = list(range(10)), set(bad), 0

    def find(self, many: int) -> list[int]:
        return self.left[:many]

    def do(self, row: int) -> int:
        self.tried += 1
        if row in self.bad:
            raise ValueError(f"row {row}")
        self.left.remove(row)
        return 1

    def run(self, limit: int = 4) -> int:
        return batches.each("job", batches.found("job", self.find, limit), self.do)


def test_the_others_are_done_and_the_bad_one_is_counted(time: Clock) -> None:
    rows = Rows(1)
    with batches.counted() as failures:
        assert rows.run() == 3
    assert str(failures) == "1 failed and are left for a later run; the first: ValueError: row 1"
    with batches.counted() as failures:
        assert rows.run(10) == 6
    assert rows.left == [1]


def test_a_head_full_of_bad_rows_holds_up_nobody(time: Clock) -> None:
    rows = Rows(0, 1, 2, 3)
    assert [rows.run() for _ in range(4)] == [0, 0, 4, 2]
    assert rows.left == [0, 1, 2, 3]


def test_what_keeps_failing_is_tried_more_and_more_rarely_and_never_given_up(time: Clock) -> None:
    rows = Rows(0)
    rows.left = [0]
    for _ in range(24 * 60):
        with batches.counted() as failures:
            rows.run()
        assert str(failures)
        time.now += 60
    assert 24 <= rows.tried <= 40
    rows.bad.clear()
    time.now += batches.LONGEST_REST
    with batches.counted() as failures:
        assert rows.run() == 1
    assert not str(failures)


def test_together_where_nothing_fails_and_part_by_part_where_something_does(time: Clock) -> None:
    calls: list[list[int]] = []

    def do(some: Sequence[int]) -> int:
        calls.append(list(some))
        if 3 in some:
            raise ValueError("row 3")
        return len(some)

    pairs = lambda rows: [rows[n : n + 2] for n in range(0, len(rows), 2)]  # noqa: E731
    assert batches.together("job", [0, 1], do) == 2 and calls == [[0, 1]]
    calls.clear()
    assert batches.together("job", [0, 1, 2, 3], do) == 3
    assert calls == [[0, 1, 2, 3], [0], [1], [2], [3]]
    calls.clear()
    assert batches.together("job", [0, 1, 2, 3], do, pairs) == 2
    assert calls == [[0, 1, 2, 3], [0, 1], [2, 3]]


class _Lost:
    sqlstate = "57P01"


class _Refused:
    sqlstate = "23505"


@pytest.mark.parametrize(("error", "ends"), [
    (LeaseLost("gone"), True),
    (OperationalError("select", {}, _Lost()), True),  # type: ignore[arg-type]
    (IntegrityError("insert", {}, _Refused()), False),  # type: ignore[arg-type]
])  # fmt: skip
def test_what_no_row_can_be_blamed_for_ends_the_run(time: Clock, error: Any, ends: bool) -> None:
    def do(row: int) -> int:
        raise error

    if not ends:
        assert batches.each("job", [1], do) == 0
        return
    with pytest.raises(type(error)):
        batches.each("job", [1], do)
    with pytest.raises(type(error)):
        batches.together("job", [1, 2], lambda some: do(some[0]))
