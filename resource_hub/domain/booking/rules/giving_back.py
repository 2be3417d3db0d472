"""What another time leaves of a booking, piece by piece, and what part of it a piece is (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from resource_hub.kernel.time import TimeSpan, merge, subtract


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch given back out of a longer one; ``kept`` is what stays of that, None where nothing does."""

    span: TimeSpan
    out_of: TimeSpan
    kept: TimeSpan | None


def pieces(before: TimeSpan, after: TimeSpan) -> Iterator[Piece]:
    """What of a time is given back for another one: all of it, an end, or both ends, the later one first."""
    if not before.overlaps(after):
        yield Piece(before, before, None)
        return
    whole = before
    for span in reversed(subtract([before], [after])):
        (kept,) = subtract([whole], [span])
        yield Piece(span, whole, kept)
        whole = kept


def stretch(before: TimeSpan, earlier: Iterable[TimeSpan]) -> TimeSpan:
    """A booking with what was given back late of it before and adjoins: fees are shares of that and its start counts,
    so that all parts together make one whole, and a start that is moved on a little makes nobody earlier."""
    return next(one for one in merge([before, *earlier]) if one.contains(before))
