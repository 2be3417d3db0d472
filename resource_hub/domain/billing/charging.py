"""Charges: from sealed entries, no-shows and cancellations to append-only rows, in the unit that delivers the event.

The natural key of a charge is its source (entry, booking) and purpose, so an event that is delivered twice meets its
own row and changes nothing. A correction takes the earlier charge back by a row of its own and charges anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.billing import ports, store
from resource_hub.domain.billing.rules import MONEY_FORMAT, money_bytes, money_digest, use_of_entry
from resource_hub.domain.billing.tables import Charge, MoneyEntry
from resource_hub.domain.billing.terms import ChargeFacts, ChargeKind, ChargeRecord, MoneyEntryKind
from resource_hub.domain.booking import service as bookings
from resource_hub.domain.booking.terms import QuoteRecord
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.pricing.errors import InvalidTariff, NoRate, NoTariff, NothingToPrice, PriceOnRequest
from resource_hub.domain.pricing.terms import Occasion, Price, UseFacts
from resource_hub.domain.usage import service as usage
from resource_hub.infra.ids import derived_id
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import local_day, zone

# What the price function may refuse with; the use then goes to the office's list of problems (never charged zero).
_UNPRICED = (NoTariff, NoRate, NothingToPrice, PriceOnRequest, InvalidTariff)


def on_usage_sealed(unit: Unit, event: Event) -> None:
    """Charge a sealed usage entry; for a correction, take the earlier charge back first."""
    institution_id = UUID(event.payload["institution_id"])
    entry = usage.entry(HostKey(institution_id, UUID(event.payload["entry_id"])))
    if entry.said.get("source") == "bulk":
        return  # history of other systems was charged there
    if entry.corrects_id is not None:
        _take_back(unit, institution_id, entry.corrects_id, entry)
    _charge_entry(unit, institution_id, entry)


def _charge_entry(unit: Unit, institution_id: UUID, entry: Any) -> None:
    source_key = f"entry:{entry.key.id}"
    if store.charge_of_source(unit.session, institution_id, source_key) is not None:
        return
    booking = bookings.booking(HostKey(institution_id, entry.booking_id)) if entry.booking_id else None
    quote = _quote(institution_id, booking)
    # What the quote priced besides its time: chosen surcharges and counted items.
    quoted = dict(quote.use) if quote is not None else {}
    use = use_of_entry(
        entry.said,
        reserved=booking.span if booking else None,
        extras=frozenset(quoted.get("extras", ())),
        items=quoted.get("items"),
    )
    kind = ChargeKind.NO_SHOW if use.occasion is Occasion.NO_SHOW else ChargeKind.USE
    if kind is ChargeKind.NO_SHOW and booking is not None:
        use = replace(use, missed=bookings.missed_before(booking))
    customer_class = CustomerClass(entry.customer_class)
    try:
        found = _price(unit, entry, booking, quote, customer_class, use)
    except _UNPRICED as reason:
        _write(
            unit,
            ChargeFacts(
                key=_charge_key(institution_id, entry.ends_at or entry.sealed_at, source_key),
                kind=ChargeKind.PROBLEM,
                entry_id=entry.key.id,
                line_id=entry.line_id,
                booking_id=entry.booking_id,
                resource_id=entry.resource_id,
                customer_id=entry.customer_id,
                customer_class=entry.customer_class,
                day=entry.day,
                gross=Money.zero("CNY"),
            ),
            source_key,
            use=use.as_json(),
            lines=[r.as_json() for r in reason.reasons],
            tariff_id=None,
        )
        return
    facts = ChargeFacts(
        key=_charge_key(institution_id, entry.ends_at or entry.sealed_at, source_key),
        kind=kind,
        entry_id=entry.key.id,
        line_id=entry.line_id,
        booking_id=entry.booking_id,
        resource_id=entry.resource_id,
        customer_id=entry.customer_id,
        customer_class=entry.customer_class,
        day=entry.day,
        gross=found.total,
        purpose=entry.purpose,
        grade=entry.grade,
        mode=str(use.mode or ""),
        samples=use.samples,
    )
    _write(unit, facts, source_key, use=use.as_json(), lines=found.lines_json(), tariff_id=found.tariff_id)
    if booking is not None:
        _charge_helpers(unit, entry, booking, use, kind)


def _charge_helpers(unit: Unit, entry: Any, booking: Any, use: UseFacts, kind: ChargeKind) -> None:
    """Charge what was booked together with the instrument for as long as this was used."""
    institution_id = entry.key.institution_id
    for helper in bookings.helpers_of(booking.key):
        source_key = f"entry:{entry.key.id}:with:{helper.record.key.id}"
        if (
            helper.quote is None
            or store.charge_of_source(unit.session, institution_id, source_key) is not None
        ):
            continue
        with_it = replace(
            use, mode=helper.record.mode, reserved=helper.record.span, samples=0, items={}, extras=frozenset()
        )
        try:
            found = pricing.price(
                helper.resource.key,
                entry.day,
                CustomerClass(entry.customer_class),
                with_it,
                helper.record.tariff_id,
            )
        except _UNPRICED:
            continue
        facts = ChargeFacts(
            key=_charge_key(institution_id, entry.ends_at or entry.sealed_at, source_key),
            kind=kind,
            entry_id=entry.key.id,
            line_id=entry.line_id,
            booking_id=helper.record.key.id,
            resource_id=helper.resource.key.id,
            customer_id=entry.customer_id,
            customer_class=entry.customer_class,
            day=entry.day,
            gross=found.total,
            purpose=entry.purpose,
            grade=entry.grade,
            mode=str(with_it.mode or ""),
        )
        _write(
            unit,
            facts,
            source_key,
            use=with_it.as_json(),
            lines=found.lines_json(),
            tariff_id=found.tariff_id,
        )


def _quote(institution_id: UUID, booking: Any) -> QuoteRecord | None:
    if booking is None or booking.quote_id is None:
        return None
    return bookings.quote_of(HostKey(institution_id, booking.quote_id))


def _price(
    unit: Unit,
    entry: Any,
    booking: Any,
    quote: QuoteRecord | None,
    customer_class: CustomerClass,
    use: UseFacts,
) -> Price:
    """The price that was agreed for the order, where the host named one by hand; else the quote's tariff holds, and
    without a quote the one in force on the day of use."""
    agreed = bookings.agreed_of(unit, quote) if quote is not None else None
    if agreed is not None:
        standing = store.standing_uses(unit.session, booking.key)
        paid = any(gross > 0 for gross in standing)
        if use.occasion is not Occasion.USE and standing and not paid:
            # Nobody came to the session that bore the price, but another one was used: a person decides.
            raise PriceOnRequest()
        return pricing.agreed_price(agreed, customer_class, use, paid=paid)
    resource = HostKey(entry.key.institution_id, entry.resource_id)
    return pricing.price(resource, entry.day, customer_class, use, booking.tariff_id if booking else None)


def _take_back(unit: Unit, institution_id: UUID, entry_id: UUID, correction: Any) -> None:
    """Reverse every charge of an entry that stands, once. The reversal belongs to the correction's day."""
    for row in store.charges_of_entry(unit.session, institution_id, entry_id):
        if row.kind == ChargeKind.CORRECTION or row.source_key.endswith(":reversed"):
            continue
        source_key = f"{row.source_key}:reversed"
        if store.charge_of_source(unit.session, institution_id, source_key) is not None:
            continue
        facts = ChargeFacts(
            key=_charge_key(institution_id, correction.sealed_at, source_key),
            kind=ChargeKind.CORRECTION,
            entry_id=correction.key.id,
            line_id=correction.line_id,
            booking_id=row.booking_id,
            resource_id=row.resource_id,
            customer_id=row.customer_id,
            customer_class=row.customer_class,
            day=correction.day,
            gross=Money(-row.gross_minor, row.currency),
            reverses=HostKey(institution_id, row.id),
        )
        _write(
            unit,
            facts,
            source_key,
            use=row.use,
            lines=[_negative(line) for line in row.lines],
            tariff_id=row.tariff_id,
        )


def _negative(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "amount_minor": -line["amount_minor"]} if "amount_minor" in line else dict(line)


def on_cancellation_fee_due(unit: Unit, event: Event) -> None:
    """Charge the fee that was shown before the click: the slot has begun and nobody else took it."""
    institution_id = UUID(event.payload["institution_id"])
    if event.payload.get("given_back"):
        _charge_given_back(unit, HostKey(institution_id, UUID(event.payload["given_back"])))
        return
    booking = bookings.booking(HostKey(institution_id, UUID(event.payload["booking_id"])))
    if booking.cancel_fee.is_zero or booking.cancelled_at is None:
        return
    source_key = f"booking:{booking.key.id}:cancellation"
    if store.charge_of_source(unit.session, institution_id, source_key) is not None:
        return
    host = accounts.organisation(institution_id)
    facts = ChargeFacts(
        key=_charge_key(institution_id, booking.cancelled_at, source_key),
        kind=ChargeKind.CANCELLATION,
        entry_id=None,
        line_id=None,
        booking_id=booking.key.id,
        resource_id=booking.resource_id,
        customer_id=booking.customer_id,
        customer_class=str(booking.customer_class),
        day=local_day(booking.starts_at or booking.cancelled_at, zone(host.zone)),
        gross=booking.cancel_fee,
    )
    line = {
        "code": "pricing.line.cancellation",
        "values": {},
        "exact": f"{booking.cancel_fee.minor}/1",
        "amount_minor": booking.cancel_fee.minor,
    }
    _write(unit, facts, source_key, use={}, lines=[line], tariff_id=booking.tariff_id)


def _charge_given_back(unit: Unit, key: HostKey) -> None:
    """Charge what was given back late to who gave it back."""
    part = bookings.given_back(key)
    source_key = f"given_back:{key.id}"
    if part is None or part.fee.is_zero:
        return
    if store.charge_of_source(unit.session, key.institution_id, source_key) is not None:
        return
    host_zone = zone(accounts.organisation(key.institution_id).zone)
    facts = ChargeFacts(
        key=_charge_key(key.institution_id, part.given_at, source_key),
        kind=ChargeKind.CANCELLATION,
        entry_id=None,
        line_id=None,
        booking_id=part.booking_id,
        resource_id=part.resource_id,
        customer_id=part.customer_id,
        customer_class=str(part.customer_class),
        day=local_day(part.span.start, host_zone),
        gross=part.fee,
    )
    line = {
        "code": "pricing.line.given_back",
        "values": {"seconds": part.span.seconds},
        "exact": f"{part.fee.minor}/1",
        "amount_minor": part.fee.minor,
    }
    _write(unit, facts, source_key, use={}, lines=[line], tariff_id=part.tariff_id)


def price_by_hand(unit: Unit, problem: Charge, amount: Money, note: str, person_id: UUID) -> ChargeRecord:
    """The office's price for a use that no tariff could price."""
    source_key = f"{problem.source_key}:manual"
    facts = ChargeFacts(
        key=_charge_key(problem.institution_id, problem.created_at, source_key),
        kind=ChargeKind.MANUAL,
        entry_id=problem.entry_id,
        line_id=None,
        booking_id=problem.booking_id,
        resource_id=problem.resource_id,
        customer_id=problem.customer_id,
        customer_class=problem.customer_class,
        day=problem.day,
        gross=amount,
    )
    line = {
        "code": "pricing.line.manual",
        "values": {"note": note, "person_id": str(person_id)},
        "exact": f"{amount.minor}/1",
        "amount_minor": amount.minor,
    }
    _write(unit, facts, source_key, use=problem.use, lines=[line], tariff_id=None)
    row = store.charge_of_source(unit.session, problem.institution_id, source_key)
    assert row is not None
    return store.charge_record(row)


def _charge_key(institution_id: UUID, moment: datetime, source_key: str) -> HostKey:
    return HostKey(institution_id, derived_id(moment, "charge", institution_id, source_key))


def _write(
    unit: Unit,
    facts: ChargeFacts,
    source_key: str,
    *,
    use: Any,
    lines: list[dict[str, Any]],
    tariff_id: UUID | None,
) -> None:
    """One charge, what support takes off it at once, its money entry, and the event for those above."""
    problem = facts.kind is ChargeKind.PROBLEM
    # A programme's deduction is written with the charge, so that the customer never sees a bill without it.
    deducted = Money.zero(facts.gross.currency) if problem else ports.deduct(unit, facts)
    amount = facts.gross - deducted
    unit.session.add(
        Charge(
            institution_id=facts.key.institution_id,
            id=facts.key.id,
            kind=facts.kind.value,
            source_key=source_key,
            entry_id=facts.entry_id,
            booking_id=facts.booking_id,
            resource_id=facts.resource_id,
            customer_id=facts.customer_id,
            customer_class=facts.customer_class,
            day=facts.day,
            tariff_id=tariff_id,
            use=use,
            lines=lines,
            gross_minor=facts.gross.minor,
            deducted_minor=deducted.minor,
            amount_minor=amount.minor,
            currency=facts.gross.currency,
            created_at=unit.now,
        )
    )
    unit.session.flush()
    if problem:
        unit.publish("billing.problem", f"{facts.key.institution_id}:{facts.key.id}", _ids(facts))
        return
    enter_money(
        unit,
        institution_id=facts.key.institution_id,
        kind=MoneyEntryKind.CHARGE,
        source_key=f"charge:{source_key}",
        customer_id=facts.customer_id,
        charge_id=facts.key.id,
        day=facts.day,
        amount=amount,
    )
    unit.publish("billing.charged", f"{facts.key.institution_id}:{facts.customer_id}", _ids(facts))


def _ids(facts: ChargeFacts) -> dict[str, Any]:
    return {
        "institution_id": str(facts.key.institution_id),
        "charge_id": str(facts.key.id),
        "customer_id": str(facts.customer_id),
        "line_id": str(facts.line_id) if facts.line_id else None,
        "reverses": str(facts.reverses.id) if facts.reverses else None,
    }


def enter_money(
    unit: Unit,
    *,
    institution_id: UUID,
    kind: MoneyEntryKind,
    source_key: str,
    customer_id: UUID,
    day: Any,
    amount: Money,
    charge_id: UUID | None = None,
    statement_id: UUID | None = None,
    reference: str = "",
    person_id: UUID | None = None,
) -> UUID:
    """Append a money entry and queue it for the sealer of the host's money chain."""
    host = accounts.organisation(institution_id)
    body = money_bytes(
        host_code=host.code,
        kind=kind.value,
        source_key=source_key,
        customer_id=customer_id,
        charge_id=charge_id,
        statement_id=statement_id,
        day=day,
        amount=amount,
        reference=reference,
    )
    entry_id = derived_id(unit.now, "money", institution_id, source_key)
    entry_digest = money_digest(body)
    unit.session.add(
        MoneyEntry(
            institution_id=institution_id,
            id=entry_id,
            kind=kind.value,
            source_key=source_key,
            customer_id=customer_id,
            charge_id=charge_id,
            statement_id=statement_id,
            day=day,
            amount_minor=amount.minor,
            currency=amount.currency,
            reference=reference,
            entered_by=person_id,
            format=MONEY_FORMAT,
            body=body,
            digest=entry_digest,
            created_at=unit.now,
        )
    )
    unit.session.flush()
    usage.queue_for_sealer(
        unit, institution_id, "money", entry_id, entry_digest, local_day(unit.now, zone(host.zone))
    )
    return entry_id
