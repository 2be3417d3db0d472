"""Contents, differences, kinds, classes and the listing term."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.catalogue import contents as contents_json
from resource_hub.domain.catalogue import kinds, places, rules
from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.terms import Contact, ListingContents, Mode, ResourceKind
from tests.builders.catalogue import make_contents

INSTRUMENT = ResourceKind.INSTRUMENT


def codes(contents: ListingContents, kind: ResourceKind = INSTRUMENT, *, complete: bool = False) -> set[str]:
    found = rules.check_contents(kind, contents, instrument_classes(), complete=complete)
    return {reason.code.removeprefix("catalogue.") for reason in found}


def test_a_complete_listing_has_no_faults() -> None:
    assert codes(make_contents(), complete=True) == set()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name_zh": "", "name_en": " "}, "name_missing"),
        ({"name_zh": "长" * 201}, "too_long"),
        ({"class_code": "9999"}, "class_unknown"),
        ({"class_code": "01010"}, "class_unknown"),
        ({"original_value_minor": -1}, "negative_value"),
        ({"original_value_minor": rules.MAX_VALUE_MINOR + 1}, "value_too_large"),
        ({"latitude_micro": None}, "half_coordinates"),
        ({"latitude_micro": 90_000_001}, "coordinate_range"),
        ({"commissioned_on": date(2024, 1, 2), "decommissioned_on": date(2024, 1, 1)}, "end_before_start"),
        ({"specification": (("a", "1"), ("a", "2"))}, "specification_twice"),
        ({"contact": Contact("x", "", "not an address")}, "email_shape"),
        ({"details": {"publisher": "x"}}, "detail_unknown"),
        ({"details": {"origin": "stolen"}}, "detail_choice"),
        ({"details": {"cstr": "31253.1.x"}}, "detail_shape"),
    ],
)
def test_faults_of_a_draft(changes: dict, code: str) -> None:
    assert code in codes(make_contents(**changes))


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"original_value_minor": 0}, False),
        ({"original_value_minor": rules.MAX_VALUE_MINOR}, False),
        ({"latitude_micro": 90_000_000}, False),
        ({"longitude_micro": -180_000_000}, False),
        ({"commissioned_on": date(2024, 1, 1), "decommissioned_on": date(2024, 1, 1)}, False),
        ({"class_code": "990000"}, False),
        ({"class_code": "010199"}, False),
        ({"class_code": "030122"}, False),
        ({"details": {"cstr": "31253.11.sciencedb.j00001.00123"}}, False),
    ],
)
def test_bounds_that_still_hold(changes: dict, wrong: bool) -> None:
    assert bool(codes(make_contents(**changes))) is wrong


def test_what_each_kind_needs() -> None:
    bare = replace(make_contents(), class_code="", modes=(), details={})
    for kind in ResourceKind:
        needed = {item.name for item in kinds.fields_of(kind) if item.required}
        missing = {
            reason.place.removeprefix("details.")
            for reason in kinds.check_details(kind, {}, complete=True)
            if reason.place
        }
        assert missing == needed
    assert "class_missing" in codes(bare, complete=True)
    assert "modes_missing" not in codes(bare, ResourceKind.FACILITY, complete=True)


def test_names_of_classes() -> None:
    classes = instrument_classes()
    assert (
        classes.name("010101", "zh") == "电子光学仪器" and classes.name("010101", "en") == "Electron optics"
    )
    assert len(classes.top()) == 12 and len(classes.below("01")) == 13
    assert not classes.citation.mark.startswith("P")


TEXT = st.text(max_size=20)
CONTENTS = st.builds(
    ListingContents,
    name_zh=TEXT,
    name_en=TEXT,
    class_code=st.sampled_from(["", "010101"]),
    latitude_micro=st.one_of(st.none(), st.integers(-90_000_000, 90_000_000)),
    original_value_minor=st.one_of(st.none(), st.integers(0, 10**12)),
    accepted_on=st.one_of(st.none(), st.dates(date(1990, 1, 1), date(2030, 1, 1))),
    specification=st.lists(st.tuples(TEXT, TEXT), max_size=4, unique_by=lambda p: p[0]).map(tuple),
    contact=st.builds(Contact, TEXT, TEXT, TEXT, st.one_of(st.none(), st.dates())),
    modes=st.lists(st.sampled_from(list(Mode)), unique=True).map(tuple),
    bookable=st.booleans(),
    details=st.dictionaries(st.sampled_from(["origin", "cstr"]), st.text(min_size=1, max_size=9)),
)


@given(CONTENTS, CONTENTS)
def test_contents_survive_storing_and_differences_are_complete(
    left: ListingContents, right: ListingContents
) -> None:
    assert contents_json.from_json(contents_json.to_json(left)) == left
    same = contents_json.contents_digest(left) == contents_json.contents_digest(right)
    assert same == (left == right)
    assert bool(contents_json.differences(left, right)) == (left != right)
    assert contents_json.differences(left, left) == []


@given(st.integers(-180_000_000, 180_000_000))
def test_degrees_are_exact(micro: int) -> None:
    from decimal import Decimal

    assert Decimal(contents_json.degrees(micro)) * 1_000_000 == micro


def test_listing_term_by_day() -> None:
    def next_days(day: date, number: int) -> tuple[date, bool]:
        return day + timedelta(days=number), False

    accepted = date(2026, 1, 1)
    due = accepted + timedelta(days=30)
    on_time = rules.listing_clock(accepted, due, date(2026, 6, 1), 30, next_days)
    late = rules.listing_clock(accepted, due + timedelta(days=1), date(2026, 6, 1), 30, next_days)
    last_day = rules.listing_clock(accepted, None, due, 30, next_days)
    day_after = rules.listing_clock(accepted, None, due + timedelta(days=1), 30, next_days)
    assert on_time and late and last_day and day_after
    assert (on_time.listed_in_time, late.listed_in_time) == (True, False)
    assert (last_day.overdue, day_after.overdue) == (False, True)
    assert rules.listing_clock(None, None, due, 30, next_days) is None


def test_places() -> None:
    hefei, shanghai = places.locate("合肥市"), places.locate("shanghai")
    assert hefei and shanghai and 390 <= places.kilometres(hefei, shanghai) <= 420
    assert places.spellings("Hefei") == ["Hefei", "合肥", "合肥市"]
    assert places.place_name("合肥", "en") == "Hefei" and places.place_name("Utrecht", "zh") == "Utrecht"
    assert places.locate("nowhere") is None
