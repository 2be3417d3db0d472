"""Which lengths the house rules allow (pure)."""

from __future__ import annotations

from datetime import timedelta

from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.kernel.time import TimeSpan


def fitted(span: TimeSpan, rules: HouseDocument) -> TimeSpan | None:
    """A span of the shortest allowed length that is long enough, else of the longest; None where none is allowed."""
    step = rules.step * 60
    steps = -(-max(span.seconds, rules.least * 60) // step)
    if rules.most:
        steps = min(steps, rules.most * 60 // step)
    if steps * step < rules.least * 60 or not steps:
        return None
    return TimeSpan(span.start, span.start + timedelta(seconds=steps * step))
