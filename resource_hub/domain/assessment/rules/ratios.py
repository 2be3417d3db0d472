"""National ratio measures: hours, utilisation, sharing, opening, late registration.

Source: rulebook scheme "assessment_national". Mean of ratios is not ratio of means; both are computed and named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from resource_hub.domain.assessment.terms import Figure, InstrumentFacts, Range, Unit
from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money


@dataclass(frozen=True, slots=True)
class RatioRules:
    """Parameters of the measures. Units: base in seconds a year; threshold as original value."""

    version: str
    base_seconds: int
    threshold: Money
    citations: Mapping[str, tuple[Citation, ...]]

    def cite(self, *names: str) -> tuple[Citation, ...]:
        return tuple(c for name in names for c in self.citations.get(name, ()))


def percent(part: int, whole: int) -> Fraction:
    """Part of whole in percent; 0 when the whole is 0 (as the yearbook tools do), never an error."""
    return Fraction(part * 100, whole) if whole else Fraction(0)


def in_scope(rules: RatioRules, facts: InstrumentFacts) -> bool:
    """Instruments and facilities of at least the threshold. A value that is not known keeps one out (and is a gap)."""
    value = facts.original_value
    return (
        facts.kind in ("instrument", "facility")
        and value is not None
        and value.currency == rules.threshold.currency
        and value >= rules.threshold
    )


def utilisation(rules: RatioRules, effective_seconds: int) -> Figure:
    """Effective hours ÷ 1600 h in percent; may exceed 100."""
    return Figure(
        "ratio.utilisation",
        Range.of(percent(effective_seconds, rules.base_seconds)),
        Unit.PERCENT,
        Reason("assessment.formula.utilisation", {"base": rules.base_seconds // 3600}),
        rules.cite("utilisation_base"),
    )


def sharing(rules: RatioRules, external_seconds: int, effective_seconds: int) -> Figure:
    """External ÷ effective hours in percent; 0 when there were none."""
    return Figure(
        "ratio.sharing",
        Range.of(percent(external_seconds, effective_seconds)),
        Unit.PERCENT,
        Reason("assessment.formula.sharing"),
        rules.cite("sharing"),
    )


def seconds_figure(rules: RatioRules, code: str, seconds: int, cite: str) -> Figure:
    return Figure(
        f"hours.{code}",
        Range.of(seconds),
        Unit.SECONDS,
        Reason(f"assessment.formula.{code}_hours"),
        rules.cite(cite),
    )


def instrument_measures(rules: RatioRules, facts: InstrumentFacts) -> dict[str, Figure]:
    """The measures of one instrument, by code."""
    hours = facts.hours
    figures = (
        seconds_figure(rules, "effective", hours.effective, "effective_hours"),
        seconds_figure(rules, "external", hours.external, "external_hours"),
        utilisation(rules, hours.effective),
        sharing(rules, hours.external, hours.effective),
        Figure(
            "count.entries",
            Range.of(hours.entries),
            Unit.COUNT,
            Reason("assessment.formula.entries"),
        ),
        Figure(
            "income.external",
            Range.of(facts.income.external.minor),
            Unit.MONEY,
            Reason("assessment.formula.income_external"),
            currency=facts.income.external.currency,
        ),
        Figure(
            "income.internal",
            Range.of(facts.income.internal.minor),
            Unit.MONEY,
            Reason("assessment.formula.income_internal"),
            currency=facts.income.internal.currency,
        ),
    )
    return {figure.code: figure for figure in figures}


def _mean(values: Sequence[Fraction | int]) -> Fraction:
    return sum((Fraction(v) for v in values), Fraction(0)) / len(values)


def _rate(
    rules: RatioRules, code: str, facts: Sequence[InstrumentFacts], holds: Callable[[InstrumentFacts], bool]
) -> Figure:
    count = sum(1 for each in facts if holds(each))
    return Figure(
        f"ratio.{code}",
        Range.of(percent(count, len(facts))),
        Unit.PERCENT,
        Reason(f"assessment.formula.{code}", {"count": count, "of": len(facts)}),
        rules.cite(code),
    )


def institution_measures(
    rules: RatioRules, instruments: Sequence[InstrumentFacts], late: Callable[[InstrumentFacts], bool | None]
) -> dict[str, Figure]:
    """The measures of a legal person over all instruments in scope, used or not.

    ``late`` says of an instrument whether it was reported after its term; None where that cannot be known.
    """
    scope = [each for each in instruments if in_scope(rules, each)]
    figures: list[Figure] = [
        Figure(
            "count.instruments",
            Range.of(len(scope)),
            Unit.COUNT,
            Reason("assessment.formula.instruments", {"threshold": str(rules.threshold.amount)}),
            rules.cite("threshold"),
        )
    ]
    effective = sum(each.hours.effective for each in scope)
    external = sum(each.hours.external for each in scope)
    figures += [
        seconds_figure(rules, "effective", effective, "effective_hours"),
        seconds_figure(rules, "external", external, "external_hours"),
    ]
    if not scope:
        nothing = (Reason("assessment.no_instruments", {}),)
        figures += [
            Figure(
                f"ratio.{code}", None, Unit.PERCENT, Reason(f"assessment.formula.{code}", {}), missing=nothing
            )
            for code in (
                "mean_utilisation",
                "unit_sharing",
                "mean_sharing",
                "bookable",
                "opening",
                "late_listing",
            )
        ]
        figures += [
            Figure(
                f"hours.mean_{side}",
                None,
                Unit.SECONDS,
                Reason(f"assessment.formula.mean_{side}"),
                missing=nothing,
            )
            for side in ("effective", "external")
        ]
        return {figure.code: figure for figure in figures}
    judged = [(each, late(each)) for each in scope]
    known = [(each, is_late) for each, is_late in judged if is_late is not None]
    should_open = [each for each in scope if not each.exempt]
    figures += [
        Figure(
            "hours.mean_effective",
            Range.of(Fraction(effective, len(scope))),
            Unit.SECONDS,
            Reason("assessment.formula.mean_effective", {"count": len(scope)}),
            rules.cite("unit_mean"),
        ),
        Figure(
            "hours.mean_external",
            Range.of(Fraction(external, len(scope))),
            Unit.SECONDS,
            Reason("assessment.formula.mean_external", {"count": len(scope)}),
            rules.cite("unit_mean"),
        ),
        Figure(
            "ratio.mean_utilisation",
            Range.of(_mean([percent(each.hours.effective, rules.base_seconds) for each in scope])),
            Unit.PERCENT,
            Reason(
                "assessment.formula.mean_utilisation",
                {"base": rules.base_seconds // 3600, "count": len(scope)},
            ),
            rules.cite("utilisation_base"),
        ),
        Figure(
            "ratio.unit_sharing",
            Range.of(percent(external, effective)),
            Unit.PERCENT,
            Reason("assessment.formula.unit_sharing"),
            rules.cite("unit_sharing"),
        ),
        Figure(
            "ratio.mean_sharing",
            Range.of(_mean([percent(each.hours.external, each.hours.effective) for each in scope])),
            Unit.PERCENT,
            Reason("assessment.formula.mean_sharing", {"count": len(scope)}),
            rules.cite("sharing"),
        ),
        _rate(rules, "bookable", scope, lambda each: each.bookable),
        _rate(rules, "opening", should_open, lambda each: each.open_outside),
        late_share(rules, sum(1 for _, is_late in known if is_late), len(known), len(scope) - len(known)),
    ]
    return {figure.code: figure for figure in figures}


def late_share(rules: RatioRules, late: int, known: int, unknown: int = 0) -> Figure:
    """Share of instruments reported after their term. Those without an acceptance date open a range."""
    total = known + unknown
    value = Range(percent(late, total), percent(late + unknown, total)) if total else Range.of(0)
    missing = (
        (Reason("assessment.accepted_on_missing", {"count": unknown}, "accepted_on"),) if unknown else ()
    )
    return Figure(
        "ratio.late_listing",
        value,
        Unit.PERCENT,
        Reason("assessment.formula.late_listing", {"count": late, "of": total}),
        rules.cite("listing_term"),
        missing=missing,
    )
