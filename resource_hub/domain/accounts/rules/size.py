"""Size class of an enterprise by sector, staff, income and assets of a day.

Source: rulebook ``cn.sme_size`` (工信部联企业〔2011〕300号). Large, medium and small need every bound that the
sector's row names; what misses one of them drops a class; micro is the rest. A bound is reached by the number itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from resource_hub.domain.accounts.terms import FirmFacts, SizeClass
from resource_hub.kernel.decision import Citation, Decision, grant, refuse
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money

_DESCENDING = (SizeClass.LARGE, SizeClass.MEDIUM, SizeClass.SMALL)
_MEASURES = ("staff", "income", "assets")
# The table counts income and assets in units of 10,000 yuan.
_UNIT = Money.cny(10_000)


@dataclass(frozen=True, slots=True)
class SizeTable:
    """One version of the table: lower bounds by sector and class, and the citation with marks that differ by row."""

    version: str
    sectors: Mapping[str, Mapping[SizeClass, Mapping[str, int]]]
    citation: Citation
    marks: Mapping[tuple[str, SizeClass], str]

    @classmethod
    def from_data(cls, entry: Mapping[str, Any]) -> SizeTable:
        """Build from one ``[[in_force]]`` entry of the rulebook file; refuses unknown measures and classes."""
        source = entry["source"]
        citation = Citation(
            source["document"], source.get("article", ""), source.get("title", ""), source["mark"],
            "cn.sme_size", str(entry["version"]),
        )  # fmt: skip
        sectors: dict[str, dict[SizeClass, dict[str, int]]] = {}
        marks: dict[tuple[str, SizeClass], str] = {}
        for sector, row in entry["sectors"].items():
            bounds = {SizeClass(name): dict(row[name]) for name in row if name != "marks"}
            if set(bounds) != set(_DESCENDING) or any(set(b) - set(_MEASURES) for b in bounds.values()):
                raise ValueError(f"size table {entry['version']}: row {sector} is not complete")
            sectors[sector] = bounds
            for name, mark in row.get("marks", {}).items():
                marks[(sector, SizeClass(name))] = mark
        return cls(str(entry["version"]), sectors, citation, marks)

    def cite(self, sector: str, consulted: tuple[SizeClass, ...]) -> Citation:
        """The citation with the weakest mark among the bounds that were consulted."""
        weak = [self.marks[(sector, c)] for c in consulted if (sector, c) in self.marks]
        return Citation(
            self.citation.document, self.citation.article, self.citation.title, weak[0] if weak else self.citation.mark,
            self.citation.parameter, self.version,
        )  # fmt: skip


def size_class(facts: FirmFacts, table: SizeTable) -> Decision[SizeClass | None]:
    """The class with its reasons; refused when the sector is unknown or a measure it needs is missing.

    A missing measure is fatal only when it could change the answer: a firm with 9 staff in industry is micro whatever
    its income.
    """
    row = table.sectors.get(facts.sector)
    if row is None:
        return refuse(None, [Reason("accounts.size.unknown_sector", {"sector": facts.sector}, "sector")])
    steps: list[Reason] = []
    consulted: list[SizeClass] = []
    for size in _DESCENDING:
        consulted.append(size)
        verdict, missing = _reaches(facts, row[size])
        if verdict is None:
            reasons = [
                Reason(
                    "accounts.size.missing", {"measure": m, "sector": facts.sector, "class": size.value}, m
                )
                for m in missing
            ]
            return refuse(
                None, reasons, citations=[table.cite(facts.sector, tuple(consulted))], steps=tuple(steps)
            )
        steps.append(
            Reason(
                "accounts.size.reached" if verdict else "accounts.size.missed",
                {"class": size.value, "bounds": dict(row[size])},
            )
        )
        if verdict:
            return grant(size, citations=[table.cite(facts.sector, tuple(consulted))], steps=steps)
    return grant(SizeClass.MICRO, citations=[table.cite(facts.sector, tuple(consulted))], steps=steps)


def _reaches(facts: FirmFacts, bounds: Mapping[str, int]) -> tuple[bool | None, list[str]]:
    """True when all bounds are reached, False when one is surely missed, None when a missing measure decides."""
    missing: list[str] = []
    for measure, bound in bounds.items():
        value = getattr(facts, measure)
        if value is None:
            missing.append(measure)
        elif measure == "staff":
            if value < bound:
                return False, []
        elif value < _UNIT * bound:
            return False, []
    return (None, missing) if missing else (True, [])


def ten_thousands(text: str) -> Money:
    """Money from a figure typed in units of 10,000 yuan: ``"2,000.5"`` is 20,005,000 yuan."""
    return Money.cny(Decimal(text.replace(",", "").strip()) * 10_000)
