"""Workbooks (XLSX, XLS): looked at as an archive first, then parsed in a child process with limits.

A 2.4 MB bomb made the parser take 2.1 GB; so the archive's own list is capped before anything is unpacked, and what
still gets through dies alone. Formulas are never computed: the value that the sheet shows is read.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

from resource_hub.domain.catalogue.importing.sheet import (
    MAX_CELL,
    MAX_COLUMNS,
    MAX_ROWS,
    SheetRow,
    SheetShape,
    reason,
    refused,
)

MAX_ENTRIES = 2_000
MAX_UNPACKED = 256 << 20
MAX_RATIO = 150
# An archive may be packed tightly when it is small anyway.
RATIO_FROM = 8 << 20
MEMORY_LIMIT = 900 << 20
SECONDS_LIMIT = 60


def look(path: Path, *, sheet: str, zipped: bool) -> SheetShape:
    """Check the archive and read the headings: the first row that is not blank.

    Raises:
        SheetRefused: no workbook, a bomb, an unknown sheet, or a parser that died within its limits.
    """
    if zipped:
        _check_archive(path)
    name = ""
    for message in _child(path, sheet, first_rows=200):
        if "sheet" in message:
            name = str(message["sheet"])
        elif any(cell.strip() for cell in message["cells"]):
            headings = [" ".join(cell.split()) for cell in message["cells"]]
            while headings and not headings[-1]:
                headings.pop()
            return SheetShape("workbook", "", "", name, tuple(headings), int(message["line"]))
    raise refused("sheet_empty")


def read(path: Path, shape: SheetShape) -> Iterator[SheetRow]:
    """The rows below the headings; blank ones are left out."""
    width = len(shape.headings)
    count = 0
    for message in _child(path, shape.sheet):
        if "sheet" in message or int(message["line"]) <= shape.heading_line:
            continue
        cells = tuple(message["cells"])
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        line = int(message["line"])
        if count > MAX_ROWS:
            raise refused("sheet_too_long", limit=MAX_ROWS, line=line)
        extra = [cell for cell in cells[width:] if cell.strip()]
        long = next((i for i, cell in enumerate(cells, 1) if len(cell) > MAX_CELL), None)
        if extra:
            found = reason("row_cells", cells=len(cells), headings=width, line=line)
        elif long:
            found = reason("row_cell_too_long", line=line, column=long, limit=MAX_CELL)
        else:
            yield SheetRow(line, (cells + ("",) * width)[:width])
            continue
        yield SheetRow(line, cells, found)


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        raise refused("sheet_archive_broken") from None
    if len(entries) > MAX_ENTRIES:
        raise refused("sheet_archive_entries", entries=len(entries), limit=MAX_ENTRIES)
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(sum(entry.compress_size for entry in entries), 1)
    if unpacked > MAX_UNPACKED or (unpacked > RATIO_FROM and unpacked // packed > MAX_RATIO):
        raise refused("sheet_archive_bomb", unpacked=unpacked, packed=packed, limit=MAX_UNPACKED)
    names = {entry.filename for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries):
        raise refused("sheet_archive_locked")
    if "xl/workbook.xml" not in names:
        raise refused("sheet_archive_other")


def _child(path: Path, sheet: str, first_rows: int = MAX_ROWS + 1_000) -> Iterator[dict]:
    """Messages of the parsing child, one JSON line each."""
    command = [
        sys.executable,
        "-m",
        "resource_hub.domain.catalogue.importing.workbook_child",
        str(path),
        sheet,
        str(first_rows),
        str(MAX_COLUMNS),
        str(MEMORY_LIMIT),
        str(SECONDS_LIMIT),
    ]
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    timer = threading.Timer(SECONDS_LIMIT * 2, child.kill)
    timer.start()
    finished = False
    try:
        assert child.stdout is not None
        for line in child.stdout:
            message = json.loads(line)
            if "error" in message:
                raise refused(str(message["error"]), **message.get("values", {}))
            if "end" in message:
                finished = True
                break
            yield message
        if not finished:
            raise refused("sheet_parser_died", megabytes=MEMORY_LIMIT >> 20, seconds=SECONDS_LIMIT)
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
