"""What happens to a series is told once, whatever became of how many of its days, and by whom or by what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import PersonRecord, Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import DatedException, ExceptionKind
from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import Fate, Scope, Verdict
from resource_hub.domain.notices import service as notices
from resource_hub.domain.notices.terms import NoticeRecord
from resource_hub.infra import clock, outbox
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_answers import somebody
from tests.integration.booking.test_series import DAILY5, bookings, made

FIRST = {
    "approver": [{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}],
    "office": [{"who": "office", "hours": 24}, {"who": "manager", "hours": 24}],
}


def scene_asking(first: str = "office", **rules: Any) -> tuple[Scene, PersonRecord]:
    """A scene whose first answer is one person's, and that person."""
    scene = make_scene(rules={"approval": "always", "steps": FIRST[first], **rules})
    of, role = (scene.firm, Role.APPROVER) if first == "approver" else (scene.host, Role.OFFICE)
    return scene, somebody(scene, of, role)[0]


def letters(person: PersonRecord) -> list[NoticeRecord]:
    """What somebody is told of bookings, the oldest first."""
    for _ in range(3):
        outbox.deliver_due()
    return [n for n in notices.inbox(person.id, limit=100) if n.kind.startswith("booking.")][::-1]


def kinds(person: PersonRecord) -> list[str]:
    return [n.kind for n in letters(person)]


@pytest.mark.parametrize("first", ["approver", "office"])
def test_the_first_answerer_gets_one_letter_about_all_days(now: datetime, first: str) -> None:
    scene, person = scene_asking(first)
    series = made(scene)
    (letter,) = [n for n in letters(person) if n.kind.endswith("answer_wanted")]
    assert (letter.kind, letter.values["bookings"]) == ("booking.series_answer_wanted", 4)
    assert datetime.fromisoformat(letter.values["until"]) == now + timedelta(hours=24)
    assert letter.link.endswith(f"/series/{series.key.id}#answer")
    assert {one.answer_by for one in service.open_answers(bookings(series)).values()} == {
        now + timedelta(hours=24)
    }


def test_what_waits_for_an_answer_is_not_said_to_be_booked(now: datetime) -> None:
    scene = make_scene(rules={"approval": "always"})
    series = made(scene)
    (asked,) = letters(scene.manager_person)
    assert (asked.kind, asked.values["bookings"]) == ("booking.series_requested_at_host", 4)
    assert asked.link.endswith(f"/series/{series.key.id}#answer")
    assert kinds(scene.booker_person) == []  # who did it is not told
    plain = make_scene()
    made(plain)
    assert kinds(plain.manager_person) == ["booking.series_booked_at_host"]


def test_a_series_that_moves_asks_once_again(now: datetime) -> None:
    scene, person = scene_asking()
    series = made(scene)
    first = bookings(series)[0].key.id
    service.change_series(
        series.key,
        first,
        span("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00"),
        Scope.ALL,
        by=scene.booker,
    )
    assert kinds(person) == ["booking.series_answer_wanted"] * 2
    assert [n.values["bookings"] for n in letters(person)] == [4, 4]


def test_a_reminder_and_the_word_that_nobody_answered_are_one_each(now: datetime) -> None:
    scene, person = scene_asking("approver", remind_hours=4, escalate_hours=12)
    admin, _ = somebody(scene, scene.firm, Role.FIRM_ADMIN)
    rule = Recurrence(Frequency.DAILY, weekdays=(), count=4)
    series = made(scene, rule)
    outbox.deliver_due()
    with clock.fixed(now + timedelta(hours=20)):
        # However small a batch, all days of a series are reminded of together.
        assert service.remind_answers(2) == 4
        assert service.remind_answers(2) == 0
        assert kinds(person) == ["booking.series_answer_wanted", "booking.series_answer_reminder"]
    with clock.fixed(now + timedelta(hours=24)):
        assert service.remind_answers(2) == 4
        (letter,) = [n for n in letters(admin) if n.kind.endswith("escalated")]
    assert (letter.kind, letter.values["bookings"]) == ("booking.series_answer_escalated", 4)
    assert letter.link.endswith(f"/series/{series.key.id}#answer")


def test_one_day_that_is_due_alone_is_told_by_its_number(now: datetime) -> None:
    scene, person = scene_asking(remind_hours=4)
    series = made(scene)
    outbox.deliver_due()
    for one in bookings(series)[1:]:
        service.cancel(one.key, by=scene.booker)
    with clock.fixed(now + timedelta(hours=20)):
        assert service.remind_answers() == 1
        assert kinds(person)[-1] == "booking.answer_reminder"


@pytest.mark.parametrize(("silence", "word"), [("lapse", "expired"), ("consent", "approved")])
def test_what_silence_does_is_told_once_to_each_side(now: datetime, silence: str, word: str) -> None:
    scene = make_scene(rules={"approval": "always", "answer_hours": 24, "silence": silence})
    made(scene)
    outbox.deliver_due()
    with clock.fixed(now + timedelta(hours=24)):
        assert service.lapse_due(2) == 4
        assert service.lapse_due(2) == 0
        (letter,) = [n for n in letters(scene.booker_person) if word in n.kind]
        at_host = [n.kind for n in letters(scene.manager_person) if word in n.kind]
    assert (letter.kind, letter.values["bookings"]) == (f"booking.series_{word}", 4)
    assert at_host == [f"booking.series_{word}_at_host"]


def test_whose_turn_comes_by_silence_gets_one_letter_about_all_days(now: datetime) -> None:
    scene, _person = scene_asking("approver", silence="consent")
    series = made(scene)
    outbox.deliver_due()
    with clock.fixed(now + timedelta(hours=24)):
        assert service.remind_answers(2) == 4
        (letter,) = [n for n in letters(scene.manager_person) if n.kind.endswith("answer_wanted")]
    assert (letter.kind, letter.values["bookings"]) == ("booking.series_answer_wanted", 4)
    assert {len(one.answered_by) for one in service.open_answers(bookings(series)).values()} == {0}


def test_days_that_lapsed_while_others_are_answered_are_told_together(now: datetime) -> None:
    scene = make_scene(rules={"approval": "always", "answer_hours": 240})
    series = made(scene, DAILY5)  # the first days begin before the term is over
    due = sorted(one.answer_by for one in bookings(series))
    with clock.fixed(due[2]):
        given = service.answer_series(
            series.key, True, by=scene.manager, days={b.key.id: None for b in bookings(series)}
        )
        assert [one.given.value for one in given] == ["kept"] * 3 + ["confirmed"]
        told = kinds(scene.booker_person)
    assert sorted(told) == ["booking.series_approved", "booking.series_expired"]


@pytest.mark.parametrize(("fate", "word"), [(Fate.CANCELLED, "cancelled"), (Fate.MOVES, "changed")])
def test_new_hours_that_hit_several_days_are_told_once(now: datetime, fate: Fate, word: str) -> None:
    scene = make_scene()
    series = made(scene, DAILY5)
    _firm, other_person, other = another_booker()
    alone = make_booking(
        scene, by=other, asked=make_asked("2026-03-04T13:00+08:00", "2026-03-04T15:00+08:00")
    )
    outbox.deliver_due()
    closed = DatedException(
        ExceptionKind.CLOSURE, span("2026-03-04T00:00+08:00", "2026-03-06T00:00+08:00"), reason_zh="检修"
    )
    hit = [*bookings(series)[1:3], alone]

    def verdict(place: int) -> Verdict:
        if fate is Fate.CANCELLED:
            return Verdict(fate)
        day = moment("2026-03-09T09:00+08:00") + timedelta(days=place)
        return Verdict(fate, span(day.isoformat(), (day + timedelta(hours=2)).isoformat()))

    service.publish_exception(
        scene.key, closed, by=scene.manager, reason="检修",
        verdicts={one.key.id: verdict(n) for n, one in enumerate(hit)},
    )  # fmt: skip
    (letter,) = [n for n in letters(scene.booker_person) if word in n.kind]
    assert (letter.kind, letter.values["bookings"]) == (f"booking.series_{word}", 2)
    assert kinds(other_person)[-1] == f"booking.{word}"


@pytest.mark.parametrize("scope", [Scope.ALL, Scope.ONE])
def test_who_answers_first_by_newer_rules_is_asked_when_the_host_moves_days(
    now: datetime, scope: Scope
) -> None:
    scene = make_scene(rules={"approval": "always"})
    person = somebody(scene, scene.firm, Role.APPROVER)[0]
    series = made(scene)
    letters(person)
    rules = {"approval": "always", "steps": FIRST["approver"]}
    availability.save_rules(scene.key, rules, now.date(), by=scene.manager)
    day = bookings(series)[0]
    later = span("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00")
    service.change_series(series.key, day.key.id, later, scope, by=scene.manager, note="x")
    wanted = [n for n in letters(person) if n.kind.endswith("answer_wanted")]
    assert [n.kind for n in wanted] == [
        "booking.series_answer_wanted" if scope is Scope.ALL else "booking.answer_wanted"
    ]
    if scope is Scope.ALL:
        assert wanted[0].values["bookings"] == len(service.open_answers(bookings(series))) == 4
        # Moved once more they wait as before, and nobody is asked twice.
        again = span("2026-03-03T14:00+08:00", "2026-03-03T16:00+08:00")
        service.change_series(
            series.key, bookings(series)[0].key.id, again, scope, by=scene.manager, note="x"
        )
        assert len([n for n in letters(person) if n.kind.endswith("answer_wanted")]) == 1


@pytest.mark.parametrize("number", [1, 2])
def test_a_closure_that_moves_days_has_them_ask_by_newer_rules(now: datetime, number: int) -> None:
    scene = make_scene(rules={"approval": "always"})
    person = somebody(scene, scene.firm, Role.APPROVER)[0]
    series = made(scene, DAILY5)
    letters(person)
    rules = {"approval": "always", "steps": FIRST["approver"]}
    availability.save_rules(scene.key, rules, now.date(), by=scene.manager)
    closed = DatedException(
        ExceptionKind.CLOSURE,
        span("2026-03-04T00:00+08:00", f"2026-03-0{4 + number}T00:00+08:00"),
        reason_zh="检修",
    )
    begin = moment("2026-03-09T09:00+08:00")
    verdicts = {
        one.key.id: Verdict(
            Fate.MOVES,
            span((begin + timedelta(days=n)).isoformat(), (begin + timedelta(days=n, hours=2)).isoformat()),
        )
        for n, one in enumerate(bookings(series)[1 : 1 + number])
    }
    service.publish_exception(scene.key, closed, by=scene.manager, reason="检修", verdicts=verdicts)
    assert len([n for n in letters(person) if n.kind.endswith("answer_wanted")]) == 1
    assert len(service.open_answers(bookings(series))) == number


@pytest.mark.parametrize("lapse_first", [True, False])
def test_nobody_is_asked_for_what_silence_has_approved(now: datetime, lapse_first: bool) -> None:
    scene, _person = scene_asking("approver", silence="consent")
    made(scene)
    letters(scene.manager_person)
    with clock.fixed(now + timedelta(hours=24)):
        service.remind_answers()
        before = kinds(scene.manager_person)
    with clock.fixed(now + timedelta(hours=48)):
        jobs = [service.lapse_due, service.remind_answers]
        for job in jobs if lapse_first else reversed(jobs):
            job()
        after = kinds(scene.manager_person)[len(before) :]
    assert not [kind for kind in after if kind.endswith("answer_wanted")], after
