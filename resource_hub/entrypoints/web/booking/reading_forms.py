"""From what was typed or dragged to a wish: times in the host's zone, choices, answers. Also who acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import g, request
from werkzeug.datastructures import MultiDict

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking.terms import Asked, BookingKind, Hazard, Purpose
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.entrypoints.support import guards, wall_clock
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.web.context import LAST
from resource_hub.kernel.time import (
    EmptySpan,
    NoSuchLocalTime,
    RepeatedLocalTime,
    TimeSpan,
)

MODES = tuple(mode.value for mode in Mode)


def acting(code: str | None = None) -> Actor | None:
    """For which organisation the reader looks: the one in the address, the one used last, the first that may book.

    Rights never come from it: what changes something names its organisation in the address.
    """
    if g.get("actor") is not None:
        return g.actor  # type: ignore[no-any-return]
    person = guards.person()
    if person is None:
        return None
    seats = accounts.seats(person.id)
    codes = [seat.organisation.code for seat in seats]
    wanted = [c for c in (code, request.args.get("o"), request.cookies.get(LAST)) if c in codes]
    actors = [accounts.actor(person.id, c) for c in dict.fromkeys([*wanted, *codes])]
    for found in actors:
        if found.customer_ids:
            return found
    return actors[0] if actors else None


def booking_seats() -> list[Any]:
    """Organisations for which the reader may book."""
    person = guards.person()
    if person is None:
        return []
    seats = accounts.seats(person.id)
    return [s for s in seats if accounts.actor(person.id, s.organisation.code).customer_ids]


@dataclass(frozen=True, slots=True)
class Typed:
    """The time that a form speaks of, as far as it could be read; ``fault`` is the code of what is wrong with it."""

    span: TimeSpan | None
    fault: str | None = None


def typed_span(values: Mapping[str, str], zone_name: str) -> Typed:
    """A span from ``start_day start_time end_day end_time`` of the zone's wall clock.

    Without an end day it is the same day, or the next one when the end is not after the start (overnight). Of a time
    that the clock repeats ``start_offset`` and ``end_offset`` say which one.
    """
    start_day, start_time = values.get("start_day", "").strip(), values.get("start_time", "").strip()
    end_day, end_time = values.get("end_day", "").strip(), values.get("end_time", "").strip()
    if not start_day or not start_time or not end_time:
        return Typed(None, "booking.time_missing" if start_day or start_time or end_time else None)
    first, last = wall_clock.wall(start_day, start_time), wall_clock.wall(end_day or start_day, end_time)
    if first is None or last is None:
        return Typed(None, "form.not_a_moment")
    if not end_day and last <= first:
        last += timedelta(days=1)
    try:
        start = wall_clock.exact(first, values.get("start_offset", ""), zone_name)
        end = wall_clock.exact(last, values.get("end_offset", ""), zone_name, after=start)
        return Typed(TimeSpan(start, end))
    except NoSuchLocalTime:
        return Typed(None, "form.skipped_time")
    except RepeatedLocalTime:
        return Typed(None, "form.repeated_time")
    except EmptySpan:
        return Typed(None, "booking.end_before_start")


def span_fields(span: TimeSpan | None, zone_name: str) -> dict[str, str]:
    """A span as the fields of a form."""
    if span is None:
        return {}
    found = {
        **wall_clock.fields("start", span.start, zone_name),
        **wall_clock.fields("end", span.end, zone_name),
    }
    same_day = found["end_day"] == found["start_day"]
    # Over the hour that comes twice an end may stand before its start on the same day.
    return {**found, "end_day": ""} if same_day and found["end_time"] > found["start_time"] else found


def typed_fields(values: Mapping[str, str], span: TimeSpan | None, zone_name: str) -> dict[str, str]:
    """The fields of a span that was read from an address; what could not be read stands there as it was typed."""
    if span is not None:
        return span_fields(span, zone_name)
    names = [f"{end}_{part}" for end in ("start", "end") for part in ("day", "time", "offset")]
    return {name: values[name] for name in names if values.get(name)}


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _count(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else 0


def asked_from(
    values: MultiDict[str, str], resource: ResourceRecord, kind: BookingKind | None = None
) -> tuple[Asked, str | None]:
    """A wish from query or form, without judging it; and the code of what is wrong with its time."""
    typed = typed_span(values, resource.zone)
    mode = values.get("mode", "")
    chosen = Mode(mode) if mode in MODES else (resource.modes[0] if resource.modes else Mode.SELF_USE)
    if kind is None:
        named = values.get("kind", "")
        kind = BookingKind(named) if named in {k.value for k in BookingKind} else BookingKind.WINDOW
        if resource.takes_access_requests:
            kind = BookingKind.ACCESS
        elif chosen is Mode.SEND_IN:
            kind = BookingKind.SAMPLES
    timed = kind is BookingKind.WINDOW
    purpose = values.get("purpose", "")
    return (
        Asked(
            kind=kind,
            mode=None
            if kind is BookingKind.ACCESS
            else Mode.SEND_IN
            if kind is BookingKind.SAMPLES
            else chosen,
            span=typed.span if timed else None,
            unit_id=_id(values.get("unit")) if timed else None,
            customer_id=_id(values.get("customer")),
            person_id=None,
            purpose=purpose if purpose in {p.value for p in Purpose} else Purpose.RESEARCH.value,
            project=values.get("project", "").strip()[:200],
            description=values.get("description", "").strip()[:4000],
            samples=_count(values.get("samples", "").strip()),
            extras=frozenset(values.getlist("extras")),
            answers={
                key.removeprefix("answers."): text.strip()[:1000]
                for key, text in values.items()
                if key.startswith("answers.")
            },
            hazards=frozenset(h for h in values.getlist("hazards") if h in {one.value for one in Hazard}),
            hazard_note=values.get("hazard_note", "").strip()[:1000],
            helpers=frozenset(filter(None, map(_id, values.getlist("helpers")))) if timed else frozenset(),
            given_id=_id(values.get("given")),
        ),
        typed.fault if timed else None,
    )


def read_form(form: Form, resource: ResourceRecord, rules: HouseDocument) -> Asked:
    """The order as typed, with the faults of single fields noted in the form; rules judge the rest."""
    assert form.typed is not None
    asked, fault = asked_from(form.typed, resource)
    if fault:
        form.note("time", fault)
    elif asked.kind is BookingKind.WINDOW and asked.span is None:
        form.note("time", "booking.time_missing")
    if form.typed.get("samples", "").strip():
        form.whole("samples", least=0, most=100_000)
    form.text("description", longest=4000, required=asked.kind is BookingKind.ACCESS)
    form.text("project", longest=200)
    form.text("hazard_note", longest=1000)
    return asked


def query_of(asked: Asked, zone_name: str, **more: str) -> dict[str, Any]:
    """A wish as query values of an address."""
    values: dict[str, Any] = {**span_fields(asked.span, zone_name)}
    if asked.mode is not None:
        values["mode"] = asked.mode.value
    if asked.unit_id is not None:
        values["unit"] = str(asked.unit_id)
    if asked.customer_id is not None:
        values["customer"] = str(asked.customer_id)
    if asked.samples:
        values["samples"] = asked.samples
    if asked.given_id is not None:
        values["given"] = str(asked.given_id)
    return {key: value for key, value in {**values, **more}.items() if value not in ("", None)}


def picked(text: str) -> tuple[UUID, int] | None:
    """A ticked request: its id and the version that was looked at."""
    booking_id, _slash, version = text.partition("/")
    try:
        return UUID(booking_id), int(version)
    except ValueError:
        return None
