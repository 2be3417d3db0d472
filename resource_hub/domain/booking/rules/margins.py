"""Set-up and tear-down of a time that changes (pure)."""

from __future__ import annotations

from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking.terms import BookingRecord
from resource_hub.kernel.time import TimeSpan

Margins = tuple[int, int]  # set-up and tear-down in seconds


def margins(record: BookingRecord | None, span: TimeSpan, rules: HouseDocument) -> Margins:
    """What lies before and after a time: by the rules of now, but on a side whose moment stays as it was booked."""
    before = record.span if record is not None else None
    setup, teardown = rules.setup_seconds, rules.teardown_seconds
    if record is not None and before is not None and before.start == span.start:
        setup = record.setup_seconds
    if record is not None and before is not None and before.end == span.end:
        teardown = record.teardown_seconds
    return setup, teardown
