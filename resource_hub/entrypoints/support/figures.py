"""Figures as people read them. One place, so that a figure looks alike on every page and in every export."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from flask.sansio.app import App

from resource_hub.domain.assessment.terms import Figure, Range, Unit, rounded
from resource_hub.entrypoints.support import formatting, sentences, words
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money

DASH = "\u2013"


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure made readable. ``state``: ``exact``, ``range`` or ``unknown``."""

    code: str
    label: str
    value: str
    unit: str
    state: str
    formula: str
    missing: tuple[sentences.Told, ...]
    notes: tuple[sentences.Told, ...]
    verified: bool


def one(value: Fraction, unit: Unit, currency: str | None = None) -> str:
    """One exact value, rounded as its unit asks."""
    shown = rounded(value, unit)
    if unit is Unit.SECONDS:
        return formatting.hours(int(shown))
    if unit is Unit.MONEY:
        return formatting.money(Money(int(shown), currency or "CNY"))
    return formatting.number(shown)


def written(value: Range | None, unit: Unit, currency: str | None = None) -> str:
    """``77.85``, ``62.50–84.00``, or a dash where nothing can be said."""
    if value is None:
        return DASH
    low = one(value.low, unit, currency)
    high = one(value.high, unit, currency)
    return low if value.exact or low == high else f"{low}{DASH}{high}"


def text(figure: Figure) -> str:
    return written(figure.value, figure.unit, figure.currency)


def unit_word(unit: Unit) -> str:
    return "%" if unit is Unit.PERCENT else words.word("assessment.unit", unit)


def label(code: str) -> str:
    return words.word("assessment.figure", code)


def formula(figure: Figure) -> str:
    return sentences.sentence(figure.formula.code, figure.formula.values)


def missing(reasons: Iterable[Reason]) -> tuple[sentences.Told, ...]:
    """Why a figure is open. Inputs that were not entered are told as one sentence, not as ten."""
    told, inputs = [], []
    for reason in reasons:
        if reason.code == "assessment.input_missing":
            inputs.append(words.word("assessment.input", reason.values["input"]))
        else:
            told.append(sentences.tell(reason))
    if inputs:
        told.insert(
            0, sentences.tell(Reason("assessment.input_missing", {"name": formatting.listed(inputs)}))
        )
    return tuple(told)


def show(figure: Figure) -> Shown:
    state = "unknown" if figure.value is None else "exact" if figure.value.exact else "range"
    return Shown(
        figure.code,
        label(figure.code),
        text(figure),
        unit_word(figure.unit),
        state,
        formula(figure),
        missing(figure.missing),
        tuple(sentences.tell(note) for note in figure.notes),
        figure.verified,
    )


def cell(value: Fraction | None, unit: Unit) -> int | Decimal | None:
    """The value for an exported cell: hours as exact seconds, money in yuan, percent and points as shown."""
    if value is None:
        return None
    shown = rounded(value, unit)
    if unit is Unit.MONEY:
        return shown.scaleb(-2)
    return int(shown) if unit in (Unit.SECONDS, Unit.COUNT, Unit.DAYS) else shown


def as_json(figure: Figure) -> dict[str, Any]:
    """A figure as the API gives it: shown value, exact value, formula, sources."""

    def side(value: Fraction | None) -> dict[str, str] | None:
        return None if value is None else {"shown": str(rounded(value, figure.unit)), "exact": str(value)}

    value = figure.value
    return {
        "code": figure.code,
        "label": label(figure.code),
        "unit": figure.unit.value,
        "currency": figure.currency,
        "low": side(value.low if value else None),
        "high": side(value.high if value else None),
        "state": "unknown" if value is None else "exact" if value.exact else "range",
        "formula": formula(figure),
        "missing": [told.sentence for told in missing(figure.missing)],
        "notes": [sentences.tell(note).sentence for note in figure.notes],
        "scheme": None
        if figure.scheme is None
        else {"code": figure.scheme.code, "version": figure.scheme.version},
        "as_of": None if figure.as_of is None else figure.as_of.isoformat(),
        "verified": figure.verified,
        "citations": [citation.as_json() for citation in figure.citations],
        "parts": [as_json(part) for part in figure.parts],
    }


def install(app: App) -> None:
    app.jinja_env.globals.update(
        show_figure=show, figure_label=label, range_text=written, figure_unit=unit_word
    )
