"""What waits for the yes of a customer's own approver: which orders, by when, and whether it is this person's to give.

The rows are those of the answers that the house rules ask for (``answers``); the yes and the no go the same way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, literal, select

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Answerer, HouseDocument, Silence
from resource_hub.domain.booking import answers, reading, store
from resource_hub.domain.booking.preparing import clock_of
from resource_hub.domain.booking.rules.answering import step_end
from resource_hub.domain.booking.tables import AnswerStep, Booking, Quote
from resource_hub.domain.booking.terms import BookingRecord, BookingState, StepRecord, StepState
from resource_hub.infra import clock
from resource_hub.infra.database import reading as reads
from resource_hub.infra.types import Instant

APPROVES = (Role.APPROVER, Role.FIRM_ADMIN)
# Where the house sets no term, an answer stands behind all that have one.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_Rows = Sequence[Row[AnswerStep, Booking, Quote, datetime]]


@dataclass(frozen=True, slots=True)
class ToApprove:
    """An order that waits for its customer's approver.

    Attributes:
        mine: the reader may answer; an amount beyond the reader's limit is for somebody else.
        above: it stands above the reader, who joins once the term is over.
    """

    record: BookingRecord
    step: StepRecord
    steps: tuple[StepRecord, ...]
    mine: bool
    above: bool

    @property
    def place(self) -> tuple[datetime, UUID]:
        """By what the list is ordered."""
        return self.step.answer_by or _NEVER, self.step.key.id


def to_approve(by: Actor, limit: int = 100, after: Sequence[Any] | None = None) -> list[ToApprove]:
    """Orders of the actor's customers that wait for an approver, the nearest term first, from the place after one
    (``ToApprove.place``). Who approves nothing sees none."""
    customers = by.customer_ids | by.led_customer_ids if by.has(*APPROVES) else by.led_customer_ids
    if not customers:
        return []
    found: list[ToApprove] = []
    while True:
        rows = _open(customers, limit, after)
        found += _judged(rows, by)
        if len(rows) < limit or len(found) >= limit:
            return found[:limit]
        after = (rows[-1].due, rows[-1].AnswerStep.id)


def _open(customers: Collection[UUID], limit: int, after: Sequence[Any] | None) -> _Rows:
    """Open answers with their orders; the quotes come along, so that the session need not ask for each."""
    due = func.coalesce(AnswerStep.answer_by, literal(_NEVER, Instant), type_=Instant)
    statement = (
        select(AnswerStep, Booking, Quote, due.label("due"))
        .join(
            Booking,
            (Booking.institution_id == AnswerStep.institution_id) & (Booking.id == AnswerStep.booking_id),
        )
        .outerjoin(Quote, (Quote.institution_id == Booking.institution_id) & (Quote.id == Booking.quote_id))
        .where(
            AnswerStep.state == StepState.OPEN.value,
            AnswerStep.who == Answerer.APPROVER.value,
            Booking.customer_id.in_(customers),
            Booking.state == BookingState.REQUESTED.value,
        )
    )
    if after is not None:
        moment, last = after
        statement = statement.where((due > moment) | ((due == moment) & (AnswerStep.id > last)))
    return reads().execute(statement.order_by(due, AnswerStep.id).limit(limit)).all()


def _judged(rows: _Rows, by: Actor) -> list[ToApprove]:
    """Those that wait indeed: no term has passed by which the answer came of itself."""
    now = clock.now()
    records = [store.record(row.Booking) for row in rows]
    every = answers.steps_of_many(reads(), {one.key for one in records}) if rows else {}
    to_pay = answers.to_pay_of(reads(), records)
    rules = availability.rules_of_numbers({(one.resource_key, one.rules_number) for one in records})
    approvers: dict[UUID, list[Actor]] = {}
    if by.has(Role.FIRM_ADMIN):
        approvers = {one: answers.approvers_of(one) for one in {record.customer_id for record in records}}
    found = []
    for row, record in zip(rows, records, strict=True):
        steps = tuple(every[record.key])
        step = next((one for one in steps if one.key.id == row.AnswerStep.id), None)
        if step is None:
            continue  # asked anew meanwhile
        its = rules[record.resource_key, record.rules_number]
        if reading.judged_by_clock(record, now) is not BookingState.REQUESTED or _passed(
            record, step, its, now
        ):
            continue
        mine = answers.may_answer(
            record, step, by, now, to_pay[record.key], approvers.get(record.customer_id)
        )
        late = step.answer_by is not None and now >= step.answer_by
        above = not mine and not late and not by.has(Role.APPROVER)
        found.append(ToApprove(record, step, steps, mine, above))
    return found


def _passed(record: BookingRecord, step: StepRecord, rules: HouseDocument, now: datetime) -> bool:
    """Whether silence counted as a yes, so that the next answer is wanted already."""
    if rules.silence is not Silence.CONSENT or step.opened_at is None:
        return False
    hours = answers.hours_of(rules, step.who)
    return step_end(rules, hours, step.opened_at, clock_of(record.institution_id, rules))[1] <= now
