"""What usage asks of the rooms below it, in one place: hosts and people, resources and units, bookings, working days.

Imports stand inside the functions because several of these rooms publish to usage through the composition root, and
so that a test of the ledger need not load the calendar.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from resource_hub.domain.usage.records import Host


def host(which: UUID | str) -> Host:
    """An institution by id or code."""
    from resource_hub.domain.accounts import service as accounts

    found = accounts.organisation(which)
    return Host(found.id, found.code, found.zone, getattr(found, "jurisdiction", "CN") or "CN")


def sealing_due_day(jurisdiction: str, day: date, term: int) -> date:
    """First day on which a use of ``day`` is sealed without being asked."""
    from resource_hub.domain.availability import service as availability
    from resource_hub.domain.usage.rules.states import sealing_due

    return sealing_due(day, term, lambda on, n: availability.working_days_after(jurisdiction, on, n))
