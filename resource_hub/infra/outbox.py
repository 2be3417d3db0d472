"""Outbox: an event and one delivery row per subscriber, written in the unit that caused them.

A delivery is claimed by its row, handled and marked in one unit, in order per subject; after ten failures it is
parked and shown on the operations page. Nobody reads "everything after the last id".
"""

from __future__ import annotations

import logging
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import aliased

from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import OutboxDelivery, OutboxEvent
from resource_hub.infra.together import add_later

if TYPE_CHECKING:
    from resource_hub.infra.unit_of_work import Lease, Unit

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Event:
    """What a subscriber receives. ``at`` is the business time of the change."""

    id: UUID
    name: str
    subject: str
    payload: Mapping[str, Any]
    at: datetime


Handler = Callable[["Unit", Event], None]
# Event name → subscribers by name. Filled once by the composition root.
_subscribers: dict[str, dict[str, Handler]] = defaultdict(dict)


_left_out: ContextVar[Callable[[str], bool]] = ContextVar(
    "subscribers_left_out", default=lambda _subscriber: False
)


@contextmanager
def leaving_out(which: Callable[[str], bool]) -> Iterator[None]:
    """No delivery is written to these subscribers inside the block: what happens there is never told to them."""
    token = _left_out.set(which)
    try:
        yield
    finally:
        _left_out.reset(token)


def subscribe(subscriptions: Mapping[str, Iterable[tuple[str, Handler]]]) -> None:
    """Add the subscriptions of one capability; a subscriber's name is stored in its deliveries and must stay."""
    for name, handlers in subscriptions.items():
        for subscriber, handler in handlers:
            _subscribers[name][subscriber] = handler


def publish(unit: Unit, name: str, subject: str, payload: Mapping[str, Any]) -> None:
    left_out = _left_out.get()
    subscribers = [subscriber for subscriber in _subscribers.get(name, ()) if not left_out(subscriber)]
    if not subscribers:
        return
    event_id = new_id()
    event = {"id": event_id, "name": name, "subject": subject, "payload": dict(payload), "at": unit.now}
    add_later(unit.session, OutboxEvent, [event])
    add_later(
        unit.session,
        OutboxDelivery,
        [
            {
                "id": new_id(),
                "event_id": event_id,
                "subscriber": subscriber,
                "subject": subject,
                "state": "waiting",
                "attempts": 0,
                "not_before": clock.machine_now(),
            }
            for subscriber in subscribers
        ],
    )


def deliver_due(limit: int = 100, lease: Lease | None = None) -> int:
    """Deliver what is due, one unit per delivery; returns how many were handled.

    An earlier delivery of the same subscriber and subject that is still waiting holds back the later ones.
    """
    handled = 0
    for delivery_id in _due(limit):
        try:
            handled += _deliver(delivery_id, lease)
        except Exception as error:  # a handler's failure must not stop the others
            _failed(delivery_id, error)
    return handled


def _due(limit: int) -> list[UUID]:
    earlier = aliased(OutboxDelivery)
    held_back = exists().where(
        earlier.subscriber == OutboxDelivery.subscriber,
        earlier.subject == OutboxDelivery.subject,
        earlier.state == "waiting",
        earlier.id < OutboxDelivery.id,
        earlier.not_before > clock.machine_now(),
    )
    statement = (
        select(OutboxDelivery.id)
        .where(
            OutboxDelivery.state == "waiting", OutboxDelivery.not_before <= clock.machine_now(), ~held_back
        )
        .order_by(OutboxDelivery.id)
        .limit(limit)
    )
    # Looking twice a second must not queue for the writer's lock.
    return list(reading().scalars(statement))


def _deliver(delivery_id: UUID, lease: Lease | None) -> int:
    from resource_hub.infra.unit_of_work import unit_of_work

    with unit_of_work(lease=lease) as unit:
        earlier = aliased(OutboxDelivery)
        held_back = exists().where(
            earlier.subscriber == OutboxDelivery.subscriber,
            earlier.subject == OutboxDelivery.subject,
            earlier.state == "waiting",
            earlier.id < OutboxDelivery.id,
        )
        found = unit.session.execute(
            select(OutboxDelivery, OutboxEvent)
            .join(OutboxEvent, OutboxEvent.id == OutboxDelivery.event_id)
            .where(OutboxDelivery.id == delivery_id, OutboxDelivery.state == "waiting", ~held_back)
            .with_for_update(of=OutboxDelivery, skip_locked=True)
        ).one_or_none()
        if found is None:
            return 0
        row, source = found
        handler = _subscribers.get(source.name, {}).get(row.subscriber)
        if handler is None:
            row.state = "parked"
            row.error = f"no subscriber named {row.subscriber}"
            return 0
        row.state = "done"
        row.done_at = clock.machine_now()
        unit.session.flush()
        handler(unit, Event(source.id, source.name, source.subject, source.payload, source.at))
        return 1


def _failed(delivery_id: UUID, error: Exception) -> None:
    from resource_hub.infra.unit_of_work import unit_of_work

    log.warning("outbox delivery %s failed", delivery_id, exc_info=error)
    with unit_of_work() as unit:
        row = unit.session.get(OutboxDelivery, delivery_id)
        if row is None or row.state != "waiting":
            return
        row.attempts += 1
        row.error = "".join(traceback.format_exception_only(error))[:2000]
        row.not_before = clock.machine_now() + timedelta(seconds=min(2**row.attempts, 300))
        if row.attempts >= MAX_ATTEMPTS:
            row.state = "parked"


def backlog() -> int:
    return (
        reading().scalar(
            select(func.count()).select_from(OutboxDelivery).where(OutboxDelivery.state == "waiting")
        )
        or 0
    )


def waiting(subscribers: Iterable[str], until: datetime) -> bool:
    """Whether one of these subscribers has not handled yet what happened before a moment of business time."""
    found = reading().scalar(
        select(OutboxDelivery.id)
        .join(OutboxEvent, OutboxEvent.id == OutboxDelivery.event_id)
        .where(
            OutboxDelivery.state == "waiting",
            OutboxDelivery.subscriber.in_(list(subscribers)),
            OutboxEvent.at < until,
        )
        .limit(1)
    )
    return found is not None


def retry_parked(unit: Unit, delivery_id: UUID) -> bool:
    """Give a parked delivery ten more tries; asked for by a person on the operations page."""
    result = unit.session.execute(
        update(OutboxDelivery)
        .where(OutboxDelivery.id == delivery_id, OutboxDelivery.state == "parked")
        .values(state="waiting", attempts=0, not_before=clock.machine_now())
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]
