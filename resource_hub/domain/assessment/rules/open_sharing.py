"""Parts of a university's open-sharing form that can be read: sharing, income, mean hours, functions.

Source: rulebook scheme "assessment_open_sharing" (a generic form, partly garbled in the copy seen). Its other parts are
judged by people or unreadable and are left out, so there is no total.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from resource_hub.kernel.money import Money


@dataclass(frozen=True, slots=True)
class OpenSharingRules:
    """Parameters: each ``*_full`` is the ratio that earns all points of its part."""

    sharing_full: Fraction
    sharing_top: Fraction
    income_full: Fraction
    income_top: Fraction
    external_factor: Fraction
    hours_step: int
    hours_top: Fraction
    function_use_top: Fraction
    functions_new_full: int
    functions_new_top: Fraction


def sharing_points(rules: OpenSharingRules, external_seconds: int, effective_seconds: int) -> Fraction:
    """Sharing rate ÷ 0.1 × 10, at most 10."""
    rate = Fraction(external_seconds, effective_seconds) if effective_seconds else Fraction(0)
    return min(rate / rules.sharing_full * rules.sharing_top, rules.sharing_top)


def income_points(rules: OpenSharingRules, internal: Money, external: Money, value: Money) -> Fraction:
    """(internal + 1.5 × external) ÷ original value ÷ 0.2 × 15, at most 15.

    Raises:
        ValueError: the original value is not positive, or currencies differ.
    """
    if value.minor <= 0:
        raise ValueError("an income rate needs an original value")
    if not internal.currency == external.currency == value.currency:
        raise ValueError("amounts of different currencies")
    earned = (
        internal.or_zero_if_negative().minor + rules.external_factor * external.or_zero_if_negative().minor
    )
    return min(Fraction(earned) / value.minor / rules.income_full * rules.income_top, rules.income_top)


def hours_points(rules: OpenSharingRules, mean_effective_seconds: Fraction) -> Fraction:
    """One point per whole 100 h of mean effective hours, at most 15 (whole hundreds are our reading)."""
    return min(Fraction(int(mean_effective_seconds / 3600 / rules.hours_step)), rules.hours_top)


def function_use_points(rules: OpenSharingRules, used: int, original: int) -> Fraction:
    """Used ÷ original × 6, at most 6."""
    if original <= 0:
        raise ValueError("a ratio of no functions")
    return min(Fraction(used, original) * rules.function_use_top, rules.function_use_top)


def function_new_points(rules: OpenSharingRules, new: int) -> Fraction:
    """New functions ÷ 2 × 4, at most 4."""
    return min(Fraction(new, rules.functions_new_full) * rules.functions_new_top, rules.functions_new_top)
