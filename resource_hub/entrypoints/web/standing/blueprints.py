"""The blueprint of these pages, and what they show with the names around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Blueprint

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import QualificationRecord
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import BookingRecord, StrikeRecord, StrikeState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.support.formatting import language, plain
from resource_hub.infra import clock
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint("standing", __name__)


@dataclass(frozen=True, slots=True)
class StrikeRow:
    record: StrikeRecord
    what: str
    host_code: str
    host: str
    person: str
    customer: str
    zone: str
    booking: BookingRecord | None
    given_by: str
    decided_by: str
    counts: bool

    @property
    def state(self) -> StrikeState:
        return self.record.state


def strike_rows(records: Sequence[StrikeRecord], now: datetime) -> list[StrikeRow]:
    """Strikes with names, a handful of queries for all of them."""
    resources = catalogue.resources({r.resource_key for r in records})
    hosts = accounts.organisation_names({r.key.institution_id for r in records})
    customers = accounts.customers({r.customer_id for r in records})
    ids = {i for r in records for i in (r.person_id, r.given_by, r.decided_by) if i is not None}
    people = accounts.people(ids)
    keys = [HostKey(r.key.institution_id, r.booking_id) for r in records if r.booking_id]
    bookings = booking.records(keys)
    result = []
    for r in records:
        resource, host = resources.get(r.resource_key), hosts[r.key.institution_id]
        customer = customers.get(r.customer_id)
        names = [
            plain(people[i].name) if i is not None and i in people else ""
            for i in (r.person_id, r.given_by, r.decided_by)
        ]
        result.append(
            StrikeRow(
                r,
                plain(resource.name(language())) if resource else "–",
                host.code,
                plain(host.name_in(language())),
                names[0] or "–",
                plain(customer.name_in(language())) if customer else "–",
                host.zone,
                bookings.get(HostKey(r.key.institution_id, r.booking_id)) if r.booking_id else None,
                names[1],
                names[2],
                r.counts(now),
            )
        )
    return result


@dataclass(frozen=True, slots=True)
class BarRow:
    record: booking.BarredPerson
    what: str
    host: str
    person: str
    customer: str
    zone: str

    @property
    def id(self) -> str:
        return f"{self.record.resource_key.id}-{self.record.person_id}"


def bar_rows(records: Sequence[booking.BarredPerson]) -> list[BarRow]:
    """Bars with names, a handful of queries for all of them."""
    resources = catalogue.resources({r.resource_key for r in records})
    hosts = accounts.organisation_names({r.resource_key.institution_id for r in records})
    customers = accounts.customers({r.customer_id for r in records})
    people = accounts.people({r.person_id for r in records})
    result = []
    for r in records:
        resource, host = resources.get(r.resource_key), hosts[r.resource_key.institution_id]
        person, customer = people.get(r.person_id), customers.get(r.customer_id)
        result.append(
            BarRow(
                r,
                plain(resource.name(language())) if resource else "–",
                plain(host.name_in(language())),
                plain(person.name) if person else "–",
                plain(customer.name_in(language())) if customer else "–",
                host.zone,
            )
        )
    return result


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A training of a person: ``state`` is ``holds``, ``expiring``, ``expired`` or ``revoked``."""

    record: QualificationRecord
    host: str
    person: str
    granted_by: str
    state: str

    @property
    def name(self) -> str:
        kind = self.record.type
        return plain(kind.name_zh if language() == "zh" else kind.name_en)

    @property
    def last_day(self) -> date | None:
        """The last day on which it holds."""
        return self.record.until - timedelta(days=1) if self.record.until else None


def training_rows(records: Sequence[QualificationRecord]) -> list[TrainingRow]:
    hosts = accounts.organisation_names({r.key.institution_id for r in records})
    people = accounts.people({i for r in records for i in (r.person_id, r.granted_by)})
    now = clock.now()
    result = []
    for r in records:
        host = hosts[r.key.institution_id]
        today = local_day(now, zone(host.zone))
        if r.revoked_at is not None:
            state = "revoked"
        elif not r.holds(today):
            state = "expired"
        else:
            near = r.until is not None and r.until <= today + timedelta(days=30)
            state = "expiring" if near else "holds"
        holder, giver = people.get(r.person_id), people.get(r.granted_by)
        result.append(
            TrainingRow(
                r,
                plain(host.name_in(language())),
                plain(holder.name) if holder else "–",
                plain(giver.name) if giver else "–",
                state,
            )
        )
    return result
