"""Giving time back late, by moving or shortening an order: it costs what cancelling that part late does.

Late is inside the notice of the tariff before the order's start, as for a cancellation, so that nobody pays less by
shortening first and cancelling then. The fee waits for the moment at which the time begins (``late_fees``). Of time
that the order itself takes back nothing is owed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.booking import cancelling, given_back_store, quoting, reading
from resource_hub.domain.booking.rules.giving_back import pieces, stretch
from resource_hub.domain.booking.terms import BookingRecord, GivenBackRecord
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import database
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan, subtract

FEE_ROSE = "booking.change_fee_rose"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch that an order, or what is booked along with it, gives back late, and its fee."""

    of: BookingRecord
    span: TimeSpan
    fee: Money


def parts(record: BookingRecord, before: TimeSpan | None, after: TimeSpan, now: datetime) -> tuple[Part, ...]:
    """What another time would give back for a fee of the time that binds (``cancelling.committed``); nothing where it
    costs nothing."""
    given = list(pieces(before, after)) if before is not None else []
    if before is None or not given:
        return ()
    orders = cancelling.with_tariff(record)
    found = catalogue.resources([one.resource_key for one in orders])
    earlier = cancelling.earlier_of(record, orders)
    result = []
    for one in orders:
        for piece in given:
            fee = quoting.cancellation_fee(
                found[one.resource_key], reading.asked_of(one, piece.out_of), one.customer_class, one.tariff_id, now,
                given=piece.span, whole=stretch(before, earlier[one.key]), kept=piece.kept,
            )  # fmt: skip
            if not fee.is_zero:
                result.append(Part(one, piece.span, fee))
    return tuple(result)


def sums(record: BookingRecord, given: Iterable[Part]) -> tuple[Money, ...]:
    """The fees together, a sum for each currency: that of the order first, even where it is zero."""
    return Money.by_currency((Money.zero(record.cancel_fee.currency), *(one.fee for one in given)))


def note(unit: Unit, record: BookingRecord, given: Sequence[Part]) -> None:
    """Keep what was given back late until it is decided."""
    given_back_store.add(
        unit.session,
        (
            {
                **_values(one.of, record.key),
                "id": new_id(),
                "unit_id": one.of.unit_id,
                "starts_at": one.span.start,
                "ends_at": one.span.end,
                "fee_minor": one.fee.minor,
                "currency": one.fee.currency,
                "given_at": unit.now,
                "decides_at": one.span.start,
            }
            for one in given
        ),
    )
    if given:
        unit.session.flush()


def _values(of: BookingRecord, order: HostKey) -> dict[str, object]:
    return {
        "institution_id": order.institution_id,
        "order_id": order.id,
        "booking_id": of.key.id,
        "resource_id": of.resource_id,
        "customer_id": of.customer_id,
        "customer_class": of.customer_class.value,
        "tariff_id": of.tariff_id,
    }


def taken_back(unit: Unit, order: HostKey, span: TimeSpan) -> None:
    """Of what was given back late an order takes some again: only the rest is still owed, in proportion."""
    for one in given_back_store.of_order(unit.session, order):
        if one.decides_at is None or not one.span.overlaps(span):
            continue
        rest = subtract([one.span], [span])
        if not rest:
            given_back_store.change(unit.session, one.key, {"fee_minor": 0, "decides_at": None})
            continue
        gone = one.span.seconds - sum(left.seconds for left in rest)
        fees = one.fee.split([*(left.seconds for left in rest), gone])
        for n, (left, fee) in enumerate(zip(rest, fees, strict=False)):
            values = {
                "starts_at": left.start, "ends_at": left.end, "fee_minor": fee.minor, "decides_at": left.start,
            }  # fmt: skip
            if n == 0:
                given_back_store.change(unit.session, one.key, values)
            else:
                given_back_store.add(unit.session, [{**_copied(one), **values, "id": new_id()}])


def _copied(one: GivenBackRecord) -> dict[str, object]:
    names = ("order_id", "booking_id", "resource_id", "unit_id", "customer_id", "tariff_id", "given_at")
    return {
        **{name: getattr(one, name) for name in names},
        "institution_id": one.key.institution_id,
        "customer_class": one.customer_class.value,
        "currency": one.fee.currency,
    }


def given_back(key: HostKey) -> GivenBackRecord | None:
    """One stretch that was given back late, for those above booking."""
    return given_back_store.one(database.reading(), key)


def given_back_of(record: BookingRecord, by: Actor) -> list[GivenBackRecord]:
    """What was given back late of an order and cost something, for its host and for the customer who did it."""
    at_host = by.organisation_id == record.institution_id
    theirs = by.customer_ids | by.led_customer_ids
    return [
        one
        for one in given_back_store.of_order(database.reading(), record.key)
        if not one.fee.is_zero and (at_host or one.customer_id in theirs)
    ]
