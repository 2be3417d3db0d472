"""What people enter, accept and dispute, the close of a day that seals it, and corrections of what was sealed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from resource_hub.domain.booking import service as bookings
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.errors import (
    AlreadySealed,
    EntryInvalid,
    NoSuchSession,
    StaleSession,
    WrongState,
)
from resource_hub.domain.usage.tables import UsageEntry, UsageRollup, UsageSession
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.tables import OutboxEvent
from resource_hub.kernel.keys import HostKey
from tests.builders.usage import make_booking, make_scene
from tests.integration.usage.test_sessions import (
    DAY,
    at,
    check_in,
    check_out,
    close,
    device,
    engineer,
    manager,
    only,
    send,
    session,
    tick,
)


@pytest.fixture
def scene(in_app):
    return make_scene()


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
