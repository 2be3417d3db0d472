"""National ratio measures, watch-lists, structures and published results."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.assessment import schemes
from resource_hub.domain.assessment.errors import NoSuchPeriod
from resource_hub.domain.assessment.rules import national, open_sharing, periods, ratios, watch
from resource_hub.domain.assessment.terms import Hours, PeriodKind, RatedClass, WatchCode, rounded
from resource_hub.kernel.money import Money
from resource_hub.rulebook import scheme
from tests.builders.assessment import HOUR, make_hours, make_inputs, make_instrument

FOLDER = Path(__file__).parents[2] / "examples" / "assessment"
EXAMPLES = tomllib.loads((FOLDER / "ratios.toml").read_text(encoding="utf-8"))
GENERIC = tomllib.loads((FOLDER / "open_sharing.toml").read_text(encoding="utf-8"))
YEAR = periods.calendar_year(2025)
READ = schemes.parameters(schemes.NATIONAL, YEAR)
RULES = schemes.ratios(READ)
WATCH = schemes.watch(READ, schemes.parameters(schemes.BENEFIT, YEAR))
FORM = schemes.open_sharing(schemes.parameters(schemes.OPEN_SHARING, YEAR))


def never_late(_facts):
    return False


@pytest.mark.parametrize("row", EXAMPLES["utilisation"], ids=lambda row: row["case"])
def test_utilisation(row):
    assert str(ratios.utilisation(RULES, row["effective_hours"] * HOUR).low) == row["percent"]


@pytest.mark.parametrize("row", EXAMPLES["sharing"], ids=lambda row: row["case"])
def test_sharing(row):
    figure = ratios.sharing(RULES, row["external_hours"] * HOUR, row["effective_hours"] * HOUR)
    assert str(figure.low) == row["percent"]


@pytest.mark.parametrize("row", EXAMPLES["grades"], ids=lambda row: row["case"])
def test_published_grades_add_up(row):
    assert sum(row["counts"]) == row["units"]
    if "round" in row:
        [found] = [r for r in schemes.published(date(2026, 1, 1)) if r.round_year == row["round"]]
        assert list(found.grades) == row["counts"]
        assert found.units_by_grade() == found.units == row["units"]
    else:
        rows = scheme(schemes.PUBLISHED).on(date(2026, 1, 1)).rows("regional_results")
        [found] = [r for r in rows if r["region"] == row["region"]]
        assert [int(found[g]) for g in ("excellent", "good", "pass", "poor")] == row["counts"]
        assert int(found["units"]) == row["units"]


@pytest.mark.parametrize("row", EXAMPLES["late"], ids=lambda row: row["case"])
def test_late_share(row):
    assert str(ratios.late_share(RULES, row["late"], row["of"]).low) == row["percent"]


def test_unknown_acceptance_opens_the_late_share():
    figure = ratios.late_share(RULES, 1, 8, unknown=2)
    assert (figure.low, figure.high) == (10, 30)
    assert figure.missing


def test_mean_of_ratios_is_not_ratio_of_means():
    facts = [make_instrument(1, hours=make_hours(1000, 100)), make_instrument(2, hours=make_hours(100, 50))]
    found = ratios.institution_measures(RULES, facts, never_late)
    assert str(found["ratio.unit_sharing"].low) == "13.6"  # 150 / 1100
    assert str(found["ratio.mean_sharing"].low) == "30.0"  # (10 + 50) / 2


def test_means_count_all_instruments_from_the_threshold_on_used_or_not():
    facts = [
        make_instrument(1, hours=make_hours(1600, 400)),
        make_instrument(2, original_value=Money.cny(500_000)),
        make_instrument(3, original_value=Money.cny(499_999), hours=make_hours(900)),
        make_instrument(4, original_value=None, hours=make_hours(900)),
        make_instrument(5, kind="dataset", hours=make_hours(0)),
    ]
    found = ratios.institution_measures(RULES, facts, never_late)
    assert found["count.instruments"].value.point == 2
    assert found["hours.mean_effective"].value.point == 800 * HOUR
    assert found["hours.mean_external"].value.point == 200 * HOUR
    assert str(found["ratio.mean_utilisation"].low) == "50.0"


def test_opening_leaves_out_declared_exemptions_and_says_its_source_is_unverified():
    facts = [
        make_instrument(1),
        make_instrument(2, open_outside=False),
        make_instrument(3, open_outside=False, exempt=True),
    ]
    found = ratios.institution_measures(RULES, facts, never_late)
    assert found["ratio.opening"].value.point == 50
    assert not found["ratio.opening"].verified
    assert found["ratio.unit_sharing"].verified


def test_no_instruments_no_figures_and_no_error():
    found = ratios.institution_measures(RULES, [], never_late)
    assert found["ratio.unit_sharing"].value is None
    assert found["ratio.unit_sharing"].missing


hours = st.integers(0, 8760).flatmap(lambda e: st.tuples(st.just(e), st.integers(0, e)))


@given(st.lists(hours, min_size=1, max_size=12))
def test_ratio_bounds(pairs):
    facts = [make_instrument(n, hours=make_hours(e, x)) for n, (e, x) in enumerate(pairs, 1)]
    found = ratios.institution_measures(RULES, facts, never_late)
    sharing = [found[code].value.point for code in ("ratio.unit_sharing", "ratio.mean_sharing")]
    assert all(0 <= value <= 100 for value in sharing)
    assert found["ratio.mean_utilisation"].value.point == Fraction(
        sum(e for e, _ in pairs) * 100, 1600 * len(pairs)
    )
    single = [ratios.sharing(RULES, f.hours.external, f.hours.effective).value.point for f in facts]
    assert min(single) <= found["ratio.mean_sharing"].value.point <= max(single)


def test_hours_refuse_more_external_than_effective():
    with pytest.raises(ValueError):
        Hours(10, 11)


# ---- structures and published results ---------------------------------------------------------------------------


def test_the_2026_structure_has_three_and_nine_indicators_and_no_invented_score():
    read = schemes.parameters(schemes.NATIONAL, periods.calendar_year(2026))
    tree = schemes.structure(read)
    assert len(tree.indicators) == 3
    assert [len(first.children) for first in tree.indicators] == [4, 2, 3]
    assert len(tree.leaves()) == 9
    total = national.score(tree)
    assert total.value is None
    assert [r.code for r in total.missing] == ["assessment.weights_unknown"]
    assert tree.every_years == 2


def test_each_data_year_has_its_version():
    assert schemes.parameters(schemes.NATIONAL, periods.calendar_year(2025)).version.name == "2018-2025"
    assert schemes.parameters(schemes.NATIONAL, periods.calendar_year(2026)).version.name == "2026"


def test_comparison_takes_the_same_year_or_the_latest_before_it():
    results = schemes.published(date(2026, 1, 1))
    assert national.nearest(results, 2024).mean_effective_hours == 1599
    assert national.nearest(results, 2025).data_year == 2024
    assert national.nearest(results, 2022).data_year == 2021
    assert national.nearest(results, 2016) is None


# ---- periods ------------------------------------------------------------------------------------------------------


def test_school_year_ends_on_31_august():
    period = periods.school_year(2024)
    assert (period.since, period.until) == (date(2024, 9, 1), date(2025, 9, 1))
    assert periods.around(PeriodKind.SCHOOL_YEAR, date(2025, 8, 31)) == period
    assert periods.around(PeriodKind.SCHOOL_YEAR, date(2025, 9, 1)) == periods.school_year(2025)


@given(st.integers(1991, 2198), st.sampled_from(list(PeriodKind)))
def test_a_label_reads_back(year, kind):
    period = periods.around(kind, date(year, 6, 1))
    assert periods.parse(period.label) == period


@pytest.mark.parametrize("text", ["", "25", "2024-2026", "2024-", "abcd", "٢٠٢٤", "2024-2025-2026"])
def test_no_such_period(text):
    with pytest.raises(NoSuchPeriod):
        periods.parse(text)


# ---- watch-lists --------------------------------------------------------------------------------------------------


def codes(facts, due=None, as_of=date(2026, 1, 3)):
    return {found.code for found in watch.watches(WATCH, facts, YEAR, due, as_of)}


def test_a_quiet_instrument_is_on_no_list():
    assert codes(make_instrument(hours=make_hours(1400, 200))) == set()


def test_sharing_below_seven_percent():
    assert WatchCode.LOW_SHARING in codes(make_instrument(hours=make_hours(2000, 139)))
    assert WatchCode.LOW_SHARING not in codes(make_instrument(hours=make_hours(2000, 140)))


def test_rated_hours_and_half_of_them():
    assert WatchCode.BELOW_RATED not in codes(make_instrument(hours=make_hours(1400, 1400)))
    assert WatchCode.BELOW_RATED in codes(make_instrument(hours=make_hours(1399, 1399)))
    assert WatchCode.BELOW_RATED in codes(make_instrument(hours=make_hours(700, 700)))
    assert WatchCode.BELOW_HALF_RATED in codes(make_instrument(hours=make_hours(699, 699)))
    special = make_inputs(RatedClass.INSTRUMENT_SPECIAL)
    assert codes(make_instrument(hours=make_hours(800, 800), inputs=special)) == set()


def test_idle_and_late_first_use():
    idle = make_instrument(hours=Hours(), accepted_on=date(2025, 1, 2), first_used_on=None)
    assert WatchCode.IDLE in codes(idle)
    assert WatchCode.LATE_FIRST_USE not in codes(idle, as_of=date(2026, 1, 2))
    assert WatchCode.LATE_FIRST_USE in codes(idle, as_of=date(2026, 1, 3))


def test_late_listing_is_judged_by_the_day_after_the_term():
    due = date(2023, 4, 13)
    assert WatchCode.LATE_LISTING not in codes(
        make_instrument(listed_on=due, hours=make_hours(1400, 1400)), due
    )
    late = make_instrument(listed_on=due + timedelta(days=1), hours=make_hours(1400, 1400))
    assert codes(late, due) == {WatchCode.LATE_LISTING}
    assert codes(make_instrument(listed_on=None, hours=make_hours(1400, 1400)), due) == {WatchCode.NOT_LISTED}


# ---- generic university form ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", GENERIC["sharing"], ids=lambda row: row["case"])
def test_generic_sharing(row):
    points = open_sharing.sharing_points(FORM, row["external_hours"] * HOUR, row["effective_hours"] * HOUR)
    assert points == Fraction(row["points"])


@pytest.mark.parametrize("row", GENERIC["income"], ids=lambda row: row["case"])
def test_generic_income(row):
    amounts = [Money.of(row[key]) for key in ("internal", "external", "value")]
    assert open_sharing.income_points(FORM, *amounts) == Fraction(row["points"])


@pytest.mark.parametrize("row", GENERIC["hours"], ids=lambda row: str(row["mean_hours"]))
def test_generic_hours(row):
    assert open_sharing.hours_points(FORM, Fraction(row["mean_hours"] * HOUR)) == Fraction(row["points"])


@pytest.mark.parametrize("row", GENERIC["functions"], ids=lambda row: row["case"])
def test_generic_functions(row):
    assert open_sharing.function_use_points(FORM, row["used"], row["original"]) == Fraction(row["use_points"])
    assert open_sharing.function_new_points(FORM, row["new"]) == Fraction(row["new_points"])


def test_percent_is_half_up_at_one_digit():
    assert str(rounded(Fraction("12.25"), ratios.Unit.PERCENT)) == "12.3"
