"""The one rule engine for every door: all failed rules of the house at once, each with its reason (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from resource_hub.domain.availability.rules.ahead import horizons
from resource_hub.domain.availability.rules.named_hours import occurrences
from resource_hub.domain.availability.rules.sentences import name_of
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking.rules.quotas import quota_reasons
from resource_hub.domain.booking.terms import (
    FINAL,
    BookingFacts,
    BookingKind,
    BookingState,
    ChangeFacts,
    Hazard,
)
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan, local_day, midnight, zone

_HAZARDS = frozenset(hazard.value for hazard in Hazard)

Rule = Callable[[BookingFacts, HouseDocument, datetime], Iterator[Reason]]


def check(facts: BookingFacts, rules: HouseDocument, now: datetime) -> tuple[Reason, ...]:
    """Every reason against an order as it stands at ``now``; empty when it may be booked.

    Whether the slot is still free is not asked here: that is decided under the lock, by the database.
    """
    return tuple(reason for rule in RULES for reason in rule(facts, rules, now))


def _resource(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if not facts.bookable:
        yield Reason("booking.not_bookable", {})
    if facts.outside and not facts.open_to_outside:
        yield Reason("booking.not_open_to_outside", {})
    if facts.modes and facts.mode is not None and facts.mode not in facts.modes:
        yield Reason(
            "booking.mode_not_offered", {"mode": {"word": ["booking.mode", facts.mode.value]}}, "mode"
        )


def _past(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if facts.span is not None and facts.span.start < now:
        yield Reason("booking.in_past", {}, "time")


def _lead(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if facts.span is None or facts.by_host or facts.span.start < now:
        return
    lead = rules.lead_for(facts.mode.value if facts.mode else "all") * 60
    if facts.span.start - now < timedelta(seconds=lead):
        earliest = now + timedelta(seconds=lead)
        values = {"lead_seconds": lead, "earliest": earliest.isoformat(), "zone": facts.zone}
        yield Reason("booking.lead", values, "time")


def _lead_days(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if facts.span is None or facts.by_host or facts.earliest_day is None or facts.span.start < now:
        return
    if local_day(facts.span.start, zone(facts.zone)) < facts.earliest_day:
        values = {"days": rules.lead_days, "earliest": facts.earliest_day.isoformat()}
        yield Reason("booking.lead_days", values, "time")


def _horizon(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if facts.span is None or facts.by_host:
        return
    tz = zone(facts.zone)
    today, start = local_day(now, tz), local_day(facts.span.start, tz)
    if not rules.ahead:
        bounds: Iterable[tuple[str, int]] = [("", rules.horizon_days)]
    else:
        outside, customer_id = facts.outside, facts.customer_id
        bounds = horizons(rules, facts.span, facts.zone, outside=outside, customer_id=customer_id)
    for hours, days in bounds:
        last = today + timedelta(days=days)
        if start > last:
            values: dict[str, Any] = {"days": days, "last": last.isoformat()}
            if hours:
                values["hours"] = name_of(rules.named_hours(hours)[0])
            yield Reason("booking.horizon_inside" if hours else "booking.horizon", values, "time")


def _length(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if facts.span is None:
        return
    if rules.by_day:
        yield from _length_in_days(facts.span, rules, zone(facts.zone))
        return
    seconds = facts.span.seconds
    if seconds < rules.least * 60:
        yield Reason(
            "booking.too_short", {"least_seconds": rules.least * 60, "asked_seconds": seconds}, "time"
        )
    if rules.most and seconds > rules.most * 60:
        yield Reason("booking.too_long", {"most_seconds": rules.most * 60, "asked_seconds": seconds}, "time")


def _length_in_days(span: TimeSpan, rules: HouseDocument, tz: ZoneInfo) -> Iterator[Reason]:
    """A day is one of the calendar, whatever the clock does meanwhile."""
    last = span.end - timedelta(microseconds=1)
    days = (local_day(last, tz) - local_day(span.start, tz)).days + 1
    if days < rules.least // 1440:
        yield Reason("booking.too_few_days", {"least": rules.least // 1440, "asked": days}, "time")
    if rules.most and days > rules.most // 1440:
        yield Reason("booking.too_many_days", {"most": rules.most // 1440, "asked": days}, "time")


def _alignment(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if facts.span is None:
        return
    tz, step = zone(facts.zone), rules.step * 60
    if rules.by_day:
        edges = (facts.span.start, facts.span.end)
        if any(edge != midnight(local_day(edge, tz), tz) for edge in edges):
            yield Reason("booking.whole_days", {}, "time")
        return
    if facts.span.seconds % step or facts.span.end.microsecond or facts.span.start.microsecond:
        yield Reason("booking.length_step", {"step": rules.step}, "time")
    if _into_day(facts.span.start, tz) % step:
        yield Reason("booking.start_step", {"step": rules.step}, "time")


def _into_day(moment: datetime, tz: ZoneInfo) -> int:
    wall = moment.astimezone(tz)
    return wall.hour * 3600 + wall.minute * 60 + wall.second


def _hours(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    # Binds the host's own people too: who wants time outside the hours opens it first, for all to see (B25).
    yield from facts.closed


def _after(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    """Hours that open only once those before them are taken, by the same booking or another (P7)."""
    if facts.span is None or facts.by_host:
        return
    wanted = (facts.span, *facts.taken)
    for row in rules.times:
        if not row.after:
            continue
        for stretch in occurrences(row, facts.span, facts.zone):
            before = [
                one
                for earlier in rules.named_hours(row.after)
                for one in occurrences(earlier, stretch.widened(1), facts.zone)
                if one.end == stretch.start
            ]
            if before and not any(one.overlaps(span) for one in before for span in wanted):
                values = {
                    "name": name_of(row),
                    "before": name_of(rules.named_hours(row.after)[0]),
                    "start": before[0].start.isoformat(),
                    "end": before[0].end.isoformat(),
                    "zone": facts.zone,
                }
                yield Reason("booking.hours_before_free", values, "time")


def _gap(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if facts.span is None or facts.by_host or not rules.gap:
        return
    near = facts.span.widened(rules.gap * 60, rules.gap * 60)
    for own in facts.own:
        if own.person_id != facts.person_id or rules.gap_reach not in own.within:
            continue
        if own.state not in FINAL and near.overlaps(own.span):
            values = {
                "gap_seconds": rules.gap * 60,
                "start": own.span.start.isoformat(),
                "end": own.span.end.isoformat(),
                "zone": facts.zone,
            }
            yield Reason("booking.gap", values, "time")
            return


def _quotas(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if facts.span is not None and not facts.by_host:
        yield from quota_reasons(facts, rules, now)


def _training(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    # Staff-run work and posted samples need no training of the customer.
    if (
        rules.training
        and facts.mode is not None
        and facts.mode.value == "self_use"
        and facts.qualified is False
    ):
        yield Reason("booking.training", {"training": rules.training}, "mode")


def _own_account(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if rules.own_account and not facts.by_host and facts.booked_by not in (None, facts.person_id):
        yield Reason("booking.own_account", {}, "person")


def _standing(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    yield from facts.standing


def _told(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    """What the host must be told: samples, hazards, its own questions."""
    if facts.kind is BookingKind.SAMPLES and facts.samples < 1:
        yield Reason("booking.samples_missing", {}, "samples")
    if rules.samples_most and facts.samples > rules.samples_most:
        yield Reason("booking.samples_most", {"most": rules.samples_most}, "samples")
    if facts.kind is BookingKind.ACCESS and not facts.description.strip():
        yield Reason("booking.purpose_missing", {}, "description")
    if facts.hazards - _HAZARDS:
        yield Reason("booking.hazard_unknown", {}, "hazards")
    if rules.hazard and facts.kind is not BookingKind.ACCESS and not facts.hazards:
        yield Reason("booking.hazard_missing", {}, "hazards")
    if "none" in facts.hazards and len(facts.hazards) > 1:
        yield Reason("booking.hazard_contradicts", {}, "hazards")
    if facts.hazards - {"none"} and not facts.hazard_note.strip():
        yield Reason("booking.hazard_note_missing", {}, "hazard_note")
    for asked in rules.fields:
        if asked.required and not str(facts.answers.get(asked.code, "")).strip():
            name = {"zh": asked.name_zh, "en": asked.name_en}
            yield Reason("booking.answer_missing", {"name": name}, f"answers.{asked.code}")


RULES: tuple[Rule, ...] = (
    _resource, _past, _lead, _lead_days, _horizon, _length, _alignment, _hours, _after, _gap, _quotas, _training,
    _own_account, _standing, _told,
)  # fmt: skip

# How far ahead one books: of time that was granted once this is not asked again.
AHEAD = frozenset({"booking.lead", "booking.lead_days", "booking.horizon", "booking.horizon_inside"})

# What a booking must look like, however little of it is left.
SHAPE = frozenset(
    {
        "booking.too_short", "booking.too_few_days", "booking.whole_days", "booking.length_step", "booking.start_step",
    }
)  # fmt: skip

# What can be tried on bookings of the past: rules of time and people.
TRIED: tuple[Rule, ...] = (
    _lead, _lead_days, _horizon, _length, _alignment, _after, _gap, _quotas, _own_account,
)  # fmt: skip


def check_change(facts: ChangeFacts, rules: HouseDocument, now: datetime) -> tuple[Reason, ...]:
    """Reasons against moving, extending or shortening, beside those against the new time itself.

    Inside the notice the customer cannot move the start, but may extend into free time (B22). A booking in use
    keeps its start. One that has begun without anybody can no more be moved away by the customer than be cancelled:
    a missed time would cost nothing. Nothing may be cut so short that it would end in the past (B12).
    """
    reasons = []
    moves = facts.after.start != facts.before.start
    if facts.state is BookingState.IN_USE and moves:
        reasons.append(Reason("booking.change_running_start", {}, "time"))
    if moved_after_start(facts, now) and not facts.by_host:
        reasons.append(Reason("booking.change_started", {}, "time"))
    if facts.after.end <= now:
        reasons.append(Reason("booking.change_into_past", {}, "time"))
    notice = rules.change_until * 60
    shrinks = facts.after.end < facts.before.end
    if not rules.extend and not facts.by_host and not moves and facts.after.end > facts.before.end:
        reasons.append(Reason("booking.no_extend", {}, "time"))
    if not facts.by_host and notice and (moves or shrinks) and facts.state is not BookingState.IN_USE:
        if facts.before.start - now < timedelta(seconds=notice):
            reasons.append(Reason("booking.change_until", {"notice_seconds": notice}, "time"))
    return tuple(reasons)


def held_fast(reasons: Iterable[Reason]) -> bool:
    """Whether a booking keeps its time whichever other one is asked for, so that none is worth proposing."""
    return any(reason.code in ("booking.change_until", "booking.change_started") for reason in reasons)


def moved_after_start(facts: ChangeFacts, now: datetime) -> bool:
    """Whether a booking that was due already, and that nobody has come to, would get another start."""
    due = facts.state is BookingState.APPROVED and facts.before.start <= now
    return due and facts.after.start != facts.before.start


def check_cancel(
    state: BookingState, start: datetime | None, rules: HouseDocument, now: datetime, *, by_host: bool
) -> tuple[Reason, ...]:
    """Reasons against a cancellation. Exactly the notice before the start is in time."""
    reasons = []
    if start is not None and start <= now and state is BookingState.APPROVED:
        reasons.append(Reason("booking.cancel_started", {}))
    elif start is not None and not by_host and rules.cancel_until and state is BookingState.APPROVED:
        if start - now < timedelta(minutes=rules.cancel_until):
            reasons.append(Reason("booking.cancel_until", {"notice_seconds": rules.cancel_until * 60}))
    return tuple(reasons)


def needs_approval(rules: HouseDocument, *, outside: bool, by_host: bool, kind: BookingKind) -> bool:
    """Whether the host is asked first. What it books itself needs no yes; work on samples and access always does."""
    if by_host:
        return False
    if kind is not BookingKind.WINDOW:
        return True
    return rules.approval.value == "always" or (rules.approval.value == "outside" and outside)
