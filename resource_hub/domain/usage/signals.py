"""What machines say: devices, their tokens, and the signals they send; and what people report as broken."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.usage import neighbours, store
from resource_hub.domain.usage.errors import DeviceUnknown, EntryInvalid, NoSuchFault, NoSuchUnit
from resource_hub.domain.usage.lifecycle import flag, settle
from resource_hub.domain.usage.records import DeviceRecord, FaultRecord
from resource_hub.domain.usage.tables import Device, Fault, UsageSession
from resource_hub.domain.usage.terms import EvidenceKind, Phase, SessionState
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason, refuse_if
from resource_hub.kernel.keys import HostKey

S = SessionState
LONGEST_SIGNAL = timedelta(days=31)
AHEAD = timedelta(minutes=5)
"""A device's clock may run so far ahead of ours; beyond that its message is refused, not believed."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One stretch that a machine reports. ``sequence`` is the device's own number of the message."""

    sequence: str
    starts_at: datetime
    ends_at: datetime
    phase: Phase = Phase.MEASURING


@dataclass(frozen=True, slots=True)
class Received:
    """How many messages were new, and how many the hub had already."""

    new: int
    known: int


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@retried()
def add_device(by: Actor, unit_key: HostKey, name: str) -> tuple[DeviceRecord, str]:
    """Register a device for a unit; its token is shown this once.

    Raises:
        NoSuchUnit: not a unit that this actor looks after. EntryInvalid: no name.
    """
    if not name.strip():
        raise EntryInvalid(Reason("usage.name_wanted", {}, "name"))
    lane = neighbours.unit(unit_key)
    if lane.resource_id not in {r.key.id for r in neighbours.resources_looked_after(by)}:
        raise NoSuchUnit()
    token = "rhd_" + secrets.token_urlsafe(32)
    with unit_of_work() as unit:
        row = Device(
            institution_id=unit_key.institution_id,
            id=new_id(),
            resource_id=lane.resource_id,
            unit_id=lane.key.id,
            name=name.strip()[:120],
            token_hash=token_hash(token),
            active=True,
            created_at=unit.now,
        )
        unit.session.add(row)
        unit.session.flush()
        unit.audit(
            "usage.device_added",
            row.institution_id,
            f"device:{row.id}",
            {"name": row.name},
            person_id=by.person_id,
        )
        return store.device_record(row), token


@retried()
def revoke_device(by: Actor, key: HostKey) -> None:
    """A device may send no more. Raises NoSuchUnit for one of another host."""
    with unit_of_work() as unit:
        row = unit.session.get(Device, (key.institution_id, key.id))
        if row is None or row.institution_id != by.organisation_id:
            raise NoSuchUnit()
        row.active = False
        unit.audit("usage.device_revoked", row.institution_id, f"device:{row.id}", {}, person_id=by.person_id)


def devices(institution_id: UUID) -> list[DeviceRecord]:
    rows = reading().scalars(
        select(Device).where(Device.institution_id == institution_id).order_by(Device.created_at)
    )
    return [store.device_record(row) for row in rows]


@retried()
def receive_signals(host_code: str, token: str, messages: Sequence[Signal]) -> Received:
    """Take in what a device says. A message that comes again (by its sequence) changes nothing (worked case U5).

    Raises:
        DeviceUnknown: no such device of this host, or revoked. EntryInvalid: every bad message, and none is kept.
    """
    host = neighbours.host(host_code)
    with unit_of_work() as unit:
        device = unit.session.scalars(
            select(Device).where(Device.token_hash == token_hash(token), Device.institution_id == host.id)
        ).one_or_none()
        if device is None or not device.active:
            raise DeviceUnknown()
        refuse_if(_problems(messages, unit.now), EntryInvalid)
        new = 0
        touched: list[Signal] = []
        for message in messages:
            starts, ends = message.starts_at.replace(microsecond=0), message.ends_at.replace(microsecond=0)
            added = store.add_evidence(
                unit,
                EvidenceKind.MACHINE_SIGNAL,
                institution_id=host.id,
                resource_id=device.resource_id,
                unit_id=device.unit_id,
                session_id=None,
                starts_at=starts,
                ends_at=ends,
                source=f"device:{device.id}",
                source_key=message.sequence,
                details={"phase": message.phase.value},
            )
            if added is not None:
                new += 1
                touched.append(message)
        device.last_seen_at = unit.now
        _settle_touched(unit, host.id, device.unit_id, touched)
        return Received(new, len(messages) - new)


def _problems(messages: Sequence[Signal], now: datetime) -> list[Reason]:
    found = []
    for number, message in enumerate(messages):
        place = f"signals[{number}]"
        if message.ends_at <= message.starts_at:
            found.append(Reason("usage.ends_before_start", {}, place))
        elif message.ends_at - message.starts_at > LONGEST_SIGNAL:
            found.append(Reason("usage.signal_too_long", {"days": LONGEST_SIGNAL.days}, place))
        if message.ends_at > now + AHEAD:
            found.append(Reason("usage.in_the_future", {}, place))
        if not message.sequence or len(message.sequence) > 200:
            found.append(Reason("usage.sequence_wanted", {}, place))
    return found


def _settle_touched(unit: Unit, institution_id: UUID, unit_id: UUID, signals: Sequence[Signal]) -> None:
    """Work out anew the sessions at whose time the machine ran."""
    if not signals:
        return
    first, last = min(s.starts_at for s in signals), max(s.ends_at for s in signals)
    rows = unit.session.scalars(
        select(UsageSession)
        .where(
            UsageSession.institution_id == institution_id,
            UsageSession.unit_id == unit_id,
            UsageSession.state.in_([S.ENDED.value, S.NO_SHOW.value]),
            UsageSession.day >= (first - timedelta(days=32)).date(),
            UsageSession.day <= (last + timedelta(days=32)).date(),
        )
        .with_for_update()
    ).all()
    host = neighbours.host(institution_id)
    for row in rows:
        starts, ends = row.starts_at or row.booked_starts_at, row.ends_at or row.booked_ends_at
        if starts is None or ends is None or starts >= last or ends <= first:
            continue
        if row.state == S.NO_SHOW.value:
            flag(row, "machine_ran")  # somebody must look: the slot may have been given to another meanwhile
        settle(unit, host, row)


# ---- faults -----------------------------------------------------------------------------------------------------


@retried()
def report_fault(unit_key: HostKey, person_id: UUID, text: str, severity: str = "limited") -> FaultRecord:
    """Somebody at the machine says that something is wrong; the people who look after it are told.

    Raises:
        EntryInvalid: nothing was said, or an unknown severity.
    """
    problems = []
    if not text.strip():
        problems.append(Reason("usage.text_wanted", {}, "text"))
    if severity not in ("note", "limited", "down"):
        problems.append(Reason("usage.severity_unknown", {}, "severity"))
    refuse_if(problems, EntryInvalid)
    lane = neighbours.unit(unit_key)
    resource = neighbours.resource(HostKey(unit_key.institution_id, lane.resource_id))
    with unit_of_work() as unit:
        running = store.running_on(unit.session, unit_key.institution_id, lane.key.id)
        row = Fault(
            institution_id=unit_key.institution_id,
            id=new_id(),
            resource_id=lane.resource_id,
            unit_id=lane.key.id,
            session_id=running.id if running is not None else None,
            severity=severity,
            text=text.strip()[:4000],
            reported_by=person_id,
            reported_at=unit.now,
        )
        unit.session.add(row)
        unit.session.flush()
        unit.publish(
            "usage.fault_reported",
            f"{row.institution_id}:{row.id}",
            {
                "institution_id": str(row.institution_id),
                "fault_id": str(row.id),
                "resource_id": str(row.resource_id),
                "department_id": str(resource.department_id) if resource.department_id else None,
            },
        )
        return store.fault_record(row)


@retried()
def close_fault(by: Actor, key: HostKey, note: str) -> FaultRecord:
    """The fault is mended. Raises NoSuchFault for one of another host."""
    with unit_of_work() as unit:
        row = unit.session.get(Fault, (key.institution_id, key.id))
        if row is None or row.institution_id != by.organisation_id:
            raise NoSuchFault()
        if row.closed_at is None:
            row.closed_at, row.closed_by, row.closing_note = unit.now, by.person_id, note.strip()[:2000]
            unit.audit(
                "usage.fault_closed", row.institution_id, f"fault:{row.id}", {}, person_id=by.person_id
            )
        return store.fault_record(row)
