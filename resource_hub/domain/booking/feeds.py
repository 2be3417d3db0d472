"""Calendar addresses behind secrets: made, shown once, looked up by digest, revoked."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.booking import store
from resource_hub.domain.booking.errors import NoSuchBooking
from resource_hub.domain.booking.ordering import is_staff
from resource_hub.domain.booking.tables import Feed
from resource_hub.domain.booking.terms import BookingRecord
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey

# What ended longer ago is of no use in a calendar program.
KEPT_DAYS = 60


@dataclass(frozen=True, slots=True)
class FeedRecord:
    id: UUID
    kind: str
    prefix: str
    person_id: UUID
    created_at: datetime
    organisation_id: UUID | None = None
    resource_key: HostKey | None = None


@dataclass(frozen=True, slots=True)
class FeedContents:
    """What stands behind an address: bookings, and for whom names may be shown."""

    feed: FeedRecord
    bookings: tuple[BookingRecord, ...]
    shows_customers: bool


def _record(row: Feed) -> FeedRecord:
    key = HostKey(row.institution_id, row.resource_id) if row.institution_id and row.resource_id else None
    return FeedRecord(row.id, row.kind, row.prefix, row.person_id, row.created_at, row.organisation_id, key)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def make_feed(by: Actor, resource: HostKey | None = None) -> tuple[FeedRecord, str]:
    """A new address of one's own bookings, or of a resource; the secret is returned once and kept nowhere.

    Raises:
        NotFound: the resource is not for this reader.
    """
    if resource is not None:
        catalogue.visible(catalogue.resource(resource), by)
    secret = secrets.token_urlsafe(24)
    with unit_of_work() as unit:
        row = Feed(
            id=new_id(),
            secret_digest=_digest(secret),
            prefix=secret[:6],
            kind="own" if resource is None else "resource",
            person_id=by.person_id,
            organisation_id=by.organisation_id,
            institution_id=resource.institution_id if resource else None,
            resource_id=resource.id if resource else None,
            created_at=unit.now,
        )
        unit.session.add(row)
        unit.session.flush()
        unit.audit(
            "booking.feed", by.organisation_id, f"feed:{row.id}", {"kind": row.kind}, person_id=by.person_id
        )
        return _record(row), secret


def feeds_of(person_id: UUID) -> list[FeedRecord]:
    """Addresses of a person that hold."""
    return [_record(row) for row in store.feeds_of(reading(), person_id)]


def revoke_feed(feed_id: UUID, *, by: Actor) -> None:
    """Close an address of one's own; who still asks for it gets nothing. Closing twice is no error."""
    with unit_of_work() as unit:
        unit.session.execute(
            update(Feed)
            .where(Feed.id == feed_id, Feed.person_id == by.person_id, Feed.revoked_at.is_(None))
            .values(revoked_at=unit.now)
        )
        unit.audit("booking.feed_revoked", by.organisation_id, f"feed:{feed_id}", {}, person_id=by.person_id)


def contents(secret: str) -> FeedContents:
    """What an address shows now. Rights are asked anew each time: who left a firm sees its bookings no more.

    Raises:
        NoSuchBooking: no such address, or revoked.
    """
    row = store.feed_by_digest(reading(), _digest(secret))
    if row is None:
        raise NoSuchBooking()
    feed = _record(row)
    since = clock.now() - timedelta(days=KEPT_DAYS)
    if feed.resource_key is None:
        return FeedContents(
            feed,
            tuple(store.feed_bookings(reading(), since, person_id=feed.person_id)),
            shows_customers=False,
        )
    resource = catalogue.resource(feed.resource_key)
    shows = False
    if feed.organisation_id is not None:
        actors = [s for s in accounts.seats(feed.person_id) if s.organisation.id == feed.organisation_id]
        shows = bool(actors) and is_staff(accounts.actor(feed.person_id, feed.organisation_id), resource)
    bookings = store.feed_bookings(reading(), since, resource=feed.resource_key)
    if not shows:
        # Strangers see taken time only: what was cancelled or refused is nobody's business, and frees the slot.
        own = set()
        if feed.organisation_id is not None and any(
            s.organisation.id == feed.organisation_id for s in accounts.seats(feed.person_id)
        ):
            own = set(accounts.actor(feed.person_id, feed.organisation_id).customer_ids)
        bookings = [
            b
            for b in bookings
            if b.customer_id in own
            or b.state.value in ("requested", "approved", "in_use", "done", "cancelled")
        ]
    return FeedContents(feed, tuple(bookings), shows)


def owns(record: BookingRecord, feed: FeedRecord) -> bool:
    """Whether the reader of a feed may see what a booking is about."""
    return record.person_id == feed.person_id
