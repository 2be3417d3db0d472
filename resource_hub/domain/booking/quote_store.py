"""Queries of frozen quotes; never commits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, literal, select, tuple_
from sqlalchemy.orm import Session

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.booking import inquiry_store
from resource_hub.domain.booking.tables import Booking, Quote
from resource_hub.domain.booking.terms import (
    ExpectedSupportLine,
    QuoteRecord,
    ThreeSums,
)
from resource_hub.domain.pricing.terms import PriceLine
from resource_hub.infra.ids import new_id
from resource_hub.infra.together import add_later
from resource_hub.infra.types import Id
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money


def add(session: Session, quote: QuoteRecord, created_at: datetime, created_by: UUID | None) -> HostKey:
    key = HostKey(quote.resource_key.institution_id, new_id())
    row = {
        "institution_id": key.institution_id,
        "id": key.id,
        "resource_id": quote.resource_key.id,
        "customer_id": quote.customer_id,
        "customer_class": quote.customer_class.value,
        "tariff_id": quote.tariff_id,
        "use": dict(quote.use),
        "lines": [line.as_json() for line in quote.lines],
        "support": [line.as_json() for line in quote.support],
        "list_minor": quote.sums.list_price.minor,
        "to_pay_minor": quote.sums.to_pay.minor,
        "back_minor": quote.sums.back.minor,
        "net_minor": quote.sums.net.minor,
        "currency": quote.currency,
        "valid_until": quote.valid_until,
        "created_by": created_by,
        "created_at": created_at,
    }
    add_later(session, Quote, [row])
    if quote.given_id is not None:
        inquiry_store.add_agreed(session, key, quote.given_id)
    return key


def quote(session: Session, key: HostKey) -> QuoteRecord | None:
    row = session.get(Quote, tuple(key))
    if row is None:
        return None
    return QuoteRecord(
        resource_key=HostKey(row.institution_id, row.resource_id),
        customer_id=row.customer_id,
        customer_class=CustomerClass(row.customer_class),
        lines=tuple(PriceLine.from_json(line, row.currency) for line in row.lines),
        support=tuple(ExpectedSupportLine.from_json(line) for line in row.support),
        sums=ThreeSums(
            Money(row.list_minor, row.currency),
            Money(row.to_pay_minor, row.currency),
            Money(row.back_minor, row.currency),
        ),
        use=row.use,
        tariff_id=row.tariff_id,
        valid_until=row.valid_until,
        key=HostKey(row.institution_id, row.id),
        given_id=inquiry_store.given_of(session, key) if row.tariff_id is None else None,
        asked_by=row.created_by,
    )


def sums(
    session: Session, keys: Iterable[HostKey], orders: Iterable[HostKey]
) -> list[tuple[HostKey, HostKey | None, ThreeSums]]:
    """The three sums of many quotes, and with their order those of the bookings under these orders."""
    wanted, parents = [tuple(key) for key in keys], list(orders)
    if not wanted:
        return []
    columns = (Quote.list_minor, Quote.to_pay_minor, Quote.back_minor, Quote.currency)
    own = select(Quote.institution_id, Quote.id, literal(None, Id), *columns).where(
        tuple_(Quote.institution_id, Quote.id).in_(wanted)
    )
    under = (
        select(Quote.institution_id, Quote.id, Booking.parent_id, *columns)
        .join(Booking, and_(Booking.institution_id == Quote.institution_id, Booking.quote_id == Quote.id))
        .where(
            Booking.institution_id.in_({order.institution_id for order in parents}),
            Booking.parent_id.in_([order.id for order in parents]),
        )
    )
    return [
        (
            HostKey(host, one),
            HostKey(host, parent) if parent else None,
            ThreeSums(Money(gross, money), Money(pay, money), Money(back, money)),
        )
        for host, one, parent, gross, pay, back, money in session.execute(own.union_all(under))
    ]
