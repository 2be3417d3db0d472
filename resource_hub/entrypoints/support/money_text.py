"""Prices, tariffs and support in sentences: exact values of the rules written for people.

The rules keep exact fractions of minor units as text (``"61/3"``); here they become amounts with at most four digits,
class words become words, minutes become times of day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from flask_babel import gettext as _

from resource_hub.domain.subsidy.terms import ClaimLineRecord
from resource_hub.entrypoints.support import formatting, sentences
from resource_hub.entrypoints.support.words import word
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money


def exact_amount(value: Any, currency: str = "CNY") -> str:
    """Exact minor units as an amount: whole minor units as usual, a fraction with up to four digits."""
    minor = Fraction(str(value))
    if minor.denominator == 1:
        return formatting.money(Money(minor.numerator, currency))
    major = minor / Fraction(Money.of(1, currency).minor)
    text = f"{Decimal(major.numerator) / Decimal(major.denominator):,.4f}".rstrip("0")
    sign = formatting.SIGNS.get(currency)
    return f"{sign} {text}" if sign else f"{text} {currency}"


def _percent(value: Any) -> str:
    share = Fraction(str(value))
    return f"{Decimal(share.numerator) / Decimal(share.denominator):f}%"


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}" if minutes % 1440 else "24:00"


def by_class(amounts: Mapping[str, str], currency: str) -> str:
    """``¥ 300.00 (firms), ¥ 100.00 (in-house)``; without the word where one amount holds for everybody."""
    if list(amounts) == ["all"]:
        return exact_amount(amounts["all"], currency)
    return formatting.listed(
        _("%(amount)s (%(who)s)", amount=exact_amount(a, currency), who=word("pricing.class", w))
        for w, a in amounts.items()
    )


def _days(days: list[int]) -> str:
    if len(days) == 7:
        return _("every day")
    if days == [1, 2, 3, 4, 5]:
        return _("Monday to Friday")
    if days == [6, 7]:
        return _("weekends")
    names = {
        1: _("Monday"), 2: _("Tuesday"), 3: _("Wednesday"), 4: _("Thursday"), 5: _("Friday"), 6: _("Saturday"),
        7: _("Sunday"),
    }  # fmt: skip
    return formatting.listed(names[day] for day in days)


def _tiers(text: str, currency: str) -> str:
    parts = []
    for part in text.split("; "):
        upto, _colon, rate = part.partition(":")
        share = _percent(Fraction(rate) * 100)
        parts.append(
            _("up to %(amount)s %(share)s", amount=exact_amount(upto, currency), share=share)
            if upto
            else _("beyond %(share)s", share=share)
            if len(text.split("; ")) > 1
            else share
        )
    return formatting.listed(parts)


def readable(values: Mapping[str, Any], currency: str = "CNY") -> dict[str, Any]:
    """Values of a reason of the money rules, ready for its sentence."""
    currency = str(values.get("currency") or currency)
    result: dict[str, Any] = {}
    for key, value in values.items():
        if value is None or key in ("currency", "name_zh", "name_en"):
            continue
        if key.endswith(("_exact", "_minor")):
            result[key.rsplit("_", 1)[0]] = exact_amount(value, currency)
        elif key == "amounts":
            result[key] = by_class(value, currency)
        elif key == "seconds":
            result[key] = formatting.hours(int(value), unit=True)
        elif key == "notice_minutes":
            result[key] = formatting.duration(int(value) * 60)
        elif key == "days" and isinstance(value, list):
            result[key] = _days(value)
        elif key in ("start", "end") and isinstance(value, int):
            result[key] = _clock(value)
        elif key == "percent" and isinstance(value, str):
            result[key] = _percent(value)
        elif key == "rate":
            result[key] = _percent(Fraction(str(value)) * 100)
        elif key == "tiers":
            result[key] = _tiers(value, currency)
        elif key == "mode":
            result[key] = word("pricing.rounding", value)
        elif key == "word" and isinstance(value, str):
            result[key] = word("pricing.class", value)
        else:
            result[key] = value
    if "name_zh" in values or "name_en" in values:
        result["name"] = formatting.named(values) or values.get("extra") or values.get("band") or ""
    return result


def sentence(reason: Reason | Mapping[str, Any], currency: str = "CNY") -> str:
    """One reason of the money rules as a sentence."""
    found = reason if isinstance(reason, Reason) else Reason.from_json(reason)
    return sentences.sentence(found.code, readable(found.values, currency))


def price_lines(lines: Iterable[Any], currency: str) -> list[dict[str, Any]]:
    """Lines of a price (records or their stored JSON) as ``{text, amount}``."""
    result = []
    for line in lines:
        if isinstance(line, Mapping):
            amount = Money(line["amount_minor"], currency) if "amount_minor" in line else None
            result.append({"text": sentence(line, currency), "amount": amount})
        else:
            result.append({"text": sentence(line.why, currency), "amount": line.amount})
    return result


def why(claim: ClaimLineRecord) -> str:
    """Why a claim line pays what it pays, or nothing: one sentence."""
    if claim.reasons:
        return formatting.said(sentence(reason, claim.amount.currency) for reason in claim.reasons)
    return steps_text(claim.steps, claim.amount.currency)


def steps_text(steps: Iterable[Reason | Mapping[str, Any]], currency: str = "CNY") -> str:
    """The arithmetic as one line: base, then what each rule made of it."""
    return _("; ").join(sentence(step, currency) for step in steps)


def documents(citations: Iterable[Any]) -> list[str]:
    """The documents behind a decision, once each, unverified ones said to be so."""
    found: dict[str, bool] = {}
    for citation in citations:
        row = citation if isinstance(citation, Mapping) else citation.as_json()
        if row["mark"] == "OWN":
            continue
        bad = row["mark"] in ("G", "MEM")
        found[row["document"]] = found.get(row["document"], False) or bad
    return [_("%(document)s (not verified)", document=d) if bad else d for d, bad in found.items()]


def sums(amounts: Iterable[Money]) -> str:
    """Sums of several currencies side by side."""
    return formatting.money(list(amounts))


def owed(stored: Any) -> list[Money]:
    """The fees that a history names: one amount, or a list of them, each of its own currency; zero is none."""
    rows = stored if isinstance(stored, list) else [stored] if stored else []
    return [Money(row["minor"], row["currency"]) for row in rows if row["minor"]]


def packed(amounts: Iterable[Money]) -> str:
    """Sums as one hidden field, to be read again by ``unpacked``."""
    return " ".join(f"{amount.minor}/{amount.currency}" for amount in amounts)


def unpacked(text: str | None) -> list[Money] | None:
    """What ``packed`` wrote; None where there is nothing, or nothing that it wrote."""
    found = []
    for part in (text or "").split():
        match = re.fullmatch(r"([0-9]{1,15})/([A-Z]{3})", part)
        if match is None:
            return None
        found.append(Money(int(match[1]), match[2]))
    return found or None
