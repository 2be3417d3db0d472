"""The rulebook's parameters as frozen records for the rules. Chosen by the last day of the period that is judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from resource_hub.domain.assessment.rules.benefit import ITEMS, BenefitScheme
from resource_hub.domain.assessment.rules.national import Indicator, Published, Structure
from resource_hub.domain.assessment.rules.open_sharing import OpenSharingRules
from resource_hub.domain.assessment.rules.ratios import RatioRules
from resource_hub.domain.assessment.rules.watch import WatchRules
from resource_hub.domain.assessment.terms import Grade, Period, RatedClass, SchemeVersion
from resource_hub.kernel.decision import Citation
from resource_hub.rulebook import Parameters, scheme

BENEFIT = "cn/assessment_benefit"
NATIONAL = "cn/assessment_national"
PUBLISHED = "cn/assessment_published"
OPEN_SHARING = "cn/assessment_open_sharing"
INTERNAL_RATE = "internal_points"

_BENEFIT_POINTS = (
    "operator_points",
    "assisted_points",
    "shown_points",
    "award_national_points",
    "award_provincial_points",
    "award_school_points",
    "paper_core_points",
    "external_points",
)


def parameters(code: str, period: Period, version: str | None = None) -> Parameters:
    """The version in force on the last day of the period, or the one named.

    Raises:
        NotInForce: the scheme has no version on that day.
        UnknownScheme: no version of that name.
    """
    found = scheme(code)
    return found.version(version) if version else found.on(period.last)


def version_of(read: Parameters) -> SchemeVersion:
    version = read.version
    return SchemeVersion(read.scheme.code, version.name, version.valid_from, version.valid_to)


def _citations(read: Parameters) -> dict[str, tuple[Citation, ...]]:
    return {name: (read.cite(name),) for name in read.names() if read.has(name)}


def _points(read: Parameters, name: str) -> Fraction:
    return Fraction(read.text(name))


def benefit(read: Parameters, entered: Mapping[str, str] | None = None) -> BenefitScheme:
    """The benefit form as the rules want it. ``entered``: what an institution set where the copy is unreadable.

    Raises:
        MissingParameter: a readable parameter is not there; only the internal rate may be unknown.
        BrokenScheme: the weights do not add up to 100.
    """
    read = (
        read.with_entered({INTERNAL_RATE: entered[INTERNAL_RATE]})
        if entered and INTERNAL_RATE in entered
        else read
    )
    weights = {item: Fraction(read.text(f"weight_{item}")) for item in ITEMS}
    if sum(weights.values()) != 100:
        raise ValueError(f"the weights of {read.key} add up to {sum(weights.values())}, not to 100")
    points = {name: _points(read, name) for name in _BENEFIT_POINTS}
    return BenefitScheme(
        version=read.version.name,
        weights=weights,
        rated_seconds=rated_seconds(read),
        internal_points=_points(read, INTERNAL_RATE) if read.has(INTERNAL_RATE) else None,
        function_bands=tuple(
            sorted(
                ((Fraction(row["at_least"]), Fraction(row["points"])) for row in read.rows("function_bands")),
                reverse=True,
            )
        ),
        function_new_points=_points(read, "function_new_points"),
        grade_from=tuple(
            sorted(
                ((Fraction(row["at_least"]), Grade(row["grade"])) for row in read.rows("grades")),
                key=lambda pair: -pair[0],
            )
        ),
        threshold=read.money("threshold"),
        report_threshold=read.money("report_threshold"),
        research_weight_elsewhere=_points(read, "weight_research_supplement")
        if read.has("weight_research_supplement")
        else None,
        citations=_citations(read),
        **points,
    )


def rated_seconds(read: Parameters) -> dict[RatedClass, int]:
    return {each: read.int(f"rated_hours_{each.value}") * 3600 for each in RatedClass}


def ratios(read: Parameters) -> RatioRules:
    return RatioRules(
        version=read.version.name,
        base_seconds=read.int("utilisation_base") * 3600,
        threshold=read.money("threshold"),
        citations=_citations(read),
    )


def watch(national: Parameters, form: Parameters) -> WatchRules:
    """Limits of the watch-lists: terms of the national scheme, rated hours of the benefit form."""
    return WatchRules(
        listing_working_days=national.int("listing_term"),
        low_sharing_percent=Fraction(national.text("low_sharing")),
        first_use_days=national.int("first_use"),
        rated_seconds=rated_seconds(form),
        citations={**_citations(form), **_citations(national)},
    )


def structure(read: Parameters) -> Structure:
    """The tree of indicators of a national version; weights are there only when a source gave them."""
    rows = list(read.rows("structure"))

    def build(row: Mapping[str, str]) -> Indicator:
        return Indicator(
            code=row["code"],
            name_zh=row["zh"],
            name_en=row["en"],
            weight=Fraction(row["weight"]) if row.get("weight") else None,
            figures=tuple(row["figures"].split()),
            children=tuple(build(child) for child in rows if child["under"] == row["code"]),
        )

    return Structure(
        version=read.version.name,
        every_years=read.int("every_years") if read.has("every_years") else None,
        indicators=tuple(build(row) for row in rows if not row["under"]),
        citations=(read.cite("structure"),),
    )


def published(on: date) -> list[Published]:
    """Published rounds, oldest first."""
    read = scheme(PUBLISHED).on(on)
    base = read.cite("results")

    def number(text: str) -> int | None:
        return int(text) if text else None

    return [
        Published(
            round_year=int(row["round"]),
            data_year=int(row["data_year"]),
            units=number(row["units"]),
            mean_effective_hours=number(row["effective"]),
            mean_external_hours=number(row["external"]),
            sharing_percent=number(row["sharing"]),
            grades=(number(row["excellent"]), number(row["good"]), number(row["pass"]), number(row["poor"])),
            citation=Citation(
                document=base.document,
                article=f"{row['round']}",
                title=base.title,
                mark=row["mark"],
                parameter="results",
                version=base.version,
            ),
        )
        for row in read.rows("results")
    ]


def open_sharing(read: Parameters) -> OpenSharingRules:
    return OpenSharingRules(
        sharing_full=_points(read, "sharing_full"),
        sharing_top=_points(read, "sharing_top"),
        income_full=_points(read, "income_full"),
        income_top=_points(read, "income_top"),
        external_factor=_points(read, "external_factor"),
        hours_step=read.int("hours_step"),
        hours_top=_points(read, "hours_top"),
        function_use_top=_points(read, "function_use_top"),
        functions_new_full=read.int("functions_new_full"),
        functions_new_top=_points(read, "functions_new_top"),
    )
