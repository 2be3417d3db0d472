"""One row of a sheet and a mapping → the facts of one resource, or every reason why not (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from resource_hub.domain.catalogue import rules
from resource_hub.domain.catalogue.classes import CodeList
from resource_hub.domain.catalogue.importing import cells
from resource_hub.domain.catalogue.importing.cells import CellError
from resource_hub.domain.catalogue.importing.mapping import MONEY_UNITS, SheetMapping
from resource_hub.domain.catalogue.importing.sheet import SheetRow
from resource_hub.domain.catalogue.terms import ListingContents, ResourceKind, WorkingOrder
from resource_hub.domain.catalogue.text import fold
from resource_hub.kernel.errors import Reason

_CJK = re.compile(r"[\u3400-\u9fff]")
_TEXTS = ("model", "maker", "country", "city", "accessories", "currency")
_BILINGUAL = ("name", "summary", "place", "rules")
_DAYS = ("accepted_on", "commissioned_on", "decommissioned_on")
_CONTACT = {"contact_name": "name", "contact_phone": "phone", "contact_email": "email"}
_DETAILS = ("serial_number", "inventory_number", "origin")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row or one of its cells is refused: line as the sheet shows it, column number and heading, reason."""

    line: int
    column: int
    heading: str
    reason: Reason

    def as_json(self) -> dict[str, Any]:
        return {"line": self.line, "column": self.column, "heading": self.heading, **self.reason.as_json()}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> RowProblem:
        return cls(row["line"], row["column"], row["heading"], Reason.from_json(row))


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What a row says of one resource. Only what its sheet has columns for is in ``values`` and ``details``."""

    line: int
    code: str
    kind: ResourceKind | None
    department: str | None
    units: int | None
    order: WorkingOrder | None
    values: Mapping[str, Any] = field(default_factory=dict)
    contact: Mapping[str, Any] = field(default_factory=dict)
    specification: tuple[tuple[str, str], ...] | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[RowProblem, ...] = ()

    def onto(self, before: ListingContents) -> ListingContents:
        """The contents after this row: what the sheet does not speak of stays as it is."""
        changed = replace(before, **self.values)
        if self.contact:
            changed = replace(changed, contact=replace(before.contact, **self.contact))
        if self.specification is not None:
            changed = replace(changed, specification=self.specification)
        if self.details:
            details = {**before.details, **self.details}
            changed = replace(changed, details={key: value for key, value in details.items() if value})
        return changed


def read_row(
    row: SheetRow, headings: tuple[str, ...], mapping: SheetMapping, classes: CodeList
) -> RowFacts | list[RowProblem]:
    """The facts of a row, or all its problems at once."""
    if row.problem is not None:
        place = int(row.problem.values.get("column") or 0)
        heading = headings[place - 1] if 0 < place <= len(headings) else ""
        return [RowProblem(row.line, place, heading, row.problem)]
    reader = _Reader(row, headings, mapping, classes)
    return reader.read()


class _Reader:
    def __init__(
        self, row: SheetRow, headings: tuple[str, ...], mapping: SheetMapping, classes: CodeList
    ) -> None:
        self.row, self.headings, self.mapping, self.classes = row, headings, mapping, classes
        self.problems: list[RowProblem] = []
        self.warnings: list[RowProblem] = []
        self.where: dict[str, tuple[int, str]] = {}
        self.values: dict[str, Any] = {}
        self.contact: dict[str, str] = {}
        self.details: dict[str, str] = {}
        self.specification: dict[str, str] | None = None
        self.other: dict[str, Any] = {}

    def read(self) -> RowFacts | list[RowProblem]:
        position = {heading: index for index, heading in enumerate(self.headings)}
        entries = [
            (position[column.heading] + 1, column.heading, column.target, column.unit, None)
            for column in self.mapping.columns
            if column.heading in position
        ] + [(0, "", target, "CNY", value) for target, value in self.mapping.constants.items()]
        # The currency decides how many digits an amount may have, so it is read first.
        for number, heading, target, unit, constant in sorted(entries, key=lambda e: e[2] != "currency"):
            text = constant if constant is not None else self.row.cells[number - 1]
            self.where[target] = (number, heading)
            try:
                text = cells.plain(text)
                words = self.mapping.values.get(target)
                if words is not None:
                    text = words.get(fold(text), text)
                self._take(target, text, unit)
            except CellError as error:
                self._problem(target, error.code, error.values)
        code = str(self.other.get("code") or "")
        if not any(problem.heading == self.where.get("code", (0, ""))[1] for problem in self.problems):
            for reason in rules.check_code(code):
                self._problem("code", reason.code, reason.values)
        self._check_all()
        if self.problems:
            return self.problems
        return RowFacts(
            self.row.line,
            code,
            self.other.get("kind"),
            self.other.get("department"),
            self.other.get("units"),
            self.other.get("status"),
            self.values,
            self.contact,
            tuple(self.specification.items()) if self.specification is not None else None,
            self.details,
            tuple(self.warnings),
        )

    def _take(self, target: str, text: str, unit: str) -> None:
        empty = cells.is_empty(text)
        if target == "code":
            self.other["code"] = text
        elif target.startswith("specification."):
            if not empty:
                self._specify(((target.split(".", 1)[1], " ".join(text.split())),))
        elif target == "specification":
            self._specify(() if empty else cells.specification(text))
        elif target.startswith("details."):
            self.details[target.split(".", 1)[1]] = "" if empty else text
        elif target in _DETAILS:
            self.details[target] = "" if empty else text
        elif target in _CONTACT:
            self.contact[_CONTACT[target]] = "" if empty else text
        elif target in _BILINGUAL:
            self._bilingual(target, "" if empty else text)
        elif target in _DAYS:
            self.values[target] = None if empty else cells.day(text)
        elif target == "original_value":
            currency = str(self.values.get("currency", "CNY"))
            self.values["original_value_minor"] = (
                None if empty else cells.amount(text, MONEY_UNITS.get(unit, 1), currency)
            )
        elif target == "currency":
            if not re.fullmatch(r"[A-Za-z]{3}", text):
                raise CellError("cell_currency", value=text[:60])
            self.values["currency"] = text.upper()
        elif target in ("latitude", "longitude"):
            limit = 90 if target == "latitude" else 180
            self.values[f"{target}_micro"] = None if empty else cells.degrees(text, limit)
        elif target in ("bookable", "open_to_outside", "general_purpose"):
            if not empty:
                self.values[target] = cells.flag(text)
        elif target == "modes":
            self.values["modes"] = () if empty else cells.modes(text)
        elif target == "class_code":
            self.values["class_code"] = "" if empty else text
        elif target == "units":
            if not empty:
                self.other["units"] = cells.whole(text, 1)
        elif target == "kind":
            if not empty:
                self.other["kind"] = cells.kind(text)
        elif target == "status":
            if not empty:
                self.other["status"] = cells.working_order(text)
        elif target == "department":
            self.other["department"] = "" if empty else " ".join(text.split())
        else:
            self.values[target] = (
                "" if empty else (text if target == "accessories" else " ".join(text.split()))
            )

    def _bilingual(self, target: str, text: str) -> None:
        if target in ("name", "place"):
            text = " ".join(text.split())
        language = "zh" if _CJK.search(text) or not text else "en"
        self.values.setdefault(f"{target}_{language}", text)

    def _specify(self, entries: tuple[tuple[str, str], ...]) -> None:
        self.specification = {**(self.specification or {}), **dict(entries)}

    def _check_all(self) -> None:
        """The rules of a listing, said at the cell that they speak of; a class that is not listed refuses its row."""
        facts = RowFacts(
            self.row.line, "", None, None, None, None, self.values, self.contact,
            tuple(self.specification.items()) if self.specification is not None else None,
        )  # fmt: skip
        kind = self.other.get("kind") or ResourceKind.INSTRUMENT
        contents = facts.onto(ListingContents())
        already = {problem.column for problem in self.problems}
        for reason in rules.check_contents(kind, contents, self.classes, complete=False):
            target = _target_of(reason.place or "")
            if reason.code == "catalogue.name_missing" and any(t.startswith("name") for t in self.where):
                target = next(t for t in self.where if t.startswith("name"))
            if self.where.get(target, (0, ""))[0] in already - {0}:
                continue
            self._problem(target, reason.code, reason.values)

    def _problem(self, target: str, code: str, values: Mapping[str, Any]) -> None:
        number, heading = self.where.get(target, (0, ""))
        self.problems.append(RowProblem(self.row.line, number, heading, Reason(code, dict(values))))


def _target_of(place: str) -> str:
    return {"latitude_micro": "latitude", "longitude_micro": "longitude"}.get(place, place)
