"""From the start of a booking to sealed hours: expected, checked in, forgotten, missed, entered, accepted, closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service as bookings
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.errors import (
    AlreadySealed,
    CheckInRefused,
    EntryInvalid,
    NoSuchSession,
    StaleSession,
    UnitBusy,
    WrongState,
)
from resource_hub.domain.usage.tables import UsageEntry, UsageRollup, UsageSession
from resource_hub.domain.usage.terms import CodeKind, EvidenceKind, Phase, Tap
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.tables import OutboxEvent
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


# ---- operators and acceptance -----------------------------------------------------------------------------------


def entry_of(scene, **more):
    values = {
        "starts_at": at(0),
        "ends_at": at(90),
        "lines": [usage.LineEntry(scene.customer_id, samples=4)],
        "document": {"sha256": "ab" * 32, "file": "log.pdf"},
        **more,
    }
    return usage.OperatorEntry(**values)


def enter(scene, minutes=120, session_id=None, **more):
    with clock.fixed(at(minutes)):
        return usage.record_operator_entry(
            HostKey(scene.host.id, scene.resource_id), entry_of(scene, **more), manager(scene),
            session_id=session_id, unit_id=scene.unit_id,
        )  # fmt: skip


def test_operator_entry_with_document_in_time_is_a_d_without_an_e_late_an_e(scene):
    assert enter(scene, source_key="1").grade == "D"
    assert enter(scene, source_key="2", document=None).grade == "E"
    late = enter(scene, minutes=60 * 24 * 6, source_key="3")
    assert (late.grade, late.flags) == ("E", ("late_entry",))


def test_acceptance_of_staff_run_work_is_the_user_action(scene):
    booking = make_booking(scene, mode="staff_run")
    tick(0)
    done = enter(scene, session_id=only().id, setup_seconds=600, idle_seconds=300)
    assert (done.grade, done.hours.setup, done.hours.idle, done.hours.effective) == ("D", 600, 300, 85 * 60)
    assert done.lines[0].booking_id == booking
    with clock.fixed(at(130)):
        accepted = usage.accept(done.key, engineer(scene))
    assert (accepted.grade, accepted.lines[0].accepted_at) == ("C", at(130))
    assert bookings.booking(HostKey(scene.host.id, booking)).state.value == "done"


def test_only_the_customer_may_accept_and_not_after_sealing(scene):
    done = enter(scene)
    stranger = make_scene("other")
    with pytest.raises(NoSuchSession), clock.fixed(at(130)):
        usage.accept(done.key, engineer(stranger))
    close(scene, done)
    with pytest.raises(AlreadySealed), clock.fixed(at(700)):
        usage.accept(done.key, engineer(scene))


def test_lines_of_a_shared_session_sum_to_it(scene):
    other = make_scene("second")
    done = enter(
        scene, ends_at=at(100),
        lines=[usage.LineEntry(scene.customer_id, share=1), usage.LineEntry(other.customer_id, share=2)],
    )  # fmt: skip
    assert [line.hours.effective for line in done.lines] == [2000, 4000]
    close(scene, done)
    rows = reading().execute(select(UsageEntry.effective_seconds, UsageEntry.customer_id)).all()
    assert {(r[0], r[1]) for r in rows} == {(2000, scene.customer_id), (4000, other.customer_id)}


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"ends_at": at(-5)}, {"usage.ends_before_start"}),
        ({"ends_at": at(600)}, {"usage.in_the_future"}),
        ({"setup_seconds": 6000}, {"usage.parts_exceed_whole"}),
        ({"lines": [], "idle_seconds": -1}, {"usage.for_whom", "usage.negative"}),
    ],
)
def test_entries_that_cannot_be_are_refused_with_every_reason(scene, changes, codes):
    with pytest.raises(EntryInvalid) as refused:
        enter(scene, **changes)
    assert {r.code for r in refused.value.reasons} == codes
    assert reading().scalar(select(func.count()).select_from(UsageSession)) == 0


# ---- the day close ----------------------------------------------------------------------------------------------


def test_closing_a_day_seals_what_was_looked_at_and_tells_the_others(scene):
    check_in(scene, 0, make_booking(scene))
    done = check_out(scene, 118)
    [line] = usage.close_lines(manager(scene), DAY)
    assert (line.suggestion, line.look, line.agrees) == ("accept", (), True)
    [sealed] = close(scene, done)
    assert sealed.state == "sealed"
    assert usage.close_lines(manager(scene), DAY) == []
    assert reading().scalar(select(UsageRollup.effective_seconds)) == 118 * 60
    assert (
        reading().scalar(
            select(func.count()).select_from(OutboxEvent).where(OutboxEvent.name == "usage.sealed")
        )
        == 1
    )
    # The button pressed twice.
    close(scene, done)
    assert reading().scalar(select(func.count()).select_from(UsageEntry)) == 1


def test_a_session_that_changed_since_it_was_looked_at_is_not_sealed(scene):
    check_in(scene, 0, make_booking(scene))
    done = check_out(scene, 118)
    _, token = device(scene)
    send(scene, token, 5, 100, "1", arrives=130)
    with pytest.raises(StaleSession):
        close(scene, done)
    assert session(done.key).state == "ended"


def test_a_running_session_cannot_be_sealed(scene):
    started = check_in(scene, 0, make_booking(scene))
    with pytest.raises(WrongState):
        close(scene, started)


def test_another_hosts_manager_closes_nothing_here(scene):
    check_in(scene, 0, make_booking(scene))
    done = check_out(scene, 118)
    stranger = make_scene("other")
    with pytest.raises(NoSuchSession), clock.fixed(at(600)):
        usage.close_day(manager(stranger), DAY, [usage.Verdict(done.key.id, done.version)])


def test_what_differs_from_the_booking_is_to_be_looked_at(scene):
    check_in(scene, 0, make_booking(scene))
    check_out(scene, 30)
    [line] = usage.close_lines(manager(scene), DAY)
    assert [r.code for r in line.look] == ["usage.look.shorter"]


def test_a_disputed_session_is_looked_at_first(scene):
    check_in(scene, 0, make_booking(scene))
    done = check_out(scene, 118)
    with clock.fixed(at(130)):
        usage.dispute(done.key, engineer(scene), "样品没有测完")
    [line] = usage.close_lines(manager(scene), DAY)
    assert "usage.look.disputed" in [r.code for r in line.look]


def test_nobody_closes_and_the_term_runs_out(scene):
    check_in(scene, 0, make_booking(scene))
    check_out(scene, 118)
    due = session(only_key()).seal_due_at
    with clock.fixed(due):
        assert usage.seal_overdue(due) == 1
        assert usage.seal_overdue(due) == 0
    assert (only().state, only().sealed_by) == ("sealed", None)


def only_key() -> HostKey:
    row = only()
    return HostKey(row.institution_id, row.id)


# ---- corrections ------------------------------------------------------------------------------------------------


def sealed_entry(scene):
    check_in(scene, 0, make_booking(scene))
    close(scene, check_out(scene, 118))
    row = reading().scalars(select(UsageEntry)).one()
    return HostKey(row.institution_id, row.id)


def correct(scene, key, minutes=900, **changes):
    with clock.fixed(at(minutes)):
        return usage.correct(key, usage.Correction(**{"reason": "仪器故障", **changes}), manager(scene))


def test_a_correction_points_at_the_old_entry_and_moves_the_figures(scene):
    key = sealed_entry(scene)
    new = correct(scene, key, ends_at=at(60))
    assert (new.kind, new.corrects_id, new.effective_seconds, new.grade) == ("correction", key.id, 3600, "C")
    assert reading().scalar(select(func.sum(UsageRollup.effective_seconds))) == 3600
    assert reading().scalar(select(func.count()).select_from(UsageEntry)) == 2
    assert [e.key for e in usage.entries(scene.host.id, DAY, DAY + timedelta(days=1))] == [new.key]
    again = correct(scene, new.key, ends_at=at(100))
    assert (again.grade, again.effective_seconds) == ("E", 6000)
    with pytest.raises(WrongState):
        correct(scene, key, ends_at=at(10))


def test_a_correction_to_no_use_at_all(scene):
    new = correct(scene, sealed_entry(scene), no_use=True)
    assert new.effective_seconds == 0 and new.no_show
    assert reading().scalar(select(func.sum(UsageRollup.effective_seconds))) == 0


def test_a_correction_needs_a_reason_and_a_host(scene):
    key = sealed_entry(scene)
    with pytest.raises(EntryInvalid):
        correct(scene, key, reason=" ")
    stranger = make_scene("other")
    with pytest.raises(NoSuchSession), clock.fixed(at(900)):
        usage.correct(key, usage.Correction(reason="x", ends_at=at(1)), manager(stranger))


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
