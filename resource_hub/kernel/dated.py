"""Dated series: values in force from a day on, until the next one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

T = TypeVar("T")


class NothingInForce(LookupError):
    """No value holds on the day asked for. An error, never zero."""


@dataclass(frozen=True, slots=True)
class InForce(Generic[T]):
    """A value with the days on which it holds: ``since`` inclusive, ``until`` exclusive or open."""

    since: date
    value: T
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


class DatedSeries(Generic[T]):
    """Values by day without overlap.

    Raises:
        ValueError: two values start on the same day, or one reaches into the next.
    """

    def __init__(self, entries: Iterable[InForce[T]]) -> None:
        self._entries = sorted(entries, key=lambda e: e.since)
        for earlier, later in zip(self._entries, self._entries[1:], strict=False):
            if earlier.since == later.since:
                raise ValueError(f"two values are in force from {later.since}")
            if earlier.until is not None and earlier.until > later.since:
                raise ValueError(f"the value from {earlier.since} reaches into the one from {later.since}")
        self._starts = [entry.since for entry in self._entries]

    def on(self, day: date) -> InForce[T]:
        index = bisect_right(self._starts, day) - 1
        if index >= 0 and self._entries[index].holds_on(day):
            return self._entries[index]
        raise NothingInForce(f"nothing in force on {day}")

    def get(self, day: date) -> InForce[T] | None:
        try:
            return self.on(day)
        except NothingInForce:
            return None

    def __iter__(self) -> Iterator[InForce[T]]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
