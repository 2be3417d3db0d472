"""What a lab manager publishes: weekly hours, closures, extra openings, maintenance, house rules. Each change can be
looked at before it is made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import (
    calendar_store,
    holding,
    maintenance,
    occupancy_store,
    planning,
    store,
    window_store,
)
from resource_hub.domain.availability.errors import BadDay, InvalidHours, InvalidRules, RulesInForce
from resource_hub.domain.availability.rules import document as documents
from resource_hub.domain.availability.rules import hours as hour_rules
from resource_hub.domain.availability.rules import lanes
from resource_hub.domain.availability.tables import HouseRules, OpeningException
from resource_hub.domain.availability.terms import (
    DatedException,
    ExceptionKind,
    Held,
    Hours,
    HouseDocument,
    WeeklyHours,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import batches, clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.errors import Forbidden, NotFound, Reason, Stale
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, zone

# Two days more than people may usually book ahead: the zones of the world lie so far apart.
KEPT_DAYS = 62
LANE_ROLES = (Role.INSTITUTION_ADMIN, Role.OFFICE, Role.MANAGER, Role.DEPUTY)

# Hours as they would be, made from a plan as it is.
Draft = Callable[[planning.Plan], Hours]
# Which of these holders are customers from outside; booking knows, availability does not.
Outsiders = Callable[[Sequence[Held]], Mapping[UUID, bool]]


class NotYourResource(Forbidden):
    code = "availability.not_yours"


class HoursChanged(Stale):
    """Somebody else changed the hours since they were read."""

    code = "availability.hours_changed"


class RulesChanged(Stale):
    """Somebody else wrote house rules since they were read."""

    code = "availability.rules_changed"


@dataclass(frozen=True, slots=True)
class Hit:
    """A booking that a change would leave outside the hours, with why."""

    held: Held
    reasons: tuple[Reason, ...]


def may_manage(key: HostKey, by: Actor) -> None:
    """Refuse who does not look after the resource.

    Raises:
        NotFound: the resource is another host's. NotYourResource: the actor's roles do not reach it.
    """
    if key.institution_id != by.organisation_id:
        raise NotFound()
    record = catalogue.resource(key)
    if not by.has(*LANE_ROLES) or not by.reaches(record.department_id):
        raise NotYourResource()


# ---- weekly hours ----------------------------------------------------------------------------------------------


def weekly_hours(key: HostKey) -> tuple[WeeklyHours, ...]:
    """All stretches of the pattern, past and future ones too."""
    return store.weekly(reading(), [key]).get(key, ())


def hours_digest(rows: Sequence[WeeklyHours]) -> str:
    """A short mark of a pattern: who saves a form says which state it was made from."""
    plain = sorted(
        [r.weekday, r.starts, r.ends, r.since.isoformat(), r.until.isoformat() if r.until else "", r.audience.value,
         r.on_holidays.value]
        for r in rows
    )  # fmt: skip
    return digest(canonical_bytes(plain)).hex()[:16]


def with_change(
    present: Sequence[WeeklyHours], rows: Sequence[WeeklyHours], since: date
) -> list[WeeklyHours]:
    """The pattern when ``rows`` hold from ``since`` on: what held before keeps holding until then."""
    kept = []
    for row in present:
        if row.since >= since:
            continue
        kept.append(replace(row, until=since) if row.until is None or row.until > since else row)
    return [*kept, *(replace(row, since=since, until=None, id=None) for row in rows)]


def _checked(rows: Sequence[WeeklyHours]) -> None:
    found = hour_rules.problems(rows)
    if found:
        raise InvalidHours(*found)


def hours_draft(rows: Sequence[WeeklyHours], since: date) -> Draft:
    """Hours with another weekly pattern from a day on."""
    return lambda plan: replace(plan.hours, weekly=tuple(with_change(plan.hours.weekly, rows, since)))


def exception_draft(exception: DatedException) -> Draft:
    """Hours with one more exception. Maintenance takes time away like a closure."""
    kind = ExceptionKind.CLOSURE if exception.kind is ExceptionKind.MAINTENANCE else exception.kind
    more = replace(exception, kind=kind)
    return lambda plan: replace(plan.hours, exceptions=(*plan.hours.exceptions, more))


def preview_hours(
    key: HostKey,
    rows: Sequence[WeeklyHours],
    since: date,
    *,
    by: Actor,
    outsiders: Outsiders | None = None,
) -> list[Hit]:
    """Bookings that new weekly hours would leave outside; nothing is written.

    Args:
        outsiders: who among the holders is from outside, for protected hours; without it everybody counts as such.

    Raises:
        InvalidHours: the pattern cannot be kept.
    """
    may_manage(key, by)
    _checked(rows)
    return hits_of(key, hours_draft(rows, since), outsiders)


def hits_of(key: HostKey, draft: Draft, outsiders: Outsiders | None) -> list[Hit]:
    """Bookings that hours as drafted would leave outside and those that hold would not."""
    now = clock.now()
    bookings = [held for held in occupancy_store.future_bookings(reading(), key, now) if held.in_force(now)]
    if not bookings:
        return []
    span = TimeSpan(min(b.span.start for b in bookings), max(b.span.end for b in bookings))
    plan = planning.plan(key, span)
    return hits_between(bookings, plan.hours, draft(plan), outsiders)


def hits_between(
    bookings: Sequence[Held], before: Hours | None, after: Hours, outsiders: Outsiders | None
) -> list[Hit]:
    """Bookings outside one set of hours that the other one, if given, allows: what is outside already is not hit."""
    from_outside = outsiders(bookings) if outsiders is not None else {}
    result = []
    for held in bookings:
        proper = held.proper
        if proper is None:
            continue
        outside = from_outside.get(held.holder_id, True)

        def against(
            hours: Hours, one: Held = held, span: TimeSpan = proper, out: bool = outside
        ) -> list[Reason]:
            return lanes.reasons_against(hours, span, outside=out, unit_id=one.unit_id)

        reasons = against(after)
        if reasons and not (before is not None and against(before)):
            result.append(Hit(held, tuple(reasons)))
    return result


def save_hours(
    key: HostKey,
    rows: Sequence[WeeklyHours],
    since: date,
    *,
    by: Actor,
    seen: str | None = None,
    outsiders: Outsiders | None = None,
) -> list[Hit]:
    """Publish a weekly pattern from a day on. Bookings outside the new hours stay; they are returned.

    Args:
        seen: ``hours_digest`` of the pattern that the form was made from.
        outsiders: as in ``preview_hours``.

    Raises:
        InvalidHours, NotYourResource, HoursChanged
    """
    may_manage(key, by)
    _checked(rows)
    with unit_of_work() as unit:
        store.lock(unit.session, [key])
        present = weekly_hours(key)
        if seen is not None and hours_digest(present) != seen:
            raise HoursChanged()
        hits = hits_of(key, hours_draft(rows, since), outsiders)
        store.replace_weekly(unit.session, key, with_change(present, rows, since))
        unit.session.flush()
        _rebuilt(unit, key)
        details = {"since": since.isoformat(), "stretches": len(rows), "bookings_outside": len(hits)}
        unit.audit(
            "availability.hours", key.institution_id, f"resource:{key.id}", details, person_id=by.person_id
        )
        unit.publish(
            "availability.hours_changed", f"{key.institution_id}:{key.id}", {"resource_id": str(key.id)}
        )
    return hits


def _rebuilt(unit: Unit, key: HostKey) -> None:
    holding.rebuild(unit, [key], kept_span())


def kept_span() -> TimeSpan:
    """The time for which free windows are kept at least: from the last midnight (UTC) on. Where people may book farther
    ahead they are kept as far as that."""
    now = clock.now()
    start = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return TimeSpan(start, start + timedelta(days=KEPT_DAYS))


def set_hours_directly(
    unit: Unit, key: HostKey, rows: Sequence[WeeklyHours], document: HouseDocument | None
) -> None:
    """Hours and rules of a new resource without forms: for imports and demonstrations. Free windows follow by the
    job that rolls them on."""
    _checked(rows)
    store.replace_weekly(unit.session, key, rows)
    if document is not None:
        _insert_rules(unit, key, 1, date(2000, 1, 1), document, "", None)
    # A reach that ended long ago is the first that the job finds.
    start = unit.now - timedelta(days=1)
    window_store.set_reach(unit.session, key, TimeSpan(start, start + timedelta(seconds=1)))


# ---- closures, extra openings, maintenance ---------------------------------------------------------------------


def exceptions(key: HostKey, span: TimeSpan) -> tuple[DatedException, ...]:
    return store.exceptions(reading(), [key], span).get(key, ())


def exception(key: HostKey, exception_id: UUID) -> DatedException:
    """One closure, extra opening or maintenance of a resource.

    Raises:
        NotFound: there is none; it may have been taken back.
    """
    row = store.exception_row(reading(), HostKey(key.institution_id, exception_id))
    if row is None or row.resource_id != key.id:
        raise NotFound()
    return store.exception_record(row)


def preview_exception(
    key: HostKey, exception: DatedException, *, by: Actor, outsiders: Outsiders | None = None
) -> list[Hit]:
    """Bookings that a closure would leave outside the hours, that an extra opening kept for customers from outside
    would, or that stand in the way of maintenance."""
    may_manage(key, by)
    if exception.kind is not ExceptionKind.MAINTENANCE:
        return hits_of(key, exception_draft(exception), outsiders)
    found = maintenance.in_the_way(key, [exception])
    return [Hit(held, (Reason("availability.maintenance", {}),)) for held in found]


def preview_unit_out(key: HostKey, unit_id: UUID, *, by: Actor) -> list[Hit]:
    """Bookings of a unit that is to be taken out of use; nothing is written."""
    may_manage(key, by)
    now = clock.now()
    return [
        Hit(held, (Reason("availability.unit_out_of_use", {}),))
        for held in occupancy_store.future_bookings(reading(), key, now)
        if held.unit_id == unit_id and held.in_force(now)
    ]


def unit_out_draft(unit_id: UUID) -> Draft:
    """Hours without a unit, from now on."""
    now = clock.now()
    gone = DatedException(ExceptionKind.CLOSURE, TimeSpan(now, now + timedelta(days=3660)), unit_id=unit_id)
    return lambda plan: replace(plan.hours, exceptions=(*plan.hours.exceptions, gone))


def check_exception(exception: DatedException) -> None:
    """Refuse what cannot be published whatever it hits.

    Raises:
        BadDay: it has ended already, or is longer than a year.
    """
    if exception.span.end <= clock.now():
        raise BadDay(Reason("availability.exception_past", {}, "ends"))
    if exception.span.seconds > 366 * 86400:
        raise BadDay(Reason("availability.exception_too_long", {}, "ends"))


def add_exception(key: HostKey, exception: DatedException, *, by: Actor) -> DatedException:
    """Publish a closure, an extra opening or maintenance.

    Bookings inside a closure stay, and the manager settles each with its customer; maintenance takes the units itself.
    Without an id it gets a new one.

    Raises:
        SlotTaken: maintenance meets a booking.
        BadDay: it has ended already, or is longer than a year.
        InvalidHours: it names a unit that the resource does not have.
    """
    may_manage(key, by)
    if exception.unit_id is not None and exception.unit_id not in {u.key.id for u in catalogue.units(key)}:
        raise InvalidHours(Reason("availability.no_such_unit", {}, "unit"))
    check_exception(exception)
    with unit_of_work() as unit:
        store.lock(unit.session, [key])
        kept = replace(exception, id=exception.id or new_id())
        unit.session.execute(
            insert(OpeningException).values(
                institution_id=key.institution_id,
                id=kept.id,
                resource_id=key.id,
                unit_id=kept.unit_id,
                kind=kept.kind.value,
                starts_at=kept.span.start,
                ends_at=kept.span.end,
                audience=kept.audience.value,
                reason_zh=kept.reason_zh,
                reason_en=kept.reason_en,
                created_by=by.person_id,
                created_at=unit.now,
            )
        )
        if kept.kind is ExceptionKind.MAINTENANCE:
            maintenance.take(unit, key, [kept])
        _rebuilt(unit, key)
        details = {
            "kind": kept.kind.value,
            "start": kept.span.start.isoformat(),
            "end": kept.span.end.isoformat(),
        }
        unit.audit(
            "availability.exception",
            key.institution_id,
            f"resource:{key.id}",
            details,
            person_id=by.person_id,
        )
        unit.publish(
            "availability.hours_changed", f"{key.institution_id}:{key.id}", {"resource_id": str(key.id)}
        )
    return kept


def removal_draft(ids: Collection[UUID]) -> Draft:
    """Hours without these exceptions."""
    return lambda plan: replace(
        plan.hours, exceptions=tuple(one for one in plan.hours.exceptions if one.id not in ids)
    )


def preview_removal(
    key: HostKey, ids: Collection[UUID], *, by: Actor, outsiders: Outsiders | None = None
) -> list[Hit]:
    """Bookings in time that closes again when exceptions are taken back; nothing is written."""
    may_manage(key, by)
    return hits_of(key, removal_draft(ids), outsiders) if ids else []


def remove_exception(key: HostKey, exception_id: UUID, *, by: Actor) -> None:
    """Take a closure, extra opening or maintenance back. Removing what has gone is no error."""
    may_manage(key, by)
    with unit_of_work() as unit:
        store.lock(unit.session, [key])
        row = store.exception_row(unit.session, HostKey(key.institution_id, exception_id))
        if row is None or row.resource_id != key.id:
            return
        span = TimeSpan(row.starts_at, row.ends_at)
        unit.session.delete(row)
        unit.session.flush()
        occupancy_store.clear_of(unit.session, key.institution_id, [exception_id])
        maintenance.keep(unit, key, span)
        _rebuilt(unit, key)
        calendar_store.make_due(unit.session, key, unit.now)
        unit.audit(
            "availability.exception_removed", key.institution_id, f"resource:{key.id}", {"id": str(exception_id)},
            person_id=by.person_id,
        )  # fmt: skip


# ---- house rules -----------------------------------------------------------------------------------------------


def save_rules(
    key: HostKey,
    document: Mapping[str, Any],
    since: date,
    *,
    note: str = "",
    by: Actor,
    seen: int | None = None,
) -> int:
    """Publish house rules from a day on (today or later) and return the number of the version.

    A version that is not in force yet may be written again; one that is, or was, never changes.

    Args:
        seen: the highest number when the rules were read; 0 where there were none.

    Raises:
        InvalidRules: with every fault. RulesInForce: the day lies in the past. RulesChanged
    """
    may_manage(key, by)
    rules = documents.read(document)
    _known_training(key, rules)
    _known_groups(key, rules)
    with unit_of_work() as unit:
        store.lock(unit.session, [key])
        today = local_day(unit.now, zone(planning.zone_of(key.institution_id)))
        if since < today:
            raise RulesInForce(Reason("availability.rules_past", {"today": today.isoformat()}, "since"))
        newest = store.newest_rules_number(unit.session, key)
        if seen is not None and seen != newest:
            raise RulesChanged()
        for old in store.rules_history(unit.session, key, 1, since + timedelta(days=1)):
            if old.since == since:
                if since <= today:
                    raise RulesInForce(
                        Reason("availability.rules_today", {"since": since.isoformat()}, "since")
                    )
                unit.session.execute(
                    delete(HouseRules).where(
                        HouseRules.institution_id == key.institution_id, HouseRules.id == old.key.id
                    )
                )
        number = newest + 1
        _insert_rules(unit, key, number, since, rules, note, by.person_id)
        _rebuilt(unit, key)
        details = {"number": number, "since": since.isoformat()}
        unit.audit(
            "availability.rules", key.institution_id, f"resource:{key.id}", details, person_id=by.person_id
        )
    return number


def _known_training(key: HostKey, rules: HouseDocument) -> None:
    known = {one.code for one in accounts.training_types(key.institution_id, active_only=True)}
    if rules.training and rules.training not in known:
        raise InvalidRules(Reason("availability.rules_no_such_training", {}, "training"))


def _known_groups(key: HostKey, rules: HouseDocument) -> None:
    wanted = {row.group for row in rules.ahead if row.group is not None}
    if not wanted:
        return
    known = {group.id for group in accounts.groups(key.institution_id)}
    faults = [
        Reason("availability.rules_no_such_group", {}, f"ahead.{n}")
        for n, row in enumerate(rules.ahead)
        if row.group is not None and row.group not in known
    ]
    if faults:
        raise InvalidRules(*faults)


def _insert_rules(
    unit: Unit,
    key: HostKey,
    number: int,
    since: date,
    rules: HouseDocument,
    note: str,
    person_id: UUID | None,
) -> None:
    unit.session.execute(
        insert(HouseRules).values(
            institution_id=key.institution_id,
            id=new_id(),
            resource_id=key.id,
            number=number,
            since=since,
            document=documents.write(rules),
            binds=rules.binds,
            note=note,
            created_by=person_id,
            created_at=unit.now,
        )
    )


# ---- the job that rolls on -------------------------------------------------------------------------------------


def roll_windows(limit: int = 20, lease: Lease | None = None) -> int:
    """Carry kept windows on to the horizon for some resources; returns for how many."""
    span = kept_span()

    def rebuild(keys: Sequence[HostKey]) -> int:
        with unit_of_work(lease=lease) as unit:
            holding.rebuild(unit, keys, span)
            return len(keys)

    job = "availability.roll_windows"
    keys = batches.found(job, lambda many: window_store.old_reaches(reading(), span.start, many), limit)
    return batches.together(job, keys, rebuild)


def ensure_windows(unit: Unit, key: HostKey) -> None:
    """Keep windows of a resource from now on, if nobody did."""
    if key not in window_store.reach(unit.session, [key]):
        _rebuilt(unit, key)
