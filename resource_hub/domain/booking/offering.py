"""Offering what is free to those who wait for it, first come first: in the unit that frees it, and by the job.

However many times a wish leaves open, a unit looks at so many at most; the job goes on from there, in the wish too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking import linking, store, waiting_store
from resource_hub.domain.booking.errors import BookingRefused, InvalidOrder, SlotTaken
from resource_hub.domain.booking.ordering import hold_in
from resource_hub.domain.booking.preparing import judge, prepare
from resource_hub.domain.booking.rules.check import AHEAD, check
from resource_hub.domain.booking.rules.refused import refused_around
from resource_hub.domain.booking.rules.waiting import least_room, offered_until
from resource_hub.domain.booking.terms import Asked, WaitingKind, WaitingState
from resource_hub.domain.booking.waiting_store import WaitingRecord
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra import batches
from resource_hub.infra.database import reading as reads
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.errors import NotFound, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, midnight, zone

# Behind one lock so many of a line are asked, and so many times are held against the house rules; for the others the
# job comes round.
_PAGE = 100
_MOST_TRIED = 3_000
# What suits by the rules but cannot be had after all is tried so often for one person.
_TRIES = 5
# So many places of a line are asked at once by the job.
_TURN = 10


@dataclass(frozen=True, slots=True)
class Rest:
    """Where to go on in a line: after a place, and in a wish at a moment, where its times were too many at once."""

    place: waiting_store.Place | None
    wish: UUID | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """How far the job has come: a line, and what is left of it; None where all of it is done."""

    key: HostKey
    rest: Rest | None


@dataclass(slots=True)
class _Patience:
    """How many times may still be held against the house rules; ``since`` is where to go on in a wish."""

    left: int = _MOST_TRIED
    since: datetime | None = None


def wish_of(one: WaitingRecord, span: TimeSpan) -> Asked:
    """What somebody waits for as an order for a certain time."""
    wish: Mapping[str, Any] = one.wish
    return Asked(
        mode=Mode(wish["mode"]) if wish["mode"] else None,
        span=span,
        unit_id=one.unit_id,
        customer_id=one.customer_id,
        person_id=one.person_id,
        purpose=wish["purpose"],
        project=wish["project"],
        description=wish["description"],
        samples=wish["samples"],
        items=wish.get("items", {}),
        extras=frozenset(wish.get("extras", ())),
        answers=wish["answers"],
        hazards=frozenset(wish["hazards"]),
        hazard_note=wish["hazard_note"],
        helpers=frozenset(UUID(helper) for helper in wish["helpers"]),
        given_id=UUID(wish["given"]) if wish.get("given") else None,
    )


def put(unit: Unit, one: WaitingRecord, state: WaitingState, **values: Any) -> None:
    """Give a place in line another state."""
    waiting_store.change(unit.session, one.key, {"state": state.value, "changed_at": unit.now, **values})


def offer_in(
    unit: Unit,
    key: HostKey,
    span: TimeSpan | None = None,
    *,
    rest: Rest | None = None,
    limit: int = _PAGE,
) -> Rest | None:
    """Keep what is free of a resource for those who wait for it, first come first: with a span for those who could use
    some of it. The resource is locked, so two who free time at once make no two offers of it.

    Returns where to go on; None at the end of the line.
    """
    if span is not None:
        # What was around a booking is free with it.
        rules, _number = availability.house_rules(key)
        around = rules.setup_seconds + rules.teardown_seconds
        span = span.widened(around, around)
    place = rest.place if rest is not None else None
    line = waiting_store.line(unit.session, key, WaitingKind.QUEUE, limit, span=span, after=place)
    patience = _Patience()
    for one in line:
        patience.since = rest.since if rest is not None and rest.wish == one.key.id else None
        # One wish that cannot be offered to stops neither the others nor whoever freed the time.
        batches.apart(unit, "booking.offer", one.key, partial(_offer_to, unit, key, one, patience))
        if not patience.left:
            return Rest(place, one.key.id, patience.since) if patience.since else Rest(one.place)
        place = one.place
    return Rest(place) if len(line) == limit else None


def _offer_to(unit: Unit, key: HostKey, one: WaitingRecord, patience: _Patience) -> None:
    rules, _number = availability.house_rules(key)
    if one.latest - unit.now < least_room(one.length_seconds, rules):
        put(unit, one, WaitingState.OVER)
        return
    try:
        by = accounts.actor(one.person_id, accounts.customer(one.customer_id).organisation_id)
    except NotFound:
        put(unit, one, WaitingState.LEFT)
        return
    if rules.counts_elsewhere:
        # One after another of the line would otherwise be waited for, and somebody there for one of those before: who
        # is booking just now is come round to.
        who = (one.customer_id, one.person_id)
        if not store.count_alone(unit.session, key.institution_id, who, wait=False):
            return
    for span in islice(_candidates(unit, key, one, by, rules, patience), _TRIES):
        until = offered_until(unit.now, span.start, rules)
        asked = wish_of(one, span)
        try:
            if _left(one, judge(prepare(key, asked, by=by, now=unit.now), unit.now)):
                continue
            held = hold_in(unit, key, asked, by, until=until, granted=one.granted is not None)
        except (BookingRefused, SlotTaken, InvalidOrder, NotFound):
            continue
        put(unit, one, WaitingState.OFFERED, booking_id=held.key.id, offered_until=until)
        publish(unit, "booking.offered", one)
        return


def _candidates(
    unit: Unit, key: HostKey, one: WaitingRecord, by: Actor, rules: HouseDocument, patience: _Patience
) -> Iterator[TimeSpan]:
    """Free times of a wish that suit the house rules, the earliest first. What else is to be known of the order is
    gathered once for all of them, so each is judged once more before it is kept."""
    length = timedelta(seconds=one.length_seconds)
    start = max(one.earliest, unit.now, patience.since or unit.now)
    patience.since = None
    asked = wish_of(one, TimeSpan(start, start + length))
    try:
        prepared = prepare(key, asked, by=by, now=unit.now)
    except (InvalidOrder, NotFound):
        return
    facts = replace(prepared.facts, closed=())
    if any(reason.place != "time" for reason in check(facts, rules, unit.now)):
        return
    if one.granted is None:
        start = max(start, unit.now + timedelta(minutes=rules.lead_for(one.wish["mode"] or "all")))
    if one.granted is None and facts.earliest_day is not None:
        start = max(start, midnight(facts.earliest_day, zone(facts.zone)))
    if one.latest - start < least_room(one.length_seconds, rules):
        return
    within, outside = TimeSpan(start, one.latest), prepared.who.outside
    # Asked before anything is held: a hold whose helper is then refused would stay.
    together = linking.room(linking.chosen(key, asked), within, outside=outside)
    refused: TimeSpan | None = None
    for span in availability.in_turn(key, within, one.length_seconds, outside=outside, unit_id=asked.unit_id):
        if refused is not None and refused.contains(span.start):
            continue
        if not patience.left:
            patience.since = span.start
            return
        patience.left -= 1
        wish = replace(facts, span=span)
        if _left(one, check(wish, rules, unit.now)):
            refused = refused_around(wish, rules, unit.now)
        elif offered_until(unit.now, span.start, rules) is not None and together(span):
            yield span


def _left(one: WaitingRecord, reasons: Sequence[Reason]) -> list[Reason]:
    """Of the reasons against a time those that count: how far ahead one books was granted to who had it before."""
    return [reason for reason in reasons if one.granted is None or reason.code not in AHEAD]


def publish(unit: Unit, name: str, one: WaitingRecord, **more: str) -> None:
    """Say what became of a place in line."""
    payload = {"institution_id": str(one.key.institution_id), "entry_id": str(one.key.id), **more}
    unit.publish(name, f"{one.key.institution_id}:{one.key.id}", payload)


# ---- the job ----


def offer_due(limit: int = 20, after: Turn | None = None, lease: Lease | None = None) -> Turn | None:
    """Come round to lines whose time became free without a booking, some places of a line at once; returns where to go
    on, None at the end."""
    for _ in range(limit):
        if after is None or after.rest is None:
            keys = waiting_store.lines(reads(), after.key if after else None, 1)
            if not keys:
                return None
            after = Turn(keys[0], None)
        after = _offer_turn(after, lease)
    return after


def _offer_turn(turn: Turn, lease: Lease | None) -> Turn:
    """Offer to some places of a line; the next turn is that of another line where this one cannot be offered to."""
    following = Turn(turn.key, None)

    def offer(key: HostKey) -> int:
        nonlocal following
        with unit_of_work(lease=lease) as unit:
            linking.lock(unit, [key])
            following = replace(turn, rest=offer_in(unit, key, rest=turn.rest, limit=_TURN))
        return 1

    job = "booking.offer"
    batches.each(job, batches.found(job, lambda _many: [turn.key], 1), offer)
    return following
