"""The child that parses a workbook: limits itself first, then writes rows as JSON lines. Run by `workbook` only."""

from __future__ import annotations

import datetime
import json
import sys
from decimal import Decimal
from typing import Any


def limit(memory: int, seconds: int) -> None:
    """Cap memory and processor time of this process; where the system cannot, the parent's timer still holds."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def text(value: Any) -> str:
    """A cell as text: whole numbers without a point, days without midnight, nothing rounded."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return format(Decimal(repr(value)), "f")
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)


def main(arguments: list[str]) -> None:
    path, sheet, rows, columns, memory, seconds = arguments
    # Started before the limit, so that loading the parser itself never fails.
    from python_calamine import CalamineWorkbook

    limit(int(memory), int(seconds))

    def say(message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(message, ensure_ascii=True) + "\n")

    try:
        with CalamineWorkbook.from_path(path) as book:
            if sheet and sheet not in book.sheet_names:
                names = ", ".join(book.sheet_names)[:300]
                say({"error": "sheet_unknown", "values": {"sheet": sheet, "sheets": names}})
                return
            if not book.sheet_names:
                say({"error": "sheet_empty"})
                return
            name = sheet or book.sheet_names[0]
            found = book.get_sheet_by_name(name)
            say({"sheet": name})
            if found.start is not None:
                # iter_rows begins at the sheet's first row, used or not, so its number is the one that Excel shows.
                # Its columns begin at the first used one, so the blank ones before are put back.
                blank = [""] * min(found.start[1], int(columns))
                for line, row in enumerate(found.iter_rows(), start=1):
                    if line > int(rows):
                        break
                    say({"line": line, "cells": (blank + [text(value) for value in row])[: int(columns) + 1]})
            say({"end": True})
    except MemoryError:
        say(
            {
                "error": "sheet_parser_died",
                "values": {"megabytes": int(memory) >> 20, "seconds": int(seconds)},
            }
        )
    except Exception as error:  # the parser's own errors have many classes
        say({"error": "sheet_workbook_broken", "values": {"detail": str(error)[:200]}})


if __name__ == "__main__":
    main(sys.argv[1:])
