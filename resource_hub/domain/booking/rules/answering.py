"""By when the host answers, and what its silence means (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, tzinfo

from resource_hub.domain.availability.terms import HouseDocument, Silence
from resource_hub.kernel.time import TimeSpan, at, local_day

# However near the start: so long somebody has to look.
_LEAST = timedelta(minutes=5)
# Working hours for terms, minutes after midnight of the host's clock.
OPENS, CLOSES = 9 * 60, 17 * 60


Clock = Callable[[datetime, int], datetime]


def by_the_clock(since: datetime, hours: int) -> datetime:
    return since + timedelta(hours=hours)


def working_clock(tz: tzinfo, is_working_day: Callable[[date], bool]) -> Clock:
    """Hours that run from nine to five on working days only."""

    def after(since: datetime, hours: int) -> datetime:
        left, day = hours * 3600, local_day(since, tz)
        while True:
            if is_working_day(day):
                start, end = max(at(day, OPENS, tz), since), at(day, CLOSES, tz)
                seconds = max(int((end - start).total_seconds()), 0)
                if seconds >= left:
                    return start + timedelta(seconds=left)
                left -= seconds
            day += timedelta(days=1)

    return after


def step_end(
    rules: HouseDocument, hours: int, opened_at: datetime, clock: Clock
) -> tuple[datetime, datetime]:
    """The term of an answer, and the moment at which its silence counts: later by the time of those above."""
    term = clock(opened_at, hours)
    return term, clock(term, rules.escalate_hours) if rules.escalate_hours else term


def chain_end(rules: HouseDocument, hours: Sequence[int], opened_at: datetime, clock: Clock) -> datetime:
    """When an order is decided by silence: where that is a yes, each of the answers has its term after the other;
    where it is none, the first silence ends it."""
    end = opened_at
    for one in hours if rules.silence is Silence.CONSENT else hours[:1]:
        end = step_end(rules, one, end, clock)[1]
    return end


def capped(term: datetime, span: TimeSpan | None, now: datetime) -> datetime:
    """No later than the time itself begins."""
    return term if span is None else max(min(term, span.start), now + _LEAST)


def answer_term(
    rules: HouseDocument, span: TimeSpan | None, now: datetime, clock: Clock = by_the_clock
) -> datetime:
    """By when the host answers: within the hours of its rules, and before the time itself begins."""
    if rules.steps:
        return capped(chain_end(rules, [step.hours for step in rules.steps], now, clock), span, now)
    return capped(clock(now, rules.answer_hours), span, now)


def lapses_at(rules: HouseDocument, span: TimeSpan, answer_by: datetime) -> datetime | None:
    """When a request gives its time back by itself; None where silence is a yes that comes in time."""
    in_time = answer_by < span.start
    return None if rules.silence is Silence.CONSENT and in_time else answer_by
