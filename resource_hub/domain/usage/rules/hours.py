"""Arithmetic of use: effective seconds, shares of lines, the split at midnight, the cap of a forgotten log-out. Pure.

Source: effective hours = necessary start-up preparation + test time + necessary post-processing (policy rules §1.5,
form of the ministry [M]); idle running is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo

from resource_hub.domain.usage.terms import Hours, Phase, PhaseSpan
from resource_hub.kernel.time import TimeSpan, intersect, subtract, total_seconds


def whole_second(moment: datetime) -> datetime:
    """The moment with its fraction of a second cut off."""
    return moment.replace(microsecond=0)


def effective_hours(recorded: TimeSpan | None, phases: Iterable[PhaseSpan] = ()) -> Hours:
    """Seconds of a session by phase.

    Without a word from the machine the recorded time counts as measuring. With one, what the machine says counts
    inside the recorded time; where phases overlap, measuring wins over set-up, set-up over post-processing, and all
    three over idle; time that no phase covers was idle.
    """
    if recorded is None:
        return Hours()
    said = list(phases)
    if not said:
        return Hours(measuring=recorded.seconds)
    taken: list[TimeSpan] = []
    seconds: dict[Phase, int] = {}
    for phase in (Phase.MEASURING, Phase.SETUP, Phase.POST):
        mine = subtract(intersect([recorded], [p.span for p in said if p.phase is phase]), taken)
        seconds[phase] = total_seconds(mine)
        taken.extend(mine)
    counted = sum(seconds.values())
    return Hours(
        setup=seconds[Phase.SETUP],
        measuring=seconds[Phase.MEASURING],
        post=seconds[Phase.POST],
        idle=recorded.seconds - counted,
    )


def split_seconds(total: int, weights: Sequence[int]) -> list[int]:
    """Whole parts in proportion to the weights that sum to ``total`` exactly.

    Seconds left over go to the largest remainders, earlier parts first.

    Raises:
        ValueError: a negative total, a negative weight, or no weight at all.
    """
    whole = sum(weights)
    if total < 0 or whole <= 0 or any(w < 0 for w in weights):
        raise ValueError("seconds and weights must not be negative, and one weight must be positive")
    parts = [total * w // whole for w in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def split_hours(hours: Hours, weights: Sequence[int]) -> list[Hours]:
    """The session's seconds shared out to its lines. Each kind of second sums to the session's."""
    columns = [split_seconds(n, weights) for n in (hours.setup, hours.measuring, hours.post, hours.idle)]
    return [Hours(*row) for row in zip(*columns, strict=True)]


def by_day(span: TimeSpan | None, seconds: int, tz: tzinfo, day: date) -> list[tuple[date, int]]:
    """Seconds of use by calendar day of the zone, for figures; the entry itself is never split.

    Where all of the span counts each day gets its own seconds; where only part of it does, that part is shared out
    in proportion. Without a span (a delivery) everything falls on ``day``.
    """
    if seconds == 0:
        return []
    if span is None:
        return [(day, seconds)]
    first = span.start.astimezone(tz).date()
    if first == day_of(span.end, tz):
        return [(first, seconds)]
    pieces = list(span.by_day(tz))
    parts = split_seconds(seconds, [piece.seconds for _, piece in pieces])
    return [(on, part) for (on, _), part in zip(pieces, parts, strict=True) if part]


def day_of(ends_at: datetime, tz: tzinfo) -> date:
    """The day to which a use belongs: that on which it ended in the host's zone.

    A use that ends at midnight sharp belongs to the day that it filled, not to the one that begins.
    """
    return (ends_at - timedelta(microseconds=1)).astimezone(tz).date()


def forgotten_end(
    starts_at: datetime,
    booked_end: datetime | None,
    grace_seconds: int,
    now: datetime,
    longest_seconds: int = 12 * 3600,
) -> datetime | None:
    """When an open use is to be closed because nobody logged out; None while it may still run.

    With a booking: its end plus grace. Without one: ``longest_seconds`` after the start.
    """
    cap = (
        booked_end + timedelta(seconds=grace_seconds)
        if booked_end is not None
        else starts_at + timedelta(seconds=longest_seconds)
    )
    cap = max(cap, starts_at + timedelta(seconds=grace_seconds))
    return cap if now >= cap else None
