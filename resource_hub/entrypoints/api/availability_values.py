"""Calendars, hours and house rules between the API and the domain."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from resource_hub.domain.availability import service
from resource_hub.domain.availability.rules.protected import ProtectedUse
from resource_hub.domain.availability.terms import (
    Audience,
    DatedException,
    DatesEntered,
    ExceptionKind,
    Lane,
    OnHolidays,
    RulesRecord,
    Stretch,
    WeeklyHours,
)
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import Fate, Verdict
from resource_hub.entrypoints.api.common import span_of, told
from resource_hub.entrypoints.support import sentences


def stretch_out(one: Stretch) -> dict[str, Any]:
    return {
        "start": one.span.start,
        "end": one.span.end,
        "look": one.look.value,
        "bookable": one.bookable,
        "why": told([one.why])[0] if one.why else None,
        "holder_id": one.holder_id,
    }


def lane_out(lane: Lane) -> dict[str, Any]:
    return {
        "unit_id": lane.unit_id,
        "code": lane.label,
        "name": {"zh": lane.name_zh, "en": lane.name_en},
        "stretches": [stretch_out(one) for one in lane.stretches],
    }


def weekly_out(row: WeeklyHours) -> dict[str, Any]:
    return {
        "weekday": row.weekday,
        "starts_minute": row.starts,
        "ends_minute": row.ends,
        "since": row.since,
        "until": row.until,
        "audience": row.audience.value,
        "on_holidays": row.on_holidays.value,
    }


def hit_out(hit: booking.HitBooking) -> dict[str, Any]:
    held = hit.held
    proper = held.proper or held.span
    return {
        "holder_id": held.holder_id,
        "number": hit.record.number if hit.record else None,
        "version": hit.record.version if hit.record else None,
        "unit_id": held.unit_id,
        "start": proper.start,
        "end": proper.end,
        "reasons": told(hit.reasons),
        "fates": [fate.value for fate in hit.fates],
        "times": [{"unit_id": t.unit_id, "start": t.span.start, "end": t.span.end} for t in hit.times],
    }


def verdicts_in(data: dict[str, Any]) -> dict[UUID, Verdict]:
    found = {}
    for n, row in enumerate(data["verdicts"]):
        timed = row["start"] is not None and row["end"] is not None
        span = span_of(row["start"], row["end"], f"verdicts.{n}.end") if timed else None
        found[row["booking_id"]] = Verdict(Fate(row["fate"]), span=span, version=row["version"])
    return found


def exception_out(one: DatedException) -> dict[str, Any]:
    return {
        "id": one.id,
        "series_id": one.series_id,
        "kind": one.kind.value,
        "start": one.span.start,
        "end": one.span.end,
        "unit_id": one.unit_id,
        "audience": one.audience.value,
        "reason": {"zh": one.reason_zh, "en": one.reason_en},
    }


def dates_out(one: DatesEntered) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.next.kind.value,
        "unit_id": one.next.unit_id,
        "audience": one.next.audience.value,
        "reason": {"zh": one.next.reason_zh, "en": one.next.reason_en},
        "next_start": one.next.span.start,
        "next_end": one.next.span.end,
        "last_start": one.last.span.start,
        "count": one.count,
    }


def use_out(use: ProtectedUse) -> dict[str, int]:
    names = ("promised", "outside", "free", "inside", "closed", "maintained", "elsewhere")
    return {f"{name}_seconds": getattr(use, name) for name in names}


def read_back(document: Any) -> dict[str, Any]:
    rules = service.read_rules(document)
    return {
        "document": service.write_rules(rules),
        "sentences": [t.sentence for t in sentences.tell_all(service.rules_sentences(rules))],
    }


def trial_out(trial: booking.Trial) -> dict[str, Any]:
    return {
        "since": trial.since,
        "tried": trial.tried,
        "whole": trial.whole,
        "refused": trial.refused,
        "refused_today": trial.before,
        "customers": trial.customers,
        "by_rule": [{**told([reason])[0], "count": count} for reason, count in trial.by_rule],
        "bookings": [
            {
                "booking_id": one.order.key.id,
                "start": one.order.span.start,
                "end": one.order.span.end,
                "reasons": told(one.reasons),
            }
            for one in trial.listed
        ],
        "barred": trial.barred,
        "barred_today": trial.barred_before,
        "bars": [
            {
                "person_id": one.person_id,
                "customer_id": one.customer_id,
                "since": one.bar.since,
                "until": one.bar.until,
                "strikes": one.strikes,
            }
            for one in trial.bars
        ],
    }


def version_out(record: RulesRecord) -> dict[str, Any]:
    return {
        **read_back(record.document),
        "number": record.number,
        "since": record.since,
        "until": record.until,
        "note": record.note,
    }


def stretches_in(rows: list[dict[str, Any]]) -> list[WeeklyHours]:
    return [
        WeeklyHours(
            row["weekday"],
            row["starts_minute"],
            row["ends_minute"],
            audience=Audience(row["audience"]),
            on_holidays=OnHolidays(row["on_holidays"]),
        )
        for row in rows
    ]


def exception_in(data: dict[str, Any]) -> DatedException:
    return DatedException(
        ExceptionKind(data["kind"]),
        span_of(data["start"], data["end"]),
        Audience(data["audience"]),
        data["unit_id"],
        data["reason"]["zh"],
        data["reason"]["en"],
    )
