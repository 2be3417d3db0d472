"""Answers kept in memory: found again under the same stamps, made anew as soon as anything about them has changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from migrations import guards
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.rules import document
from resource_hub.domain.availability.tables import HouseRules, OpeningException, OpeningHours
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import BookingRefused
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.pricing.terms import UseFacts
from resource_hub.infra import stamps
from resource_hub.infra.database import Base, db, reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import ChangeStamp
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.availability import make_rules
from tests.builders.booking import TARIFF, make_asked, make_booking, make_scene

# Set by themselves at their own pace and read by nobody through memory.
_NOT_ABOUT = {"change_stamp", "free_window", "occupancy"}


@contextmanager
def asked() -> Iterator[list[str]]:
    db.session.remove()
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:  # type: ignore[no-untyped-def]
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def stamp_of(subject: UUID) -> stamps.Stamp:
    with stamps.stamped():
        held = stamps.current()
        assert held is not None
        return held.of([subject])


def test_every_table_named_is_there(now: datetime) -> None:
    assert set(guards.STAMPED) <= set(Base.metadata.tables)


def test_what_memory_answers_is_made_of_stamped_tables_alone(now: datetime) -> None:
    """Whoever adds a table to such a look-up has to stamp it, or its changes would not be seen."""
    scene = make_scene()
    day = date(2026, 3, 3)
    with asked() as sent, stamps.stamped():
        catalogue.resource(scene.key)
        catalogue.units_of([scene.key])
        catalogue.links_of([scene.key])
        availability.plan(scene.key, make_asked().span)  # type: ignore[arg-type]
        pricing.price(scene.key, day, CustomerClass.FIRM_UNSIZED, _use())
        accounts.organisation(scene.host.id)
        accounts.organisation_names([scene.host.id])
        accounts.actor(scene.manager_person.id, scene.host.id)
        accounts.customer(scene.customer_id)
        accounts.customer_class(scene.host.id, None, scene.customer_id, day)
        accounts.standings(scene.host.id, "grade")
    tables = {name for one in sent for name in re.findall(r'(?:FROM|JOIN) "?(\w+)', one)} - _NOT_ABOUT
    assert tables <= set(guards.STAMPED), tables - set(guards.STAMPED)


def _use():  # type: ignore[no-untyped-def]
    return UseFacts(zone="Asia/Shanghai", mode=Mode.SELF_USE, reserved=make_asked().span)


def test_the_second_question_is_answered_from_memory(now: datetime) -> None:
    scene = make_scene()
    with stamps.stamped():
        first = catalogue.resource(scene.key)
    with asked() as sent, stamps.stamped():
        assert catalogue.resource(scene.key) == first
    assert [one for one in sent if "change_stamp" not in one and not one.startswith("BEGIN")] == []
    with asked() as sent:
        catalogue.resource(scene.key)
    assert any("FROM resource" in one for one in sent), "outside of such a block everything is asked"


@pytest.mark.parametrize("change", ["hours", "rules", "tariff", "closure"])
def test_a_booking_sees_what_was_changed_a_moment_before(now: datetime, change: str) -> None:
    scene = make_scene()
    make_booking(scene)
    other_day = make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00")
    if change == "tariff":
        dearer = {**TARIFF, "hour": {"in_house": "150.00", "outside": "500.00"}}
        pricing.adopt(scene.key, dearer, date(2026, 3, 1))
        made = make_booking(scene, asked=other_day)
        assert service.sums_of([made])[made.key].list_price.minor == 100_000
        return
    with unit_of_work() as unit:
        if change == "hours":
            unit.session.execute(sa.text("DELETE FROM opening_hours WHERE weekday = 2"))
        elif change == "rules":
            unit.session.execute(sa.update(HouseRules).values(document=document.write(make_rules(most=60))))
        else:
            _close(unit, scene.key)
    with pytest.raises(BookingRefused):
        make_booking(scene, asked=other_day)


def _close(unit, key) -> None:  # type: ignore[no-untyped-def]
    unit.session.add(
        OpeningException(
            institution_id=key.institution_id, id=new_id(), resource_id=key.id, kind="closure", audience="all",
            starts_at=datetime.fromisoformat("2026-03-04T00:00+08:00"),
            ends_at=datetime.fromisoformat("2026-03-05T00:00+08:00"), reason_zh="停电", reason_en="", created_at=unit.now,
        )
    )  # fmt: skip


def test_a_stamp_changes_with_each_kind_of_change_and_not_with_another_ones(now: datetime) -> None:
    scene, other = make_scene(), make_scene()
    seen = [stamp_of(scene.key.id)]
    aside = stamp_of(other.key.id)
    with unit_of_work() as unit:
        unit.session.execute(
            sa.text("UPDATE resource SET version = version WHERE code = :code"), {"code": scene.resource.code}
        )
    seen.append(stamp_of(scene.key.id))
    with unit_of_work() as unit:
        mine = OpeningHours.resource_id == scene.key.id
        unit.session.execute(sa.delete(OpeningHours).where(mine, OpeningHours.weekday == 2))
    seen.append(stamp_of(scene.key.id))
    assert len(set(seen)) == 3
    assert stamp_of(other.key.id) == aside


def test_what_was_rolled_back_leaves_no_answer_behind(now: datetime) -> None:
    scene = make_scene()
    with pytest.raises(ZeroDivisionError), unit_of_work() as unit:
        unit.session.execute(sa.text("UPDATE resource SET name_zh = 'kept by mistake'"))
        with stamps.stamped():
            assert catalogue.resource(scene.key).name_zh == "kept by mistake"
        raise ZeroDivisionError
    with stamps.stamped():
        assert catalogue.resource(scene.key).name_zh == scene.resource.name_zh


def test_a_unit_does_not_answer_by_the_stamps_of_its_request(now: datetime) -> None:
    scene = make_scene()
    with stamps.stamped():
        catalogue.resource(scene.key)
        with unit_of_work() as unit:
            unit.session.execute(sa.text("UPDATE resource SET name_zh = 'another'"))
            assert catalogue.resource(scene.key).name_zh == "another"
        assert catalogue.resource(scene.key).name_zh == "another"


def test_many_stamps_of_a_subject_become_one_and_no_old_one(now: datetime) -> None:
    scene = make_scene()
    before = stamp_of(scene.key.id)
    with unit_of_work() as unit:
        stamps.join(unit)
    rows = reading().scalar(
        sa.select(sa.func.count()).select_from(ChangeStamp).where(ChangeStamp.subject_id == scene.key.id)
    )
    assert rows == 1
    with unit_of_work() as unit:
        assert stamps.join(unit) == 0
    if len(before[0]) > 1:
        assert stamp_of(scene.key.id) != before
