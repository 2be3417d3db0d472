"""Ratings by both sides of an order that was used: blind until both gave theirs or two weeks have passed.

What is shown to whom is judged by the clock when somebody asks; the job only tells people of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Session

from resource_hub.domain.accounts.terms import Actor, OrganisationKind, Role
from resource_hub.domain.booking import rating_store, reading, store
from resource_hub.domain.booking.errors import InvalidOrder, NoSuchBooking, NotYours, WrongState, unchanged
from resource_hub.domain.booking.preparing import announce
from resource_hub.domain.booking.rating_store import RatingRecord
from resource_hub.domain.booking.rules import ratings as rules
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import BookingRecord, BookingState, Side
from resource_hub.infra import batches, clock, database
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Lease, Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey

SHOWN_WORDS = 20
LONGEST_TEXT = 1000


def _other(side: Side) -> Side:
    return Side.HOST if side is Side.CUSTOMER else Side.CUSTOMER


def _closes_at(session: Session, record: BookingRecord) -> datetime:
    return rules.closes_at(rating_store.done_at(session, [record])[record.key])


# ---- giving ----------------------------------------------------------------------------------------------------


@retried()
def rate(
    key: HostKey,
    stars: int,
    *,
    by: Actor,
    aspects: Mapping[str, int] | None = None,
    words: str = "",
    version: int | None = None,
) -> RatingRecord:
    """Say how it was, or say it otherwise while nobody can read it yet; one rating a side.

    Raises:
        NoSuchBooking. WrongState: it was not used, or the time to rate is over, or both can be read already.
        InvalidOrder: figures out of 1 to 5, an aspect that this side does not rate, too many words. StaleBooking
    """
    with unit_of_work() as unit:
        record, side = reading.booking_for(key, by)
        store.locked(unit.session, key)  # both sides at once: one of them sees the other's
        reasons = rules.faults(side, stars, aspects or {}, words.strip())
        if reasons:
            raise InvalidOrder(*reasons)
        closes = _open_until(unit, record)
        both = rating_store.of_booking(unit.session, key)
        own = both.get(side)
        if own is not None and own.shown(unit.now):
            raise WrongState(Reason("booking.rating_shown", {}))
        unchanged(own.version if own is not None else 0, version)
        said = {
            "stars": stars, "aspects": dict(aspects or {}), "words": words.strip(), "given_by": by.person_id,
            "given_at": unit.now,
        }  # fmt: skip
        made = own.key if own is not None else HostKey(key.institution_id, new_id())
        if own is not None:
            rating_store.change(unit.session, made, said)
        else:
            rating_store.add(unit.session, made, {**_fresh(record, side, closes), **said})
        unit.audit(
            "booking.rated", key.institution_id, f"rating:{made.id}", {"side": side}, person_id=by.person_id
        )
        if own is None:
            _first_time(unit, record, side, both, by)
        return _known(unit, made)


def _open_until(unit: Unit, record: BookingRecord) -> datetime:
    if record.state is not BookingState.DONE or record.parent_id is not None:
        raise WrongState(Reason("booking.rating_too_early", {}))
    closes = _closes_at(unit.session, record)
    if unit.now >= closes:
        raise WrongState(Reason("booking.rating_closed", {"until": closes.isoformat()}))
    return closes


def _fresh(record: BookingRecord, side: Side, closes: datetime) -> dict[str, Any]:
    return {
        "booking_id": record.key.id,
        "resource_id": record.resource_id,
        "side": side.value,
        "closes_at": closes,
        "answer": "",
        "report": "",
        "hidden": False,
        "decision": "",
        "version": 1,
    }


def _first_time(
    unit: Unit, record: BookingRecord, side: Side, both: Mapping[Side, RatingRecord], by: Actor
) -> None:
    """With the second of both they are shown; of the first the other side hears that it is there, not what it says."""
    if _other(side) not in both:
        announce(unit, record.key, "booking.rating_given", by.person_id, side=side.value)
        return
    for one in rating_store.of_booking(unit.session, record.key).values():
        rating_store.change(unit.session, one.key, {"revealed_at": unit.now})
    announce(unit, record.key, "booking.ratings_shown", by.person_id)


def _known(unit: Unit, key: HostKey) -> RatingRecord:
    found = rating_store.locked(unit.session, key)
    assert found is not None
    return found


def reveal_due(limit: int = 50, lease: Lease | None = None) -> int:
    """Tell both sides of ratings whose time is over; they can be read since then. Returns how many."""

    def reveal(some: Sequence[tuple[HostKey, HostKey]]) -> int:
        with unit_of_work(lease=lease) as unit:
            for key, _booking in some:
                found = rating_store.locked(unit.session, key)
                if found is not None:
                    rating_store.change(unit.session, key, {"revealed_at": found.closes_at})
            for booking in sorted({booking for _key, booking in some}):
                announce(unit, booking, "booking.ratings_shown", None)
            return len(some)

    def due(many: int) -> list[tuple[HostKey, HostKey]]:
        rows = rating_store.due_to_reveal(database.reading(), clock.now(), many)
        return [(one.key, one.booking_key) for one in rows]

    job = "booking.reveal_ratings"
    return batches.together(job, batches.found(job, due, limit), reveal)


# ---- what follows a rating -------------------------------------------------------------------------------------


@retried()
def answer(key: HostKey, text: str, *, by: Actor) -> RatingRecord:
    """The host answers the customer's rating, once and for everybody to read.

    Raises:
        NoSuchBooking, NotYours. WrongState: there is none to be read, it was hidden, or it was answered.
        InvalidOrder: without words.
    """
    words = _text(text, "answer")
    with unit_of_work() as unit:
        record, side = reading.booking_for(key, by)
        if side is not Side.HOST:
            raise NotYours()
        found = _readable(unit, record, Side.CUSTOMER)
        if found.answered_at is not None:
            raise WrongState(Reason("booking.rating_answered", {}))
        values = {"answer": words, "answered_by": by.person_id, "answered_at": unit.now}
        rating_store.change(unit.session, found.key, values)
        _audit(unit, found, "answered", {}, by.person_id)
        announce(unit, key, "booking.rating_answered", by.person_id)
        return _known(unit, found.key)


@retried()
def report(key: HostKey, reason: str, *, by: Actor) -> RatingRecord:
    """Report what the other side said to the platform, once, with the reason.

    Raises:
        NoSuchBooking. WrongState: there is none to be read, or it was reported before. InvalidOrder: without a reason.
    """
    words = _text(reason, "report")
    with unit_of_work() as unit:
        record, side = reading.booking_for(key, by)
        found = _readable(unit, record, _other(side))
        if found.reported_at is not None:
            raise WrongState(Reason("booking.rating_reported", {}))
        values = {"report": words, "reported_by": by.person_id, "reported_at": unit.now}
        rating_store.change(unit.session, found.key, values)
        _audit(unit, found, "reported", {"reason": words}, by.person_id)
        announce(unit, key, "booking.rating_reported", by.person_id)
        return _known(unit, found.key)


def _readable(unit: Unit, record: BookingRecord, side: Side) -> RatingRecord:
    store.locked(unit.session, record.key)
    found = rating_store.of_booking(unit.session, record.key).get(side)
    if found is None or not found.shown(unit.now) or found.hidden:
        raise WrongState(Reason("booking.rating_none", {}))
    return found


def is_platform(by: Actor) -> bool:
    return by.organisation_kind is OrganisationKind.PLATFORM and by.has(Role.PLATFORM_STAFF)


@retried()
def decide(key: HostKey, *, hide: bool, reason: str, by: Actor, version: int | None = None) -> RatingRecord:
    """The platform hides a reported rating or leaves it, with the reason that both sides read; it may decide again.

    Raises:
        NoSuchBooking: nobody reported such a rating. NotYours: not the platform's people.
        InvalidOrder: without a reason. StaleBooking
    """
    if not is_platform(by):
        raise NotYours()
    words = _text(reason, "reason")
    with unit_of_work() as unit:
        found = rating_store.locked(unit.session, key)
        if found is None or found.reported_at is None:
            raise NoSuchBooking()
        unchanged(found.version, version)
        changes = {"hidden": hide, "decision": words, "decided_by": by.person_id, "decided_at": unit.now}
        rating_store.change(unit.session, key, changes)
        what = "hidden" if hide else "kept"
        _audit(unit, found, what, {"reason": words}, by.person_id)
        unit.audit(
            f"booking.rating_{what}",
            by.organisation_id,
            f"rating:{key.id}",
            {"reason": words},
            person_id=by.person_id,
        )
        announce(unit, found.booking_key, f"booking.rating_{what}", by.person_id, reason=words)
        return _known(unit, key)


def _text(text: str, place: str) -> str:
    text = text.strip()
    if not text or len(text) > LONGEST_TEXT:
        raise InvalidOrder(Reason("booking.rating_text", {"most": LONGEST_TEXT}, place))
    return text


def _audit(unit: Unit, found: RatingRecord, what: str, details: Mapping[str, Any], person_id: UUID) -> None:
    more = {**details, "booking": str(found.booking_id), "side": found.side.value}
    subject = f"rating:{found.key.id}"
    unit.audit(f"booking.rating_{what}", found.key.institution_id, subject, more, person_id=person_id)


# ---- reading ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RatingsLook:
    """Ratings of an order as one of its sides sees them; ``other`` is None as long as it is blind."""

    side: Side
    own: RatingRecord | None
    other: RatingRecord | None
    other_given: bool
    closes_at: datetime | None
    open: bool
    shown: bool


def ratings_for(key: HostKey, by: Actor) -> RatingsLook:
    """What a side may see of the ratings of an order, and whether it may give or change its own.

    Raises:
        NoSuchBooking
    """
    record, side = reading.booking_for(key, by)
    if record.state is not BookingState.DONE or record.parent_id is not None:
        return RatingsLook(side, None, None, False, None, False, False)
    session, now = database.reading(), clock.now()
    both = rating_store.of_booking(session, key)
    own, other = both.get(side), both.get(_other(side))
    known = next(iter(both.values()), None)
    closes = known.closes_at if known else _closes_at(session, record)
    is_shown = now >= closes or any(one.revealed_at is not None for one in both.values())
    return RatingsLook(
        side, own, other if is_shown else None, other is not None, closes, not is_shown, is_shown
    )


@dataclass(frozen=True, slots=True)
class ToRate:
    """An order that one side used and has not rated, and until when it may."""

    record: BookingRecord
    closes_at: datetime


def to_rate(by: Actor, side: Side, limit: int = 50) -> list[ToRate]:
    """What an actor is asked to rate, the latest first: of the customer what was used or booked by this person, of the
    host what its people look after. It ends with the rating, anybody's of this side, and with the term."""
    now, whose = clock.now(), _asked(by, side)
    if whose is None:
        return []
    session = database.reading()
    records = rating_store.unrated(session, side, whose, now - rules.OPEN_FOR, limit)
    if not records:
        return []
    ends = {key: rules.closes_at(at) for key, at in rating_store.done_at(session, records).items()}
    return [ToRate(record, ends[record.key]) for record in records if ends[record.key] > now]


def invited(unit: Unit, key: HostKey) -> tuple[BookingRecord, datetime, list[Side]] | None:
    """An order that was used, until when it may be rated, and who has not; None where nobody may."""
    record = reading.booking(key)
    if record.state is not BookingState.DONE or record.parent_id is not None:
        return None
    closes = _closes_at(unit.session, record)
    given = rating_store.of_booking(unit.session, key)
    missing = [side for side in (Side.CUSTOMER, Side.HOST) if side not in given]
    return (record, closes, missing) if missing and unit.now < closes else None


def _asked(by: Actor, side: Side) -> ColumnElement[bool] | None:
    if side is Side.CUSTOMER:
        customers = by.customer_ids | by.led_customer_ids
        mine = or_(Booking.person_id == by.person_id, Booking.booked_by == by.person_id)
        return and_(Booking.customer_id.in_(customers), mine) if customers else None
    reach = reading.reach_of(by)
    if reach == []:
        return None
    # Who acts for the customer rates as the customer.
    customers = by.customer_ids | by.led_customer_ids
    own = and_(Booking.institution_id == by.organisation_id, Booking.customer_id.not_in(customers))
    return own if reach is None else and_(own, Booking.resource_id.in_(reach))


@dataclass(frozen=True, slots=True)
class MeanRating:
    """The mean to one digit, and of how many."""

    mean: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class PublicRatings(MeanRating):
    """What everybody reads of a resource: the mean, of how many, and words without a name."""

    items: tuple[RatingRecord, ...]


def mean_ratings(resources: Collection[HostKey]) -> dict[HostKey, MeanRating]:
    """The means of resources, in one question; it is missing as long as fewer than three customers rated one."""
    sums = rating_store.sums_of(database.reading(), resources, clock.now())
    return {
        key: MeanRating(rules.mean(total, count), count)
        for key, (total, count) in sums.items()
        if count >= rules.PUBLIC_FROM
    }


def public_ratings(resource: HostKey) -> PublicRatings | None:
    """What customers said of a resource; None as long as fewer than three of them did."""
    found = mean_ratings([resource]).get(resource)
    if found is None:
        return None
    items = rating_store.with_words(database.reading(), resource, clock.now(), SHOWN_WORDS)
    return PublicRatings(found.mean, found.count, tuple(items))


def reported_ratings(
    by: Actor,
    limit: int = 200,
    *,
    decided: bool | None = None,
    after: tuple[bool, datetime, UUID] | None = None,
) -> list[RatingRecord]:
    """What was reported at every host, for the platform's people: undecided first, then the newest.

    ``after`` is whether the last row read was decided, when it was reported, and its id.
    """
    if not is_platform(by):
        return []
    return rating_store.reported(database.reading(), limit, decided=decided, after=after)


def reported_rating(key: HostKey, by: Actor) -> RatingRecord:
    """One that was reported, for the platform's people.

    Raises:
        NoSuchBooking
    """
    found = rating_store.of_key(database.reading(), key) if is_platform(by) else None
    if found is None or found.reported_at is None:
        raise NoSuchBooking()
    return found
