"""Closures, extra openings and maintenance on many dates at once: entered as one, each date a row of its own, so that
one of them can be taken back and nothing has to be worked out when hours are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import (
    calendar_store,
    holding,
    maintenance,
    occupancy_store,
    publishing,
    store,
)
from resource_hub.domain.availability.errors import BadDay, InvalidHours
from resource_hub.domain.availability.publishing import (
    Draft,
    Hit,
    Outsiders,
    check_exception,
    kept_span,
    may_manage,
)
from resource_hub.domain.availability.tables import OpeningException
from resource_hub.domain.availability.terms import (
    DatedException,
    DatesEntered,
    ExceptionKind,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

MOST_DATES = 400
# So far ahead dates are listed.
_LISTED = timedelta(days=1200)


def check_dates(dates: Sequence[DatedException]) -> None:
    """Refuse dates that cannot be published whatever they hit.

    Raises:
        BadDay: none, too many, one that overlaps the next, has ended or is longer than a year.
    """
    if not dates:
        raise BadDay(Reason("availability.dates_none", {}, "until"))
    if len(dates) > MOST_DATES:
        raise BadDay(Reason("availability.dates_too_many", {"most": MOST_DATES}, "until"))
    for left, right in zip(dates, dates[1:], strict=False):
        if right.span.start < left.span.end:
            raise BadDay(Reason("availability.dates_overlap", {}, "ends"))
    for one in (dates[0], dates[-1]):
        check_exception(one)


def dates_draft(dates: Sequence[DatedException]) -> Draft:
    """Hours with these dates as well. Maintenance takes time away like a closure."""
    kind = dates[0].kind
    more = [
        replace(one, kind=ExceptionKind.CLOSURE if kind is ExceptionKind.MAINTENANCE else kind)
        for one in dates
    ]
    return lambda plan: replace(plan.hours, exceptions=(*plan.hours.exceptions, *more))


def preview_dates(
    key: HostKey, dates: Sequence[DatedException], *, by: Actor, outsiders: Outsiders | None = None
) -> list[Hit]:
    """Bookings that these dates would hit, by time; nothing is written."""
    may_manage(key, by)
    check_dates(dates)
    if dates[0].kind is not ExceptionKind.MAINTENANCE:
        return publishing.hits_of(key, dates_draft(dates), outsiders)
    return [
        Hit(held, (Reason("availability.maintenance", {}),)) for held in maintenance.in_the_way(key, dates)
    ]


def date_of(dates: Sequence[DatedException], hit: Hit) -> list[DatedException]:
    """The dates that hit a booking."""
    return [one for one in dates if one.span.overlaps(hit.held.span)]


def add_dates(key: HostKey, dates: Sequence[DatedException], *, by: Actor) -> UUID:
    """Publish many dates as one and return the id that they share.

    Raises:
        SlotTaken: maintenance meets a booking. BadDay, InvalidHours: as for a single one.
    """
    may_manage(key, by)
    check_dates(dates)
    first = dates[0]
    units = [unit.key.id for unit in catalogue.units(key, active_only=True)]
    if first.unit_id is not None and first.unit_id not in units:
        raise InvalidHours(Reason("availability.no_such_unit", {}, "unit"))
    series_id = new_id()
    with unit_of_work() as unit:
        store.lock(unit.session, [key])
        kept = [replace(one, id=new_id(), series_id=series_id) for one in dates]
        unit.session.execute(
            insert(OpeningException),
            [
                {
                    "institution_id": key.institution_id,
                    "id": one.id,
                    "resource_id": key.id,
                    "unit_id": one.unit_id,
                    "kind": one.kind.value,
                    "starts_at": one.span.start,
                    "ends_at": one.span.end,
                    "audience": one.audience.value,
                    "reason_zh": one.reason_zh,
                    "reason_en": one.reason_en,
                    "created_by": by.person_id,
                    "created_at": unit.now,
                    "series_id": series_id,
                }
                for one in kept
            ],
        )
        if first.kind is ExceptionKind.MAINTENANCE:
            maintenance.take(unit, key, kept)
        unit.session.flush()
        holding.rebuild(unit, [key], kept_span())
        details = {"kind": first.kind.value, "dates": len(kept), "first": first.span.start.isoformat()}
        unit.audit(
            "availability.dates", key.institution_id, f"resource:{key.id}", details, person_id=by.person_id
        )
        unit.publish(
            "availability.hours_changed", f"{key.institution_id}:{key.id}", {"resource_id": str(key.id)}
        )
    return series_id


def dates_entered(key: HostKey) -> list[DatesEntered]:
    """What was entered as one and is not over, the next date first."""
    now = clock.now()
    found: dict[UUID, list[DatedException]] = defaultdict(list)
    for one in publishing.exceptions(key, TimeSpan(now, now + _LISTED)):
        if one.series_id is not None:
            found[one.series_id].append(one)
    rows = []
    for series_id, some in found.items():
        ahead = sorted(some, key=lambda one: one.span)
        rows.append(DatesEntered(series_id, ahead[0], ahead[-1], len(ahead)))
    return sorted(rows, key=lambda row: row.place)


def dates_ahead(key: HostKey, series_id: UUID) -> frozenset[UUID]:
    """The dates of a series that have not begun: those that can be taken back together."""
    t = OpeningException
    return frozenset(
        reading().scalars(
            select(t.id).where(
                t.institution_id == key.institution_id,
                t.resource_id == key.id,
                t.series_id == series_id,
                t.starts_at > clock.now(),
            )
        )
    )


def dates_digest(ids: Collection[UUID]) -> str:
    """A short mark of some dates: who takes them back says which were seen."""
    return digest(canonical_bytes(sorted(str(one) for one in ids))).hex()[:16]


def remove_dates(key: HostKey, series_id: UUID, *, by: Actor) -> int:
    """Take back the dates of a series that have not begun; returns how many there were."""
    may_manage(key, by)
    t = OpeningException
    with unit_of_work() as unit:
        store.lock(unit.session, [key])
        ids = dates_ahead(key, series_id)
        if not ids:
            return 0
        gone = (t.institution_id == key.institution_id, t.id.in_(ids))
        first, last = unit.session.execute(
            select(func.min(t.starts_at), func.max(t.ends_at)).where(*gone)
        ).one()
        unit.session.execute(delete(t).where(*gone))
        occupancy_store.clear_of(unit.session, key.institution_id, ids)
        maintenance.keep(unit, key, TimeSpan(first, last))
        unit.session.flush()
        holding.rebuild(unit, [key], kept_span())
        calendar_store.make_due(unit.session, key, unit.now)
        details = {"series": str(series_id), "dates": len(ids)}
        unit.audit(
            "availability.dates_removed",
            key.institution_id,
            f"resource:{key.id}",
            details,
            person_id=by.person_id,
        )
    return len(ids)
