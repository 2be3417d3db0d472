"""Answers by several people one after another: who is asked now, by when, and what silence does.

The rows are made when the first of them is wanted and moved on under the lock of the order; the clock is asked each
time, so that nothing waits for a job. Where the house rules ask for one answer only there are no rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, func, insert, or_, select, true, tuple_, update
from sqlalchemy.orm import Session, aliased

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.errors import UnknownOrganisation
from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Answerer, AnswerRule, HouseDocument, Silence
from resource_hub.domain.booking import history_store, quote_store, store
from resource_hub.domain.booking.errors import NotYours
from resource_hub.domain.booking.preparing import DECIDES, announce, announce_series, clock_of, is_staff
from resource_hub.domain.booking.rules.answering import capped, chain_end, step_end
from resource_hub.domain.booking.tables import AnswerStep, Booking, Quote
from resource_hub.domain.booking.terms import BookingRecord, BookingState, StepRecord, StepState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock as clocks
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money

_LAB = (Role.MANAGER, Role.DEPUTY)
_OFFICE = (Role.OFFICE, Role.INSTITUTION_ADMIN)
_LIVE = (StepState.WAITING.value, StepState.OPEN.value)
_YES = (StepState.APPROVED, StepState.CONSENTED)


# ---- the answer that is wanted now -----------------------------------------------------------------------------


def current(unit: Unit, record: BookingRecord, *, quiet: bool = False) -> StepRecord | None:
    """The answer that an order waits for, its rows made and moved on where they have to be; None where one answer is
    enough. The order is locked. Where ``quiet``, the caller tells who is asked."""
    if record.state is not BookingState.REQUESTED:
        return None
    rules = availability.rules_numbered(record.resource_key, record.rules_number)
    found = steps_of(unit.session, record.key)
    if not any(step.state.value in _LIVE for step in found):
        found = _begin(unit, record, rules, found, quiet=quiet)
    return _moved_on(unit, record, rules, found, quiet=quiet)


def _begin(
    unit: Unit, record: BookingRecord, rules: HouseDocument, before: Sequence[StepRecord], *, quiet: bool
) -> list[StepRecord]:
    wanted = [rule for rule in rules.steps if _applies(unit.session, record, rule)]
    if not wanted:
        return []
    number = before[-1].round + 1 if before else 1
    for position, rule in enumerate(wanted):
        unit.session.execute(
            insert(AnswerStep).values(
                institution_id=record.institution_id,
                id=new_id(),
                booking_id=record.key.id,
                round=number,
                position=position,
                who=rule.who.value,
                state=StepState.WAITING.value,
                note="",
            )
        )
    _open(unit, record, rules, steps_of(unit.session, record.key), 0, unit.now, quiet=quiet)
    return steps_of(unit.session, record.key)


def _applies(session: Session, record: BookingRecord, rule: AnswerRule) -> bool:
    if rule.above:
        sums = to_pay_of(session, [record])[record.key]
        currency = catalogue.resource(record.resource_key).currency
        if sums and all(one.currency == currency and one.minor <= rule.above for one in sums):
            return False
    if rule.who is Answerer.APPROVER:
        # Nobody to ask, or they booked themselves: that was their yes, as far as they may give one.
        approvers = approvers_of(record.customer_id)
        return bool(approvers) and not any(
            by.person_id == record.booked_by and _may_approve(record, by) for by in approvers
        )
    return True


def hours_of(rules: HouseDocument, who: Answerer) -> int:
    return next((rule.hours for rule in rules.steps if rule.who is who), rules.answer_hours)


def _open(
    unit: Unit,
    record: BookingRecord,
    rules: HouseDocument,
    steps: Sequence[StepRecord],
    index: int,
    at: datetime,
    *,
    quiet: bool,
) -> None:
    """Open one answer and set the order's own term by it and those that follow; a quiet one is told with others."""
    clock = clock_of(record.institution_id, rules)
    step = steps[index]
    term, _end = step_end(rules, hours_of(rules, step.who), at, clock)
    remind = term - timedelta(hours=rules.remind_hours) if rules.remind_hours else None
    values = {"state": StepState.OPEN.value, "opened_at": at, "answer_by": term, "remind_at": remind}
    write(unit, step.key, values)
    hours = [hours_of(rules, one.who) for one in steps[index:]]
    answer_by = capped(chain_end(rules, hours, at, clock), record.span, unit.now)
    if answer_by != record.answer_by:
        store.change(unit.session, record.key, {"answer_by": answer_by})
        lasting = rules.silence is Silence.CONSENT and (record.span is None or answer_by < record.span.start)
        # What is booked together with it waits as long.
        holders = [record.key.id, *(child.key.id for child in store.children(unit.session, record.key))]
        for holder_id in holders:
            availability.hold_until(unit, record.institution_id, holder_id, None if lasting else answer_by)
    announce(unit, record.key, "booking.answer_wanted", None, step_id=str(step.key.id), quiet=quiet)


def _moved_on(
    unit: Unit, record: BookingRecord, rules: HouseDocument, steps: Sequence[StepRecord], *, quiet: bool
) -> StepRecord | None:
    """Let silence count as a yes for answers whose time is over, as far as others follow."""
    clock = clock_of(record.institution_id, rules)
    while True:
        index = next((n for n, step in enumerate(steps) if step.state is StepState.OPEN), None)
        if index is None:
            return None
        step = steps[index]
        assert step.opened_at is not None
        end = step_end(rules, hours_of(rules, step.who), step.opened_at, clock)[1]
        if rules.silence is not Silence.CONSENT or end > unit.now or index + 1 == len(steps):
            return step
        write(unit, step.key, {"state": StepState.CONSENTED.value, "decided_at": end})
        _open(unit, record, rules, steps, index + 1, end, quiet=quiet)
        steps = steps_of(unit.session, record.key)


# ---- answering -------------------------------------------------------------------------------------------------


def may_answer(
    record: BookingRecord,
    step: StepRecord,
    by: Actor,
    now: datetime,
    to_pay: Sequence[Money] | None = None,
    approvers: Sequence[Actor] | None = None,
) -> bool:
    """Whether an answer waits for this actor: it is theirs to give, and they gave none of the same round. ``to_pay`` is
    what ``to_pay_of`` says of the order, ``approvers`` who its customer has, where these were asked for many."""
    return by.person_id not in step.answered_by and _is_theirs(record, step, by, now, to_pay, approvers)


def _is_theirs(
    record: BookingRecord,
    step: StepRecord,
    by: Actor,
    now: datetime,
    to_pay: Sequence[Money] | None = None,
    approvers: Sequence[Actor] | None = None,
) -> bool:
    """Whether an answer is asked of this actor. From its term on those above may give it too, and where the limit of no
    approver reaches at once."""
    late = step.answer_by is not None and now >= step.answer_by
    if step.who is Answerer.APPROVER:
        if _may_approve(record, by, to_pay):
            return True
        above = by.has(Role.FIRM_ADMIN) and _may_approve(record, by, to_pay, (Role.FIRM_ADMIN,))
        return above and (late or not _reaching(record, to_pay, approvers))
    staff: tuple[Role, ...] = _OFFICE if step.who is Answerer.OFFICE else (*_LAB, *_OFFICE) if late else _LAB
    return is_staff(by, catalogue.resource(record.resource_key), staff)


def _reaching(
    record: BookingRecord, to_pay: Sequence[Money] | None, approvers: Sequence[Actor] | None
) -> list[UUID]:
    """The approvers of an order's customer whose limit reaches what it costs."""
    found = approvers_of(record.customer_id) if approvers is None else approvers
    return [by.person_id for by in found if _may_approve(record, by, to_pay)]


def _may_approve(
    record: BookingRecord,
    by: Actor,
    to_pay: Sequence[Money] | None = None,
    roles: Sequence[Role] = (Role.APPROVER,),
) -> bool:
    """Whether the yes of an actor counts as that of the order's customer, up to the actor's limit."""
    if record.customer_id in by.led_customer_ids:
        return True
    if record.customer_id not in by.customer_ids or not by.has(*roles):
        return False
    if to_pay is None:
        to_pay = to_pay_of(reading(), [record])[record.key]
    return all(_reaches(by.approve_limit, one) for one in to_pay)


def to_pay_of(session: Session, records: Sequence[BookingRecord]) -> dict[HostKey, list[Money]]:
    """What orders cost with all that is booked along, a sum for each currency; empty without any price."""
    orders = {HostKey(one.institution_id, one.quote_id): one.key for one in records if one.quote_id}
    totals: dict[HostKey, dict[str, Money]] = {one.key: {} for one in records}
    for quote, parent, sums in quote_store.sums(session, orders, orders.values()):
        its, money = totals[parent or orders[quote]], sums.to_pay
        its[money.currency] = its[money.currency] + money if money.currency in its else money
    return {
        key: [money for money in its.values() if len(its) == 1 or not money.is_zero]
        for key, its in totals.items()
    }


def _reaches(limit: Money | None, amount: Money) -> bool:
    """Whether an approver's limit covers an amount; it says nothing of other currencies."""
    return limit is None or (amount.currency == limit.currency and amount <= limit)


def _reached(limit: Money | None) -> ColumnElement[bool]:
    """The same of bookings in a question: what has no price is not beyond it."""
    if limit is None:
        return true()
    with_it = aliased(Booking)
    priced = (
        Quote.institution_id == Booking.institution_id,
        with_it.institution_id == Booking.institution_id,
        or_(with_it.id == Booking.id, with_it.parent_id == Booking.id),
        Quote.id == with_it.quote_id,
    )
    total = select(func.coalesce(func.sum(Quote.to_pay_minor), 0)).where(*priced).correlate(Booking)
    return and_(
        ~exists().where(*priced, Quote.currency != limit.currency, Quote.to_pay_minor != 0),
        total.scalar_subquery() <= limit.minor,
    )


def _theirs_or_refused(record: BookingRecord, step: StepRecord, by: Actor, now: datetime) -> None:
    if not _is_theirs(record, step, by, now):
        who = {"word": ["booking.answerer", step.who.value]}
        raise NotYours(Reason("booking.answer_not_yours", {"who": who}))


def yes(
    unit: Unit, record: BookingRecord, step: StepRecord, by: Actor, note: str, *, quiet: bool = False
) -> bool:
    """Give an answer; whether it was the last one. Nobody gives two of them. Where ``quiet``, the caller tells who is
    asked next.

    Raises:
        NotYours
    """
    _theirs_or_refused(record, step, by, unit.now)
    if by.person_id in step.answered_by:
        raise NotYours(Reason("booking.answer_second_person", {}))
    steps = steps_of(unit.session, record.key)
    values = {"decided_at": unit.now, "decided_by": by.person_id, "note": note.strip()}
    write(unit, step.key, {"state": StepState.APPROVED.value, **values})
    following = next((n for n, one in enumerate(steps) if one.position == step.position + 1), None)
    if following is None:
        return True
    rules = availability.rules_numbered(record.resource_key, record.rules_number)
    _open(unit, record, rules, steps, following, unit.now, quiet=quiet)
    details = {"who": step.who.value, "note": note.strip()}
    history_store.add_event(unit.session, record.key, unit.now, by.person_id, "answer_given", details)
    return False


def no(unit: Unit, record: BookingRecord, step: StepRecord, by: Actor, reason: str) -> None:
    """Say no for good.

    Raises:
        NotYours
    """
    _theirs_or_refused(record, step, by, unit.now)
    values = {"decided_at": unit.now, "decided_by": by.person_id, "note": reason}
    write(unit, step.key, {"state": StepState.REJECTED.value, **values})
    drop(unit, record)


def drop(unit: Unit, record: BookingRecord) -> None:
    """Nobody need answer any more: it was refused, cancelled, changed, or has lapsed."""
    unit.session.execute(
        update(AnswerStep)
        .where(
            AnswerStep.institution_id == record.institution_id,
            AnswerStep.booking_id == record.key.id,
            AnswerStep.state.in_(_LIVE),
        )
        .values(state=StepState.DROPPED.value)
        .execution_options(synchronize_session=False)
    )


def write(unit: Unit, key: HostKey, values: dict[str, Any]) -> None:
    """Change the row of an answer."""
    unit.session.execute(
        update(AnswerStep)
        .where(AnswerStep.institution_id == key.institution_id, AnswerStep.id == key.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


# ---- asking ----------------------------------------------------------------------------------------------------


def steps_of(session: Session, key: HostKey) -> list[StepRecord]:
    """The answers of an order's latest round, in order."""
    return steps_of_many(session, [key])[key]


def steps_of_many(session: Session, keys: Collection[HostKey]) -> dict[HostKey, list[StepRecord]]:
    """The answers of the latest round of each of some orders, in order."""
    rows = session.scalars(
        select(AnswerStep)
        .where(tuple_(AnswerStep.institution_id, AnswerStep.booking_id).in_([tuple(key) for key in keys]))
        .order_by(AnswerStep.round, AnswerStep.position)
        .execution_options(populate_existing=True)
    )
    rounds: dict[HostKey, dict[int, list[AnswerStep]]] = {key: {} for key in keys}
    for row in rows:
        rounds[HostKey(row.institution_id, row.booking_id)].setdefault(row.round, []).append(row)
    result = {}
    for key, found in rounds.items():
        latest = found[max(found)] if found else []
        answered_by = frozenset(row.decided_by for row in latest if row.decided_by is not None)
        result[key] = [record_of(row, answered_by) for row in latest]
    return result


def open_steps(
    session: Session, institution_id: UUID, booking_ids: Collection[UUID]
) -> dict[UUID, StepRecord]:
    """The answer that each of some orders waits for, where several are asked for."""
    rows = session.scalars(
        select(AnswerStep).where(
            AnswerStep.institution_id == institution_id,
            AnswerStep.booking_id.in_(booking_ids),
            AnswerStep.state.in_((StepState.OPEN.value, StepState.APPROVED.value)),
        )
    )
    opened: dict[UUID, AnswerStep] = {}
    given: dict[tuple[UUID, int], set[UUID]] = {}
    for row in rows:
        if row.state == StepState.OPEN.value:
            opened[row.booking_id] = row
        elif row.decided_by is not None:
            given.setdefault((row.booking_id, row.round), set()).add(row.decided_by)
    return {one: record_of(row, frozenset(given.get((one, row.round), ()))) for one, row in opened.items()}


def record_of(row: AnswerStep, answered_by: frozenset[UUID]) -> StepRecord:
    return StepRecord(
        HostKey(row.institution_id, row.id), row.booking_id, row.round, row.position, Answerer(row.who),
        StepState(row.state), row.opened_at, row.answer_by, row.decided_at, row.decided_by, row.note, answered_by,
    )  # fmt: skip


def answers_of(key: HostKey) -> list[StepRecord]:
    """The answers of an order, for its page."""
    return steps_of(reading(), key)


def open_answers(records: Collection[BookingRecord]) -> dict[HostKey, StepRecord]:
    """The answer that each of these waits for, where several are asked for; one question for all of them."""
    by_host: dict[UUID, list[UUID]] = {}
    for record in records:
        by_host.setdefault(record.institution_id, []).append(record.key.id)
    return {
        HostKey(host, one): step
        for host, ids in by_host.items()
        for one, step in open_steps(reading(), host, ids).items()
    }


def may_answer_now(record: BookingRecord, by: Actor) -> bool | None:
    """Whether the answer wanted now is this actor's; None where one answer is enough."""
    step = next((one for one in answers_of(record.key) if one.state is StepState.OPEN), None)
    return None if step is None else may_answer(record, step, by, clocks.now())


def wanted_from(by: Actor, now: datetime) -> ColumnElement[bool]:
    """Orders whose answer now is one of this actor's to give, as a condition on requested bookings; ``may_answer`` says
    the same of a single one."""
    step = exists().where(
        AnswerStep.institution_id == Booking.institution_id,
        AnswerStep.booking_id == Booking.id,
        AnswerStep.state == StepState.OPEN.value,
    )
    given = aliased(AnswerStep)
    answered = exists().where(
        given.institution_id == AnswerStep.institution_id,
        given.booking_id == AnswerStep.booking_id,
        given.round == AnswerStep.round,
        given.decided_by == by.person_id,
    )
    his: list[ColumnElement[bool]] = []
    if by.has(*_OFFICE):
        late = and_(AnswerStep.who == Answerer.MANAGER.value, AnswerStep.answer_by <= now)
        his += [AnswerStep.who == Answerer.OFFICE.value, late]
    if by.has(*_LAB):
        his.append(AnswerStep.who == Answerer.MANAGER.value)
    of: list[ColumnElement[bool]] = []
    if by.led_customer_ids:
        of.append(Booking.customer_id.in_(by.led_customer_ids))
    if by.has(Role.APPROVER) and by.customer_ids:
        of.append(and_(Booking.customer_id.in_(by.customer_ids), _reached(by.approve_limit)))
    if of:
        his.append(and_(AnswerStep.who == Answerer.APPROVER.value, or_(*of)))
    parts = [step.where(or_(*his), ~answered)] if his else []
    return or_(false(), *parts, ~step) if by.has(*DECIDES) else or_(false(), *parts)


def approvers_of(customer_id: UUID) -> list[Actor]:
    """Who approves orders of a customer, some up to a limit."""
    organisation_id = accounts.customer(customer_id).organisation_id
    found = []
    for person_id in accounts.people_of_customer(customer_id, Role.APPROVER):
        with suppress(UnknownOrganisation):
            found.append(accounts.actor(person_id, organisation_id))
    return found


def people_of(
    record: BookingRecord, step: StepRecord, approvers: Sequence[Actor] | None = None
) -> list[UUID]:
    """Who is asked for an answer; an approver whose limit does not reach is not, and where none does those above are.
    ``approvers``: those of the customer, where they are known."""
    if step.who is Answerer.APPROVER:
        return _reaching(record, None, approvers) or people_above(record, step)
    department_id = catalogue.resource(record.resource_key).department_id
    if step.who is Answerer.OFFICE:
        return list(accounts.people_with_role(record.institution_id, *_OFFICE))
    return list(accounts.people_with_role(record.institution_id, *_LAB, department_id=department_id))


def people_above(record: BookingRecord, step: StepRecord) -> list[UUID]:
    """Who may answer as well once the term is over."""
    if step.who is Answerer.APPROVER:
        organisation_id = accounts.customer(record.customer_id).organisation_id
        return list(accounts.people_with_role(organisation_id, Role.FIRM_ADMIN))
    return list(accounts.people_with_role(record.institution_id, *_OFFICE))


# ---- asking for the first one ---------------------------------------------------------------------------------


def on_requested(unit: Unit, event: Event) -> None:
    """An order waits: the first of several answers is wanted. Delivered again, it changes nothing."""
    if event.payload.get("quiet"):
        return  # its series asks for all its days at once
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    before = store.row_of(unit.session, key)
    if before is None:
        return
    availability.lock(unit, [HostKey(key.institution_id, before.resource_id)])
    ask(unit, key)


def want_for(unit: Unit, series_key: HostKey, days: Sequence[BookingRecord], person_id: UUID | None) -> None:
    """Days of a series that wait, and were told of quietly, ask for their first answer together; those that have asked
    already are not told of again."""
    waiting = [one.key.id for one in days if one.state is BookingState.REQUESTED]
    asked = open_steps(unit.session, series_key.institution_id, waiting) if waiting else {}
    ids = [str(one) for one in waiting if one not in asked]
    if ids:
        announce_series(
            unit, series_key, "booking.series_answer_wanted", person_id, booking_ids=ids, first=True
        )


def ask(unit: Unit, key: HostKey, *, quiet: bool = False) -> None:
    """Let an order whose resource is locked ask for its first answer, where it has not asked yet."""
    row = store.locked(unit.session, key)
    if row is not None:
        current(unit, store.record(row), quiet=quiet)
