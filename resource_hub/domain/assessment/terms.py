"""Words of assessment: figures that explain themselves, ranges for what is not known yet, facts of a year (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any
from uuid import UUID

from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money, round_minor


class SchemeCode(StrEnum):
    """Schemes by which a year is judged. Each has dated versions in the rulebook."""

    BENEFIT = "benefit"  # the ministry's yearly benefit form, per instrument
    NATIONAL = "national"  # the national evaluation of open sharing, per legal person
    OPEN_SHARING = "open_sharing"  # a university's form, per institution


class PeriodKind(StrEnum):
    CALENDAR_YEAR = "calendar_year"
    SCHOOL_YEAR = "school_year"  # 1 September to 31 August


class Grade(StrEnum):
    """Grades of the benefit form. The national evaluation calls its lowest one *poor*, not *fail*."""

    EXCELLENT = "excellent"
    GOOD = "good"
    PASS = "pass"  # noqa: S105
    FAIL = "fail"


class Unit(StrEnum):
    SECONDS = "seconds"
    PERCENT = "percent"
    POINTS = "points"
    COUNT = "count"
    MONEY = "money"
    DAYS = "days"


class RatedClass(StrEnum):
    """Class of an instrument on the benefit form; its rated hours hang on it."""

    INSTRUMENT_GENERAL = "instrument_general"  # category 03, general purpose
    INSTRUMENT_SPECIAL = "instrument_special"  # category 03, special purpose
    MECHANICAL = "mechanical"  # category 04


class InputCode(StrEnum):
    """What only people know about an instrument's year. The wording of the form stands in the rulebook."""

    OPERATORS = "operators"
    ASSISTED = "assisted"
    SHOWN = "shown"
    AWARDS_NATIONAL = "awards_national"
    AWARDS_PROVINCIAL = "awards_provincial"
    AWARDS_SCHOOL = "awards_school"
    PAPERS_CORE = "papers_core"
    PAPERS_INDEXED = "papers_indexed"
    PATENTS_TEACHERS = "patents_teachers"
    PATENTS_STUDENTS = "patents_students"
    FUNCTIONS_ORIGINAL = "functions_original"
    FUNCTIONS_USED = "functions_used"
    FUNCTIONS_NEW = "functions_new"
    PROJECTS_TEACHING = "projects_teaching"
    PROJECTS_RESEARCH = "projects_research"
    PROJECTS_SERVICE = "projects_service"
    TRAINED_STUDENTS = "trained_students"
    TRAINED_TEACHERS = "trained_teachers"
    TRAINED_OTHERS = "trained_others"


# What the benefit form asks; the rest is asked by the ministry's yearly data table only and never blocks a score.
BENEFIT_INPUTS = (
    InputCode.OPERATORS,
    InputCode.ASSISTED,
    InputCode.SHOWN,
    InputCode.AWARDS_NATIONAL,
    InputCode.AWARDS_PROVINCIAL,
    InputCode.AWARDS_SCHOOL,
    InputCode.PAPERS_CORE,
    InputCode.FUNCTIONS_ORIGINAL,
    InputCode.FUNCTIONS_USED,
    InputCode.FUNCTIONS_NEW,
)
TABLE_INPUTS = tuple(code for code in InputCode if code not in BENEFIT_INPUTS)


class WatchCode(StrEnum):
    """Watch-lists: what an auditor would find. Sources in the rulebook."""

    LATE_LISTING = "late_listing"
    NOT_LISTED = "not_listed"
    LOW_SHARING = "low_sharing"
    BELOW_RATED = "below_rated"
    BELOW_HALF_RATED = "below_half_rated"
    IDLE = "idle"
    LATE_FIRST_USE = "late_first_use"


@dataclass(frozen=True, slots=True)
class Range:
    """An exact value, or the bounds between which it must lie while something is not known."""

    low: Fraction
    high: Fraction

    def __post_init__(self) -> None:
        if self.high < self.low:
            raise ValueError(f"a range from {self.low} down to {self.high}")

    @classmethod
    def of(cls, low: Fraction | int | Decimal, high: Fraction | int | Decimal | None = None) -> Range:
        if isinstance(low, float) or isinstance(high, float):
            raise TypeError("a float is not an exact figure")
        return cls(Fraction(low), Fraction(low if high is None else high))

    @property
    def exact(self) -> bool:
        return self.low == self.high

    @property
    def point(self) -> Fraction:
        if not self.exact:
            raise ValueError("a range has no single value")
        return self.low

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def times(self, factor: Fraction | int) -> Range:
        """Scaled by a factor that is not negative."""
        if factor < 0:
            raise ValueError("a negative factor turns a range round")
        return Range(self.low * factor, self.high * factor)

    def capped(self, top: Fraction | int) -> Range:
        return Range(min(self.low, Fraction(top)), min(self.high, Fraction(top)))

    def contains(self, value: Fraction | int) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class SchemeVersion:
    """Which rules made a figure."""

    code: str
    version: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The sealed usage entries behind a figure, as a question anyone may ask again.

    ``until`` is exclusive. ``external`` None means both; ``grades`` and ``purposes`` empty means all.
    """

    institution_id: UUID
    since: date
    until: date
    resource_ids: tuple[UUID, ...] = ()
    external: bool | None = None
    purposes: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()


# How a value of a unit is rounded when it is shown; the exact value stays in the figure and its digest.
# Points are cut, never rounded up: 89.996 must not read 90.00 beside the grade "good".
_SHOWN = {
    Unit.PERCENT: (1, ROUND_HALF_UP),
    Unit.POINTS: (2, ROUND_DOWN),
    Unit.COUNT: (0, ROUND_HALF_UP),
    Unit.SECONDS: (0, ROUND_HALF_UP),
    Unit.MONEY: (0, ROUND_HALF_UP),
    Unit.DAYS: (0, ROUND_HALF_UP),
}


def rounded(value: Fraction, unit: Unit, digits: int | None = None) -> Decimal:
    """The one rounding of a figure for every screen and export.

    Units: as the figure's (percent with one digit half up, points with two digits cut, whole seconds and fen).
    """
    places, rounding = _SHOWN[unit]
    places = places if digits is None else digits
    return Decimal(round_minor(value * 10**places, rounding)).scaleb(-places)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with everything that explains it (law 3).

    ``value`` None means that nothing can be said; ``missing`` then says why, as it does for a range.
    ``formula`` is a code with values, made into a sentence for the reader.
    """

    code: str
    value: Range | None
    unit: Unit
    formula: Reason
    citations: tuple[Citation, ...] = ()
    parts: tuple[Figure, ...] = ()
    missing: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()  # what a reader must know, such as sources that disagree
    scheme: SchemeVersion | None = None
    as_of: datetime | None = None
    rows: Rows | None = None
    weight: Fraction | None = None
    currency: str | None = None

    @property
    def verified(self) -> bool:
        return all(c.verified for c in self.citations) and all(p.verified for p in self.parts)

    @property
    def low(self) -> Decimal | None:
        return None if self.value is None else rounded(self.value.low, self.unit)

    @property
    def high(self) -> Decimal | None:
        return None if self.value is None else rounded(self.value.high, self.unit)

    @property
    def exact(self) -> bool:
        return self.value is not None and self.value.exact

    def part(self, code: str) -> Figure:
        for part in self.parts:
            if part.code == code:
                return part
        raise KeyError(code)

    def walk(self) -> list[Figure]:
        """This figure and all below it, top down."""
        found = [self]
        for part in self.parts:
            found.extend(part.walk())
        return found

    def placed(self, scheme: SchemeVersion, as_of: datetime | None, rows: Rows | None) -> Figure:
        """The same figure with scheme, time and rows; parts keep rows of their own."""
        return replace(
            self,
            scheme=self.scheme or scheme,
            as_of=self.as_of or as_of,
            rows=self.rows or rows,
            parts=tuple(part.placed(scheme, as_of, self.rows or rows) for part in self.parts),
        )

    def as_json(self) -> dict[str, Any]:
        """Canonical form: exact fractions as text, so that a digest can be recomputed anywhere.

        The as-of time is left out: the same facts and rules have the same digest whenever they are read.
        """
        return {
            "code": self.code,
            "value": None if self.value is None else [str(self.value.low), str(self.value.high)],
            "unit": self.unit.value,
            "currency": self.currency,
            "weight": None if self.weight is None else str(self.weight),
            "formula": self.formula.as_json(),
            "missing": [reason.as_json() for reason in self.missing],
            "notes": [reason.as_json() for reason in self.notes],
            "citations": [citation.as_json() for citation in self.citations],
            "scheme": None
            if self.scheme is None
            else {"code": self.scheme.code, "version": self.scheme.version},
            "parts": [part.as_json() for part in self.parts],
        }


@dataclass(frozen=True, slots=True)
class Hours:
    """Recorded use of a period, from the sealed ledger. Units: whole seconds."""

    effective: int = 0
    external: int = 0
    by_purpose: Mapping[str, int] = field(default_factory=dict)
    by_grade: Mapping[str, int] = field(default_factory=dict)
    entries: int = 0
    samples: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.external <= self.effective:
            raise ValueError(f"external {self.external} s of {self.effective} s effective")

    @property
    def internal(self) -> int:
        return self.effective - self.external


@dataclass(frozen=True, slots=True)
class Income:
    """Charges of a period by who paid: ``external`` by other legal persons, ``internal`` by the host's own."""

    external: Money = field(default_factory=Money.zero)
    internal: Money = field(default_factory=Money.zero)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What people entered about one instrument's year. A code that is not there was not entered; it is not zero."""

    values: Mapping[str, int] = field(default_factory=dict)
    rated_class: RatedClass | None = None
    version: int = 0

    def get(self, code: InputCode) -> int | None:
        return self.values.get(code.value)

    def missing(self, codes: tuple[InputCode, ...]) -> list[InputCode]:
        return [code for code in codes if code.value not in self.values]


@dataclass(frozen=True, slots=True)
class InstrumentFacts:
    """One instrument's year: what the catalogue, the ledger, the bills and people say of it."""

    resource_id: UUID
    code: str
    name_zh: str
    name_en: str
    kind: str
    class_code: str | None = None
    department_id: UUID | None = None
    original_value: Money | None = None
    accepted_on: date | None = None
    listed_on: date | None = None
    put_in_use_on: date | None = None
    first_used_on: date | None = None
    retired_on: date | None = None
    bookable: bool = False
    open_outside: bool = False
    exempt: bool = False
    hours: Hours = Hours()
    income: Income = Income()
    inputs: Inputs = Inputs()
    earlier_class: RatedClass | None = (
        None  # said for an earlier year; proposed, and used for watch-lists only
    )


@dataclass(frozen=True, slots=True)
class InputEntry:
    """One line of the history of a form: who entered what, when."""

    item: str
    value: str
    version: int
    note: str
    entered_by: UUID | None
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class FrozenScore:
    """A self-assessment as it was handed over: exact bytes and their digest, recomputable offline."""

    key: HostKey
    period: date
    period_kind: PeriodKind
    scheme: str
    scheme_version: str
    as_of: datetime
    low: str
    high: str
    grade: str
    digest: str
    created_by: UUID | None
    created_at: datetime
    document: Mapping[str, Any]
    body: bytes


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of recomputing a frozen score from its own facts: what agrees, and what does not."""

    digest_agrees: bool
    result_agrees: bool
    rules_agree: bool

    @property
    def agrees(self) -> bool:
        return self.digest_agrees and self.result_agrees and self.rules_agree


@dataclass(frozen=True, slots=True)
class Period:
    """A year of assessment in the host's zone; ``until`` is exclusive."""

    kind: PeriodKind
    since: date
    until: date

    @property
    def last(self) -> date:
        """The last day of the period."""
        return self.until - timedelta(days=1)

    @property
    def label(self) -> str:
        """``2025`` or ``2024-2025``; also the word for it in addresses."""
        if self.kind is PeriodKind.CALENDAR_YEAR:
            return str(self.since.year)
        return f"{self.since.year}-{self.until.year}"


@dataclass(frozen=True, slots=True)
class Watch:
    """One instrument on one watch-list, with the number that put it there and the limit."""

    code: WatchCode
    resource_id: UUID
    value: Range | None
    limit: Range | None
    unit: Unit
    since: date | None = None
