"""Spreadsheets out: XLSX in constant memory. Text is always text: a cell that looks like a formula is none."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# The widest column we make; longer text wraps in the program that opens it.
_WIDEST = 48


def workbook(sheets: Sequence[tuple[str, Sequence[str], Iterable[Sequence[Any]]]]) -> bytes:
    """A workbook of ``(name, head, rows)`` sheets.

    Whole numbers and decimals become numbers, days become text as ``2026-03-05`` (a spreadsheet would otherwise show
    them in the reader's own order), None an empty cell.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(
        buffer,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    head_format = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    for name, head, rows in sheets:
        # At most 31 characters, none of these.
        sheet = book.add_worksheet("".join(c for c in name if c not in "[]:*?/\\")[:31])
        sheet.freeze_panes(1, 0)
        for column, title in enumerate(head):
            sheet.set_column(column, column, min(_WIDEST, max(8, _width(title) + 2)))
            sheet.write_string(0, column, title, head_format)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                _write(sheet, number, column, value)
    book.close()
    return buffer.getvalue()


def _width(text: str) -> int:
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def _write(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | Decimal):
        sheet.write_number(row, column, value)
    elif isinstance(value, date):
        sheet.write_string(row, column, value.isoformat())
    else:
        sheet.write_string(row, column, str(value))
