"""Indicative list prices: kept per class of customer and tariff, so that search can sort ten thousand resources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, or_, select, update
from sqlalchemy.orm import Session

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.pricing import store
from resource_hub.domain.pricing.parsing import parsed
from resource_hub.domain.pricing.rules.readback import headline
from resource_hub.domain.pricing.tables import IndicativePrice, Tariff
from resource_hub.domain.pricing.terms import Tariff as TariffTerms
from resource_hub.domain.pricing.terms import TariffState
from resource_hub.infra import batches
from resource_hub.infra.bulk import add_rows
from resource_hub.infra.database import reading
from resource_hub.infra.rows import by_host, equals_by_host
from resource_hub.infra.unit_of_work import Lease, unit_of_work
from resource_hub.kernel.by_host import ByHost
from resource_hub.kernel.keys import HostKey

# For each of these a price is kept; what is used by oneself stands for no certain mode too.
MODES = (Mode.SELF_USE, Mode.STAFF_RUN, Mode.SEND_IN)
# In place of a unit of price: the price is made on request, or there is none for this class.
ASK, NONE = "ask", "none"


def keep(session: Session, row: Tariff) -> None:
    """Derive the rows of a tariff that has just come in force."""
    add_rows(session, IndicativePrice, _rows(row))


def end(session: Session, row: Tariff) -> None:
    """The tariff ends where its successor begins."""
    session.execute(
        update(IndicativePrice)
        .where(IndicativePrice.institution_id == row.institution_id, IndicativePrice.tariff_id == row.id)
        .values(until=row.until)
    )


def keep_missing(limit: int = 200, lease: Lease | None = None) -> int:
    """Derive the rows of approved tariffs that have none, such as those of before this was kept; how many it were."""
    kept = exists().where(
        IndicativePrice.institution_id == Tariff.institution_id, IndicativePrice.tariff_id == Tariff.id
    )
    missing = select(Tariff).where(Tariff.state == TariffState.APPROVED, ~kept)

    def found(many: int) -> list[HostKey]:
        rows = reading().scalars(missing.order_by(Tariff.institution_id, Tariff.id).limit(many))
        return [HostKey(row.institution_id, row.id) for row in rows]

    def keep(keys: Sequence[HostKey]) -> int:
        with unit_of_work(lease=lease) as unit:
            rows = unit.session.scalars(missing.where(Tariff.id.in_([key.id for key in keys]))).all()
            for row in rows:
                add_rows(unit.session, IndicativePrice, _rows(row))
            return len(rows)

    job = "pricing.keep_prices"
    return batches.together(job, batches.found(job, found, limit), keep)


def prices_in_force(
    classes: ByHost[CustomerClass], days: ByHost[date], mode: Mode | None = None
) -> Select[UUID, UUID, int | None, str, str]:
    """One row a resource that has a tariff in force: ``institution_id``, ``resource_id``, ``list_minor`` (None where
    there is no figure), ``per``, ``currency``; the price of a mode of use where one is named."""
    table = IndicativePrice
    day = by_host(table.institution_id, days)
    words = ByHost(classes.usual.value, {host: word.value for host, word in classes.others.items()})
    return select(table.institution_id, table.resource_id, table.list_minor, table.per, table.currency).where(
        equals_by_host(table.customer_class, table.institution_id, words),
        table.mode == (mode or Mode.SELF_USE).value,
        table.since <= day,
        or_(table.until.is_(None), table.until > day),
    )


def _rows(row: Tariff) -> list[dict[str, Any]]:
    tariff = parsed(store.record(row))
    lines = [
        (customer_class, mode, headline(tariff, customer_class, mode))
        for customer_class in CustomerClass
        for mode in MODES
    ]
    asked = MODES if tariff.ask else () if _prices_samples(tariff) else (Mode.SEND_IN,)
    return [
        {
            "institution_id": row.institution_id,
            "resource_id": row.resource_id,
            "customer_class": customer_class.value,
            "mode": mode.value,
            "since": row.since,
            "until": row.until,
            "list_minor": line[0].minor if line else None,
            "per": line[1] if line else ASK if mode in asked else NONE,
            "currency": tariff.currency,
            "tariff_id": row.id,
        }
        for customer_class, mode, line in lines
    ]


def _prices_samples(terms: TariffTerms) -> bool:
    """Whether samples that are sent in have a price, so that the host need not name it."""
    return not (terms.sample.empty and terms.start_fee.empty)
