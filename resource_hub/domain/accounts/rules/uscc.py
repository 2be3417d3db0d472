"""Unified social credit codes, GB 32100-2015, with both check digits.

Eighteen characters: authority, entity type, region (6), organisation code (8) with its own check character (9th of that
part, GB 11714), and the check character of the whole. Some codes issued early in pilot cities break the outer check,
so a wrong check digit is a warning that the platform's staff may override; a wrong shape is not.
"""

from __future__ import annotations

import unicodedata

from resource_hub.domain.accounts.terms import UsccCheck
from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import Reason

CITATION = Citation("GB 32100-2015", title="法人和其他组织统一社会信用代码编码规则", mark="P")

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_OUTER_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_INNER_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_INNER_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

# Entity types of authority 9 (market regulation): companies, sole traders, farmers' cooperatives.
_ENTERPRISE_PREFIXES = ("91", "92", "93")


def normalised(text: str) -> str:
    """The code as it is compared and kept: half-width, upper case, without blanks and hyphens."""
    folded = unicodedata.normalize("NFKC", text or "").upper()
    return "".join(c for c in folded if not c.isspace() and c not in "-‐‑–—_.")


def inner_check(organisation_part: str) -> str:
    """Check character of the 8-character organisation code (positions 9-16)."""
    total = sum(w * _INNER_ALPHABET.index(c) for w, c in zip(_INNER_WEIGHTS, organisation_part, strict=True))
    rest = 11 - total % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def outer_check(first_seventeen: str) -> str:
    """Check character of the whole code."""
    total = sum(w * ALPHABET.index(c) for w, c in zip(_OUTER_WEIGHTS, first_seventeen, strict=True))
    return ALPHABET[(31 - total % 31) % 31]


def check(text: str, place: str = "uscc") -> UsccCheck:
    """Judge a code; every problem is named at once, with the character that was expected."""
    code = normalised(text)
    if len(code) != 18:
        problem = Reason("accounts.uscc.length", {"code": code[:40], "length": len(code)}, place)
        return UsccCheck(code, (problem,), overridable=False)
    strange = sorted({c for c in code if c not in ALPHABET})
    if strange:
        problem = Reason("accounts.uscc.letters", {"code": code, "letters": " ".join(strange)}, place)
        return UsccCheck(code, (problem,), overridable=False)
    problems = []
    if not code[:8].isdigit():
        problems.append(Reason("accounts.uscc.format", {"code": code}, place))
    if (expected := inner_check(code[8:16])) != code[16]:
        problems.append(
            Reason(
                "accounts.uscc.inner_check", {"code": code, "expected": expected, "found": code[16]}, place
            )
        )
    if (expected := outer_check(code[:17])) != code[17]:
        problems.append(
            Reason("accounts.uscc.check", {"code": code, "expected": expected, "found": code[17]}, place)
        )
    return UsccCheck(code, tuple(problems))


def is_enterprise(code: str) -> bool:
    """Whether a code belongs to an enterprise, sole trader or cooperative (only these are firms)."""
    return code.startswith(_ENTERPRISE_PREFIXES)
