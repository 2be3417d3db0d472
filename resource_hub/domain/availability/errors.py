"""What can go wrong with hours and occupancies."""

from __future__ import annotations

from resource_hub.kernel.errors import Busy, Conflict, Invalid, NotFound, Refused, Stale


class SlotTaken(Conflict):
    """Somebody holds a unit in that time. ``values["alternatives"]`` lists what is free instead, once known."""

    code = "availability.slot_taken"


class InvalidHours(Invalid):
    """A weekly pattern or exception that cannot be kept; reasons name the row."""

    code = "availability.invalid_hours"


class InvalidRules(Invalid):
    """House rules that cannot be kept; reasons name the field."""

    code = "availability.invalid_rules"


class NoUnit(NotFound):
    """The resource has no unit that can be booked."""

    code = "availability.no_unit"


class RulesInForce(Conflict):
    """A version of the rules that is in force, or was, never changes: write a new one with a later day."""

    code = "availability.rules_in_force"


class BadDay(Invalid):
    """A special day or an exception that cannot be entered."""

    code = "availability.bad_day"


class CalendarRefused(Invalid):
    """A calendar that is not read: no calendar, too large, too heavy, or at an address where we do not look."""

    code = "calendar.refused"


class CalendarAway(Busy):
    """A calendar that cannot be had now; trying again later may help."""

    code = "calendar.away"


class CalendarsLookedTooOften(Refused):
    """The people of a host had calendars fetched too often in a short time."""

    code = "calendar.looked_too_often"


class NoSuchCalendar(NotFound):
    code = "calendar.not_found"


class CalendarChanged(Stale):
    """Somebody else said what the zones of a calendar stand for since it was looked at."""

    code = "calendar.changed"


class InvalidWish(Invalid):
    """A search for free time that cannot be meant; reasons name the field."""

    code = "availability.invalid_wish"
