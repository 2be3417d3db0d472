"""Terms are judged by the clock when asked, never by whether a job has run."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NoSuchBooking, SlotTaken, WrongState
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import BookingState, Scope
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.kernel.money import Money
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

DAY = span("2026-03-03T00:00+08:00", "2026-03-04T00:00+08:00")
SECOND = timedelta(seconds=1)


def looks(scene: Scene) -> list[str]:
    return [piece.look.value for piece in service.calendar(scene.key, DAY, None).lanes[0].stretches]


def unanswered(silence: str) -> Scene:
    return make_scene(rules={"approval": "always", "answer_hours": 24, "silence": silence})


def test_a_request_that_nobody_answered_gives_its_time_back_at_its_term(now: datetime) -> None:
    scene = unanswered("lapse")
    made = make_booking(scene)
    term = now + timedelta(hours=24)
    assert made.answer_by == term
    _, _, other = another_booker()
    with clock.fixed(term - SECOND):
        assert service.detail(made.key, scene.booker).state is BookingState.REQUESTED
        assert service.waiting_count(scene.manager) == 1
        assert looks(scene) == ["closed", "taken", "free", "closed"]
        with pytest.raises(SlotTaken):
            make_booking(scene, by=other)
    with clock.fixed(term):
        assert service.detail(made.key, scene.booker).state is BookingState.EXPIRED
        assert service.requests(scene.manager) == [] and service.waiting_count(scene.manager) == 0
        assert looks(scene) == ["closed", "free", "closed"]
        for late in (
            lambda: service.approve(made.key, by=scene.manager),
            lambda: service.reject(made.key, by=scene.manager, reason="检定"),
            lambda: service.cancel(made.key, by=scene.booker),
            lambda: service.change(
                made.key, span("2026-03-04T09:00+08:00", "2026-03-04T10:00+08:00"), by=scene.booker
            ),
        ):
            with pytest.raises(WrongState):
                late()
        assert make_booking(scene, by=other).state is BookingState.REQUESTED
        assert service.lapse_due() == 1
        assert service.booking(made.key).state is BookingState.EXPIRED
        assert len(availability.free_units(scene.key, make_asked().span)) == 0  # type: ignore[arg-type]


def test_an_answer_in_time_keeps_the_time_for_good(now: datetime) -> None:
    scene = unanswered("lapse")
    made = service.approve(make_booking(scene).key, by=scene.manager)
    _, _, other = another_booker()
    with clock.fixed(now + timedelta(hours=24, minutes=30)), pytest.raises(SlotTaken):
        make_booking(scene, by=other)
    assert service.booking(made.key).state is BookingState.APPROVED


def test_silence_is_a_yes_from_its_term_on(now: datetime) -> None:
    scene = unanswered("consent")
    made = make_booking(scene)
    _, _, other = another_booker()
    with clock.fixed(now + timedelta(hours=24)):
        assert service.detail(made.key, scene.booker).state is BookingState.APPROVED
        with pytest.raises(SlotTaken):
            make_booking(scene, by=other)
        with pytest.raises(WrongState):
            service.reject(made.key, by=scene.manager, reason="检定")
        done = service.cancel(made.key, by=scene.booker)
    assert done.state is BookingState.CANCELLED
    assert done.cancel_fee.minor == 10_000
    assert [e.kind for e in service.detail(made.key, scene.booker).events] == [
        "requested",
        "approved",
        "cancelled",
    ]


def test_what_silence_has_approved_costs_what_a_yes_would_have_whether_or_not_a_job_has_run(
    now: datetime,
) -> None:
    """The look, the click and the no from a calendar go by the same state, and by a calendar nobody pays unseen."""
    scene = unanswered("consent")
    made = make_booking(scene)
    with clock.fixed(now + timedelta(hours=24)):
        shown = service.cancel_preview(made.key, by=scene.booker)
        assert shown.fees == (Money.cny("100"),) and not shown.free
        declined = {"sequence": made.ical_sequence, "mark": "<1@mail.example>"}
        outcome = service.answered(made.key, scene.booker.person_id, service.Answer.DECLINED, **declined)
        assert outcome is service.Outcome.STANDS
        assert service.booking(made.key).state is BookingState.APPROVED
        outbox.deliver_due()
        told = notices.inbox(scene.booker.person_id)
        assert "booking.decline_costs" in {one.kind for one in told}
        done = service.cancel(made.key, by=scene.booker, expected=shown.fees)
        assert done.cancel_fee == Money.cny("100")


def test_what_a_fee_was_shown_for_is_what_a_click_takes_before_the_job_has_run(now: datetime) -> None:
    scene = unanswered("consent")
    made = make_booking(scene)
    series = service.create_series(
        scene.key, make_asked("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00"),
        Recurrence(Frequency.DAILY, count=2), by=scene.booker,
    )  # fmt: skip
    with clock.fixed(now + timedelta(hours=24)):
        shown = service.cancel_preview(made.key, by=scene.booker)
        assert service.cancel(made.key, by=scene.booker, expected=shown.fees).cancel_fee == Money.cny("100")
        look = service.look_cancel_series(series.key, Scope.ALL, by=scene.booker)
        assert look.fees == (Money.cny("100"),)  # the second day is more than the notice ahead
        assert service.cancel_series(series.key, Scope.ALL, by=scene.booker, expected=look.fees) == 2
        first = service.series_days(series.key)[0].booking
        assert first is not None and first.cancel_fee == Money.cny("100")


def test_silence_that_lasts_until_the_start_is_no_yes(now: datetime) -> None:
    scene = make_scene(rules={"approval": "always", "answer_hours": 48, "silence": "consent"})
    made = make_booking(scene)
    assert made.span is not None and made.answer_by == made.span.start
    with clock.fixed(made.span.start):
        assert service.detail(made.key, scene.booker).state is BookingState.EXPIRED
        assert looks(scene) == ["closed", "free", "closed"]


def test_new_house_rules_do_not_change_what_silence_meant(now: datetime) -> None:
    scene = unanswered("lapse")
    made = make_booking(scene)
    document = availability.write_rules(availability.house_rules(scene.key)[0])
    new = {**document, "silence": "consent"}
    availability.save_rules(scene.key, new, moment("2026-03-03T00:00+08:00").date(), by=scene.manager)
    with clock.fixed(now + timedelta(hours=24)):
        assert service.detail(made.key, scene.booker).state is BookingState.EXPIRED


def test_a_request_moved_forward_is_to_be_answered_before_it_begins(now: datetime) -> None:
    scene = make_scene(rules={"approval": "always", "answer_hours": 48})
    made = make_booking(scene, asked=make_asked("2026-03-05T09:00+08:00", "2026-03-05T10:00+08:00"))
    assert made.answer_by == now + timedelta(hours=48)
    earlier = span("2026-03-02T13:00+08:00", "2026-03-02T14:00+08:00")
    moved = service.change(made.key, earlier, by=scene.booker)
    assert moved.answer_by == earlier.start
    with clock.fixed(earlier.start), pytest.raises(WrongState):
        service.approve(made.key, by=scene.manager)


@pytest.mark.parametrize("silence", ["lapse", "consent"])
def test_another_time_has_the_whole_term_to_be_answered(now: datetime, silence: str) -> None:
    """Else silence would be a yes to what nobody had the time to look at."""
    scene = make_scene(rules={"approval": "always", "answer_hours": 12, "silence": silence}, units=2)
    made = make_booking(scene, asked=make_asked("2026-03-20T09:00+08:00", "2026-03-20T11:00+08:00"))
    late = now + timedelta(hours=11, minutes=59)
    with clock.fixed(late):
        prime = span("2026-03-09T09:00+08:00", "2026-03-09T17:00+08:00")
        moved = service.change(made.key, prime, by=scene.booker)
        assert moved.answer_by == late + timedelta(hours=12)
    with clock.fixed(now + timedelta(hours=12)):
        assert service.lapse_due() == 0
        assert service.detail(made.key, scene.booker).state is BookingState.REQUESTED
        other = next(one.key.id for one in catalogue.units(scene.key) if one.key.id != moved.unit_id)
        shifted = service.change(made.key, prime, by=scene.booker, unit_id=other)
        assert shifted.answer_by == now + timedelta(hours=24)
    with clock.fixed(now + timedelta(hours=24)):
        after = BookingState.APPROVED if silence == "consent" else BookingState.EXPIRED
        assert service.detail(made.key, scene.booker).state is after


def test_another_time_that_the_host_chose_leaves_it_no_more_time_to_answer(now: datetime) -> None:
    scene = unanswered("consent")
    made = make_booking(scene, asked=make_asked("2026-03-20T09:00+08:00", "2026-03-20T11:00+08:00"))
    with clock.fixed(now + timedelta(hours=2)):
        other = span("2026-03-19T09:00+08:00", "2026-03-19T11:00+08:00")
        assert service.propose(made.key, other, by=scene.manager).answer_by == made.answer_by


def test_a_lapsed_hold_can_be_neither_cancelled_nor_kept(now: datetime) -> None:
    scene = make_scene()
    held = service.hold(scene.key, make_asked(), by=scene.booker)
    _, _, other = another_booker()
    assert held.hold_expires_at is not None
    with pytest.raises(NoSuchBooking):
        make_booking(scene, by=other, hold_id=held.key.id)
    with clock.fixed(held.hold_expires_at):
        with pytest.raises(WrongState):
            service.cancel(held.key, by=scene.booker)
        # Nobody took it, so its owner may have it, as everybody might.
        made = make_booking(scene, hold_id=held.key.id)
        assert made.key != held.key and made.state is BookingState.APPROVED
        assert service.lapse_due() == 1
        assert service.booking(held.key).state is BookingState.EXPIRED
        with pytest.raises(SlotTaken):
            make_booking(scene, by=other)


def test_a_hold_of_one_resource_is_none_of_another(now: datetime) -> None:
    scene, elsewhere = make_scene(), make_scene()
    held = service.hold(scene.key, make_asked(), by=scene.booker)
    with pytest.raises(NoSuchBooking):
        service.request(elsewhere.key, make_asked(), by=scene.booker, hold_id=held.key.id)
