"""Queries of time given back late; never commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.booking.given_back_tables import GivenBack
from resource_hub.domain.booking.terms import GivenBackRecord
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan


def record(row: GivenBack) -> GivenBackRecord:
    return GivenBackRecord(
        key=HostKey(row.institution_id, row.id),
        order_id=row.order_id,
        booking_id=row.booking_id,
        resource_id=row.resource_id,
        unit_id=row.unit_id,
        customer_id=row.customer_id,
        customer_class=CustomerClass(row.customer_class),
        tariff_id=row.tariff_id,
        span=TimeSpan(row.starts_at, row.ends_at),
        fee=Money(row.fee_minor, row.currency),
        given_at=row.given_at,
        decides_at=row.decides_at,
    )


def of_order(session: Session, order: HostKey) -> list[GivenBackRecord]:
    """What was given back late of an order and of what is booked along with it, by its time."""
    rows = session.scalars(
        select(GivenBack)
        .where(GivenBack.institution_id == order.institution_id, GivenBack.order_id == order.id)
        .order_by(GivenBack.starts_at, GivenBack.id)
        .execution_options(populate_existing=True)
    )
    return [record(row) for row in rows]


def one(session: Session, key: HostKey, *, lock: bool = False) -> GivenBackRecord | None:
    found = select(GivenBack).where(GivenBack.institution_id == key.institution_id, GivenBack.id == key.id)
    if lock:
        found = found.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = session.scalars(found).one_or_none()
    return record(row) if row is not None else None


def add(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    session.add_all(GivenBack(**row) for row in rows)


def change(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(
        update(GivenBack)
        .where(GivenBack.institution_id == key.institution_id, GivenBack.id == key.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def to_decide(session: Session, now: datetime, limit: int) -> list[HostKey]:
    """What was given back late and has begun, the oldest first."""
    rows = session.execute(
        select(GivenBack.institution_id, GivenBack.id)
        .where(GivenBack.decides_at <= now)
        .order_by(GivenBack.decides_at, GivenBack.institution_id, GivenBack.id)
        .limit(limit)
    )
    return [HostKey(*row) for row in rows]
