"""The price before the click: previews that are stored nowhere, and quotes that are frozen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, CustomerClass
from resource_hub.domain.booking import ports, quote_store, under_quotes
from resource_hub.domain.booking.errors import InvalidOrder, NoSuchBooking, QuoteLapsed
from resource_hub.domain.booking.terms import Asked, BookingKind, QuoteRecord, ThreeSums
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.pricing import errors as pricing_errors
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.pricing.terms import Occasion, Price, UseFacts
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import DomainError, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan, local_day, zone

VALID_FOR = timedelta(days=7)

# No price can be made: nobody has set one, or it is made by hand on request.
UNPRICED = (
    pricing_errors.PriceOnRequest,
    pricing_errors.NoTariff,
    pricing_errors.NoRate,
    pricing_errors.NothingToPrice,
)


@dataclass(frozen=True, slots=True)
class Buyer:
    """For whom a price is made: the customer and what it is for this host on that day."""

    customer_id: UUID | None
    customer_class: CustomerClass

    @property
    def outside(self) -> bool:
        return self.customer_class.outside


def buyer(resource: ResourceRecord, customer_id: UUID | None, on: date) -> Buyer:
    """A customer's class; without a customer that of a firm of which nothing is known."""
    if customer_id is None:
        return Buyer(None, CustomerClass.FIRM_UNSIZED)
    found = accounts.customer_class(resource.key.institution_id, resource.department_id, customer_id, on)
    return Buyer(customer_id, found)


def use_of(resource: ResourceRecord, asked: Asked) -> UseFacts:
    """What is priced."""
    return UseFacts(
        zone=resource.zone,
        mode=None if asked.kind is BookingKind.ACCESS else asked.mode,
        reserved=asked.span,
        samples=asked.samples,
        items=dict(asked.items),
        extras=asked.extras,
    )


def day_of(resource: ResourceRecord, span: TimeSpan | None, now: datetime) -> date:
    """The day whose tariff and class hold: that of the start of the use, else today, in the host's zone."""
    return local_day(span.start if span else now, zone(resource.zone))


def compute(
    resource: ResourceRecord, asked: Asked, who: Buyer, now: datetime, tariff_id: UUID | None = None
) -> QuoteRecord:
    """A quote without a row.

    Raises:
        PriceOnRequest, NoTariff, NoRate, NothingToPrice, InvalidTariff: as pricing says.
        QuoteLapsed: the quote that the host gave by hand is not for this order.
    """
    on = day_of(resource, asked.span, now)
    use = use_of(resource, asked)
    if asked.given_id is not None:
        price = under_quotes.price(resource, asked, who.customer_id, who.customer_class, use, now)
    else:
        price = pricing.price(resource.key, on, who.customer_class, use, tariff_id)
    support = (
        tuple(
            ports.installed().expected_support.expected(
                resource.key.institution_id, resource, who.customer_id, price, on
            )
        )
        if who.customer_id is not None
        else ()
    )
    valid = now + VALID_FOR
    if asked.span is not None:
        valid = min(valid, max(asked.span.start, now))
    return QuoteRecord(
        resource_key=resource.key,
        customer_id=who.customer_id,
        customer_class=who.customer_class,
        lines=price.lines,
        support=support,
        sums=ThreeSums.of(price.total, support),
        use=use.as_json(),
        tariff_id=price.tariff_id,
        valid_until=valid,
        given_id=asked.given_id,
    )


@dataclass(frozen=True, slots=True)
class Preview:
    """What a choice would cost, computed and not stored; ``missing`` says why there is no price."""

    quote: QuoteRecord | None
    missing: tuple[Reason, ...] = ()


def preview(resource: ResourceRecord, asked: Asked, who: Buyer) -> Preview:
    """The price of a choice while it is being made. Never raises for want of a price."""
    try:
        return Preview(compute(resource, asked, who, clock.now()))
    except (*UNPRICED, pricing_errors.InvalidTariff, QuoteLapsed) as error:
        return Preview(None, error.reasons)


def may_buy_for(by: Actor | None, customer_id: UUID | None) -> UUID | None:
    """The customer for whom an actor asks; its only one when none is named.

    Raises:
        InvalidOrder: there are several, or the one named is not the actor's.
    """
    if by is None:
        return None
    if customer_id is None:
        if len(by.customer_ids) == 1:
            return next(iter(by.customer_ids))
        if not by.customer_ids:
            return None
        raise InvalidOrder(Reason("booking.customer_missing", {}, "customer"))
    if customer_id not in by.customer_ids:
        raise InvalidOrder(Reason("booking.customer_not_yours", {}, "customer"))
    return customer_id


def quote(key: HostKey, asked: Asked, *, by: Actor) -> QuoteRecord:
    """Freeze a price with its tariff version, to be booked at until it lapses.

    Raises:
        what ``compute`` raises.
    """
    resource = catalogue.visible(catalogue.resource(key), by)
    customer_id = may_buy_for(by, asked.customer_id)
    with unit_of_work() as unit:
        who = buyer(resource, customer_id, day_of(resource, asked.span, unit.now))
        return freeze(unit, compute(resource, asked, who, unit.now), by.person_id)


def freeze(unit: Unit, quoted: QuoteRecord, person_id: UUID | None) -> QuoteRecord:
    return replace(quoted, key=quote_store.add(unit.session, quoted, unit.now, person_id))


def redeem(
    key: HostKey, resource: ResourceRecord, asked: Asked, who: Buyer, now: datetime, by: Actor
) -> QuoteRecord:
    """A quote that somebody wants to book at, if it still holds for exactly this.

    Raises:
        QuoteLapsed: its time is over, or it was made for something else. NoSuchBooking: it is another customer's.
    """
    found = quote_store.quote(reading(), key)
    if found is None or found.customer_id not in {who.customer_id, *by.customer_ids}:
        raise NoSuchBooking()
    same = found.resource_key == resource.key and found.customer_id == who.customer_id
    same = same and found.given_id == asked.given_id
    if not same or dict(found.use) != use_of(resource, asked).as_json():
        raise QuoteLapsed(Reason("booking.quote_for_other", {}, "quote"))
    if found.valid_until <= now:
        raise QuoteLapsed(Reason("booking.quote_lapsed", {"until": found.valid_until.isoformat()}, "quote"))
    return found


def cancellation_fee(
    resource: ResourceRecord,
    asked: Asked,
    customer_class: CustomerClass,
    tariff_id: UUID | None,
    now: datetime,
    *,
    given: TimeSpan | None = None,
    whole: TimeSpan | None = None,
    kept: TimeSpan | None = None,
) -> Money:
    """What cancelling now costs, by the tariff of the quote. Exactly the notice before the start is free.

    Args:
        given: what of the time is given up, all of it unless said; ``kept`` is what stays booked.
        whole: the stretch of which that is a part, and before whose start the notice counts.
    """
    if tariff_id is None or asked.span is None:
        return Money.zero(resource.currency)
    use = replace(
        use_of(resource, asked),
        occasion=Occasion.CANCELLED,
        notice_seconds=((whole or asked.span).start - now) // timedelta(seconds=1),
        kept=kept,
        part=((given or asked.span).seconds, (whole or asked.span).seconds),
    )
    try:
        price: Price = pricing.price(
            resource.key, day_of(resource, asked.span, now), customer_class, use, tariff_id
        )
    except DomainError:
        # A tariff that can price the use but not its cancellation takes no fee: nobody was told of one.
        return Money.zero(resource.currency)
    return price.total


def no_show_fee(
    resource: ResourceRecord,
    asked: Asked,
    customer_class: CustomerClass,
    tariff_id: UUID | None,
    now: datetime,
) -> Money | None:
    """What not coming costs, to be said before booking; None where the tariff says nothing."""
    if tariff_id is None or asked.span is None:
        return None
    use = replace(use_of(resource, asked), occasion=Occasion.NO_SHOW)
    try:
        return pricing.price(
            resource.key, day_of(resource, asked.span, now), customer_class, use, tariff_id
        ).total
    except DomainError:
        return None
