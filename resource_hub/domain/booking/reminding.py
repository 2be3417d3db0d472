"""Answers whose term comes near or is over: who is reminded, who joins, and whose turn comes by silence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Answerer
from resource_hub.domain.booking import store
from resource_hub.domain.booking.answers import ask, hours_of, open_steps, write
from resource_hub.domain.booking.preparing import announce, announce_series, clock_of
from resource_hub.domain.booking.rules.answering import step_end
from resource_hub.domain.booking.tables import AnswerStep, Booking
from resource_hub.domain.booking.terms import BookingState, StepState
from resource_hub.infra import batches
from resource_hub.infra import clock as clocks
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.keys import HostKey

_Asked = tuple[HostKey, UUID | None]
"""An answer and the series of its order."""


def remind_due(limit: int = 50, lease: Lease | None = None) -> int:
    """Remind of answers whose reminder is due, tell those above of answers whose term is over, and ask whose turn comes
    by silence; returns how many. Days of a series that are due together are told together."""

    def remind(some: Sequence[_Asked]) -> int:
        with unit_of_work(lease=lease) as unit:
            return _remind(unit, {key.id for key, _series_id in some})

    def by_series(some: Sequence[_Asked]) -> list[list[_Asked]]:
        parts: dict[UUID, list[_Asked]] = {}
        for one in some:
            parts.setdefault(one[1] or one[0].id, []).append(one)
        return list(parts.values())

    def due(many: int) -> list[_Asked]:
        rows = _due(reading(), clocks.now(), many)
        return [(HostKey(row.institution_id, row.id), series_id) for row, series_id in rows]

    job = "booking.remind_answers"
    return batches.together(job, batches.found(job, due, limit), remind, by_series)


def _remind(unit: Unit, wanted: Collection[UUID]) -> int:
    rows = _due(unit.session, unit.now, len(wanted), wanted)
    ends = _ends_of_silence(unit, [row for row, _series_id in rows])
    together: dict[tuple[HostKey, str], list[AnswerStep]] = {}
    for row, series_id in rows:
        end = ends.get(row.id)
        values: dict[str, Any] = {"remind_at": None}
        what = "reminder"
        if end is not None:
            what = "escalated" if unit.now < end else "wanted"
            values = {"remind_at": end if unit.now < end else None, "escalated_at": unit.now}
        write(unit, HostKey(row.institution_id, row.id), values)
        subject = HostKey(row.institution_id, series_id or row.booking_id)
        together.setdefault((subject, what), []).append(row)
    for (subject, what), steps in together.items():
        days = [HostKey(step.institution_id, step.booking_id) for step in steps]
        if what == "wanted":
            several = len(days) > 1
            for key in days:
                ask(unit, key, quiet=several)
            # Where the last answer was silence nobody's turn comes.
            now = open_steps(unit.session, subject.institution_id, [key.id for key in days])
            silent = {step.id for step in steps}
            days = [key for key in days if key.id in now and now[key.id].key.id not in silent]
            if several and days:
                ids = [str(key.id) for key in days]
                announce_series(unit, subject, f"booking.series_answer_{what}", None, booking_ids=ids)
            continue
        if len(days) > 1:
            ids = [str(key.id) for key in days]
            announce_series(unit, subject, f"booking.series_answer_{what}", None, booking_ids=ids)
        else:
            announce(unit, days[0], f"booking.answer_{what}", None, step_id=str(steps[0].id))
    return len(rows)


def _due(
    session: Session, now: datetime, limit: int, wanted: Collection[UUID] | None = None
) -> list[tuple[AnswerStep, UUID | None]]:
    """Open answers that something is to be told of, each with the series of its order; of those ``wanted``, or all."""
    t = AnswerStep
    due = or_(t.remind_at <= now, and_(t.answer_by <= now, t.escalated_at.is_(None)))
    of = and_(Booking.institution_id == t.institution_id, Booking.id == t.booking_id)
    open_ = and_(t.state == StepState.OPEN.value, Booking.state == BookingState.REQUESTED.value)
    asked = select(t, Booking.series_id).join(Booking, of).where(open_, due)
    if wanted is not None:
        found = session.execute(asked.where(t.id.in_(wanted)).order_by(t.answer_by, t.id))
        return [(row, series_id) for row, series_id in found]
    rows = [
        (row, series_id) for row, series_id in session.execute(asked.order_by(t.answer_by, t.id).limit(limit))
    ]
    # No batch ends in the midst of a series.
    series = {series_id for _row, series_id in rows if series_id is not None}
    if series:
        rest = asked.where(Booking.series_id.in_(series), t.id.not_in([row.id for row, _series_id in rows]))
        rows += [(row, series_id) for row, series_id in session.execute(rest)]
    return rows


def _ends_of_silence(unit: Unit, rows: Sequence[AnswerStep]) -> dict[UUID, datetime]:
    """From when on silence counts, of those of these answers whose term is over; the resources of those for which it
    counts now are locked."""
    over = [row for row in rows if row.answer_by is not None and row.answer_by <= unit.now]
    records = store.records_of(unit.session, {HostKey(row.institution_id, row.booking_id) for row in over})
    ends: dict[UUID, datetime] = {}
    silent = set()
    for row in over:
        record = records[HostKey(row.institution_id, row.booking_id)]
        rules = availability.rules_numbered(record.resource_key, record.rules_number)
        assert row.opened_at is not None
        hours = hours_of(rules, Answerer(row.who))
        end = step_end(rules, hours, row.opened_at, clock_of(record.institution_id, rules))[1]
        ends[row.id] = end
        if end <= unit.now:
            silent.add(record.resource_key)
    availability.lock(unit, silent)
    return ends
