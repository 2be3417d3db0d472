"""When strikes bar a person from booking (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import accumulate
from types import MappingProxyType
from typing import Protocol

from resource_hub.domain.availability.terms import BarLength, BarRule, BarUnit
from resource_hub.domain.booking.terms import StrikeKind, StrikeState
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import after_months, at

_FOR_GOOD = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bar:
    """From when to when somebody is barred; without an end until the host lifts it."""

    since: datetime
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)

    @property
    def longest(self) -> datetime:
        """By what bars are compared: one without an end is the longest."""
        return self.until or _FOR_GOOD


class Mark(Protocol):
    """A strike as the rules see it."""

    @property
    def kind(self) -> StrikeKind: ...

    @property
    def state(self) -> StrikeState: ...

    @property
    def given_at(self) -> datetime: ...

    def counts(self, now: datetime) -> bool: ...


Points = Mapping[StrikeKind, int]
# Each strike is as good as another.
ONE_EACH: Points = MappingProxyType({})


def bar_by(
    strike: Mark, strikes: Iterable[Mark], rule: BarRule, tz: tzinfo, points: Points = ONE_EACH
) -> Bar | None:
    """The bar that a rule brings for a strike, one of these, longer with each further one as its ladder says.

    It bars from its own moment when it is the last of as many as the rule wants, or a later one, of those that count
    then; where strikes cost points, of as many points. An appeal that waits for its decision holds nothing up; a lifted
    strike never was.
    """
    if not _concerns(rule, strike) or not points.get(strike.kind, 1):
        return None
    now = strike.given_at
    within = timedelta(days=rule.within) if rule.within else None
    counted = sorted(
        (other.given_at, points.get(other.kind, 1))
        for other in strikes
        if _concerns(rule, other)
        and other.counts(now)
        and (within is None or other.given_at > now - within)
        and points.get(other.kind, 1)
    )
    sums = accumulate(cost for _at, cost in counted)
    over = sum(found >= rule.count for found in sums) - 1
    if over < 0:
        return None
    step = rule.ladder[min(over, len(rule.ladder) - 1)]
    return Bar(now, _end(now, step, tz)) if step.unit is not BarUnit.WARNING else None


def _concerns(rule: BarRule, strike: Mark) -> bool:
    return strike.state is not StrikeState.LIFTED and (not rule.kinds or strike.kind in rule.kinds)


def bars_of(strikes: Sequence[Mark], rule: BarRule, tz: tzinfo, points: Points = ONE_EACH) -> Iterator[Bar]:
    """Every bar that a rule brings."""
    for strike in strikes:
        bar = bar_by(strike, strikes, rule, tz, points)
        if bar is not None:
            yield bar


def barred(
    strikes: Sequence[Mark],
    rules: Iterable[BarRule],
    tz: tzinfo,
    now: datetime,
    lifted_at: datetime | None = None,
    points: Points = ONE_EACH,
) -> Bar | None:
    """The bar that holds now and ends last, if one does; those that had begun are over when the host lifts them."""
    found = [
        bar
        for rule in rules
        for bar in bars_of(strikes, rule, tz, points)
        if bar.holds(now) and (lifted_at is None or bar.since > lifted_at)
    ]
    return max(found, key=lambda bar: bar.longest, default=None)


def bar_reason(bar: Bar, strikes: int, zone_name: str) -> Reason:
    """What is said of a bar, by so many strikes that count."""
    if bar.until is None:
        return Reason("booking.barred_for_good", {"strikes": strikes})
    values = {"until": bar.until.isoformat(), "strikes": strikes, "zone": zone_name}
    return Reason("booking.barred", values)


def _end(since: datetime, step: BarLength, tz: tzinfo) -> datetime | None:
    if step.unit is BarUnit.LIFTED:
        return None
    if step.unit is BarUnit.DAYS:
        return since + timedelta(days=step.count)
    local = since.astimezone(tz)
    rest = timedelta(seconds=local.second, microseconds=local.microsecond)
    return at(after_months(local.date(), step.count), local.hour * 60 + local.minute, tz) + rest
