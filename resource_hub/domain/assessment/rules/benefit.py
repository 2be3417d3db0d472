"""The ministry's yearly benefit form for valuable instruments: five items, capped, weighted, graded.

Source: 教高司条函〔2000〕010号 (form) and 〔2000〕22号 (supplement), as parameters of rulebook scheme
"assessment_benefit". Arithmetic is in exact fractions; nothing is rounded before it is shown.

Whatever is not known makes a range, never a zero: an input that nobody entered, and the points for internal income,
whose rate cannot be read in any copy seen. The true total lies inside the range for every value of the unknowns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from resource_hub.domain.assessment.terms import (
    Figure,
    Grade,
    Hours,
    Income,
    InputCode,
    Inputs,
    InstrumentFacts,
    Range,
    RatedClass,
    Unit,
)
from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money

TOP = Fraction(100)
ITEMS = ("hours", "people", "research", "income", "functions")


@dataclass(frozen=True, slots=True)
class BenefitScheme:
    """Parameters of one version of the form.

    Units: rated hours in seconds; weights in percent, together 100; points per one person, award, paper, function;
    income points per yuan. ``internal_points`` None: the rate is unreadable and the institution has not set one.
    """

    version: str
    weights: Mapping[str, Fraction]
    rated_seconds: Mapping[RatedClass, int]
    operator_points: Fraction
    assisted_points: Fraction
    shown_points: Fraction
    award_national_points: Fraction
    award_provincial_points: Fraction
    award_school_points: Fraction
    paper_core_points: Fraction
    external_points: Fraction
    internal_points: Fraction | None
    function_bands: tuple[tuple[Fraction, Fraction], ...]  # (ratio at least, points), highest first
    function_new_points: Fraction
    grade_from: tuple[tuple[Fraction, Grade], ...]  # (total at least, grade), highest first
    threshold: Money
    report_threshold: Money
    research_weight_elsewhere: Fraction | None  # what the supplement prints, where it disagrees
    citations: Mapping[str, tuple[Citation, ...]]

    def cite(self, *names: str) -> tuple[Citation, ...]:
        return tuple(c for name in names for c in self.citations.get(name, ()))


def in_scope(scheme: BenefitScheme, facts: InstrumentFacts) -> bool:
    """Instruments of at least the threshold; one without a known value is left out and named as a gap."""
    value = facts.original_value
    return (
        facts.kind in ("instrument", "facility")
        and value is not None
        and value.currency == scheme.threshold.currency
        and value >= scheme.threshold
    )


def _missing(codes: list[InputCode]) -> tuple[Reason, ...]:
    return tuple(Reason("assessment.input_missing", {"input": code.value}, code.value) for code in codes)


def _counted(inputs: Inputs, rates: Mapping[InputCode, Fraction]) -> tuple[Range, tuple[Reason, ...]]:
    """Points of a sum of counted things; what was not entered leaves the top open."""
    known = sum((rate * (inputs.get(code) or 0) for code, rate in rates.items()), Fraction(0))
    open_codes = [code for code in rates if inputs.get(code) is None]
    low = min(known, TOP)
    return Range(low, TOP if open_codes else low), _missing(open_codes)


def _item(
    scheme: BenefitScheme,
    name: str,
    subtotal: Range,
    formula: Reason,
    citations: tuple[Citation, ...],
    missing: tuple[Reason, ...] = (),
    parts: tuple[Figure, ...] = (),
    notes: tuple[Reason, ...] = (),
) -> Figure:
    """One item of the form: subtotal capped at 100, to be weighted by the total."""
    return Figure(
        code=f"benefit.{name}",
        value=subtotal.capped(TOP),
        unit=Unit.POINTS,
        formula=formula,
        citations=citations + scheme.cite(f"weight_{name}", "cap"),
        parts=parts,
        missing=missing,
        notes=notes,
        weight=scheme.weights[name],
    )


def hours_item(scheme: BenefitScheme, hours: Hours, rated_class: RatedClass | None) -> Figure:
    """Effective ÷ rated hours × 100. Without a class of the instrument it lies between the rated hours there are."""
    rated = [scheme.rated_seconds[rated_class]] if rated_class else sorted(scheme.rated_seconds.values())
    subtotal = Range(Fraction(hours.effective * 100, rated[-1]), Fraction(hours.effective * 100, rated[0]))
    missing = () if rated_class else (Reason("assessment.rated_class_missing", {}, "rated_class"),)
    used = Figure(
        "hours.effective",
        Range.of(hours.effective),
        Unit.SECONDS,
        Reason("assessment.formula.effective_hours"),
        scheme.cite("effective_hours"),
    )
    against = Figure(
        "hours.rated",
        Range.of(rated[0], rated[-1]),
        Unit.SECONDS,
        Reason("assessment.formula.rated_hours", {"class": rated_class.value if rated_class else ""}),
        scheme.cite(f"rated_hours_{rated_class.value}")
        if rated_class
        else scheme.cite(*(f"rated_hours_{each.value}" for each in RatedClass)),
    )
    formula = Reason("assessment.formula.benefit_hours")
    # Nothing used is nothing whatever the class is, so then the class is no gap.
    if subtotal.capped(TOP).exact:
        missing = ()
    return _item(scheme, "hours", subtotal, formula, scheme.cite("hours_points"), missing, (used, against))


def people_item(scheme: BenefitScheme, inputs: Inputs) -> Figure:
    points, missing = _counted(
        inputs,
        {
            InputCode.OPERATORS: scheme.operator_points,
            InputCode.ASSISTED: scheme.assisted_points,
            InputCode.SHOWN: scheme.shown_points,
        },
    )
    formula = Reason(
        "assessment.formula.benefit_people",
        {
            "operator": str(scheme.operator_points),
            "assisted": str(scheme.assisted_points),
            "group": str(1 / scheme.shown_points),
        },
    )
    citations = scheme.cite("operator_points", "assisted_points", "shown_points")
    return _item(scheme, "people", points, formula, citations, () if points.exact else missing)


def _disagreement(scheme: BenefitScheme) -> tuple[Reason, ...]:
    other = scheme.research_weight_elsewhere
    if other is None or other == scheme.weights["research"]:
        return ()
    return (
        Reason(
            "assessment.weights_disagree",
            {
                "form": str(scheme.weights["research"]),
                "supplement": str(other),
                "sum": str(100 - scheme.weights["research"] + other),
            },
        ),
    )


def research_item(scheme: BenefitScheme, inputs: Inputs) -> Figure:
    points, missing = _counted(
        inputs,
        {
            InputCode.AWARDS_NATIONAL: scheme.award_national_points,
            InputCode.AWARDS_PROVINCIAL: scheme.award_provincial_points,
            InputCode.AWARDS_SCHOOL: scheme.award_school_points,
            InputCode.PAPERS_CORE: scheme.paper_core_points,
        },
    )
    formula = Reason(
        "assessment.formula.benefit_research",
        {
            "national": str(scheme.award_national_points),
            "provincial": str(scheme.award_provincial_points),
            "school": str(scheme.award_school_points),
            "paper": str(scheme.paper_core_points),
        },
    )
    citations = scheme.cite(
        "award_national_points", "award_provincial_points", "award_school_points", "paper_core_points"
    )
    missing = () if points.exact else missing
    return _item(scheme, "research", points, formula, citations, missing, notes=_disagreement(scheme))


def income_item(scheme: BenefitScheme, income: Income) -> Figure:
    """5 points per 1,000 yuan from outside; the rate for internal income is unreadable until the institution sets one.

    Income that was refunded beyond what was earned counts as none.
    """
    external = Fraction(income.external.or_zero_if_negative().minor, 100)
    internal = Fraction(income.internal.or_zero_if_negative().minor, 100)
    low = min(external * scheme.external_points, TOP)
    missing: tuple[Reason, ...] = ()
    if scheme.internal_points is not None:
        low = min(low + internal * scheme.internal_points, TOP)
        points = Range.of(low)
    elif internal == 0:
        points = Range.of(low)  # no internal income: whatever the rate is, it earns nothing
    else:
        points = Range(low, TOP)
        if not points.exact:
            missing = (Reason("assessment.internal_rate_unknown", {}, "internal_rate"),)
    parts = tuple(
        Figure(
            f"income.{side}",
            Range.of(amount.minor),
            Unit.MONEY,
            Reason(f"assessment.formula.income_{side}"),
            scheme.cite(f"{side}_points"),
            currency=amount.currency,
        )
        for side, amount in (("external", income.external), ("internal", income.internal))
    )
    formula = Reason(
        "assessment.formula.benefit_income",
        {
            "external": str(scheme.external_points * 1000),
            "internal": "" if scheme.internal_points is None else str(scheme.internal_points * 1000),
        },
    )
    return _item(scheme, "income", points, formula, scheme.cite("external_points"), missing, parts)


def band(bands: tuple[tuple[Fraction, Fraction], ...], ratio: Fraction) -> Fraction:
    """Points of the highest band that the ratio reaches; below all of them none."""
    for at_least, points in bands:
        if ratio >= at_least:
            return points
    return Fraction(0)


def functions_item(scheme: BenefitScheme, inputs: Inputs) -> Figure:
    """Band of used ÷ original functions, and points for each function that is new this year."""
    original = inputs.get(InputCode.FUNCTIONS_ORIGINAL)
    used = inputs.get(InputCode.FUNCTIONS_USED)
    new = inputs.get(InputCode.FUNCTIONS_NEW)
    best = max(points for _, points in scheme.function_bands)
    open_codes = [
        code
        for code, value in (
            (InputCode.FUNCTIONS_ORIGINAL, original),
            (InputCode.FUNCTIONS_USED, used),
            (InputCode.FUNCTIONS_NEW, new),
        )
        if value is None
    ]
    if original is None or used is None or original == 0:
        use = Range.of(0, best)
        if original == 0:
            open_codes.append(InputCode.FUNCTIONS_ORIGINAL)  # a ratio of nothing is no ratio
    else:
        use = Range.of(band(scheme.function_bands, Fraction(used, original)))
    low = use.low + scheme.function_new_points * (new or 0)
    high = TOP if new is None else use.high + scheme.function_new_points * new
    points = Range(low, max(low, high)).capped(TOP)
    formula = Reason("assessment.formula.benefit_functions", {"new": str(scheme.function_new_points)})
    missing = () if points.exact else _missing(open_codes)
    return _item(
        scheme, "functions", points, formula, scheme.cite("function_bands", "function_new_points"), missing
    )


def grade_of(scheme: BenefitScheme, total: Fraction) -> Grade:
    """Grade of an exact total; never of a rounded one."""
    for at_least, grade in scheme.grade_from:
        if total >= at_least:
            return grade
    raise ValueError(f"no grade for {total}")


def grades_possible(scheme: BenefitScheme, total: Range) -> tuple[Grade, ...]:
    """Every grade that the range still allows, best first. One of them when the range is decided."""
    best, worst = grade_of(scheme, total.high), grade_of(scheme, total.low)
    order = [grade for _, grade in scheme.grade_from]
    return tuple(order[order.index(best) : order.index(worst) + 1])


def score(scheme: BenefitScheme, facts: InstrumentFacts) -> Figure:
    """Total of one instrument for one year: Σ weight × min(100, subtotal), as a range while something is missing."""
    items = (
        hours_item(scheme, facts.hours, facts.inputs.rated_class),
        people_item(scheme, facts.inputs),
        research_item(scheme, facts.inputs),
        income_item(scheme, facts.income),
        functions_item(scheme, facts.inputs),
    )
    total = Range.of(0)
    for item in items:
        assert item.value is not None and item.weight is not None
        total = total + item.value.times(item.weight / 100)
    return Figure(
        code="benefit.total",
        value=total,
        unit=Unit.POINTS,
        formula=Reason("assessment.formula.benefit_total"),
        citations=scheme.cite("total", "grades"),
        parts=items,
        missing=tuple(reason for item in items for reason in item.missing),
        notes=_disagreement(scheme),
    )


@dataclass(frozen=True, slots=True)
class BenefitSummary:
    """The form over an institution: our summary, for the form itself judges one instrument at a time.

    ``mean`` is the plain mean of the instruments' totals; ``grades`` counts decided ones, ``undecided`` those whose
    range spans more than one grade; ``fewest`` and ``most`` bound each grade.
    """

    mean: Figure
    grades: Mapping[Grade, int]
    undecided: int
    most: Mapping[Grade, int]


def summary(scheme: BenefitScheme, totals: list[Figure]) -> BenefitSummary:
    decided = {grade: 0 for _, grade in scheme.grade_from}
    most = dict(decided)
    undecided = 0
    sum_of = Range.of(0)
    for total in totals:
        assert total.value is not None
        sum_of = sum_of + total.value
        possible = grades_possible(scheme, total.value)
        for grade in possible:
            most[grade] += 1
        if len(possible) == 1:
            decided[possible[0]] += 1
        else:
            undecided += 1
    mean = Figure(
        code="benefit.mean",
        value=sum_of.times(Fraction(1, len(totals))) if totals else None,
        unit=Unit.POINTS,
        formula=Reason("assessment.formula.benefit_mean", {"count": len(totals)}),
        citations=scheme.cite("total"),
        missing=() if totals else (Reason("assessment.no_instruments", {}),),
    )
    return BenefitSummary(mean, decided, undecided, most)
