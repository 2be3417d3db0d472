"""Builders of assessment: facts of an instrument's year with sane defaults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from resource_hub.domain.assessment.terms import (
    BENEFIT_INPUTS,
    Hours,
    Income,
    Inputs,
    InstrumentFacts,
    RatedClass,
)
from resource_hub.kernel.money import Money

HOUR = 3600
SEEDED_AT = datetime(2023, 3, 1, tzinfo=UTC)


def make_inputs(
    rated_class: RatedClass | None = RatedClass.INSTRUMENT_GENERAL, version: int = 1, **values: int
) -> Inputs:
    """Every input of the form entered, as nothing unless said (one original function, used)."""
    filled = (
        {code.value: 0 for code in BENEFIT_INPUTS} | {"functions_original": 1, "functions_used": 1} | values
    )
    return Inputs(filled, rated_class, version)


def make_hours(
    effective_hours: int = 0,
    external_hours: int = 0,
    *,
    by_purpose: Mapping[str, int] | None = None,
    by_grade: Mapping[str, int] | None = None,
    entries: int = 0,
) -> Hours:
    effective = effective_hours * HOUR
    return Hours(
        effective,
        external_hours * HOUR,
        by_purpose or {"research": effective},
        by_grade or {"A": effective},
        entries or bool(effective_hours),
    )


def make_instrument(number: int = 1, **changes: Any) -> InstrumentFacts:
    """An instrument of 2,000,000 yuan, listed in time, open and bookable, with nothing used."""
    values: dict[str, Any] = {
        "resource_id": UUID(int=number),
        "code": f"SEM-{number:03d}",
        "name_zh": f"扫描电子显微镜 {number}",
        "name_en": f"Scanning electron microscope {number}",
        "kind": "instrument",
        "class_code": "010101",
        "original_value": Money.cny(2_000_000),
        "accepted_on": date(2023, 3, 1),
        "listed_on": date(2023, 3, 20),
        "put_in_use_on": date(2023, 4, 1),
        "first_used_on": date(2023, 4, 3),
        "bookable": True,
        "open_outside": True,
        "hours": Hours(),
        "income": Income(),
        "inputs": make_inputs(),
    }
    return InstrumentFacts(**(values | changes))


# ---- rows in the database: through tables and the ledger's own writer, in units of work --------------------------


def seed_instrument(host: Any, code: str, *, value: str | None = "2000000", **columns: Any) -> UUID:
    """A public instrument of an institution, accepted and listed in time."""
    from resource_hub.domain.catalogue.tables import Resource
    from resource_hub.infra.ids import new_id
    from resource_hub.infra.unit_of_work import unit_of_work

    resource_id = new_id()
    with unit_of_work() as unit:
        values: dict[str, Any] = {
            "kind": "instrument",
            "name_zh": f"仪器 {code}",
            "name_en": f"Instrument {code}",
            "class_code": "010101",
            "original_value_minor": None if value is None else Money.of(value).minor,
            "currency": "CNY",
            "accepted_on": date(2023, 3, 1),
            "listed_on": date(2023, 3, 20),
            "commissioned_on": date(2023, 4, 1),
            "modes": ["self_use"],
            "bookable": True,
            "open_to_outside": True,
            "listed": True,
            "state": "public",
            "created_at": SEEDED_AT,
            "changed_at": SEEDED_AT,
        }
        unit.session.add(Resource(institution_id=host.id, id=resource_id, code=code, **(values | columns)))
    return resource_id


def seed_use(
    host: Any,
    resource_id: UUID,
    customer_id: UUID,
    starts_at: datetime,
    seconds: int,
    *,
    customer_class: str = "firm_small",
    grade: str = "A",
    purpose: str = "research",
    effective: int | None = None,
    samples: int = 0,
) -> UUID:
    """A sealed session of one line, with its entry and rollup, as the day close writes them."""
    from resource_hub.domain.accounts.terms import CustomerClass
    from resource_hub.domain.usage import terms as usage
    from resource_hub.domain.usage.entries import ToSeal, write_entries
    from resource_hub.domain.usage.rules.hours import day_of
    from resource_hub.domain.usage.tables import SessionLine, UsageSession
    from resource_hub.infra.ids import new_id
    from resource_hub.infra.unit_of_work import unit_of_work
    from resource_hub.kernel.time import zone

    session_id, line_id = new_id(), new_id()
    ends_at = starts_at + timedelta(seconds=seconds)
    day = day_of(ends_at, zone(host.zone))
    counted = seconds if effective is None else effective
    with unit_of_work() as unit:
        unit.session.add(
            UsageSession(
                institution_id=host.id,
                id=session_id,
                resource_id=resource_id,
                unit_id=None,
                source="walk_up",
                mode="self_use",
                state="sealed",
                day=day,
                starts_at=starts_at,
                ends_at=ends_at,
                measuring_seconds=counted,
                idle_seconds=seconds - counted,
                grade=grade,
                grade_reason={},
                flags=[],
                sealed_at=ends_at,
                created_at=starts_at,
            )
        )
        unit.session.flush()
        unit.session.add(
            SessionLine(
                institution_id=host.id,
                id=line_id,
                session_id=session_id,
                line=1,
                customer_id=customer_id,
                customer_class=customer_class,
                purpose=purpose,
                samples=samples,
            )
        )
        unit.session.flush()
        facts = usage.EntryFacts(
            host_code=host.code, resource_id=resource_id, unit_id=None, session_id=session_id, line=1, revision=1,
            kind=usage.EntryKind.USE, corrects=None, source=usage.SessionSource.WALK_UP, source_ref=None,
            mode="self_use", state="sealed", booking_id=None, customer_id=customer_id,
            customer_class=customer_class, purpose=purpose, starts_at=starts_at, ends_at=ends_at, zone=host.zone,
            day=day, hours=usage.Hours(measuring=counted, idle=seconds - counted),
            session_effective_seconds=counted, samples=samples, grade=usage.Grade(grade),
        )  # fmt: skip
        sealed = ToSeal(facts, line_id, CustomerClass(customer_class).outside)
        write_entries(unit.session, host.id, [sealed], sealed_at=ends_at, sealing_day=day)
    return session_id


def seed_charge(
    host: Any,
    resource_id: UUID,
    customer_id: UUID,
    day: date,
    amount: str,
    customer_class: str = "firm_small",
) -> None:
    """What a use costs, without a tariff."""
    from resource_hub.domain.billing.tables import Charge
    from resource_hub.infra.ids import new_id
    from resource_hub.infra.unit_of_work import unit_of_work

    minor = Money.of(amount).minor
    with unit_of_work() as unit:
        charge_id = new_id()
        unit.session.add(
            Charge(
                institution_id=host.id,
                id=charge_id,
                kind="manual",
                source_key=f"test:{charge_id}",
                resource_id=resource_id,
                customer_id=customer_id,
                customer_class=customer_class,
                day=day,
                use={},
                lines=[],
                gross_minor=minor,
                deducted_minor=0,
                amount_minor=minor,
                currency="CNY",
                created_at=SEEDED_AT,
            )
        )
