"""Several days of a series answered at once: each as a whole, each refusal explained, no day dropped in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import PersonRecord, Role
from resource_hub.domain.booking import deciding, service
from resource_hub.domain.booking.errors import (
    InvalidOrder,
    NoSuchBooking,
    NotYours,
    SeriesUnanswered,
    SlotTaken,
    StaleBooking,
    WrongState,
)
from resource_hub.domain.booking.series_answering import Given
from resource_hub.domain.booking.terms import Scope
from resource_hub.domain.notices import service as notices
from resource_hub.domain.notices.terms import NoticeRecord
from resource_hub.infra import clock, outbox
from resource_hub.kernel.money import Money
from tests.builders.accounts import actor, make_person
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_answers import somebody
from tests.integration.booking.test_linked import linked, under
from tests.integration.booking.test_series import bookings, made
from tests.support.databases import Database
from tests.support.racing import race

ASKING = {"approval": "always"}


def ids(series: service.SeriesRecord, *positions: int) -> dict[Any, int | None]:
    """The chosen days with the versions that one sees now."""
    found = bookings(series)
    return {found[n].key.id: found[n].version for n in positions}


def states(series: service.SeriesRecord) -> list[str]:
    return [one.state.value for one in bookings(series)]


def told(given: list[service.DayAnswer]) -> list[tuple[str, list[str]]]:
    return [(one.given.value, [reason.code for reason in one.reasons]) for one in given]


def letters_of_series(person: PersonRecord, what: str) -> list[NoticeRecord]:
    return [n for n in notices.inbox(person.id) if n.kind.startswith(f"booking.series_{what}")]


def wanted(person: PersonRecord) -> list[NoticeRecord]:
    return [n for n in notices.inbox(person.id) if n.kind.endswith("answer_wanted")]


@pytest.mark.parametrize(("accept", "word"), [(True, "approved"), (False, "rejected")])
def test_the_chosen_days_are_answered_and_the_others_wait(now: datetime, accept: bool, word: str) -> None:
    scene = make_scene(rules=ASKING)
    series = made(scene)
    given = service.answer_series(
        series.key, accept, by=scene.manager, note="样品不合", days=ids(series, 1, 3)
    )
    assert [one.day.isoformat() for one in given] == ["2026-03-10", "2026-03-24"]
    assert states(series) == ["requested", word, "requested", word]
    outbox.deliver_due()
    letters = [n for n in notices.inbox(scene.booker_person.id) if n.kind.startswith("booking.")]
    assert [n.kind for n in letters if n.kind.endswith(("approved", "rejected"))] == [
        f"booking.series_{'approved' if accept else 'rejected'}"
    ]


def test_what_cannot_be_answered_says_why_and_keeps_no_other_day_waiting(now: datetime) -> None:
    scene = make_scene(rules=ASKING)
    series = made(scene)
    chosen = ids(series, 0, 1, 2, 3)
    gone, moved, _, _ = chosen
    days = bookings(series)
    service.cancel(days[0].key, by=scene.booker)
    service.change(days[1].key, span("2026-03-10T13:00+08:00", "2026-03-10T15:00+08:00"), by=scene.booker)
    given = service.answer_series(series.key, True, by=scene.manager, days=chosen)
    assert told(given) == [
        ("kept", ["booking.stale"]),
        ("kept", ["booking.stale"]),
        ("confirmed", []),
        ("confirmed", []),
    ]
    assert states(series) == ["cancelled", "requested", "approved", "approved"]
    again = {gone: None, moved: None}
    assert told(service.answer_series(series.key, True, by=scene.manager, days=again)) == [
        ("kept", ["booking.wrong_state"]),
        ("confirmed", []),
    ]


def test_a_request_that_lapsed_meanwhile_is_told(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene(rules={**ASKING, "answer_hours": 24})
        series = made(scene)
        chosen = ids(series, 0, 1, 2, 3)
        due = max(one.answer_by for one in bookings(series))
    with clock.fixed(due - timedelta(seconds=1)):
        assert service.answer_series(series.key, True, by=scene.manager, days=dict(list(chosen.items())[3:]))
    with clock.fixed(due), pytest.raises(SeriesUnanswered) as refused:
        service.answer_series(series.key, True, by=scene.manager, days=chosen)
    clashes = refused.value.values["clashes"]
    assert [one["day"] for one in clashes] == ["2026-03-03", "2026-03-10", "2026-03-17", "2026-03-24"]
    assert all(one["reasons"] for one in clashes)


def test_a_day_is_answered_as_a_whole_or_not_at_all(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    world = linked(rules=ASKING)
    series = made(world.scene)
    second = bookings(series)[1].key
    real = deciding.reject_in

    def breaks(unit: Any, record: Any, *rest: Any, **more: Any) -> Any:
        done = real(unit, record, *rest, **more)
        if record.key == second:
            raise WrongState()
        return done

    monkeypatch.setattr(deciding, "reject_in", breaks)
    given = service.answer_series(series.key, False, by=world.scene.manager, note="检修")
    assert told(given) == [("refused", []), ("kept", [WrongState.code]), ("refused", []), ("refused", [])]
    assert states(series) == ["rejected", "requested", "rejected", "rejected"]
    for one in bookings(series):
        children = under(one)
        assert children and {child.record.state for child in children.values()} == {one.state}
    # The time of the day that was kept is still held, that of the others is free.
    _firm, _person, other = another_booker()
    make_booking(world.scene, by=other, asked=make_asked())
    with pytest.raises(SlotTaken):
        make_booking(
            world.scene, by=other, asked=make_asked("2026-03-10T09:00+08:00", "2026-03-10T11:00+08:00")
        )


def test_the_customers_approver_answers_up_to_a_limit_and_the_laboratory_after(now: datetime) -> None:
    steps = [{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}]
    scene = make_scene(rules={**ASKING, "steps": steps})
    _, approver = somebody(scene, scene.firm, Role.APPROVER)
    series = made(scene)
    longer = bookings(series)[2]
    service.change(longer.key, span("2026-03-17T09:00+08:00", "2026-03-17T12:00+08:00"), by=scene.booker)
    outbox.deliver_due()
    with pytest.raises(NotYours):
        service.answer_series(series.key, True, by=scene.manager)
    with pytest.raises(NotYours):
        service.answer_series(series.key, True, by=scene.booker)
    limited = replace(approver, approve_limit=Money.cny("600"))
    days = service.series_days(series.key)
    assert [one.day.day for one in service.answerable_days(series.key, days, limited)] == [3, 10, 24]
    assert service.answerable_days(series.key, days, scene.manager) == []
    given = service.answer_series(series.key, True, by=limited)
    assert [one.given for one in given] == [Given.NOTED, Given.NOTED, Given.KEPT, Given.NOTED]
    assert [reason.code for reason in given[2].reasons] == ["booking.answer_not_yours"]
    assert service.answer_series(series.key, True, by=approver, days=ids(series, 2))[0].given is Given.NOTED
    assert [one.given for one in service.answer_series(series.key, True, by=scene.manager)] == [
        Given.CONFIRMED
    ] * 4


def test_the_laboratory_is_told_when_the_customers_approver_says_the_last_yes(now: datetime) -> None:
    steps = [{"who": "manager", "hours": 24}, {"who": "approver", "hours": 24}]
    scene = make_scene(rules={**ASKING, "steps": steps})
    approver_person, approver = somebody(scene, scene.firm, Role.APPROVER)
    series = made(scene)
    service.answer_series(series.key, True, by=scene.manager)
    outbox.deliver_due()
    assert letters_of_series(scene.manager_person, "approved") == []
    service.answer_series(series.key, True, by=approver)
    outbox.deliver_due()
    (letter,) = letters_of_series(scene.manager_person, "approved")
    assert (letter.kind, letter.values["bookings"]) == ("booking.series_approved_at_host", 4)
    assert letter.link.endswith(f"/series/{series.key.id}")
    assert [n.kind for n in letters_of_series(scene.booker_person, "approved")] == ["booking.series_approved"]
    assert letters_of_series(approver_person, "approved") == []


def test_the_next_answerer_gets_one_letter_about_all_days_that_wait_for_it(now: datetime) -> None:
    steps = [{"who": "manager", "hours": 24}, {"who": "approver", "hours": 24}]
    scene = make_scene(rules={**ASKING, "steps": steps})
    approver_person, _approver = somebody(scene, scene.firm, Role.APPROVER)
    series = made(scene)
    outbox.deliver_due()
    assert wanted(approver_person) == []
    service.answer_series(series.key, True, by=scene.manager, days=ids(series, 0, 1, 3))
    outbox.deliver_due()
    (letter,) = wanted(approver_person)
    assert (letter.kind, letter.values["bookings"]) == ("booking.series_answer_wanted", 3)
    assert datetime.fromisoformat(letter.values["until"]) == now + timedelta(hours=24)
    assert letter.link.endswith(f"/series/{series.key.id}#answer")
    assert letter.organisation_id == scene.firm.id
    assert wanted(scene.manager_person) == wanted(scene.booker_person) == []
    # A day that is answered by itself is told by itself.
    service.approve(bookings(series)[2].key, by=scene.manager)
    outbox.deliver_due()
    assert sorted(n.kind for n in wanted(approver_person)) == [
        "booking.answer_wanted",
        "booking.series_answer_wanted",
    ]


def test_days_that_somebody_answered_already_are_not_offered_again(now: datetime) -> None:
    steps = [{"who": "manager", "hours": 24}, {"who": "office", "hours": 24}]
    scene = make_scene(rules={**ASKING, "steps": steps})
    both = actor(make_person(roles=[(scene.host, Role.MANAGER), (scene.host, Role.OFFICE)]), scene.host)
    _, office = somebody(scene, scene.host, Role.OFFICE)
    series = made(scene)
    outbox.deliver_due()
    service.answer_series(series.key, True, by=both, days=ids(series, 0, 1))
    days = service.series_days(series.key)
    assert [one.day.day for one in service.answerable_days(series.key, days, both)] == [17, 24]
    assert [one.day.day for one in service.answerable_days(series.key, days, office)] == [3, 10]


def test_who_answered_days_is_not_reminded_of_their_next_answer(now: datetime) -> None:
    steps = [{"who": "manager", "hours": 24}, {"who": "office", "hours": 24}]
    scene = make_scene(rules={**ASKING, "steps": steps, "remind_hours": 4})
    both_person = make_person(roles=[(scene.host, Role.MANAGER), (scene.host, Role.OFFICE)])
    office_person, _office = somebody(scene, scene.host, Role.OFFICE)
    series = made(scene)
    outbox.deliver_due()
    service.answer_series(series.key, True, by=actor(both_person, scene.host), days=ids(series, 0, 1))
    service.answer_series(series.key, True, by=scene.manager, days=ids(series, 2, 3))
    outbox.deliver_due()
    with clock.fixed(now + timedelta(hours=20)):
        assert service.remind_answers() == 4
        outbox.deliver_due()
    for person, days in ((office_person, 4), (both_person, 2)):
        (reminder,) = letters_of_series(person, "answer_reminder")
        assert reminder.values["bookings"] == days


def test_who_was_faster_than_the_letter_is_not_asked(now: datetime) -> None:
    steps = [{"who": "manager", "hours": 24}, {"who": "office", "hours": 24}]
    scene = make_scene(rules={**ASKING, "steps": steps})
    office_person, office = somebody(scene, scene.host, Role.OFFICE)
    series = made(scene)
    service.answer_series(series.key, True, by=scene.manager)
    service.answer_series(series.key, True, by=office, days=ids(series, 0, 1, 2))
    outbox.deliver_due()
    assert [n.values["bookings"] for n in wanted(office_person)] == [1]


def test_what_is_no_answer(now: datetime) -> None:
    scene = make_scene(rules=ASKING)
    series, other = made(scene), make_scene(rules=ASKING)
    foreign = bookings(made(other))[0].key.id
    with pytest.raises(InvalidOrder):
        service.answer_series(series.key, False, by=scene.manager, note=" ")
    with pytest.raises(InvalidOrder):
        service.answer_series(series.key, True, by=scene.manager, days={})
    with pytest.raises(NoSuchBooking):
        service.answer_series(series.key, True, by=scene.manager, days={**ids(series, 0), foreign: None})
    with pytest.raises(StaleBooking):
        service.answer_series(series.key, True, by=scene.manager, version=series.version + 1)
    _firm, _person, stranger = another_booker()
    with pytest.raises(NoSuchBooking):
        service.answer_series(series.key, True, by=stranger)
    assert states(series) == ["requested"] * 4
    service.cancel_series(series.key, Scope.ALL, by=scene.booker)
    with pytest.raises(WrongState):
        service.answer_series(series.key, True, by=scene.manager)


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_eight_answer_a_series_at_once_and_each_day_is_answered_once(
    now: datetime, database: Database, tmp_path: Path
) -> None:
    scene: Scene = make_scene(rules=ASKING)
    series = made(scene)
    who = {
        "series": series.key,
        "key": scene.key,
        "person_id": scene.manager_person.id,
        "organisation_id": scene.host.id,
    }
    payloads = [{**who, "accept": n % 2 == 0} for n in range(8)]
    found = race(database, tmp_path, now, "answer_series", payloads)
    assert sorted(one[0] for one in found) == ["booking.wrong_state"] * 7 + ["won"]
    assert len(set(states(series))) == 1 and states(series)[0] in ("approved", "rejected")
