"""House rules tried on what is in the database: bounded, for the host alone, and without writing anything."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Forbidden, NotFound
from tests.builders.availability import make_rules, moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

AT_ONCE = [{"count": 1, "ladder": [{"unit": "days", "count": 30}]}]
LATER = moment("2026-03-20T08:00+08:00")


@pytest.fixture
def past(now: datetime) -> Scene:
    """Three bookings in March, one of them by the host for the firm, one moved at short notice."""
    scene = make_scene()
    make_booking(scene)  # Tuesday 3 March, 9 to 11, a day ahead
    make_booking(
        scene,
        by=scene.manager,
        asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T17:00+08:00", customer_id=scene.customer_id,
                         person_id=scene.booker_person.id),
    )  # fmt: skip
    moved = make_booking(scene, asked=make_asked("2026-03-12T09:00+08:00", "2026-03-12T10:00+08:00"))
    with clock.fixed(moment("2026-03-09T08:00+08:00")):
        service.change(moved.key, span("2026-03-09T09:00+08:00", "2026-03-09T10:00+08:00"), by=scene.booker)
    gone = make_booking(scene, asked=make_asked("2026-03-06T09:00+08:00", "2026-03-06T10:00+08:00"))
    service.cancel(gone.key, by=scene.booker)
    return scene


def test_the_present_rules_refuse_nothing_that_was_booked_under_them(past: Scene) -> None:
    with clock.fixed(LATER):
        trial = service.try_rules(past.key, make_rules(), by=past.manager)
    assert (trial.tried, trial.refused, trial.before, trial.whole) == (3, 0, 0, True)


def test_refused_are_counted_by_rule_and_listed_newest_first(past: Scene) -> None:
    draft = make_rules(lead={"all": 26 * 60}, most=60)
    with clock.fixed(LATER):
        trial = service.try_rules(past.key, draft, by=past.manager)
    # The one that was moved is judged when it was moved; the host's own is bound by its length alone.
    assert {r.code: count for r, count in trial.by_rule} == {"booking.lead": 2, "booking.too_long": 2}
    assert trial.refused == 3 and trial.customers == 1
    assert [one.order.span.start.day for one in trial.listed] == [9, 4, 3]
    assert [[r.code for r in one.reasons] for one in trial.listed] == [
        ["booking.lead"], ["booking.too_long"], ["booking.lead", "booking.too_long"],
    ]  # fmt: skip


def test_only_the_months_asked_for_and_only_what_began(past: Scene) -> None:
    with clock.fixed(moment("2026-03-04T08:00+08:00")):
        assert service.try_rules(past.key, make_rules(), by=past.manager).tried == 1
    with clock.fixed(LATER + timedelta(days=77)):
        assert service.try_rules(past.key, make_rules(), by=past.manager, months=3).tried == 1
        assert service.try_rules(past.key, make_rules(), by=past.manager, months=6).tried == 3


def test_nobody_else_may_try(past: Scene) -> None:
    _, _, stranger = another_booker()
    other = make_scene()
    for by in (stranger, other.manager, past.booker):
        with pytest.raises((NotFound, Forbidden)):
            service.try_rules(past.key, make_rules(), by=by)


def test_the_number_of_queries_does_not_grow_with_the_bookings(past: Scene) -> None:
    def asked() -> int:
        seen: list[str] = []

        def count(*args: object) -> None:
            seen.append(str(args[2]))

        event.listen(db.engine, "before_cursor_execute", count)
        try:
            service.try_rules(past.key, make_rules(lead_days=2, bars=AT_ONCE), by=past.manager)
        finally:
            event.remove(db.engine, "before_cursor_execute", count)
        return len(seen)

    with clock.fixed(LATER):
        few = asked()
    for day in (16, 17, 18):
        make_booking(past, asked=make_asked(f"2026-03-{day}T09:00+08:00", f"2026-03-{day}T11:00+08:00"))
    with clock.fixed(LATER):
        assert asked() == few


def test_more_than_can_be_tried_says_so(past: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from resource_hub.domain.booking import trying

    monkeypatch.setattr(trying, "MOST_TRIED", 2)
    with clock.fixed(LATER):
        trial = service.try_rules(past.key, make_rules(), by=past.manager)
    assert (trial.tried, trial.whole) == (2, False)
    assert availability.house_rules(past.key)[1] == 1


def test_who_would_have_been_barred_and_what_was_lifted_is_not_held_against_anybody(now: datetime) -> None:
    scene = make_scene(rules={"strike_no_show": True})
    missed = [make_booking(scene, asked=make_asked(*hours(day))) for day in (3, 4, 5)]
    make_booking(scene, asked=make_asked(*hours(13)))
    late = make_booking(scene, asked=make_asked(*hours(12)))
    for one in missed:
        assert one.span is not None
        with clock.fixed(one.span.start + timedelta(minutes=30)):
            with unit_of_work() as unit:
                service.missed(unit, one.key)
            outbox.deliver_due()
    with clock.fixed(moment("2026-03-11T10:00+08:00")):
        asked = make_booking(scene, asked=make_asked(*hours(18)))
    with clock.fixed(moment("2026-03-11T10:05+08:00")):
        service.cancel(late.key, by=scene.booker)
        outbox.deliver_due()
        first = min(service.strikes_of(scene.booker_person.id), key=lambda strike: strike.given_at)
        service.decide_strike(first.key, lift=True, text="仪器停机", by=scene.manager)
    draft = make_rules(
        strike_no_show=True, strike_late_cancel=2880,
        bars=[{"count": 2, "within": 30, "ladder": [{"unit": "days", "count": 6}, {"unit": "lifted"}]}],
    )  # fmt: skip
    with clock.fixed(LATER):
        trial = service.try_rules(scene.key, draft, by=scene.manager)
        # The first of the three was lifted: the second and third bar for six days; in their last hours somebody
        # cancels late, and from there on nothing can be booked.
        assert [(one.bar.since, one.bar.until, one.strikes) for one in trial.bars] == [
            (moment("2026-03-11T10:05+08:00"), None, 3),
            (moment("2026-03-05T12:30+08:00"), moment("2026-03-11T12:30+08:00"), 2),
        ]
        assert (trial.barred, trial.barred_before, trial.tried) == (1, 0, 5)
        assert [(one.order.key, one.reasons[0].code) for one in trial.listed] == [
            (asked.key, "booking.barred")
        ]
        quiet = service.try_rules(scene.key, make_rules(strike_no_show=True), by=scene.manager)
        assert (quiet.barred, quiet.bars, quiet.refused) == (0, (), 0)


def hours(day: int) -> tuple[str, str]:
    return f"2026-03-{day:02d}T12:00+08:00", f"2026-03-{day:02d}T14:00+08:00"
