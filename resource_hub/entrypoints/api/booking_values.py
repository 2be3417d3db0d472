"""Orders between the API and the domain: a wish as sent, an order and its price as answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.recurrence import Recurrence
from resource_hub.domain.booking.terms import (
    Asked,
    BookingKind,
    BookingRecord,
    BookingState,
    FileRecord,
    MessageRecord,
    QuoteRecord,
    ThreeSums,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.entrypoints.api.common import span_of
from resource_hub.entrypoints.api.writing import tagged
from resource_hub.entrypoints.support import money_text
from resource_hub.infra import clock
from resource_hub.kernel.errors import Invalid, Reason
from resource_hub.kernel.money import Money, MoneyError
from resource_hub.kernel.time import TimeSpan


def asked_in(data: dict[str, Any], resource: ResourceRecord) -> Asked:
    """A wish with its time, as sent.

    Raises:
        Invalid: half a time, or an end that is not after the start.
    """
    kind, wish = BookingKind(data["kind"]), wish_in(data, resource)
    if kind is BookingKind.WINDOW:
        return replace(wish, span=_span_in(data))
    mode = Mode.SEND_IN if kind is BookingKind.SAMPLES else None
    return replace(wish, kind=kind, mode=mode, unit_id=None)


def wish_in(data: dict[str, Any], resource: ResourceRecord) -> Asked:
    """A wish for machine time, its time left open."""
    return Asked(
        mode=Mode(data["mode"]) if data["mode"] else next(iter(resource.modes), Mode.SELF_USE),
        unit_id=data["unit_id"],
        customer_id=data["customer_id"],
        person_id=data["person_id"],
        purpose=data["purpose"],
        project=data["project"].strip(),
        description=data["description"].strip(),
        samples=data["samples"],
        items=data["items"],
        extras=frozenset(data["extras"]),
        answers=data["answers"],
        hazards=frozenset(data["hazards"]),
        hazard_note=data["hazard_note"].strip(),
        helpers=frozenset(data["helpers"]),
        given_id=data["given_quote_id"],
    )


def _span_in(data: dict[str, Any]) -> TimeSpan:
    missing = [name for name in ("start", "end") if data[name] is None]
    if missing:
        raise Invalid(*(Reason("booking.time_missing", {}, name) for name in missing))
    return span_of(data["start"], data["end"])


def sums_out(sums: ThreeSums) -> dict[str, Any]:
    own, *more = [
        {name: getattr(one, name) for name in ("list_price", "to_pay", "back", "net", "currency")}
        for one in sums.each
    ]
    return {**own, "more": more}


def price_out(quote: QuoteRecord | None) -> dict[str, Any] | None:
    if quote is None:
        return None
    return {
        **sums_out(quote.sums),
        "lines": money_text.price_lines(quote.lines, quote.currency),
        "support": [
            {
                "programme": line.programme_code,
                "kind": line.kind,
                "amount": line.amount,
                "reserved": line.reserved,
                "by_when": line.by_when,
            }
            for line in quote.support
        ],
        "customer_class": quote.customer_class.value,
        "valid_until": quote.valid_until,
    }


def booking_out(
    record: BookingRecord, state: BookingState, host: str, resource: ResourceRecord, sums: ThreeSums | None
) -> dict[str, Any]:
    """An order; ``state`` is the one by the clock."""
    row = {
        name: getattr(record, name)
        for name in (
            "number", "resource_id", "unit_id", "customer_id", "person_id", "booked_by", "setup_seconds",
            "teardown_seconds", "purpose", "project", "description", "samples", "items", "extras", "answers",
            "quote_id", "rules_number", "series_id", "hold_expires_at", "answer_by", "decided_at", "decision_note",
            "cancelled_at", "cancel_reason", "cancel_fee", "version", "created_at", "changed_at",
        )
    }  # fmt: skip
    return row | {
        "id": record.key.id,
        "host": host,
        "kind": record.kind.value,
        "mode": record.mode.value if record.mode else None,
        "state": state.value,
        "resource_code": resource.code,
        "start": record.starts_at,
        "end": record.ends_at,
        "hazards": list(record.hazard.get("kinds", ())),
        "hazard_note": record.hazard.get("note", ""),
        "sums": sums_out(sums) if sums else None,
        "calendar_uid": record.ical_uid,
        "calendar_sequence": record.ical_sequence,
    }


def message_out(message: MessageRecord) -> dict[str, Any]:
    return {"id": message.id, "at": message.at, "from_host": message.from_host, "text": message.text}


def file_out(file: FileRecord) -> dict[str, Any]:
    return {
        "id": file.id,
        "kind": file.kind.value,
        "name": file.name,
        "size": file.size,
        "media_type": file.media_type,
        "sha256": file.sha256.hex(),
    }


def more_out(fees: Sequence[Money]) -> list[dict[str, str]]:
    """The fees after the first, which is in the order's own currency."""
    return [{"amount": f"{fee.amount:f}", "currency": fee.currency} for fee in fees[1:] if not fee.is_zero]


def fees_out(fees: Sequence[Money]) -> dict[str, Any]:
    """The fees of a preview, that in the order's own currency first."""
    return {"fee": fees[0], "currency": fees[0].currency, "more": more_out(fees)}


def fees_in(data: dict[str, Any], currency: str) -> list[Money] | None:
    """The fees that were seen before a cancellation; None where nobody says.

    Raises:
        Invalid: what is no amount of its currency.
    """
    if data["expected_fee"] is None:
        return None
    found = [Money(data["expected_fee"].minor, currency)]
    for n, one in enumerate(data["expected_more"]):
        try:
            found.append(Money.of(one["amount"].strip(), one["currency"]))
        except MoneyError:
            raise Invalid(Reason("form.not_an_amount", {}, f"expected_more/{n}/amount")) from None
    return found


def rows_out(records: Sequence[BookingRecord]) -> list[dict[str, Any]]:
    """Orders with what stands around them, a handful of queries for all."""
    now = clock.now()
    hosts = accounts.organisation_names({r.institution_id for r in records})
    resources = catalogue.resources({r.resource_key for r in records})
    sums = service.sums_of(records)
    return [
        booking_out(
            r,
            service.judged_by_clock(r, now),
            hosts[r.institution_id].code,
            resources[r.resource_key],
            sums.get(r.key),
        )
        for r in records
    ]


def answer_out(record: BookingRecord, status: int = 200) -> Any:
    return rows_out([record])[0], status, tagged(record.version)


def rule_in(row: dict[str, Any]) -> Recurrence:
    until = row["until"].isoformat() if row["until"] else None
    return Recurrence.from_json({**row, "until": until})
