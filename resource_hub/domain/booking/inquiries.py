"""Quotes that a host gives by hand: asked for, given, renewed, accepted or declined, refused, taken back.

Nothing here runs by the clock: a quote expires when somebody asks after its last day in the host's zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.booking import inquiry_store, quoting
from resource_hub.domain.booking.errors import (
    InvalidOrder,
    NoSuchInquiry,
    NotYours,
    StaleBooking,
    WrongState,
    unchanged,
)
from resource_hub.domain.booking.inquiry_reading import side_of
from resource_hub.domain.booking.inquiry_words import (
    GivenQuote,
    GivenState,
    Inquiry,
    InquiryState,
    QuoteLine,
    Wish,
)
from resource_hub.domain.booking.preparing import number_of
from resource_hub.domain.booking.rules import given_quotes as rules
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import local_day, zone

LONGEST = 4000
LONGEST_REASON = 1000


# With those of the former inquiry where one is asked again.
MOST_DOCUMENTS = 10

# ---- the customer's side ---------------------------------------------------------------------------------------


def by_inquiry(resource: ResourceRecord) -> bool:
    """Whether a price is asked for here: no tariff is in force, or it says so."""
    found = pricing.tariff_in_force(resource.key, local_day(clock.now(), zone(resource.zone)))
    return found is None or pricing.parsed(found).ask


@retried()
def ask(
    key: HostKey,
    wish: Wish,
    *,
    by: Actor,
    files: Sequence[tuple[UUID, UUID]] = (),
    former: HostKey | None = None,
) -> Inquiry:
    """Ask what something would cost.

    Args:
        files: organisation and id of stored documents that say more.
        former: the inquiry that is asked again, because its price is over; its documents come along.

    Raises:
        NotFound: the resource is not for this reader. NoSuchInquiry: no such former one, or not of this resource.
        WrongState: the price of the former one is not over, or it was asked again already.
        InvalidOrder: the price stands in the tariff, nobody is named who asks, something is missing, or there are too
            many documents.
    """
    resource = catalogue.visible(catalogue.resource(key), by)
    customer_id = quoting.may_buy_for(by, wish.customer_id)
    today = local_day(clock.now(), zone(resource.zone))
    reasons = _reasons_against(resource, wish, customer_id, today)
    if reasons:
        raise InvalidOrder(*reasons)
    with unit_of_work() as unit:
        made = HostKey(key.institution_id, new_id())
        inquiry_store.add(
            unit.session, made, _row(made, replace(wish, customer_id=customer_id), key, by, unit.now, today)
        )
        if former is not None:
            files = [*_of_former(unit, former, key, customer_id, by, today), *files]
            inquiry_store.add_again(unit.session, made, former)
        if len(files) > MOST_DOCUMENTS:
            raise InvalidOrder(Reason("booking.too_many_files", {"most": MOST_DOCUMENTS}, "documents"))
        for organisation_id, file_id in files:
            inquiry_store.add_file(unit.session, made, organisation_id, file_id)
        details = {"former": str(former.id)} if former is not None else {}
        _happened(unit, made, "asked", details, by.person_id)
        return _known(unit, made)


def _reasons_against(
    resource: ResourceRecord, wish: Wish, customer_id: UUID | None, today: date
) -> list[Reason]:
    reasons = rules.faults_of_wish(wish)
    if customer_id is None:
        reasons.append(Reason("booking.no_customer", {}, "customer"))
    if not by_inquiry(resource):
        reasons.append(Reason("booking.inquiry_not_needed", {}))
    if (
        customer_id is not None
        and not resource.open_to_outside
        and quoting.buyer(resource, customer_id, today).outside
    ):
        reasons.append(Reason("booking.not_open_to_outside", {}))
    return reasons


def _of_former(
    unit: Unit, former: HostKey, resource: HostKey, customer_id: UUID | None, by: Actor, today: date
) -> list[tuple[UUID, UUID]]:
    """The documents of a former inquiry, which is locked, so that of several who ask it again one does."""
    found = inquiry_store.locked(unit.session, former)
    if found is None or found.resource_key != resource or found.customer_id not in by.customer_ids:
        raise NoSuchInquiry()
    if found.customer_id != customer_id:
        raise InvalidOrder(Reason("booking.again_for_other", {}, "customer"))
    if (
        not found.may_be_asked_again(today)
        or found.state is InquiryState.ACCEPTED
        and found.quote is not None
        and inquiry_store.booked_under(unit.session, found.quote.key) is not None
    ):
        raise WrongState(Reason("booking.again_not_over", {"number": found.number}))
    _not_followed(unit, found)
    return [(one.file_organisation_id, one.file_id) for one in inquiry_store.files(unit.session, former)]


def _not_followed(unit: Unit, found: Inquiry) -> None:
    if inquiry_store.asked_again(unit.session, found.key) is not None:
        raise WrongState(Reason("booking.asked_again", {"number": found.number}))


def _row(
    key: HostKey, wish: Wish, resource: HostKey, by: Actor, now: datetime, today: date
) -> Mapping[str, Any]:
    return {
        "number": number_of(key.id, today.year, "Q"),
        "resource_id": resource.id,
        "customer_id": wish.customer_id,
        "person_id": by.person_id,
        "kind": wish.kind.value,
        "mode": wish.mode.value if wish.mode else "",
        "length_seconds": wish.length_seconds,
        "samples": wish.samples,
        "wanted_from": wish.wanted_from,
        "wanted_until": wish.wanted_until,
        "description": wish.description.strip()[:LONGEST],
        "state": InquiryState.ASKED.value,
        "reason": "",
        "version": 1,
        "created_at": now,
        "changed_at": now,
    }


@retried()
def accept(key: HostKey, number: int, *, by: Actor, version: int | None = None) -> Inquiry:
    """Take the host's price: ``number`` is the version that was read. From then on an order can be made at it.

    Raises:
        NoSuchInquiry, NotYours: it is not the customer's people who ask, or who named the price would accept it.
        WrongState: its last day is over, or it was decided or taken back. StaleBooking: there is a newer version.
    """
    return _decide(key, number, GivenState.ACCEPTED, "", by, version)


@retried()
def decline(key: HostKey, number: int, *, by: Actor, reason: str = "", version: int | None = None) -> Inquiry:
    """Say no to the host's price; the host may name another one. Raises what ``accept`` does."""
    return _decide(key, number, GivenState.DECLINED, reason, by, version)


def _decide(
    key: HostKey, number: int, state: GivenState, reason: str, by: Actor, version: int | None
) -> Inquiry:
    with unit_of_work() as unit:
        found = _opened(unit, key, by, version)
        if found.customer_id not in by.customer_ids:
            raise NotYours()
        quote = _in_state(unit, found, rules.MAY_DECIDE)
        if quote is None or quote.number != number:
            raise StaleBooking(Reason("booking.given_newer", {}))
        if quote.given_by == by.person_id:
            raise NotYours(Reason("booking.given_second_person", {}))
        values = {
            "state": state.value, "decided_by": by.person_id, "decided_at": unit.now, "reason": _text(reason),
        }  # fmt: skip
        inquiry_store.change_given(unit.session, quote.key, values)
        _change(unit, found, InquiryState(state.value))
        _happened(unit, key, state.value, _details(quote), by.person_id)
        return _known(unit, key)


@retried()
def take_back(key: HostKey, *, by: Actor, reason: str = "", version: int | None = None) -> Inquiry:
    """The customer needs no price any more.

    Raises:
        NoSuchInquiry, NotYours, WrongState, StaleBooking
    """
    with unit_of_work() as unit:
        found = _opened(unit, key, by, version)
        if found.customer_id not in by.customer_ids:
            raise NotYours()
        _in_state(unit, found, rules.MAY_TAKE_BACK)
        _let_lapse(unit, found, GivenState.WITHDRAWN, by, "")
        _change(unit, found, InquiryState.WITHDRAWN, _text(reason))
        _happened(unit, key, "withdrawn", {}, by.person_id)
        return _known(unit, key)


# ---- the host's side -------------------------------------------------------------------------------------------


@retried()
def give(
    key: HostKey,
    lines: Sequence[QuoteLine],
    valid_until: date,
    *,
    by: Actor,
    note: str = "",
    version: int | None = None,
) -> Inquiry:
    """Name a price, or another one: each is a version of its own, and the one before stays as it was.

    Raises:
        NoSuchInquiry, NotYours: prices are not this actor's to name, or it asked itself.
        InvalidOrder: an amount that is not positive or of another currency, no text, a day that is past or too far.
        WrongState: it was accepted, refused or taken back. StaleBooking
    """
    with unit_of_work() as unit:
        found = _opened(unit, key, by, version)
        resource = _priced_by(found, by)
        _in_state(unit, found, rules.MAY_GIVE)
        _not_followed(unit, found)
        today = local_day(unit.now, zone(resource.zone))
        reasons = rules.faults_of_quote(lines, resource.currency, valid_until, today)
        if reasons:
            raise InvalidOrder(*reasons)
        _let_lapse(unit, found, GivenState.REPLACED, by, "")
        total = Money.sum((line.amount for line in lines), resource.currency)
        values = {
            "inquiry_id": key.id,
            "number": found.quote.number + 1 if found.quote else 1,
            "state": GivenState.GIVEN.value,
            "lines": [replace(line, text=line.text.strip()).as_json() for line in lines],
            "total_minor": total.minor,
            "currency": total.currency,
            "valid_until": valid_until,
            "note": note.strip()[:LONGEST],
            "given_by": by.person_id,
            "given_at": unit.now,
            "reason": "",
        }
        inquiry_store.add_given(unit.session, HostKey(key.institution_id, new_id()), values)
        _change(unit, found, InquiryState.GIVEN)
        made = _known(unit, key)
        assert made.quote is not None
        _happened(unit, key, "given", _details(made.quote), by.person_id)
        return made


@retried()
def withdraw(key: HostKey, number: int, *, by: Actor, reason: str, version: int | None = None) -> Inquiry:
    """Take a price back before it is accepted, with the reason that the customer reads; the inquiry waits again.

    Raises:
        NoSuchInquiry, NotYours, InvalidOrder: without a reason. WrongState, StaleBooking
    """
    with unit_of_work() as unit:
        found = _opened(unit, key, by, version)
        _priced_by(found, by)
        quote = _in_state(unit, found, rules.MAY_DECIDE)
        if quote is None or quote.number != number:
            raise StaleBooking(Reason("booking.given_newer", {}))
        text = _text(reason, needed=True)
        _let_lapse(unit, found, GivenState.WITHDRAWN, by, text)
        _change(unit, found, InquiryState.ASKED)
        _happened(unit, key, "taken_back", _details(quote), by.person_id)
        return _known(unit, key)


@retried()
def refuse(key: HostKey, *, by: Actor, reason: str, version: int | None = None) -> Inquiry:
    """Say that there will be no price, with the reason that the customer reads.

    Raises:
        NoSuchInquiry, NotYours, InvalidOrder: without a reason. WrongState, StaleBooking
    """
    with unit_of_work() as unit:
        found = _opened(unit, key, by, version)
        _priced_by(found, by)
        _in_state(unit, found, rules.MAY_REFUSE)
        _change(unit, found, InquiryState.REFUSED, _text(reason, needed=True))
        _happened(unit, key, "refused", {}, by.person_id)
        return _known(unit, key)


def _priced_by(found: Inquiry, by: Actor) -> ResourceRecord:
    resource = catalogue.resource(found.resource_key)
    if not pricing.may_write(by, resource):
        raise NotYours()
    if by.person_id == found.person_id:
        raise NotYours(Reason("booking.given_second_person", {}))
    return resource


# ---- what both share -------------------------------------------------------------------------------------------


def _opened(unit: Unit, key: HostKey, by: Actor, version: int | None) -> Inquiry:
    found = inquiry_store.locked(unit.session, key)
    if found is None or side_of(found, by) is None:
        raise NoSuchInquiry()
    unchanged(found.version, version)
    return found


def _in_state(unit: Unit, found: Inquiry, states: frozenset[InquiryState]) -> GivenQuote | None:
    resource = catalogue.resource(found.resource_key)
    state = found.state_on(local_day(unit.now, zone(resource.zone)))
    if state not in states:
        raise WrongState(
            Reason("booking.inquiry_state", {"state": {"word": ["booking.inquiry", state.value]}})
        )
    return found.quote


def _let_lapse(unit: Unit, found: Inquiry, state: GivenState, by: Actor, reason: str) -> None:
    """What becomes of a version that nobody decided on; what was declined stays declined."""
    if found.quote is not None and found.quote.state is GivenState.GIVEN:
        values = {"state": state.value, "reason": reason, "decided_at": unit.now, "decided_by": by.person_id}
        inquiry_store.change_given(unit.session, found.quote.key, values)


def _change(unit: Unit, found: Inquiry, state: InquiryState, reason: str = "") -> None:
    values = {"state": state.value, "reason": reason, "changed_at": unit.now}
    inquiry_store.change(unit.session, found.key, values)


def _text(text: str, *, needed: bool = False) -> str:
    text = text.strip()
    if (needed and not text) or len(text) > LONGEST_REASON:
        raise InvalidOrder(Reason("booking.inquiry_reason", {"most": LONGEST_REASON}, "reason"))
    return text


def _details(quote: GivenQuote) -> dict[str, Any]:
    return {
        "version": quote.number,
        "total": quote.total.as_json(),
        "valid_until": quote.valid_until.isoformat(),
    }


def _happened(
    unit: Unit, key: HostKey, what: str, details: Mapping[str, Any], person_id: UUID | None
) -> None:
    unit.audit(
        f"booking.inquiry_{what}", key.institution_id, f"inquiry:{key.id}", details, person_id=person_id
    )
    payload = {
        "institution_id": str(key.institution_id),
        "inquiry_id": str(key.id),
        "person_id": str(person_id) if person_id else None,
    }
    unit.publish(f"booking.inquiry_{what}", f"{key.institution_id}:{key.id}", payload)


def _known(unit: Unit, key: HostKey) -> Inquiry:
    found = inquiry_store.inquiry(unit.session, key)
    assert found is not None
    return found
