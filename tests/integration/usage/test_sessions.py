"""From the start of a booking to its use: expected, checked in, forgotten, missed, signalled, and what people see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service as bookings
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.errors import (
    CheckInRefused,
    EntryInvalid,
    NoSuchSession,
    UnitBusy,
)
from resource_hub.domain.usage.tables import UsageEntry, UsageSession
from resource_hub.domain.usage.terms import CodeKind, EvidenceKind, Phase, Tap
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.kernel.keys import HostKey
from tests.builders.usage import NINE, make_booking, make_person, make_role, make_scene

DAY = date(2026, 3, 5)


def at(minutes: int) -> datetime:
    return NINE + timedelta(minutes=minutes)


@pytest.fixture
def scene(in_app):
    return make_scene()


def tap(minutes: int, action: EvidenceKind = EvidenceKind.CHECK_IN, **more) -> Tap:
    return Tap(action, at(minutes), **more)


def unit_key(scene) -> HostKey:
    return HostKey(scene.host.id, scene.unit_id)


def check_in(scene, minutes, booking_id, person=None, **more):
    with clock.fixed(at(minutes)):
        return usage.check_in(
            unit_key(scene), person or scene.engineer, tap(minutes, **more), booking_id=booking_id
        )


def check_out(scene, minutes, person=None, session_id=None, **more):
    with clock.fixed(at(minutes)):
        return usage.check_out(
            unit_key(scene),
            person or scene.engineer,
            tap(minutes, EvidenceKind.CHECK_OUT, **more),
            session_id=session_id,
        )


def tick(minutes):
    """What the scheduler does at a moment."""
    now = at(minutes)
    with clock.fixed(now):
        return (
            usage.open_expected(now),
            usage.close_overdue(now),
            usage.mark_no_shows(now),
            usage.seal_overdue(now),
        )


def session(key) -> UsageSession:
    db.session.rollback()
    return reading().get(UsageSession, tuple(key))


def only() -> UsageSession:
    db.session.rollback()
    return reading().scalars(select(UsageSession)).one()


def manager(scene):
    return accounts.actor(scene.manager, scene.host.code)


def engineer(scene):
    return accounts.actor(scene.engineer, scene.firm_id)


def close(scene, *sessions, no_show=False, minutes=600):
    with clock.fixed(at(minutes)):
        return usage.close_day(
            manager(scene), DAY, [usage.Verdict(s.key.id, s.version, no_show=no_show) for s in sessions]
        )


def device(scene):
    return usage.add_device(manager(scene), unit_key(scene), "recorder")


def send(scene, token, start, end, sequence, phase=Phase.MEASURING, arrives=None):
    with clock.fixed(at(arrives if arrives is not None else end)):
        return usage.receive_signals(
            scene.host.code, token, [usage.Signal(sequence, at(start), at(end), phase)]
        )


# ---- opening ----------------------------------------------------------------------------------------------------


def test_a_session_is_expected_from_the_start_of_the_booking_and_once_only(scene):
    make_booking(scene)
    assert tick(-1)[0] == 0
    assert tick(0)[0] == 1
    assert tick(0)[0] == 0
    assert (only().state, only().day, only().grade) == ("expected", DAY, None)


def test_bookings_that_started_while_the_scheduler_stood_still_are_opened_afterwards(scene):
    make_booking(scene, mode="staff_run")
    make_booking(scene, mode="staff_run", starts_at=at(-60 * 24 * 40), ends_at=at(-60 * 24 * 40 + 60))
    assert tick(60 * 24)[0] == 2


def test_a_cancelled_booking_opens_nothing(scene):
    make_booking(scene, state="cancelled")
    assert tick(5)[0] == 0


# ---- in and out -------------------------------------------------------------------------------------------------


def test_in_and_out_with_booking_and_machine_is_an_a(scene):
    booking = make_booking(scene)
    tick(0)
    _, token = device(scene)
    started = check_in(scene, 2, booking)
    assert started.state == "running"
    assert bookings.booking(HostKey(scene.host.id, booking)).state.value == "in_use"
    send(scene, token, 10, 100, "1")
    done = check_out(scene, 110)
    assert (done.state, done.grade, done.end_reason) == ("ended", "A", "check_out")
    # The machine measured 90 minutes; before and after it stood idle.
    assert (done.hours.effective, done.hours.idle) == (90 * 60, 18 * 60)
    assert bookings.booking(HostKey(scene.host.id, booking)).state.value == "done"


def test_check_in_before_the_scheduler_opens_the_same_session(scene):
    booking = make_booking(scene)
    started = check_in(scene, -10, booking)
    assert tick(0)[0] == 0
    assert only().id == started.key.id


def test_the_same_tap_twice_changes_nothing(scene):
    booking = make_booking(scene)
    first = check_in(scene, 1, booking, tap_id="t1")
    again = check_in(scene, 3, booking, tap_id="t1")
    assert (again.key, again.version, again.starts_at) == (first.key, first.version, first.starts_at)
    done = check_out(scene, 60, tap_id="t2")
    assert check_out(scene, 65, tap_id="t2", session_id=done.key.id).ends_at == at(60)
    # Without an id the second press meets a session that is running, or over, already.
    assert check_out(scene, 66, session_id=done.key.id).ends_at == at(60)


@pytest.mark.parametrize(("minutes", "code"), [(-16, "usage.too_early"), (120, "usage.booking_over")])
def test_check_in_outside_its_window_is_refused(scene, minutes, code):
    booking = make_booking(scene)
    with pytest.raises(CheckInRefused) as refused:
        check_in(scene, minutes, booking)
    assert [r.code for r in refused.value.reasons] == [code]


def test_a_stranger_cannot_use_somebody_elses_booking(scene):
    booking = make_booking(scene)
    with pytest.raises(NoSuchSession):
        check_in(scene, 1, booking, person=make_person("路人"))


def test_a_colleague_of_the_customer_can(scene):
    booking = make_booking(scene)
    colleague = make_person("同事")
    make_role(colleague, scene.firm_id, "booker")
    assert check_in(scene, 1, booking, person=colleague).state == "running"


def test_the_next_person_ends_the_use_of_whoever_overran(scene):
    first = make_booking(scene)
    second = make_booking(scene, starts_at=at(120), ends_at=at(240))
    check_in(scene, 1, first)
    check_in(scene, 121, second)
    rows = reading().scalars(select(UsageSession).order_by(UsageSession.booked_starts_at)).all()
    assert (rows[0].state, rows[0].ends_at, rows[0].flags) == ("ended", at(121), ["overrun"])
    assert rows[1].state == "running"


def test_while_the_other_persons_time_runs_the_unit_is_busy(scene):
    first = make_booking(scene)
    second = make_booking(scene, starts_at=at(120), ends_at=at(240))
    check_in(scene, 1, first)
    with pytest.raises(UnitBusy):
        check_in(scene, 110, second)


def test_eight_at_once_leave_one_running(scene):
    import threading

    from flask import current_app

    app = current_app._get_current_object()
    people = []
    for n in range(8):
        person = make_person(f"人{n}")
        make_role(person, scene.firm_id, "booker")
        people.append(person)
    outcomes = []

    def go(person):
        with app.app_context():
            try:
                with clock.fixed(at(5)):
                    usage.check_in(unit_key(scene), person, tap(5), customer_id=scene.customer_id)
                outcomes.append("in")
            except UnitBusy:
                outcomes.append("busy")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=go, args=(p,)) for p in people]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert sorted(outcomes) == ["busy"] * 7 + ["in"]


def test_use_without_a_booking_is_recorded_and_flagged(scene):
    with clock.fixed(at(5)):
        started = usage.check_in(unit_key(scene), scene.engineer, tap(5))
    done = check_out(scene, 35)
    assert (started.source, done.flags, done.hours.effective, done.grade) == (
        "walk_up",
        ("not_booked",),
        1800,
        "C",
    )
    assert done.lines[0].customer_id == scene.customer_id


def test_somebody_without_a_customer_is_asked_for_whom(scene):
    with pytest.raises(CheckInRefused) as refused, clock.fixed(at(5)):
        usage.check_in(unit_key(scene), make_person("路人"), tap(5))
    assert refused.value.reasons[0].code == "usage.for_whom"


# ---- offline ----------------------------------------------------------------------------------------------------


def test_an_offline_tap_counts_at_its_own_time(scene):
    booking = make_booking(scene)
    started = check_in(scene, 50, booking, phone_at=at(3), clock_offset_seconds=60, tap_id="q1")
    assert started.starts_at == at(4)
    assert check_out(scene, 100).grade == "C"


def test_an_offline_tap_after_an_hour_is_a_late_entry(scene):
    booking = make_booking(scene)
    started = check_in(scene, 70, booking, phone_at=at(3), tap_id="q1")
    done = check_out(scene, 100)
    assert started.flags == ("late_entry",)
    # The stop came in time, and it is the person's action; the start it goes with is what the session recorded.
    assert (done.starts_at, done.grade) == (at(3), "C")


def test_a_stop_pressed_offline_moves_a_capped_end_back(scene):
    booking = make_booking(scene)
    check_in(scene, 1, booking)
    assert tick(140)[1] == 1
    capped = only()
    assert (capped.ends_at, capped.flags) == (at(135), ["forgotten_log_out"])
    done = check_out(scene, 150, session_id=capped.id, phone_at=at(118), tap_id="q2")
    assert done.ends_at == at(118)


# ---- forgotten and missed ---------------------------------------------------------------------------------------


def test_forgotten_log_out_is_capped_however_late_the_job_runs(scene):
    check_in(scene, 1, make_booking(scene))
    assert tick(134)[1] == 0
    assert tick(60 * 30)[1] == 1
    assert (only().ends_at, only().end_reason, only().measuring_seconds) == (at(135), "forgotten", 134 * 60)


def test_a_booking_without_evidence_is_a_no_show_without_hours_and_frees_its_slot(scene):
    booking = make_booking(scene)
    tick(0)
    assert tick(29)[2] == 0
    assert tick(30)[2] == 1
    row = only()
    assert (row.state, row.measuring_seconds, row.grade) == ("no_show", 0, "E")
    assert bookings.booking(HostKey(scene.host.id, booking)).state.value == "no_show"
    with pytest.raises(CheckInRefused) as refused:
        check_in(scene, 40, booking)
    assert "usage.released" in [r.code for r in refused.value.reasons]


def test_any_use_of_the_unit_speaks_against_a_no_show(scene):
    make_booking(scene)
    tick(0)
    with clock.fixed(at(10)):
        usage.check_in(unit_key(scene), scene.engineer, tap(10))
    assert tick(60)[2] == 0


def test_a_machine_that_ran_speaks_against_a_no_show_and_gives_a_b(scene):
    booking = make_booking(scene)
    tick(0)
    _, token = device(scene)
    send(scene, token, 5, 25, "1")
    assert tick(45)[2] == 0
    send(scene, token, 25, 100, "2")
    assert tick(140)[1] == 1
    row = only()
    assert (row.state, row.grade, row.starts_at, row.ends_at, row.flags) == (
        "ended", "B", at(5), at(100), ["not_checked_in"],
    )  # fmt: skip
    assert bookings.booking(HostKey(scene.host.id, booking)).state.value == "done"


def test_staff_run_work_is_not_missed_by_the_clock_but_when_its_term_runs_out(scene):
    make_booking(scene, mode="staff_run")
    tick(0)
    assert tick(60 * 24)[2] == 0
    # Thursday; three working days are Friday, Monday, Tuesday; sealed as Wednesday begins in Shanghai.
    due = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
    assert only().seal_due_at == due
    before = int((due - NINE).total_seconds()) // 60
    assert tick(before - 1)[3] == 0
    assert tick(before)[3] == 1
    assert (only().state, only().grade) == ("sealed", "E")
    entry = reading().scalars(select(UsageEntry)).one()
    assert (entry.effective_seconds, b'"outcome":"no_show"' in entry.body) == (0, True)


def test_the_managers_no_show_button(scene):
    make_booking(scene, mode="staff_run")
    tick(0)
    with clock.fixed(at(20)):
        assert usage.mark_no_show(HostKey(scene.host.id, only().id), manager(scene)).state == "no_show"


# ---- signals ----------------------------------------------------------------------------------------------------


def test_a_signal_that_comes_again_changes_nothing(scene):
    _, token = device(scene)
    assert send(scene, token, 0, 10, "1").new == 1
    again = send(scene, token, 0, 10, "1")
    assert (again.new, again.known) == (0, 1)


def test_bad_signals_are_refused_whole_with_every_reason(scene):
    _, token = device(scene)
    signals = [
        usage.Signal("1", at(0), at(10)),
        usage.Signal("2", at(10), at(5)),
        usage.Signal("", at(0), at(900)),
    ]
    with pytest.raises(EntryInvalid) as refused, clock.fixed(at(20)):
        usage.receive_signals(scene.host.code, token, signals)
    assert [(r.code, r.place) for r in refused.value.reasons] == [
        ("usage.ends_before_start", "signals[1]"),
        ("usage.in_the_future", "signals[2]"),
        ("usage.sequence_wanted", "signals[2]"),
    ]
    assert send(scene, token, 0, 10, "1").new == 1


def test_phases_of_a_late_upload_settle_a_session_that_is_over(scene):
    check_in(scene, 0, make_booking(scene))
    done = check_out(scene, 60)
    assert (done.grade, done.hours.effective) == ("C", 3600)
    _, token = device(scene)
    send(scene, token, 0, 10, "1", Phase.SETUP, arrives=90)
    send(scene, token, 10, 40, "2", Phase.MEASURING, arrives=90)
    send(scene, token, 40, 60, "3", Phase.IDLE, arrives=90)
    row = session(done.key)
    assert (row.setup_seconds, row.measuring_seconds, row.idle_seconds, row.grade) == (600, 1800, 1200, "A")


# ---- what people see --------------------------------------------------------------------------------------------


def test_the_board_of_a_day(scene):
    make_booking(scene)
    make_booking(scene, starts_at=at(180), ends_at=at(240))
    tick(0)
    with clock.fixed(at(12)):
        usage.report_fault(unit_key(scene), scene.engineer, "真空报警", "down")
        board = usage.day_board(manager(scene))
    [lane] = board.lanes
    assert [item.state for item in lane.items] == ["expected", "approved"]
    assert [item.late_seconds for _, item in board.late] == [12 * 60]
    assert [f.text for f in board.faults] == ["真空报警"]
    assert board.customers[scene.customer_id].name_zh == "某材料公司"


def test_the_unit_page_tells_a_stranger_only_that_it_is_taken(scene):
    booking = make_booking(scene)
    with clock.fixed(at(2)):
        mine = usage.unit_now(scene.host.code, scene.unit_code, scene.engineer)
        strangers = usage.unit_now(scene.host.code, scene.unit_code, make_person("路人"))
    assert mine.mine.key.id == booking and mine.reasons == ()
    assert strangers.mine is None and strangers.current.key.id == booking


def test_a_session_is_seen_by_its_two_parties_only(scene):
    check_in(scene, 0, make_booking(scene))
    done = check_out(scene, 118)
    assert usage.session_view(done.key, manager(scene)).by_host
    assert not usage.session_view(done.key, engineer(scene)).by_host
    stranger = make_scene("other")
    for actor in (manager(stranger), engineer(stranger)):
        with pytest.raises(NoSuchSession):
            usage.session_view(done.key, actor)


def test_the_code_on_the_screen_is_kept_as_such(scene):
    booking = make_booking(scene)
    started = check_in(scene, 1, booking, code_kind=CodeKind.ROTATING)
    view = usage.session_view(started.key, manager(scene))
    assert [e.code_kind for e in view.evidence] == ["rotating"]
    assert replace(view, evidence=()).session.key == started.key
