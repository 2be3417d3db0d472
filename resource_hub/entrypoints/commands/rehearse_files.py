"""The published inputs of the rehearsal: which there must be, and reading them with a clear word about a broken one."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CENTRES = "instruments/sequencer_centres.csv"
CAPACITY = "instruments/sequencer_capacity.csv"
SCNU = "instruments/scnu_instruments_zh.csv"
PNNL = "instruments/pnnl_mass_spec_instruments.csv"
PRICES = "tariffs/jitri_test_prices_zh.csv"
LOG = "usage/lcg_grid_2005.swf.gz"
INSTRUMENTS = (CENTRES, CAPACITY, SCNU, PNNL, PRICES)


class BrokenInput(ValueError):
    """A file that cannot be what it should be; the text names the file, the place and the remedy."""


def missing(data: Path, names: tuple[str, ...]) -> list[str]:
    """Those of the files that are not there."""
    return [name for name in names if not (data / name).is_file()]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell what is wrong with a file instead of failing in its middle.

    Raises:
        BrokenInput: bytes that are not UTF-8, a broken or cut archive, a file that may not be read.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise BrokenInput(
            f"{path.name}: not UTF-8 at byte {error.start}; save it as UTF-8 or fetch it again"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BrokenInput(f"{path.name}: a broken or cut archive ({error}); fetch it again") from error
    except csv.Error as error:
        raise BrokenInput(f"{path.name}: no table ({error}); fetch it again") from error
    except OSError as error:
        raise BrokenInput(f"{path.name}: cannot be read ({error.strerror}); look at its rights") from error


def table(path: Path, headings: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a small table that must have these headings.

    Raises:
        BrokenInput: as ``reading``; a heading that is not there; no row at all.
    """
    with reading(path), path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        lacking = [name for name in headings if name not in (rows.fieldnames or ())]
        if lacking:
            present = ", ".join(rows.fieldnames or ["none"])
            raise BrokenInput(f"{path.name}, line 1: no column {', '.join(lacking)}; there are: {present}")
        found = []
        for row in rows:
            if None in row or any(row[name] is None for name in headings):
                raise BrokenInput(
                    f"{path.name}, line {rows.line_num}: other cells than there are headings; fetch it again"
                )
            found.append(row)
    if not found:
        raise BrokenInput(f"{path.name}: no rows below the headings; fetch it again")
    return found


def whole_number(path: Path, line: int, heading: str, text: str) -> int:
    """A count as it stands in a cell; an empty one is 0.

    Raises:
        BrokenInput: anything but digits.
    """
    text = text.strip()
    if text and not (text.isascii() and text.isdigit()):
        raise BrokenInput(
            f"{path.name}, line {line}: {heading} is {text!r}, which is no whole number; mend the cell"
        )
    return int(text or 0)


def degrees(path: Path, line: int, heading: str, text: str) -> float | None:
    """A latitude or longitude as it stands in a cell; None for an empty one.

    Raises:
        BrokenInput: no number, or one that no place has.
    """
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -180 <= value <= 180:
        raise BrokenInput(
            f"{path.name}, line {line}: {heading} is {text!r}, which is no place; mend the cell"
        )
    return value
