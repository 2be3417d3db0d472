"""Words of the rulebook: scheme, version, parameter, and the reader that remembers what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.dated import DatedSeries, InForce, NothingInForce
from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import NotFound, Refused
from resource_hub.kernel.money import Money

# P seen at the issuer · M mirror, newspaper, consultancy copy · C public code · D derived by arithmetic ·
# G cut off or garbled · MEM from memory. OWN is a value of this house or this institution, not of a document.
MARKS = ("P", "M", "C", "D", "G", "MEM", "OWN")
UNVERIFIED = ("G", "MEM")


class UnknownScheme(NotFound):
    """No scheme of this code in the rulebook."""

    code = "rulebook.unknown_scheme"


class NotInForce(Refused):
    """The scheme has no version that holds on the day asked for."""

    code = "rulebook.not_in_force"


class MissingParameter(Refused):
    """A rule asked for a parameter that its scheme does not give, or gives as unreadable. Never read as zero."""

    code = "rulebook.missing_parameter"


class BrokenScheme(ValueError):
    """A rulebook file that cannot be trusted: the message names file, version and parameter."""


@dataclass(frozen=True, slots=True)
class Source:
    """The document behind a version. ``mark`` is the confidence mark of the copy that was read."""

    document: str
    title: str = ""
    issuer: str = ""
    mark: str = "M"
    note: str = ""

    @property
    def verified(self) -> bool:
        return self.mark not in UNVERIFIED


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of a scheme. Scalar values are text; tables are rows of text; ``None`` means unreadable in the copy."""

    name: str
    unit: str
    value: str | None = None
    rows: tuple[Mapping[str, str], ...] | None = None
    article: str = ""
    document: str = ""
    mark: str = ""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "value": self.value,
            "rows": [dict(row) for row in self.rows] if self.rows is not None else None,
            "article": self.article,
            "document": self.document,
            "mark": self.mark,
        }


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a scheme: the days it holds (``valid_from`` and ``valid_to`` both inclusive) and what it says."""

    name: str
    valid_from: date
    valid_to: date | None
    source: Source
    parameters: Mapping[str, Parameter]
    dates_mark: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything the version says, so that a replay can prove it used the same rule."""
        content = {
            "name": self.name,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "document": self.source.document,
            "parameters": [self.parameters[name].as_json() for name in sorted(self.parameters)],
        }
        return digest(b"rulebook-version/1", canonical_bytes(content)).hex()


@dataclass(frozen=True, slots=True)
class Scheme:
    """A body of rules under one code, such as ``cn-js/voucher``; ``kind`` says which engine reads it."""

    code: str
    jurisdiction: str
    kind: str
    name: Mapping[str, str]
    place: str
    version_date_basis: str
    versions: DatedSeries[Version]
    summary: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def on(self, day: date) -> Parameters:
        """Parameters of the version that holds on a day (chosen by the scheme's ``version_date_basis``).

        Raises:
            NotInForce: no version holds on that day.
        """
        try:
            return Parameters(self, self.versions.on(day).value)
        except NothingInForce:
            raise NotInForce(scheme=self.code, day=day.isoformat(), place=self.place) from None

    def version(self, name: str) -> Parameters:
        """Parameters of a version by its name, for replaying what was decided under it."""
        for entry in self.versions:
            if entry.value.name == name:
                return Parameters(self, entry.value)
        raise UnknownScheme(scheme=f"{self.code}@{name}", place=self.place)

    def all_versions(self) -> list[Version]:
        return [entry.value for entry in self.versions]


class Parameters:
    """Reader over one version. Every value read is remembered in ``used``, in reading order, once each."""

    def __init__(self, scheme: Scheme, version: Version, entered: Mapping[str, str] | None = None) -> None:
        self.scheme = scheme
        self.version = version
        self._entered = dict(entered or {})
        self._used: dict[str, Citation] = {}

    @property
    def used(self) -> tuple[Citation, ...]:
        return tuple(self._used.values())

    @property
    def key(self) -> str:
        """``cn-js/voucher@2020``: names scheme and version in one word."""
        return f"{self.scheme.code}@{self.version.name}"

    def with_entered(self, values: Mapping[str, str]) -> Parameters:
        """The same version with values that an institution entered where the document cannot be read."""
        return Parameters(self.scheme, self.version, {**self._entered, **values})

    def has(self, name: str) -> bool:
        """Whether a readable value exists. Does not count as reading it."""
        parameter = self.version.parameters.get(name)
        return name in self._entered or (
            parameter is not None and (parameter.value is not None or parameter.rows is not None)
        )

    def states(self, name: str) -> bool:
        """Whether the version has the parameter at all, readable or not. A rule asks this before it leaves a step
        out: what the document states but the copy does not show must stop the rule, not be skipped."""
        return name in self._entered or name in self.version.parameters

    def names(self) -> Iterator[str]:
        return iter(sorted(self.version.parameters))

    def unreadable(self) -> list[Parameter]:
        """Parameters that the document has but the copy does not show, and that nobody has entered yet."""
        return [
            p
            for p in self.version.parameters.values()
            if p.value is None and p.rows is None and p.name not in self._entered
        ]

    def parameter(self, name: str) -> Parameter:
        """The parameter itself, remembered as used.

        Raises:
            MissingParameter: it is not in this version, or is unreadable and was not entered.
        """
        parameter = self.version.parameters.get(name)
        if name in self._entered:
            base = parameter or Parameter(name, "")
            parameter = replace(
                base, value=self._entered[name], rows=None, mark="OWN", note="entered by the institution"
            )
        if parameter is None or (parameter.value is None and parameter.rows is None):
            raise MissingParameter(
                parameter=name,
                scheme=self.scheme.code,
                version=self.version.name,
                place=self.scheme.place,
                unreadable=parameter is not None,
            )
        self._used.setdefault(name, self._citation(parameter))
        return parameter

    def cite(self, name: str) -> Citation:
        """Citation of a parameter; counts as using it."""
        self.parameter(name)
        return self._used[name]

    def _citation(self, parameter: Parameter) -> Citation:
        source = self.version.source
        return Citation(
            document=parameter.document or source.document,
            article=parameter.article,
            # The version's title names the version's document; a parameter of another document does not borrow it.
            title="" if parameter.document and parameter.document != source.document else source.title,
            mark=parameter.mark or source.mark,
            parameter=parameter.name,
            version=self.key,
        )

    def text(self, name: str) -> str:
        value = self.parameter(name).value
        if value is None:
            raise BrokenScheme(
                f"{self.scheme.place}: {name} of {self.version.name} is a table, not one value"
            )
        return value

    def ratio(self, name: str) -> Fraction:
        """An exact ratio: ``"0.25"``, ``"2/3"`` or, with unit ``percent``, ``"25"``."""
        parameter = self.parameter(name)
        value = Fraction(self.text(name))
        return value / 100 if parameter.unit == "percent" else value

    def int(self, name: str) -> int:
        value = Fraction(self.text(name))
        if value.denominator != 1:
            raise BrokenScheme(f"{self.scheme.place}: {name} of {self.version.name} is not a whole number")
        return value.numerator

    def money(self, name: str) -> Money:
        """An amount in major units of the currency that the parameter's unit names."""
        parameter = self.parameter(name)
        return Money.of(self.text(name), parameter.unit)

    def day(self, name: str) -> date:
        return date.fromisoformat(self.text(name))

    def flag(self, name: str) -> bool:
        value = self.text(name)
        if value not in ("yes", "no"):
            raise BrokenScheme(f"{self.scheme.place}: {name} of {self.version.name} must be yes or no")
        return value == "yes"

    def words(self, name: str) -> tuple[str, ...]:
        """A list of codes, written with blanks between them."""
        return tuple(self.text(name).split())

    def rows(self, name: str) -> Sequence[Mapping[str, str]]:
        rows = self.parameter(name).rows
        if rows is None:
            raise BrokenScheme(
                f"{self.scheme.place}: {name} of {self.version.name} is one value, not a table"
            )
        return rows


def series(versions: Sequence[Version]) -> DatedSeries[Version]:
    """Versions in order; ``valid_to`` is the last day, so the series ends the day after."""
    return DatedSeries(
        InForce(v.valid_from, v, v.valid_to + timedelta(days=1) if v.valid_to else None) for v in versions
    )
