"""The blueprint of these pages, and an inquiry with the names around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import Blueprint

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking.inquiry_words import Inquiry, InquiryState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support.formatting import language, plain
from resource_hub.infra import clock
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint("quotes", __name__)


@dataclass(frozen=True, slots=True)
class Row:
    """An inquiry for tables."""

    record: Inquiry
    resource: ResourceRecord
    state: InquiryState
    host_code: str
    host: str
    customer: str
    person: str

    @property
    def what(self) -> str:
        return plain(self.resource.name(language()))

    @property
    def total(self) -> Money | None:
        return self.record.quote.total if self.record.quote else None

    @property
    def until(self) -> date | None:
        return (
            self.record.quote.valid_until if self.record.quote and self.state is InquiryState.GIVEN else None
        )


def today_of(resource: ResourceRecord) -> date:
    return local_day(clock.now(), zone(resource.zone))


def rows_of(records: Sequence[Inquiry]) -> list[Row]:
    """Inquiries with names, a handful of queries for all of them."""
    resources = catalogue.resources({r.resource_key for r in records})
    hosts = accounts.organisation_names({r.key.institution_id for r in records})
    customers = accounts.customers({r.customer_id for r in records})
    people = accounts.people({r.person_id for r in records})
    now = clock.now()
    result = []
    for r in records:
        resource, host = resources[r.resource_key], hosts[r.key.institution_id]
        customer, person = customers.get(r.customer_id), people.get(r.person_id)
        result.append(
            Row(
                r,
                resource,
                r.state_on(local_day(now, zone(resource.zone))),
                host.code,
                plain(host.name_in(language())),
                plain(customer.name_in(language())) if customer else "–",
                plain(person.name) if person else "–",
            )
        )
    return result
