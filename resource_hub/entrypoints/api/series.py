"""Series for programs: booking again and again with every clash answered; changing one day, the rest, or all.

All days are booked, moved or cancelled together or none is. A refusal names every day that clashes, in ``clashes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import g

from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NoSuchBooking
from resource_hub.domain.booking.terms import BookingState, Scope
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.api import CursorArguments
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.booking_values import (
    asked_in,
    fees_in,
    fees_out,
    more_out,
    price_out,
    rows_out,
    rule_in,
    sums_out,
)
from resource_hub.entrypoints.api.common import host_key, own_house, seen_resource, span_of, times_out, told
from resource_hub.entrypoints.api.series_schemas import (
    AnsweredSeriesSchema,
    CancelArguments,
    DayLookSchema,
    DayTimeIn,
    FullSeriesSchema,
    HostSeriesArguments,
    SeriesCancelIn,
    SeriesCancelPreviewSchema,
    SeriesChangeIn,
    SeriesChangePreviewSchema,
    SeriesIn,
    SeriesNoIn,
    SeriesPage,
    SeriesPreviewSchema,
    SeriesTimeIn,
    SeriesYesIn,
)
from resource_hub.entrypoints.api.writing import CreateHeaders, EditHeaders, once, seen_number, tagged
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.infra import clock
from resource_hub.kernel.errors import Invalid, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan

blueprint = Blueprint("series_api", __name__, url_prefix="/api/v1", description="Series of bookings")
_AT = "/hosts/<host>/resources/<code>/series"
_ONE = "/hosts/<host>/series/<uuid:series_id>"


# ---- values ----------------------------------------------------------------------------------------------------


def _choices_in(rows: list[dict[str, Any]]) -> dict[date, service.Choice]:
    found = {}
    for n, row in enumerate(rows):
        timed = row["start"] is not None and row["end"] is not None
        span = span_of(row["start"], row["end"], f"choices.{n}.end") if timed else None
        found[row["day"]] = service.Choice(row["skip"], span)
    return found


def _series_out(found: Sequence[service.SeriesRecord]) -> list[dict[str, Any]]:
    days = service.series_days_of([one.key for one in found])
    resources = catalogue.resources({one.resource_key for one in found})
    now = clock.now()
    rows = []
    for one in found:
        resource, on = resources[one.resource_key], days[one.key]
        row = {
            name: getattr(one, name)
            for name in (
                "resource_id", "customer_id", "person_id", "booked_by", "rule", "starts_minute", "length_seconds",
                "split_from", "version", "created_at",
            )
        }  # fmt: skip
        rows.append(
            row
            | {
                "id": one.key.id,
                "host": resource.host_code,
                "resource_code": resource.code,
                "zone": resource.zone,
                "state": service.series_state(on),
                "ahead": sum(service.day_is_live(day, now) for day in on),
                "waiting": sum(_waits(day, now) for day in on),
            }
        )
    return rows


def _waits(day: service.Occurrence, now: datetime) -> bool:
    booked = day.booking
    return booked is not None and service.judged_by_clock(booked, now) is BookingState.REQUESTED


def _full(key: HostKey, status: int = 200) -> Any:
    record, side = service.series_for(key, g.actor)
    row = _series_out([record])[0]
    days = service.series_days(key)
    booked = {one["id"]: one for one in rows_out([d.booking for d in days if d.booking is not None])}
    now = clock.now()
    row |= {
        "side": side.value,
        "days": [
            {
                "day": one.day,
                "live": service.day_is_live(one, now),
                "moved_by_hand": service.moved_by_hand(record, one, row["zone"]),
                "handed_over": one.handed_over,
                "can_be_booked": service.day_can_be_booked(one, now, row["zone"]),
                "booking": booked[one.booking.key.id] if one.booking is not None else None,
            }
            for one in days
        ],
    }
    return row, status, tagged(record.version)


def _day_out(one: service.DayLook) -> dict[str, Any]:
    return {
        "day": one.day,
        "start": one.span.start if one.span else None,
        "end": one.span.end if one.span else None,
        "skipped": one.skipped,
        "reasons": told(one.reasons),
        "alternatives": times_out(one.alternatives),
        "price": price_out(one.quote),
    }


def _page(found: Sequence[service.SeriesRecord], limit: int) -> dict[str, Any]:
    page = paging.page_of(found, limit, lambda one: (one.created_at, one.key.id))
    return {"items": _series_out(page.items), "next_cursor": page.next_cursor}


# ---- making one ------------------------------------------------------------------------------------------------


@blueprint.post(f"{_AT}/preview")
@blueprint.arguments(SeriesIn)
@blueprint.response(200, SeriesPreviewSchema)
@allows(MEMBER)
def preview(data: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """What a series would be, day by day: times, prices, what clashes and what would do instead. Nothing is written."""
    record = seen_resource(host, code)
    look = service.look_series(
        record.key,
        asked_in(data, record),
        rule_in(data["rule"]),
        by=g.actor,
        choices=_choices_in(data["choices"]),
    )
    return {
        "days": [_day_out(one) for one in look.days],
        "clashes": len(look.clashes),
        "sums": sums_out(look.sums) if look.sums else None,
    }


@blueprint.post(_AT)
@blueprint.arguments(SeriesIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, FullSeriesSchema)
@allows(MEMBER)
def create(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Book every day of a series, or none. A refusal names each day that clashes, to be left out or given another
    time in ``choices``."""
    record = seen_resource(host, code)
    asked, rule, choices = asked_in(data, record), rule_in(data["rule"]), _choices_in(data["choices"])

    def made() -> dict[str, Any]:
        return {"id": str(service.create_series(record.key, asked, rule, by=g.actor, choices=choices).key.id)}

    return _full(HostKey(record.key.institution_id, UUID(once(headers, made)["id"])), 201)


# ---- reading ---------------------------------------------------------------------------------------------------


@blueprint.get("/series")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, SeriesPage)
@allows(MEMBER)
def of_customers(args: dict[str, Any]) -> dict[str, Any]:
    """Series of the token's customers, the newest first."""
    after = paging.unpack(args["after"], datetime, UUID)
    return _page(service.series_of(g.actor, args["limit"] + 1, after), args["limit"])


@blueprint.get("/hosts/<host>/series")
@blueprint.arguments(HostSeriesArguments, location="query")
@blueprint.response(200, SeriesPage)
@allows(*service.STAFF)
def at_host(args: dict[str, Any], host: str) -> dict[str, Any]:
    """Series at the token's host, as far as the person's roles reach, the newest first."""
    own_house(host)
    code = args["resource"]
    resource_id = catalogue.resource_of(host, code).key.id if code is not None else None
    after = paging.unpack(args["after"], datetime, UUID)
    return _page(service.series_at(g.actor, args["limit"] + 1, after, resource_id=resource_id), args["limit"])


@blueprint.get(_ONE)
@blueprint.response(200, FullSeriesSchema)
@allows(MEMBER)
def show(host: str, series_id: UUID) -> Any:
    """A series with all its days; its ``ETag`` is asked for when it is changed."""
    return _full(host_key(host, series_id))


# ---- a day that was left out -----------------------------------------------------------------------------------


def _span_in(data: dict[str, Any]) -> TimeSpan | None:
    """The time that is named for a day; none at all is that of the series."""
    if data["start"] is None and data["end"] is None:
        return None
    missing = [name for name in ("start", "end") if data[name] is None]
    if missing:
        raise Invalid(*(Reason("booking.time_missing", {}, name) for name in missing))
    return span_of(data["start"], data["end"])


@blueprint.post(f"{_ONE}/days/<day>/preview")
@blueprint.arguments(DayTimeIn)
@blueprint.response(200, DayLookSchema)
@allows(MEMBER)
def day_preview(data: dict[str, Any], host: str, series_id: UUID, day: str) -> dict[str, Any]:
    """What booking a day that was left out would mean. Nothing is written."""
    key = host_key(host, series_id)
    return _day_out(service.look_series_day(key, _date(day), _span_in(data), by=g.actor))


@blueprint.post(f"{_ONE}/days/<day>/booking")
@blueprint.arguments(DayTimeIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, FullSeriesSchema)
@allows(MEMBER)
def book_day(data: dict[str, Any], headers: dict[str, Any], host: str, series_id: UUID, day: str) -> Any:
    """Book a day that was left out, with what the day next to it asks for; it belongs to the series from then on."""
    version, key = seen_number(headers["tag"]), host_key(host, series_id)
    service.book_series_day(key, _date(day), _span_in(data), by=g.actor, version=version)
    return _full(key)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NoSuchBooking() from None


# ---- changing --------------------------------------------------------------------------------------------------


@blueprint.post(f"{_ONE}/change/preview")
@blueprint.arguments(SeriesTimeIn)
@blueprint.response(200, SeriesChangePreviewSchema)
@allows(MEMBER)
def change_preview(data: dict[str, Any], host: str, series_id: UUID) -> dict[str, Any]:
    """What another time would mean for each day that it reaches. Nothing is written."""
    look = service.look_change_series(
        host_key(host, series_id),
        data["booking_id"],
        span_of(data["start"], data["end"]),
        Scope(data["scope"]),
        by=g.actor,
        choices=_choices_in(data["choices"]),
    )
    return {
        "days": [
            {
                "day": one.day,
                "booking_id": one.booking.key.id if one.booking else None,
                "start": one.after.start if one.after else None,
                "end": one.after.end if one.after else None,
                "stays": one.stays.value if one.stays else None,
                "reasons": told(one.reasons),
                "alternatives": times_out(one.alternatives),
                "price": price_out(one.quote),
                "fee": one.fees[0] if one.fees else None,
                "more": more_out(one.fees),
            }
            for one in look.days
        ],
        **_fees_out(look.fees),
        "moving": look.moving,
        "clashes": len(look.clashes),
        "split": look.split,
    }


@blueprint.post(f"{_ONE}/change")
@blueprint.arguments(SeriesChangeIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, FullSeriesSchema)
@allows(MEMBER)
def change(data: dict[str, Any], headers: dict[str, Any], host: str, series_id: UUID) -> Any:
    """Move one day, it and the following ones, or all. Ids, numbers and calendar UIDs stay. With days before the
    changed ones, these become a series of their own, which is answered."""
    version, key = seen_number(headers["tag"]), host_key(host, series_id)
    record, _side = service.series_for(key, g.actor)
    changed = service.change_series(
        key,
        data["booking_id"],
        span_of(data["start"], data["end"]),
        Scope(data["scope"]),
        by=g.actor,
        choices=_choices_in(data["choices"]),
        version=version,
        note=data["note"],
        expected=fees_in(data, catalogue.resource(record.resource_key).currency),
    )
    return _full(changed.key)


# ---- cancelling ------------------------------------------------------------------------------------------------


def _fees_out(fees: Sequence[Money]) -> dict[str, Any]:
    """The fees of all days; none where no day is meant."""
    return fees_out(fees) if fees else {"fee": None, "currency": None, "more": []}


def _reach(data: dict[str, Any]) -> tuple[Scope, date | None]:
    return (Scope.REST if data["since"] else Scope.ALL), data["since"]


@blueprint.get(f"{_ONE}/cancellation")
@blueprint.arguments(CancelArguments, location="query")
@blueprint.response(200, SeriesCancelPreviewSchema)
@allows(MEMBER)
def cancel_preview(args: dict[str, Any], host: str, series_id: UUID) -> dict[str, Any]:
    """What cancelling would cost now, day by day, and which days could not be cancelled any more."""
    look = service.look_cancel_series(host_key(host, series_id), *_reach(args), by=g.actor)
    return {
        "days": [
            {
                "day": one.day,
                "booking_id": one.booking.key.id if one.booking else None,
                "fee": preview.fees[0],
                "more": more_out(preview.fees),
                "reasons": told(preview.reasons),
            }
            for one, preview in look.days
        ],
        **_fees_out(look.fees),
    }


@blueprint.post(f"{_ONE}/cancellation")
@blueprint.arguments(SeriesCancelIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, FullSeriesSchema)
@allows(MEMBER)
def cancel(data: dict[str, Any], headers: dict[str, Any], host: str, series_id: UUID) -> Any:
    """Cancel what is still ahead, from a day on or all; a single day is cancelled as the booking that it is. The host
    gives a reason and takes no fee."""
    version, key = seen_number(headers["tag"]), host_key(host, series_id)
    record, _side = service.series_for(key, g.actor)
    seen = fees_in(data, catalogue.resource(record.resource_key).currency)
    service.cancel_series(
        key, *_reach(data), by=g.actor, reason=data["reason"], version=version, expected=seen
    )
    return _full(key)


# ---- answers ---------------------------------------------------------------------------------------------------


@blueprint.post(f"{_ONE}/approval")
@blueprint.arguments(SeriesYesIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, AnsweredSeriesSchema)
@allows(MEMBER)
def approve(data: dict[str, Any], headers: dict[str, Any], host: str, series_id: UUID) -> Any:
    """Say yes to days that wait for an answer, for whoever is asked. ``answers`` names each day, with its reasons where
    it could not be answered; where none could, the refusal does."""
    return _answered(host, series_id, headers, True, data["note"], data["days"])


@blueprint.post(f"{_ONE}/rejection")
@blueprint.arguments(SeriesNoIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, AnsweredSeriesSchema)
@allows(MEMBER)
def reject(data: dict[str, Any], headers: dict[str, Any], host: str, series_id: UUID) -> Any:
    """Say no to days that wait for an answer, with the reason that the customer reads."""
    return _answered(host, series_id, headers, False, data["reason"], data["days"])


def _answered(
    host: str,
    series_id: UUID,
    headers: dict[str, Any],
    accept: bool,
    note: str,
    days: list[dict[str, Any]] | None,
) -> Any:
    version, key = seen_number(headers["tag"]), host_key(host, series_id)
    chosen = None if days is None else {one["booking_id"]: one["version"] for one in days}
    given = service.answer_series(key, accept, by=g.actor, note=note, version=version, days=chosen)
    row, status, tag = _full(key)
    row["answers"] = [
        {
            "day": one.day,
            "booking_id": one.booking_id,
            "given": one.given.value,
            "reasons": told(one.reasons),
        }
        for one in given
    ]
    return row, status, tag
