"""Which resources are free when somebody needs them: the filters of the catalogue with a length, days and a part of
the day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability.terms import FreeTime, Wish
from resource_hub.domain.booking.terms import ThreeSums
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.catalogue import (
    FacetSchema,
    HitSchema,
    SearchArguments,
    hit_out,
    own_customer,
    query_of,
    results_out,
)
from resource_hub.entrypoints.api.common import seen_resource, span_of
from resource_hub.entrypoints.support.fields import Identifier, Moment, MoneyString
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.kernel.keys import HostKey
from resource_hub.reports import free_times
from resource_hub.reports.elsewhere import elsewhere as elsewhere_free

blueprint = Blueprint("free_times", __name__, url_prefix="/api/v1", description="Search for free time")

_CLOCK = ma.validate.Regexp(r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")


class FreeTimeArguments(SearchArguments):
    """The filters of the catalogue, and the time. ``part_from`` and ``part_until`` are times of the host's wall clock;
    an end not after the beginning lies on the next day."""

    since = ma.fields.Date(required=True, metadata={"description": "first day, in the host's calendar"})
    until = ma.fields.Date(required=True, metadata={"description": "last day, included"})
    minutes = ma.fields.Integer(required=True, strict=False, validate=ma.validate.Range(5, 31 * 1440))
    part_from = ma.fields.String(load_default="00:00", validate=_CLOCK)
    part_until = ma.fields.String(load_default="24:00", validate=_CLOCK)


class TimePriceSchema(ma.Schema):
    """What the time costs by the tariff in force; without a customer no support is counted."""

    list_price = MoneyString(required=True)
    to_pay = MoneyString(required=True, metadata={"description": "after what is deducted at once"})
    back = MoneyString(required=True, metadata={"description": "expected back later"})
    net = MoneyString(required=True, metadata={"description": "in the end"})
    currency = ma.fields.String(required=True)
    included = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "what always is booked together with it, and is in the sums"},
    )
    without = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={
            "description": "what always is booked together with it, and is not in the sums: its price is on request or "
            "in another currency"
        },
    )


class FirstTimeSchema(ma.Schema):
    """The first time that opening hours and house rules allow."""

    unit_id = Identifier(required=True)
    start = Moment(required=True)
    end = Moment(required=True)
    price = ma.fields.Nested(
        TimePriceSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: on request, or by a measure other than time"},
    )


class FreeHitSchema(HitSchema):
    time = ma.fields.Nested(
        FirstTimeSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: it is free then, but its house rules allow no such booking"},
    )


class FreeResultsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(FreeHitSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)
    total = ma.fields.Integer(required=True)
    facets = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.List(ma.fields.Nested(FacetSchema)), required=True
    )
    suggestions = ma.fields.List(ma.fields.String(), required=True)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


@blueprint.get("/free-times")
@blueprint.arguments(FreeTimeArguments, location="query")
@blueprint.response(200, FreeResultsSchema)
@allows(PUBLIC)
def search(args: dict[str, Any]) -> dict[str, Any]:
    """Resources that are free for so long, the soonest first unless another order is asked for. With a token the
    protected hours of the token's own institution are left out, and who may book further ahead is found later times."""
    starts, ends = _minutes(args["part_from"]) % 1440, _minutes(args["part_until"])
    wish = Wish(
        args["since"],
        args["until"],
        args["minutes"] * 60,
        starts,
        ends if ends > starts else ends + 1440,
        _inside(),
        _customers(),
    )
    found = free_times.search(query_of(args), wish, customer_id=own_customer())
    items = [{**hit_out(hit), "time": _time_out(found, hit.resource.key)} for hit in found.results.hits]
    return results_out(found.results, items)


class ElsewhereArguments(ma.Schema):
    """The time that was wished for."""

    start = Moment(required=True)
    end = Moment(required=True)


class ElsewhereSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(FreeHitSchema), required=True)


@blueprint.get("/hosts/<host>/resources/<code>/elsewhere")
@blueprint.arguments(ElsewhereArguments, location="query")
@blueprint.response(200, ElsewhereSchema)
@allows(PUBLIC)
def elsewhere(args: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Up to three instruments of the same class that are free at that very time, or else as long on the same days; the
    nearest to this one first."""
    record = seen_resource(host, code)
    found = elsewhere_free(
        record,
        span_of(args["start"], args["end"]),
        customer_id=own_customer(),
        inside=_inside(),
        customers=_customers(),
    )
    return {
        "items": [
            {**hit_out(one.hit), "time": _out(one.time, one.sums, one.included, one.without)} for one in found
        ]
    }


def _customers() -> frozenset[UUID]:
    """For whom the token books."""
    actor = g.get("actor")
    return frozenset(actor.customer_ids) if actor is not None else frozenset()


def _inside() -> frozenset[UUID]:
    """Hosts at which the token's customers are no outsiders."""
    mine = _customers()
    return free_times.inside_of(list(accounts.customers(mine).values()) if mine else [])


def _time_out(found: free_times.Found, key: HostKey) -> dict[str, Any] | None:
    time = found.times.get(key)
    if time is None:
        return None
    return _out(time, found.sums.get(key), found.included.get(key, ()), found.without.get(key, ()))


def _out(
    time: FreeTime,
    sums: ThreeSums | None,
    included: Sequence[ResourceRecord] = (),
    without: Sequence[ResourceRecord] = (),
) -> dict[str, Any]:
    price = None
    if sums is not None:
        price = {
            "list_price": sums.list_price, "to_pay": sums.to_pay, "back": sums.back, "net": sums.net,
            "currency": sums.list_price.currency,
            "included": [one.code for one in included],
            "without": [one.code for one in without],
        }  # fmt: skip
    return {"unit_id": time.unit_id, "start": time.span.start, "end": time.span.end, "price": price}
