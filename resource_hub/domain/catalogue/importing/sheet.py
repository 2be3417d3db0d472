"""What a sheet is, whatever file it came from: headings and numbered rows of text, read one after the other.

A file is judged by its first bytes, never by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from resource_hub.domain.catalogue.errors import SheetRefused
from resource_hub.kernel.errors import Reason

MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_CELL = 32_767
MAX_LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its number as the reader's program shows it (1 is the first line), and its cells as text.

    ``problem`` is set instead when the row itself cannot be read.
    """

    line: int
    cells: tuple[str, ...]
    problem: Reason | None = None


@dataclass(frozen=True, slots=True)
class SheetShape:
    """How a file was read: shown to the person, so that a wrong guess is seen before it does harm."""

    format: str
    encoding: str
    delimiter: str
    sheet: str
    headings: tuple[str, ...]
    heading_line: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file ready to be read: ``rows()`` may be called again and reads it anew."""

    path: Path
    shape: SheetShape

    def rows(self) -> Iterator[SheetRow]:
        if self.shape.format == "text":
            from resource_hub.domain.catalogue.importing import text

            yield from text.read(self.path, self.shape)
        else:
            from resource_hub.domain.catalogue.importing import workbook

            yield from workbook.read(self.path, self.shape)


def open_sheet(path: Path, *, encoding: str = "", delimiter: str = "", sheet: str = "") -> Sheet:
    """Look at a file and say how it is read.

    Args:
        encoding, delimiter, sheet: what the person said; otherwise they are found out.

    Raises:
        SheetRefused: the file is empty, no table, too large, hostile or ambiguous; every reason says where and what
            to do.
    """
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise refused("sheet_empty")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
        from resource_hub.domain.catalogue.importing import workbook

        shape = workbook.look(path, sheet=sheet, zipped=head.startswith(b"PK"))
    else:
        from resource_hub.domain.catalogue.importing import text

        shape = text.look(path, encoding=encoding, delimiter=delimiter)
    check_headings(shape.headings, shape.heading_line)
    return Sheet(path, shape)


def check_headings(headings: tuple[str, ...], line: int) -> None:
    """Headings are needed, no two alike, and not more than a table has."""
    reasons = []
    named = [heading for heading in headings if heading]
    if not named:
        reasons.append(reason("sheet_no_headings", line=line))
    if len(headings) > MAX_COLUMNS:
        reasons.append(reason("sheet_too_wide", columns=len(headings), limit=MAX_COLUMNS))
    for heading in dict.fromkeys(named):
        if named.count(heading) > 1:
            reasons.append(reason("sheet_heading_twice", heading=heading[:80], line=line))
    if reasons:
        raise SheetRefused(*reasons)


def reason(code: str, **values: object) -> Reason:
    line = values.get("line")
    return Reason(f"catalogue.{code}", values, f"line {line}" if line else None)


def refused(code: str, **values: object) -> SheetRefused:
    return SheetRefused(reason(code, **values))
