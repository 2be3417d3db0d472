"""Loads the tables of sentences and words that each area keeps in a module of its own; a code stands once."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType


class DuplicateEntry(RuntimeError):
    """Two areas registered the same code."""


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        yield importlib.import_module(f"{package.__name__}.{found.name}")


def merged(package: ModuleType, attribute: str) -> dict:
    """All tables called ``attribute`` in the modules of ``package`` as one.

    Raises:
        DuplicateEntry: naming the code and the second module that has it.
    """
    result: dict = {}
    for module in modules(package):
        for code, text in getattr(module, attribute, {}).items():
            if code in result and result[code] != text:
                raise DuplicateEntry(
                    f"{code!r} of {attribute} stands twice; the second is in {module.__name__}"
                )
            result[code] = text
    return result
