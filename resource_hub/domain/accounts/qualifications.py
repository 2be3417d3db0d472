"""Trainings: what a host teaches, who has passed it, and until when it holds.

Whether a training holds is judged by the day asked about; the job only reminds. A training is revoked, never deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from resource_hub.domain.accounts import store
from resource_hub.domain.accounts.access import folded
from resource_hub.domain.accounts.errors import BadInput, Changed, NotYours, UnknownQualification
from resource_hub.domain.accounts.tables import Organisation, Qualification, QualificationType
from resource_hub.domain.accounts.terms import (
    Actor,
    OrganisationKind,
    QualificationRecord,
    QualificationTypeRecord,
    Role,
)
from resource_hub.infra import batches, clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import after_months, local_day, zone

TRAINS = (Role.MANAGER, Role.DEPUTY, Role.OFFICE, Role.INSTITUTION_ADMIN)
# So long before a training expires its holder is told.
REMIND_DAYS = 30
_LONGEST = 120
_OUTER = aliased(Qualification)


def _may_train(by: Actor) -> None:
    if by.organisation_kind is not OrganisationKind.INSTITUTION or not by.has(*TRAINS):
        raise NotYours()


# ---- what is taught --------------------------------------------------------------------------------------------


def training_types(institution_id: UUID, *, active_only: bool = False) -> list[QualificationTypeRecord]:
    """The trainings of a host, by name."""
    statement = select(QualificationType).where(QualificationType.institution_id == institution_id)
    if active_only:
        statement = statement.where(QualificationType.active)
    rows = reading().scalars(statement.order_by(QualificationType.name_zh, QualificationType.id))
    return [_type(row) for row in rows]


def add_training_type(
    *, code: str, name_zh: str, name_en: str = "", valid_months: int = 0, by: Actor
) -> QualificationTypeRecord:
    """Add a training; house rules name it by its code.

    Raises:
        NotYours, BadInput: with every fault.
    """
    _may_train(by)
    code, zh, en = code.strip().lower(), name_zh.strip(), name_en.strip()
    faults = []
    if (
        not code
        or len(code) > 60
        or not code.replace("-", "").replace("_", "").isalnum()
        or not code.isascii()
    ):
        faults.append(Reason("accounts.training_code", {}, "code"))
    if not (zh or en) or max(len(zh), len(en)) > _LONGEST:
        faults.append(Reason("accounts.name_missing", {}, "name_zh"))
    if not 0 <= valid_months <= 240:
        faults.append(Reason("accounts.training_months", {"most": 240}, "valid_months"))
    with unit_of_work() as unit:
        # Two who add the same at the same moment come one after the other.
        own = select(Organisation.id).where(Organisation.id == by.organisation_id)
        unit.session.execute(own.with_for_update(key_share=True))
        if any(one.code == code for one in training_types(by.organisation_id)):
            faults.append(Reason("accounts.training_exists", {"code": code}, "code"))
        if faults:
            raise BadInput(*faults)
        row = QualificationType(
            institution_id=by.organisation_id,
            id=new_id(),
            code=code,
            name_zh=zh or en,
            name_en=en or zh,
            valid_months=valid_months,
            active=True,
            created_at=unit.now,
        )
        unit.session.add(row)
        unit.session.flush()
        unit.audit(
            "training.added", by.organisation_id, f"training:{row.id}", {"code": code}, person_id=by.person_id
        )
        return _type(row)


# ---- who has passed it -----------------------------------------------------------------------------------------


def grant_training(
    type_id: UUID, email: str, *, since: date, until: date | None = None, note: str = "", by: Actor
) -> QualificationRecord:
    """Note that a person has passed a training. Without an end it holds as long as the training says.

    Raises:
        NotYours, UnknownQualification: no such training here. BadInput: nobody has this address; the days are wrong.
    """
    _may_train(by)
    kind = _type_row(HostKey(by.organisation_id, type_id))
    if until is None and kind.valid_months:
        until = after_months(since, kind.valid_months)
    faults = []
    person = store.person_by_email(folded(email))
    if person is None:
        faults.append(Reason("accounts.training_nobody", {}, "email"))
    elif person.id == by.person_id:
        faults.append(Reason("accounts.training_own", {}, "email"))
    if since > local_day(clock.now(), zone(_zone_of(by.organisation_id))):
        faults.append(Reason("accounts.training_future", {}, "since"))
    if until is not None and until <= since:
        faults.append(Reason("accounts.training_until", {}, "until"))
    if len(note) > 500:
        faults.append(Reason("form.too_long", {"limit": 500}, "note"))
    if faults or person is None:
        raise BadInput(*faults)
    with unit_of_work() as unit:
        key = HostKey(by.organisation_id, new_id())
        unit.session.execute(
            insert(Qualification).values(
                institution_id=key.institution_id,
                id=key.id,
                type_id=type_id,
                person_id=person.id,
                since=since,
                until=until,
                note=note.strip(),
                granted_by=by.person_id,
                granted_at=unit.now,
                revoke_reason="",
                version=1,
            )
        )
        _happened(unit, key, "granted", by.person_id)
        return _known(key)


def revoke_training(
    key: HostKey, *, reason: str, by: Actor, version: int | None = None
) -> QualificationRecord:
    """Take a training back from now on; the person reads why.

    Raises:
        NotYours, UnknownQualification, BadInput: without a reason. Changed: it was changed since.
    """
    _may_train(by)
    if key.institution_id != by.organisation_id:
        raise UnknownQualification()
    if not reason.strip() or len(reason) > 500:
        raise BadInput(Reason("accounts.training_reason", {"most": 500}, "reason"))
    with unit_of_work() as unit:
        found = _known(key)
        if found.revoked_at is not None or version not in (None, found.version):
            raise Changed(Reason("accounts.training_changed", {}))
        done = unit.session.execute(
            update(Qualification)
            .where(
                Qualification.institution_id == key.institution_id,
                Qualification.id == key.id,
                Qualification.version == found.version,
            )
            .values(
                revoked_at=unit.now,
                revoked_by=by.person_id,
                revoke_reason=reason.strip(),
                version=Qualification.version + 1,
            )
            .execution_options(synchronize_session=False)
        )
        if done.rowcount != 1:  # type: ignore[attr-defined]
            raise Changed(Reason("accounts.training_changed", {}))
        _happened(unit, key, "revoked", by.person_id)
        return _known(key)


def _happened(unit: Unit, key: HostKey, what: str, person_id: UUID | None) -> None:
    unit.audit(f"training.{what}", key.institution_id, f"qualification:{key.id}", {}, person_id=person_id)
    payload = {"institution_id": str(key.institution_id), "qualification_id": str(key.id)}
    unit.publish(f"accounts.training_{what}", f"{key.institution_id}:{key.id}", payload)


# ---- asking ----------------------------------------------------------------------------------------------------


def qualified(institution_id: UUID, person_id: UUID, code: str, on: date) -> bool:
    """Whether a person has a training of a host that holds on a day."""
    found = reading().scalar(
        select(func.count())
        .select_from(Qualification)
        .join(QualificationType, _of_type())
        .where(
            QualificationType.institution_id == institution_id,
            QualificationType.code == code,
            Qualification.person_id == person_id,
            Qualification.revoked_at.is_(None),
            Qualification.since <= on,
            or_(Qualification.until.is_(None), Qualification.until > on),
        )
    )
    return bool(found)


def _of_type() -> Any:
    return (QualificationType.institution_id == Qualification.institution_id) & (
        QualificationType.id == Qualification.type_id
    )


def trainings_of(
    person_id: UUID, limit: int = 500, after: Sequence[Any] | None = None
) -> list[QualificationRecord]:
    """A person's trainings at every host, the newest first, from the place after a row on."""
    return _list(Qualification.person_id == person_id, limit=limit, after=after)


def trainings_at(
    by: Actor, limit: int = 500, after: Sequence[Any] | None = None, *, type_id: UUID | None = None
) -> list[QualificationRecord]:
    """Who has passed what at the actor's institution, the newest first, from the place after a row: when it was
    confirmed and its id.

    Raises:
        NotYours
    """
    _may_train(by)
    where = [Qualification.institution_id == by.organisation_id]
    if type_id is not None:
        where.append(Qualification.type_id == type_id)
    return _list(*where, limit=limit, after=after)


def training(key: HostKey) -> QualificationRecord:
    """One training of a person, for who tells of it.

    Raises:
        UnknownQualification
    """
    return _known(key)


class Trainings:
    """Booking's port of trainings."""

    def qualified(self, person_id: UUID, key: HostKey, training: str, on: date) -> bool | None:
        return qualified(key.institution_id, person_id, training, on)


# ---- the job that reminds --------------------------------------------------------------------------------------


def remind_expiring(limit: int = 50, lease: Lease | None = None) -> int:
    """Tell holders whose training expires within a month, once each; returns how many were told.

    Who has the same training for longer already is not told.
    """

    def due(many: int) -> list[HostKey]:
        now = clock.now()
        later = select(Qualification.id).where(
            Qualification.institution_id == _OUTER.institution_id,
            Qualification.type_id == _OUTER.type_id,
            Qualification.person_id == _OUTER.person_id,
            Qualification.revoked_at.is_(None),
            or_(Qualification.until.is_(None), Qualification.until > _OUTER.until),
        )
        rows = reading().execute(
            select(_OUTER.institution_id, _OUTER.id)
            .where(
                _OUTER.until <= (now + timedelta(days=REMIND_DAYS)).date(),
                _OUTER.until > now.date(),
                _OUTER.revoked_at.is_(None),
                _OUTER.reminded_at.is_(None),
                ~later.exists(),
            )
            .order_by(_OUTER.until, _OUTER.id)
            .limit(many)
        )
        return [HostKey(*row) for row in rows]

    def remind(keys: Sequence[HostKey]) -> int:
        with unit_of_work(lease=lease) as unit:
            for key in keys:
                unit.session.execute(
                    update(Qualification)
                    .where(Qualification.institution_id == key.institution_id, Qualification.id == key.id)
                    .values(reminded_at=unit.now)
                    .execution_options(synchronize_session=False)
                )
                _happened(unit, key, "expiring", None)
            return len(keys)

    job = "accounts.remind_trainings"
    return batches.together(job, batches.found(job, due, limit), remind)


# ---- rows ------------------------------------------------------------------------------------------------------


def _list(*where: Any, limit: int, after: Sequence[Any] | None) -> list[QualificationRecord]:
    if after is not None:
        moment, last = after
        same = and_(Qualification.granted_at == moment, Qualification.id > last)
        where = (*where, or_(Qualification.granted_at < moment, same))
    rows = reading().execute(
        select(Qualification, QualificationType)
        .join(QualificationType, _of_type())
        .where(*where)
        .order_by(Qualification.granted_at.desc(), Qualification.id)
        .limit(limit)
    )
    return [_record(*row) for row in rows]


def _known(key: HostKey) -> QualificationRecord:
    row = (
        reading()
        .execute(
            select(Qualification, QualificationType)
            .join(QualificationType, _of_type())
            .where(Qualification.institution_id == key.institution_id, Qualification.id == key.id)
            .execution_options(populate_existing=True)
        )
        .one_or_none()
    )
    if row is None:
        raise UnknownQualification()
    return _record(*row)


def _type_row(key: HostKey) -> QualificationType:
    row = reading().get(QualificationType, tuple(key))
    if row is None or not row.active:
        raise UnknownQualification()
    return row


def _zone_of(institution_id: UUID) -> str:
    return reading().scalar(select(Organisation.zone).where(Organisation.id == institution_id)) or "UTC"


def _type(row: QualificationType) -> QualificationTypeRecord:
    return QualificationTypeRecord(
        HostKey(row.institution_id, row.id), row.code, row.name_zh, row.name_en, row.valid_months, row.active
    )


def _record(row: Qualification, kind: QualificationType) -> QualificationRecord:
    return QualificationRecord(
        key=HostKey(row.institution_id, row.id),
        type=_type(kind),
        person_id=row.person_id,
        since=row.since,
        until=row.until,
        note=row.note,
        granted_by=row.granted_by,
        granted_at=row.granted_at,
        revoked_at=row.revoked_at,
        revoke_reason=row.revoke_reason,
        version=row.version,
    )
