"""Lists of one's own: bookings of time, and orders without a time (samples, access)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import g, render_template, request
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import FINAL, BookingKind, BookingRecord, BookingState, ThreeSums
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import exports, paging
from resource_hub.entrypoints.support.formatting import language, plain
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.blueprints import bookings, orders
from resource_hub.infra import clock
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money

LIVE = tuple(state for state in BookingState if state not in FINAL and state is not BookingState.HELD)


@dataclass(frozen=True, slots=True)
class Row:
    """A booking with the names around it, for tables."""

    record: BookingRecord
    state: BookingState
    resource: ResourceRecord | None
    host_code: str
    host: str
    customer: str
    person: str
    sums: ThreeSums | None
    booker: str = ""  # who booked it on behalf of ``whom``

    @property
    def whom(self) -> str:
        """For whom it is: a person, or a customer that has nobody with an account."""
        return (
            self.customer if self.booker and self.record.booked_by == self.record.person_id else self.person
        )

    @property
    def number(self) -> str:
        return self.record.number

    @property
    def what(self) -> str:
        return plain(self.resource.name(language())) if self.resource else "–"

    @property
    def zone(self) -> str:
        return self.resource.zone if self.resource else "UTC"

    @property
    def when(self) -> datetime:
        return self.record.starts_at or self.record.created_at

    @property
    def to_pay(self) -> list[Money] | None:
        """A sum for each currency."""
        return [one.to_pay for one in self.sums.each] if self.sums else None

    @property
    def net(self) -> list[Money] | None:
        return [one.net for one in self.sums.each] if self.sums else None

    @property
    def samples(self) -> int | None:
        return self.record.samples or None

    @property
    def answer_by(self) -> datetime | None:
        return self.record.answer_by

    @property
    def mode(self) -> str:
        return (
            word("booking.mode", self.record.mode)
            if self.record.mode
            else word("booking.kind", self.record.kind)
        )


def rows_of(
    records: Sequence[BookingRecord],
    *,
    resources: Mapping[HostKey, ResourceRecord] | None = None,
    sums: Mapping[HostKey, ThreeSums] | None = None,
) -> list[Row]:
    """Records with names, a handful of queries for all of them. Resources and sums are handed in by who needs them
    of more than these records."""
    if not records:
        return []
    bookers = service.booked_for_others(records)
    now = clock.now()
    if resources is None:
        resources = catalogue.resources({r.resource_key for r in records})
    if sums is None:
        sums = service.sums_of(records)
    hosts = accounts.organisation_names({r.institution_id for r in records})
    customers = accounts.customers({r.customer_id for r in records})
    people = accounts.people({r.person_id for r in records} | set(bookers.values()))
    result = []
    for record in records:
        host = hosts.get(record.institution_id)
        booker = people.get(bookers[record.key]) if record.key in bookers else None
        customer, person = customers.get(record.customer_id), people.get(record.person_id)
        result.append(
            Row(
                record,
                service.judged_by_clock(record, now),
                resources.get(record.resource_key),
                host.code if host else "",
                plain(host.name_in(language())) if host else "–",
                plain(customer.name_in(language())) if customer else "–",
                plain(person.name) if person else "–",
                sums.get(record.key),
                plain(booker.name) if booker else "",
            )
        )
    return result


def _page(kinds: Sequence[BookingKind], template: str, name: str) -> Any:
    view = request.args.get("view", "ahead")
    mine = request.args.get("whose") == "mine"
    limit = paging.asked_limit(30)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    wanted: dict[str, Any] = {"kinds": kinds, "mine": mine, "after": after, "limit": limit + 1}
    timed = BookingKind.WINDOW in kinds
    if view == "ahead":
        wanted |= {"states": LIVE, "newest": not timed}
        if timed:
            wanted["since"] = clock.now() - timedelta(days=1)
    elif view == "past":
        wanted |= {"states": tuple(FINAL) if not timed else (BookingState.DONE, BookingState.NO_SHOW)}
    elif view == "dropped":
        wanted |= {"states": (BookingState.CANCELLED, BookingState.REJECTED, BookingState.EXPIRED)}
    if request.args.get("export") == "csv":
        wanted |= {"after": None, "limit": 5000}
        return _export(rows_of(service.bookings_of(g.actor, **wanted)), name)
    records = service.bookings_of(g.actor, **wanted)
    page = paging.page_of(
        rows_of(records),
        limit,
        lambda row: (row.record.starts_at or row.record.created_at, row.record.key.id),
    )
    return render_template(template, page=page, view=view, mine=mine, money_unit=money_unit(page.items))


def money_unit(rows: Iterable[Row]) -> str:
    """The currency for the head of a column, where all amounts of the rows are of one."""
    units = {amount.currency for row in rows for amount in row.to_pay or ()}
    return units.pop() if len(units) == 1 else ""


def _export(rows: Sequence[Row], name: str) -> Any:
    headings = [
        _("Number"), _("What"), _("Host"), _("Begins"), _("Ends"), _("State"), _("For"), _("Booked by"),
        _("To pay"), _("Currency"), _("To pay in other currencies"),
    ]  # fmt: skip
    table = (
        [
            row.number, row.what, row.host,
            row.record.span.start.isoformat() if row.record.span else "",
            row.record.span.end.isoformat() if row.record.span else "",
            word("booking.state", row.state), row.whom, row.booker,
            f"{row.to_pay[0].amount}" if row.to_pay else "",
            row.to_pay[0].currency if row.to_pay else "",
            "; ".join(f"{more.amount} {more.currency}" for more in (row.to_pay or [])[1:]),
        ]
        for row in rows
    )  # fmt: skip
    return exports.csv_response(f"{name}.csv", headings, table)


@bookings.get("/o/<organisation>/bookings")
@allows(MEMBER)
def index(organisation: str) -> Any:
    """Bookings of time of this organisation's customers: what is ahead first."""
    return _page((BookingKind.WINDOW,), "booking/bookings.html", "bookings")


@orders.get("/o/<organisation>/orders", endpoint="index")
@allows(MEMBER)
def order_index(organisation: str) -> Any:
    """Orders without a time: samples that were sent in, access to datasets, literature and natural resources."""
    return _page((BookingKind.SAMPLES, BookingKind.ACCESS), "booking/orders.html", "orders")
