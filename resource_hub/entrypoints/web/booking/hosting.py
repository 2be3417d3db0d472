"""The host's side: requests that wait for an answer, and the calendar of all that one looks after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord, Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Answerer, Look, Silence, Stretch, Viewer
from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.states import open_acts
from resource_hub.domain.booking.terms import (
    Act,
    BookingKind,
    BookingRecord,
    BookingState,
    Hazard,
    Holder,
    Side,
    StepRecord,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ListingState, ResourceRecord
from resource_hub.entrypoints.support import forms, paging, sentences, wall_clock
from resource_hub.entrypoints.support.formatting import language, plain, said
from resource_hub.entrypoints.support.forms import once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.blueprints import calendar, requests
from resource_hub.entrypoints.web.booking.lists import Row, rows_of
from resource_hub.entrypoints.web.booking.months import Month, month, month_of, next_month
from resource_hub.entrypoints.web.booking.ratings import asks_to_rate
from resource_hub.entrypoints.web.booking.reading_forms import picked
from resource_hub.entrypoints.web.booking.timetable import (
    DayRow,
    LaneRow,
    Timetable,
    days_name,
    first_day,
    first_start,
    shown_part,
    timetable,
)
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, zone

SEES = (Role.MANAGER, Role.DEPUTY, Role.OPERATOR, Role.OFFICE, Role.INSTITUTION_ADMIN)
SHOWN = 16  # more than a screen; what follows is fetched when one scrolls there
# Requests on the page, and so many at most confirmed in one go; a term below so many seconds is pressing.
SEVERAL = 60
# Of what is worked on or was answered, so much stands below the requests; all of it on pages of its own.
AT_ONCE = 15
_ANY = UUID(int=0)
URGENT = 4 * 3600


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request on the page, with how long there is to answer and whether it may be confirmed without a second look.

    Attributes:
        seconds: until the term; negative once it has passed.
        consent: silence counts as a yes.
        look: why it wants to be looked at by itself; empty where it is harmless.
        whose: whose answer is wanted now, where it is not this reader's.
    """

    row: Row
    seconds: int | None
    consent: bool
    look: str
    whose: str = ""

    @property
    def urgent(self) -> bool:
        return self.seconds is not None and self.seconds < URGENT


def _look(row: Row, now: datetime) -> str:
    """Why a request is not confirmed together with others."""
    record = row.record
    if set(record.hazard.get("kinds", ())) - {Hazard.NONE.value}:
        return _("dangerous goods")
    if record.kind is not BookingKind.WINDOW:
        return _("no machine time")
    if row.sums is None:
        return _("no price yet")
    if record.span is None or record.span.start <= now:
        return _("begins already")
    return ""


def _waiting(rows: Sequence[Row]) -> list[Waiting]:
    now = clock.now()
    keys = list({row.record.resource_key for row in rows})
    plans = availability.plans(keys, TimeSpan(now, now + timedelta(seconds=1)))
    steps = service.open_answers([row.record for row in rows])
    result = []
    for row in rows:
        record = row.record
        rules = plans[record.resource_key].rules
        seconds = int((record.answer_by - now).total_seconds()) if record.answer_by else None
        consent = rules.silence is Silence.CONSENT and record.kind is BookingKind.WINDOW
        whose = _whose(record, steps.get(record.key), now)
        look = _("waits for another answer") if whose else _look(row, now)
        result.append(Waiting(row, seconds, consent, look, whose))
    return result


def _whose(record: BookingRecord, step: StepRecord | None, now: datetime) -> str:
    """Whose answer is wanted now, where it is somebody else's to give."""
    if step is None:
        return "" if g.actor.has(*service.DECIDES) else word("booking.answerer", Answerer.MANAGER)
    return "" if service.may_answer(record, step, g.actor, now) else word("booking.answerer", step.who)


@requests.get("/o/<organisation>/requests")
@allows(*SEES)
def index(organisation: str) -> str:
    """What waits for an answer, the nearest term first, each with what it would take from whom; what waits for others
    stands by itself."""
    host = accounts.organisation(organisation)
    forms.remember_zone(host.zone)
    asked = catalogue.resources(service.requested_resources(g.actor))
    chosen = request.args.get("resource", "")
    only = next((r.key for r in asked.values() if r.code == chosen), None)
    waiting, others = (
        _waiting(rows_of(service.requests(g.actor, mine=mine, resource=only, limit=SEVERAL)))
        for mine in (True, False)
    )
    working, answered = (_part(view, AT_ONCE) for view in ("working", "answered"))
    return render_template(
        "booking/requests.html",
        view="",
        waiting=waiting,
        count=service.waiting_count(g.actor, resource=only),
        others=others,
        others_count=service.waiting_count(g.actor, mine=False, resource=only),
        resources=sorted(((r.code, plain(r.name(language()))) for r in asked.values()), key=lambda p: p[1]),
        chosen=chosen if only else "",
        decides=g.actor.has(*service.DECIDES),
        several=sum(1 for one in waiting if not one.look) > 1,
        working=working,
        answered=answered,
        host=host,
        quotes_asked=service.inquiries_waiting(g.actor),
        to_rate=_to_rate(),
    )


@requests.get("/o/<organisation>/requests/<any(working,answered):view>", endpoint="part")
@allows(*SEES)
def part(organisation: str, view: str) -> str:
    """All that is worked on, or all that was answered lately."""
    host = accounts.organisation(organisation)
    forms.remember_zone(host.zone)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    found = _part(view, paging.asked_limit(30), after)
    return render_template("booking/requests.html", view=view, host=host, **{view: found})


def _part(view: str, limit: int, after: Sequence[Any] | None = None) -> paging.Page[Row]:
    wanted: dict[str, Any] = (
        {"states": [BookingState.RECEIVED, BookingState.IN_PROGRESS, BookingState.DELIVERED]}
        if view == "working"
        else {
            "states": [BookingState.APPROVED, BookingState.REJECTED],
            "since": clock.now() - timedelta(days=14),
            "newest": True,
        }
    )
    rows = rows_of(service.bookings_at(g.actor, **wanted, limit=limit + 1, after=after))
    return paging.page_of(rows, limit, lambda row: (row.when, row.record.key.id))


def _to_rate() -> list[tuple[Row, datetime]]:
    """Uses that the host has not rated, each with the term; for those who want to be asked."""
    if not asks_to_rate(Side.HOST):
        return []
    found = service.to_rate(g.actor, Side.HOST)
    rows = rows_of([one.record for one in found])
    return [(row, one.closes_at) for row, one in zip(rows, found, strict=True)]


@requests.post("/o/<organisation>/requests/confirm", endpoint="confirm")
@allows(*service.DECIDES)
@once
def confirm(organisation: str) -> Any:
    """Confirm several at once, each by itself: one that changed meanwhile keeps none of the others waiting."""
    host = accounts.organisation(organisation)
    done, passed, failed = 0, 0, []
    for text in request.form.getlist("request")[:SEVERAL]:
        wanted = picked(text)
        if wanted is None:
            continue
        booking_id, version = wanted
        try:
            given = service.approve(HostKey(host.id, booking_id), by=g.actor, version=version)
            if given.state is BookingState.REQUESTED:
                passed += 1
            else:
                done += 1
        except DomainError as error:
            failed.append(said(told.sentence for told in sentences.tell_all(error)))
    if done:
        text = ngettext(
            "%(num)d request confirmed; its customer is told.",
            "%(num)d requests confirmed; their customers are told.",
            done,
        )
        flash(text, "good")
    if passed:
        flash(
            ngettext(
                "%(num)d yes noted; the next answer is wanted.",
                "%(num)d times yes noted; the next answers are wanted.",
                passed,
            ),
            "good",
        )
    for text in dict.fromkeys(failed):
        flash(_("Not confirmed: %(why)s", why=text), "bad")
    if not done and not passed and not failed:
        flash(_("Tick the requests to confirm first."), "wait")
    return redirect(url_for("requests.index", organisation=organisation), 303)


# ---- the calendar ----------------------------------------------------------------------------------------------


@calendar.get("/o/<organisation>/calendar", endpoint="index")
@allows(*SEES)
def hosts_calendar(organisation: str) -> str:
    """All that one looks after over a day or a week: units as lanes, with who holds them."""
    host = accounts.organisation(organisation)
    forms.remember_zone(host.zone)
    today = local_day(clock.now(), zone(host.zone))
    view = request.args.get("view", "")
    view = view if view in ("month", "week") else "day"
    text = request.args.get("day")
    first = month_of(text, today) if view == "month" else first_day(text, today, view)
    following = next_month(first) if view == "month" else first + timedelta(days=7 if view == "week" else 1)
    previous = next_month(first, -1) if view == "month" else first - (following - first)
    managed = [r for r in catalogue.resources_managed_by(g.actor, states=[ListingState.PUBLIC]) if r.bookable]
    chosen = request.args.get("resource", "")
    every = [r for r in managed if r.code == chosen] or managed
    (skipped,) = paging.unpack(paging.asked_after(), int) or (0,)
    rest = every[max(0, skipped) :]
    page = paging.page_of(rest[: SHOWN + 1], SHOWN, lambda _last: (max(0, skipped) + SHOWN,))
    shown = page.items
    span = availability.days_of(host.zone, first, (following - first).days)
    tables = _tables(organisation, host, shown, span) if view != "month" else []

    def at(day: date | None, how: str = view, code: str = chosen) -> str:
        return url_for(
            "calendar.index",
            organisation=organisation,
            day=day.isoformat() if day else None,
            view=how if how != "day" else None,
            resource=code or None,
        )

    inside = today if first <= today < following else first

    return render_template(
        "booking/hosts_calendar.html",
        tables=tables,
        months=_months(shown, span, at) if view == "month" else [],
        together=_together(tables) if view == "day" and len(tables) > 1 else None,
        managed=sorted(managed, key=lambda r: r.name(language())),
        chosen=chosen,
        view=view,
        day=first,
        days_name=days_name(first, following - timedelta(days=1)),
        page=page,
        previous=at(previous),
        following=at(following),
        today_href=at(None),
        month_href=at(first, "month"),
        week_href=at(inside if view == "month" else first, "week"),
        day_href=at(inside, "day"),
    )


def _months(
    shown: Sequence[ResourceRecord], span: TimeSpan, at: Callable[[date, str, str], str]
) -> list[tuple[ResourceRecord, Month]]:
    """A month of each, whose days open as days of that one."""
    weeks = availability.weeks([r.key for r in shown], span, Viewer(outside=True, host=True)) if shown else {}
    return [
        (
            r,
            month(
                weeks[r.key],
                lambda day, code=r.code: at(day, "day", code),  # type: ignore[misc]
                lambda day, code=r.code: at(day, "week", code),  # type: ignore[misc]
            ),
        )
        for r in shown
    ]


def _tables(
    organisation: str, host: OrganisationRecord, shown: Sequence[ResourceRecord], span: TimeSpan
) -> list[tuple[ResourceRecord, Timetable]]:
    weeks = availability.weeks([r.key for r in shown], span, Viewer(outside=True, host=True)) if shown else {}
    holders = {
        s.holder_id
        for week in weeks.values()
        for lane in week.lanes
        for s in lane.stretches
        if s.holder_id is not None
    }
    booked = service.holders([HostKey(host.id, h) for h in holders])
    customers = accounts.customers({b.customer_id for b in booked.values()})
    # One address of each sort is made and filled in for the thousands of a full week.
    shown_at, moved_at = (
        url_for(endpoint, organisation=organisation, host=host.code, booking_id=_ANY)
        for endpoint in ("bookings.show", "bookings.change_form")
    )
    decides = g.actor.has(*service.DECIDES)

    def holder(stretch: Stretch) -> Holder | None:
        return booked.get(HostKey(host.id, stretch.holder_id)) if stretch.holder_id else None

    def tell(stretch: Stretch) -> str:
        found = holder(stretch)
        if found is None or stretch.look in (Look.SETUP, Look.TEARDOWN):
            return ""
        customer = customers.get(found.customer_id)
        name = plain(customer.name_in(language())) if customer else found.number
        if found.state is BookingState.REQUESTED:
            return f"{word('booking.state', found.state)} · {name}"
        return name

    now, tz = clock.now(), zone(host.zone)

    def link_of(resource: ResourceRecord, step: int) -> Callable[[Stretch, TimeSpan, UUID], str]:
        for_customer = url_for("calendar.book_for", organisation=organisation, code=resource.code)

        def link(stretch: Stretch, piece: TimeSpan, unit_id: UUID) -> str:
            if stretch.bookable and piece.end > now:
                start = first_start(piece, tz, step, now)
                if start is None:
                    return ""
                chosen = {**wall_clock.fields("start", start, host.zone), "unit": unit_id}
                return f"{for_customer}?{urlencode({k: v for k, v in chosen.items() if v}, safe=':')}"
            if holder(stretch) is None or stretch.look in (Look.SETUP, Look.TEARDOWN):
                return ""
            return shown_at.replace(str(_ANY), str(stretch.holder_id))

        return link

    def move(stretch: Stretch) -> str:
        found = holder(stretch)
        if found is None or not decides or Act.CHANGE not in open_acts(found.kind, found.state, Side.HOST):
            return ""
        return moved_at.replace(str(_ANY), str(found.key.id))

    part = shown_part(weeks.values())
    return [
        (
            r,
            timetable(
                weeks[r.key], link=link_of(r, weeks[r.key].step_minutes), tell=tell, move=move, part=part
            ),
        )
        for r in shown
        if r.key in weeks
    ]


def _together(tables: Sequence[tuple[ResourceRecord, Timetable]]) -> Timetable:
    """One day of many resources as one table, a lane for each unit."""
    first = tables[0][1]
    lanes: list[LaneRow] = []
    for resource, table in tables:
        name = plain(resource.name(language()))
        own = table.days[0].lanes
        lanes += [replace(lane, name=f"{name} · {lane.name}" if len(own) > 1 else name) for lane in own]
    day: DayRow = replace(first.days[0], lanes=tuple(lanes))
    looks = dict.fromkeys(look for _resource, table in tables for look in table.looks)
    step = min(table.step for _resource, table in tables)
    return replace(first, days=(day,), looks=tuple(looks), step=step, units=len(lanes))
