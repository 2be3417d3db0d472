"""The tariff document: reading it, finding every fault at once, and writing it back in one spelling (pure).

Format 1 is a plain object. Amounts are text in major units (``"300.00"``) by class word; minutes and counts are
whole numbers; ``bands``, ``steps``, ``sample_breaks`` and ``extras`` are lists. Unknown keys are refused, so that a
mistyped word never silently means "no charge".
"""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from resource_hub.domain.pricing.errors import InvalidTariff
from resource_hub.domain.pricing.rules.bands import clashes
from resource_hub.domain.pricing.terms import (
    BY_DAY,
    CLASS_WORDS,
    NO_AMOUNTS,
    Band,
    ChargeOn,
    Consequence,
    Extra,
    ExtraKind,
    FirstBlock,
    Penalty,
    Per,
    PerClass,
    SampleBreak,
    Step,
    Tariff,
)
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money, MoneyError

FORMAT = 1
ROUNDINGS = {
    "half_up": decimal.ROUND_HALF_UP,
    "half_even": decimal.ROUND_HALF_EVEN,
    "down": decimal.ROUND_DOWN,
    "up": decimal.ROUND_UP,
}
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
LARGEST = 10**15  # ten trillion yuan in fen: whatever is larger was mistyped

_KEYS = {
    "format", "currency", "ask", "hour", "staff_hour", "day", "sample", "start_fee", "minimum", "factors", "bands",
    "steps", "first_block", "unit_minutes", "unit_threshold_minutes", "minimum_minutes", "sample_breaks", "extras",
    "no_show", "cancellation", "charge_on", "cut_to_minute", "rounding", "round_to",
}  # fmt: skip


class _Reader:
    """Collects faults while it reads, each with its place in the form."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.faults: list[Reason] = []

    def fault(self, code: str, place: str, **values: Any) -> None:
        self.faults.append(Reason(f"pricing.tariff.{code}", values, place))

    def amount(self, value: Any, place: str) -> Fraction | None:
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            self.fault("not_an_amount", place, value=str(value))
            return None
        try:
            # A rate may have more digits than the currency: only the total is rounded.
            number = Decimal(value)
            if not number.is_finite():
                raise InvalidOperation
            one = Money.of(1, self.currency).minor
        except (InvalidOperation, MoneyError):
            self.fault("not_an_amount", place, value=str(value))
            return None
        if number < 0:
            self.fault("negative", place, value=str(value))
            return None
        if number * one > LARGEST:
            self.fault("too_large", place, value=str(value))
            return None
        return Fraction(number) * one

    def per_class(self, value: Any, place: str) -> PerClass:
        if value is None:
            return NO_AMOUNTS
        if not isinstance(value, Mapping):
            self.fault("not_by_class", place)
            return NO_AMOUNTS
        amounts: dict[str, Fraction] = {}
        for word, text in value.items():
            if word not in CLASS_WORDS:
                self.fault("unknown_class", f"{place}.{word}", word=str(word))
            elif text not in ("", None):
                amount = self.amount(text, f"{place}.{word}")
                if amount is not None:
                    amounts[word] = amount
        return PerClass(amounts)

    def factor(self, value: Any, place: str) -> Fraction | None:
        try:
            factor = Fraction(str(value))
        except (ValueError, ZeroDivisionError):
            self.fault("not_a_factor", place, value=str(value))
            return None
        if factor < 0 or factor > 1000:
            self.fault("factor_range", place, value=str(value))
            return None
        return factor

    def whole(self, value: Any, place: str, *, least: int = 0, most: int = 100_000) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault("not_a_whole_number", place, value=str(value))
            return least
        if not least <= value <= most:
            self.fault("out_of_range", place, value=value, least=least, most=most)
            return least
        return value

    def choice(self, value: Any, place: str, allowed: list[str], default: str) -> str:
        if value is None:
            return default
        if value not in allowed:
            self.fault("not_a_choice", place, value=str(value), allowed=", ".join(allowed))
            return default
        return str(value)

    def known(self, row: Mapping[str, Any], keys: set[str], place: str) -> None:
        for key in sorted(set(map(str, row)) - keys):
            self.fault("unknown_key", f"{place}{key}", key=key)


def read_tariff(document: Mapping[str, Any]) -> Tariff:
    """The tariff that a document describes.

    Raises:
        InvalidTariff: with every fault at once, each naming its place.
    """
    currency = str(document.get("currency", ""))
    reader = _Reader(currency)
    try:
        Money.of(1, currency)
    except MoneyError:
        raise InvalidTariff(Reason("pricing.tariff.currency", {"value": currency}, "currency")) from None
    if document.get("format") != FORMAT:
        reader.fault("format", "format", value=str(document.get("format")))
    reader.known(document, _KEYS, "")
    tariff = Tariff(
        currency=currency,
        ask=bool(document.get("ask", False)),
        hour=reader.per_class(document.get("hour"), "hour"),
        staff_hour=reader.per_class(document.get("staff_hour"), "staff_hour"),
        day=reader.per_class(document.get("day"), "day"),
        sample=reader.per_class(document.get("sample"), "sample"),
        start_fee=reader.per_class(document.get("start_fee"), "start_fee"),
        minimum=reader.per_class(document.get("minimum"), "minimum"),
        factors=_factors(document.get("factors") or {}, reader),
        bands=_bands(document.get("bands") or [], reader),
        steps=_steps(document.get("steps") or [], reader),
        first_block=_first_block(document.get("first_block"), reader),
        unit_minutes=reader.whole(document.get("unit_minutes", 0), "unit_minutes", most=1440),
        unit_threshold_minutes=reader.whole(
            document.get("unit_threshold_minutes", 0), "unit_threshold_minutes", most=1440
        ),
        minimum_minutes=reader.whole(document.get("minimum_minutes", 0), "minimum_minutes", most=44_640),
        sample_breaks=_sample_breaks(document.get("sample_breaks") or [], reader),
        extras=_extras(document.get("extras") or [], reader),
        no_show=_penalty(document.get("no_show"), "no_show", reader),
        cancellation=_penalty(document.get("cancellation"), "cancellation", reader),
        charge_on=ChargeOn(
            reader.choice(document.get("charge_on"), "charge_on", list(ChargeOn), ChargeOn.USE)
        ),
        cut_to_minute=bool(document.get("cut_to_minute", False)),
        rounding=ROUNDINGS[reader.choice(document.get("rounding"), "rounding", list(ROUNDINGS), "half_up")],
        round_to=_round_to(document.get("round_to"), reader),
    )
    _together(tariff, reader)
    if reader.faults:
        raise InvalidTariff(*reader.faults)
    return tariff


def canonical_json(document: Mapping[str, Any]) -> str:
    """The document in its one spelling; equal documents have equal text."""
    return canonical_bytes(document).decode()


def tariff_digest(document: Mapping[str, Any]) -> str:
    return digest(b"tariff/1", canonical_bytes(document)).hex()


def _factors(value: Any, reader: _Reader) -> dict[str, Fraction]:
    result: dict[str, Fraction] = {}
    for word, text in value.items():
        if word not in CLASS_WORDS:
            reader.fault("unknown_class", f"factors.{word}", word=str(word))
        elif text not in ("", None):
            factor = reader.factor(text, f"factors.{word}")
            if factor is not None:
                result[word] = factor
    return result


def _clock(value: Any, place: str, reader: _Reader) -> int | None:
    """Minutes after midnight from ``"20:00"``; ``"24:00"`` is the end of the day."""
    hours, _, minutes = str(value).partition(":")
    if not (hours.isdigit() and minutes.isdigit() and len(minutes) == 2):
        reader.fault("not_a_clock_time", place, value=str(value))
        return None
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > 1440:
        reader.fault("not_a_clock_time", place, value=str(value))
        return None
    return total


def _bands(rows: Any, reader: _Reader) -> tuple[Band, ...]:
    bands: list[Band] = []
    for index, row in enumerate(rows):
        place = f"bands.{index}"
        reader.known(
            row,
            {"code", "name_zh", "name_en", "days", "from", "to", "factor", "hour", "minimum"},
            f"{place}.",
        )
        start = _clock(row.get("from"), f"{place}.from", reader)
        end = _clock(row.get("to"), f"{place}.to", reader)
        days = tuple(sorted(set(row.get("days") or EVERY_DAY)))
        if any(day not in EVERY_DAY for day in days):
            reader.fault("not_a_weekday", f"{place}.days")
            continue
        hour = reader.per_class(row.get("hour"), f"{place}.hour")
        factor = (
            reader.factor(row["factor"], f"{place}.factor") if row.get("factor") not in (None, "") else None
        )
        if (factor is None) == hour.empty:
            reader.fault("band_rate", place)
        if start is None or end is None:
            continue
        # "20:00 to 08:00" reaches into the next day; "20:00 to 20:00" is a whole day.
        bands.append(
            Band(
                code=str(row.get("code") or f"band{index + 1}"),
                name_zh=str(row.get("name_zh", "")),
                name_en=str(row.get("name_en", "")),
                days=days,
                start=start,
                end=end if end > start else end + 1440,
                factor=factor,
                hour=hour,
                minimum=reader.per_class(row.get("minimum"), f"{place}.minimum"),
            )
        )
    return tuple(bands)


def _steps(rows: Any, reader: _Reader) -> tuple[Step, ...]:
    steps: list[Step] = []
    for index, row in enumerate(rows):
        reader.known(row, {"after_minutes", "hour"}, f"steps.{index}.")
        after = reader.whole(row.get("after_minutes"), f"steps.{index}.after_minutes", least=1)
        hour = reader.per_class(row.get("hour"), f"steps.{index}.hour")
        if hour.empty:
            reader.fault("step_rate", f"steps.{index}.hour")
        steps.append(Step(after, hour))
    ordered = tuple(sorted(steps, key=lambda step: step.after_minutes))
    if len({step.after_minutes for step in ordered}) != len(ordered):
        reader.fault("step_twice", "steps")
    return ordered


def _first_block(row: Any, reader: _Reader) -> FirstBlock | None:
    if not row:
        return None
    reader.known(row, {"minutes", "price"}, "first_block.")
    price = reader.per_class(row.get("price"), "first_block.price")
    if price.empty:
        reader.fault("first_block_price", "first_block.price")
    return FirstBlock(reader.whole(row.get("minutes"), "first_block.minutes", least=1, most=1440), price)


def _sample_breaks(rows: Any, reader: _Reader) -> tuple[SampleBreak, ...]:
    breaks: list[SampleBreak] = []
    for index, row in enumerate(rows):
        reader.known(row, {"from", "sample"}, f"sample_breaks.{index}.")
        count = reader.whole(row.get("from"), f"sample_breaks.{index}.from", least=2, most=10_000_000)
        breaks.append(
            SampleBreak(count, reader.per_class(row.get("sample"), f"sample_breaks.{index}.sample"))
        )
    ordered = tuple(sorted(breaks, key=lambda item: item.from_count))
    if len({item.from_count for item in ordered}) != len(ordered):
        reader.fault("break_twice", "sample_breaks")
    return ordered


def _extras(rows: Any, reader: _Reader) -> tuple[Extra, ...]:
    extras: list[Extra] = []
    for index, row in enumerate(rows):
        place = f"extras.{index}"
        reader.known(
            row, {"code", "name_zh", "name_en", "kind", "factor", "amount", "per", "from"}, f"{place}."
        )
        kind = ExtraKind(reader.choice(row.get("kind"), f"{place}.kind", list(ExtraKind), ExtraKind.FEE))
        amount = reader.per_class(row.get("amount"), f"{place}.amount")
        factor = (
            reader.factor(row["factor"], f"{place}.factor") if row.get("factor") not in (None, "") else None
        )
        if (kind is ExtraKind.FACTOR and factor is None) or (kind is not ExtraKind.FACTOR and amount.empty):
            reader.fault("extra_amount", place)
        code = str(row.get("code") or "")
        if not code or code == BY_DAY:
            reader.fault("extra_code", f"{place}.code", value=code)
        extras.append(
            Extra(
                code=code,
                name_zh=str(row.get("name_zh", "")),
                name_en=str(row.get("name_en", "")),
                kind=kind,
                factor=factor,
                amount=amount,
                per=Per(reader.choice(row.get("per"), f"{place}.per", list(Per), Per.ORDER)),
                from_count=reader.whole(row.get("from", 1), f"{place}.from", least=1),
            )
        )
    codes = [extra.code for extra in extras]
    if len(set(codes)) != len(codes):
        reader.fault("extra_twice", "extras")
    return tuple(extras)


# Only a fee of a no-show can grow with every further one; so many steps at most.
REPEATED = (Consequence.FEE, "no_show")
MOST_TIMES = 10


def _penalty(row: Any, place: str, reader: _Reader) -> Penalty:
    if not row:
        return Penalty()
    reader.known(row, {"consequence", "fee", "notice_minutes", "times", "within_days"}, f"{place}.")
    kind = Consequence(
        reader.choice(row.get("consequence"), f"{place}.consequence", list(Consequence), Consequence.NONE)
    )
    fee = reader.per_class(row.get("fee"), f"{place}.fee")
    if kind is Consequence.FEE and fee.empty:
        reader.fault("penalty_fee", f"{place}.fee")
    notice = reader.whole(row.get("notice_minutes", 0), f"{place}.notice_minutes", most=527_040)
    times = row.get("times", [])
    if not isinstance(times, list) or len(times) > MOST_TIMES or (times and (kind, place) != REPEATED):
        reader.fault("penalty_times", f"{place}.times", most=MOST_TIMES)
        times = []
    factors = [reader.factor(text, f"{place}.times") for text in times]
    within = reader.whole(row.get("within_days", 365), f"{place}.within_days", least=1, most=1096)
    return Penalty(kind, fee, notice, tuple(factor for factor in factors if factor is not None), within)


def _round_to(value: Any, reader: _Reader) -> int:
    """The step of rounding in minor units: "0.01" (the default for yuan), "0.1", "1"."""
    if value in (None, ""):
        return 1
    amount = reader.amount(value, "round_to")
    if amount is None:
        return 1
    if amount.denominator != 1 or amount < 1:
        reader.fault("round_to", "round_to", value=str(value))
        return 1
    return amount.numerator


def _together(tariff: Tariff, reader: _Reader) -> None:
    """What cannot stand beside each other, because the price would depend on the order of applying it."""
    charged = (tariff.hour, tariff.day, tariff.sample, tariff.start_fee)
    if not tariff.ask and all(part.empty for part in charged) and tariff.first_block is None:
        reader.fault("no_rate", "hour")
    for first, second in clashes(tariff.bands):
        reader.fault("bands_overlap", "bands", first=first, second=second)
    codes = [band.code for band in tariff.bands]
    if len(set(codes)) != len(codes):
        reader.fault("band_twice", "bands")
    if tariff.steps and (tariff.bands or not tariff.day.empty):
        reader.fault("steps_alone", "steps")
    if tariff.first_block and (tariff.bands or tariff.steps):
        reader.fault("first_block_alone", "first_block")
    if (tariff.bands or tariff.steps or not tariff.staff_hour.empty) and tariff.hour.empty:
        reader.fault("needs_hour", "hour")
    if tariff.sample_breaks and tariff.sample.empty:
        reader.fault("needs_sample", "sample")
    if tariff.unit_threshold_minutes and tariff.unit_threshold_minutes >= max(tariff.unit_minutes, 1):
        reader.fault("threshold", "unit_threshold_minutes", unit=tariff.unit_minutes)
