"""Strikes: given by the house rules or by hand, appealed against, decided by a second person.

Nothing here runs by the clock: a strike expires and a bar ends when somebody asks after that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking import history_store, reading, store, strike_store
from resource_hub.domain.booking.errors import InvalidOrder, NoSuchStrike, NotYours, WrongState, unchanged
from resource_hub.domain.booking.preparing import DECIDES, is_staff
from resource_hub.domain.booking.rules.earned import Conduct, earned
from resource_hub.domain.booking.tables import Strike
from resource_hub.domain.booking.terms import BookingRecord, StrikeKind, StrikeRecord, StrikeState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra import database
from resource_hub.infra.ids import derived_id, new_id
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey

LONGEST = 2000


# ---- giving ----------------------------------------------------------------------------------------------------


def on_booking(unit: Unit, event: Event) -> None:
    """Give what the house rules give for a no-show, for time given back late or a late arrival; take it back when a
    late proof shows that somebody came, or all of that time is taken again. Delivered again, it changes nothing."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    row = store.row_of(unit.session, key)
    if row is None:
        return
    record = store.record(row)
    rules, number = availability.house_rules(record.resource_key)
    if event.name == "booking.started":
        _take_back(unit, record, StrikeKind.NO_SHOW)
    span = record.span
    if span is None:
        return
    conduct = _conduct(unit, event, record)
    if event.payload.get("of"):
        # It may have gone to somebody else since.
        person_id, customer_id = map(UUID, event.payload["of"])
        record = replace(record, person_id=person_id, customer_id=customer_id)
    for kind, _at in earned(span, conduct, rules):
        _give(unit, record, kind, rules, number)


def on_use(unit: Unit, key: HostKey, used_seconds: int) -> None:
    """Hold what was used against what was booked, once all use of an order is sealed or was corrected: give the strike
    that the rules give for a mismatch, or take it back. Only the customer's own work counts as its use."""
    row = store.row_of(unit.session, key)
    if row is None:
        return
    record = store.record(row)
    if record.span is None or record.mode is not Mode.SELF_USE or record.parent_id is not None:
        return
    rules, number = availability.house_rules(record.resource_key)
    conduct = Conduct(used_seconds=used_seconds, sealed_at=unit.now)
    kinds = [kind for kind, _at in earned(record.span, conduct, rules)]
    for kind in kinds:
        _give(unit, record, kind, rules, number)
    if not kinds:
        _take_back(unit, record, StrikeKind.MISMATCH)


def _conduct(unit: Unit, event: Event, record: BookingRecord) -> Conduct:
    """What the happening says of the booking."""
    if event.name == "booking.no_show":
        return Conduct(missed_at=unit.now)
    found = history_store.conduct(unit.session, record.institution_id, [record.key.id])
    known = found.get(record.key.id, Conduct())
    if event.name == "booking.started":
        return Conduct(came_at=known.came_at)
    if event.name == "booking.changed":
        if not known.given_back:
            _take_back(unit, record, StrikeKind.LATE_CANCEL, record.person_id)
        gave = event.payload.get("gave")
        return Conduct(given_back=((datetime.fromisoformat(gave[0]), event.at),) if gave else ())
    return Conduct(given_back=known.given_back)


def _give(
    unit: Unit, record: BookingRecord, kind: StrikeKind, rules: HouseDocument, number: int | None
) -> None:
    assert record.span is not None
    before = strike_store.of_booking(unit.session, record.key, kind)
    if before is not None:
        taken_back = before.state == StrikeState.LIFTED.value and before.decided_by is None
        if kind is StrikeKind.LATE_CANCEL and taken_back and before.person_id == record.person_id:
            # Taken again, and given back once more.
            key = HostKey(before.institution_id, before.id)
            _write(unit, key, {"state": StrikeState.GIVEN.value, "decided_at": None})
            _happened(unit, key, "given", {"kind": kind.value, "booking": str(record.key.id)}, None)
        return
    made = derived_id(record.span.start, "strike", record.institution_id, record.key.id, kind.value)
    key = HostKey(record.institution_id, made)
    _insert(unit, key, record, kind, rules.strike_days, number, None, "")


def _insert(
    unit: Unit,
    key: HostKey,
    record: BookingRecord,
    kind: StrikeKind,
    days: int,
    number: int | None,
    given_by: UUID | None,
    note: str,
) -> None:
    unit.session.execute(
        insert(Strike).values(
            institution_id=key.institution_id,
            id=key.id,
            resource_id=record.resource_id,
            booking_id=record.key.id,
            customer_id=record.customer_id,
            person_id=record.person_id,
            kind=kind.value,
            state=StrikeState.GIVEN.value,
            given_at=unit.now,
            given_by=given_by,
            expires_at=unit.now + timedelta(days=days),
            rules_number=number,
            note=note,
            appeal="",
            decision="",
            version=1,
        )
    )
    _happened(unit, key, "given", {"kind": kind.value, "booking": str(record.key.id)}, given_by)


def _take_back(unit: Unit, record: BookingRecord, kind: StrikeKind, of: UUID | None = None) -> None:
    """What is known now speaks against the strike, of a certain person where one is named."""
    row = strike_store.of_booking(unit.session, record.key, kind)
    if row is not None and row.state != StrikeState.LIFTED.value and of in (None, row.person_id):
        key = HostKey(row.institution_id, row.id)
        _write(unit, key, {"state": StrikeState.LIFTED.value, "decided_at": unit.now})
        _happened(unit, key, "lifted", {"proof": True}, None)


@retried()
def give_by_hand(number: str, *, note: str, by: Actor) -> StrikeRecord:
    """A strike for misuse during a booking of the actor's house, with what happened; the person reads it.

    Raises:
        InvalidOrder: without a note, no such booking number, or it was given before. NotYours
    """
    booking_id = store.id_of_number(database.reading(), by.organisation_id, number.strip().upper())
    if booking_id is None:
        raise InvalidOrder(Reason("booking.no_such_number", {}, "number"))
    booking_key = HostKey(by.organisation_id, booking_id)
    record = reading.booking(booking_key)
    if not is_staff(by, catalogue.resource(record.resource_key), DECIDES):
        raise NotYours()
    text = written(note, "note")
    rules, version = availability.house_rules(record.resource_key)
    with unit_of_work() as unit:
        if strike_store.of_booking(unit.session, booking_key, StrikeKind.MISUSE) is not None:
            raise InvalidOrder(Reason("booking.strike_given_before", {}, "number"))
        key = HostKey(record.institution_id, new_id())
        _insert(unit, key, record, StrikeKind.MISUSE, rules.strike_days, version, by.person_id, text)
        return strike_store.known(unit.session, key)


def written(text: str, place: str) -> str:
    """A reason that people read, as typed."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise InvalidOrder(Reason("booking.strike_text", {"most": LONGEST}, place))
    return text


# ---- appeal and decision ---------------------------------------------------------------------------------------


@retried()
def appeal(key: HostKey, text: str, *, person_id: UUID, version: int | None = None) -> StrikeRecord:
    """Say why one's own strike is not right; once, while it counts.

    Raises:
        NoSuchStrike: there is none, or it is somebody else's. WrongState: appealed before, lifted or expired.
        InvalidOrder: without a text. StaleBooking
    """
    with unit_of_work() as unit:
        strike = _locked(unit, key, version)
        if strike.person_id != person_id:
            raise NoSuchStrike()
        words = written(text, "appeal")
        if strike.state is not StrikeState.GIVEN or not strike.counts(unit.now):
            raise WrongState(Reason("booking.strike_no_appeal", {}))
        values = {"appeal": words, "appealed_at": unit.now, "appealed_by": person_id}
        _write(unit, key, {"state": StrikeState.APPEALED.value, **values})
        _happened(unit, key, "appealed", {}, person_id)
        return strike_store.known(unit.session, key)


@retried()
def decide(key: HostKey, *, lift: bool, text: str, by: Actor, version: int | None = None) -> StrikeRecord:
    """Answer an appeal, or lift a strike without one; the answer is told with its reason.

    Raises:
        NoSuchStrike: another host's, or out of reach. NotYours: who gave it does not decide on it.
        WrongState: it was decided, or nobody appealed and it would be upheld. InvalidOrder, StaleBooking
    """
    with unit_of_work() as unit:
        strike = _locked(unit, key, version)
        if not is_staff(by, catalogue.resource(strike.resource_key), DECIDES):
            raise NoSuchStrike()
        if by.person_id in (strike.given_by, strike.person_id):
            raise NotYours(Reason("booking.strike_second_person", {}))
        open_to = (StrikeState.GIVEN, StrikeState.APPEALED) if lift else (StrikeState.APPEALED,)
        if strike.state not in open_to:
            raise WrongState(Reason("booking.strike_decided", {}))
        state = StrikeState.LIFTED if lift else StrikeState.UPHELD
        words = written(text, "decision")
        values = {"decision": words, "decided_at": unit.now, "decided_by": by.person_id}
        _write(unit, key, {"state": state.value, **values})
        _happened(unit, key, state.value, {}, by.person_id)
        return strike_store.known(unit.session, key)


def _locked(unit: Unit, key: HostKey, version: int | None) -> StrikeRecord:
    row = unit.session.scalars(
        select(Strike)
        .where(Strike.institution_id == key.institution_id, Strike.id == key.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NoSuchStrike()
    unchanged(row.version, version)
    return strike_store.record_of(row)


def _write(unit: Unit, key: HostKey, values: dict[str, Any]) -> None:
    unit.session.execute(
        update(Strike)
        .where(Strike.institution_id == key.institution_id, Strike.id == key.id)
        .values(**values, version=Strike.version + 1)
        .execution_options(synchronize_session=False)
    )


def _happened(unit: Unit, key: HostKey, what: str, details: dict[str, Any], person_id: UUID | None) -> None:
    unit.audit(f"booking.strike_{what}", key.institution_id, f"strike:{key.id}", details, person_id=person_id)
    payload = {
        "institution_id": str(key.institution_id),
        "strike_id": str(key.id),
        "person_id": str(person_id) if person_id else None,
    }
    unit.publish(f"booking.strike_{what}", f"{key.institution_id}:{key.id}", payload)


def missed_before(record: BookingRecord) -> tuple[datetime, ...]:
    """When the no-shows began that the person of a booking had on its resource before it."""
    return tuple(strike_store.missed_before(database.reading(), record)) if record.span is not None else ()


# ---- asking ----------------------------------------------------------------------------------------------------


def strikes_of(person_id: UUID, limit: int = 200, after: Sequence[Any] | None = None) -> list[StrikeRecord]:
    """A person's own strikes at every host, the newest first."""
    statement = select(Strike).where(Strike.person_id == person_id)
    return strike_store.listed(database.reading(), statement, limit, after)


def strike_for(key: HostKey, by: Actor) -> StrikeRecord:
    """A strike, for the person whose it is and for who decides on it.

    Raises:
        NoSuchStrike: there is none, or not for this reader.
    """
    found = strike_store.known(database.reading(), key)
    decides = is_staff(by, catalogue.resource(found.resource_key), DECIDES)
    if found.person_id != by.person_id and not decides:
        raise NoSuchStrike()
    return found


def strikes_at(
    by: Actor,
    *,
    states: Iterable[StrikeState] = (),
    limit: int = 200,
    after: Sequence[Any] | None = None,
) -> list[StrikeRecord]:
    """Strikes at a host as far as the actor's roles reach, the newest first."""
    if not by.has(*DECIDES):
        return []
    statement = select(Strike).where(Strike.institution_id == by.organisation_id)
    if by.department_ids is not None:
        ids = [record.key.id for record in catalogue.resources_managed_by(by)]
        statement = statement.where(Strike.resource_id.in_(ids))
    wanted = [state.value for state in states]
    if wanted:
        statement = statement.where(Strike.state.in_(wanted))
    return strike_store.listed(database.reading(), statement, limit, after)
