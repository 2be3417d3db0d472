"""Trainings: confirmed, expiring, revoked; and what the house rules make of them at booking and at the instrument."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.errors import BadInput, Changed, NotYours, UnknownQualification
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.errors import InvalidRules
from resource_hub.domain.availability.rules import document
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.errors import BookingRefused
from resource_hub.domain.booking.terms import BookingState
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.notices import service as notices
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.errors import CheckInRefused
from resource_hub.domain.usage.terms import EvidenceKind, Tap
from resource_hub.infra import clock, outbox
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import after_months
from tests.builders.accounts import actor, make_person
from tests.builders.availability import make_rules, moment, span
from tests.builders.booking import Scene, make_asked, make_booking, make_scene
from tests.support.application import application
from tests.support.databases import Database

NOW = moment("2026-03-02T08:00+08:00")
MONDAY = date(2026, 3, 2)


@pytest.fixture
def in_app(database: Database, tmp_path: Path) -> Iterator[Flask]:
    with application(database, tmp_path, web=False) as made, made.app_context():
        yield made


@pytest.fixture
def now(in_app: Flask) -> Iterator[datetime]:
    with clock.fixed(NOW):
        yield NOW


@pytest.fixture
def scene(now: datetime) -> Scene:
    """An instrument whose self-use asks for a training, and the training."""
    made = make_scene(rules={"training": "sem"})
    service.add_training_type(code="SEM", name_zh="扫描电镜上机培训", valid_months=12, by=made.manager)
    return made


def type_id(scene: Scene) -> Any:
    return service.training_types(scene.host.id)[0].key.id


def pass_it(scene: Scene, **changes: Any) -> Any:
    values = {"since": MONDAY, "by": scene.manager, **changes}
    return service.grant_training(type_id(scene), scene.booker_person.email, **values)


def test_without_the_training_self_use_is_refused_and_staff_run_is_not(scene: Scene) -> None:
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene)
    assert [r.code for r in caught.value.reasons] == ["booking.training"]
    assert make_booking(scene, asked=make_asked(mode=Mode.STAFF_RUN)).state is BookingState.APPROVED
    pass_it(scene)
    asked = make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00")
    assert make_booking(scene, asked=asked).state is BookingState.APPROVED


def test_what_counts_is_the_day_of_the_booking(scene: Scene) -> None:
    pass_it(scene, until=date(2026, 3, 4))
    make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00"))
    with pytest.raises(BookingRefused):
        make_booking(scene, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T10:00+08:00"))


def test_a_booking_does_not_move_past_the_end_of_the_training(scene: Scene) -> None:
    pass_it(scene, until=date(2026, 3, 4))
    made = make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00"))
    inside = span("2026-03-03T14:00+08:00", "2026-03-03T15:00+08:00")
    beyond = span("2026-03-05T09:00+08:00", "2026-03-05T10:00+08:00")
    assert booking.change(made.key, inside, by=scene.booker).span == inside
    told = [(r.code, r.place) for r in booking.change_preview(made.key, beyond, by=scene.booker).reasons]
    assert told == [("booking.training", "time")]
    with pytest.raises(BookingRefused) as caught:
        booking.change(made.key, beyond, by=scene.booker)
    assert [r.code for r in caught.value.reasons] == ["booking.training"]
    # Whom the laboratory moves is its own decision, as whom it books in.
    assert booking.change(made.key, beyond, by=scene.manager).span == beyond


@pytest.mark.parametrize(("since", "months", "until"), [
    (date(2026, 3, 2), 12, date(2027, 3, 2)),
    (date(2024, 2, 29), 12, date(2025, 2, 28)),
    (date(2026, 1, 31), 1, date(2026, 2, 28)),
    (date(2026, 12, 31), 2, date(2027, 2, 28)),
])  # fmt: skip
def test_it_holds_for_whole_months(since: date, months: int, until: date) -> None:
    assert after_months(since, months) == until


def test_the_usual_end_and_the_notice(scene: Scene) -> None:
    found = pass_it(scene, note="考核通过")
    assert (
        found.until == date(2027, 3, 2)
        and found.holds(date(2027, 3, 1))
        and not found.holds(date(2027, 3, 2))
    )
    outbox.deliver_due()
    assert [n.kind for n in notices.inbox(scene.booker_person.id)] == ["accounts.training_granted"]


def test_who_may_confirm_and_for_whom(scene: Scene) -> None:
    other = make_scene()
    for by in (scene.booker, other.booker):
        with pytest.raises(NotYours):
            pass_it(scene, by=by)
    with pytest.raises(UnknownQualification):
        pass_it(scene, by=other.manager)
    with pytest.raises(BadInput) as caught:
        service.grant_training(
            type_id(scene), "nobody@example.org", since=date(2026, 3, 3), until=MONDAY, by=scene.manager
        )
    assert [r.place for r in caught.value.reasons] == ["email", "since", "until"]
    with pytest.raises(BadInput) as caught:
        service.grant_training(type_id(scene), scene.manager_person.email, since=MONDAY, by=scene.manager)
    assert [r.code for r in caught.value.reasons] == ["accounts.training_own"]


def test_revoked_it_holds_no_more_and_stale_forms_are_refused(scene: Scene) -> None:
    found = pass_it(scene)
    with pytest.raises(BadInput):
        service.revoke_training(found.key, reason=" ", by=scene.manager)
    with pytest.raises(UnknownQualification):
        service.revoke_training(found.key, reason="x", by=make_scene().manager)
    service.revoke_training(found.key, reason="违规操作", by=scene.manager, version=1)
    with pytest.raises(Changed):
        service.revoke_training(found.key, reason="违规操作", by=scene.manager, version=1)
    with pytest.raises(BookingRefused):
        make_booking(scene)
    outbox.deliver_due()
    assert "accounts.training_revoked" in [n.kind for n in notices.inbox(scene.booker_person.id)]


def test_who_is_near_the_end_is_told_once_and_who_has_a_newer_one_is_not(scene: Scene) -> None:
    pass_it(scene, until=date(2026, 4, 10))
    renewed = make_person()
    for until in (date(2026, 4, 10), date(2027, 4, 10)):
        service.grant_training(
            type_id(scene), renewed.email or "", since=MONDAY, until=until, by=scene.manager
        )
    assert service.remind_expiring() == 0  # 39 days ahead
    with clock.fixed(NOW + timedelta(days=9)):
        assert service.remind_expiring() == 1
        assert service.remind_expiring() == 0
        outbox.deliver_due()
    assert "accounts.training_expiring" in [n.kind for n in notices.inbox(scene.booker_person.id)]
    assert "accounts.training_expiring" not in [n.kind for n in notices.inbox(renewed.id)]


def test_rules_cannot_ask_for_a_training_that_does_not_exist(scene: Scene) -> None:
    wrong = document.write(make_rules(training="sen"))
    with pytest.raises(InvalidRules) as caught:
        availability.save_rules(scene.key, wrong, date(2026, 3, 3), by=scene.manager)
    assert [(r.code, r.place) for r in caught.value.reasons] == [
        ("availability.rules_no_such_training", "training")
    ]
    availability.save_rules(
        scene.key, document.write(make_rules(training="sem")), date(2026, 3, 3), by=scene.manager
    )


def test_at_the_instrument_it_is_asked_again(scene: Scene) -> None:
    found = pass_it(scene)
    made = make_booking(scene)
    assert made.unit_id is not None and made.span is not None
    service.revoke_training(found.key, reason="违规操作", by=scene.manager)
    unit_key = HostKey(scene.host.id, made.unit_id)
    tap = Tap(EvidenceKind.CHECK_IN, made.span.start)
    with clock.fixed(made.span.start):
        with pytest.raises(CheckInRefused) as caught:
            usage.check_in(unit_key, scene.booker_person.id, tap, booking_id=made.key.id)
        assert [r.code for r in caught.value.reasons] == ["usage.untrained"]
        pass_it(scene)
        usage.check_in(unit_key, scene.booker_person.id, tap, booking_id=made.key.id)


def test_names_of_trainings_are_unique_at_a_host_and_checked(scene: Scene) -> None:
    with pytest.raises(BadInput) as caught:
        service.add_training_type(code="sem", name_zh="", valid_months=900, by=scene.manager)
    assert [r.place for r in caught.value.reasons] == ["name_zh", "valid_months", "code"]
    deputy = actor(make_person(roles=[(scene.host, Role.DEPUTY)]), scene.host)
    service.add_training_type(code="tem", name_zh="透射电镜", by=deputy)
    other = make_scene()
    service.add_training_type(code="sem", name_zh="电镜", by=other.manager)
    assert [t.code for t in service.training_types(scene.host.id)] == ["sem", "tem"]
