"""The page of one's calendar feeds: make an address, copy it once, revoke it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import feeds, service
from resource_hub.domain.accounts.feeds import LABORATORY_ROLES, FeedKind
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.feeds import showing
from resource_hub.entrypoints.support.formatting import language, plain
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.support.guards import SIGNED_IN, allows
from resource_hub.entrypoints.support.protection import limiter
from resource_hub.entrypoints.web.accounts.blueprint import me
from resource_hub.entrypoints.web.accounts.signing_in import Answer
from resource_hub.kernel.errors import DomainError, NotFound

blueprint = Blueprint("feed_pages", __name__)


@blueprint.get("/me/feeds")
@allows(SIGNED_IN)
def index() -> Answer:
    """One's feeds. With ``?resource=host/code`` the form offers that resource's calendar first."""
    asked = request.args.get("resource", "")
    chosen = _resource_choices(asked)
    return _page(Form({"what": chosen[0][0] if chosen else "person", "resource": asked if chosen else ""}))


@blueprint.post("/me/feeds")
@allows(SIGNED_IN)
@limiter.limit(showing.MAKING)
def created() -> Answer:
    """Makes an address and shows it once; it stands nowhere afterwards."""
    form = Form.sent()
    offered = _choices(form.text("resource") or "")
    what = form.choice("what", [value for value, _label in offered], required=True)
    if not form.ok or not what:
        return _page(form)
    kind, _sep, rest = what.partition(":")
    organisation, _sep, subject = rest.partition(":")
    try:
        record, secret = feeds.create_feed(
            me().id,
            FeedKind(kind),
            organisation_id=UUID(organisation) if organisation else None,
            subject_id=UUID(subject) if subject else None,
        )
    except DomainError as error:
        form.refuse(error)
        return _page(form)
    return _page(Form({"what": "person"}), made=showing.address(record.kind, secret))


@blueprint.post("/me/feeds/<uuid:feed_id>/revoke")
@allows(SIGNED_IN)
def revoked(feed_id: UUID) -> Answer:
    feeds.revoke_feed(me().id, feed_id)
    flash(_("The address works no more. Remove it from your calendar program too."), "good")
    return redirect(url_for("feed_pages.index"), 303)


def _page(form: Form, made: str = "") -> tuple[str, int]:
    html = render_template(
        "accounts/feeds.html",
        form=form,
        made=made,
        subscribe=made.replace("https://", "webcal://").replace("http://", "webcal://"),
        rows=[(record, _name(record)) for record in feeds.feeds_of(me().id)],
        options=_choices(str(form.value("resource") or "")),
        resource=form.value("resource"),
    )
    return html, form.status


def _name(record: feeds.FeedRecord) -> str:
    try:
        return showing.name_of(record)
    except NotFound:
        return "–"


def _choices(resource: str) -> Sequence[tuple[str, str]]:
    """What this person may subscribe to: value of the form and its words."""
    found = _resource_choices(resource)
    found.append((FeedKind.PERSON.value, _("My own bookings, at all hosts")))
    person_id = me().id
    for seat in service.seats(person_id):
        by = service.actor(person_id, seat.organisation.id)
        for customer in sorted(service.customers(by.customer_ids).values(), key=lambda c: c.code):
            found.append(
                (
                    f"{FeedKind.CUSTOMER.value}:{seat.organisation.id}:{customer.id}",
                    _("All bookings of %(name)s", name=plain(customer.name_in(language()))),
                )
            )
        if by.has(*LABORATORY_ROLES):
            host = plain(seat.organisation.name_in(language()))
            found.append(
                (
                    f"{FeedKind.LABORATORY.value}:{seat.organisation.id}:",
                    _("Bookings on all that I look after at %(name)s", name=host),
                )
            )
            for department in service.departments(seat.organisation.id):
                if by.reaches(department.id):
                    found.append(
                        (
                            f"{FeedKind.LABORATORY.value}:{seat.organisation.id}:{department.id}",
                            _("Bookings at %(name)s", name=plain(department.name_in(language()))),
                        )
                    )
    return found


def _resource_choices(asked: str) -> list[tuple[str, str]]:
    """The public calendars of a resource named ``host/code`` and of its units; only what everybody may see and book."""
    host, _sep, code = asked.partition("/")
    if not host or not code:
        return []
    try:
        record = catalogue.resource_of(host, code)
        showing.subject_of(record)
    except NotFound:
        return []
    name = record.name(language())
    taken = [(FeedKind.RESOURCE, record.key.id, name)]
    units = [unit for unit in catalogue.units(record.key) if unit.active]
    if len(units) > 1:
        taken += [(FeedKind.UNIT, unit.key.id, f"{name} · {unit.name(language())}") for unit in units]
    return [
        (
            f"{kind.value}:{record.key.institution_id}:{subject}",
            _("When %(name)s is taken", name=plain(what)),
        )
        for kind, subject, what in taken
    ]
