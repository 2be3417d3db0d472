"""One rule for every programme: a schema of parameters, and the arithmetic over them (pure).

Order of operations (policy rules §4.4): eligibility and exclusions, all told at once; deductions; tiers; cap per
service; cap of the year; quota; what others already give; smallest claim; rounding; split among the payers and
what payers add on top. Everything is exact until the one rounding.

A programme with ``basis = cumulative`` computes on the year's accepted cost so far and takes off what it granted
before: so a year of many small claims gives what one large claim would have given, to the fen.
"""

from __future__ import annotations

import decimal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from resource_hub.domain.subsidy.terms import Relation, Support, SupportFacts
from resource_hub.kernel.decision import Decision, grant, refuse
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money, round_minor
from resource_hub.rulebook import Parameters

GRADES = "ABCDE"
ROUNDINGS = {
    "down": decimal.ROUND_DOWN,
    "half_up": decimal.ROUND_HALF_UP,
    "half_even": decimal.ROUND_HALF_EVEN,
    "up": decimal.ROUND_UP,
}


@dataclass(slots=True)
class _Work:
    """The amount on its way through the steps; each step says what it was given and what it left."""

    steps: list[Reason]
    amount: Fraction

    def step(self, code: str, **values: Any) -> None:
        self.steps.append(Reason(f"subsidy.step.{code}", {**values, "exact_minor": str(self.amount)}))

    def limit(self, code: str, most: Fraction, **values: Any) -> None:
        if self.amount > most:
            self.amount = max(most, Fraction(0))
            self.step(code, **values, limit_minor=str(most))


def decide(p: Parameters, facts: SupportFacts) -> Decision[Support]:
    """What the programme gives for one charge, or every reason why it gives nothing.

    Raises:
        MissingParameter: the rulebook lacks a number that this rule needs.
    """
    currency = facts.cost.currency
    reasons = eligibility(p, facts)
    nothing = Support(Money(0, currency), Money(0, currency))
    if reasons:
        return refuse(nothing, reasons, citations=p.used)
    work = _Work([], Fraction(facts.cost.minor))
    work.step("base")
    base = _deduct(p, facts, work)
    _tiers(p, facts, work, base)
    _limits(p, facts, work)
    refused = _smallest(p, facts, work, base)
    if refused:
        return refuse(nothing, refused, citations=p.used, steps=work.steps)
    amount = _round(p, work, currency)
    parts = _parts(p, facts, work, amount)
    total = Money.sum((part for _, part in parts), currency)
    if total.is_zero:
        return refuse(
            nothing, [Reason("subsidy.refused.nothing_left", {})], citations=p.used, steps=work.steps
        )
    support = Support(total, Money(round_minor(base, decimal.ROUND_DOWN), currency), parts)
    return grant(support, citations=p.used, steps=work.steps)


def own_share(p: Parameters, support: Support) -> Money:
    """What the programme's own payers give, without what others add on top: the yearly cap counts this."""
    others = {row["payer"] for row in p.rows("on_top")} if p.states("on_top") else set()
    return Money.sum((part for payer, part in support.parts if payer not in others), support.amount.currency)


def barred_until(p: Parameters, found: date) -> date:
    """The last day of a bar for fraud found on a day: that year and so many years after it."""
    return date(found.year + p.int("bar_years"), 12, 31)


# ---- who and what


def eligibility(p: Parameters, facts: SupportFacts) -> list[Reason]:
    """Every reason at once why the programme does not apply to this charge."""
    reasons: list[Reason] = []

    def no(code: str, **values: Any) -> None:
        reasons.append(Reason(f"subsidy.refused.{code}", values))

    if p.states("customer_kinds") and facts.customer_kind not in p.words("customer_kinds"):
        no("customer_kind", kind=facts.customer_kind)
    if p.states("outside_only") and p.flag("outside_only") and not facts.outside:
        no("own_use")
    if p.states("firm_sizes") and facts.firm_size not in p.words("firm_sizes"):
        no(
            "firm_size",
            size=_size_word(facts.firm_size),
            allowed=[_size_word(w) for w in p.words("firm_sizes")],
        )
    if p.states("firm_marks") and facts.firm_marks.isdisjoint(p.words("firm_marks")):
        no("firm_marks", allowed=" ".join(p.words("firm_marks")))
    if p.states("firm_areas") and not in_area(facts.firm_area, p.words("firm_areas")):
        no("firm_area", area=facts.firm_area, allowed=" ".join(p.words("firm_areas")))
    if p.states("host_areas") and not in_area(facts.host_area, p.words("host_areas")):
        no("host_area", area=facts.host_area, allowed=" ".join(p.words("host_areas")))
    if p.states("service_classes") and facts.service_class not in p.words("service_classes"):
        no("service_class", service=facts.service_class)
    if p.states("excluded_purposes") and facts.purpose in p.words("excluded_purposes"):
        no("purpose", purpose={"word": ["subsidy.purpose", facts.purpose]})
    _parties(p, facts, no)
    _evidence(p, facts, no)
    _thresholds(p, facts, no)
    _stacking(p, facts, no)
    return reasons


def _parties(p: Parameters, facts: SupportFacts, no: Any) -> None:
    if p.states("unrelated_parties") and p.flag("unrelated_parties"):
        if facts.same_owner:
            no("same_owner")
        elif facts.relation is Relation.RELATED:
            no("related_parties")
        elif (
            facts.relation is Relation.UNDECLARED
            and p.states("declaration_needed")
            and p.flag("declaration_needed")
        ):
            no("declaration_missing")
    if facts.barred_until is not None and facts.day <= facts.barred_until:
        no("barred", until=facts.barred_until.isoformat())
    if facts.host_barred_until is not None and facts.day <= facts.host_barred_until:
        no("host_barred", until=facts.host_barred_until.isoformat())
    if p.states("host_standings") and facts.host_standing not in p.words("host_standings"):
        no("host_standing", standing=facts.host_standing, allowed=" ".join(p.words("host_standings")))


def _evidence(p: Parameters, facts: SupportFacts, no: Any) -> None:
    if facts.grade and p.states("least_grade"):
        least = p.text("least_grade")
        if GRADES.index(facts.grade) > GRADES.index(least):
            no("grade", grade=facts.grade, least=least)
    for number in facts.claimed_elsewhere:
        no("claimed_elsewhere", number=number)


def _thresholds(p: Parameters, facts: SupportFacts, no: Any) -> None:
    name = "threshold_set" if facts.instrument_set and p.states("threshold_set") else "threshold_single"
    if not p.states(name):
        return
    least = p.money(name)
    if facts.instrument_value is None:
        no("instrument_value_unknown", least=least.as_json())
    elif facts.instrument_value < least:
        no("instrument_value", value=facts.instrument_value.as_json(), least=least.as_json())


def _stacking(p: Parameters, facts: SupportFacts, no: Any) -> None:
    if p.states("exclusive_with"):
        for scheme in p.words("exclusive_with"):
            if scheme in facts.programmes_before:
                no("exclusive", scheme=scheme)
    if p.states("one_side_only") and p.flag("one_side_only") and facts.other_side:
        no("both_sides", scheme=facts.other_side[0])
    if p.states("quota_needed") and p.flag("quota_needed"):
        if facts.quota_left is None:
            no("no_quota")
        elif facts.quota_left.minor <= 0:
            no("quota_used_up")


def _size_word(size: str) -> dict[str, list[str]]:
    return {"word": ["accounts.size", size or "unknown"]}


def in_area(area: str, allowed: Sequence[str]) -> bool:
    """Areas are codes of GB/T 2260; a province's two digits take in its cities and counties. ``-`` takes out."""
    best: tuple[int, bool] = (-1, False)
    for word in allowed:
        taken_out, prefix = word.startswith("-"), word.removeprefix("-")
        if area.startswith(prefix) and len(prefix) > best[0]:
            best = (len(prefix), not taken_out)
    return best[1] and bool(area)


# ---- how much


def _deduct(p: Parameters, facts: SupportFacts, work: _Work) -> Fraction:
    """The base after deductions, such as twice the provincial voucher that was used."""
    if p.states("deductions"):
        for row in p.rows("deductions"):
            if row["kind"] != "supported":
                continue
            off = Fraction(row["factor"]) * facts.supported_before.minor
            if off:
                work.amount = max(work.amount - off, Fraction(0))
                work.step("deduction", kind=row["kind"], factor=row["factor"], off_minor=str(off))
    return work.amount


def _tiers(p: Parameters, facts: SupportFacts, work: _Work, base: Fraction) -> None:
    override = _override(p, facts)
    if override is not None:
        work.amount = base * Fraction(override["rate"])
        work.step("rate", rate=override["rate"])
        if "cap_per_person" in override:
            each = Money.of(override["cap_per_person"], facts.cost.currency).minor
            work.limit(
                "cap_per_person", Fraction(each * facts.persons), persons=facts.persons, each_minor=each
            )
        return
    tiers = _read_tiers(p.rows("tiers"), facts.cost.currency)
    if p.states("basis") and p.text("basis") == "cumulative":
        before = Fraction(facts.cumulative_before.minor)
        whole = through_tiers(tiers, before + base)
        if p.states("cap_per_year"):
            whole = min(whole, Fraction(p.money("cap_per_year").minor))
        work.amount = max(whole - facts.granted_before.minor, Fraction(0))
        work.step(
            "cumulative",
            before_minor=str(before),
            granted_before_minor=facts.granted_before.minor,
            tiers=_tiers_text(tiers),
        )
    else:
        work.amount = through_tiers(tiers, base)
        if len(tiers) == 1:
            work.step("rate", rate=str(tiers[0][1]))
        else:
            work.step("tiers", tiers=_tiers_text(tiers))


def _override(p: Parameters, facts: SupportFacts) -> Mapping[str, str] | None:
    """The first row of ``rate_overrides`` whose every condition fits."""
    if not p.states("rate_overrides"):
        return None
    for row in p.rows("rate_overrides"):
        fits = (
            ("area" not in row or in_area(facts.firm_area, row["area"].split()))
            and ("mark" not in row or row["mark"] in facts.firm_marks)
            and ("size" not in row or facts.firm_size in row["size"].split())
            and ("service" not in row or facts.service_class in row["service"].split())
        )
        if fits:
            return row
    return None


Tier = tuple[Fraction | None, Fraction]


def _read_tiers(rows: Sequence[Mapping[str, str]], currency: str) -> list[Tier]:
    tiers: list[Tier] = []
    for row in rows:
        upto = Fraction(Money.of(row["upto"], currency).minor) if row.get("upto") else None
        tiers.append((upto, Fraction(row["rate"])))
    return sorted(tiers, key=lambda tier: (tier[0] is None, tier[0] or 0))


def _tiers_text(tiers: Sequence[Tier]) -> str:
    return "; ".join(f"{'' if upto is None else upto}:{rate}" for upto, rate in tiers)


def through_tiers(tiers: Sequence[Tier], base: Fraction) -> Fraction:
    """Support on a base, each part of it by the rate of its tier; beyond the last limit nothing is given."""
    total, below = Fraction(0), Fraction(0)
    for upto, rate in tiers:
        edge = base if upto is None else min(base, upto)
        if edge > below:
            total += (edge - below) * rate
            below = edge
    return total


def _limits(p: Parameters, facts: SupportFacts, work: _Work) -> None:
    if p.states("cap_per_service"):
        work.limit("cap_per_service", Fraction(p.money("cap_per_service").minor))
    cap = _yearly_cap(p, facts)
    if cap is not None:
        work.limit("cap_per_year", Fraction(cap - facts.granted_before.minor), cap_minor=cap)
    if facts.quota_left is not None:
        work.limit("quota", Fraction(facts.quota_left.minor))
    # Law 5: what all programmes of one side give together never exceeds the cost, nor the ratio that a rule states.
    room = Fraction(facts.cost.minor)
    if p.states("combined_ratio"):
        room *= p.ratio("combined_ratio")
    work.limit("others", room - facts.supported_before.minor, others_minor=facts.supported_before.minor)


def _yearly_cap(p: Parameters, facts: SupportFacts) -> int | None:
    if p.states("caps_by_class"):
        for row in p.rows("caps_by_class"):
            if facts.firm_size in row.get("size", facts.firm_size).split() and (
                "mark" not in row or row["mark"] in facts.firm_marks
            ):
                return Money.of(row["cap"], facts.cost.currency).minor
    return p.money("cap_per_year").minor if p.states("cap_per_year") else None


def _smallest(p: Parameters, facts: SupportFacts, work: _Work, base: Fraction) -> list[Reason]:
    if not p.states("min_claim"):
        return []
    least = p.money("min_claim")
    on = p.text("min_claim_on")
    measured = base if on == "base" else work.amount
    if measured < least.minor:
        return [
            Reason(
                "subsidy.refused.too_small",
                {"least": least.as_json(), "on": on, "found_minor": str(measured)},
            )
        ]
    return []


def _round(p: Parameters, work: _Work, currency: str) -> Money:
    mode = p.text("rounding")
    step = p.money("round_to").minor if p.states("round_to") else 1
    minor = round_minor(work.amount / step, ROUNDINGS[mode]) * step
    if Fraction(minor) != work.amount:
        work.amount = Fraction(minor)
        work.step("rounded", mode=mode, to_minor=step)
    return Money(minor, currency)


def _parts(p: Parameters, facts: SupportFacts, work: _Work, amount: Money) -> tuple[tuple[str, Money], ...]:
    """The payers' shares of the amount, and what others add on top of it, each within its own cap."""
    currency = amount.currency
    parts: list[tuple[str, Money]] = []
    if p.states("split"):
        rows = p.rows("split")
        shares = [Fraction(row["share"]) for row in rows]
        scale = 1
        for share in shares:
            scale = scale * share.denominator
        for row, part in zip(rows, amount.split([int(share * scale) for share in shares]), strict=True):
            parts.append((row["payer"], _own_cap(row, part, facts, work)))
    else:
        parts.append((p.text("payer"), amount))
    if p.states("on_top"):
        mode = ROUNDINGS[p.text("rounding")]
        payers = {row["payer"] for row in p.rows("on_top")}
        added_before = Money.sum((v for payer, v in facts.own_before.items() if payer in payers), currency)
        for row in p.rows("on_top"):
            if "area" in row and not in_area(facts.firm_area, row["area"].split()):
                continue
            added = _own_cap(row, amount.share(Fraction(row["ratio"]), mode), facts, work)
            given = Money.sum((part for _, part in parts), currency)
            room = (facts.cost - facts.supported_before - given).or_zero_if_negative()
            if p.states("cap_together"):
                before = facts.granted_before + added_before
                room = min(room, (p.money("cap_together") - before - given).or_zero_if_negative())
            added = min(added, room)
            if not added.is_zero:
                work.amount += added.minor
                work.step("on_top", payer=row["payer"], ratio=row["ratio"], added_minor=added.minor)
                parts.append((row["payer"], added))
    return tuple((payer, part) for payer, part in parts if not part.is_zero)


def _own_cap(row: Mapping[str, str], part: Money, facts: SupportFacts, work: _Work) -> Money:
    if "own_cap" not in row:
        return part
    before = facts.own_before.get(row["payer"], Money(0, part.currency))
    room = (Money.of(row["own_cap"], part.currency) - before).or_zero_if_negative()
    if part > room:
        work.step("own_cap", payer=row["payer"], limit_minor=room.minor)
        return room
    return part
