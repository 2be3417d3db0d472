"""When strikes bar a person from booking (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from resource_hub.domain.availability.terms import BarLength, BarRule, BarUnit
from resource_hub.domain.booking.terms import StrikeRecord, StrikeState
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


def bars_of(strikes: Iterable[StrikeRecord], rule: BarRule, tz: tzinfo) -> Iterator[Bar]:
    """The bars that a rule brings, longer with each further strike as its ladder says.

    A strike that is the last of as many as the rule wants, or a later one, of those that count at its moment, bars
    from then. An appeal that waits for its decision holds nothing up; a lifted strike never was.
    """
    found = [
        one
        for one in strikes
        if one.state is not StrikeState.LIFTED and (not rule.kinds or one.kind in rule.kinds)
    ]
    within = timedelta(days=rule.within) if rule.within else None
    for strike in found:
        now = strike.given_at
        over = -rule.count
        for other in found:
            over += other.counts(now) and (within is None or other.given_at > now - within)
        if over < 0:
            continue
        step = rule.ladder[min(over, len(rule.ladder) - 1)]
        if step.unit is not BarUnit.WARNING:
            yield Bar(now, _end(now, step, tz))


def barred(
    strikes: Iterable[StrikeRecord],
    rules: Iterable[BarRule],
    tz: tzinfo,
    now: datetime,
    lifted_at: datetime | None = None,
) -> Bar | None:
    """The bar that holds now and ends last, if one does; those that had begun are over when the host lifts them."""
    strikes = list(strikes)
    found = [
        bar
        for rule in rules
        for bar in bars_of(strikes, rule, tz)
        if bar.holds(now) and (lifted_at is None or bar.since > lifted_at)
    ]
    return max(found, key=lambda bar: bar.longest, default=None)


def _end(since: datetime, step: BarLength, tz: tzinfo) -> datetime | None:
    if step.unit is BarUnit.LIFTED:
        return None
    if step.unit is BarUnit.DAYS:
        return since + timedelta(days=step.count)
    local = since.astimezone(tz)
    rest = timedelta(seconds=local.second, microseconds=local.microsecond)
    return at(after_months(local.date(), step.count), local.hour * 60 + local.minute, tz) + rest
