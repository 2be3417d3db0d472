"""What everybody sees: search, a resource, a host. No account is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationKind, OrganisationState
from resource_hub.domain.availability.terms import FreeTime
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import ThreeSums
from resource_hub.domain.catalogue import kinds as kind_fields
from resource_hub.domain.catalogue import places, service
from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.contents import degrees
from resource_hub.domain.catalogue.errors import ResourceNotFound
from resource_hub.domain.catalogue.facets import FacetValue
from resource_hub.domain.catalogue.query import ORDERS
from resource_hub.domain.catalogue.terms import ListingState, Mode, ResourceKind, ResourceRecord
from resource_hub.entrypoints.support import formatting, forms, guards, paging, uploads
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.catalogue import hooks, when
from resource_hub.infra import files
from resource_hub.kernel.errors import NotFound
from resource_hub.kernel.keys import HostKey
from resource_hub.reports import free_times

search = Blueprint("search", __name__)
hosts = Blueprint("hosts", __name__)

ICONS = {
    "instrument": "instrument", "facility": "building", "natural": "leaf", "dataset": "database",
    "literature": "book", "service": "service",
}  # fmt: skip


def resource_url(record: ResourceRecord, **more: Any) -> str:
    """The permanent public address of a resource."""
    return url_for("hosts.resource", host=record.host_code, code_or_id=record.code, **more)


def photo_url(record: ResourceRecord) -> str | None:
    photo = record.contents.photo_id
    return url_for("hosts.photo", host=record.host_code, file_id=photo) if photo else None


def icon_of(kind: Any) -> str:
    return ICONS.get(str(getattr(kind, "value", kind)), "instrument")


@search.app_context_processor
def _helpers() -> dict[str, Any]:
    return {
        "resource_url": resource_url,
        "photo_url": photo_url,
        "kind_icon": icon_of,
        "class_name": lambda code: instrument_classes().name(code, formatting.language()),
        "city_name": lambda city: places.place_name(city, formatting.language()),
        "degrees": degrees,
        "field_name": field_name,
        "shown_value": shown_value,
        "detail_value": detail_value,
    }


def field_name(field: str) -> str:
    """The reader's word for a field of a difference; entries of the specification keep their own names."""
    if field.startswith("specification."):
        return f"{word('catalogue.field', 'specification')}: {formatting.plain(field.split('.', 1)[1])}"
    return word("catalogue.field", field.removeprefix("details."))


def shown_value(field: str, text: str) -> str:
    """A value of a difference in the reader's words."""
    if field == "modes":
        return formatting.listed(word("catalogue.mode", mode) for mode in text.split(", "))
    if field in ("bookable", "open_to_outside", "general_purpose"):
        return word("common.yes_no", text == "yes")
    if field == "class_code":
        return f"{text} {instrument_classes().name(text, formatting.language())}"
    if field == "photo_id":
        return _("a photo")
    return formatting.plain(text)


def detail_value(field: kind_fields.KindField, text: str) -> str:
    """A value of a kind's own field; closed lists of ours in the reader's words, those of a standard as they are."""
    if field.name in ("access", "origin", "category"):
        return word(f"catalogue.{field.name}", text)
    if field.name == "customs_supervised":
        return word("common.yes_no", text == "yes")
    return formatting.plain(text)


# ---- search --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FacetLink:
    label: str
    count: int
    chosen: bool
    href: str


def asked() -> service.Query:
    """The query in the address; what is no known value is left out."""

    def several(name: str) -> list[str]:
        return [value for value in request.args.getlist(name) if value][:30]

    known_kinds = {str(kind) for kind in ResourceKind}
    known_modes = {str(mode) for mode in Mode}
    return service.Query(
        text=request.args.get("q", "")[:200].strip(),
        kinds=tuple(ResourceKind(kind) for kind in several("kind") if kind in known_kinds),
        hosts=tuple(several("host")),
        cities=tuple(several("city")),
        class_groups=tuple(code for code in several("class") if code.isdigit() and len(code) <= 6),
        modes=tuple(Mode(mode) for mode in several("mode") if mode in known_modes),
        open_to_outside=request.args.get("open") == "1",
        near=request.args.get("near", "")[:60].strip(),
        order=request.args.get("order", ""),
        cursor=request.args.get("after", "")[:500],
    )


def my_customer() -> UUID | None:
    """The reader's own customer, for whom prices are shown; None for a visitor without one."""
    person = guards.person()
    mine = accounts.customers_of(person.id) if person is not None else []
    return mine[0].id if mine else None


@search.get("/search")
@allows(PUBLIC)
def index() -> str:
    """Search over everything public; an empty query browses. All of it stands in the address."""
    query, wanted = asked(), when.asked()
    times: Mapping[HostKey, FreeTime] = {}
    sums: Mapping[HostKey, ThreeSums] = {}
    included: Mapping[HostKey, tuple[ResourceRecord, ...]] = {}
    without = included
    if wanted.wish is not None:
        found = free_times.search(query, wanted.wish, customer_id=my_customer())
        query, results, times, sums = replace(query, timed=True), found.results, found.times, found.sums
        included, without = found.included, found.without
    else:
        results = service.search(query, customer_id=my_customer())
    return render_template(
        "catalogue/search.html",
        query=query,
        results=results,
        when=wanted,
        when_fields=when.fields(wanted),
        times=times,
        sums=sums,
        included=included,
        without=without,
        rated=booking.mean_ratings([hit.resource.key for hit in results.hits]),
        link_to=when.link_to,
        facets=_facet_links(results),
        orders=[(order, _ORDER_LABELS[order]()) for order in ORDERS if _offered(order, query)],
        order=query.effective_order(),
        page=paging.Page(results.hits, results.next_cursor or None, results.total),
        elsewhere=service.nearest_elsewhere(query) if not results.total else 0,
        chosen=[link for _title, links in _facet_links(results) for link in links if link.chosen],
    )


_ORDER_LABELS: dict[str, Callable[[], str]] = {
    "relevance": lambda: _("Best match"),
    "name": lambda: _("Name"),
    "newest": lambda: _("Newest listing"),
    "distance": lambda: _("Distance"),
    "price": lambda: _("Price"),
    "soonest": lambda: _("Soonest"),
}


def _offered(order: str, query: service.Query) -> bool:
    needs = {"distance": query.near, "relevance": query.text, "soonest": query.timed}
    return bool(needs.get(order, True))


def _facet_links(results: service.Results) -> list[tuple[str, list[FacetLink]]]:
    language = formatting.language()
    titles: list[tuple[str, str, str, Callable[[str], str]]] = [
        ("kind", "kind", _("Kind"), lambda v: word("catalogue.kinds", v)),
        ("city", "city", _("Place"), lambda v: places.place_name(v, language)),
        ("mode", "mode", _("How it is used"), lambda v: word("catalogue.mode", v)),
        ("open", "open", _("Open to"), lambda v: _("outside firms")),
        ("class", "class", _("Class"), lambda v: instrument_classes().name(v, language)),
        (
            "host",
            "host",
            _("Host"),
            lambda v: results.hosts[v].name_in(language) if v in results.hosts else v,
        ),
    ]
    shown = []
    for facet, argument, title, label in titles:
        values: tuple[FacetValue, ...] = results.facets.get(facet, ())
        links = [FacetLink(label(v.value), v.count, v.chosen, _toggled(argument, v)) for v in values]
        if links and not (len(links) == 1 and not links[0].chosen and links[0].count == results.total):
            shown.append((title, links))
    return shown


def _toggled(argument: str, value: FacetValue) -> str:
    """This search with one value of a facet more, or one less."""
    now = [v for v in request.args.getlist(argument) if v]
    wanted = [v for v in now if v != value.value] if value.chosen else [*now, value.value]
    if argument == "class" and value.chosen:
        wanted = [v for v in now if v[:2] != value.value]
    if argument == "city" and value.chosen:
        spelt = set(places.spellings(value.value))
        wanted = [v for v in now if v not in spelt]
    return paging.here(**{argument: wanted or None, "after": None})


# ---- hosts and resources -------------------------------------------------------------------------------------


def _staff_of(institution_id: UUID) -> Any:
    """The reader as staff of this host, or None."""
    person = guards.person()
    if person is None:
        return None
    try:
        return accounts.actor(person.id, institution_id)
    except NotFound:
        return None


@hosts.get("/hosts/<host>/resources/<path:code_or_id>")
@allows(PUBLIC)
def resource(host: str, code_or_id: str) -> str | Response:
    """One resource: what it is, whom to ask, when it can be had, what it costs."""
    record = service.resource_of(host, code_or_id)
    staff = _staff_of(record.key.institution_id)
    service.visible(record, staff)
    if code_or_id != record.code:
        return redirect(resource_url(record, **request.args.to_dict()))
    forms.remember_zone(record.zone)
    organisation = accounts.organisation(record.key.institution_id)
    department = (
        accounts.department(record.key.institution_id, record.department_id) if record.department_id else None
    )
    prices = service.prices_for([record], my_customer())
    return render_template(
        "catalogue/resource.html",
        record=record,
        contents=record.contents,
        host=organisation,
        department=department,
        units=service.units(record.key, active_only=True),
        fields=kind_fields.fields_of(record.kind),
        price=prices.get(record.key),
        staff=staff,
        access_url=_access_url(record),
        sign_in=url_for("accounts.sign_in", next=request.full_path.rstrip("?"))
        if guards.person() is None and "accounts.sign_in" in current_app.view_functions
        else None,
        **hooks.about(record),
    )


def _access_url(record: ResourceRecord) -> str | None:
    """Where access to something untimed is asked for; the booking area has that page."""
    if not record.takes_access_requests or record.state is not ListingState.PUBLIC:
        return None
    if "booking.request_access" not in current_app.view_functions:
        return None
    return url_for("booking.request_access", host=record.host_code, code=record.code)


@hosts.get("/hosts/<host>")
@allows(PUBLIC)
def show(host: str) -> str:
    """One host: who it is, where, and what it opens."""
    organisation = accounts.organisation(host)
    if (
        organisation.kind is not OrganisationKind.INSTITUTION
        or organisation.state is not OrganisationState.ACTIVE
    ):
        raise ResourceNotFound()
    forms.remember_zone(organisation.zone)
    query = service.Query(hosts=(organisation.code,), cursor=request.args.get("after", ""), order="name")
    results = service.search(query, customer_id=my_customer())
    return render_template(
        "catalogue/host.html",
        host=organisation,
        results=results,
        rated=booking.mean_ratings([hit.resource.key for hit in results.hits]),
        kinds=[(v.value, v.count) for v in results.facets["kind"]],
        page=paging.Page(results.hits, results.next_cursor or None, results.total),
        staff=_staff_of(organisation.id),
    )


@hosts.get("/hosts/<host>/photos/<uuid:file_id>")
@allows(PUBLIC)
def photo(host: str, file_id: UUID) -> Response:
    """A picture of a public listing; of a draft only for the host's own staff."""
    organisation = accounts.organisation(host)
    record = files.find(organisation.id, file_id)
    if record is None or record.media_type not in uploads.SHOWN:
        raise ResourceNotFound()
    if not record.public and _staff_of(organisation.id) is None:
        raise ResourceNotFound()
    return uploads.answer(record)


def own_record(organisation: str, resource_id: UUID) -> ResourceRecord:
    """A resource of the organisation in the address; others are not there."""
    actor = g.actor
    record = service.resource(HostKey(actor.organisation_id, resource_id))
    forms.remember_zone(record.zone)
    return record
