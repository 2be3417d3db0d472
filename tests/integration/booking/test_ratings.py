"""Ratings by both sides: blind until both gave theirs or two weeks passed, then read, answered, reported, hidden."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select

from resource_hub.domain.accounts.terms import PLATFORM_ID, Actor, Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import InvalidOrder, NoSuchBooking, NotYours, WrongState
from resource_hub.domain.booking.rules.ratings import mean
from resource_hub.domain.booking.terms import BookingRecord, Side
from resource_hub.domain.notices import service as notices
from resource_hub.domain.notices.terms import Preference
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db, reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import AuditEntry
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import actor, make_person, make_platform
from tests.builders.availability import moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

DONE = moment("2026-03-03T11:00+08:00")
CLOSES = DONE + timedelta(days=14)


@pytest.fixture
def scene(now: datetime) -> Scene:
    return make_scene()


def used(scene: Scene, hour: int = 9, by: Actor | None = None) -> BookingRecord:
    span = f"2026-03-03T{hour:02d}:00+08:00", f"2026-03-03T{hour + 1:02d}:00+08:00"
    record = make_booking(scene, by=by, asked=make_asked(*span))
    with clock.fixed(DONE), unit_of_work() as unit:
        service.started(unit, record.key)
        service.finished(unit, record.key, unit.now)
    return service.booking(record.key)


@pytest.fixture
def platform(scene: Scene) -> Actor:
    home = make_platform()
    return actor(make_person(roles=[(home, Role.PLATFORM_STAFF)]), home)


def later(days: int = 1) -> Any:
    return clock.fixed(DONE + timedelta(days=days))


def kinds(person_id: UUID) -> list[str]:
    outbox.deliver_due()
    return [notice.kind for notice in notices.inbox(person_id)]


def test_blind_until_both_have_rated(scene: Scene) -> None:
    record = used(scene)
    with later():
        service.rate(record.key, 4, aspects={"equipment": 5}, words="设备很好", by=scene.booker)
        look = service.ratings_for(record.key, scene.manager)
        assert (look.other, look.other_given, look.shown) == (None, True, False)
        assert service.ratings_for(record.key, scene.booker).own is not None
        assert "booking.rating_given" in kinds(scene.manager_person.id)
        # Nothing of what it says is in what the host is told.
        assert all("设备很好" not in str(n.values) for n in notices.inbox(scene.manager_person.id))
        service.rate(record.key, 2, aspects={"care": 1}, words="迟到", by=scene.manager)
        for by, stars in ((scene.booker, 2), (scene.manager, 4)):
            look = service.ratings_for(record.key, by)
            assert look.shown and look.other is not None and look.other.stars == stars
        assert "booking.ratings_shown" in kinds(scene.booker_person.id)
        for by in (scene.booker, scene.manager):
            with pytest.raises(WrongState):
                service.rate(record.key, 5, by=by)


def test_changed_until_then_and_one_each(scene: Scene) -> None:
    record = used(scene)
    with later():
        first = service.rate(record.key, 4, by=scene.booker)
        second = service.rate(record.key, 3, words="再想想", by=scene.booker, version=first.version)
        assert second.key == first.key and (second.stars, second.words) == (3, "再想想")
        # A colleague of the same customer changes it too: it is the customer's.
        colleague = actor(make_person(roles=[(scene.firm, Role.BOOKER)]), scene.firm)
        assert service.rate(record.key, 2, by=colleague).key == first.key
        kinds(scene.manager_person.id)
        told = [n for n in notices.inbox(scene.manager_person.id) if n.kind == "booking.rating_given"]
        assert len(told) == 1


@pytest.mark.parametrize(("before", "blind"), [(1, True), (0, False)])
def test_after_exactly_two_weeks_it_is_shown_and_closed(scene: Scene, before: int, blind: bool) -> None:
    record = used(scene)
    with later():
        service.rate(record.key, 4, by=scene.booker)
    with clock.fixed(CLOSES - timedelta(seconds=before)):
        look = service.ratings_for(record.key, scene.manager)
        assert (look.other is None, look.open, look.shown) == (blind, blind, not blind)
        assert service.reveal_ratings() == (0 if blind else 1)
        if blind:
            service.rate(record.key, 5, by=scene.booker)
            return
        assert service.reveal_ratings() == 0
        assert "booking.ratings_shown" in kinds(scene.booker_person.id)
        for by in (scene.booker, scene.manager):
            with pytest.raises(WrongState):
                service.rate(record.key, 5, by=by)


def test_only_after_use_and_only_the_two_parties(scene: Scene) -> None:
    ahead = make_booking(scene)
    with pytest.raises(WrongState):
        service.rate(ahead.key, 5, by=scene.booker)
    assert service.ratings_for(ahead.key, scene.booker).closes_at is None
    record = used(scene, 14)
    stranger = another_booker()[2]
    with later():
        for call in (
            lambda: service.rate(record.key, 5, by=stranger),
            lambda: service.ratings_for(record.key, stranger),
            lambda: service.answer_rating(record.key, "x", by=stranger),
            lambda: service.report_rating(record.key, "x", by=stranger),
        ):
            with pytest.raises(NoSuchBooking):
                call()


@pytest.mark.parametrize(
    ("stars", "aspects", "words"),
    [(0, {}, ""), (6, {}, ""), (3, {"care": 3}, ""), (3, {"equipment": 6}, ""), (3, {}, "x" * 2001)],
)
def test_figures_and_words_have_bounds(scene: Scene, stars: int, aspects: dict[str, int], words: str) -> None:
    record = used(scene)
    with later(), pytest.raises(InvalidOrder):
        service.rate(record.key, stars, aspects=aspects, words=words, by=scene.booker)


def test_the_host_answers_once(scene: Scene) -> None:
    record = used(scene)
    with later():
        service.rate(record.key, 2, words="等了很久", by=scene.booker)
        with pytest.raises(WrongState):
            service.answer_rating(record.key, "抱歉", by=scene.manager)
    with later(15):
        with pytest.raises(NotYours):
            service.answer_rating(record.key, "x", by=scene.booker)
        assert service.answer_rating(record.key, "已加开机时", by=scene.manager).answer == "已加开机时"
        with pytest.raises(WrongState):
            service.answer_rating(record.key, "再说一句", by=scene.manager)
        assert "booking.rating_answered" in kinds(scene.booker_person.id)


def test_three_make_a_mean_and_no_name_is_shown(scene: Scene) -> None:
    bookers = [scene.booker, another_booker()[2], another_booker()[2]]
    for n, (by, stars) in enumerate(zip(bookers, (5, 4, 4), strict=True)):
        record = used(scene, 9 + 2 * n, by)
        with later(n):
            service.rate(record.key, stars, words="好" if n == 0 else "", by=by)
        with later(13):
            assert service.public_ratings(scene.key) is None
    with later(14):
        found = service.public_ratings(scene.key)
    assert found is not None and (found.mean, found.count) == (Decimal("4.3"), 3)
    assert [one.words for one in found.items] == ["好"]


def test_what_the_host_says_of_customers_is_never_public(scene: Scene) -> None:
    for hour in (9, 11, 13):
        record = used(scene, hour)
        with later():
            service.rate(record.key, 1, words="迟到", by=scene.manager)
    with later(20):
        assert service.public_ratings(scene.key) is None


def hidden_case(scene: Scene) -> tuple[BookingRecord, HostKey]:
    records = [used(scene, hour) for hour in (9, 11, 13)]
    with later():
        made = [
            service.rate(r.key, stars, words="骂人", by=scene.booker)
            for r, stars in zip(records, (1, 5, 5), strict=True)
        ]
    with later(15):
        service.report_rating(records[0].key, "人身攻击", by=scene.manager)
    return records[0], made[0].key


def test_reported_and_hidden_by_the_platform(scene: Scene, platform: Actor) -> None:
    record, key = hidden_case(scene)
    with later(16):
        assert [r.key for r in service.reported_ratings(platform)] == [key]
        assert service.reported_ratings(scene.manager) == []
        with pytest.raises(NotYours):
            service.decide_rating(key, hide=True, reason="x", by=scene.manager)
        with pytest.raises(InvalidOrder):
            service.decide_rating(key, hide=True, reason=" ", by=platform)
        assert service.public_ratings(scene.key) is not None
        service.decide_rating(key, hide=True, reason="含侮辱性文字", by=platform)
        assert service.public_ratings(scene.key) is None  # two are left
        look = service.ratings_for(record.key, scene.manager)
        assert look.other is not None and look.other.hidden and look.other.decision == "含侮辱性文字"
        with pytest.raises(WrongState):
            service.answer_rating(record.key, "x", by=scene.manager)
        assert "booking.rating_hidden" in kinds(scene.booker_person.id)
        service.decide_rating(key, hide=False, reason="复核后恢复", by=platform)
        assert service.public_ratings(scene.key) is not None
    subject = f"rating:{key.id}"
    rows = reading().execute(
        select(AuditEntry.organisation_id, AuditEntry.action).where(AuditEntry.subject == subject)
    )
    found = {tuple(row) for row in rows}
    for action in ("booking.rating_hidden", "booking.rating_kept"):
        assert {(scene.host.id, action), (PLATFORM_ID, action)} <= found


def test_reported_once_and_by_the_side_that_was_rated(scene: Scene, platform: Actor) -> None:
    record, key = hidden_case(scene)
    with later(16):
        with pytest.raises(WrongState):
            service.report_rating(record.key, "还是不服", by=scene.manager)
        # The host did not rate, so the customer has nothing to report.
        with pytest.raises(WrongState):
            service.report_rating(record.key, "x", by=scene.booker)
        service.decide_rating(key, hide=False, reason="属正常批评", by=platform)
        with pytest.raises(NoSuchBooking):
            service.decide_rating(
                HostKey(key.institution_id, record.key.id), hide=True, reason="x", by=platform
            )


def test_nobody_reports_what_is_blind(scene: Scene) -> None:
    record = used(scene)
    with later():
        service.rate(record.key, 1, by=scene.booker)
        with pytest.raises(WrongState):
            service.report_rating(record.key, "x", by=scene.manager)
    db.session.remove()


@pytest.mark.parametrize(
    ("total", "count", "expected"), [(13, 3, "4.3"), (14, 3, "4.7"), (87, 20, "4.4"), (85, 20, "4.3")]
)
def test_the_mean_is_rounded_half_up(total: int, count: int, expected: str) -> None:
    assert mean(total, count) == Decimal(expected)


# ---- being asked -----------------------------------------------------------------------------------------------

ASKED, ASKED_HOST = "booking.rate_asked", "booking.rate_asked_at_host"


def letters(person_id: UUID) -> list[str]:
    return [letter.kind for letter in notices.recent_letters(500, person_id)]


def test_both_sides_are_asked_once_after_a_use(scene: Scene) -> None:
    record = used(scene)
    with later():
        assert kinds(scene.booker_person.id).count(ASKED) == 1
        assert kinds(scene.manager_person.id).count(ASKED_HOST) == 1
        # Every use of a laboratory would be a letter; the inbox is enough unless one chooses so.
        assert ASKED in letters(scene.booker_person.id) and ASKED_HOST not in letters(scene.manager_person.id)
        for by, side in ((scene.booker, Side.CUSTOMER), (scene.manager, Side.HOST)):
            assert [(one.record.key, one.closes_at) for one in service.to_rate(by, side)] == [
                (record.key, CLOSES)
            ]


def test_what_is_rated_is_asked_no_more_of_that_side(scene: Scene) -> None:
    record = used(scene)
    with later():
        assert ASKED in kinds(scene.booker_person.id)
        unread = notices.unread_count(scene.booker_person.id)
        service.rate(record.key, 4, by=scene.booker)
        assert ASKED not in kinds(scene.booker_person.id) and not service.to_rate(scene.booker, Side.CUSTOMER)
        assert notices.unread_count(scene.booker_person.id) == unread - 1
        assert ASKED_HOST in kinds(scene.manager_person.id) and service.to_rate(scene.manager, Side.HOST)
        service.rate(record.key, 5, by=scene.manager)
        assert ASKED_HOST not in kinds(scene.manager_person.id)
        assert not service.to_rate(scene.manager, Side.HOST)


def test_the_question_ends_with_the_term(scene: Scene) -> None:
    used(scene)
    outbox.deliver_due()
    for moment_, is_asked in ((CLOSES - timedelta(seconds=1), True), (CLOSES, False)):
        with clock.fixed(moment_):
            assert (ASKED in kinds(scene.booker_person.id)) is is_asked
            assert bool(service.to_rate(scene.booker, Side.CUSTOMER)) is is_asked
            assert bool(service.to_rate(scene.manager, Side.HOST)) is is_asked


GIVEN = "booking.rating_given"


@pytest.mark.parametrize("first", [Side.CUSTOMER, Side.HOST])
def test_that_the_other_side_has_rated_is_said_until_one_rates_too(scene: Scene, first: Side) -> None:
    record = used(scene)
    sides = [(scene.booker, scene.booker_person.id), (scene.manager, scene.manager_person.id)]
    (one, his), (other, theirs) = sides if first is Side.CUSTOMER else sides[::-1]
    with later():
        service.rate(record.key, 4, by=one)
        assert GIVEN in kinds(theirs) and GIVEN not in kinds(his)
        (told,) = [n for n in notices.inbox(theirs) if n.kind == GIVEN]
        assert told.link.endswith(f"/bookings/{record.key.id}#ratings")
        service.rate(record.key, 5, by=other)
        assert GIVEN not in kinds(theirs) and "booking.ratings_shown" in kinds(his)


def test_that_the_other_side_has_rated_is_said_until_the_term(scene: Scene) -> None:
    record = used(scene)
    with later():
        service.rate(record.key, 4, by=scene.booker)
        outbox.deliver_due()
    for moment_, is_said in ((CLOSES - timedelta(seconds=1), True), (CLOSES, False)):
        with clock.fixed(moment_):
            assert (GIVEN in kinds(scene.manager_person.id)) is is_said


def test_who_rated_before_the_message_went_out_is_not_asked(scene: Scene) -> None:
    record = used(scene)
    with later():
        service.rate(record.key, 4, by=scene.booker)
        assert ASKED not in kinds(scene.booker_person.id)
        assert ASKED_HOST in kinds(scene.manager_person.id)


def test_both_rated_before_a_message_went_out_and_nobody_is_asked(scene: Scene) -> None:
    record = used(scene)
    with later():
        service.rate(record.key, 4, by=scene.booker)
        service.rate(record.key, 4, by=scene.manager)
        for person in scene.booker_person, scene.manager_person:
            assert not {GIVEN, ASKED, ASKED_HOST} & set(kinds(person.id))


def test_what_was_not_used_asks_nobody_and_strangers_are_never_asked(scene: Scene) -> None:
    make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00"))
    used(scene, 13)
    _firm, _person, stranger = another_booker()
    with later():
        assert len(service.to_rate(scene.manager, Side.HOST)) == 1
        assert service.to_rate(stranger, Side.CUSTOMER) == service.to_rate(stranger, Side.HOST) == []


def test_who_chose_not_to_be_asked_is_not(scene: Scene) -> None:
    notices.set_preferences(scene.booker_person.id, [Preference(ASKED, False, False)])
    used(scene)
    with later():
        assert ASKED not in kinds(scene.booker_person.id) and ASKED not in letters(scene.booker_person.id)


def test_the_means_of_many_resources_are_one_question(scene: Scene) -> None:
    for hour in (9, 11, 13):
        record = used(scene, hour)
        with later():
            service.rate(record.key, 4, by=scene.booker)
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    keys = [scene.key, *(HostKey(scene.key.institution_id, new_id()) for _ in range(30))]
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with clock.fixed(CLOSES):
            found = service.mean_ratings(keys)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert (found[scene.key].mean, found[scene.key].count, len(found)) == (Decimal("4.0"), 3, 1)
    assert len([one for one in asked if "rating" in one]) == 1
    with clock.fixed(CLOSES - timedelta(seconds=1)):
        assert service.mean_ratings(keys) == {} == service.mean_ratings([])
