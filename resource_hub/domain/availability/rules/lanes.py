"""What a lane looks like to a viewer, piece by piece, and why a time cannot be booked (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from resource_hub.domain.availability.rules.hours import exceptions_of, opening, stretches_on
from resource_hub.domain.availability.terms import (
    DatedException,
    DayKind,
    ExceptionKind,
    Held,
    Hours,
    Look,
    OccupancyKind,
    Stretch,
    Viewer,
)
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan, intersect, subtract, zone


def lane(
    hours: Hours, span: TimeSpan, unit_id: UUID, held: Iterable[Held], viewer: Viewer, now: datetime
) -> tuple[Stretch, ...]:
    """The span cut into pieces that look alike; together they cover it without gap or overlap.

    What holds the unit goes before opening hours: a booking made under older hours stays where it is. Free time that
    has passed is past.
    """
    pieces: list[Stretch] = []
    taken: list[TimeSpan] = []
    for holding in sorted(held, key=lambda h: h.span):
        if holding.unit_id != unit_id or not holding.in_force(now) or not holding.span.overlaps(span):
            continue
        taken.append(holding.span)
        pieces += _held_pieces(holding, span, viewer)
    found = opening(hours, span, unit_id)
    future = [TimeSpan(max(span.start, now), span.end)] if now < span.end else []
    past = [TimeSpan(span.start, min(span.end, now))] if now > span.start else []
    to_all, protected = subtract(found.to_all, taken), subtract(found.protected, taken)
    pieces += [Stretch(s, Look.FREE, None, None, True) for s in intersect(to_all, future)]
    kept = Reason("availability.protected", {})
    pieces += [
        Stretch(s, Look.PROTECTED, kept, None, viewer.may_use_protected) for s in intersect(protected, future)
    ]
    gone = Reason("availability.past", {})
    pieces += [Stretch(s, Look.PAST, gone) for s in intersect([*to_all, *protected], past)]
    rest = subtract(subtract([span], [*found.to_all, *found.protected]), taken)
    pieces += [Stretch(s, Look.CLOSED, why) for s, why in closed_pieces(hours, rest, unit_id)]
    return tuple(sorted(pieces, key=lambda p: p.span))


def _held_pieces(holding: Held, span: TimeSpan, viewer: Viewer) -> Iterable[Stretch]:
    mine = holding.holder_id in viewer.holder_ids
    known = holding.holder_id if mine or viewer.host else None
    if holding.kind is OccupancyKind.EXTERNAL:
        known = None
        look, code = Look.TAKEN, "availability.external" if viewer.host else "availability.taken"
    elif holding.kind is OccupancyKind.MAINTENANCE:
        look, code = Look.MAINTENANCE, "availability.maintenance"
    elif mine:
        look, code = (
            (Look.HELD, "availability.held")
            if holding.kind is OccupancyKind.HOLD
            else (Look.MINE, "availability.mine")
        )
    else:
        look, code = Look.TAKEN, "availability.taken"
    proper = holding.proper or holding.span
    parts = [
        (holding.span.start, proper.start, Look.SETUP, "availability.setup"),
        (proper.start, proper.end, look, code),
        (proper.end, holding.span.end, Look.TEARDOWN, "availability.teardown"),
    ]
    for first, last, shown, why in parts:
        first, last = max(first, span.start), min(last, span.end)
        if first < last:
            yield Stretch(TimeSpan(first, last), shown, Reason(why, {}), known)


def closed_pieces(
    hours: Hours, closed: Sequence[TimeSpan], unit_id: UUID | None
) -> list[tuple[TimeSpan, Reason]]:
    """Each stretch of closed time with its reason: a closure, a holiday, or simply no opening hours then."""
    result: list[tuple[TimeSpan, Reason]] = []
    tz = zone(hours.zone)
    closures = [e for e in exceptions_of(hours.exceptions, unit_id) if e.kind is ExceptionKind.CLOSURE]
    for span in closed:
        rest = [span]
        for closure in closures:
            for hit in intersect(rest, [closure.span]):
                result.append((hit, _closure_reason(closure)))
            rest = subtract(rest, [closure.span])
        for piece in rest:
            for day, part in piece.by_day(tz):
                special = hours.days.get(day)
                if special is not None and special.kind is DayKind.HOLIDAY and _would_open(hours, day):
                    values = {"name": {"zh": special.name_zh, "en": special.name_en}, "day": day.isoformat()}
                    code = (
                        "availability.closed_holiday_provisional"
                        if special.provisional
                        else "availability.closed_holiday"
                    )
                    result.append((part, Reason(code, values)))
                else:
                    result.append((part, _outside_hours(hours, day)))
    return _joined(sorted(result, key=lambda pair: pair[0]))


def _joined(pieces: list[tuple[TimeSpan, Reason]]) -> list[tuple[TimeSpan, Reason]]:
    """Neighbours with the same reason as one piece, so that a closed night is one cell."""
    result: list[tuple[TimeSpan, Reason]] = []
    for span, why in pieces:
        if (
            result
            and result[-1][0].end == span.start
            and result[-1][1].code == why.code == "availability.closed_hours"
        ):
            result[-1] = (TimeSpan(result[-1][0].start, span.end), result[-1][1])
        else:
            result.append((span, why))
    return result


def _closure_reason(closure: DatedException) -> Reason:
    if not closure.reason_zh and not closure.reason_en:
        return Reason("availability.closed_closure_plain", {})
    return Reason(
        "availability.closed_closure",
        {
            "why": {
                "zh": closure.reason_zh or closure.reason_en,
                "en": closure.reason_en or closure.reason_zh,
            }
        },
    )


def _would_open(hours: Hours, day: date) -> bool:
    return any(
        row.weekday == day.weekday() and row.since <= day and (row.until is None or day < row.until)
        for row in hours.weekly
    )


def _outside_hours(hours: Hours, day: date) -> Reason:
    """Outside opening hours; says what the hours of that day are, so that nobody has to guess."""
    if not hours.weekly and not any(e.kind is ExceptionKind.EXTRA for e in hours.exceptions):
        return Reason("availability.no_hours", {})
    rows = sorted(stretches_on(hours, day), key=lambda row: row.starts)
    if not rows:
        return Reason("availability.closed_day", {})
    return Reason(
        "availability.closed_hours", {"hours": [f"{_wall(r.starts)}–{_wall(r.ends)}" for r in rows]}
    )


def _wall(minutes: int) -> str:
    """``09:00``; past midnight the hour goes on counting from 0 unless it is exactly 24:00."""
    if minutes == 1440:
        return "24:00"
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


_NAMED = 8


def reasons_against(
    hours: Hours, span: TimeSpan, *, outside: bool, unit_id: UUID | None = None
) -> list[Reason]:
    """Why opening hours do not allow a booking of exactly this span; empty when they do.

    Every different reason once, in the order of time, at the field ``time``; of very many the first ones and how many
    more there are.
    """
    found = opening(hours, span, unit_id)
    closed = subtract([span], [*found.to_all, *found.protected])
    reasons = [why for _, why in closed_pieces(hours, closed, unit_id)]
    if found.protected and not outside:
        reasons.append(Reason("availability.protected", {}))
    unique: dict[tuple[str, str], Reason] = {}
    for reason in reasons:
        unique.setdefault((reason.code, repr(reason.values)), Reason(reason.code, reason.values, "time"))
    different = list(unique.values())
    if len(different) <= _NAMED + 1:
        return different
    return [
        *different[:_NAMED],
        Reason("availability.closed_more", {"count": len(different) - _NAMED}, "time"),
    ]
