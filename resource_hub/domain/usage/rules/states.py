"""The life of a session, and who missed it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from resource_hub.domain.usage.terms import HouseTerms, Mode, SessionState
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan

S = SessionState

MOVES: Mapping[SessionState, frozenset[SessionState]] = MappingProxyType(
    {
        S.EXPECTED: frozenset({S.RUNNING, S.ENDED, S.NO_SHOW, S.VOID}),
        S.RUNNING: frozenset({S.ENDED}),
        # An operator's entry or a late tap may still bring a use to light, or show that there was none.
        S.NO_SHOW: frozenset({S.ENDED, S.SEALED, S.VOID}),
        S.ENDED: frozenset({S.NO_SHOW, S.SEALED}),
        S.SEALED: frozenset(),
        S.VOID: frozenset(),
    }
)


def may_move(old: SessionState, new: SessionState) -> bool:
    return new in MOVES[old]


def missed(
    starts_at: datetime,
    mode: str,
    terms: HouseTerms,
    now: datetime,
    *,
    any_use: bool,
    host_own: bool = False,
    ends_at: datetime | None = None,
) -> bool:
    """Whether a booking counts as missed at ``now``.

    Any use of the unit since the start, by anybody, speaks against it (worked case U1); the host's own staff
    bookings are exempt. Only self-use is missed by the clock alone: in staff-run and send-in work the operator's
    entry may come later, until the day is closed. It does not matter how late the question is asked. Where a house
    does not release slots, nobody has missed theirs before its end.
    """
    if any_use or host_own or mode != Mode.SELF_USE:
        return False
    due = starts_at + timedelta(seconds=terms.no_show_grace_seconds)
    if not terms.no_show_release and ends_at is not None:
        due = max(due, ends_at)
    return now >= due


def check_in_reasons(booked: TimeSpan, state: SessionState, terms: HouseTerms, now: datetime) -> list[Reason]:
    """Why a person may not check in to this booking now (worked case B38); empty when they may."""
    reasons = []
    opens = booked.start - timedelta(seconds=terms.check_in_early_seconds)
    if now < opens:
        reasons.append(Reason("usage.too_early", {"from": opens.isoformat()}))
    if now >= booked.end:
        reasons.append(Reason("usage.booking_over", {"end": booked.end.isoformat()}))
    if state is SessionState.NO_SHOW:
        reasons.append(Reason("usage.released", {}))
    elif state not in (SessionState.EXPECTED, SessionState.RUNNING):
        reasons.append(Reason("usage.already_over", {"state": state.value}))
    return reasons


def sealing_due(day: date, term: int, working_days_after: Callable[[date, int], date]) -> date:
    """First day on which a use of ``day`` is sealed without being asked.

    ``working_days_after(day, n)`` gives the n-th working day after a day by the host's calendar; the term runs to
    the end of that day.
    """
    return working_days_after(day, term) + timedelta(days=1)
