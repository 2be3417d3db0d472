"""The ministry's benefit form: worked cases, and what must hold for any year."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.assessment import schemes
from resource_hub.domain.assessment.rules import benefit
from resource_hub.domain.assessment.rules.periods import school_year
from resource_hub.domain.assessment.terms import (
    BENEFIT_INPUTS,
    Grade,
    Hours,
    Income,
    InputCode,
    Inputs,
    RatedClass,
    rounded,
)
from resource_hub.kernel.money import Money
from tests.builders.assessment import HOUR, make_inputs, make_instrument

EXAMPLES = tomllib.loads(
    (Path(__file__).parents[2] / "examples" / "assessment" / "benefit.toml").read_text(encoding="utf-8")
)
READ = schemes.parameters(schemes.BENEFIT, school_year(2024))
FORM = schemes.benefit(READ)
FORM_WITH_RATE = schemes.benefit(READ, {"internal_points": "2/1000"})


def _facts(row):
    return make_instrument(
        hours=Hours(row["effective_hours"] * HOUR, 0),
        income=Income(Money.of(row["external_income"]), Money.of(row["internal_income"])),
        inputs=Inputs(row["inputs"], RatedClass(row["class"])),
    )


@pytest.mark.parametrize("row", EXAMPLES["form"], ids=lambda row: row["case"])
def test_worked_form(row):
    total = benefit.score(FORM, _facts(row))
    assert [rounded(item.value.point, item.unit, 4).normalize() for item in total.parts] == [
        pytest.approx(Fraction(text)) for text in row["subtotals"]
    ]
    assert [item.value.point * item.weight / 100 for item in total.parts] == [
        Fraction(text) for text in row["weighted"]
    ]
    assert total.value.point == Fraction(row["total"])
    assert benefit.grade_of(FORM, total.value.point) == Grade(row["grade"])
    assert not total.missing


@pytest.mark.parametrize("row", EXAMPLES["rated"], ids=lambda row: row["class"])
def test_rated_hours(row):
    assert FORM.rated_seconds[RatedClass(row["class"])] == row["hours"] * HOUR
    assert row["hours_a_day"] * row["days_a_week"] * row["weeks"] == row["hours"]


@pytest.mark.parametrize("row", EXAMPLES["band"], ids=lambda row: row["percent"])
def test_function_bands(row):
    assert benefit.band(FORM.function_bands, Fraction(row["percent"]) / 100) == Fraction(row["points"])


@pytest.mark.parametrize("row", EXAMPLES["grade"], ids=lambda row: row["total"])
def test_grades(row):
    assert benefit.grade_of(FORM, Fraction(row["total"])) == Grade(row["grade"])


def test_weights_add_up_and_the_conflict_is_kept():
    assert [FORM.weights[item] for item in benefit.ITEMS] == [35, 20, 25, 15, 5]
    assert READ.text("weight_research_supplement") == "20"
    assert "20" in READ.version.parameters["weight_research"].note


def test_unreadable_internal_rate_makes_a_range_and_no_zero():
    facts = make_instrument(income=Income(Money.cny(10_000), Money.cny(40_000)))
    item = benefit.income_item(FORM, facts.income)
    assert (item.value.low, item.value.high) == (50, 100)
    assert [reason.code for reason in item.missing] == ["assessment.internal_rate_unknown"]
    total = benefit.score(FORM, facts)
    assert total.value.high - total.value.low == Fraction(15, 2)
    # The rate that the institution enters closes it: 50 + 40 × 2 > 100.
    assert benefit.income_item(FORM_WITH_RATE, facts.income).value.point == 100
    assert any(c.mark == "OWN" for c in FORM_WITH_RATE.citations["internal_points"])


def test_without_internal_income_the_unreadable_rate_does_not_matter():
    item = benefit.income_item(FORM, Income(Money.cny(10_000), Money.cny(0)))
    assert item.value.point == 50
    assert not item.missing


def test_nothing_entered_leaves_every_typed_item_open():
    total = benefit.score(FORM, make_instrument(hours=Hours(700 * HOUR), inputs=Inputs()))
    people, research, functions = (
        total.part("benefit.people"),
        total.part("benefit.research"),
        total.part("benefit.functions"),
    )
    assert [item.value.low for item in (people, research, functions)] == [0, 0, 0]
    assert [item.value.high for item in (people, research, functions)] == [100, 100, 100]
    hours = total.part("benefit.hours")
    assert (hours.value.low, hours.value.high) == (50, Fraction(700, 8))
    assert {reason.values.get("input") for reason in total.missing} >= {code.value for code in BENEFIT_INPUTS}


def test_no_original_functions_is_a_gap_not_a_division():
    item = benefit.functions_item(FORM, make_inputs(functions_original=0, functions_used=0))
    assert not item.value.exact
    assert item.missing


def test_grades_possible_follow_the_range():
    done = Inputs({}, RatedClass.INSTRUMENT_GENERAL)
    total = benefit.score(FORM, make_instrument(hours=Hours(1400 * HOUR), inputs=done))
    assert (total.value.low, total.value.high) == (35, 85)
    assert benefit.grades_possible(FORM, total.value) == (Grade.GOOD, Grade.PASS, Grade.FAIL)
    idle = benefit.score(FORM, make_instrument(inputs=Inputs()))
    assert benefit.grades_possible(FORM, idle.value) == (Grade.FAIL,)


def test_shown_points_never_reach_a_grade_that_the_exact_ones_do_not():
    assert str(rounded(Fraction("89.996"), benefit.Unit.POINTS)) == "89.99"


def test_summary_bounds():
    done = benefit.score(FORM, make_instrument(1, hours=Hours(2000 * HOUR)))
    half = benefit.score(FORM, make_instrument(2, inputs=Inputs()))
    result = benefit.summary(FORM, [done, half])
    assert sum(result.grades.values()) + result.undecided == 2
    assert result.mean.value.low == (done.value.point + half.value.low) / 2
    assert benefit.summary(FORM, []).mean.value is None


# ---- what holds for any year -----------------------------------------------------------------------------------

counts = st.integers(0, 200)
filled = st.fixed_dictionaries({code.value: counts for code in BENEFIT_INPUTS}).map(
    lambda v: v | {"functions_used": min(v["functions_used"], v["functions_original"])}
)
classes = st.sampled_from(list(RatedClass))
seconds = st.integers(0, 9000 * HOUR)
yuan = st.integers(0, 100_000_00)
rates = st.fractions(0, Fraction(1, 10), max_denominator=1000)


@st.composite
def years(draw):
    return make_instrument(
        hours=Hours(draw(seconds)),
        income=Income(Money(draw(yuan)), Money(draw(yuan))),
        inputs=Inputs(draw(filled), draw(classes)),
    )


@given(years(), rates)
def test_bounds(facts, rate):
    form = replace(FORM, internal_points=rate)
    total = benefit.score(form, facts)
    for item in total.parts:
        assert 0 <= item.value.low <= item.value.high <= 100
    assert 0 <= total.value.low <= total.value.high <= 100
    assert total.value.exact == (not total.missing)


@given(years(), rates, st.sets(st.sampled_from(BENEFIT_INPUTS)), st.booleans())
def test_a_range_contains_every_value_that_its_gaps_may_take(facts, rate, hidden, hide_class):
    """Whatever is entered later, and whatever rate is set, the total lies where the range said."""
    whole = benefit.score(replace(FORM, internal_points=rate), facts)
    left = {code: value for code, value in facts.inputs.values.items() if InputCode(code) not in hidden}
    known = Inputs(left, None if hide_class else facts.inputs.rated_class)
    partial = benefit.score(FORM, replace(facts, inputs=known))
    for item in whole.parts:
        wide = partial.part(item.code).value
        assert wide.low <= item.value.low
        assert item.value.high <= wide.high
    assert partial.value.low <= whole.value.low
    assert whole.value.high <= partial.value.high


def test_none_used_of_functions_that_nobody_counted_may_still_be_a_gap():
    """Of no functions at all, entered later, the ratio would be none: the range has to hold that."""
    values = {InputCode.FUNCTIONS_USED: 0, InputCode.FUNCTIONS_NEW: 0}
    uncounted = benefit.functions_item(FORM, Inputs(values)).value
    for original in (0, 3):
        later = benefit.functions_item(FORM, Inputs({**values, InputCode.FUNCTIONS_ORIGINAL: original})).value
        assert uncounted.low <= later.low <= later.high <= uncounted.high


@given(years(), st.sampled_from(BENEFIT_INPUTS), st.integers(0, 50))
def test_more_of_anything_never_lowers_the_total(facts, code, more):
    if code is InputCode.FUNCTIONS_ORIGINAL:
        return  # a longer list of functions may well lower the share that is used
    if facts.inputs.values["functions_original"] == 0:
        return
    form = replace(FORM, internal_points=Fraction(1, 1000))
    values = facts.inputs.values | {code.value: facts.inputs.values[code.value] + more}
    after = replace(facts, inputs=Inputs(values, facts.inputs.rated_class))
    assert benefit.score(form, after).value.low >= benefit.score(form, facts).value.low
    longer = replace(facts, hours=Hours(facts.hours.effective + more * HOUR))
    assert benefit.score(form, longer).value.low >= benefit.score(form, facts).value.low


@given(years())
def test_the_canonical_form_is_stable_and_has_no_floats(facts):
    from resource_hub.kernel.canonical import canonical_bytes

    assert canonical_bytes(benefit.score(FORM, facts).as_json()) == canonical_bytes(
        benefit.score(FORM, facts).as_json()
    )
