"""The first administrator of a real installation."""

from __future__ import annotations

from sqlalchemy import select

from resource_hub.domain.accounts import secrets, store
from resource_hub.domain.accounts.access import _checked_fields, insert_person
from resource_hub.domain.accounts.errors import AlreadyInitialised
from resource_hub.domain.accounts.registration import ensure_platform, grant_row
from resource_hub.domain.accounts.tables import Membership
from resource_hub.domain.accounts.terms import PLATFORM_ID, PersonRecord, Role
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.tables import Setting
from resource_hub.infra.unit_of_work import unit_of_work

_SETTING = "initialised"


def is_initialised() -> bool:
    """Whether this database has had its first administrator, real or demonstration."""
    session = reading()
    return (
        session.get(Setting, _SETTING) is not None
        or session.scalar(select(Membership.id).where(Membership.role == Role.PLATFORM_STAFF.value))
        is not None
        or clock.is_demonstration(session)
    )


def initialise(*, name: str, email: str, password: str, language: str = "zh") -> PersonRecord:
    """Set up a real database: the platform's organisation and its first administrator.

    Raises:
        AlreadyInitialised: it has one, or is a demonstration.
        BadInput, WeakPassword
    """
    name, email, language = _checked_fields(name, email, language)
    secrets.check_strength(password, email, name)
    if is_initialised():
        raise AlreadyInitialised()
    password_hash = secrets.hash_password(password)
    with unit_of_work() as unit:
        if is_initialised():
            raise AlreadyInitialised()
        ensure_platform(unit, "平台管理", "Platform")
        person = store.person_by_email(email) or insert_person(
            unit, name=name, email=email, password_hash=password_hash, language=language,
            verified_at=clock.machine_now(),
        )  # fmt: skip
        grant_row(unit, PLATFORM_ID, person.id, Role.PLATFORM_STAFF)
        unit.session.add(Setting(name=_SETTING, value={"at": unit.now.isoformat()}, changed_at=unit.now))
        unit.audit("platform.initialised", PLATFORM_ID, "platform", person_id=person.id)
        return store.person_record(person)
