"""Structures of the national evaluation: which indicators a version names. No score is made of them.

The weights of the national versions were not found, so they are no numbers here: an indicator without a known weight
says so, and a total is not invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from resource_hub.domain.assessment.terms import Figure, Range, Unit
from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import Reason


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator of a version. ``figures`` are codes of measures that speak of it; often there is none."""

    code: str
    name_zh: str
    name_en: str
    weight: Fraction | None
    figures: tuple[str, ...] = ()
    children: tuple[Indicator, ...] = ()


@dataclass(frozen=True, slots=True)
class Structure:
    """The tree of one version, with its source and how often it is run."""

    version: str
    every_years: int | None
    indicators: tuple[Indicator, ...]
    citations: tuple[Citation, ...]

    @property
    def scorable(self) -> bool:
        """True only when every leaf has a weight from a source."""
        return bool(self.indicators) and all(leaf.weight is not None for leaf in self.leaves())

    def leaves(self) -> list[Indicator]:
        found: list[Indicator] = []
        for first in self.indicators:
            found.extend(first.children or (first,))
        return found


def score(structure: Structure) -> Figure:
    """The total of the national evaluation: unknown, and said so, as long as the weights are."""
    missing = (
        () if structure.scorable else (Reason("assessment.weights_unknown", {"version": structure.version}),)
    )
    return Figure(
        "national.total",
        None,
        Unit.POINTS,
        Reason("assessment.formula.national_total"),
        structure.citations,
        missing=missing or (Reason("assessment.experts_decide", {}),),
    )


@dataclass(frozen=True, slots=True)
class Published:
    """A published result of a round, for comparison. Hours in whole hours; None where nothing was published."""

    round_year: int
    data_year: int
    units: int | None
    mean_effective_hours: int | None
    mean_external_hours: int | None
    sharing_percent: int | None
    grades: tuple[int | None, int | None, int | None, int | None]
    citation: Citation

    def units_by_grade(self) -> int | None:
        """The sum of the grades, when all four are known."""
        counts = [count for count in self.grades if count is not None]
        return sum(counts) if len(counts) == 4 else None


def nearest(results: list[Published], data_year: int) -> Published | None:
    """The result to compare a year with: the same data year, else the latest before it that has mean hours."""
    usable = [r for r in results if r.mean_effective_hours is not None and r.data_year <= data_year]
    return max(usable, key=lambda r: r.data_year, default=None)


def against(own: Figure, published_hours: int) -> Fraction | None:
    """Own mean hours in percent of the published mean."""
    if own.value is None or not own.exact:
        return None
    return Fraction(own.value.point * 100, published_hours * 3600)


def open_value(value: Range | None) -> bool:
    """Whether a figure still has something open."""
    return value is None or not value.exact
