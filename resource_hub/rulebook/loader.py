"""Reading the rulebook's files. Everything wrong in a file is said at once, with file, version and parameter."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from resource_hub.rulebook.terms import (
    MARKS,
    BrokenScheme,
    Parameter,
    Scheme,
    Source,
    UnknownScheme,
    Version,
    series,
)

DATA = Path(__file__).parent / "data"
DATE_BASES = ("contract", "invoice", "payment", "service", "period")
_PARAMETER_KEYS = {"value", "rows", "unit", "article", "document", "mark", "note", "unreadable"}


class Rulebook:
    """All schemes of a folder, by code."""

    def __init__(self, found: Mapping[str, Scheme]) -> None:
        self._schemes = dict(sorted(found.items()))

    def scheme(self, code: str) -> Scheme:
        try:
            return self._schemes[code]
        except KeyError:
            raise UnknownScheme(scheme=code, place="rulebook/data") from None

    def of_kind(self, *kinds: str) -> list[Scheme]:
        return [s for s in self._schemes.values() if not kinds or s.kind in kinds]

    def __iter__(self) -> Iterator[Scheme]:
        return iter(self._schemes.values())

    def __contains__(self, code: object) -> bool:
        return code in self._schemes

    def __len__(self) -> int:
        return len(self._schemes)


def load(folder: Path = DATA) -> Rulebook:
    """Read every ``<jurisdiction>/<scheme>.toml`` below a folder.

    Raises:
        BrokenScheme: with every fault of every file, one a line.
    """
    found: dict[str, Scheme] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*/*.toml")):
        text = path.read_text(encoding="utf-8")
        if "\n[scheme]" not in f"\n{text}":
            continue  # a table of codes or size classes, read by the capability that owns it
        try:
            read = read_scheme(text, path.parent.name, path.stem)
            found[read.code] = read
        except (BrokenScheme, tomllib.TOMLDecodeError) as fault:
            faults.append(f"{path.parent.name}/{path.name}: {fault}")
    if faults:
        raise BrokenScheme("\n".join(faults))
    return Rulebook(found)


def read_scheme(text: str, jurisdiction: str, stem: str) -> Scheme:
    """One scheme from the text of its file.

    Raises:
        BrokenScheme: with all its faults, one a line.
    """
    faults: list[str] = []
    document = tomllib.loads(text)
    head = document.get("scheme", {})
    code = f"{jurisdiction}/{stem}"
    for key in ("kind", "name", "version_date_basis"):
        if key not in head:
            faults.append(f"[scheme] lacks {key}")
    if head.get("version_date_basis", "service") not in DATE_BASES:
        faults.append(f"version_date_basis must be one of {', '.join(DATE_BASES)}")
    versions = [_version(row, faults) for row in document.get("version", [])]
    if not versions:
        faults.append("no [[version]]")
    names = [v.name for v in versions if v]
    if len(set(names)) != len(names):
        faults.append("two versions have the same name")
    kept = [v for v in versions if v is not None]
    try:
        dated = series(kept)
    except ValueError as fault:
        faults.append(str(fault))
    if faults:
        raise BrokenScheme("; ".join(faults))
    return Scheme(
        code=code,
        jurisdiction=jurisdiction,
        kind=head["kind"],
        name=dict(head["name"]),
        place=f"rulebook/data/{jurisdiction}/{stem}.toml",
        version_date_basis=head["version_date_basis"],
        versions=dated,
        summary=dict(head.get("summary", {})),
        words={key: dict(value) for key, value in head.get("words", {}).items()},
    )


def _version(row: Mapping[str, Any], faults: list[str]) -> Version | None:
    name = str(row.get("name", "?"))
    place = f"version {name}"
    valid_from, valid_to = row.get("valid_from"), row.get("valid_to")
    if "name" not in row or type(valid_from) is not date:
        faults.append(f"{place} needs a name and valid_from as a day")
        return None
    if valid_to is not None and (type(valid_to) is not date or valid_to < valid_from):
        faults.append(f"{place}: valid_to must be a day not before valid_from")
    source_row = row.get("source", {})
    if not source_row.get("document"):
        faults.append(f"{place}: no source document")
    source = Source(
        document=source_row.get("document", ""),
        title=source_row.get("title", ""),
        issuer=source_row.get("issuer", ""),
        mark=source_row.get("mark", "M"),
        note=source_row.get("note", ""),
    )
    if source.mark not in MARKS:
        faults.append(f"{place}: mark {source.mark!r} is none of {', '.join(MARKS)}")
    parameters = {
        key: parameter
        for key, value in row.get("parameters", {}).items()
        if (parameter := _parameter(key, value, place, faults)) is not None
    }
    return Version(
        name=name,
        valid_from=valid_from,
        valid_to=valid_to,
        source=source,
        parameters=parameters,
        dates_mark=row.get("dates_mark", ""),
    )


def _parameter(name: str, row: Any, place: str, faults: list[str]) -> Parameter | None:
    place = f"{place}, {name}"
    if not isinstance(row, dict):
        faults.append(f"{place}: write a table with value, unit, article")
        return None
    for key in sorted(set(row) - _PARAMETER_KEYS):
        faults.append(f"{place}: unknown key {key}")
    value, rows = row.get("value"), row.get("rows")
    if row.get("unreadable"):
        if value is not None or rows is not None:
            faults.append(f"{place}: unreadable and yet a value")
        if row.get("mark") != "G":
            faults.append(f"{place}: what is unreadable carries the mark G")
    elif (value is None) == (rows is None):
        faults.append(f"{place}: exactly one of value and rows")
    if value is not None and not isinstance(value, str):
        faults.append(f"{place}: write the value as text, so that no float changes it")
        return None
    if rows is not None and not all(
        isinstance(item, dict) and all(isinstance(v, str) for v in item.values()) for item in rows
    ):
        faults.append(f"{place}: rows are tables of text")
        return None
    if "unit" not in row:
        faults.append(f"{place}: no unit")
    if row.get("mark", "M") not in MARKS:
        faults.append(f"{place}: mark {row['mark']!r} is none of {', '.join(MARKS)}")
    return Parameter(
        name=name,
        unit=row.get("unit", ""),
        value=value,
        rows=tuple(dict(item) for item in rows) if rows is not None else None,
        article=row.get("article", ""),
        document=row.get("document", ""),
        mark=row.get("mark", ""),
        note=row.get("note", ""),
    )


@lru_cache(maxsize=1)
def rulebook() -> Rulebook:
    """The product's own rulebook, read once: its files are part of the release."""
    return load()


def scheme(code: str) -> Scheme:
    return rulebook().scheme(code)


def schemes(*kinds: str) -> list[Scheme]:
    return rulebook().of_kind(*kinds)
