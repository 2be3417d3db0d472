"""Reasons as sentences in the reader's language, each with what can be done next.

Values are plain JSON; they are written for people by their shape: ``{"minor": .., "currency": ..}`` is money,
``{"word": ["booking.state", "approved"]}`` a stored value (with ``"more"`` in brackets behind it), text like
``2026-03-05T01:30:00+00:00`` a moment (in the zone under the key ``zone``, else the page's), ``2026-03-05`` a day, a
key that ends in ``_seconds`` hours, one that ends in ``_ratio`` per cent, a list an enumeration,
``{"zh": .., "en": ..}`` a name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import current_app, g, has_app_context

from resource_hub.entrypoints.support import formatting, reasons, words
from resource_hub.entrypoints.support.registry import merged
from resource_hub.entrypoints.support.text import Text, translate
from resource_hub.kernel.errors import DomainError, Reason
from resource_hub.kernel.money import Money

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Told:
    """A reason made readable."""

    code: str
    sentence: str
    remedy: str
    place: str | None = None
    values: Mapping[str, Any] | None = None

    @property
    def whole(self) -> str:
        """What is wrong, and what can be done."""
        return formatting.said((self.sentence, self.remedy))


@functools.cache
def sentence_table() -> dict[str, Text]:
    return merged(reasons, "SENTENCES")


@functools.cache
def remedy_table() -> dict[str, Text]:
    return merged(reasons, "REMEDIES")


class _Filled(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def written(key: str, value: Any, zone: str | None = None) -> str:
    """One value of a reason as people read it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return words.word("common.yes_no", value)
    if isinstance(value, Money):
        return formatting.money(value)
    if isinstance(value, Mapping):
        if "minor" in value:
            return formatting.money(value)
        if "word" in value:
            scope, stored = value["word"]
            told = words.word(scope, stored)
            return formatting.with_more(told, written(key, value["more"], zone)) if "more" in value else told
        if "code" in value and "values" in value:
            return sentence(value["code"], value["values"])
        if "zh" in value or "en" in value:
            return formatting.named({"name": value})
        return formatting.listed(f"{k}: {v}" for k, v in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return formatting.listed(written(key, item, zone) for item in value)
    if isinstance(value, datetime):
        return formatting.moment(value, zone)
    if isinstance(value, date):
        return formatting.day(value)
    if isinstance(value, str):
        if _MOMENT.fullmatch(value):
            return formatting.moment(datetime.fromisoformat(value), zone)
        if _DAY.fullmatch(value):
            try:
                return formatting.day(date.fromisoformat(value))
            except ValueError:
                return value
        return formatting.plain(value)
    if isinstance(value, int | Decimal):
        if key.endswith("_seconds"):
            return formatting.duration(int(value))
        if key.endswith("_ratio"):
            return formatting.percent(value)
        return formatting.number(value) if isinstance(value, Decimal) or abs(value) >= 10_000 else str(value)
    if isinstance(value, UUID):
        return str(value)
    return formatting.plain(value)


def _fill(text: Text, values: Mapping[str, Any]) -> str:
    zone = values.get("zone") if isinstance(values.get("zone"), str) else None
    filled = _Filled({k: written(k, v, zone) for k, v in values.items()})
    return translate(text, values) % filled


def sentence(code: str, values: Mapping[str, Any] | None = None) -> str:
    """The sentence for a code. An unknown one falls back to its family and is counted in tests."""
    table = sentence_table()
    text = table.get(code)
    if text is None:
        if has_app_context() and (current_app.testing or current_app.debug):
            g.setdefault("untranslated", []).append(f"reason {code}")
        text = table["error"]
        return f"{_fill(text, {})} ({code})"
    return _fill(text, values or {})


def remedy(code: str, values: Mapping[str, Any] | None = None) -> str:
    text = remedy_table().get(code)
    return _fill(text, values or {}) if text is not None else ""


def tell(reason: Reason | Mapping[str, Any]) -> Told:
    """A reason (or its stored JSON) as sentence and remedy."""
    if not isinstance(reason, Reason):
        reason = Reason.from_json(reason)
    return Told(
        reason.code,
        sentence(reason.code, reason.values),
        remedy(reason.code, reason.values),
        reason.place,
        reason.values,
    )


def tell_all(of: DomainError | Iterable[Reason | Mapping[str, Any]]) -> list[Told]:
    return [tell(reason) for reason in (of.reasons if isinstance(of, DomainError) else of)]
