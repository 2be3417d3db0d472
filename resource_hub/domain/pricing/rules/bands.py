"""Bands of the week by the wall clock of the host, cut into exact pieces of time (pure).

At a clock change the wall clock decides, and seconds are exact: an hour that the clock skips is not charged, and an
hour that it repeats is charged twice, the second pass at the base rate when the band's end lies before it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from resource_hub.domain.pricing.terms import Band
from resource_hub.kernel.time import TimeSpan, at, subtract

WEEK = 7 * 1440


def _wall(moment: datetime, tz: tzinfo) -> datetime:
    return moment.astimezone(tz).replace(tzinfo=None)


def band_end(day: date, minutes: int, tz: tzinfo) -> datetime:
    """The first moment at which the clock has passed the minute before the end.

    "Until 02:00" on a night when the clock goes from 02:00 back to 01:00 ends with the first pass.
    """
    end = at(day, minutes, tz)
    last = at(day, minutes - 1, tz)
    before = day + timedelta(days=(minutes - 1) // 1440)
    wanted = datetime.combine(before, datetime.min.time()) + timedelta(minutes=(minutes - 1) % 1440)
    if _wall(last, tz) != wanted:  # the clock skips that minute; the end is the moment of the change
        return end
    return min(end, last + timedelta(minutes=1))


def occurrences(band: Band, span: TimeSpan, tz: tzinfo) -> Iterator[TimeSpan]:
    """Every stretch of the band that overlaps the span, in order."""
    day = span.start.astimezone(tz).date() - timedelta(days=1 + band.end // 1440)
    last = span.end.astimezone(tz).date()
    while day <= last:
        if day.isoweekday() in band.days:
            start, end = at(day, band.start, tz), band_end(day, band.end, tz)
            if start < end:
                both = TimeSpan(start, end).intersection(span)
                if both:
                    yield both
        day += timedelta(days=1)


def pieces(bands: Sequence[Band], span: TimeSpan, tz: tzinfo) -> list[tuple[Band | None, TimeSpan]]:
    """The span cut at every change of band; None is the base rate. Covers the span exactly, in order."""
    found: list[tuple[Band | None, TimeSpan]] = [
        (band, stretch) for band in bands for stretch in occurrences(band, span, tz)
    ]
    rest = subtract([span], [stretch for _, stretch in found])
    return sorted([*found, *((None, piece) for piece in rest)], key=lambda item: item[1].start)


def clashes(bands: Sequence[Band]) -> list[tuple[str, str]]:
    """Pairs of bands that would hold at the same wall-clock minute of the week."""
    marked: list[tuple[int, int, str]] = []
    for band in bands:
        for day in band.days:
            start = (day - 1) * 1440 + band.start
            end = (day - 1) * 1440 + band.end
            for shift in (-WEEK, 0, WEEK):
                marked.append((start + shift, end + shift, band.code))
    marked.sort()
    found: set[tuple[str, str]] = set()
    for (_, end, first), (start, _, second) in itertools.pairwise(marked):
        if start < end:
            found.add((min(first, second), max(first, second)))
    return sorted(found)


def cut_minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
