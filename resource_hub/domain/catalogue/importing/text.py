"""Delimited text: encoding, delimiter, rows. Reads in pieces; a line is capped before it is held."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from resource_hub.domain.catalogue.importing.sheet import (
    MAX_CELL,
    MAX_LINE_BYTES,
    MAX_ROWS,
    SheetRow,
    SheetShape,
    reason,
    refused,
)

_CHUNK = 1 << 16
# What a person may say, and what it is called here.
ENCODINGS = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "utf-8-sig": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
}
DELIMITERS = (",", "\t", ";", "|")


def look(path: Path, *, encoding: str = "", delimiter: str = "") -> SheetShape:
    """Encoding, delimiter and headings of a text file. Reads it once through, in pieces."""
    if encoding:
        chosen = ENCODINGS.get(encoding.casefold())
        if chosen is None:
            raise refused("sheet_encoding_unknown", encoding=encoding, known=", ".join(sorted(ENCODINGS)))
        _check_decodes(path, chosen)
    else:
        chosen = _find_encoding(path)
    if delimiter:
        delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
        if delimiter not in DELIMITERS:
            raise refused("sheet_delimiter_unknown", delimiter=delimiter)
    else:
        delimiter = _find_delimiter(path, chosen)
    for row in _records(path, chosen, delimiter):
        if row.problem:
            raise refused("sheet_headings_unreadable", line=row.line)
        if any(cell.strip() for cell in row.cells):
            headings = [" ".join(cell.split()) for cell in row.cells]
            while headings and not headings[-1]:
                headings.pop()
            return SheetShape("text", chosen, delimiter, "", tuple(headings), row.line)
    raise refused("sheet_empty")


def read(path: Path, shape: SheetShape) -> Iterator[SheetRow]:
    """The rows below the headings; blank rows are left out, short and long ones carry a problem."""
    width = len(shape.headings)
    count = 0
    for row in _records(path, shape.encoding, shape.delimiter):
        if row.line <= shape.heading_line:
            continue
        if row.problem is None and not any(cell.strip() for cell in row.cells):
            continue
        count += 1
        if count > MAX_ROWS:
            raise refused("sheet_too_long", limit=MAX_ROWS, line=row.line)
        if row.problem is None:
            cells = row.cells
            while len(cells) > width and not cells[-1].strip():
                cells = cells[:-1]
            if len(cells) != width:
                row = SheetRow(
                    row.line, cells, reason("row_cells", cells=len(cells), headings=width, line=row.line)
                )
            else:
                row = SheetRow(row.line, cells)
        yield row


def _lines(path: Path, encoding: str) -> Iterator[str]:
    """Decoded lines with their ends, each at most `MAX_LINE_BYTES` characters."""
    with path.open("r", encoding=encoding, errors="strict", newline="") as file:
        number = 0
        while True:
            line = file.readline(MAX_LINE_BYTES)
            if not line:
                return
            number += 1
            if len(line) >= MAX_LINE_BYTES:
                raise refused("sheet_line_too_long", line=number, limit=MAX_LINE_BYTES)
            if "\0" in line:
                raise refused("sheet_not_text", line=number)
            yield line


def _records(path: Path, encoding: str, delimiter: str) -> Iterator[SheetRow]:
    previous_limit = csv.field_size_limit(MAX_CELL * 4)
    try:
        reader = csv.reader(_lines(path, encoding), delimiter=delimiter, strict=True)
        while True:
            start = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                code = "row_cell_too_long" if "field larger" in str(error) else "row_quotes"
                yield SheetRow(start, (), reason(code, line=start, limit=MAX_CELL))
                continue
            long = next((i for i, cell in enumerate(cells, 1) if len(cell) > MAX_CELL), None)
            problem = reason("row_cell_too_long", line=start, column=long, limit=MAX_CELL) if long else None
            yield SheetRow(start, tuple(cells), problem)
    finally:
        csv.field_size_limit(previous_limit)


def _find_encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_CHUNK)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) and len(head) >= 4:
        raise refused("sheet_encoding_utf32", line=1)
    if head.startswith(codecs.BOM_UTF8):
        _check_decodes(path, "utf-8-sig")
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _check_decodes(path, "utf-16")
        return "utf-16"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if even or odd:
        # Without a mark, text in UTF-16 shows as zeros on one side only; anything else with zeros is no text.
        if odd > len(head) // 10 and not even:
            guess = "utf-16-le"
        elif even > len(head) // 10 and not odd:
            guess = "utf-16-be"
        else:
            raise refused("sheet_not_text", line=head[: head.index(0)].count(b"\n") + 1)
        _check_decodes(path, guess)
        return guess
    utf8_line = _first_bad_line(path, "utf-8")
    if utf8_line is None:
        return "utf-8-sig"
    gb_line = _first_bad_line(path, "gb18030")
    if gb_line is not None:
        raise refused("sheet_encoding_broken", line=utf8_line, gb_line=gb_line)
    if not _reads_as_chinese(path):
        raise refused("sheet_encoding_ambiguous", line=utf8_line)
    return "gb18030"


def _first_bad_line(path: Path, encoding: str) -> int | None:
    """The line of the first byte that is none in this encoding; refuses lines beyond the cap on the way."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line, length = 1, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            newest = chunk.rfind(b"\n")
            if newest < 0:
                length += len(chunk)
            else:
                if length + chunk.find(b"\n") > MAX_LINE_BYTES:
                    raise refused("sheet_line_too_long", line=line, limit=MAX_LINE_BYTES)
                length = len(chunk) - newest - 1
            if length > MAX_LINE_BYTES:
                raise refused("sheet_line_too_long", line=line + chunk.count(b"\n"), limit=MAX_LINE_BYTES)
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return line + chunk[: max(error.start, 0)].count(b"\n")
            line += chunk.count(b"\n")
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return line
    return None


def _check_decodes(path: Path, encoding: str) -> None:
    """The whole file reads in this encoding, and no line is longer than the cap."""
    if encoding in ("utf-8-sig", "gb18030"):
        bad = _first_bad_line(path, encoding)
        if bad is not None:
            raise refused("sheet_encoding_wrong", encoding=encoding.removesuffix("-sig"), line=bad)
        return
    number = 0
    try:
        for _line in _lines(path, encoding):
            number += 1
    except UnicodeDecodeError:
        raise refused("sheet_encoding_wrong", encoding=encoding, line=number + 1) from None
    except UnicodeError:
        raise refused("sheet_encoding_wrong", encoding=encoding, line=1) from None


def _reads_as_chinese(path: Path) -> bool:
    """Nearly any bytes are legal GB18030: take it only when most of what it gives is everyday Chinese (GB 2312)."""
    common = rare = 0
    for line in islice(_lines(path, "gb18030"), 2000):
        for character in line:
            if character.isascii():
                continue
            try:
                character.encode("gb2312")
                common += 1
            except UnicodeEncodeError:
                rare += 1
    return common > 0 and rare * 8 <= common


def _find_delimiter(path: Path, encoding: str) -> str:
    """The delimiter under which the first records have the same number of cells, more than one.

    Raises:
        SheetRefused: two delimiters fit equally well, so that the person must say.
    """
    scores: list[tuple[tuple[int, int], str]] = []
    for candidate in DELIMITERS:
        widths: Counter[int] = Counter()
        total = 0
        for row in islice(_records(path, encoding, candidate), 50):
            if row.problem is None and any(cell.strip() for cell in row.cells):
                widths[len(row.cells)] += 1
            total += 1
        if not widths:
            continue
        width, agreeing = max(widths.items(), key=lambda item: (item[1], item[0]))
        if width > 1:
            scores.append(((agreeing * 100 // max(total, 1), width), candidate))
    if not scores:
        return ","
    scores.sort(reverse=True)
    if len(scores) > 1 and scores[0][0] == scores[1][0]:
        raise refused(
            "sheet_delimiter_ambiguous", first=_shown(scores[0][1]), second=_shown(scores[1][1]), line=1
        )
    return scores[0][1]


def _shown(delimiter: str) -> str:
    return {"\t": "tab"}.get(delimiter, delimiter)
