"""Special days as the platform's staff enter them, before or instead of the published calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import delete, update

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import planning, store
from resource_hub.domain.availability.errors import BadDay
from resource_hub.domain.availability.tables import CalendarDay, FreeWindowReach
from resource_hub.domain.availability.terms import SpecialDay
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import Forbidden, Reason


def calendar_year(jurisdiction: str, year: int) -> tuple[dict[date, SpecialDay], set[date]]:
    """Special days of a year, and those among them that somebody entered here."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    entered = {row.day for row in store.calendar_days(reading(), planning.country(jurisdiction), first, last)}
    return planning.special_days(jurisdiction, first, last), entered


def enter_days(jurisdiction: str, days: Sequence[SpecialDay], *, by: Actor) -> None:
    """Enter or change special days, all or none; free windows follow with the job that rolls them on.

    Raises:
        BadDay: a make-up workday that makes up itself.
    """
    if not by.has(Role.PLATFORM_STAFF):
        raise Forbidden()
    if any(special.stands_for == special.day for special in days):
        raise BadDay(Reason("availability.day_for_itself", {}, "stands_for"))
    with unit_of_work() as unit:
        where = planning.country(jurisdiction)
        for special in days:
            unit.session.merge(
                CalendarDay(
                    jurisdiction=where,
                    day=special.day,
                    kind=special.kind.value,
                    name_zh=special.name_zh,
                    name_en=special.name_en,
                    source=special.source,
                    stands_for=special.stands_for,
                )
            )
            details = {"day": special.day.isoformat(), "kind": special.kind.value}
            unit.audit(
                "availability.day", by.organisation_id, f"day:{where}", details, person_id=by.person_id
            )
        _stale_everything(unit)


def forget_day(jurisdiction: str, day: date, *, by: Actor) -> None:
    """Take an entered day back: the published calendar holds again."""
    if not by.has(Role.PLATFORM_STAFF):
        raise Forbidden()
    with unit_of_work() as unit:
        where = planning.country(jurisdiction)
        unit.session.execute(
            delete(CalendarDay).where(CalendarDay.jurisdiction == where, CalendarDay.day == day)
        )
        unit.audit("availability.day_removed", by.organisation_id, f"day:{where}", {"day": day.isoformat()},
                   person_id=by.person_id)  # fmt: skip
        _stale_everything(unit)


def _stale_everything(unit: Unit) -> None:
    """Let the job compute all kept windows anew: it takes those first whose reach is short."""
    unit.session.execute(
        update(FreeWindowReach).values(ends_at=unit.now, starts_at=unit.now - timedelta(seconds=1))
    )
