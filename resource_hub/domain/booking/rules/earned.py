"""For what a booking earns strikes, and what they would bar, tried on the past (pure)."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking.rules.strikes import Bar, bar_by, bar_reason
from resource_hub.domain.booking.terms import StrikeKind, StrikeState
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan, zone


@dataclass(frozen=True, slots=True)
class Conduct:
    """What became of a booking, as far as strikes go by it.

    Attributes:
        missed_at: when it was known that nobody came.
        given_back: each time that the customer gave back, by cancelling, moving or shortening, of what had been
            confirmed: when that would have begun, and when it was done.
        came_at: when somebody began to use it.
        used_seconds: how long its customer worked there alone, once all of it is sealed, at ``sealed_at``.
    """

    missed_at: datetime | None = None
    given_back: tuple[tuple[datetime, datetime], ...] = ()
    came_at: datetime | None = None
    used_seconds: int | None = None
    sealed_at: datetime | None = None


NOTHING = Conduct()


def earned(span: TimeSpan, conduct: Conduct, rules: HouseDocument) -> Iterator[tuple[StrikeKind, datetime]]:
    """Each strike that the rules give, with the moment from which it counts."""
    missed, came = conduct.missed_at, conduct.came_at
    if missed is not None and rules.strike_no_show:
        yield StrikeKind.NO_SHOW, missed
    notice = timedelta(minutes=rules.strike_late_cancel)
    late = next((at for start, at in conduct.given_back if start - at < notice), None)
    if late is not None:
        yield StrikeKind.LATE_CANCEL, late
    if came is not None and rules.strike_late and came > span.start + timedelta(minutes=rules.late_grace):
        yield StrikeKind.LATE, came
    used, sealed = conduct.used_seconds, conduct.sealed_at
    if used is not None and sealed is not None and differs(span.seconds, used, rules):
        yield StrikeKind.MISMATCH, sealed


def differs(booked: int, used: int, rules: HouseDocument) -> bool:
    """Whether seconds booked and used are further apart than the rules let pass; exactly as far is let pass."""
    over = rules.strike_over_booked and (booked - used) * 100 > used * rules.strike_over_booked
    off = rules.strike_off and abs(booked - used) > rules.strike_off * 60
    return bool(over or off)


@dataclass(frozen=True, slots=True)
class TriedStrike:
    """A strike that rules under trial would have given, or one that stood anyhow."""

    kind: StrikeKind
    given_at: datetime
    expires_at: datetime
    person_id: UUID
    customer_id: UUID
    state: StrikeState = StrikeState.GIVEN

    def counts(self, now: datetime) -> bool:
        return self.given_at <= now < self.expires_at


@dataclass(frozen=True, slots=True)
class TriedBar:
    """Whom the rules would have barred, and after how many strikes that counted."""

    person_id: UUID
    customer_id: UUID
    bar: Bar
    strikes: int


class Barring:
    """Strikes and bars as time goes by: a booking that a bar keeps out earns no strike afterwards."""

    def __init__(self, rules: HouseDocument, zone_name: str, given: Iterable[TriedStrike] = ()) -> None:
        """``given``: strikes that stand whatever the rules say, such as those for misuse."""
        self._rules, self._zone_name, self._zone = rules, zone_name, zone(zone_name)
        self._order = count()
        self._due = [(one.given_at, next(self._order), one) for one in given]
        heapq.heapify(self._due)
        self._strikes: dict[UUID, list[TriedStrike]] = defaultdict(list)
        self._bars: dict[UUID, list[TriedBar]] = defaultdict(list)

    def stood(self, span: TimeSpan, conduct: Conduct, person_id: UUID, customer_id: UUID) -> None:
        """A booking was made under the rules: what it earns is given when it happens."""
        for kind, given_at in earned(span, conduct, self._rules):
            expires_at = given_at + timedelta(days=self._rules.strike_days)
            strike = TriedStrike(kind, given_at, expires_at, person_id, customer_id)
            heapq.heappush(self._due, (given_at, next(self._order), strike))

    def against(self, person_id: UUID, now: datetime) -> tuple[Reason, ...]:
        """The bar that keeps somebody from booking then. Moments are asked for in their order."""
        self._give(now)
        holding = [one for one in self._bars.get(person_id, ()) if one.bar.holds(now)]
        if not holding:
            return ()
        worst = max(holding, key=lambda one: one.bar.longest)
        counted = sum(strike.counts(now) for strike in self._strikes[person_id])
        return (bar_reason(worst.bar, counted, self._zone_name),)

    def bars(self) -> list[TriedBar]:
        """Every bar in the order of their beginning, once all bookings were looked at."""
        while self._due:
            self._give(self._due[-1][0])
        found = [one for of_person in self._bars.values() for one in of_person]
        return sorted(found, key=lambda one: one.bar.since)

    def _give(self, now: datetime) -> None:
        while self._due and self._due[0][0] <= now:
            _at, _n, strike = heapq.heappop(self._due)
            before = self._strikes[strike.person_id]
            before.append(strike)
            counted = sum(one.counts(strike.given_at) for one in before)
            for rule in self._rules.bars:
                bar = bar_by(strike, before, rule, self._zone, self._rules.points)
                if bar is not None:
                    tried = TriedBar(strike.person_id, strike.customer_id, bar, counted)
                    self._bars[strike.person_id].append(tried)
