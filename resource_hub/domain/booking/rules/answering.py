"""By when the host answers, and what its silence means (pure)."""

from __future__ import annotations

from datetime import datetime, timedelta

from resource_hub.domain.availability.terms import HouseDocument, Silence
from resource_hub.kernel.time import TimeSpan

# However near the start: so long somebody has to look.
_LEAST = timedelta(minutes=5)


def answer_term(rules: HouseDocument, span: TimeSpan | None, now: datetime) -> datetime:
    """By when the host answers: within the hours of its rules, and before the time itself begins."""
    term = now + timedelta(hours=rules.answer_hours)
    return term if span is None else max(min(term, span.start), now + _LEAST)


def lapses_at(rules: HouseDocument, span: TimeSpan, answer_by: datetime) -> datetime | None:
    """When a request gives its time back by itself; None where silence is a yes that comes in time."""
    in_time = answer_by < span.start
    return None if rules.silence is Silence.CONSENT and in_time else answer_by
