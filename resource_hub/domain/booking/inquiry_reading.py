"""Questions about inquiries: one, lists of them, and who may see which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.booking import inquiry_store, reading
from resource_hub.domain.booking.errors import NoSuchInquiry
from resource_hub.domain.booking.inquiry_words import GivenQuote, Inquiry, InquiryState
from resource_hub.domain.booking.preparing import STAFF, is_staff
from resource_hub.domain.booking.tables import Inquiry as InquiryRow
from resource_hub.domain.booking.terms import FileRecord, Side
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import database
from resource_hub.kernel.keys import HostKey


def side_of(found: Inquiry, by: Actor) -> Side | None:
    """On which side of an inquiry an actor stands; None for strangers."""
    if is_staff(by, catalogue.resource(found.resource_key)):
        return Side.HOST
    mine = found.customer_id in by.customer_ids or found.customer_id in by.led_customer_ids
    return Side.CUSTOMER if mine else None


def inquiry_for(key: HostKey, by: Actor) -> tuple[Inquiry, Side]:
    """An inquiry for one of its two parties.

    Raises:
        NoSuchInquiry: there is none, or the reader is a stranger.
    """
    found = inquiry_store.inquiry(database.reading(), key)
    side = side_of(found, by) if found is not None else None
    if found is None or side is None:
        raise NoSuchInquiry()
    return found, side


def given_versions(key: HostKey) -> list[GivenQuote]:
    """Every version of the host's answer, the newest first."""
    return inquiry_store.versions(database.reading(), key)


def files_of_inquiry(key: HostKey) -> list[FileRecord]:
    return inquiry_store.files(database.reading(), key)


def order_of_inquiry(found: Inquiry) -> HostKey | None:
    """The order that was made at the accepted price."""
    if found.state is not InquiryState.ACCEPTED or found.quote is None:
        return None
    made = inquiry_store.booked_under(database.reading(), found.quote.key)
    return HostKey(found.key.institution_id, made) if made else None


def former_of_inquiry(found: Inquiry) -> Inquiry | None:
    """The inquiry that this one asks again."""
    session = database.reading()
    former = inquiry_store.former_of(session, found.key)
    return inquiry_store.inquiry(session, HostKey(found.key.institution_id, former)) if former else None


def formers_of_inquiries(found: Sequence[Inquiry]) -> dict[HostKey, UUID]:
    """Ids of the former ones of several inquiries, where they ask again."""
    return inquiry_store.formers_of(database.reading(), [one.key for one in found]) if found else {}


def inquiry_asked_again(found: Inquiry) -> Inquiry | None:
    """The inquiry that asks this one again."""
    session = database.reading()
    later = inquiry_store.asked_again(session, found.key)
    return inquiry_store.inquiry(session, HostKey(found.key.institution_id, later)) if later else None


def inquiries_of(by: Actor, limit: int = 200, after: Sequence[Any] | None = None) -> list[Inquiry]:
    """What the customers of an actor asked, at every host, the newest first."""
    customers = by.customer_ids | by.led_customer_ids
    if not customers:
        return []
    return inquiry_store.listed(
        database.reading(), InquiryRow.customer_id.in_(customers), limit=limit, after=after
    )


def inquiries_at(
    by: Actor,
    states: Sequence[InquiryState] = (),
    limit: int = 200,
    after: Sequence[Any] | None = None,
    *,
    newest: bool = True,
) -> list[Inquiry]:
    """What was asked at a host, as far as the actor's roles reach, the newest or the oldest first."""
    where = _at_host(by)
    if where is None:
        return []
    if states:
        where.append(InquiryRow.state.in_([state.value for state in states]))
    return inquiry_store.listed(database.reading(), *where, limit=limit, after=after, newest=newest)


def inquiries_waiting(by: Actor) -> int:
    """How many inquiries wait for a price that this actor may name."""
    where = _waiting(by)
    return 0 if where is None else inquiry_store.count(database.reading(), *where)


def requests_waiting(by: Actor) -> int:
    """Orders and inquiries that wait for this actor, in one statement: every page of its house asks."""
    parts = [
        statement.scalar_subquery() for statement in (reading.waiting_orders(by),) if statement is not None
    ]
    where = _waiting(by)
    if where is not None:
        parts.append(select(func.count()).select_from(InquiryRow).where(*where).scalar_subquery())
    return sum(database.reading().execute(select(*parts)).one()) if parts else 0


def _waiting(by: Actor) -> list[Any] | None:
    where = _at_host(by) if by.has(*pricing.WRITES) else None
    return (
        None
        if where is None
        else [*where, InquiryRow.person_id != by.person_id, InquiryRow.state == InquiryState.ASKED.value]
    )


def _at_host(by: Actor) -> list[Any] | None:
    if not by.has(*STAFF):
        return None
    where: list[Any] = [InquiryRow.institution_id == by.organisation_id]
    if by.department_ids is not None:
        ids = [record.key.id for record in catalogue.resources_managed_by(by)]
        where.append(InquiryRow.resource_id.in_(ids))
    return where


def may_price(found: Inquiry, by: Actor) -> bool:
    """Whether an actor may name the price: who writes tariffs of this resource, and did not ask itself."""
    return by.person_id != found.person_id and pricing.may_write(by, catalogue.resource(found.resource_key))
