"""Any sequence of requests, holds, answers, changes, closures, use, waiting and passing time, against a small model.

The model is a list of intervals with states. After each step the database must agree with it: who holds what, in which
state each booking is by the clock, which time is free; and no two holders may share a minute of a unit. Where an operator
is booked along with the instrument, both are had or neither, and one step of the order is a step of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability import window_store
from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.availability.terms import Audience, WeeklyHours
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import BookingRefused, SlotTaken, WrongState
from resource_hub.domain.booking.rules.waiting import MOST_PLACES
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import BookingState, Fate, Verdict
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceKind
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, subtract
from tests.builders.accounts import make_actor, make_person
from tests.builders.availability import make_exception, make_rules, make_weekly, moment
from tests.builders.booking import Scene, another_booker, make_asked, make_scene
from tests.builders.catalogue import make_listing
from tests.support.drawn import often

HALF_HOUR = timedelta(minutes=30)
HOLD, ANSWER = timedelta(minutes=15), timedelta(hours=6)
UNITS = 2
FIRST = moment("2026-03-02T08:00+08:00")
# Three days, open from 8 to 20.
OPEN = [
    TimeSpan(FIRST + timedelta(days=n), FIRST + timedelta(days=n, hours=12)) for n in range(3)
]  # fmt: skip
HELD, REQUESTED, APPROVED = BookingState.HELD, BookingState.REQUESTED, BookingState.APPROVED
IN_USE, DONE, NO_SHOW = BookingState.IN_USE, BookingState.DONE, BookingState.NO_SHOW


@dataclass
class Known:
    """A booking as the model knows it: unit, booked time, state as last written, the term of that state, set-up and
    tear-down, and when it was left early."""

    key: HostKey
    who: int
    unit: int
    span: TimeSpan
    state: BookingState
    around: tuple[int, int]
    term: datetime | None = None
    left: datetime | None = None
    person: int = 0

    def state_at(self, now: datetime) -> BookingState:
        waits = self.state in (HELD, REQUESTED)
        return BookingState.EXPIRED if waits and self.term is not None and self.term <= now else self.state

    def holds(self, now: datetime, around: tuple[int, int] | None = None) -> bool:
        # Of what was over as soon as it began nothing is held.
        began = self.left is None or self.left > self.span.widened(*(around or self.around)).start
        return began and self.state_at(now) in (HELD, REQUESTED, APPROVED, IN_USE, DONE)

    @property
    def whole(self) -> TimeSpan:
        return self.taken(self.around)

    def taken(self, around: tuple[int, int]) -> TimeSpan:
        """What it takes of a resource with these set-up and tear-down."""
        whole = self.span.widened(*around)
        if self.left is None:
            return whole
        return TimeSpan(whole.start, min(self.left + timedelta(seconds=around[1]), whole.end))


# Half hours since the first morning: mostly inside the hours of some day, so crowded that bookings meet.
slots = st.one_of(
    st.builds(lambda day, half: 48 * day + half, st.integers(0, 2), st.integers(0, 20)), st.integers(-4, 140)
)
lengths = st.integers(1, 5)
units = st.one_of(st.none(), st.integers(0, UNITS - 1))


class BookingMachine(RuleBasedStateMachine):
    """One resource with two units, a host who answers, and two firms; subclasses say how approval goes, and with what
    set-up and tear-down the only operator comes along, if one does."""

    approval = "never"
    around = (30 * 60, 15 * 60)
    beside: tuple[int, int] | None = None
    bookings = Bundle("bookings")

    def __init__(self) -> None:
        super().__init__()
        self.now = FIRST
        self.known: list[Known] = []
        with clock.fixed(self.now):
            setup, teardown = (seconds // 60 for seconds in self.around)
            rules = {
                "setup": setup,
                "teardown": teardown,
                "hold": 15,
                "answer_hours": 6,
                "approval": self.approval,
            }
            weekly = make_weekly(weekdays=range(7), starts=8 * 60, ends=20 * 60)
            self.scene: Scene = make_scene(units=UNITS, weekly=weekly, rules=rules)
            firm, _, other = another_booker()
            self.actors = [self.scene.booker, other]
            self.people = [
                [by.person_id, make_person(roles=[(of, Role.BOOKER)]).id]
                for by, of in ((self.scene.booker, self.scene.firm), (other, firm))
            ]
            self.waiting: list[service.WaitingRecord] = []
            self.closed: list[tuple[int, TimeSpan]] = []
            self.units = [u.key.id for u in availability.plan(self.scene.key, OPEN[0]).units]
            self.operator = self.comes_along(weekly)

    def comes_along(self, weekly: tuple[WeeklyHours, ...]) -> HostKey | None:
        """The operator without whom the instrument cannot be booked."""
        if self.beside is None:
            return None
        setup, teardown = (seconds // 60 for seconds in self.beside)
        made = make_listing(self.scene.host, kind=ResourceKind.FACILITY, listed=False, bookable=True)
        with unit_of_work() as unit:
            rules = make_rules(setup=setup, teardown=teardown)
            availability.set_hours_directly(unit, made.key, weekly, rules)
            availability.rebuild(unit, [made.key], availability.kept_span())
        office = make_actor(self.scene.host, Role.OFFICE)
        catalogue.save_links(self.scene.key, {made.key.id: True}, by=office)
        return made.key

    def teardown(self) -> None:
        db.session.remove()

    # ---- the model

    def span(self, slot: int, length: int) -> TimeSpan:
        start = FIRST + HALF_HOUR * slot
        return TimeSpan(start, start + HALF_HOUR * length)

    def allowed(self, span: TimeSpan) -> bool:
        return span.start >= self.now and any(day.contains(span) for day in OPEN)

    def is_closed(self, unit: int, span: TimeSpan) -> bool:
        return any(one == unit and closed.overlaps(span) for one, closed in self.closed)

    def free_unit(self, span: TimeSpan, unit: int | None, ignore: Known | None = None) -> int | None:
        """The unit that would be taken: the one asked for, the one that a booking has, the first by position."""
        whole = span.widened(*self.around)
        order = [unit] if unit is not None else list(range(UNITS))
        if unit is None and ignore is not None:
            order = [ignore.unit, *(u for u in order if u != ignore.unit)]
        for one in order:
            others = [k for k in self.known if k is not ignore and k.unit == one and k.holds(self.now)]
            if not self.is_closed(one, span) and not any(k.whole.overlaps(whole) for k in others):
                return one
        return None

    def operator_is_free(self, span: TimeSpan, ignore: Known | None = None) -> bool:
        if self.beside is None:
            return True
        whole = span.widened(*self.beside)
        others = [k for k in self.known if k is not ignore and k.holds(self.now, self.beside)]
        return not any(k.taken(self.beside).overlaps(whole) for k in others)

    def term(self, span: TimeSpan) -> datetime:
        return max(min(self.now + ANSWER, span.start), self.now + timedelta(minutes=5))

    @property
    def booked_state(self) -> BookingState:
        return APPROVED if self.approval == "never" else REQUESTED

    @contextmanager
    def expecting(self, error: type[DomainError] | None) -> Iterator[None]:
        with clock.fixed(self.now):
            if error is None:
                yield
            else:
                with pytest.raises(error) as caught:
                    yield
                assert caught.value.reasons

    def against(
        self, span: TimeSpan, unit: int | None, ignore: Known | None = None
    ) -> type[DomainError] | None:
        wanted = range(UNITS) if unit is None else [unit]
        if not self.allowed(span) or all(self.is_closed(one, span) for one in wanted):
            return BookingRefused
        free = self.free_unit(span, unit, ignore) is not None and self.operator_is_free(span, ignore)
        return None if free else SlotTaken

    def asked(self, span: TimeSpan, unit: int | None, **more: Any) -> Any:
        return make_asked(span=span, unit_id=None if unit is None else self.units[unit], **more)

    # ---- steps

    @initialize(target=bookings, slot=st.integers(2, 6))
    def a_morning(self, slot: int) -> Any:
        """Two bookings that stand, so that every run has something to use, split and hand over."""
        made = [self.request(who, 48 * who + slot, 4, None) for who in (0, 1)]
        for one in made:
            if self.booked_state is REQUESTED:
                self.approve(one)
        return multiple(*made)

    @rule(target=bookings, who=st.integers(0, 1), slot=slots, length=lengths, unit=units)
    def request(self, who: int, slot: int, length: int, unit: int | None) -> Any:
        span = self.span(slot, length)
        error, chosen = self.against(span, unit), self.free_unit(span, unit)
        with self.expecting(error):
            made = service.request(self.scene.key, self.asked(span, unit), by=self.actors[who])
        if error is not None or chosen is None:
            return multiple()
        state = self.booked_state
        one = Known(
            made.key, who, chosen, span, state, self.around, self.term(span) if state is REQUESTED else None
        )
        self.known.append(one)
        return one

    @rule(target=bookings, who=st.integers(0, 1), slot=slots, length=lengths, unit=units)
    def hold(self, who: int, slot: int, length: int, unit: int | None) -> Any:
        span = self.span(slot, length)
        error, chosen = self.against(span, unit), self.free_unit(span, unit)
        with self.expecting(error):
            made = service.hold(self.scene.key, self.asked(span, unit), by=self.actors[who])
        if error is not None or chosen is None:
            return multiple()
        one = Known(made.key, who, chosen, span, HELD, self.around, self.now + HOLD)
        self.known.append(one)
        return one

    @rule(target=bookings, one=bookings, shift=st.integers(0, 2))
    def book_what_is_held(self, one: Known, shift: int) -> Any:
        """A hold becomes a booking, perhaps of another time; of one that has lapsed nothing is left."""
        if one.state not in (HELD, BookingState.EXPIRED):
            return multiple()
        span = TimeSpan(one.span.start + HALF_HOUR * shift, one.span.end + HALF_HOUR * shift)
        held = one if one.state_at(self.now) is HELD else None
        error, chosen = self.against(span, None, held), self.free_unit(span, None, held)
        with self.expecting(error):
            made = service.request(
                self.scene.key, self.asked(span, None), by=self.actors[one.who], hold_id=one.key.id
            )
        if error is not None or chosen is None:
            return multiple()
        assert (made.key == one.key) == (held is not None)
        state = self.booked_state
        term = self.term(span) if state is REQUESTED else None
        if held is not None:
            one.unit, one.span, one.state, one.term = chosen, span, state, term
            return multiple()
        fresh = Known(made.key, one.who, chosen, span, state, self.around, term)
        self.known.append(fresh)
        return fresh

    @rule(one=bookings)
    def approve(self, one: Known) -> None:
        error = None if one.state_at(self.now) is REQUESTED else WrongState
        with self.expecting(error):
            service.approve(one.key, by=self.scene.manager)
        if error is None:
            one.state, one.term = APPROVED, None

    @rule(one=bookings)
    def reject(self, one: Known) -> None:
        error = None if one.state_at(self.now) is REQUESTED else WrongState
        with self.expecting(error):
            service.reject(one.key, by=self.scene.manager, reason="检定")
        if error is None:
            one.state, one.term = BookingState.REJECTED, None

    @rule(one=bookings, slot=slots, length=lengths, unit=units)
    def change(self, one: Known, slot: int, length: int, unit: int | None) -> None:
        self.change_to(one, self.span(slot, length), unit)

    @rule(one=bookings, more=st.integers(-2, 3))
    def extend_or_shorten(self, one: Known, more: int) -> None:
        end = one.span.end + HALF_HOUR * more
        if end > one.span.start:
            self.change_to(one, TimeSpan(one.span.start, end), None)

    def change_to(self, one: Known, span: TimeSpan, unit: int | None) -> None:
        state = one.state_at(self.now)
        if state is IN_USE:
            return  # what may be changed of a running use is a matter of its own rules
        error: type[DomainError] | None = WrongState
        less = one.span.contains(span) and unit in (None, one.unit)
        if state in (REQUESTED, APPROVED):
            error = self.against(span, unit, one)
            if less:
                error = None if span.end > self.now else BookingRefused
        if state is APPROVED and one.span.start <= self.now and span.start != one.span.start:
            error = BookingRefused  # what has begun is not moved away
        # Who only gives time back stays, on a unit that was closed since too.
        chosen = one.unit if less else self.free_unit(span, unit, one)
        with self.expecting(error):
            service.change(
                one.key, span, by=self.actors[one.who], unit_id=None if unit is None else self.units[unit]
            )
        if error is not None or chosen is None:
            return
        if self.booked_state is REQUESTED and not (less and state is APPROVED):
            one.state, one.term = REQUESTED, self.term(span)
        one.unit, one.span = chosen, span

    @rule(one=bookings)
    def cancel(self, one: Known) -> None:
        state = one.state_at(self.now)
        error: type[DomainError] | None = None
        if state not in (HELD, REQUESTED, APPROVED):
            error = WrongState
        elif state is APPROVED and one.span.start <= self.now:
            error = BookingRefused
        with self.expecting(error):
            service.cancel(one.key, by=self.actors[one.who])
        if error is None:
            one.state, one.term = BookingState.CANCELLED, None

    @rule(one=bookings, late=st.integers(0, 2))
    def begin(self, one: Known, late: int) -> None:
        """Somebody checks in at the instrument when it is time; of what does not stand ready nothing begins."""
        if one.state_at(self.now) is APPROVED:
            self.now = max(self.now, one.span.start + late * timedelta(minutes=10))
        state = one.state_at(self.now)
        if state is NO_SHOW:
            return
        with clock.fixed(self.now), unit_of_work() as unit:
            service.started(unit, one.key)
        if state is APPROVED:
            one.state = IN_USE

    @rule(one=bookings, minutes=st.sampled_from([0, 7, 45, 200]))
    def finish(self, one: Known, minutes: int) -> None:
        """The use is over, and what is left of the slot is free."""
        if one.state is IN_USE:
            self.now += timedelta(minutes=minutes)
        with clock.fixed(self.now), unit_of_work() as unit:
            service.finished(unit, one.key, self.now)
        if one.state is IN_USE:
            one.state = DONE
            if self.now < one.span.end:
                one.left = self.now

    @rule(one=bookings)
    def nobody_comes(self, one: Known) -> None:
        """The clock has gone past the start, and nobody has come."""
        if one.state_at(self.now) is not APPROVED:
            return
        self.now = max(self.now, one.span.start + timedelta(minutes=30))
        with clock.fixed(self.now), unit_of_work() as unit:
            service.missed(unit, one.key)
        one.state = NO_SHOW

    def ahead(self, one: Known) -> bool:
        return one.state_at(self.now) in (REQUESTED, APPROVED) and one.span.start > self.now

    @rule(target=bookings, one=bookings, half=st.integers(1, 4))
    def split(self, one: Known, half: int) -> Any:
        """Two of one: where set-up and tear-down find no place between the halves, it stays whole."""
        at = one.span.start + HALF_HOUR * half
        if at >= one.span.end:
            return multiple()
        error: type[DomainError] | None = None
        if not self.ahead(one):
            error = WrongState
        elif self.is_closed(one.unit, TimeSpan(at, one.span.end)):
            error = BookingRefused
        elif any(self.around) or any(self.beside or ()):
            error = SlotTaken
        with self.expecting(error):
            made = service.split(one.key, at, by=self.actors[one.who])
        if error is not None:
            return multiple()
        first, second = TimeSpan(one.span.start, at), TimeSpan(at, one.span.end)
        asks = one.state is REQUESTED
        if asks:
            one.term = self.term(first)
        one.span = first
        other = Known(
            made[1].key, one.who, one.unit, second, one.state, self.around,
            self.term(second) if asks else None, person=one.person,
        )  # fmt: skip
        self.known.append(other)
        return other

    @rule(one=bookings)
    def hand_over(self, one: Known) -> None:
        """To the colleague, and back again; time, state and term stay."""
        error: type[DomainError] | None = None if self.ahead(one) else WrongState
        if error is None and self.is_closed(one.unit, one.span):
            error = BookingRefused
        with self.expecting(error):
            service.hand_over(one.key, self.people[one.who][1 - one.person], by=self.actors[one.who])
        if error is None:
            one.person = 1 - one.person

    @rule(unit=st.integers(0, UNITS - 1), slot=slots, length=st.integers(2, 8))
    def close(self, unit: int, slot: int, length: int) -> None:
        """The host closes a unit for some hours; what is booked there stays where it is."""
        span = self.span(slot, length)
        if span.start < self.now or len(self.closed) == 3:
            return
        closure = make_exception(span=span, unit_id=self.units[unit])
        verdicts = {one.key.id: Verdict(Fate.STAYS) for one in self.known}
        with clock.fixed(self.now):
            service.publish_exception(self.scene.key, closure, by=self.scene.manager, verdicts=verdicts)
        self.closed.append((unit, span))

    @rule(who=st.integers(0, 1), day=st.integers(0, 2), length=lengths)
    def wait(self, who: int, day: int, length: int) -> None:
        """Somebody wants some time of a day, whenever it is free."""
        places = sum(one.person_id == self.actors[who].person_id for one in self.waiting)
        if OPEN[day].start <= self.now or places == MOST_PLACES:
            return
        with clock.fixed(self.now):
            one = service.join_line(
                self.scene.key,
                make_asked(),
                OPEN[day].start,
                OPEN[day].end,
                length * 30 * 60,
                by=self.actors[who],
            )
        if one.key not in [w.key for w in self.waiting]:
            self.waiting.append(one)

    @rule(target=bookings, which=st.integers(0, 5))
    def take_the_offer(self, which: int) -> Any:
        """What is kept for somebody who waited becomes a booking, until its term."""
        if which >= len(self.waiting):
            return multiple()
        one = self.waiting[which]
        held = self.offer_of(one)
        error: type[DomainError] | None = WrongState
        if held is not None and held.state_at(self.now) is HELD:
            error = BookingRefused if self.is_closed(held.unit, held.span) else None
        who = [by.person_id for by in self.actors].index(one.person_id)
        with self.expecting(error):
            service.accept_offer(one.key, by=self.actors[who])
        if error is not None or held is None:
            return multiple()
        held.state = self.booked_state
        held.term = self.term(held.span) if held.state is REQUESTED else None
        return held

    def offer_of(self, one: service.WaitingRecord) -> Known | None:
        """What is kept for an entry; known from the moment at which it was offered, of free time that was wished for."""
        with clock.fixed(self.now):
            who = [by.person_id for by in self.actors].index(one.person_id)
            found = service.entry_for(one.key, self.actors[who])
        if found.booking_id is None:
            return None
        key = HostKey(one.key.institution_id, found.booking_id)
        for known in self.known:
            if known.key == key:
                return known
        record = service.booking(key)
        assert record.span is not None and record.unit_id is not None and found.offered_until is not None
        assert found.earliest <= record.span.start and record.span.end <= found.latest
        assert record.span.end - record.span.start == timedelta(seconds=found.length_seconds)
        unit = self.units.index(record.unit_id)
        assert self.free_unit(record.span, unit) == unit and self.operator_is_free(record.span)
        made = Known(key, who, unit, record.span, HELD, self.around, found.offered_until)
        self.known.append(made)
        return made

    @rule()
    def the_job_runs(self) -> None:
        with clock.fixed(self.now):
            service.lapse_due()
        for one in self.known:
            one.state = one.state_at(self.now)

    @rule(minutes=st.sampled_from([1, 14, 30, 60, 6 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(one=bookings, early=st.sampled_from([timedelta(), timedelta(minutes=1)]))
    def time_passes_to_a_term(self, one: Known, early: timedelta) -> None:
        """To the very moment at which something lapses or begins, or a minute before it."""
        ahead = [
            moment - early for moment in (one.term, one.span.start) if moment and moment - early > self.now
        ]
        self.now = min(ahead, default=self.now)

    # ---- what must be true

    def learn_offers(self) -> None:
        """Any step that frees time may have kept it for somebody who waits."""
        db.session.remove()
        for one in self.waiting:
            self.offer_of(one)

    def occupancies(self, key: HostKey) -> list[Any]:
        rows = (
            reading()
            .execute(
                select(
                    Occupancy.holder_id,
                    Occupancy.unit_id,
                    Occupancy.starts_at,
                    Occupancy.ends_at,
                    Occupancy.expires_at,
                )
                .where(Occupancy.resource_id == key.id)
                .order_by(Occupancy.unit_id, Occupancy.starts_at)
            )
            .all()
        )
        for earlier, later in zip(rows, rows[1:], strict=False):
            assert earlier.unit_id != later.unit_id or earlier.ends_at <= later.starts_at
        return [row for row in rows if row.expires_at is None or row.expires_at > self.now]

    @invariant()
    def the_database_agrees(self) -> None:
        self.learn_offers()
        in_force = {
            row.holder_id: (self.units.index(row.unit_id), TimeSpan(row.starts_at, row.ends_at))
            for row in self.occupancies(self.scene.key)
        }
        assert in_force == {one.key.id: (one.unit, one.whole) for one in self.known if one.holds(self.now)}
        written = service.records([one.key for one in self.known])
        for one in self.known:
            record = written[one.key]
            assert service.judged_by_clock(record, self.now) is one.state_at(self.now)
            assert record.span == one.span
            assert record.person_id == self.people[one.who][one.person]

    @invariant()
    def the_operator_goes_along(self) -> None:
        """Of each order one booking of the operator, with its time and its state, that holds it as long."""
        if self.operator is None or self.beside is None:
            return
        self.learn_offers()
        own = select(Booking).where(Booking.institution_id == self.scene.host.id)
        found = {one.id: one for one in reading().scalars(own)}
        along = {row.parent_id: row for row in found.values() if row.parent_id is not None}
        assert len(along) * 2 == len(found) == len(self.known) * 2
        for order_id, row in along.items():
            order = found[order_id]
            assert row.resource_id == self.operator.id
            for name in ("starts_at", "ends_at", "state", "hold_expires_at"):
                assert getattr(row, name) == getattr(order, name), name
        held = {
            row.holder_id: TimeSpan(row.starts_at, row.ends_at) for row in self.occupancies(self.operator)
        }
        assert held == {
            along[one.key.id].id: one.taken(self.beside)
            for one in self.known
            if one.holds(self.now, self.beside)
        }

    @invariant()
    def free_time_is_what_nobody_holds(self) -> None:
        self.learn_offers()
        whole = TimeSpan(OPEN[0].start, OPEN[-1].end)
        with clock.fixed(self.now):
            found = availability.free_times(self.scene.key, whole, outside=True)
        setup, teardown = self.around
        for n, unit_id in enumerate(self.units):
            # Set-up and tear-down of both neighbours must find their place.
            taken = [
                k.whole.widened(teardown, setup) for k in self.known if k.unit == n and k.holds(self.now)
            ]
            taken += [span for one, span in self.closed if one == n]
            assert [f.span for f in found if f.unit_id == unit_id] == subtract(OPEN, taken)

    @invariant()
    def kept_windows_offer_nothing_that_is_held(self) -> None:
        """What searches read may lag behind a term that has just run out, but never offers what somebody holds."""
        self.learn_offers()
        whole = TimeSpan(max(self.now, OPEN[0].start), max(self.now + HALF_HOUR, OPEN[-1].end))
        kept = window_store.windows_of(reading(), [self.scene.key], Audience.OUTSIDE, whole)
        for (_, unit_id), spans in kept.items():
            n = self.units.index(unit_id)
            held = [k.whole for k in self.known if k.unit == n and k.holds(self.now)]
            assert not [s for s in spans for h in held if s.overlaps(h)]


class AskedFirst(BookingMachine):
    approval = "always"
    around = (0, 0)


class Together(BookingMachine):
    around = (0, 0)
    beside = (15 * 60, 30 * 60)


class AskedTogether(BookingMachine):
    approval = "always"
    around = (0, 0)
    beside = (0, 0)


def machine(kind: type[BookingMachine]) -> Callable[[], BookingMachine]:
    return kind


@pytest.mark.slow
@pytest.mark.parametrize("kind", [BookingMachine, AskedFirst, Together, AskedTogether])
def test_any_sequence_agrees_with_the_model(now: datetime, kind: type[BookingMachine]) -> None:
    run_state_machine_as_test(
        machine(kind),
        settings=settings(
            max_examples=often(15),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
