"""Who is told that an answer is wanted of them, is due soon, or is theirs now because those below were silent."""

from __future__ import annotations

from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability.terms import Answerer
from resource_hub.domain.booking import answers, reading
from resource_hub.domain.booking.errors import NoSuchBooking
from resource_hub.domain.booking.ordering import names_of
from resource_hub.domain.booking.terms import StepState
from resource_hub.domain.notices import service as notices
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey


def tell_answer(unit: Unit, event: Event) -> None:
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    step_id = UUID(event.payload["step_id"])
    step = next((one for one in answers.steps_of(unit.session, key) if one.key.id == step_id), None)
    if step is None or step.state is not StepState.OPEN or step.answer_by is None:
        return
    try:
        record = reading.booking(key)
    except NoSuchBooking:
        return
    if event.name == "booking.answer_wanted" and step.who is Answerer.MANAGER and step.position == 0:
        return  # the laboratory is told of the request itself
    values = {**names_of(record), "until": step.answer_by.isoformat()}
    people = answers.people_of(record, step)
    if event.name == "booking.answer_escalated":
        people = answers.people_above(record, step)
    organisation_id = record.institution_id
    if step.who is Answerer.APPROVER:
        organisation_id = accounts.customer(record.customer_id).organisation_id
    host = accounts.organisation(record.institution_id)
    link = f"/hosts/{host.code}/bookings/{record.key.id}"
    notices.notify(unit, people, event.name, values, link, organisation_id, key=str(event.id))


SUBSCRIPTIONS = {
    "booking.requested": [("booking.answers", answers.on_requested)],
    "booking.changed": [("booking.answers", answers.on_requested)],
    **{
        f"booking.answer_{what}": [("booking.tell_answer", tell_answer)]
        for what in ("wanted", "reminder", "escalated")
    },
}
