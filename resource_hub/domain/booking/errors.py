"""What can go wrong with an order."""

from __future__ import annotations

from resource_hub.domain.availability.errors import SlotTaken as SlotTaken
from resource_hub.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Reason, Refused, Stale


class BookingRefused(Refused):
    """Rules of the house say no; every failed rule is among the reasons.

    ``alternatives``: times that would do, where the time was the trouble.
    """

    code = "booking.refused"


class InvalidOrder(Invalid):
    """Something is missing or cannot be what was meant; reasons name their fields."""

    code = "booking.invalid"


class WrongState(Conflict):
    """The order has moved on, and this step is not open any more."""

    code = "booking.wrong_state"


class NoSuchBooking(NotFound):
    code = "booking.not_found"


class NoSuchStrike(NotFound):
    code = "booking.no_such_strike"


class NoSuchInquiry(NotFound):
    code = "booking.no_such_inquiry"


class NotYours(Forbidden):
    """The reader may see the order but not do this to it."""

    code = "booking.not_yours"


class StaleBooking(Stale):
    """The order was changed since it was read."""

    code = "booking.stale"


def unchanged(version: int, seen: int | None) -> None:
    """Nothing was changed since it was read; ``seen`` None means that nobody asks.

    Raises:
        StaleBooking
    """
    if seen is not None and version != seen:
        values = {"seen": seen, "version": version}
        raise StaleBooking(Reason("booking.stale", values), **values)


class QuoteLapsed(Conflict):
    """The quote is no longer valid; the present price is in ``values``."""

    code = "booking.quote_lapsed"


class KeyReused(Conflict):
    """The idempotency key was used before for another request."""

    code = "booking.key_reused"


class HitsUndecided(Conflict):
    """Bookings are hit on which nobody has decided, or not in a way that is possible; reasons name each of them."""

    code = "booking.hits_undecided"


class SeriesUnanswered(Conflict):
    """No day of a series could be answered; ``values["clashes"]`` names each day with its reasons."""

    code = "booking.series_unanswered"


class SeriesClash(Refused):
    """Days of a series that cannot be had; ``values["clashes"]`` names each day with its reasons. Nothing was done."""

    code = "booking.series_clash"
