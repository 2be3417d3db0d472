"""The customer's first screen: search, what waits, what is booked next, what the month costs, what support is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Blueprint, g, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext, pgettext

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.billing import service as billing
from resource_hub.domain.billing.terms import StatementRecord
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import (
    COUNTED,
    BookingKind,
    BookingRecord,
    BookingState,
    Side,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.terms import QuotaState
from resource_hub.domain.usage import service as usage
from resource_hub.entrypoints.support import formatting, forms
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.booking.lists import Row, rows_of
from resource_hub.entrypoints.web.booking.ratings import asks_to_rate
from resource_hub.infra import clock
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan, local_day, midnight, zone

blueprint = Blueprint("customer", __name__)

MEMBERS = (Role.FIRM_ADMIN, Role.BOOKER, Role.APPROVER, Role.PAYER)
ADMINISTERS = (Role.FIRM_ADMIN, Role.INSTITUTION_ADMIN)
SHOWN = 5
# What waits for an approver is counted so far; each is judged, because silence and terms decide.
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for the reader: what, until when, and the way there."""

    icon: str
    text: str
    href: str
    note: str = ""
    urgent: bool = False


@blueprint.get("/o/<organisation>/home")
@allows(*MEMBERS)
def home(organisation: str) -> str:
    """What is next, what waits for me, what it costs, and the field to search from."""
    g.hat = "customer"
    own = accounts.organisation(organisation)
    forms.remember_zone(own.zone)
    now = clock.now()
    today = local_day(now, zone(own.zone))
    found = _found(now)
    planned, charged = _month_so_far(today, own.zone, now)
    records = found.records()
    resources = catalogue.resources(
        {record.resource_key for record in records} | {wait.resource_key for wait in found.kept}
    )
    sums = booking.sums_of([*records, *planned])
    rows = {row.record.key: row for row in rows_of(records, resources=resources, sums=sums)}
    statements = billing.statements_owed(g.actor, SHOWN)
    owed = billing.open_sums(g.actor.customer_ids | g.actor.led_customer_ids) if statements else {}
    quotas = [
        q
        for q in subsidy.quotas_of_customers(g.actor.customer_ids)
        if q.state is QuotaState.GRANTED and (q.valid_until is None or q.valid_until >= today)
    ]
    return render_template(
        "customer/home.html",
        organisation=organisation,
        own=own,
        ahead=[rows[record.key] for record in found.ahead[:SHOWN]],
        more=len(found.ahead) > SHOWN,
        waiting=_waiting(organisation, found, rows, resources, statements, today),
        month=today,
        cost={
            "charged": charged,
            "booked": _sums(one.to_pay for r in planned if r.key in sums for one in sums[r.key].each),
        },
        owed=list(owed.values()),
        due=statements[0].due_on if statements else None,
        overdue=any(s.overdue(today) for s in statements),
        left=_sums(q.left for q in quotas),
        quota_until=min((q.valid_until for q in quotas if q.valid_until), default=None),
        lately=[row for row in (rows[record.key] for record in found.lately) if _bookable(row)],
        pays=g.actor.has(Role.PAYER, Role.APPROVER, Role.FIRM_ADMIN),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """The bookings that the page speaks of; found before their names, so that those are asked for once."""

    ahead: list[BookingRecord]
    to_approve: list[booking.ToApprove]
    offered: list[tuple[booking.HandOverRecord, BookingRecord]]
    kept: list[booking.WaitingRecord]
    orders: list[BookingRecord]
    to_rate: list[booking.ToRate]
    lately: list[BookingRecord]

    def records(self) -> list[BookingRecord]:
        """All whose names the page says, each once."""
        every = [
            *self.ahead[:SHOWN],
            *(one.record for one in self.to_approve[:SHOWN]),
            *(record for _offer, record in self.offered),
            *self.orders,
            *(one.record for one in self.to_rate),
            *self.lately,
        ]
        return list({record.key: record for record in every}.values())


def _found(now: datetime) -> Found:
    return Found(
        _ahead(now),
        [one for one in booking.to_approve(g.actor, MOST_COUNTED) if one.mine],
        _offered(),
        booking.offers_to(g.actor),
        booking.bookings_of(
            g.actor,
            kinds=(BookingKind.SAMPLES, BookingKind.ACCESS),
            states=(BookingState.APPROVED, BookingState.DELIVERED),
            limit=20,
        ),
        booking.to_rate(g.actor, Side.CUSTOMER, SHOWN) if asks_to_rate(Side.CUSTOMER) else [],
        _lately(),
    )


def _sums(amounts: Iterable[Money]) -> list[Money]:
    """One sum for each currency."""
    found: dict[str, Money] = {}
    for amount in amounts:
        found[amount.currency] = found.get(amount.currency, Money.zero(amount.currency)) + amount
    return [found[currency] for currency in sorted(found)]


def _ahead(now: datetime) -> list[BookingRecord]:
    """Bookings that are running or to come, the nearest first; one more than is shown."""
    found = booking.bookings_of(
        g.actor,
        kinds=(BookingKind.WINDOW,),
        states=(BookingState.REQUESTED, BookingState.APPROVED, BookingState.IN_USE),
        since=now,
        limit=SHOWN + 1,
        newest=False,
    )
    return [record for record in found if record.ends_at is not None and record.ends_at > now]


def _month(today: date) -> tuple[date, date]:
    first = today.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def _month_so_far(today: date, zone_name: str, now: datetime) -> tuple[list[BookingRecord], list[Money]]:
    """The month: what is booked or used and not charged yet, and the sums that were charged."""
    if not g.actor.customer_ids:
        return [], []
    first, last = _month(today)
    costs = billing.costs_of_customers(g.actor.customer_ids, first, last)
    charged = {key for key, _amount in costs if key is not None}
    tz = zone(zone_name)
    span = TimeSpan(midnight(first, tz), midnight(last, tz))
    planned = [
        record
        for record in booking.bookings_of(
            g.actor, states=tuple(COUNTED), since=span.start, until=span.end, limit=1000
        )
        if record.key not in charged and booking.judged_by_clock(record, now) in COUNTED
    ]
    return planned, _sums(amount for _key, amount in costs)


def _waiting(
    organisation: str,
    found: Found,
    rows: Mapping[HostKey, Row],
    resources: Mapping[HostKey, ResourceRecord],
    statements: list[StatementRecord],
    today: date,
) -> list[Waiting]:
    """What waits for this person, the urgent first."""
    waiting = [
        *_to_approve(organisation, found.to_approve, rows),
        *_hand_overs(organisation, found.offered, rows),
        *_walk_ins(organisation),
        *_offers(organisation, found.kept, resources),
        *_orders_waiting(organisation, [rows[record.key] for record in found.orders]),
        *_hours_waiting(organisation),
        *_to_rate(organisation, found.to_rate, rows),
    ]
    if g.actor.has(Role.PAYER, Role.FIRM_ADMIN):
        waiting += _statements_waiting(organisation, statements, today)
    if g.actor.has(*ADMINISTERS):
        asking = accounts.waiting_requests(g.actor.organisation_id)
        if asking:
            text = ngettext("%(num)d person asks to join", "%(num)d people ask to join", asking)
            waiting.append(Waiting("people", text, url_for("team.index", organisation=organisation)))
    return sorted(waiting, key=lambda one: not one.urgent)


def _show(organisation: str, row: Row) -> str:
    return url_for(
        "bookings.show", organisation=organisation, host=row.host_code, booking_id=row.record.key.id
    )


def _to_approve(
    organisation: str, mine: list[booking.ToApprove], rows: Mapping[HostKey, Row]
) -> list[Waiting]:
    """Bookings that wait for this person's yes, each with its sum and its term."""
    result = []
    for one in mine[:SHOWN]:
        row = rows[one.record.key]
        amount = formatting.money(row.to_pay) if row.to_pay is not None else _("price not known yet")
        text = _(
            "%(person)s books %(what)s: your yes is wanted (%(amount)s)",
            person=row.person,
            what=row.what,
            amount=amount,
        )
        until = one.step.answer_by
        note = _("answer by %(when)s", when=formatting.moment(until, row.zone)) if until else ""
        urgent = until is not None and until - clock.now() < timedelta(days=1)
        href = url_for("bookings.to_approve", organisation=organisation, _anchor=f"b-{row.record.key.id}")
        result.append(Waiting("approve", text, href, note, urgent))
    if len(mine) > SHOWN:
        text = ngettext(
            "%(num)d more booking to approve", "%(num)d more bookings to approve", len(mine) - SHOWN
        )
        result.append(Waiting("approve", text, url_for("bookings.to_approve", organisation=organisation)))
    return result


def _offered() -> list[tuple[booking.HandOverRecord, BookingRecord]]:
    """What other organisations offer to hand over, with the bookings."""
    ours = g.actor.customer_ids
    offers = [o for o in booking.hand_overs_of(g.actor, waiting=True) if o.to_customer_id in ours]
    booked = booking.records([o.booking_key for o in offers])
    return [(offer, booked[offer.booking_key]) for offer in offers]


def _hand_overs(
    organisation: str,
    offered: list[tuple[booking.HandOverRecord, BookingRecord]],
    rows: Mapping[HostKey, Row],
) -> list[Waiting]:
    """Bookings that another organisation offers, until somebody answers."""
    return [
        Waiting(
            "calendar",
            _("You are offered a booking: %(what)s", what=rows[o.booking_key].what),
            url_for("bookings.hand_overs", organisation=organisation, _anchor=f"offer-{o.key.id}"),
            _("answer by %(when)s", when=formatting.moment(o.expires_at, rows[o.booking_key].zone)),
            urgent=True,
        )
        for o, _record in offered
    ]


def _walk_ins(organisation: str) -> list[Waiting]:
    """Whom a host booked in at the door, where it asks whether that is one of this firm's own."""
    found = accounts.walk_ins_asked(g.actor)
    hosts = accounts.organisation_names({one.host_id for one in found})
    return [
        Waiting(
            "people",
            _("Is this one of yours: %(name)s?", name=formatting.named(one.customer)),
            url_for("bookings.walk_in", organisation=organisation, customer_id=one.customer.id),
            formatting.named(hosts[one.host_id]),
        )
        for one in found
    ]


def _offers(
    organisation: str, offered: list[booking.WaitingRecord], resources: Mapping[HostKey, ResourceRecord]
) -> list[Waiting]:
    """Times that are kept from the waiting list until somebody answers."""
    return [
        Waiting(
            "clock",
            _("A time became free: %(what)s", what=formatting.named(resources[w.resource_key])),
            url_for("waiting.index", organisation=organisation),
            _(
                "kept for you until %(when)s",
                when=formatting.moment(w.offered_until, resources[w.resource_key].zone),
            ),
            urgent=True,
        )
        for w in offered
        if w.resource_key in resources
    ]


def _orders_waiting(organisation: str, rows: list[Row]) -> list[Waiting]:
    """Samples to send, and deliveries to look at."""
    result = []
    for row in rows:
        if row.state is BookingState.DELIVERED:
            text = _("%(what)s was delivered: look at it and confirm", what=row.what)
            result.append(Waiting("check", text, _show(organisation, row), row.number))
        elif row.record.kind is BookingKind.SAMPLES:
            text = _("Send the samples for %(what)s", what=row.what)
            result.append(Waiting("sample", text, _show(organisation, row), row.number))
    return result


def _hours_waiting(organisation: str) -> list[Waiting]:
    """Sessions that ended and whose hours nobody of the customer has looked at."""
    mine = g.actor.customer_ids
    if not mine:
        return []
    found = [
        s
        for s in usage.sessions_of_customer(list(mine), limit=30)
        if s.state == "ended" and any(x.customer_id in mine and x.accepted_at is None for x in s.lines)
    ]
    hosts = accounts.organisation_names({s.key.institution_id for s in found})
    return [
        Waiting(
            "clock",
            _("Look at the hours of %(day)s", day=formatting.day(s.day, year=False)),
            url_for(
                "usage.session",
                organisation=organisation,
                host=hosts[s.key.institution_id].code,
                session_id=s.key.id,
            ),
            formatting.named(hosts[s.key.institution_id]),
        )
        for s in found[:SHOWN]
    ]


def _to_rate(organisation: str, found: list[booking.ToRate], rows: Mapping[HostKey, Row]) -> list[Waiting]:
    """What was used and is not rated, as long as it may be; for those who want to be asked."""
    result = []
    for one in found:
        row = rows[one.record.key]
        text = _("Rate the host: %(what)s", what=row.what)
        until = _("until %(when)s", when=formatting.moment(one.closes_at, row.zone, year=False))
        used = formatting.span(row.record.span, row.zone, False) if row.record.span else row.number
        result.append(Waiting("edit", text, f"{_show(organisation, row)}#ratings", f"{used} · {until}"))
    return result


def _statements_waiting(organisation: str, statements: list[StatementRecord], today: date) -> list[Waiting]:
    """Statements to pay, those that are late first, as they come."""
    hosts = accounts.organisation_names({s.key.institution_id for s in statements})
    return [
        Waiting(
            "money",
            _("Pay statement %(number)s: %(amount)s", number=s.number, amount=formatting.money(s.open)),
            url_for(
                "billing.statement",
                organisation=organisation,
                host=hosts[s.key.institution_id].code,
                statement_id=s.key.id,
            ),
            pgettext("statement", "overdue since %(day)s", day=formatting.day(s.due_on, week=False))
            if s.overdue(today)
            else _("due on %(day)s", day=formatting.day(s.due_on, week=False)),
            s.overdue(today),
        )
        for s in statements
    ]


def _lately() -> list[BookingRecord]:
    """The instruments that were booked last, each once, to book again."""
    seen: dict[HostKey, BookingRecord] = {}
    for record in booking.bookings_of(g.actor, kinds=(BookingKind.WINDOW,), mine=True, limit=20):
        seen.setdefault(record.resource_key, record)
    return list(seen.values())[:6]


def _bookable(row: Row) -> bool:
    return row.resource is not None and row.resource.bookable
