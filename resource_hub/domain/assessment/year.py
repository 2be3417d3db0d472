"""An institution's year as one record: every figure of every screen and export is taken from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from resource_hub.domain.assessment import schemes
from resource_hub.domain.assessment.errors import NoSuchFigure
from resource_hub.domain.assessment.rules import benefit, national, open_sharing, ratios, watch
from resource_hub.domain.assessment.terms import (
    BENEFIT_INPUTS,
    Figure,
    Grade,
    InputCode,
    InstrumentFacts,
    Period,
    Rows,
    SchemeVersion,
    Unit,
    Watch,
    WatchCode,
)
from resource_hub.kernel.errors import Reason
from resource_hub.rulebook import Parameters


@dataclass(frozen=True)
class Rules:
    """All parameters of one period, read once."""

    form: benefit.BenefitScheme
    form_version: SchemeVersion
    ratios: ratios.RatioRules
    national_version: SchemeVersion
    watch: watch.WatchRules
    structure: national.Structure
    generic: open_sharing.OpenSharingRules
    digests: Mapping[str, str]

    @classmethod
    def of(
        cls, period: Period, entered: Mapping[str, str], versions: Mapping[str, str] | None = None
    ) -> Rules:
        """Rules of a period. ``versions`` (scheme → name) replays an earlier choice.

        Raises:
            NotInForce, MissingParameter: the rulebook has nothing for that period.
        """
        names = versions or {}

        def read(code: str) -> Parameters:
            return schemes.parameters(code, period, names.get(code))

        form, measures, generic = read(schemes.BENEFIT), read(schemes.NATIONAL), read(schemes.OPEN_SHARING)
        return cls(
            form=schemes.benefit(form, entered),
            form_version=schemes.version_of(form),
            ratios=schemes.ratios(measures),
            national_version=schemes.version_of(measures),
            watch=schemes.watch(measures, form),
            structure=schemes.structure(measures),
            generic=schemes.open_sharing(generic),
            digests={each.scheme.code: each.version.digest for each in (form, measures)},
        )


@dataclass(frozen=True)
class InstrumentYear:
    """One instrument's year."""

    facts: InstrumentFacts
    period: Period
    rules: Rules
    institution_id: UUID
    as_of: datetime
    listing_due: date | None
    judged_on: date

    @property
    def _rows(self) -> Rows:
        return Rows(self.institution_id, self.period.since, self.period.until, (self.facts.resource_id,))

    @property
    def in_form(self) -> bool:
        """Whether the benefit form asks for this instrument."""
        return benefit.in_scope(self.rules.form, self.facts)

    @cached_property
    def total(self) -> Figure | None:
        """The benefit form's total; None where the form does not ask for this instrument."""
        if not self.in_form:
            return None
        figure = benefit.score(self.rules.form, self.facts)
        return placed(figure, self.rules.form_version, self.as_of, self._rows)

    @cached_property
    def grades(self) -> tuple[Grade, ...]:
        if self.total is None or self.total.value is None:
            return ()
        return benefit.grades_possible(self.rules.form, self.total.value)

    @cached_property
    def measures(self) -> dict[str, Figure]:
        found = ratios.instrument_measures(self.rules.ratios, self.facts)
        version = self.rules.national_version
        return {code: placed(figure, version, self.as_of, self._rows) for code, figure in found.items()}

    @cached_property
    def watches(self) -> list[Watch]:
        return watch.watches(self.rules.watch, self.facts, self.period, self.listing_due, self.judged_on)

    @property
    def inputs_missing(self) -> list[InputCode]:
        return self.facts.inputs.missing(BENEFIT_INPUTS) if self.in_form else []

    def figures(self) -> dict[str, Figure]:
        """Every figure of the instrument, parts of the form's total included, by code."""
        found = dict(self.measures)
        if self.total is not None:
            for figure in self.total.walk():
                found.setdefault(figure.code, figure)
        return found


@dataclass(frozen=True)
class Gap:
    """Something that keeps figures open, with how many instruments it concerns."""

    code: str
    count: int
    resource_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class InstitutionYear:
    """A legal person's year."""

    institution_id: UUID
    period: Period
    rules: Rules
    as_of: datetime
    today: date
    instruments: tuple[InstrumentYear, ...]
    entered: Mapping[str, str]
    entered_version: int

    @property
    def days_left(self) -> int:
        """Days until the period ends, the last day included; 0 when it is over."""
        return max(0, (self.period.until - self.today).days)

    @property
    def judged_on(self) -> date:
        """The day on which open terms are judged: today, or the end of a period that is over."""
        return min(self.today, self.period.until)

    @property
    def over(self) -> bool:
        return self.today >= self.period.until

    @cached_property
    def scored(self) -> tuple[InstrumentYear, ...]:
        return tuple(each for each in self.instruments if each.in_form)

    @cached_property
    def in_ratios(self) -> tuple[InstrumentYear, ...]:
        return tuple(each for each in self.instruments if ratios.in_scope(self.rules.ratios, each.facts))

    @cached_property
    def benefit(self) -> benefit.BenefitSummary:
        found = benefit.summary(self.rules.form, [each.total for each in self.scored if each.total])
        rows = self._rows(self.scored)
        mean = placed(found.mean, self.rules.form_version, self.as_of, rows)
        return replace(found, mean=replace(mean, parts=()))

    @cached_property
    def measures(self) -> dict[str, Figure]:
        due = {each.facts.resource_id: each.listing_due for each in self.instruments}
        found = ratios.institution_measures(
            self.rules.ratios,
            [each.facts for each in self.instruments],
            lambda facts: watch.is_late(facts, due[facts.resource_id], self.judged_on),
        )
        rows = self._rows(self.in_ratios)
        version = self.rules.national_version
        return {code: placed(figure, version, self.as_of, rows) for code, figure in found.items()}

    @cached_property
    def income(self) -> dict[str, Figure]:
        """Income from all instruments, whatever they cost."""
        found = {}
        for side in ("external", "internal"):
            amounts = [getattr(each.facts.income, side) for each in self.instruments]
            currencies = sorted({amount.currency for amount in amounts}) or ["CNY"]
            currency = "CNY" if "CNY" in currencies else currencies[0]
            minor = sum(amount.minor for amount in amounts if amount.currency == currency)
            others = sum(1 for a in amounts if a.currency != currency and a.minor)
            missing = (Reason("assessment.other_currencies", {"count": others}),) if others else ()
            figure = Figure(
                f"income.{side}",
                national.Range.of(minor),
                Unit.MONEY,
                Reason(f"assessment.formula.income_{side}"),
                currency=currency,
                missing=missing,
            )
            version = self.rules.national_version
            found[figure.code] = placed(figure, version, self.as_of, self._rows(self.instruments))
        return found

    @cached_property
    def national_total(self) -> Figure:
        figure = national.score(self.rules.structure)
        return placed(figure, self.rules.national_version, self.as_of, None)

    @cached_property
    def watches(self) -> dict[WatchCode, list[tuple[InstrumentYear, Watch]]]:
        """Watch-lists over the instruments in scope of the national measures or of the form."""
        found: dict[WatchCode, list[tuple[InstrumentYear, Watch]]] = {code: [] for code in WatchCode}
        for each in self.instruments:
            if not each.in_form and not ratios.in_scope(self.rules.ratios, each.facts):
                continue
            for one in each.watches:
                found[one.code].append((each, one))
        return {code: rows for code, rows in found.items() if rows}

    @cached_property
    def gaps(self) -> list[Gap]:
        """What is missing before the figures are whole, most urgent first."""

        def gap(code: str, rows: Sequence[InstrumentYear]) -> Gap:
            return Gap(code, len(rows), tuple(each.facts.resource_id for each in rows))

        timed = [e for e in self.instruments if e.facts.kind in ("instrument", "facility")]
        found = [
            gap("inputs", [e for e in self.scored if e.inputs_missing]),
            gap("rated_class", [e for e in self.scored if e.facts.inputs.rated_class is None]),
            gap(
                "internal_rate",
                [
                    e
                    for e in self.scored
                    if self.rules.form.internal_points is None and e.facts.income.internal.minor > 0
                ],
            ),
            gap("original_value", [e for e in timed if e.facts.original_value is None]),
            gap("accepted_on", [e for e in self.in_ratios if e.facts.accepted_on is None]),
        ]
        return [each for each in found if each.count]

    @cached_property
    def published(self) -> national.Published | None:
        """The published national result to compare with."""
        return national.nearest(schemes.published(self.today), self.period.since.year)

    def instrument(self, resource_id: UUID) -> InstrumentYear:
        for each in self.instruments:
            if each.facts.resource_id == resource_id:
                return each
        raise NoSuchFigure(resource=str(resource_id))

    def figures(self) -> dict[str, Figure]:
        """Every figure of the institution by code."""
        found = {**self.measures, **self.income}
        for figure in (self.benefit.mean, self.national_total):
            found[figure.code] = figure
        return found

    def _rows(self, instruments: Sequence[InstrumentYear]) -> Rows:
        ids = tuple(each.facts.resource_id for each in instruments)
        return Rows(self.institution_id, self.period.since, self.period.until, ids)


_EXTERNAL = ("hours.external", "hours.mean_external", "income.external")
_WITHOUT_ROWS = ("count.instruments", "hours.rated", "ratio.bookable", "ratio.opening", "ratio.late_listing")


def placed(figure: Figure, version: SchemeVersion, as_of: datetime, rows: Rows | None) -> Figure:
    """The figure with scheme, time and the question for its rows, narrowed to what it counts."""

    def narrowed(each: Figure) -> Figure:
        own = rows
        if own is not None and each.code in _EXTERNAL:
            own = replace(own, external=True)
        elif own is not None and each.code == "income.internal":
            own = replace(own, external=False)
        elif each.code in _WITHOUT_ROWS:
            own = None
        return replace(
            each,
            scheme=version,
            as_of=as_of,
            rows=own,
            parts=tuple(narrowed(part) for part in each.parts),
        )

    return narrowed(figure)
