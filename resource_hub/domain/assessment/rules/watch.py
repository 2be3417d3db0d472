"""Watch-lists: what an auditor would find, found first by the institution's own office.

Source: rulebook scheme "assessment_national": 国科发基〔2017〕289号 art. 11 for the term, the Shenzhen audit of 2025
for what auditors looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from resource_hub.domain.assessment.rules.ratios import percent
from resource_hub.domain.assessment.terms import (
    InstrumentFacts,
    Period,
    Range,
    RatedClass,
    Unit,
    Watch,
    WatchCode,
)
from resource_hub.kernel.decision import Citation


@dataclass(frozen=True, slots=True)
class WatchRules:
    """Limits. Units: working days, percent, days; rated hours in seconds by class."""

    listing_working_days: int
    low_sharing_percent: Fraction
    first_use_days: int
    rated_seconds: Mapping[RatedClass, int]
    citations: Mapping[str, tuple[Citation, ...]]


def listing_due(rules: WatchRules, accepted_on: date, add_working_days: Callable[[date, int], date]) -> date:
    """Last day on which reporting is in time: 30 working days after acceptance."""
    return add_working_days(accepted_on, rules.listing_working_days)


def is_late(facts: InstrumentFacts, due: date | None, as_of: date) -> bool | None:
    """Whether an instrument was reported after its term; None when nobody entered the acceptance date."""
    if due is None:
        return None
    return (facts.listed_on or as_of) > due


def watches(
    rules: WatchRules, facts: InstrumentFacts, period: Period, due: date | None, as_of: date
) -> list[Watch]:
    """All watch-lists on which an instrument stands, for one period seen on a day.

    Rated hours are not cut to the part of the year that has passed: the office sees what is still to be reached.
    """
    found: list[Watch] = []

    def add(
        code: WatchCode, value: Fraction | int | None, limit: Fraction | int, unit: Unit, since: date | None
    ) -> None:
        shown = None if value is None else Range.of(value)
        found.append(Watch(code, facts.resource_id, shown, Range.of(limit), unit, since))

    if due is not None and (facts.listed_on or as_of) > due:
        days = ((facts.listed_on or as_of) - due).days
        code = WatchCode.LATE_LISTING if facts.listed_on else WatchCode.NOT_LISTED
        add(code, days, 0, Unit.DAYS, due)
    hours = facts.hours
    if hours.effective == 0:
        add(WatchCode.IDLE, 0, 1, Unit.SECONDS, period.since)
    else:
        share = percent(hours.external, hours.effective)
        if share < rules.low_sharing_percent:
            add(WatchCode.LOW_SHARING, share, rules.low_sharing_percent, Unit.PERCENT, period.since)
    rated_class = facts.inputs.rated_class or facts.earlier_class
    if rated_class is not None:
        rated = rules.rated_seconds[rated_class]
        if hours.effective * 2 < rated:
            add(WatchCode.BELOW_HALF_RATED, hours.effective, Fraction(rated, 2), Unit.SECONDS, period.since)
        elif hours.effective < rated:
            add(WatchCode.BELOW_RATED, hours.effective, rated, Unit.SECONDS, period.since)
    if facts.accepted_on is not None:
        first = facts.first_used_on or as_of
        waited = (first - facts.accepted_on).days
        if waited > rules.first_use_days:
            add(WatchCode.LATE_FIRST_USE, waited, rules.first_use_days, Unit.DAYS, facts.accepted_on)
    return found
