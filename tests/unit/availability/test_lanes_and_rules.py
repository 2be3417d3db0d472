"""Lanes cover their week without gaps; documents of house rules are read strictly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given

from resource_hub.domain.availability.errors import InvalidRules
from resource_hub.domain.availability.rules import document
from resource_hub.domain.availability.rules.lanes import lane, reasons_against
from resource_hub.domain.availability.rules.sentences import sentences
from resource_hub.domain.availability.terms import (
    Audience,
    DayKind,
    Hours,
    HouseDocument,
    Look,
    OccupancyKind,
    SpecialDay,
    Viewer,
)
from resource_hub.infra.ids import new_id
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import (
    make_exception,
    make_held,
    make_hours,
    make_rules,
    make_weekly,
    moment,
    span,
)
from tests.unit.availability.test_hours import some_hours

MONDAY = span("2026-03-02T00:00+08:00", "2026-03-03T00:00+08:00")
UNIT = new_id()


@given(some_hours())
def test_a_lane_covers_its_span_once(case: tuple[Hours, TimeSpan]) -> None:
    hours, within = case
    held = [
        make_held(
            UNIT,
            span=TimeSpan(
                within.start + timedelta(minutes=30 * n), within.start + timedelta(minutes=30 * n + 20)
            ),
        )
        for n in range(3)
    ]
    found = lane(hours, within, UNIT, held, Viewer(outside=True), within.start + timedelta(minutes=40))
    assert found[0].span.start == within.start and found[-1].span.end == within.end
    assert all(a.span.end == b.span.start for a, b in zip(found, found[1:], strict=False))
    assert all(piece.why is not None for piece in found if piece.look is not Look.FREE)


def looks(**changes: object) -> list[tuple[str, str]]:
    hours = make_hours()
    held = [make_held(UNIT, **changes)]  # type: ignore[arg-type]
    found = lane(hours, MONDAY, UNIT, held, Viewer(outside=True), moment("2026-03-02T00:00+08:00"))
    return [(piece.look.value, f"{(piece.span.start + timedelta(hours=8)):%H:%M}") for piece in found]


def test_setup_and_teardown_are_told_apart() -> None:
    assert looks(
        span=span("2026-03-02T09:45+08:00", "2026-03-02T12:15+08:00"), setup_seconds=900, teardown_seconds=900
    ) == [
        ("closed", "00:00"), ("free", "09:00"), ("setup", "09:45"), ("taken", "10:00"), ("teardown", "12:00"),
        ("free", "12:15"), ("closed", "17:00"),
    ]  # fmt: skip


def test_a_lapsed_hold_blocks_nobody() -> None:
    lapsed = moment("2026-03-01T23:00+08:00")
    assert looks(kind=OccupancyKind.HOLD, expires_at=lapsed) == [
        ("closed", "00:00"), ("free", "09:00"), ("closed", "17:00"),
    ]  # fmt: skip


def test_a_stranger_is_not_told_who_holds_a_slot_and_the_owner_is() -> None:
    held = make_held(UNIT)
    now = moment("2026-03-02T00:00+08:00")
    stranger = lane(make_hours(), MONDAY, UNIT, [held], Viewer(outside=True), now)
    owner = lane(
        make_hours(), MONDAY, UNIT, [held], Viewer(outside=True, holder_ids=frozenset({held.holder_id})), now
    )
    assert {p.holder_id for p in stranger} == {None}
    assert [p.look for p in owner if p.holder_id] == [Look.MINE]


def test_each_closed_stretch_says_why() -> None:
    hours = make_hours(
        exceptions=(make_exception(span=span("2026-03-02T12:00+08:00", "2026-03-02T13:00+08:00")),),
        days=[SpecialDay(moment("2026-03-03T12:00+08:00").date(), DayKind.HOLIDAY, "测试节", "Test day")],
    )
    found = reasons_against(hours, span("2026-03-02T08:00+08:00", "2026-03-03T10:00+08:00"), outside=True)
    assert [r.code for r in found] == [
        "availability.closed_hours", "availability.closed_closure", "availability.closed_holiday",
    ]  # fmt: skip
    assert {r.place for r in found} == {"time"}


def test_protected_hours_refuse_the_house_and_not_the_firm() -> None:
    hours = make_hours(weekly=make_weekly(audience=Audience.OUTSIDE))
    asked = span("2026-03-02T10:00+08:00", "2026-03-02T11:00+08:00")
    assert [r.code for r in reasons_against(hours, asked, outside=False)] == ["availability.protected"]
    assert reasons_against(hours, asked, outside=True) == []


def test_a_document_reads_back_as_it_was_written() -> None:
    rules = make_rules(
        lead={"self_use": 4320},
        quotas=[{"per": "person", "period": "week", "measure": "minutes", "limit": 600}],
        fields=[{"code": "alloy", "name_zh": "合金牌号", "name_en": "Alloy", "required": True}],
        hazard=True,
        approval="outside",
    )
    assert document.read(document.write(rules)) == rules


def test_all_faults_of_a_document_at_once() -> None:
    with pytest.raises(InvalidRules) as caught:
        document.read({"leed": 3, "step": 7.5, "least": 0, "approval": "perhaps", "quotas": [{"per": "dog"}]})
    assert [r.place for r in caught.value.reasons] == [
        "leed",
        "step",
        "least",
        "approval",
        "quotas.0",
        "quotas.0",
        "quotas.0",
        "quotas.0",
    ]


def test_faults_between_values() -> None:
    with pytest.raises(InvalidRules) as caught:
        make_rules(least=120, most=60, horizon_days=1, lead={"all": 2000})
    assert [r.code for r in caught.value.reasons] == [
        "availability.rules_most_below_least", "availability.rules_lead_beyond_horizon",
    ]  # fmt: skip


def test_every_rule_is_read_back_as_a_sentence() -> None:
    codes = [
        r.code for r in sentences(make_rules(most=240, lead={"self_use": 60}, gap=30, approval="always"))
    ]
    assert "house.most" in codes and "house.lead_mode" in codes and "house.silence_lapse" in codes
    assert sentences(HouseDocument())[0].code == "house.length"
