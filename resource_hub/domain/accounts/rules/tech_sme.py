"""Technology SMEs: ceilings, exclusions, score. Source: rulebook ``cn.tech_sme`` (国科发政〔2017〕115号)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from resource_hub.kernel.decision import Citation, Decision, grant, refuse
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money

_UNIT = Money.cny(10_000)


@dataclass(frozen=True, slots=True)
class TechSmeFacts:
    """What the assessment asks for a year. ``rd_basis`` says against what R&D spending is measured: sales or costs."""

    staff: int
    tech_staff: int
    sales: Money
    assets: Money
    rd_spending: Money
    rd_basis: str = "sales"
    costs: Money | None = None
    class_one_rights: int = 0
    class_two_rights: int = 0
    resident: bool = True
    banned_line: bool = False
    serious_breach: bool = False
    hnte_certificate: bool = False
    national_award: bool = False
    recognised_rd_body: bool = False
    led_standard: bool = False


@dataclass(frozen=True, slots=True)
class TechSmeTable:
    """One version of ceilings and bands. Bands run from high to low; a lower limit is inclusive."""

    version: str
    pass_score: int
    staff_max: int
    sales_max: Money
    assets_max: Money
    tech_staff: tuple[tuple[Fraction, int], ...]
    rd: Mapping[str, tuple[tuple[Fraction, int], ...]]
    class_one: int
    class_two: tuple[tuple[int, int], ...]
    citation: Citation

    @classmethod
    def from_data(cls, entry: Mapping[str, Any]) -> TechSmeTable:
        def bands(rows: Sequence[Sequence[Any]]) -> tuple[tuple[Fraction, int], ...]:
            return tuple(sorted(((Fraction(low), int(points)) for low, points in rows), reverse=True))

        source = entry["source"]
        return cls(
            version=str(entry["version"]),
            pass_score=entry["pass_score"],
            staff_max=entry["staff_max"],
            sales_max=_UNIT * entry["sales_max"],
            assets_max=_UNIT * entry["assets_max"],
            tech_staff=bands(entry["tech_staff"]["bands"]),
            rd={"sales": bands(entry["rd_of_sales"]["bands"]), "costs": bands(entry["rd_of_costs"]["bands"])},
            class_one=entry["property"]["class_one"],
            class_two=tuple(sorted(((n, p) for n, p in entry["property"]["class_two"]), reverse=True)),
            citation=Citation(
                source["document"], source.get("article", ""), source.get("title", ""), source["mark"],
                "cn.tech_sme", str(entry["version"]),
            ),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TechSmeScore:
    staff_points: int
    rd_points: int
    property_points: int
    without_score: bool = False

    @property
    def total(self) -> int:
        return self.staff_points + self.rd_points + self.property_points


def points_of(ratio: Fraction, bands: Sequence[tuple[Fraction, int]]) -> int:
    return next((points for low, points in bands if ratio >= low), 0)


def tech_sme(facts: TechSmeFacts, table: TechSmeTable) -> Decision[TechSmeScore]:
    """Whether a firm counts as a technology SME, with the three scores; all failed conditions at once.

    Raises:
        ValueError: the R&D basis is neither sales nor costs, or costs are asked for and missing.
    """
    if facts.rd_basis not in table.rd or (facts.rd_basis == "costs" and facts.costs is None):
        raise ValueError(f"R&D spending cannot be measured against {facts.rd_basis!r}")
    base = facts.sales if facts.rd_basis == "sales" else facts.costs
    assert base is not None
    staff_ratio = Fraction(facts.tech_staff, facts.staff) if facts.staff > 0 else Fraction(0)
    # Without any sales or costs there is no ratio to reach a band with.
    rd_ratio = Fraction(facts.rd_spending.minor, base.minor) if base.minor > 0 else Fraction(0)
    rights = (
        table.class_one
        if facts.class_one_rights >= 1
        else next((points for number, points in table.class_two if facts.class_two_rights >= number), 0)
    )
    direct = facts.hnte_certificate or facts.national_award or facts.recognised_rd_body or facts.led_standard
    score = TechSmeScore(
        points_of(staff_ratio, table.tech_staff),
        points_of(rd_ratio, table.rd[facts.rd_basis]),
        rights,
        direct,
    )
    failed = _failed_conditions(facts, table)
    if not direct:
        if score.staff_points == 0:
            failed.append(Reason("accounts.tech_sme.no_staff_points", {}, "tech_staff"))
        if score.total < table.pass_score:
            failed.append(
                Reason("accounts.tech_sme.score", {"score": score.total, "needed": table.pass_score})
            )
    if failed:
        return refuse(score, failed, citations=[table.citation])
    return grant(score, citations=[table.citation])


def _failed_conditions(facts: TechSmeFacts, table: TechSmeTable) -> list[Reason]:
    failed = []
    if not facts.resident:
        failed.append(Reason("accounts.tech_sme.not_resident", {}, "resident"))
    if facts.staff > table.staff_max:
        failed.append(
            Reason("accounts.tech_sme.staff", {"staff": facts.staff, "max": table.staff_max}, "staff")
        )
    if facts.sales > table.sales_max:
        failed.append(Reason("accounts.tech_sme.sales", {"max": str(table.sales_max.amount)}, "sales"))
    if facts.assets > table.assets_max:
        failed.append(Reason("accounts.tech_sme.assets", {"max": str(table.assets_max.amount)}, "assets"))
    if facts.banned_line:
        failed.append(Reason("accounts.tech_sme.banned_line", {}, "banned_line"))
    if facts.serious_breach:
        failed.append(Reason("accounts.tech_sme.serious_breach", {}, "serious_breach"))
    return failed
