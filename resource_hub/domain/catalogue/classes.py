"""Instrument classes: a versioned code list with names in both languages (rulebook/data/cn/instrument_classes.toml)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from resource_hub.kernel.decision import Citation
from resource_hub.rulebook import loader


@dataclass(frozen=True, slots=True)
class ClassCode:
    """One entry: two digits are a class, four a subclass, six an item."""

    code: str
    zh: str
    en: str

    def name(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class CodeList:
    """All entries of one version, with where they come from."""

    title: str
    version: str
    citation: Citation
    codes: dict[str, ClassCode]

    def find(self, code: str) -> ClassCode | None:
        """The entry for a code, or for the subclass or class that it begins with."""
        for length in (6, 4, 2):
            if len(code) >= length and code[:length] in self.codes:
                return self.codes[code[:length]]
        return None

    def known(self, code: str) -> bool:
        """Six digits whose subclass is in the list, or fewer digits that stand in it themselves.

        ``120000`` and ``990000`` are entries of their own; a class alone padded with zeros is known too.
        """
        if not re.fullmatch(r"\d{2}|\d{4}|\d{6}", code):
            return False
        if code in self.codes:
            return True
        if len(code) == 6:
            return code[:4] in self.codes or (code[2:] == "0000" and code[:2] in self.codes)
        return len(code) == 4 and code[2:] == "00" and code[:2] in self.codes

    def name(self, code: str, language: str) -> str:
        """Words for a code: the subclass's name, ``""`` for no code, the code itself when unknown."""
        entry = self.find(code)
        return entry.name(language) if entry else code

    def top(self) -> Sequence[ClassCode]:
        return [entry for entry in self.codes.values() if len(entry.code) == 2]

    def below(self, code: str) -> Sequence[ClassCode]:
        return [
            entry for entry in self.codes.values() if len(entry.code) == 4 and entry.code.startswith(code)
        ]


@cache
def instrument_classes() -> CodeList:
    """The list in use. Read once per process from the package's data."""
    path = files("resource_hub.rulebook").joinpath("data/cn/instrument_classes.toml")
    scheme = loader.read_scheme(path.read_text(encoding="utf-8"), "cn", "instrument_classes")
    version = scheme.all_versions()[-1]
    parameter = version.parameters["codes"]
    citation = Citation(
        document=version.source.document,
        article=parameter.article,
        title=version.source.title,
        mark=version.source.mark,
        parameter="codes",
        version=version.name,
    )
    codes = {row["code"]: ClassCode(row["code"], row["zh"], row["en"]) for row in parameter.rows or ()}
    return CodeList("GB/T 32847", version.name, citation, codes)
