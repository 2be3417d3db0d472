"""Extra openings taken back, with what becomes of the bookings in time that closes again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import ExceptionKind
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import HitsUndecided
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import BookingState, Fate, Verdict
from resource_hub.infra.database import db
from tests.builders.availability import make_exception, span
from tests.builders.booking import Scene, make_asked, make_booking, make_scene

SATURDAY = ("2026-03-07T10:00+08:00", "2026-03-07T12:00+08:00")
WHY = "值班人员请假"


def opened(scene: Scene, **changes: Any) -> Any:
    extra = make_exception(ExceptionKind.EXTRA, span=span(*SATURDAY), **changes)
    return availability.add_exception(scene.key, extra, by=scene.manager)


def again(record: Any) -> Any:
    db.session.remove()
    return service.booking(record.key)


def test_nothing_is_taken_back_while_a_booking_in_it_is_undecided(now: Any) -> None:
    scene = make_scene()
    extra = opened(scene)
    booked = make_booking(scene, asked=make_asked(*SATURDAY))
    make_booking(scene)
    [found] = service.preview_take_back(scene.key, [extra.id], by=scene.manager)
    assert found.record is not None and found.record.key == booked.key
    assert found.fates == (Fate.STAYS, Fate.MOVES, Fate.CANCELLED)
    assert not any(free.span.overlaps(extra.span) for free in found.times)
    with pytest.raises(HitsUndecided) as caught:
        service.take_back(scene.key, extra.id, by=scene.manager)
    assert [reason.place for reason in caught.value.reasons] == [f"hit.{booked.key.id}"]
    assert availability.exception(scene.key, extra.id) == extra


@pytest.mark.parametrize("fate", list(Fate))
def test_each_fate_is_carried_out(now: Any, fate: Fate) -> None:
    scene = make_scene()
    extra = opened(scene)
    booked = make_booking(scene, asked=make_asked(*SATURDAY))
    [found] = service.preview_take_back(scene.key, [extra.id], by=scene.manager)
    verdict = Verdict(fate, found.times[0].span if fate is Fate.MOVES else None, booked.version)
    verdicts = {booked.key.id: verdict}
    assert service.take_back(scene.key, extra.id, by=scene.manager, verdicts=verdicts, reason=WHY) == 1
    after = again(booked)
    assert after.state is (BookingState.CANCELLED if fate is Fate.CANCELLED else BookingState.APPROVED)
    assert (after.span == booked.span) is (fate is not Fate.MOVES)
    assert service.take_back(scene.key, extra.id, by=scene.manager) == 0  # it has gone


def test_a_closure_taken_back_hits_nobody(now: Any) -> None:
    scene = make_scene()
    booked = make_booking(scene)
    closed = availability.add_exception(scene.key, make_exception(span=booked.span), by=scene.manager)
    assert service.take_back(scene.key, closed.id, by=scene.manager) == 0  # type: ignore[arg-type]


def test_dates_taken_back_together_ask_about_their_bookings(now: Any) -> None:
    scene = make_scene()
    rule = Recurrence(Frequency.WEEKLY, until=date(2026, 3, 28))
    first = make_exception(ExceptionKind.EXTRA, span=span(*SATURDAY))
    service.publish_repeated(scene.key, first, rule, by=scene.manager)
    booked = make_booking(scene, asked=make_asked("2026-03-14T10:00+08:00", "2026-03-14T12:00+08:00"))
    kept = availability.exceptions(scene.key, span("2026-03-02T00:00+08:00", "2026-04-02T00:00+08:00"))
    series_id = kept[0].series_id
    assert series_id is not None and len(kept) == 4
    with pytest.raises(HitsUndecided):
        service.take_back_dates(scene.key, series_id, by=scene.manager)
    verdicts = {booked.key.id: Verdict(Fate.CANCELLED)}
    done = service.take_back_dates(scene.key, series_id, by=scene.manager, verdicts=verdicts, reason=WHY)
    assert done == (4, 1) and again(booked).cancel_reason == WHY
