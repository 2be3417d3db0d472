"""Orders at a price that the host gave by hand: whether the quote is for this order, and what the order then costs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.booking import inquiry_store
from resource_hub.domain.booking.errors import QuoteLapsed
from resource_hub.domain.booking.inquiry_words import Inquiry, InquiryState
from resource_hub.domain.booking.rules.given_quotes import misfits
from resource_hub.domain.booking.terms import Asked, BookingRecord, QuoteRecord
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.pricing.rules.agreed import agreed_price
from resource_hub.domain.pricing.terms import AgreedPrice, Price, UseFacts
from resource_hub.infra import database
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone


def price(
    resource: ResourceRecord,
    asked: Asked,
    customer_id: UUID | None,
    customer_class: CustomerClass,
    use: UseFacts,
    now: datetime,
) -> Price:
    """The price of an order under the quote that it names.

    Raises:
        QuoteLapsed: nobody accepted such a quote, it is another customer's or of another resource, the last day to
            order at it is over, or it was given for less; every reason is named.
    """
    assert asked.given_id is not None
    found = inquiry_store.of_given(database.reading(), HostKey(resource.key.institution_id, asked.given_id))
    if found is None or found.customer_id != customer_id or found.resource_key != resource.key:
        raise QuoteLapsed(Reason("booking.quote_for_other", {}, "quote"))
    if found.state is not InquiryState.ACCEPTED:
        raise QuoteLapsed(Reason("booking.given_not_accepted", {}, "quote"))
    reasons = _over(found, resource, now) + misfits(found.wish, asked)
    if reasons:
        raise QuoteLapsed(*reasons)
    return agreed_price(found.agreed(), customer_class, use)


def _over(found: Inquiry, resource: ResourceRecord, now: datetime) -> list[Reason]:
    until = found.order_until
    if until is None or local_day(now, zone(resource.zone)) <= until:
        return []
    return [Reason("booking.given_order_over", {"until": until.isoformat(), "number": found.number}, "quote")]


def take(unit: Unit, resource: ResourceRecord, given_id: UUID, ignore: UUID | None) -> None:
    """Keep a quote for the order that is being made; two at once cannot have it.

    Raises:
        QuoteLapsed: another order has it, or the last day to order is over, though the price was frozen before.
    """
    key = HostKey(resource.key.institution_id, given_id)
    found = inquiry_store.of_given(unit.session, key, lock=True)
    reasons = _over(found, resource, unit.now) if found is not None else []
    if reasons:
        raise QuoteLapsed(*reasons)
    if inquiry_store.booked_under(unit.session, key, ignore) is not None:
        raise QuoteLapsed(Reason("booking.given_used", {}, "quote"))


def reasons_against(record: BookingRecord, asked: Asked) -> list[Reason]:
    """Why an order cannot change like this: its price was given by hand for less."""
    found = of_order(record)
    return misfits(found.wish, asked) if found is not None else []


def of_order(record: BookingRecord) -> Inquiry | None:
    """The inquiry at whose price an order was made; None where a tariff made the price."""
    if record.quote_id is None or record.tariff_id is not None:
        return None
    session = database.reading()
    given_id = inquiry_store.given_of(session, HostKey(record.institution_id, record.quote_id))
    return inquiry_store.of_given(session, HostKey(record.institution_id, given_id)) if given_id else None


def not_to_be_divided(record: BookingRecord) -> list[Reason]:
    """Why an order cannot be split or go to another customer: its price was named for it as a whole, and for them."""
    return [Reason("booking.given_not_divided", {})] if of_order(record) is not None else []


def agreed_of(unit: Unit, quote: QuoteRecord) -> AgreedPrice | None:
    """The price named by hand behind the frozen one, locked, so that of several uses of an order one pays it; None
    where a tariff made the price."""
    if quote.given_id is None:
        return None
    key = HostKey(quote.resource_key.institution_id, quote.given_id)
    found = inquiry_store.of_given(unit.session, key, lock=True)
    assert found is not None  # an accepted version is never followed by another
    return found.agreed()
