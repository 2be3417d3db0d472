"""Resources: search and reading for everybody, listings on their way for their hosts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord
from resource_hub.domain.catalogue import service
from resource_hub.domain.catalogue.contents import degrees
from resource_hub.domain.catalogue.ports import IndicativePrice
from resource_hub.domain.catalogue.query import ORDERS
from resource_hub.domain.catalogue.terms import (
    ChangeRecord,
    Contact,
    ListingContents,
    Mode,
    ResourceKind,
    ResourceRecord,
)
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.accounts import NameSchema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.support import forms, paging
from resource_hub.entrypoints.support.fields import Identifier, Moment, MoneyString
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money

blueprint = Blueprint(
    "resources", __name__, url_prefix="/api/v1", description="Instruments and other resources"
)

_KINDS = [str(kind) for kind in ResourceKind]
_MODES = [str(mode) for mode in Mode]
_DEGREES = ma.validate.Regexp(r"^-?\d{1,3}(\.\d{1,9})?$")


class HostSchema(ma.Schema):
    code = ma.fields.String(required=True)
    name = ma.fields.Nested(NameSchema, required=True)


class SpecificationSchema(ma.Schema):
    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 200))
    value = ma.fields.String(required=True, validate=ma.validate.Length(1, 2000))


class ContactSchema(ma.Schema):
    name = ma.fields.String(load_default="", validate=ma.validate.Length(max=120))
    phone = ma.fields.String(load_default="", validate=ma.validate.Length(max=60))
    email = ma.fields.String(load_default="", validate=ma.validate.Length(max=254))


class PriceSchema(ma.Schema):
    """Indicative: the exact price is fixed when one books. With a token that acts for one customer it is that
    customer's, else an outside firm's."""

    on_request = ma.fields.Boolean(required=True)
    amount = MoneyString(required=True, allow_none=True, metadata={"description": "null: on request"})
    currency = ma.fields.String(required=True, allow_none=True)
    per = ma.fields.String(required=True)
    net = MoneyString(required=True, allow_none=True, metadata={"description": "after support, where known"})


class ContentsSchema(ma.Schema):
    """What the public reads of a resource. Amounts and degrees are text, so that nothing is rounded."""

    name = ma.fields.Nested(NameSchema, required=True)
    summary = ma.fields.Nested(NameSchema, required=True)
    rules = ma.fields.Nested(NameSchema, required=True)
    place = ma.fields.Nested(NameSchema, required=True)
    city = ma.fields.String(required=True)
    latitude = ma.fields.String(required=True, allow_none=True)
    longitude = ma.fields.String(required=True, allow_none=True)
    class_code = ma.fields.String(required=True)
    model = ma.fields.String(required=True)
    maker = ma.fields.String(required=True)
    country = ma.fields.String(required=True)
    original_value = MoneyString(required=True, allow_none=True)
    currency = ma.fields.String(required=True)
    accepted_on = ma.fields.Date(required=True, allow_none=True)
    commissioned_on = ma.fields.Date(required=True, allow_none=True)
    decommissioned_on = ma.fields.Date(required=True, allow_none=True)
    general_purpose = ma.fields.Boolean(required=True)
    specification = ma.fields.List(ma.fields.Nested(SpecificationSchema), required=True)
    accessories = ma.fields.String(required=True)
    contact = ma.fields.Nested(ContactSchema, required=True)
    modes = ma.fields.List(ma.fields.String(), required=True)
    bookable = ma.fields.Boolean(required=True)
    open_to_outside = ma.fields.Boolean(required=True)
    details = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)


class ResourceSchema(ma.Schema):
    id = Identifier(required=True)
    host = ma.fields.Nested(HostSchema, required=True)
    code = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    working_order = ma.fields.String(required=True)
    zone = ma.fields.String(required=True)
    units = ma.fields.Integer(required=True)
    listed_on = ma.fields.Date(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)
    contents = ma.fields.Nested(ContentsSchema, required=True)


class HitSchema(ResourceSchema):
    kilometres = ma.fields.Integer(required=True, allow_none=True)
    next_free = Moment(required=True, allow_none=True)
    price = ma.fields.Nested(PriceSchema, required=True, allow_none=True)


class FacetSchema(ma.Schema):
    value = ma.fields.String(required=True)
    count = ma.fields.Integer(required=True)


class ResultsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(HitSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)
    total = ma.fields.Integer(required=True)
    facets = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.List(ma.fields.Nested(FacetSchema)), required=True
    )
    suggestions = ma.fields.List(ma.fields.String(), required=True)


class SearchArguments(ma.Schema):
    q = ma.fields.String(load_default="", validate=ma.validate.Length(max=200))
    kind = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf(_KINDS)), load_default=list)
    host = ma.fields.List(ma.fields.String(validate=ma.validate.Length(max=60)), load_default=list)
    city = ma.fields.List(ma.fields.String(validate=ma.validate.Length(max=80)), load_default=list)
    class_code = ma.fields.List(
        ma.fields.String(validate=ma.validate.Regexp(r"^[0-9]{2,6}$")), load_default=list
    )
    mode = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf(_MODES)), load_default=list)
    open_to_outside = ma.fields.Boolean(load_default=False)
    near = ma.fields.String(load_default="", validate=ma.validate.Length(max=60))
    order = ma.fields.String(load_default="", validate=ma.validate.OneOf(["", *ORDERS]))
    after = ma.fields.String(load_default="", validate=ma.validate.Length(max=500))
    limit = ma.fields.Integer(load_default=20, validate=ma.validate.Range(1, 100))


class NameIn(ma.Schema):
    zh = ma.fields.String(validate=ma.validate.Length(max=20_000))
    en = ma.fields.String(validate=ma.validate.Length(max=20_000))


class ContentsIn(ma.Schema):
    """Contents to keep as a draft; what is left out stays as it is."""

    name = ma.fields.Nested(NameIn)
    summary = ma.fields.Nested(NameIn)
    rules = ma.fields.Nested(NameIn)
    place = ma.fields.Nested(NameIn)
    city = ma.fields.String(validate=ma.validate.Length(max=80))
    latitude = ma.fields.String(allow_none=True, validate=_DEGREES)
    longitude = ma.fields.String(allow_none=True, validate=_DEGREES)
    class_code = ma.fields.String(validate=ma.validate.Length(max=12))
    model = ma.fields.String(validate=ma.validate.Length(max=200))
    maker = ma.fields.String(validate=ma.validate.Length(max=200))
    country = ma.fields.String(validate=ma.validate.Length(max=80))
    original_value = MoneyString(allow_none=True)
    currency = ma.fields.String(validate=ma.validate.Equal("CNY"))
    accepted_on = ma.fields.Date(allow_none=True)
    commissioned_on = ma.fields.Date(allow_none=True)
    decommissioned_on = ma.fields.Date(allow_none=True)
    general_purpose = ma.fields.Boolean()
    specification = ma.fields.List(
        ma.fields.Nested(SpecificationSchema), validate=ma.validate.Length(max=100)
    )
    accessories = ma.fields.String(validate=ma.validate.Length(max=20_000))
    contact = ma.fields.Nested(ContactSchema)
    modes = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf(_MODES)))
    bookable = ma.fields.Boolean()
    open_to_outside = ma.fields.Boolean()
    details = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())


class ResourceIn(ma.Schema):
    code = ma.fields.String(required=True, validate=ma.validate.Length(1, 60))
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(_KINDS))
    department_id = Identifier(load_default=None, allow_none=True)
    units = ma.fields.Integer(load_default=1, strict=True, validate=ma.validate.Range(1, 500))
    contents = ma.fields.Nested(ContentsIn, required=True)


class SubmitIn(ma.Schema):
    effective_on = ma.fields.Date(load_default=None, allow_none=True)
    note = ma.fields.String(load_default="", validate=ma.validate.Length(max=2000))


class DecisionIn(SubmitIn):
    decision = ma.fields.String(required=True, validate=ma.validate.OneOf(["approve", "refuse"]))


class ChangeSchema(ma.Schema):
    id = Identifier(required=True)
    resource_id = Identifier(required=True)
    number = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True)
    effective_on = ma.fields.Date(required=True, allow_none=True)
    submitted_at = Moment(required=True, allow_none=True)
    decided_at = Moment(required=True, allow_none=True)
    note = ma.fields.String(required=True)
    decision_note = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


class DifferenceSchema(ma.Schema):
    field = ma.fields.String(required=True)
    before = ma.fields.String(required=True)
    after = ma.fields.String(required=True)


class PendingSchema(ma.Schema):
    change = ma.fields.Nested(ChangeSchema, required=True)
    code = ma.fields.String(required=True)
    first = ma.fields.Boolean(required=True)
    differences = ma.fields.List(ma.fields.Nested(DifferenceSchema), required=True)


PendingPage = cursor_schema(PendingSchema)


# ---- records as answers --------------------------------------------------------------------------------------


def _two(record: Any, name: str) -> dict[str, str]:
    return {"zh": getattr(record, f"{name}_zh"), "en": getattr(record, f"{name}_en")}


def contents_out(contents: ListingContents) -> dict[str, Any]:
    row: dict[str, Any] = {name: _two(contents, name) for name in ("name", "summary", "rules", "place")}
    for name in (
        "city", "class_code", "model", "maker", "country", "currency", "accepted_on", "commissioned_on",
        "decommissioned_on", "general_purpose", "accessories", "bookable", "open_to_outside", "original_value",
        "contact",
    ):  # fmt: skip
        row[name] = getattr(contents, name)
    row["latitude"] = degrees(contents.latitude_micro) or None
    row["longitude"] = degrees(contents.longitude_micro) or None
    row["specification"] = [{"name": key, "value": value} for key, value in contents.specification]
    row["modes"] = [str(mode) for mode in contents.modes]
    row["details"] = dict(contents.details)
    return row


def resource_out(record: ResourceRecord, host: OrganisationRecord) -> dict[str, Any]:
    return {
        "id": record.key.id,
        "host": {"code": host.code, "name": _two(host, "name")},
        "code": record.code,
        "kind": str(record.kind),
        "state": str(record.state),
        "working_order": str(record.order),
        "zone": record.zone,
        "units": record.unit_count,
        "listed_on": record.listed_on,
        "version": record.version,
        "contents": contents_out(record.contents),
    }


def _change_out(change: ChangeRecord) -> dict[str, Any]:
    return {
        "id": change.key.id,
        "resource_id": change.resource_id,
        "number": change.number,
        "state": str(change.state),
        "effective_on": change.effective_on,
        "submitted_at": change.submitted_at,
        "decided_at": change.decided_at,
        "note": change.note,
        "decision_note": change.decision_note,
        "version": change.version,
    }


def _merged(before: ListingContents, data: dict[str, Any]) -> ListingContents:
    """Contents after what was sent; what was left out stays."""
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name in ("name", "summary", "rules", "place"):
            values |= {f"{name}_{language}": text for language, text in value.items()}
        elif name in ("latitude", "longitude"):
            values[f"{name}_micro"] = None if value is None else int(Decimal(value) * 1_000_000)
        elif name == "original_value":
            money: Money | None = value
            values["original_value_minor"] = money.minor if money is not None else None
        elif name == "specification":
            values[name] = tuple((row["name"], row["value"]) for row in value)
        elif name == "modes":
            values[name] = tuple(mode for mode in Mode if str(mode) in value)
        elif name == "contact":
            values[name] = Contact(**value)
        else:
            values[name] = value
    return replace(before, **values)


# ---- doors ---------------------------------------------------------------------------------------------------


@blueprint.get("/resources")
@blueprint.arguments(SearchArguments, location="query")
@blueprint.response(200, ResultsSchema)
@allows(PUBLIC)
def search(args: dict[str, Any]) -> dict[str, Any]:
    """Search over everything public, with counts by facet. An empty query browses."""
    results = service.search(query_of(args), customer_id=own_customer())
    return results_out(results, [hit_out(hit) for hit in results.hits])


def own_customer() -> UUID | None:
    """The customer of the token, where it acts for exactly one."""
    actor = g.get("actor")
    return next(iter(actor.customer_ids)) if actor is not None and len(actor.customer_ids) == 1 else None


def query_of(args: dict[str, Any]) -> service.Query:
    return service.Query(
        text=args["q"].strip(),
        kinds=tuple(ResourceKind(kind) for kind in args["kind"]),
        hosts=tuple(args["host"]),
        cities=tuple(args["city"]),
        class_groups=tuple(args["class_code"]),
        modes=tuple(Mode(mode) for mode in args["mode"]),
        open_to_outside=args["open_to_outside"],
        near=args["near"].strip(),
        order=args["order"],
        cursor=args["after"],
        limit=args["limit"],
    )


def hit_out(hit: service.Hit) -> dict[str, Any]:
    return {
        **resource_out(hit.resource, hit.host),
        "kilometres": hit.kilometres,
        "next_free": hit.next_free,
        "price": _price_out(hit.price),
    }


def _price_out(price: IndicativePrice | None) -> dict[str, Any] | None:
    if price is None:
        return None
    return {
        "on_request": price.list_price is None,
        "amount": price.list_price,
        "currency": price.list_price.currency if price.list_price is not None else None,
        "per": price.per,
        "net": price.net_price,
    }


def results_out(results: service.Results, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "items": items,
        "next": results.next_cursor or None,
        "total": results.total,
        "facets": {
            name: [{"value": v.value, "count": v.count} for v in values]
            for name, values in results.facets.items()
        },
        "suggestions": list(results.suggestions),
    }


def _seen(host: str, code_or_id: str) -> ResourceRecord:
    return service.visible(service.resource_of(host, code_or_id), g.get("actor"))


@blueprint.get("/resources/<host>/<code>")
@blueprint.response(200, ResourceSchema)
@allows(PUBLIC)
def show(host: str, code: str) -> dict[str, Any]:
    """One resource by its host's code and its own code or id. A host's staff also sees drafts."""
    record = _seen(host, code)
    return resource_out(record, accounts.organisation(record.key.institution_id))


@blueprint.post("/resources")
@blueprint.arguments(ResourceIn)
@blueprint.response(201, ResourceSchema)
@allows(*service.MANAGES)
def create(data: dict[str, Any]) -> dict[str, Any]:
    """A new resource of the token's institution, as a draft."""
    record = service.create(
        g.actor.organisation_id,
        ResourceKind(data["kind"]),
        data["code"],
        _merged(ListingContents(), data["contents"]),
        by=g.actor,
        department_id=data["department_id"],
        units=data["units"],
    )
    return resource_out(record, accounts.organisation(record.key.institution_id))


@blueprint.put("/resources/<uuid:resource_id>/draft")
@blueprint.arguments(ContentsIn)
@blueprint.response(200, ResourceSchema)
@allows(*service.MANAGES)
def save_draft(data: dict[str, Any], resource_id: UUID) -> dict[str, Any]:
    """Keep a draft of the next change. ``If-Match`` names the version that was read; the listing stays as it is."""
    key = HostKey(g.actor.organisation_id, resource_id)
    record = service.resource(key)
    change = service.open_change(key)
    before = change.contents if change is not None else record.contents
    kept = service.save_draft(key, _merged(before, data), by=g.actor, version=forms.version_header())
    answer = resource_out(service.resource(key), accounts.organisation(key.institution_id))
    return answer | {"contents": contents_out(kept.contents)}


@blueprint.post("/resources/<uuid:resource_id>/submit")
@blueprint.arguments(SubmitIn)
@blueprint.response(200, ChangeSchema)
@allows(*service.MANAGES)
def submit(data: dict[str, Any], resource_id: UUID) -> dict[str, Any]:
    """Hand the draft to the office."""
    day: date | None = data["effective_on"]
    change = service.submit(
        HostKey(g.actor.organisation_id, resource_id),
        by=g.actor,
        effective_on=day,
        note=data["note"],
        version=forms.version_header(),
    )
    return _change_out(change)


@blueprint.get("/listing-changes")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, PendingPage)
@allows(*service.APPROVES)
def waiting(args: dict[str, Any]) -> dict[str, Any]:
    """What waits for the office, the longest first, with its differences against the version in force."""
    after = paging.unpack(args["after"], datetime, UUID)
    found = service.pending(g.actor, args["limit"] + 1, (after[0], after[1]) if after else None)
    page = paging.page_of(found, args["limit"], lambda p: (p.change.submitted_at, p.change.key.id))
    return {
        "items": [
            {
                "change": _change_out(p.change),
                "code": p.resource.code,
                "first": p.first,
                "differences": list(p.differences),
            }
            for p in page.items
        ],
        "next_cursor": page.next_cursor,
    }


@blueprint.post("/listing-changes/<uuid:change_id>/decision")
@blueprint.arguments(DecisionIn)
@blueprint.response(200, ChangeSchema)
@allows(*service.APPROVES)
def decide(data: dict[str, Any], change_id: UUID) -> dict[str, Any]:
    """Approve a change, from a day on, or send it back with the reason in ``note``."""
    key = HostKey(g.actor.organisation_id, change_id)
    version = forms.version_header()
    if data["decision"] == "refuse":
        return _change_out(service.refuse(key, by=g.actor, note=data["note"], version=version))
    return _change_out(
        service.approve(
            key, by=g.actor, effective_on=data["effective_on"], note=data["note"], version=version
        )
    )
