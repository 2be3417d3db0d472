"""What everybody may look at: the calendar of a resource, and what a time would cost; and the ways from permanent
addresses into the reader's organisation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NoSuchBooking
from resource_hub.domain.booking.terms import Asked, BookingKind, QuoteRecord
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.entrypoints.support import formatting, forms, guards, money_text, sentences
from resource_hub.entrypoints.support.guards import PUBLIC, SIGNED_IN, allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.blueprints import blueprint
from resource_hub.entrypoints.web.booking.reading_forms import (
    acting,
    asked_from,
    booking_seats,
    query_of,
    span_fields,
    typed_fields,
)
from resource_hub.entrypoints.web.booking.views import calendar_url, default_minutes, shown
from resource_hub.entrypoints.web.catalogue import hooks, when
from resource_hub.entrypoints.web.permanent import reader_of
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, zone
from resource_hub.reports import free_times
from resource_hub.reports.elsewhere import Elsewhere
from resource_hub.reports.elsewhere import elsewhere as elsewhere_free

# What the panel says against a choice; the rest is asked on the page of the order.
PANEL_PLACES = (None, "time", "mode", "unit")


def book_url(record: ResourceRecord, **values: Any) -> str:
    return url_for("booking.book", host=record.host_code, code=record.code, **values)


@dataclass(frozen=True, slots=True)
class PriceView:
    """What stands under the choice: reasons against it, other times, the price."""

    reasons: tuple[sentences.Told, ...]
    alternatives: tuple[dict[str, str], ...]
    lines: tuple[dict[str, Any], ...]
    quote: Any
    missing: tuple[sentences.Told, ...]
    chosen: bool
    waits: bool
    known_customer: bool
    free: bool
    with_it: tuple[tuple[ResourceRecord, QuoteRecord], ...] = ()

    @property
    def bookable(self) -> bool:
        return self.chosen and not self.reasons


def priced(record: ResourceRecord, asked: Asked, fault: str | None, by: Actor | None) -> PriceView:
    """Judge and price a choice without writing anything."""
    now = clock.now()
    if fault:
        return _empty([Reason(fault, {}, "time")], by)
    if asked.kind is BookingKind.WINDOW and asked.span is None:
        return _empty([], by)
    person = by if by is not None and by.customer_ids else None
    try:
        kept = service.own_hold(record.key, person) if person is not None else None
        ignore = kept.key.id if kept else None
        prepared = service.prepare(record.key, asked, by=person, now=now, ignore=ignore)
    except DomainError as error:
        return _empty(list(error.reasons), by)
    reasons = [r for r in service.judge(prepared, now) if r.place in PANEL_PLACES]
    free = True
    if asked.span is not None and not any(r.code.startswith("availability.") for r in reasons):
        units = availability.free_units(record.key, asked.span, outside=prepared.who.outside, ignore=ignore)
        free = bool(units) if asked.unit_id is None else asked.unit_id in units
        if not free:
            reasons.append(_taken(asked.span, record.zone))
    helpers = service.prepared_helpers(prepared, person, now)
    reasons += service.reasons_against_helpers(helpers)
    if free and asked.span is not None:
        busy = service.busy_helper(
            [h.resource for h in helpers], asked.span, outside=prepared.who.outside, ignore=ignore
        )
        if busy is not None:
            free = False
            reasons += service.helper_in_the_way(busy, [_taken(asked.span, record.zone)])
    preview = service.preview(record, prepared.asked, prepared.who)
    others: list[dict[str, str]] = []
    if asked.span is not None and any(r.place == "time" for r in reasons):
        others = service.alternatives(record.key, asked, by=person, ignore=ignore)
    with_it = [(h, service.quote_for(h, now)) for h in helpers]
    quote = service.together(preview.quote, [one for _h, one in with_it])
    assert prepared.plan is not None
    return PriceView(
        reasons=tuple(sentences.tell_all(reasons)),
        alternatives=tuple(_other(record, asked, one) for one in others),
        lines=(
            *(money_text.price_lines(quote.lines, quote.currency) if quote else ()),
            *helper_lines((h.resource, one) for h, one in with_it if quote),
        ),
        quote=quote,
        missing=tuple(sentences.tell_all(preview.missing)),
        chosen=True,
        waits=prepared.plan.rules.approval.value == "always"
        or (prepared.plan.rules.approval.value == "outside" and prepared.who.outside),
        known_customer=prepared.who.customer_id is not None,
        free=free,
        with_it=tuple((h.resource, one) for h, one in with_it if one is not None),
    )


def _taken(span: TimeSpan, zone_name: str) -> Reason:
    values = {"start": span.start.isoformat(), "end": span.end.isoformat(), "zone": zone_name}
    return Reason("availability.slot_taken", values, "time")


def helper_lines(of: Iterable[tuple[ResourceRecord, QuoteRecord | None]]) -> list[dict[str, Any]]:
    """The part that each helper has in the price of an order."""
    return [
        {**line, "text": f"{formatting.plain(resource.name(formatting.language()))}: {line['text']}"}
        for resource, quote in of
        if quote is not None
        for line in money_text.price_lines(quote.lines, quote.currency)
    ]


def _empty(reasons: list[Reason], by: Actor | None) -> PriceView:
    told = tuple(sentences.tell_all(reasons))
    return PriceView(told, (), (), None, (), bool(reasons), False, bool(by and by.customer_ids), False)


def _other(record: ResourceRecord, asked: Asked, row: dict[str, str]) -> dict[str, str]:
    span = TimeSpan(datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"]))
    wish = replace(asked, span=span, unit_id=UUID(row["unit_id"]))
    fields = span_fields(span, record.zone)
    return {
        "text": formatting.span(span, record.zone, year=False),
        "href": calendar_url(record, week=fields["start_day"], **query_of(wish, record.zone)) + "#choose",
        "unit": row["unit_id"],
        **fields,
    }


def choosing(record: ResourceRecord) -> dict[str, Any]:
    """Everything that week and panel show: on the calendar page and inside the page of the resource."""
    forms.remember_zone(record.zone)
    by = acting()
    asked, fault = asked_from(request.args, record)
    if asked.customer_id is not None and (by is None or asked.customer_id not in by.customer_ids):
        asked = replace(asked, customer_id=None)
    if by is not None and asked.customer_id is None and len(by.customer_ids) > 1:
        asked = replace(asked, customer_id=sorted(by.customer_ids)[0])
    if not record.bookable:
        return {"booking_table": None, "house_rules": None}
    rules, _number = availability.house_rules(record.key)
    customers = sorted(accounts.customers(by.customer_ids).values(), key=lambda c: c.code) if by else []
    units = catalogue.units(record.key, active_only=True)
    return {
        **shown(record, asked, by, rules),
        "booking_units": units,
        "booking_unit_options": [(str(u.key.id), u.name(formatting.language())) for u in units],
        "booking_modes": record.modes,
        "booking_mode_options": [(m.value, word("booking.mode", m)) for m in record.modes],
        "booking_takes_samples": Mode.SEND_IN in record.modes,
        "booking_form": forms.Form(
            {
                **typed_fields(request.args, asked.span, record.zone),
                "mode": asked.mode,
                "unit": str(asked.unit_id or ""),
                "customer": str(asked.customer_id or ""),
                "samples": asked.samples or "",
            }
        ),
        "booking_customers": customers,
        "booking_customer_options": [(str(c.id), c.name_in(formatting.language())) for c in customers],
        "booking_rules": sentences.tell_all(availability.rules_sentences(rules)),
        "booking_house": rules,
        "booking_default": default_minutes(rules),
        "booking_organisation": by.organisation_code if by and by.customer_ids else "",
        "booking_signed_in": guards.person() is not None,
        **answer_to(record, asked, fault, by),
    }


def answer_to(record: ResourceRecord, asked: Asked, fault: str | None, by: Actor | None) -> dict[str, Any]:
    """What ``booking/_quote.html`` shows about a choice."""
    price = priced(record, asked, fault, by)
    return {
        "booking_price": price,
        "booking_clock": forms.Form(request.values.to_dict()),
        "booking_wait": _wait_url(record, asked, by)
        if any(told.code == "availability.slot_taken" for told in price.reasons)
        else "",
        "booking_elsewhere": _elsewhere_urls(record, asked) if _about_time(price) else None,
        "booking_span_text": formatting.span(asked.span, record.zone) if asked.span else "",
        "booking_length": asked.span.seconds if asked.span else 0,
        "booking_start": asked.span.start if asked.span else None,
    }


def _about_time(price: PriceView) -> bool:
    """The instrument cannot be had at the time, whatever else is against it."""
    return any(told.place == "time" for told in price.reasons)


def _elsewhere_urls(record: ResourceRecord, asked: Asked) -> dict[str, str] | None:
    """Where others of this kind are found: as a piece of this page, and without scripts as a search of its own."""
    if asked.span is None or not record.class_code:
        return None
    minutes = min(max(5, asked.span.seconds // 60), 31 * 1440)
    search: dict[str, Any] = {
        "kind": record.kind.value,
        "class": record.class_code,
        "length": minutes,
        "from": f"{asked.span.start.astimezone(zone(record.zone)):%Y-%m-%d}",
    }
    return {
        "piece": url_for(
            "booking.elsewhere", host=record.host_code, code=record.code, **query_of(asked, record.zone)
        ),
        "search": url_for("search.index", **search),
    }


def _wait_url(record: ResourceRecord, asked: Asked, by: Actor | None) -> str:
    """Where somebody who books stands in line for a taken time."""
    if by is None or not by.customer_ids:
        return ""
    return url_for(
        "waiting.start",
        organisation=by.organisation_code,
        host=record.host_code,
        code=record.code,
        **query_of(asked, record.zone),
    )


hooks.resource_context.append(choosing)


def public_resource(host: str, code: str) -> ResourceRecord:
    """A resource that the reader may see.

    Raises:
        NotFound
    """
    record = catalogue.resource_of(host, code)
    person = guards.person()
    staff = None
    if person is not None:
        for seat in accounts.seats(person.id):
            if seat.organisation.id == record.key.institution_id:
                staff = accounts.actor(person.id, seat.organisation.id)
    catalogue.visible(record, staff)
    return record


@blueprint.get("/hosts/<host>/resources/<code>/calendar")
@allows(PUBLIC)
def calendar(host: str, code: str) -> str:
    """The week of a resource: who may have it when, and why not; choose a time and see its price."""
    record = public_resource(host, code)
    return render_template(
        "booking/calendar.html",
        record=record,
        host=accounts.organisation(record.key.institution_id),
        **choosing(record),
    )


@blueprint.get("/hosts/<host>/resources/<code>/price")
@allows(PUBLIC)
def price(host: str, code: str) -> str:
    """What a choice would cost now, for the panel that re-prices while one drags. Stores nothing."""
    record = public_resource(host, code)
    forms.remember_zone(record.zone)
    by = acting()
    asked, fault = asked_from(request.args, record)
    if by is not None and asked.customer_id is None and len(by.customer_ids) > 1:
        asked = replace(asked, customer_id=sorted(by.customer_ids)[0])
    return render_template(
        "booking/_quote.html",
        record=record,
        **answer_to(record, asked, fault, by),
    )


@blueprint.get("/hosts/<host>/resources/<code>/elsewhere")
@allows(PUBLIC)
def elsewhere(host: str, code: str) -> str:
    """Others of this kind that are free at the chosen time, or as long on its days; a piece of a page."""
    record = public_resource(host, code)
    by = acting()
    asked, _fault = asked_from(request.args, record)
    found: tuple[Elsewhere, ...] = ()
    if asked.span is not None:
        mine = list(accounts.customers(by.customer_ids).values()) if by is not None else []
        customer_id = asked.customer_id if by is not None and asked.customer_id in by.customer_ids else None
        if customer_id is None and len(mine) == 1:
            customer_id = mine[0].id
        found = elsewhere_free(
            record,
            asked.span,
            customer_id=customer_id,
            inside=free_times.inside_of(mine),
            customers=frozenset([customer_id] if customer_id else (one.id for one in mine)),
        )
    return render_template(
        "booking/_elsewhere.html",
        found=found,
        link_to=when.link_to,
        search=(_elsewhere_urls(record, asked) or {}).get("search", ""),
    )


@blueprint.get("/hosts/<host>/resources/<code>/book")
@allows(SIGNED_IN)
def book(host: str, code: str) -> AnyResponse | str:
    """Into the organisation for which the reader books; a question where there are several."""
    record = public_resource(host, code)
    by = acting()
    seats = booking_seats()
    values: dict[str, Any] = request.args.to_dict(flat=False)
    if by is not None and by.customer_ids:
        return redirect(
            url_for("booking.order", organisation=by.organisation_code, host=host, code=record.code, **values)
        )
    return render_template("booking/no_customer.html", record=record, seats=seats), 409  # type: ignore[return-value]


@blueprint.get("/hosts/<host>/resources/<code>/access")
@allows(SIGNED_IN)
def request_access(host: str, code: str) -> AnyResponse | str:
    """Ask for something untimed: the same page, without a time."""
    return book(host, code)


@blueprint.get("/hosts/<host>/bookings/<uuid:booking_id>")
@allows(SIGNED_IN)
def permanent(host: str, booking_id: UUID) -> Response | AnyResponse:
    """The permanent address of a booking opens in the organisation in which its reader may see it."""
    key = HostKey(accounts.organisation(host).id, booking_id)
    by = reader_of(lambda actor: service.booking_for(key, actor), NoSuchBooking)
    return redirect(
        url_for("bookings.show", organisation=by.organisation_code, host=host, booking_id=booking_id)
    )
