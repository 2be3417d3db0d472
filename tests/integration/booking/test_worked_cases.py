"""Worked cases of booking rules that need a database; the table beside the examples names them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Answerer, DatedException, ExceptionKind
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NotYours, SlotTaken, WrongState
from resource_hub.domain.booking.terms import BookingState
from resource_hub.domain.notices import service as notices
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.errors import CheckInRefused
from resource_hub.domain.usage.terms import EvidenceKind, Tap
from resource_hub.infra import clock, outbox
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import actor, make_group, make_person
from tests.builders.availability import span
from tests.builders.booking import another_booker, make_asked, make_booking, make_scene


def test_one_minute_into_maintenance_on_either_side(now: datetime) -> None:
    scene = make_scene(rules={"step": 5, "least": 5})
    outage = DatedException(
        ExceptionKind.MAINTENANCE, span("2026-03-03T11:00+08:00", "2026-03-03T13:00+08:00")
    )
    availability.add_exception(scene.key, outage, by=scene.manager)
    for start, end in (("10:00", "11:05"), ("12:55", "14:00")):
        with pytest.raises(SlotTaken):
            make_booking(scene, asked=make_asked(f"2026-03-03T{start}+08:00", f"2026-03-03T{end}+08:00"))
    for start, end in (("10:00", "11:00"), ("13:00", "14:00")):
        make_booking(scene, asked=make_asked(f"2026-03-03T{start}+08:00", f"2026-03-03T{end}+08:00"))


def test_an_area_of_one_place_holds_one(now: datetime) -> None:
    scene = make_scene()
    make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00"))
    with pytest.raises(SlotTaken):
        make_booking(scene, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00"))
    _, _, other = another_booker()
    with pytest.raises(SlotTaken):
        make_booking(scene, by=other, asked=make_asked("2026-03-03T12:00+08:00", "2026-03-03T13:00+08:00"))


def test_a_resize_is_the_same_booking_and_its_history_keeps_the_old_time(now: datetime) -> None:
    # B13: longer, and shorter again.
    scene = make_scene()
    made = before = make_booking(scene)
    for end in ("12:00", "10:00"):
        wanted = span("2026-03-03T09:00+08:00", f"2026-03-03T{end}+08:00")
        after = service.change(made.key, wanted, by=scene.booker)
        assert (after.key, after.number, after.ical_uid) == (made.key, made.number, made.ical_uid)
        assert (after.span, after.version, after.ical_sequence) == (
            wanted, before.version + 1, before.ical_sequence + 1,
        )  # fmt: skip
        told = service.detail(made.key, scene.booker).events[-1]
        assert told.kind == "changed" and before.span is not None
        kept = [datetime.fromisoformat(one) for one in told.details["from"]]
        assert kept == [before.span.start, before.span.end]
        before = after


def test_a_leader_who_is_silent_for_12_hours_has_approved(now: datetime) -> None:
    # HUST: the group's leader is asked; after 12 h the silence is a yes, not a moment before, and nobody answers then.
    steps = [{"who": "approver", "hours": 12}]
    scene = make_scene(rules={"approval": "always", "silence": "consent", "steps": steps})
    leader, member = make_person(), make_person()
    group = make_group(scene.host, leader=leader, members=[member])
    asked = make_asked("2026-03-20T09:00+08:00", "2026-03-20T11:00+08:00", customer_id=group.id)
    made = make_booking(scene, by=actor(member, scene.host), asked=asked)
    outbox.deliver_due()
    outbox.deliver_due()
    term = now + timedelta(hours=12)
    assert [(step.who, step.answer_by) for step in service.answers_of(made.key)] == [
        (Answerer.APPROVER, term)
    ]
    assert "booking.answer_wanted" in {one.kind for one in notices.inbox(leader.id)}
    with clock.fixed(term - timedelta(seconds=1)):
        assert service.lapse_due() == 0
        with pytest.raises(NotYours):
            service.approve(made.key, by=scene.manager)
        assert service.detail(made.key, actor(member, scene.host)).state is BookingState.REQUESTED
    with clock.fixed(term):
        assert service.lapse_due() == 1
        assert service.booking(made.key).state is BookingState.APPROVED
        with pytest.raises(WrongState):
            service.reject(made.key, by=scene.manager, reason="预算")


@pytest.mark.parametrize("grace", [30, 60])
def test_who_comes_after_the_grace_finds_the_slot_given_away(now: datetime, grace: int) -> None:
    # B38, CUP with half an hour, CAAS with a whole one: a minute late is too late, and another has the rest.
    scene = make_scene(rules={"no_show_after": grace})
    made = make_booking(scene)
    assert made.span is not None and made.unit_id is not None
    start, rest = made.span.start, span("2026-03-03T10:30+08:00", "2026-03-03T11:00+08:00")

    def tick(minutes: int) -> int:
        at = start + timedelta(minutes=minutes)
        with clock.fixed(at):
            usage.open_expected(at)
            return usage.mark_no_shows(at)

    _, _, other = another_booker()
    tick(0)
    assert tick(grace - 1) == 0
    with clock.fixed(start + timedelta(minutes=grace - 1)), pytest.raises(SlotTaken):
        make_booking(scene, by=other, asked=make_asked(span=rest))
    assert tick(grace) == 1
    assert service.booking(made.key).state is BookingState.NO_SHOW
    late = start + timedelta(minutes=grace + 1)
    with clock.fixed(late):
        unit_key = HostKey(made.institution_id, made.unit_id)
        with pytest.raises(CheckInRefused) as refused:
            usage.check_in(
                unit_key, scene.booker_person.id, Tap(EvidenceKind.CHECK_IN, late), booking_id=made.key.id
            )
        assert "usage.released" in {reason.code for reason in refused.value.reasons}
        assert make_booking(scene, by=other, asked=make_asked(span=rest)).state is BookingState.APPROVED
