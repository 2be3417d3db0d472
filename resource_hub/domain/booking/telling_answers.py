"""Who is told that an answer is wanted of them, is due soon, or is theirs now because those below were silent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Answerer
from resource_hub.domain.booking import answers, reading, series_store
from resource_hub.domain.booking.errors import NoSuchBooking
from resource_hub.domain.booking.ordering import names_of
from resource_hub.domain.booking.terms import BookingRecord, BookingState, StepRecord, StepState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.notices import service as notices
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey


def tell_answer(unit: Unit, event: Event) -> None:
    if event.payload.get("quiet"):
        return
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    step_id = UUID(event.payload["step_id"])
    step = next((one for one in answers.steps_of(unit.session, key) if one.key.id == step_id), None)
    if step is None or step.state is not StepState.OPEN or step.answer_by is None:
        return
    try:
        record = reading.booking(key)
    except NoSuchBooking:
        return
    if event.name == "booking.answer_wanted" and _told_of_request(step):
        return
    values = {**names_of(record), "until": step.answer_by.isoformat()}
    asks = answers.people_above if event.name == "booking.answer_escalated" else answers.people_of
    # Nobody gives two answers.
    people = [person for person in asks(record, step) if person not in step.answered_by]
    organisation_id = _house_of(record, step)
    host = accounts.organisation(record.institution_id)
    link = f"/hosts/{host.code}/bookings/{record.key.id}"
    notices.notify(unit, people, event.name, values, link, organisation_id, key=str(event.id))


def _told_of_request(step: StepRecord) -> bool:
    """The laboratory is told of the request itself."""
    return step.who is Answerer.MANAGER and step.position == 0


def _house_of(record: BookingRecord, step: StepRecord) -> UUID:
    """The organisation for which an answer is given."""
    if step.who is Answerer.APPROVER:
        return accounts.customer(record.customer_id).organisation_id
    return record.institution_id


def tell_series(unit: Unit, event: Event) -> None:
    """One letter about all days of a series that wait for the same person; what was answered since is left out."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["series_id"]))
    series = series_store.series(unit.session, key)
    if series is None:
        return
    noted = [UUID(one) for one in event.payload["booking_ids"]]
    wanted = event.name == "booking.series_answer_wanted"
    asks = answers.people_above if event.name == "booking.series_answer_escalated" else answers.people_of
    if wanted:
        # All days ask in one unit, so that their terms end together.
        availability.lock(unit, [series.resource_key])
        for booking_id in noted:
            answers.ask(unit, HostKey(key.institution_id, booking_id), quiet=True)
    # Who gave an answer tells of the next one itself, also before the request was told of.
    first = event.payload.get("first", False)
    days = [
        one.booking
        for one in series_store.occurrences(unit.session, [key])[key]
        if one.booking and reading.judged_by_clock(one.booking, unit.now) is BookingState.REQUESTED
    ]
    steps = answers.open_steps(unit.session, key.institution_id, noted)
    asked: dict[tuple[UUID, UUID], list[datetime]] = {}
    people: dict[tuple[Answerer, UUID], list[UUID]] = {}
    approvers: dict[UUID, list[Actor]] = {}
    for record in days:
        step = steps.get(record.key.id)
        if (
            step is None
            or step.answer_by is None
            or (wanted and ((step.position == 0) is not first or _told_of_request(step)))
        ):
            continue
        same = (step.who, record.customer_id)
        if step.who is Answerer.APPROVER and asks is answers.people_of:
            # Each day has a price of its own, which an approver's limit reaches or not.
            if record.customer_id not in approvers:
                approvers[record.customer_id] = answers.approvers_of(record.customer_id)
            people[same] = answers.people_of(record, step, approvers[record.customer_id])
        elif same not in people:
            people[same] = asks(record, step)
        for person in people[same]:
            if person not in step.answered_by:
                asked.setdefault((person, _house_of(record, step)), []).append(step.answer_by)
    resource, customer = catalogue.resource(series.resource_key), accounts.customer(series.customer_id)
    link = f"/hosts/{accounts.organisation(key.institution_id).code}/series/{key.id}#answer"
    for (person, organisation_id), terms in asked.items():
        values = {
            "resource": {"zh": resource.name_zh, "en": resource.name_en},
            "customer": {"zh": customer.name_zh, "en": customer.name_en},
            "bookings": len(terms),
            "until": min(terms).isoformat(),
            "zone": resource.zone,
        }
        notices.notify(unit, [person], event.name, values, link, organisation_id, key=str(event.id))


SUBSCRIPTIONS = {
    "booking.requested": [("booking.answers", answers.on_requested)],
    "booking.changed": [("booking.answers", answers.on_requested)],
    "booking.handed_over": [("booking.answers", answers.on_requested)],
    **{
        f"booking.{subject}answer_{what}": [(f"booking.tell_{subject}answer", handler)]
        for what in ("wanted", "reminder", "escalated")
        for subject, handler in (("", tell_answer), ("series_", tell_series))
    },
}
