"""A tariff read back: as sentences, as a headline price, and as the difference between two documents (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.pricing.terms import (
    Consequence,
    ExtraKind,
    Penalty,
    PerClass,
    Tariff,
)
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money, round_minor


def headline(
    tariff: Tariff, customer_class: CustomerClass, mode: Mode = Mode.SELF_USE
) -> tuple[Money, str] | None:
    """What the first hour (or sample, day, order) of a mode of use costs: ``(amount, per)``; None for "ask" or no
    rate."""
    if tariff.ask:
        return None
    by_time = (
        (tariff.hour, "hour"),
        (tariff.first_block.price if tariff.first_block else None, "order"),
    )
    by_piece = ((tariff.sample, "sample"), (tariff.day, "day"), (tariff.start_fee, "order"))
    # Samples that are sent in take no time of their own.
    for part, per in by_piece[::2] if mode is Mode.SEND_IN else by_time + by_piece:
        if part is None or part.empty:
            continue
        amount = part.of(customer_class)
        if amount is not None and part is tariff.hour and mode is Mode.STAFF_RUN:
            amount += tariff.staff_hour.of(customer_class) or 0
        if amount is not None:
            exact = amount * tariff.factor_of(customer_class)
            return Money(round_minor(exact, tariff.rounding), tariff.currency), per
    return None


def _amounts(part: PerClass) -> dict[str, str]:
    """Exact minor units as text, by class word."""
    return {word: str(amount) for word, amount in part.amounts.items()}


def sentences(tariff: Tariff) -> list[Reason]:
    """The tariff in reading order, one code with values a sentence. Amounts are exact minor units as text."""
    found: list[Reason] = []

    def say(code: str, **values: Any) -> None:
        found.append(Reason(f"pricing.says.{code}", {**values, "currency": tariff.currency}))

    if tariff.ask:
        say("ask")
        return found
    for name, part in (
        ("hour", tariff.hour),
        ("staff_hour", tariff.staff_hour),
        ("day", tariff.day),
        ("sample", tariff.sample),
    ):
        if not part.empty:
            say(name, amounts=_amounts(part))
    for item in tariff.sample_breaks:
        say("sample_break", count=item.from_count, amounts=_amounts(item.sample))
    if tariff.first_block:
        say("first_block", minutes=tariff.first_block.minutes, amounts=_amounts(tariff.first_block.price))
    for band in tariff.bands:
        values = {
            "name_zh": band.name_zh, "name_en": band.name_en, "days": list(band.days), "start": band.start,
            "end": band.end,
        }  # fmt: skip
        if band.factor is not None:
            say("band_factor", percent=_percent(band.factor), **values)
        else:
            say("band_hour", amounts=_amounts(band.hour), **values)
    for step in tariff.steps:
        say("step", minutes=step.after_minutes, amounts=_amounts(step.hour))
    if tariff.unit_minutes:
        code = "unit_threshold" if tariff.unit_threshold_minutes else "unit"
        say(code, minutes=tariff.unit_minutes, threshold=tariff.unit_threshold_minutes)
    if tariff.minimum_minutes:
        say("minimum_minutes", minutes=tariff.minimum_minutes)
    if not tariff.minimum.empty:
        say("minimum", amounts=_amounts(tariff.minimum))
    if not tariff.start_fee.empty:
        say("start_fee", amounts=_amounts(tariff.start_fee))
    for word, factor in tariff.factors.items():
        say("class_factor", word=word, percent=_percent(factor))
    for extra in tariff.extras:
        named = {"name_zh": extra.name_zh or extra.code, "name_en": extra.name_en or extra.code}
        if extra.kind is ExtraKind.FACTOR and extra.factor is not None:
            say("extra_factor", percent=_percent(extra.factor), **named)
        else:
            per = "hour" if extra.kind is ExtraKind.HOUR else str(extra.per)
            say(f"extra_{per}", amounts=_amounts(extra.amount), count=extra.from_count, **named)
    say(f"charge_on_{tariff.charge_on}")
    if tariff.cut_to_minute:
        say("cut_to_minute")
    found += _penalty_sentences("no_show", tariff.no_show, tariff.currency)
    found += _penalty_sentences("cancellation", tariff.cancellation, tariff.currency)
    say("rounding", mode=tariff.rounding.removeprefix("ROUND_").lower(), to_minor=tariff.round_to)
    return found


def _penalty_sentences(code: str, penalty: Penalty, currency: str) -> list[Reason]:
    values: dict[str, Any] = {"currency": currency, "notice_minutes": penalty.notice_minutes}
    if penalty.consequence is Consequence.FEE:
        values["amounts"] = _amounts(penalty.fee)
    if penalty.times:
        values |= {"days": penalty.within_days, "times": [str(factor) for factor in penalty.times]}
        return [Reason(f"pricing.says.{code}_repeated", values)]
    return [Reason(f"pricing.says.{code}_{penalty.consequence}", values)]


def _percent(factor: Fraction) -> str:
    return str(factor * 100)


@dataclass(frozen=True, slots=True)
class Difference:
    """One place of two documents that differs; None where one of them says nothing there."""

    place: str
    before: str | None
    after: str | None

    @property
    def added(self) -> bool:
        return self.before is None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Every place where two documents differ, in alphabetical order of places."""
    old, new = dict(_flat(before)), dict(_flat(after))
    return [
        Difference(place, old.get(place), new.get(place))
        for place in sorted(old.keys() | new.keys())
        if old.get(place) != new.get(place)
    ]


def _flat(value: Any, place: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [
            pair
            for key, item in value.items()
            for pair in _flat(item, f"{place}.{key}" if place else str(key))
        ]
    if isinstance(value, (list, tuple)):
        if all(not isinstance(item, (Mapping, list, tuple)) for item in value):
            return [(place, ", ".join(map(str, value)))] if value else []
        return [
            pair for index, item in enumerate(value) for pair in _flat(item, f"{place}.{_name(item, index)}")
        ]
    if value in (None, "", False):
        return []
    return [(place, str(value))]


def _name(item: Any, index: int) -> str:
    """List rows are compared by their code where they have one, so that a new first band is not three changes."""
    return str(item.get("code") or index) if isinstance(item, Mapping) else str(index)
