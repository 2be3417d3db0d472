"""One session: what was booked, what the machine said, what people said, what it became; and entering one by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationKind, Role
from resource_hub.domain.billing import service as billing
from resource_hub.domain.booking import service as bookings
from resource_hub.domain.booking.terms import BookingKind, BookingState, Purpose
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.errors import NoSuchSession
from resource_hub.domain.usage.rules.hours import whole_second
from resource_hub.entrypoints.support import uploads, words
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, SIGNED_IN, allows
from resource_hub.entrypoints.web.usage.laboratory import CLOSES, LABORATORY, Answer, blueprint, here
from resource_hub.infra import clock, files
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

routes = blueprint
MODES = ("self_use", "staff_run", "send_in")


# ---- the page ---------------------------------------------------------------------------------------------------


@blueprint.get("/hosts/<host>/sessions/<uuid:session_id>")
@allows(SIGNED_IN)
def permanent_session(host: str, session_id: UUID) -> Response:
    """The address that stays: opens the session in the organisation in which this person may read it."""
    key = HostKey(accounts.organisation(host).id, session_id)
    seats = accounts.seats(current_user.person.id)
    # The host's own people first; for everybody else whichever of their organisations is a party.
    for seat in sorted(seats, key=lambda s: s.organisation.id != key.institution_id):
        g.actor = accounts.actor(current_user.person.id, seat.organisation.id)
        try:
            _view(key)
        except NotFound:
            continue
        return redirect(
            url_for("usage.session", organisation=seat.organisation.code, host=host, session_id=session_id)
        )
    raise NoSuchSession()


def _view(key: HostKey) -> usage.SessionView:
    """The session for this actor; a funder sees it where a claim of its programmes rests on it (law 8)."""
    witness = False
    if g.actor.organisation_kind is OrganisationKind.FUNDER:
        entry_ids = usage.entry_ids_of_session(key)
        claims = subsidy.claims_of_entries(key.institution_id, entry_ids) if entry_ids else []
        witness = any(claim.funder_id == g.actor.organisation_id for claim in claims)
    return usage.session_view(key, g.actor, witness=witness)


@blueprint.get("/o/<organisation>/sessions/<host>/<uuid:session_id>")
@allows(MEMBER)
def session(organisation: str, host: str, session_id: UUID) -> Answer:
    return _page(HostKey(accounts.organisation(host).id, session_id), Form())


def _page(key: HostKey, form: Form, correction: Form | None = None) -> tuple[str, int]:
    view = _view(key)
    g.zone = view.host.zone
    charges = [c for e in view.entries for c in billing.charges_of_entry(e.key)]
    claims = (
        subsidy.claims_of_entries(key.institution_id, [e.key.id for e in view.entries])
        if view.entries
        else []
    )
    customers_own = not view.by_host and g.actor.organisation_kind is not OrganisationKind.FUNDER
    if customers_own:
        charges = [c for c in charges if c.customer_id in g.actor.customer_ids]
        claims = [c for c in claims if c.customer_id in g.actor.customer_ids]
    elif g.actor.organisation_kind is OrganisationKind.FUNDER:
        claims = [c for c in claims if c.funder_id == g.actor.organisation_id]
        kept = {c.charge_id for c in claims}
        charges = [c for c in charges if c.key.id in kept]
    html = render_template(
        "usage/session.html",
        view=view,
        record=view.session,
        timeline=_timeline(view),
        bars=_bars(view),
        charges=charges,
        claims=claims,
        form=form,
        correction=correction or Form(_correction_defaults(view)),
        may_enter=view.by_host
        and g.actor.has(*LABORATORY)
        and view.session.state in ("expected", "ended", "no_show"),
        may_correct=view.by_host and g.actor.has(*CLOSES) and view.session.state == "sealed",
        agreed=_reason_lines(view),
    )
    return html, max(form.status, correction.status if correction else 200)


def _reason_lines(view: usage.SessionView) -> list[tuple[str, bool]]:
    """What the grade was judged on, as words and yes or no."""
    reason = view.session.grade_reason
    if not reason:
        return []
    if reason.get("bulk"):
        return [(_("old records, brought in together"), True)]
    return [
        (_("machine signal that agrees"), bool(reason.get("signal"))),
        (
            _("acceptance by the customer")
            if view.session.mode != "self_use"
            else _("action by a person of the customer"),
            bool(reason.get("user_action")),
        ),
        (_("booking that agrees"), bool(reason.get("booking"))),
        (_("operator's entry in time, with document"), reason.get("operator") == "documented"),
    ]


_TITLES = {
    "machine_signal": ("instrument", "info"),
    "check_in": ("play", "good"),
    "check_out": ("stop", "good"),
    "operator_entry": ("edit", "info"),
    "document": ("file", "info"),
    "acceptance": ("check", "good"),
    "no_show": ("alert", "bad"),
    "fault": ("tool", "bad"),
    "bulk": ("upload", "info"),
}


def _timeline(view: usage.SessionView) -> list[dict[str, Any]]:
    """One timeline of what was booked, what the machine said and what people said, by the time it speaks of."""
    record = view.session
    items: list[dict[str, Any]] = []
    if record.booked is not None:
        items.append(
            {
                "at": record.booked.start,
                "title": _("Booked"),
                "text": _span_text(record.booked.start, record.booked.end),
                "entered_at": view.booking.created_at if view.booking is not None else None,
                "href": f"/hosts/{view.host.code}/bookings/{record.booking_id}"
                if record.booking_id
                else None,
            }
        )
    for found in view.evidence:
        person = view.people.get(found.person_id) if found.person_id else None
        text = []
        if found.ends_at is not None:
            text.append(_span_text(found.starts_at, found.ends_at))
        if found.details.get("phase"):
            text.append(words.word("usage.phase", found.details["phase"]))
        if found.code_kind != "none":
            text.append(words.word("usage.code", found.code_kind))
        if found.details.get("offline"):
            text.append(_("pressed without a connection"))
        if found.late:
            text.append(_("late entry: does not count as itself"))
        document = None
        if found.details.get("file"):
            text.append(str(found.details["file"]))
        if found.details.get("file_id"):
            document = url_for(
                "usage.document",
                organisation=g.actor.organisation_code,
                host=view.host.code,
                session_id=record.key.id,
                file_id=found.details["file_id"],
            )
        items.append(
            {
                "at": found.starts_at,
                "title": words.word("usage.evidence", found.kind),
                "href": document,
                "text": " · ".join(text),
                "who": person.name if person is not None else "",
                "entered_at": found.entered_at if found.entered_at != found.starts_at else None,
                "tone": "wait" if found.late else _TITLES.get(found.kind, ("dot", "info"))[1],
            }
        )
    for entry in view.entries:
        items.append(
            {
                "at": entry.sealed_at,
                "title": words.word("usage.entry", entry.kind),
                "text": _(
                    "%(hours)s · grade %(grade)s", hours=_hours(entry.effective_seconds), grade=entry.grade
                ),
                "tone": "good" if entry.kind == "use" else "wait",
            }
        )
    return sorted(items, key=lambda item: item["at"])


def _hours(seconds: int) -> str:
    from resource_hub.entrypoints.support.formatting import hours

    return str(hours(seconds))


def _span_text(start: Any, end: Any) -> str:
    from resource_hub.entrypoints.support.formatting import span
    from resource_hub.kernel.time import TimeSpan

    return str(span(TimeSpan(start, end))) if end > start else ""


def _bars(view: usage.SessionView) -> list[dict[str, Any]]:
    """Booked, machine and people as bars over one axis, in per cent."""
    record = view.session
    groups: list[tuple[str, list[tuple[Any, Any, str]]]] = []
    if record.booked is not None:
        groups.append((_("Booked"), [(record.booked.start, record.booked.end, "")]))
    signals = [(e.starts_at, e.ends_at, str(e.details.get("phase", ""))) for e in view.evidence
               if e.kind == "machine_signal" and e.ends_at]  # fmt: skip
    if signals:
        groups.append((_("Machine"), signals))
    if record.recorded is not None:
        groups.append((_("Recorded"), [(record.recorded.start, record.recorded.end, "")]))
    every = [edge for _name, spans in groups for a, b, _phase in spans for edge in (a, b)]
    if not every or min(every) == max(every):
        return []
    first, length = min(every), (max(every) - min(every)).total_seconds()

    def place(moment: Any) -> float:
        return round((moment - first).total_seconds() / length * 100, 2)

    return [
        {
            "name": name,
            "spans": [
                {
                    "left": place(a),
                    "width": max(0.5, place(b) - place(a)),
                    "phase": phase,
                    "text": _span_text(a, b),
                }
                for a, b, phase in spans
            ],
        }
        for name, spans in groups
    ]


@blueprint.get("/o/<organisation>/sessions/<host>/<uuid:session_id>/documents/<uuid:file_id>")
@allows(MEMBER)
def document(organisation: str, host: str, session_id: UUID, file_id: UUID) -> Response:
    """A document that stands behind an operator's entry, for those who may see the session."""
    key = HostKey(accounts.organisation(host).id, session_id)
    if str(file_id) not in {e.details.get("file_id") for e in _view(key).evidence}:
        raise NoSuchSession()
    record = files.find(key.institution_id, file_id)
    if record is None:
        raise NoSuchSession()
    return uploads.answer(record, download=True)


# ---- what the parties do ----------------------------------------------------------------------------------------


def _back(organisation: str, host: str, session_id: UUID) -> Response:
    return redirect(
        url_for("usage.session", organisation=organisation, host=host, session_id=session_id), 303
    )


@blueprint.post("/o/<organisation>/sessions/<host>/<uuid:session_id>/accept")
@allows(Role.FIRM_ADMIN, Role.BOOKER, Role.APPROVER)
@once
def accept(organisation: str, host: str, session_id: UUID) -> Answer:
    key = HostKey(accounts.organisation(host).id, session_id)
    try:
        usage.accept(key, g.actor)
    except DomainError as error:
        form = Form()
        form.refuse(error)
        return _page(key, form)
    flash(_("Hours and samples are accepted."), "good")
    return _back(organisation, host, session_id)


@blueprint.post("/o/<organisation>/sessions/<host>/<uuid:session_id>/dispute")
@allows(Role.FIRM_ADMIN, Role.BOOKER, Role.APPROVER)
@once
def dispute(organisation: str, host: str, session_id: UUID) -> Answer:
    key = HostKey(accounts.organisation(host).id, session_id)
    form = Form.sent()
    text = form.text("text", required=True, longest=2000)
    if form.ok and text:
        try:
            usage.dispute(key, g.actor, text)
            flash(_("The host looks at it before the day is closed."), "good")
            return _back(organisation, host, session_id)
        except DomainError as error:
            form.refuse(error)
    return _page(key, form)


def _correction_defaults(view: usage.SessionView) -> dict[str, Any]:
    entries = view.current_entries
    if not entries:
        return {}
    entry, tz = entries[0], zone(view.host.zone)
    return {
        "entry": entry.key.id,
        "starts": entry.starts_at.astimezone(tz) if entry.starts_at else None,
        "ends": entry.ends_at.astimezone(tz) if entry.ends_at else None,
        "samples": entry.samples,
    }


@blueprint.post("/o/<organisation>/sessions/<host>/<uuid:session_id>/correct")
@allows(*CLOSES)
@once
def correct(organisation: str, host: str, session_id: UUID) -> Answer:
    """A further entry that points at the old one and says how it should have read."""
    key = HostKey(accounts.organisation(host).id, session_id)
    view = _view(key)
    form = Form.sent(_correction_defaults(view))
    entry_id = form.id("entry", required=True)
    reason = form.text("reason", required=True, longest=500)
    starts = form.moment("starts", zone=view.host.zone)
    ends = form.moment("ends", zone=view.host.zone)
    samples = form.whole("samples", most=100_000)
    no_use = request.form.get("no_use") == "1"
    mine = {e.key.id: e for e in view.current_entries}
    if form.ok and entry_id in mine and reason:
        old = mine[entry_id]
        # The form knows minutes; a time that was not touched keeps its seconds.
        change = usage.Correction(
            reason=reason,
            starts_at=None if _same_minute(starts, old.starts_at) else starts,
            ends_at=None if _same_minute(ends, old.ends_at) else ends,
            samples=samples,
            no_use=no_use,
        )
        try:
            usage.correct(old.key, change, g.actor)
            flash(_("The correction is sealed; the old entry stays and points to it."), "good")
            return _back(organisation, host, session_id)
        except DomainError as error:
            form.refuse(error)
    return _page(key, Form(), form)


def _same_minute(typed: Any, old: Any) -> bool:
    if typed is None or old is None:
        return typed is None
    return bool(typed == old.replace(second=0, microsecond=0))


# ---- entering a use by hand -------------------------------------------------------------------------------------


@blueprint.get("/o/<organisation>/use")
@allows(*LABORATORY)
def enter(organisation: str) -> Answer:
    """A form for a use that nobody tapped: of an expected session, or one without."""
    host = here()
    session_id = request.args.get("session", "")
    initial: dict[str, Any] = {"mode": "staff_run", "purpose": "research", "samples": 0}
    view = None
    if session_id:
        view = _view(HostKey(host.id, _uuid(session_id)))
        record, tz = view.session, zone(host.zone)
        start = record.starts_at or record.booked_starts_at
        end = record.ends_at or record.booked_ends_at
        initial |= {
            "resource": record.resource_id,
            "starts": start.astimezone(tz) if start else None,
            "ends": end.astimezone(tz) if end else None,
            "mode": record.mode,
            "purpose": record.lines[0].purpose if record.lines else "research",
            "samples": record.lines[0].samples if record.lines else 0,
            "session": record.key.id,
        }
    else:
        initial["resource"] = request.args.get("resource", "")
        initial["order"] = request.args.get("order", "")
    return _entry_page(host, Form(initial), view)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NoSuchSession() from None


def _entry_page(host: Any, form: Form, view: usage.SessionView | None) -> tuple[str, int]:
    resources = catalogue.resources_managed_by(g.actor)
    html = render_template(
        "usage/entry.html",
        form=form,
        view=view,
        resources=[(r.key.id, r) for r in resources],
        orders=_open_orders(),
        modes=[(m, words.word("usage.mode", m)) for m in MODES],
        purposes=[(p.value, words.word("usage.purpose", p.value)) for p in Purpose],
        host=host,
        today=local_day(clock.now(), zone(host.zone)),
    )
    return html, form.status


def _open_orders() -> Sequence[Any]:
    """Orders of this laboratory for which a use may be entered: of time, or samples that came in."""
    states = [
        BookingState.APPROVED, BookingState.IN_USE, BookingState.RECEIVED, BookingState.IN_PROGRESS,
        BookingState.DELIVERED, BookingState.DONE,
    ]  # fmt: skip
    found = bookings.bookings_at(g.actor, states=states, limit=200, newest=True)
    return [
        b for b in found if b.kind is not BookingKind.WINDOW or b.span is None or b.span.start <= clock.now()
    ]


@blueprint.post("/o/<organisation>/use")
@allows(*LABORATORY)
@once
def record_use(organisation: str) -> Answer:
    host = here()
    form = Form.sent()
    session_id = form.id("session")
    view = _view(HostKey(host.id, session_id)) if session_id else None
    order = next((b for b in _open_orders() if str(b.key.id) == request.form.get("order")), None)
    mine = {r.key.id: r for r in catalogue.resources_managed_by(g.actor)}
    resource_id = (
        view.session.resource_id
        if view
        else (order.resource_id if order else form.id("resource", required=True))
    )
    starts = form.moment("starts", zone=host.zone, required=True)
    ends = form.moment("ends", zone=host.zone, required=True)
    setup, post, idle = (form.whole(n, most=100_000) or 0 for n in ("setup", "post", "idle"))
    samples = form.whole("samples", most=100_000) or 0
    mode = form.choice("mode", MODES) or (view.session.mode if view else "staff_run")
    purpose = form.choice("purpose", [p.value for p in Purpose]) or "research"
    note = form.text("note", longest=2000) or ""
    document = _document(form)
    lines: list[usage.LineEntry] = []
    if view is not None:
        lines = [
            usage.LineEntry(x.customer_id, purpose if n == 0 else x.purpose, x.share, samples if n == 0 else x.samples,
                            x.booking_id)
            for n, x in enumerate(view.session.lines)
        ]  # fmt: skip
    elif order is not None:
        lines = [usage.LineEntry(order.customer_id, order.purpose, 1, samples, order.key.id)]
    elif not form.errors:
        form.note("order", "usage.order_wanted")
    if form.ok and resource_id in mine and starts and ends:
        try:
            record = usage.record_operator_entry(
                HostKey(host.id, resource_id),
                usage.OperatorEntry(
                    starts_at=whole_second(starts),
                    ends_at=whole_second(ends),
                    lines=lines,
                    mode=view.session.mode if view else mode,
                    setup_seconds=setup * 60,
                    post_seconds=post * 60,
                    idle_seconds=idle * 60,
                    document=document,
                    note=note,
                ),
                g.actor,
                session_id=session_id,
                unit_id=order.unit_id if order else None,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("The use is recorded."), "good")
            return _back(organisation, host.code, record.key.id)
    return _entry_page(host, form, view)


def _document(form: Form) -> dict[str, str] | None:
    """The file that was handed in as a document with an entry; None without one."""
    upload = request.files.get("document")
    if upload is None or not upload.filename or not form.ok:
        return None
    try:
        taken = uploads.take(upload, uploads.DOCUMENTS, "document")
        record = uploads.note(taken, g.actor.organisation_id, person_id=g.actor.person_id)
    except DomainError as error:
        form.refuse(error)
        return None
    return {"sha256": record.sha256.hex(), "file": record.name, "file_id": str(record.id)}
