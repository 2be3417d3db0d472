"""The life of a session, no-shows, and taps that arrive late."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from resource_hub.domain.usage.rules.states import check_in_reasons, may_move, missed, sealing_due
from resource_hub.domain.usage.rules.taps import counted, rotating_code, rotating_code_holds
from resource_hub.domain.usage.terms import EvidenceKind, HouseTerms, Mode, SessionState, Tap
from resource_hub.kernel.time import TimeSpan

T0 = datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
TERMS = HouseTerms()
S = SessionState


def after(**delta) -> datetime:
    return T0 + timedelta(**delta)


def test_sealed_and_void_are_final():
    for new in S:
        assert not may_move(S.SEALED, new)
        assert not may_move(S.VOID, new)


def test_only_what_is_over_may_be_sealed():
    assert {old for old in S if may_move(old, S.SEALED)} == {S.ENDED, S.NO_SHOW}


def test_missed_at_start_plus_grace_and_not_a_second_before():
    assert not missed(T0, Mode.SELF_USE, TERMS, after(minutes=15, seconds=-1), any_use=False)
    assert missed(T0, Mode.SELF_USE, TERMS, after(minutes=15), any_use=False)


def test_missed_is_found_however_late_the_job_runs():
    assert missed(T0, Mode.SELF_USE, TERMS, after(days=3), any_use=False)


def test_any_use_by_anyone_speaks_against_a_no_show():
    assert not missed(T0, Mode.SELF_USE, TERMS, after(hours=1), any_use=True)


def test_staff_bookings_and_staff_work_are_not_missed_by_the_clock():
    assert not missed(T0, Mode.SELF_USE, TERMS, after(hours=1), any_use=False, host_own=True)
    assert not missed(T0, Mode.STAFF_RUN, TERMS, after(hours=1), any_use=False)
    assert not missed(T0, Mode.SEND_IN, TERMS, after(hours=1), any_use=False)


BOOKED = TimeSpan(T0, T0 + timedelta(hours=2))


@pytest.mark.parametrize(
    ("now", "state", "codes"),
    [
        (after(minutes=-16), S.EXPECTED, ["usage.too_early"]),
        (after(minutes=-15), S.EXPECTED, []),
        (after(minutes=10), S.EXPECTED, []),
        (after(minutes=20), S.NO_SHOW, ["usage.released"]),
        (after(hours=2), S.EXPECTED, ["usage.booking_over"]),
        (after(hours=3), S.NO_SHOW, ["usage.booking_over", "usage.released"]),
        (after(minutes=30), S.ENDED, ["usage.already_over"]),
    ],
)
def test_check_in_window_gives_every_reason(now, state, codes):
    assert [r.code for r in check_in_reasons(BOOKED, state, TERMS, now)] == codes


def test_the_term_is_three_working_days_and_runs_to_their_end():
    # Thursday 5 March; a calendar without week-ends or holidays counts plain days.
    assert sealing_due(date(2026, 3, 5), 3, lambda d, n: d + timedelta(days=n)) == date(2026, 3, 9)


def tap(arrived: datetime, phone: datetime | None = None, offset: int | None = None) -> Tap:
    return Tap(EvidenceKind.CHECK_IN, arrived, phone, offset)


def test_a_tap_at_once_counts_at_its_arrival():
    assert counted(tap(after(seconds=3))) == counted(tap(after(seconds=3, microseconds=999)))
    assert counted(tap(after(seconds=3))).at == after(seconds=3)


def test_an_offline_tap_counts_at_its_own_time_within_an_hour():
    assert counted(tap(after(minutes=60), T0)).at == T0
    assert not counted(tap(after(minutes=60), T0)).late
    assert counted(tap(after(minutes=60, seconds=1), T0)).late


def test_the_clock_difference_puts_the_phone_right():
    # The phone is five minutes slow: it says 05:55 at 06:00.
    got = counted(tap(after(minutes=30), after(minutes=-5), 300))
    assert got.at == T0 and not got.late


def test_a_tap_from_the_future_is_a_late_entry():
    assert counted(tap(T0, after(minutes=5))).late


def test_rotating_code_holds_for_its_step_and_the_next():
    secret = b"on the screen"
    code = rotating_code(secret, T0)
    assert len(code) == 6 and code.isdigit()
    assert rotating_code_holds(secret, code, after(seconds=29))
    assert rotating_code_holds(secret, code, after(seconds=59))
    assert not rotating_code_holds(secret, code, after(seconds=60))
    assert not rotating_code_holds(b"another machine", code, T0)
