"""What waits for the yes of a customer's own approver: which orders, by when, and whether it is this person's to give.

The rows are those of the answers that the house rules ask for (``answers``); the yes and the no go the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Answerer, Silence
from resource_hub.domain.booking import answers, reading, store
from resource_hub.domain.booking.preparing import clock_of
from resource_hub.domain.booking.rules.answering import step_end
from resource_hub.domain.booking.tables import AnswerStep, Booking
from resource_hub.domain.booking.terms import BookingRecord, BookingState, StepRecord, StepState
from resource_hub.infra import clock
from resource_hub.infra.database import reading as reads

APPROVES = (Role.APPROVER, Role.FIRM_ADMIN)


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


def to_approve(by: Actor, limit: int = 100) -> list[ToApprove]:
    """Orders of the actor's customers that wait for an approver, the nearest term first. Who approves nothing sees
    none."""
    customers = by.customer_ids | by.led_customer_ids if by.has(*APPROVES) else by.led_customer_ids
    if not customers:
        return []
    rows = reads().execute(
        select(AnswerStep, Booking)
        .join(
            Booking,
            (Booking.institution_id == AnswerStep.institution_id) & (Booking.id == AnswerStep.booking_id),
        )
        .where(
            AnswerStep.state == StepState.OPEN.value,
            AnswerStep.who == Answerer.APPROVER.value,
            Booking.customer_id.in_(customers),
            Booking.state == BookingState.REQUESTED.value,
        )
        .order_by(AnswerStep.answer_by, AnswerStep.id)
        .limit(limit)
    )
    now = clock.now()
    found = []
    for step_row, row in rows:
        record = store.record(row)
        steps = tuple(answers.steps_of(reads(), record.key))
        step = next((one for one in steps if one.key.id == step_row.id), None)
        if step is None:
            continue  # asked anew meanwhile
        if reading.judged_by_clock(record, now) is not BookingState.REQUESTED or _passed(record, step, now):
            continue
        mine = answers.may_answer(record, step, by, now)
        late = step.answer_by is not None and now >= step.answer_by
        above = not mine and not late and not by.has(Role.APPROVER)
        found.append(ToApprove(record, step, steps, mine, above))
    return found


def _passed(record: BookingRecord, step: StepRecord, now: datetime) -> bool:
    """Whether silence counted as a yes, so that the next answer is wanted already."""
    rules = availability.rules_numbered(record.resource_key, record.rules_number)
    if rules.silence is not Silence.CONSENT or step.opened_at is None:
        return False
    hours = answers.hours_of(rules, step.who)
    return step_end(rules, hours, step.opened_at, clock_of(record.institution_id, rules))[1] <= now
