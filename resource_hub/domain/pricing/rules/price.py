"""The one price function: quote and charge come from here (pure).

Order of work, each step on exact fractions:

1. the time that is charged (use, reservation, or both), cut to minutes where the tariff says so;
2. the part of it that counts: at least the minimum time, rounded to started units with the threshold;
3. time × rate, piece by piece through first block, steps or bands, plus the staff rate; or started days;
4. samples at the price of their quantity break; counted items;
5. factors that were chosen (urgent), the class's factor, the order's share of the session;
6. the minimum, if the sum so far is below it; then start fee and fees, which come on top of a minimum;
7. one rounding, at the end, by the tariff's named rounding. Lines take what is left over by largest remainder.

A free use (rate 0) can carry a minimum: whoever sets one wants it paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.pricing.errors import InvalidTariff, NoRate, NothingToPrice, PriceOnRequest
from resource_hub.domain.pricing.rules.bands import cut_minute, pieces
from resource_hub.domain.pricing.terms import (
    BY_DAY,
    UNCHANGED,
    Band,
    ChargeOn,
    Consequence,
    Extra,
    ExtraKind,
    Occasion,
    Penalty,
    Per,
    PerClass,
    Price,
    PriceLine,
    Tariff,
    UseFacts,
)
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money, round_minor
from resource_hub.kernel.time import TimeSpan, merge, zone

HOUR = 3600
DAY = 86_400
_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Line:
    code: str
    values: dict[str, object]
    exact: Fraction


def price(tariff: Tariff, customer_class: CustomerClass, use: UseFacts) -> Price:
    """What a use (or a booking, a no-show, a late cancellation) costs this class under this tariff.

    Raises:
        PriceOnRequest: the tariff says "ask".
        NoRate: no rate for this class and way of use. Never zero instead.
        NothingToPrice: neither time nor samples nor items were given.
        InvalidTariff: an extra was asked for that the tariff does not have.
    """
    if tariff.ask:
        raise PriceOnRequest()
    if use.occasion is Occasion.NO_SHOW:
        return _penalty(tariff, customer_class, use, tariff.no_show, "no_show")
    if use.occasion is Occasion.CANCELLED:
        return _cancellation(tariff, customer_class, use)
    lines, seconds = _use_lines(tariff, customer_class, use)
    return _close(tariff, customer_class, lines, seconds)


def charged_spans(tariff: Tariff, use: UseFacts) -> list[TimeSpan]:
    """The time that the tariff looks at, before minimum and units. Empty when the use has no time."""
    used = use.used if use.used is not None else ((use.reserved,) if use.reserved else ())
    reserved = (use.reserved,) if use.reserved else ()
    if tariff.charge_on is ChargeOn.RESERVED:
        spans: Sequence[TimeSpan] = reserved or used
    elif tariff.charge_on is ChargeOn.LONGER and reserved and used:
        everything = [*reserved, *used]
        spans = [TimeSpan(min(s.start for s in everything), max(s.end for s in everything))]
    else:
        spans = used
    if tariff.cut_to_minute:
        spans = [_cut(span) for span in spans]
    return merge(spans)


def _cut(span: TimeSpan) -> TimeSpan:
    """Both ends cut to the minute; a use inside one minute counts as one, never as none."""
    start, end = cut_minute(span.start), cut_minute(span.end)
    return TimeSpan(start, max(end, start + timedelta(minutes=1)))


def counted_seconds(tariff: Tariff, seconds: int) -> int:
    """Seconds that count: at least the minimum time, then whole units; a rest below the threshold is dropped."""
    if seconds <= 0:
        return 0
    seconds = max(seconds, tariff.minimum_minutes * 60)
    unit = tariff.unit_minutes * 60
    if not unit:
        return seconds
    first = tariff.first_block.minutes * 60 if tariff.first_block else 0
    if seconds <= first:
        return seconds
    units, rest = divmod(seconds - first, unit)
    if rest and rest >= tariff.unit_threshold_minutes * 60:
        units += 1
    return first + units * unit


def _stretch(spans: list[TimeSpan], seconds: int) -> list[TimeSpan]:
    """The spans with so many seconds in all: the last one is drawn out, or the end is cut off."""
    result: list[TimeSpan] = []
    left = seconds
    for index, span in enumerate(spans):
        take = left if index == len(spans) - 1 else min(left, span.seconds)
        if take > 0:
            result.append(TimeSpan(span.start, span.start + timedelta(seconds=take)))
        left -= take
    return result


def _rate(part: PerClass, tariff: Tariff, customer_class: CustomerClass, place: str) -> Fraction:
    rate = part.of(customer_class)
    if rate is None:
        raise NoRate(customer_class=str(customer_class), place=place)
    return _with_factor(rate, tariff, customer_class)


def _optional(part: PerClass, tariff: Tariff, customer_class: CustomerClass) -> Fraction:
    rate = part.of(customer_class)
    return _NOTHING if rate is None else _with_factor(rate, tariff, customer_class)


def _with_factor(rate: Fraction, tariff: Tariff, customer_class: CustomerClass) -> Fraction:
    factor = tariff.factor_of(customer_class)
    return rate if factor is UNCHANGED else rate * factor


def _for_time(rate: Fraction, seconds: int) -> Fraction:
    """A rate an hour, for so many seconds."""
    return Fraction(rate.numerator * seconds, rate.denominator * HOUR)


def _sum(lines: Sequence[_Line]) -> Fraction:
    return lines[0].exact if len(lines) == 1 else sum((line.exact for line in lines), _NOTHING)


def _chosen(tariff: Tariff, use: UseFacts) -> list[Extra]:
    if not use.extras and not use.items:
        return []
    known = {extra.code: extra for extra in tariff.extras}
    unknown = sorted((set(use.extras) | set(use.items)) - set(known) - {BY_DAY})
    if unknown:
        raise InvalidTariff(
            *(Reason("pricing.tariff.unknown_extra", {"extra": code}, "extras") for code in unknown)
        )
    return [extra for extra in tariff.extras if extra.code in use.extras or use.items.get(extra.code)]


def _use_lines(tariff: Tariff, customer_class: CustomerClass, use: UseFacts) -> tuple[list[_Line], int]:
    chosen = _chosen(tariff, use)
    spans = charged_spans(tariff, use)
    share = UNCHANGED if use.share == (1, 1) else Fraction(*use.share)
    seconds = 0
    lines: list[_Line] = []
    minimum = _NOTHING
    by_time = use.mode in (Mode.SELF_USE, Mode.STAFF_RUN)
    by_sample = use.mode not in (Mode.SELF_USE, Mode.STAFF_RUN) or tariff.hour.empty
    has_time_rate = not tariff.hour.empty or not tariff.day.empty or tariff.first_block is not None
    if by_time and spans and has_time_rate:
        lines, seconds, minimum = _time_lines(tariff, customer_class, use, chosen, spans)
        if share is not UNCHANGED:
            lines = [_Line(line.code, line.values, line.exact * share) for line in lines]
            minimum *= share
    else:
        minimum = _optional(tariff.minimum, tariff, customer_class)
    if use.samples and (by_sample or not tariff.sample.empty):
        lines.append(_sample_line(tariff, customer_class, use))
    lines += _item_lines(tariff, customer_class, use, chosen)
    start_fee = _optional(tariff.start_fee, tariff, customer_class)
    if not lines and not start_fee:
        if tariff.start_fee.empty:
            raise NothingToPrice(mode=str(use.mode or ""))
        _rate(tariff.start_fee, tariff, customer_class, "start_fee")
    lines += _factor_lines(chosen, lines)
    subtotal = _sum(lines)
    if minimum > subtotal:
        lines.append(_Line("minimum", {"minimum_exact": _text(minimum)}, minimum - subtotal))
    if start_fee:
        lines.append(_Line("start_fee", {}, start_fee * share))
    for extra in chosen:
        if extra.kind is ExtraKind.FEE and extra.per is Per.ORDER:
            amount = _rate(extra.amount, tariff, customer_class, f"extras.{extra.code}")
            lines.append(_Line("extra_fee", _named(extra), amount))
    return lines, seconds


def _time_lines(
    tariff: Tariff,
    customer_class: CustomerClass,
    use: UseFacts,
    chosen: Sequence[Extra],
    spans: list[TimeSpan],
) -> tuple[list[_Line], int, Fraction]:
    """Lines for the time, how many seconds were charged, and the minimum weighted over the bands."""
    actual = sum(span.seconds for span in spans)
    base_minimum = _optional(tariff.minimum, tariff, customer_class)
    if not tariff.day.empty and (tariff.hour.empty or BY_DAY in use.extras):
        days = -(-actual // DAY)
        rate = _rate(tariff.day, tariff, customer_class, "day")
        return (
            [_Line("days", {"days": days, "rate_exact": _text(rate)}, rate * days)],
            days * DAY,
            base_minimum,
        )
    seconds = counted_seconds(tariff, actual)
    lines: list[_Line] = []
    rest = seconds
    if tariff.first_block is not None and seconds:
        block = _rate(tariff.first_block.price, tariff, customer_class, "first_block.price")
        lines.append(_Line("first_block", {"minutes": tariff.first_block.minutes}, block))
        rest = max(0, seconds - tariff.first_block.minutes * 60)
    if rest:
        # A first block without an hourly rate cannot price what lies beyond it.
        _rate(tariff.hour, tariff, customer_class, "hour")
        lines += _hour_lines(tariff, customer_class, use, spans, seconds, rest)
    elif not seconds:
        # All of it lies below the threshold of the first unit: charged as no time, and said so.
        lines.append(_Line("time", {"seconds": 0, "rate_exact": "0"}, Fraction(0)))
    added = [extra for extra in chosen if extra.kind is ExtraKind.HOUR]
    added_fees = [extra for extra in chosen if extra.kind is ExtraKind.FEE and extra.per is Per.HOUR]
    if use.mode is Mode.STAFF_RUN and not tariff.staff_hour.empty:
        rate = _rate(tariff.staff_hour, tariff, customer_class, "staff_hour")
        values: dict[str, object] = {"seconds": seconds, "rate_exact": _text(rate)}
        lines.append(_Line("staff", values, _for_time(rate, seconds)))
    for extra in [*added, *added_fees]:
        rate = _rate(extra.amount, tariff, customer_class, f"extras.{extra.code}")
        values = {**_named(extra), "seconds": seconds, "rate_exact": _text(rate)}
        lines.append(_Line("extra_hour", values, _for_time(rate, seconds)))
    return lines, seconds, _weighted_minimum(tariff, customer_class, use, spans, seconds, base_minimum)


def _hour_lines(
    tariff: Tariff,
    customer_class: CustomerClass,
    use: UseFacts,
    spans: list[TimeSpan],
    seconds: int,
    rest: int,
) -> list[_Line]:
    base = _rate(tariff.hour, tariff, customer_class, "hour")
    if tariff.steps:
        return _step_lines(tariff, customer_class, base, rest)
    if not tariff.bands:
        return [_Line("time", {"seconds": rest, "rate_exact": _text(base)}, _for_time(base, rest))]
    tz = zone(use.zone)
    by_band: dict[str, tuple[Band | None, int]] = {}
    for span in _stretch(spans, seconds):
        for band, piece in pieces(tariff.bands, span, tz):
            code = band.code if band else ""
            by_band[code] = (band, by_band.get(code, (band, 0))[1] + piece.seconds)
    lines: list[_Line] = []
    for code, (band, in_band) in sorted(by_band.items()):
        rate = base if band is None else _band_rate(band, base, tariff, customer_class)
        values: dict[str, object] = {"seconds": in_band, "rate_exact": _text(rate)}
        if band is not None:
            values |= {"band": code, "name_zh": band.name_zh, "name_en": band.name_en}
        lines.append(_Line("time" if band is None else "time_band", values, _for_time(rate, in_band)))
    return lines


def _band_rate(band: Band, base: Fraction, tariff: Tariff, customer_class: CustomerClass) -> Fraction:
    if band.factor is not None:
        return base * band.factor
    own = band.hour.of(customer_class)
    return base if own is None else own * tariff.factor_of(customer_class)


def _step_lines(tariff: Tariff, customer_class: CustomerClass, base: Fraction, seconds: int) -> list[_Line]:
    lines: list[_Line] = []
    edges = [0, *(step.after_minutes * 60 for step in tariff.steps)]
    rates = [base, *(_rate(step.hour, tariff, customer_class, "steps") for step in tariff.steps)]
    for index, (start, rate) in enumerate(zip(edges, rates, strict=True)):
        end = edges[index + 1] if index + 1 < len(edges) else seconds
        within = min(seconds, end) - start
        if within > 0:
            values: dict[str, object] = {
                "seconds": within,
                "rate_exact": _text(rate),
                "after_minutes": start // 60,
            }
            lines.append(_Line("time" if index == 0 else "time_step", values, _for_time(rate, within)))
    return lines


def _weighted_minimum(
    tariff: Tariff,
    customer_class: CustomerClass,
    use: UseFacts,
    spans: list[TimeSpan],
    seconds: int,
    base: Fraction,
) -> Fraction:
    """One minimum for the whole charge; where a band has its own, both count by their part of the time."""
    if not seconds or all(band.minimum.empty for band in tariff.bands):
        return base
    total = Fraction(0)
    tz = zone(use.zone)
    for span in _stretch(spans, seconds):
        for band, piece in pieces(tariff.bands, span, tz):
            own = band.minimum.of(customer_class) if band else None
            level = base if own is None else own * tariff.factor_of(customer_class)
            total += level * piece.seconds
    return total / seconds


def _sample_line(tariff: Tariff, customer_class: CustomerClass, use: UseFacts) -> _Line:
    rate = _rate(tariff.sample, tariff, customer_class, "sample")
    from_count = 1
    for item in tariff.sample_breaks:
        own = item.sample.of(customer_class)
        if use.samples >= item.from_count and own is not None:
            rate, from_count = own * tariff.factor_of(customer_class), item.from_count
    values: dict[str, object] = {"samples": use.samples, "rate_exact": _text(rate), "from": from_count}
    return _Line("samples" if from_count == 1 else "samples_break", values, rate * use.samples)


def _item_lines(
    tariff: Tariff, customer_class: CustomerClass, use: UseFacts, chosen: Iterable[Extra]
) -> list[_Line]:
    lines: list[_Line] = []
    for extra in chosen:
        if extra.kind is not ExtraKind.FEE or extra.per in (Per.ORDER, Per.HOUR):
            continue
        count = use.samples if extra.per is Per.SAMPLE else use.items.get(extra.code, 1)
        if count < extra.from_count:
            continue
        times = count * (use.samples if extra.per is Per.ITEM_AND_SAMPLE else 1)
        rate = _rate(extra.amount, tariff, customer_class, f"extras.{extra.code}")
        values: dict[str, object] = {**_named(extra), "count": times, "rate_exact": _text(rate)}
        lines.append(_Line("extra_items", values, rate * times))
    return lines


def _factor_lines(chosen: Iterable[Extra], lines: Sequence[_Line]) -> list[_Line]:
    """Chosen factors apply one after the other to everything so far; each line shows what it adds."""
    factors = [(one, one.factor) for one in chosen if one.kind is ExtraKind.FACTOR and one.factor is not None]
    if not factors:
        return []
    running = _sum(lines)
    result: list[_Line] = []
    for extra, factor in factors:
        added = running * (factor - 1)
        result.append(_Line("extra_factor", {**_named(extra), "factor": str(factor)}, added))
        running += added
    return result


def _penalty(
    tariff: Tariff, customer_class: CustomerClass, use: UseFacts, penalty: Penalty, code: str
) -> Price:
    if penalty.consequence is Consequence.FEE:
        fee = _rate(penalty.fee, tariff, customer_class, f"{code}.fee")
        fee *= Fraction(*use.share) * Fraction(*use.part)
        if penalty.times:
            number = _number_within(use, penalty.within_days)
            times = penalty.times[min(number, len(penalty.times)) - 1]
            values: dict[str, object] = {
                "number": number, "days": penalty.within_days, "times": str(times),
            }  # fmt: skip
            return _close(tariff, customer_class, [_Line(f"{code}_repeated", values, fee * times)], 0)
        return _close(tariff, customer_class, [_Line(code, {}, fee)], 0)
    if penalty.consequence is Consequence.BOOKED:
        booked = UseFacts(
            zone=use.zone, mode=use.mode, reserved=use.reserved, used=None, samples=use.samples, items=use.items,
            extras=use.extras, share=use.share,
        )  # fmt: skip
        lines, seconds = _use_lines(tariff, customer_class, booked)
        total = _sum(lines)
        if use.kept is not None:
            # What giving a part back saves is what it costs, so that all parts together cost what the whole does.
            rest, left = _use_lines(tariff, customer_class, replace(booked, reserved=use.kept))
            total, seconds = (
                max(total - _sum(rest), _NOTHING),
                seconds - left,
            )
        return _close(tariff, customer_class, [_Line(f"{code}_booked", {"seconds": seconds}, total)], 0)
    return _close(tariff, customer_class, [], 0)


def _number_within(use: UseFacts, days: int) -> int:
    """Which no-show of the person this one is, those counted that began so many days before it or later."""
    if use.reserved is None:
        return 1
    start = use.reserved.start
    return 1 + sum(start - timedelta(days=days) < moment < start for moment in use.missed)


def _cancellation(tariff: Tariff, customer_class: CustomerClass, use: UseFacts) -> Price:
    """Exactly the notice before the start is still free; a second less is not."""
    notice = tariff.cancellation.notice_minutes * 60
    if use.notice_seconds is None:
        raise NothingToPrice(mode="cancelled")
    if notice == 0 or use.notice_seconds >= notice:
        return _close(tariff, customer_class, [], 0)
    return _penalty(tariff, customer_class, use, tariff.cancellation, "cancellation")


def _close(tariff: Tariff, customer_class: CustomerClass, lines: Sequence[_Line], seconds: int) -> Price:
    exact = _sum(lines)
    if tariff.round_to != 1:
        exact /= tariff.round_to
    total = round_minor(exact, tariff.rounding) * tariff.round_to
    amounts = spread([line.exact for line in lines], total)
    return Price(
        total=Money(total, tariff.currency),
        lines=tuple(
            PriceLine(
                Reason(f"pricing.line.{line.code}", line.values), line.exact, Money(amount, tariff.currency)
            )
            for line, amount in zip(lines, amounts, strict=True)
        ),
        customer_class=customer_class,
        charged_seconds=seconds,
    )


def spread(exact: Sequence[Fraction], total: int) -> list[int]:
    """Whole amounts near the exact ones that add up to the total; the rest goes to the largest remainders."""
    if len(exact) < 2:
        return [total][: len(exact)]
    floors = [value.numerator // value.denominator for value in exact]
    left = total - sum(floors)
    each, some = divmod(left, len(exact))
    order = sorted(range(len(exact)), key=lambda i: (-(exact[i] - floors[i]), i))
    result = [floor + each for floor in floors]
    for index in order[:some]:
        result[index] += 1
    return result


def _named(extra: Extra) -> dict[str, object]:
    return {"extra": extra.code, "name_zh": extra.name_zh, "name_en": extra.name_en}


def _text(value: Fraction) -> str:
    """An exact amount of minor units, as text for JSON: ``"30000"`` or ``"61/3"``."""
    return str(value)
