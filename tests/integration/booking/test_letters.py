"""Whom a letter names as the one who did it, and whom no letter asks because it is not theirs to answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import PersonRecord, Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import Scope
from resource_hub.domain.notices.terms import NoticeRecord
from resource_hub.entrypoints.support import sentences
from tests.builders.accounts import make_person
from tests.builders.availability import span
from tests.builders.booking import Scene, make_asked, make_booking, make_scene
from tests.integration.booking.test_answers import FAR, scene_with, somebody
from tests.integration.booking.test_series import DAILY5, bookings
from tests.integration.booking.test_series_letters import letters

LATER = span("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00")


@pytest.fixture
def scene(now: datetime) -> Scene:
    return make_scene()


@pytest.fixture
def colleague(scene: Scene) -> PersonRecord:
    return somebody(scene, scene.host, Role.DEPUTY)[0]


def letter_of(person: PersonRecord, kind: str) -> NoticeRecord:
    [found] = [one for one in letters(person) if one.kind == kind]
    return found


def said(letter: NoticeRecord) -> str:
    return sentences.sentence(f"notice.{letter.kind}", letter.values)


def test_a_colleague_who_cancels_is_named_and_not_the_customer(scene: Scene, colleague: PersonRecord) -> None:
    made = make_booking(scene)
    service.cancel(made.key, by=scene.manager, reason="检修")
    letter = letter_of(colleague, "booking.cancelled_by_host")
    assert said(letter).startswith(
        f"{scene.manager_person.name}取消了{scene.firm.name_zh}的预约 {made.number}"
    )
    assert "检修" in said(letter)


def test_a_customer_who_cancels_is_named(scene: Scene, colleague: PersonRecord) -> None:
    service.cancel(make_booking(scene).key, by=scene.booker)
    letter = letter_of(colleague, "booking.cancelled_at_host")
    assert said(letter).startswith(f"{scene.firm.name_zh}取消了")


def test_a_colleague_who_moves_or_splits_is_named(scene: Scene, colleague: PersonRecord) -> None:
    made = make_booking(scene)
    moved = service.change(made.key, LATER, by=scene.manager, note="检修")
    letter = letter_of(colleague, "booking.changed_by_host")
    assert said(letter).startswith(f"{scene.manager_person.name}变更了{scene.firm.name_zh}的预约")
    service.split(moved.key, LATER.start.replace(hour=2), by=scene.manager)
    assert [one.kind for one in letters(colleague)].count("booking.changed_by_host") == 2


def test_a_colleague_who_changes_or_cancels_a_series_is_named(scene: Scene, colleague: PersonRecord) -> None:
    series = service.create_series(scene.key, make_asked(), DAILY5, by=scene.booker)
    first = bookings(series)[0]
    later = span("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00")
    service.change_series(series.key, first.key.id, later, Scope.ALL, by=scene.manager)
    moved = letter_of(colleague, "booking.series_changed_by_host")
    assert said(moved).startswith(f"{scene.manager_person.name}将{scene.firm.name_zh}的周期预约")
    service.cancel_series(series.key, Scope.ALL, by=scene.manager, reason="检修")
    gone = letter_of(colleague, "booking.series_cancelled_by_host")
    assert said(gone).startswith(f"{scene.manager_person.name}取消了{scene.firm.name_zh}的周期预约")
    assert gone.values["bookings"] == len(bookings(series)) and "检修" in said(gone)


def approver(scene: Scene, limit: int | None) -> PersonRecord:
    more: dict[str, Any] = {} if limit is None else {"limit_minor": limit}
    return make_person(roles=[(scene.firm, Role.APPROVER, more)])


def asks(person: PersonRecord) -> list[str]:
    return [one.kind for one in letters(person) if "answer" in one.kind]


def test_an_approver_whose_limit_does_not_reach_is_not_asked(now: datetime) -> None:
    scene = scene_with([{"who": "approver", "hours": 24}])
    below, just, free = (approver(scene, limit) for limit in (59_999, 60_000, None))
    make_booking(scene, asked=make_asked(**FAR))
    assert (asks(below), asks(just), asks(free)) == ([], ["booking.answer_wanted"], ["booking.answer_wanted"])


def test_of_a_series_an_approver_is_asked_for_the_days_that_the_limit_reaches(now: datetime) -> None:
    scene = scene_with([{"who": "approver", "hours": 24}])
    below, just = approver(scene, 59_999), approver(scene, 60_000)
    service.create_series(scene.key, make_asked(), DAILY5, by=scene.booker)
    assert (asks(below), asks(just)) == ([], ["booking.series_answer_wanted"])


def test_nobody_is_told_of_a_slot_that_was_only_kept(scene: Scene, colleague: PersonRecord) -> None:
    held = service.hold(scene.key, make_asked(), by=scene.booker)
    assert service.cancel(held.key, by=scene.booker).state.value == "cancelled"
    assert letters(colleague) == []
