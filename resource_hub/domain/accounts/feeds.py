"""Secret addresses of calendar feeds: made for a person, shown once, revocable, known here only by their digest.

What a feed may show follows the person's roles of the moment: a feed of a firm that one has left answers no more.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from resource_hub.domain.accounts.errors import UnknownRequest
from resource_hub.domain.accounts.lookups import actor, department
from resource_hub.domain.accounts.tables import FeedSecret, Person
from resource_hub.domain.accounts.terms import PLATFORM_ID, PersonState, Role
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import NotFound, Reason, Refused

LONGEST_SECRET = 64
MOST_FEEDS = 50
LABORATORY_ROLES = (Role.MANAGER, Role.DEPUTY, Role.OPERATOR)


class FeedKind(StrEnum):
    """Whose calendar: a resource's or unit's (only that it is taken), a person's, a customer's, a laboratory's."""

    RESOURCE = "resource"
    UNIT = "unit"
    PERSON = "person"
    CUSTOMER = "customer"
    LABORATORY = "laboratory"


class TooManyFeeds(Refused):
    code = "accounts.too_many_feeds"


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """``organisation_id`` is the host of a resource or laboratory, or the customer's organisation.

    ``subject_id``: resource, unit, customer or laboratory; a laboratory feed without one covers all that the person
    looks after there.
    """

    id: UUID
    kind: FeedKind
    person_id: UUID
    organisation_id: UUID | None
    subject_id: UUID | None
    prefix: str
    created_at: datetime


def _digest(secret: str) -> bytes:
    return hashlib.sha256(b"resource-hub feed\n" + secret.encode()).digest()


def _record(row: FeedSecret) -> FeedRecord:
    assert row.person_id is not None
    return FeedRecord(
        row.id,
        FeedKind(row.kind),
        row.person_id,
        row.organisation_id,
        row.subject_id,
        row.prefix,
        row.created_at,
    )


def _may(kind: FeedKind, person_id: UUID, organisation_id: UUID | None, subject_id: UUID | None) -> bool:
    """Whether this person may have such a feed now. Resources are judged by who knows them: the catalogue's caller."""
    if kind in (FeedKind.PERSON, FeedKind.RESOURCE, FeedKind.UNIT):
        return True
    if organisation_id is None:
        return False
    try:
        by = actor(person_id, organisation_id)
    except NotFound:
        return False
    if kind is FeedKind.CUSTOMER:
        return subject_id in by.customer_ids
    return by.has(*LABORATORY_ROLES) and (subject_id is None or by.reaches(subject_id))


def _audited_under(kind: FeedKind, organisation_id: UUID | None) -> UUID:
    """A host need not know who watches its public calendars; only members' feeds stand in its own rows."""
    if organisation_id is None or kind in (FeedKind.PERSON, FeedKind.RESOURCE, FeedKind.UNIT):
        return PLATFORM_ID
    return organisation_id


def create_feed(
    person_id: UUID, kind: FeedKind, *, organisation_id: UUID | None = None, subject_id: UUID | None = None
) -> tuple[FeedRecord, str]:
    """A feed and its secret, which is returned once and stands nowhere afterwards.

    Raises:
        UnknownRequest: the person has no part in that customer or laboratory. NotFound: the laboratory is another
            host's. TooManyFeeds: revoke some first.
    """
    if not _may(kind, person_id, organisation_id, subject_id):
        raise UnknownRequest()
    if kind is FeedKind.LABORATORY and organisation_id is not None and subject_id is not None:
        department(organisation_id, subject_id)
    secret = secrets.token_urlsafe(32)
    with unit_of_work() as unit:
        kept = unit.session.scalar(
            select(func.count())
            .select_from(FeedSecret)
            .where(FeedSecret.person_id == person_id, FeedSecret.revoked_at.is_(None))
        )
        if (kept or 0) >= MOST_FEEDS:
            raise TooManyFeeds(Reason("accounts.too_many_feeds", {"max": MOST_FEEDS}))
        row = FeedSecret(
            id=new_id(),
            secret_hash=_digest(secret),
            prefix=secret[:6],
            kind=kind.value,
            person_id=person_id,
            organisation_id=organisation_id,
            subject_id=subject_id,
            created_at=clock.machine_now(),
        )
        unit.session.add(row)
        unit.audit(
            "feed.created",
            _audited_under(kind, organisation_id),
            f"feed:{row.id}",
            {"kind": kind.value, "subject": str(subject_id) if subject_id else None},
            person_id=person_id,
        )
        return _record(row), secret


def feeds_of(person_id: UUID) -> list[FeedRecord]:
    """A person's feeds that still answer, the newest first."""
    rows = reading().scalars(
        select(FeedSecret)
        .where(FeedSecret.person_id == person_id, FeedSecret.revoked_at.is_(None))
        .order_by(FeedSecret.created_at.desc(), FeedSecret.id)
    )
    return [_record(row) for row in rows]


def feed_of(person_id: UUID, feed_id: UUID) -> FeedRecord:
    """One's own feed, also one that was revoked.

    Raises:
        UnknownRequest: not this person's feed.
    """
    row = reading().get(FeedSecret, feed_id)
    if row is None or row.person_id != person_id:
        raise UnknownRequest()
    return _record(row)


def revoke_feed(person_id: UUID, feed_id: UUID) -> None:
    """Make one's own feed address useless; doing it twice is fine.

    Raises:
        UnknownRequest: not this person's feed.
    """
    with unit_of_work() as unit:
        row = unit.session.get(FeedSecret, feed_id)
        if row is None or row.person_id != person_id:
            raise UnknownRequest()
        if row.revoked_at is None:
            row.revoked_at = clock.machine_now()
            home = _audited_under(FeedKind(row.kind), row.organisation_id)
            unit.audit("feed.revoked", home, f"feed:{row.id}", person_id=person_id)


def feed_behind(kind: str, secret: str) -> FeedRecord | None:
    """The feed of a secret address; None when it is unknown, revoked, or its person may not see it any more."""
    if not 20 <= len(secret) <= LONGEST_SECRET:
        return None
    row = (
        reading()
        .execute(
            select(FeedSecret, Person.state)
            .join(Person, Person.id == FeedSecret.person_id)
            .where(
                FeedSecret.secret_hash == _digest(secret),
                FeedSecret.kind == kind,
                FeedSecret.revoked_at.is_(None),
            )
        )
        .one_or_none()
    )
    if row is None or row[1] != PersonState.ACTIVE.value:
        return None
    found = _record(row[0])
    return found if _may(found.kind, found.person_id, found.organisation_id, found.subject_id) else None
