"""Instants as fields of forms and addresses, and back: day, time, and the offset where the clock shows a time twice.

A time that a clock change repeats is never guessed: the form asks which of the two is meant.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from flask_babel import gettext as _

from resource_hub.entrypoints.support import formatting
from resource_hub.kernel.time import (
    NoSuchLocalTime,
    RepeatedLocalTime,
    is_repeated,
    readings,
    zone,
)


def offset(moment: datetime, zone_name: str) -> str:
    """``-05:00`` where the clock of the zone shows this time twice, else nothing."""
    tz = zone(zone_name)
    if not is_repeated(moment, tz):
        return ""
    return moment.astimezone(tz).replace(microsecond=0).isoformat()[19:]


def which_of_two(moment: datetime, zone_name: str) -> str:
    """Of a time that the clock shows twice, as a sentence: both with their offsets, and which one it is."""
    tz = zone(zone_name)
    if not is_repeated(moment, tz):
        return ""
    local = moment.astimezone(tz)
    first, second = (
        f"UTC{offset(one, zone_name)}" for one in readings(local.replace(tzinfo=None, fold=0), tz)
    )
    values = {"time": f"{local:%H:%M}", "first": first, "second": second}
    if local.fold:
        return _("%(time)s comes twice on this day: %(first)s and %(second)s. This is the second.", **values)
    return _("%(time)s comes twice on this day: %(first)s and %(second)s. This is the first.", **values)


def fields(name: str, moment: datetime, zone_name: str) -> dict[str, str]:
    """An instant as the fields ``<name>_day``, ``<name>_time`` and ``<name>_offset``."""
    local = moment.astimezone(zone(zone_name))
    return {
        f"{name}_day": f"{local:%Y-%m-%d}",
        f"{name}_time": f"{local:%H:%M}",
        f"{name}_offset": offset(moment, zone_name),
    }


def wall(day: str, clock: str) -> datetime | None:
    """The time typed into two fields, without a zone; ``24:00`` is the end of the day."""
    try:
        if clock == "24:00":
            return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time())
        found = datetime.fromisoformat(f"{day}T{clock}")
    except (ValueError, OverflowError):
        return None
    return None if found.tzinfo else found


def exact(shown: datetime, said: str, zone_name: str, after: datetime | None = None) -> datetime:
    """The instant at which the clock shows a time; ``said`` is the offset that tells two of them apart, and where only
    one of them lies after ``after`` it is that one.

    Raises:
        NoSuchLocalTime: the clock skips it.
        RepeatedLocalTime: it happens twice and nothing tells which one.
    """
    found = readings(shown, zone(zone_name))
    named = [one for one in found if len(found) == 1 or offset(one, zone_name) == said.strip()]
    later = [one for one in found if after is not None and one > after]
    if not named and len(later) != 1:
        raise RepeatedLocalTime(f"{shown:%Y-%m-%d %H:%M} happens twice in {zone_name}; say which one")
    return (named or later)[0]


def choices(value: Callable[[str], str], name: str, zone_name: str, since: str = "") -> list[tuple[str, str]]:
    """Both readings of a repeated time in the fields of ``name`` as options; none where there is nothing to choose. The
    time of a span's end may leave out its day: then it follows the fields of ``since``."""
    day, clock = value(f"{name}_day"), value(f"{name}_time")
    shown = wall(day or value(f"{since}_day"), clock)
    if shown is None:
        return []
    first = wall(value(f"{since}_day"), value(f"{since}_time")) if since and not day else None
    if first is not None and shown <= first:
        shown += timedelta(days=1)
    try:
        found = readings(shown, zone(zone_name))
    except (NoSuchLocalTime, OverflowError):
        return []
    if len(found) == 1:
        return []
    return [(offset(one, zone_name), formatting.clock(one, zone_name)) for one in found]
