"""An order with everything that its judgement needs, and its row: what every way of booking begins and ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import DebtBlock, HouseDocument
from resource_hub.domain.booking import counting, history_store, ports, quoting, strike_store
from resource_hub.domain.booking.errors import InvalidOrder, NotYours
from resource_hub.domain.booking.quoting import Buyer
from resource_hub.domain.booking.rules import overriding
from resource_hub.domain.booking.rules.answering import Clock, answer_term, by_the_clock, working_clock
from resource_hub.domain.booking.rules.check import check
from resource_hub.domain.booking.terms import (
    Asked,
    BookingFacts,
    BookingKind,
    BookingState,
    QuoteRecord,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey, id_text
from resource_hub.kernel.time import TimeSpan, zone

STAFF = (Role.MANAGER, Role.DEPUTY, Role.OPERATOR, Role.OFFICE, Role.INSTITUTION_ADMIN)
DECIDES = (Role.MANAGER, Role.DEPUTY, Role.OFFICE, Role.INSTITUTION_ADMIN)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# What an order may span at most, whatever the house allows; each of its days is judged.
_LONGEST_WINDOW, _LONGEST = timedelta(days=366), timedelta(days=3_660)
# Hours that depend on others are looked at as far as other times are offered.
_AROUND = 15 * 86_400


@dataclass(frozen=True, slots=True)
class Prepared:
    """An order with everything that its judgement needs."""

    asked: Asked
    resource: ResourceRecord
    who: Buyer
    plan: availability.Plan | None
    facts: BookingFacts
    by_host: bool
    person_id: UUID


def is_staff(by: Actor, resource: ResourceRecord, roles: Sequence[Role] = STAFF) -> bool:
    """Whether an actor works for the host of this resource, in reach of it."""
    return (
        by.organisation_id == resource.key.institution_id
        and by.has(*roles)
        and by.reaches(resource.department_id)
    )


def prepare(
    key: HostKey,
    asked: Asked,
    *,
    by: Actor | None,
    now: datetime,
    ignore: UUID | None = None,
    plan: availability.Plan | None = None,
    customer_known: bool = False,
    unlisted: bool = False,
    along: bool = False,
    as_host: bool | None = None,
) -> Prepared:
    """Gather the facts of an order. For a visitor (``by`` None) as far as they can be known.

    ``unlisted``: whoever asks may not be able to see the resource by itself. ``along``: it comes along with an order.
    ``as_host``: whether it is judged as the host's own word, where the customer does not say so.

    Raises:
        NotFound: the resource is not for this reader.
        InvalidOrder: no customer, or not the actor's; or the person for whom it is does not act for the customer; or
            the time is longer than anything that can be booked.
    """
    resource = catalogue.resource(key)
    if not unlisted:
        catalogue.visible(resource, by)
    longest = _LONGEST_WINDOW if asked.kind is BookingKind.WINDOW else _LONGEST
    if asked.span is not None and asked.span.end - asked.span.start > longest:
        raise InvalidOrder(Reason("availability.span_too_long", {"days": longest.days}, "time"))
    by_host = by is not None and asked.customer_id is not None and asked.customer_id not in by.customer_ids
    if by_host and by is not None and not customer_known and not is_staff(by, resource):
        raise InvalidOrder(Reason("booking.customer_not_yours", {}, "customer"))
    for_host = by_host if as_host is None else as_host
    customer_id = asked.customer_id if by_host else quoting.may_buy_for(by, asked.customer_id)
    if by is not None and customer_id is None:
        raise InvalidOrder(Reason("booking.no_customer", {}, "customer"))
    person_id = asked.person_id or (by.person_id if by is not None else None)
    if not customer_known and asked.person_id is not None and (by is None or asked.person_id != by.person_id):
        if customer_id is None or asked.person_id not in accounts.people_of_customer(customer_id):
            raise InvalidOrder(Reason("booking.person_not_theirs", {}, "person"))
    on = quoting.day_of(resource, asked.span, now)
    who = quoting.buyer(resource, customer_id, on)
    closed: tuple[Reason, ...] = ()
    own: tuple[Any, ...] = ()
    taken: tuple[TimeSpan, ...] = ()
    if asked.span is not None and asked.kind is BookingKind.WINDOW:
        plan = plan or availability.plan(key, asked.span)
        closed = tuple(availability.reasons_against(plan, asked.unit_id, asked.span, outside=who.outside))
        # What comes along with an order is judged by the order's rules, and the host's own word by none of these.
        if customer_id is not None and person_id is not None and not along and not for_host:
            own = counting.own_times(resource, customer_id, person_id, asked.span, plan.rules, ignore, now)
        if any(row.after for row in plan.rules.times):
            around = asked.span.widened(_AROUND, _AROUND)
            taken = availability.booked_near(key, around, asked.unit_id, now, ignore)
    elif plan is None:
        plan = availability.plan(key, TimeSpan(now, now + timedelta(seconds=1)))
    installed = ports.installed()
    qualified = (
        installed.training.qualified(person_id, key, plan.rules.training, on)
        if plan.rules.training and person_id is not None
        else None
    )
    # Whom the host books in itself is its own decision.
    bars = (
        strike_store.reasons_against(person_id, key, plan.rules, now)
        if person_id is not None and not by_host
        else ()
    )
    facts = BookingFacts(
        kind=asked.kind,
        mode=asked.mode,
        zone=resource.zone,
        span=asked.span,
        outside=who.outside,
        by_host=for_host,
        person_id=person_id,
        customer_id=customer_id,
        own=own,
        closed=closed,
        standing=(*_standing(plan.rules, key, customer_id, on), *bars),
        qualified=qualified,
        booked_by=by.person_id if by is not None else None,
        earliest_day=_earliest_day(key, plan.rules, now),
        taken=taken,
        samples=asked.samples,
        purpose=asked.purpose,
        description=asked.description,
        answers=asked.answers,
        hazards=asked.hazards,
        hazard_note=asked.hazard_note,
        modes=resource.modes if asked.kind is not BookingKind.ACCESS else (),
        bookable=resource.bookable
        if asked.kind is not BookingKind.ACCESS
        else resource.takes_access_requests,
        open_to_outside=resource.open_to_outside,
    )
    if asked.customer_id != customer_id:
        asked = replace(asked, customer_id=customer_id)
    return Prepared(asked, resource, who, plan, facts, by_host, person_id or UUID(int=0))


def _standing(rules: HouseDocument, key: HostKey, customer_id: UUID | None, on: date) -> tuple[Reason, ...]:
    if customer_id is None or rules.debt is DebtBlock.NEVER:
        return ()
    creditor = key.institution_id if rules.debt is DebtBlock.HERE else None
    return tuple(ports.installed().standing.reasons_against(customer_id, on, creditor))


def _earliest_day(key: HostKey, rules: HouseDocument, now: datetime) -> date | None:
    if not rules.lead_days:
        return None
    return availability.earliest_day(accounts.organisation(key.institution_id), rules.lead_days, now)


def clock_of(institution_id: UUID, rules: HouseDocument) -> Clock:
    """How hours to answer run at a host: all of them, or those of its working days."""
    if not rules.answer_working:
        return by_the_clock
    host = accounts.organisation(institution_id)
    return working_clock(zone(host.zone), lambda day: availability.is_working_day(host.jurisdiction, day))


def judge(prepared: Prepared, now: datetime) -> tuple[Reason, ...]:
    """Every rule that fails."""
    assert prepared.plan is not None
    return check(prepared.facts, prepared.plan.rules, now)


def set_aside(prepared: Prepared, reasons: Sequence[Reason], by: Actor) -> tuple[Reason, ...]:
    """The rules that the order sets aside, of those that fail; only who decides may do so, for a customer.

    Raises:
        NotYours: somebody else wants to. InvalidOrder: the reason is too long.
    """
    why = prepared.asked.override.strip()
    if not why or not reasons:
        return ()
    if not prepared.by_host or not is_staff(by, prepared.resource, DECIDES):
        raise NotYours(Reason("booking.override_not_yours", {}))
    if len(why) > overriding.LONGEST:
        raise InvalidOrder(Reason("form.too_long", {"limit": overriding.LONGEST}, "override"))
    left = overriding.left_over(reasons)
    return tuple(reason for reason in reasons if reason not in left)


def record_for_customer(
    unit: Unit, key: HostKey, prepared: Prepared, waived: Sequence[Reason], by: Actor
) -> None:
    """Who booked for whom, and which rules were set aside and why."""
    rules = [reason.as_json() for reason in waived]
    details = {"customer": str(prepared.asked.customer_id), "rules": [reason.code for reason in waived]}
    if waived:
        details["reason"] = prepared.asked.override.strip()
        record_event(unit, key, by.person_id, "overridden", {"reason": details["reason"], "rules": rules})
    unit.audit("booking.booked_for", key.institution_id, f"booking:{key.id}", details, person_id=by.person_id)


def row_values(
    unit: Unit,
    key: HostKey,
    prepared: Prepared,
    state: BookingState,
    unit_id: UUID | None,
    quoted: QuoteRecord | None,
    by: Actor,
) -> dict[str, Any]:
    asked, plan = prepared.asked, prepared.plan
    assert plan is not None
    answer_by = None
    if state is BookingState.REQUESTED:
        answer_by = answer_term(plan.rules, asked.span, unit.now, clock_of(key.institution_id, plan.rules))
    return {
        "institution_id": key.institution_id,
        "id": key.id,
        "number": number_of(key.id, unit.now.astimezone(zone(plan.zone)).year),
        "kind": asked.kind.value,
        "mode": asked.mode.value if asked.mode and asked.kind is not BookingKind.ACCESS else "",
        "state": state.value,
        "resource_id": prepared.resource.key.id,
        "unit_id": unit_id,
        "customer_id": asked.customer_id,
        "customer_class": prepared.who.customer_class.value,
        "person_id": prepared.person_id,
        "booked_by": by.person_id,
        "starts_at": asked.span.start if asked.span else None,
        "ends_at": asked.span.end if asked.span else None,
        "setup_seconds": plan.rules.setup_seconds if asked.span else 0,
        "teardown_seconds": plan.rules.teardown_seconds if asked.span else 0,
        "purpose": asked.purpose,
        "project": asked.project,
        "description": asked.description,
        "samples": asked.samples,
        "items": dict(asked.items),
        "extras": sorted(asked.extras),
        "hazard": {"kinds": sorted(asked.hazards), "note": asked.hazard_note} if asked.hazards else {},
        "answers": dict(asked.answers),
        "quote_id": quoted.key.id if quoted and quoted.key else None,
        "tariff_id": quoted.tariff_id if quoted else None,
        "rules_number": plan.rules_number,
        "ical_uid": f"{key.id}@bookings.resource-hub",
        "ical_sequence": 0,
        "hold_expires_at": None,
        "answer_by": answer_by,
        "decided_at": None if state is BookingState.REQUESTED else unit.now,
        "currency": quoted.currency if quoted else prepared.resource.currency,
        "version": 1,
        "created_at": unit.now,
        "changed_at": unit.now,
    }


def number_of(made_id: UUID, year: int, letter: str = "B") -> str:
    """The number that people read out: ``B26-7KQ2-M9XA``, from the random part of the id. No letter is mistaken for
    a figure; nobody queues for a counter."""
    value = made_id.int & ((1 << 40) - 1)
    letters = "".join(_ALPHABET[(value >> shift) & 31] for shift in range(35, -1, -5))
    return f"{letter}{year % 100:02d}-{letters[:4]}-{letters[4:]}"


def record_event(
    unit: Unit, key: HostKey, person_id: UUID | None, kind: str, details: Mapping[str, Any]
) -> None:
    history_store.add_event(unit.session, key, unit.now, person_id, kind, details)


def announce(unit: Unit, key: HostKey, name: str, person_id: UUID | None, **more: Any) -> None:
    """Publish what happened to a booking; notices and the rooms above follow by the outbox."""
    host, booking = id_text(key.institution_id), str(key.id)
    payload = {
        "institution_id": host,
        "booking_id": booking,
        "person_id": id_text(person_id) if person_id else None,
        **more,
    }
    unit.publish(name, f"{host}:{booking}", payload)


def announce_series(unit: Unit, key: HostKey, name: str, person_id: UUID | None, **values: Any) -> None:
    """One message for all that happened to a series."""
    payload = {
        "institution_id": str(key.institution_id),
        "series_id": str(key.id),
        "person_id": str(person_id) if person_id else None,
        **values,
    }
    unit.publish(name, f"{key.institution_id}:{key.id}", payload)
