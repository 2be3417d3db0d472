"""The entries of each person: at most six, by what the person is in the organisation (docs/map.toml).

An institution's person may wear several hats (laboratory, office, customer). The hat is told by the page that is open,
else the first one the person has; the others stand below the entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request, url_for

from resource_hub.domain.accounts.terms import OrganisationKind, Role
from resource_hub.domain.booking.terms import Side
from resource_hub.entrypoints.support import guards
from resource_hub.entrypoints.support.text import N_, NP_, translate


@dataclass(frozen=True, slots=True)
class Entry:
    """A way to a page. ``covers`` are blueprints and endpoints on whose pages it is the current one."""

    label: str
    endpoint: str
    icon: str
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hat:
    """What a person is in an organisation: which roles wear it, which entries it has."""

    name: str
    label: str
    kinds: frozenset[OrganisationKind]
    roles: frozenset[Role]
    entries: tuple[Entry, ...]


_LAB = Hat(
    "lab",
    N_("Laboratory"),
    frozenset({OrganisationKind.INSTITUTION}),
    frozenset({Role.MANAGER, Role.DEPUTY, Role.OPERATOR}),
    (
        Entry(N_("Today"), "usage.today", "today", ("usage.",)),
        Entry(N_("Calendar"), "calendar.index", "calendar", ("calendar.",)),
        Entry(
            N_("Requests"),
            "requests.index",
            "requests",
            (
                "requests.",
                "quotes.",
                "waiting.hosts_list",
                "bookings.show",
                "bookings.change_form",
                "bookings.divide_form",
                "series.show",
            ),
        ),
        Entry(N_("Day close"), "usage.day_close", "seal"),
        Entry(
            N_("Resources"),
            "manage.index",
            "instrument",
            ("manage.", "availability.", "tariffs.", "standing."),
        ),
    ),
)
_OFFICE = Hat(
    "office",
    N_("Office"),
    frozenset({OrganisationKind.INSTITUTION}),
    frozenset({Role.OFFICE, Role.INSTITUTION_ADMIN}),
    (
        Entry(N_("Year"), "assessment.year", "year", ("assessment.",)),
        Entry(N_("Approvals"), "approvals.index", "approve", ("approvals.",)),
        Entry(NP_("entry", "Money"), "billing.host", "money", ("billing.",)),
        Entry(N_("Reports"), "reports.index", "report", ("reports.",)),
        Entry(N_("People"), "team.index", "people", ("team.",)),
        Entry(N_("Import"), "imports.index", "upload", ("imports.",)),
    ),
)
_CUSTOMER = Hat(
    "customer",
    N_("Customer"),
    frozenset({OrganisationKind.FIRM, OrganisationKind.INSTITUTION}),
    frozenset({Role.FIRM_ADMIN, Role.BOOKER, Role.APPROVER, Role.PAYER}),
    (
        Entry(NP_("entry", "Home"), "customer.home", "home"),
        Entry(N_("Bookings"), "bookings.index", "calendar", ("bookings.", "series.", "waiting.index")),
        Entry(N_("Orders"), "orders.index", "sample", ("orders.", "quotes.")),
        Entry(NP_("entry", "Money"), "billing.customer", "money", ("billing.",)),
        Entry(N_("Support"), "subsidy.customer", "support", ("subsidy.",)),
        Entry(N_("Team"), "team.index", "people", ("team.",)),
    ),
)
_FUNDER = Hat(
    "funder",
    N_("Funder"),
    frozenset({OrganisationKind.FUNDER}),
    frozenset({Role.FUNDER_ADMIN, Role.REVIEWER, Role.FUNDER_APPROVER}),
    (
        Entry(N_("Overview"), "funder.overview", "overview"),
        Entry(N_("Programmes"), "funder.programmes", "rules"),
        Entry(N_("Applications"), "funder.applications", "requests"),
        Entry(N_("Runs"), "funder.runs", "run"),
        Entry(NP_("entry", "Review"), "funder.review", "search"),
        Entry(N_("Usage"), "funder.usage", "report"),
    ),
)
_PLATFORM = Hat(
    "platform",
    N_("Platform"),
    frozenset({OrganisationKind.PLATFORM}),
    frozenset({Role.PLATFORM_STAFF}),
    (
        Entry(N_("Operations"), "operations.index", "pulse"),
        Entry(N_("Organisations"), "organisations.index", "people"),
        Entry(N_("Rulebook"), "rulebook.index", "rules"),
        Entry(N_("Calendar days"), "calendar_days.index", "calendar"),
        Entry(N_("Ratings"), "rating_reports.index", "requests", ("rating_reports.",)),
        Entry(N_("Audit"), "audit.index", "seal"),
    ),
)
HATS = (_LAB, _OFFICE, _CUSTOMER, _FUNDER, _PLATFORM)

EVERYBODY = (
    Entry(N_("Search"), "search.index", "search", ("search.",)),
    Entry(N_("Support"), "support.index", "support", ("support.",)),
)
INBOX = Entry(N_("Inbox"), "inbox.index", "inbox", ("inbox.",))
PERSONAL = (
    Entry(N_("Profile"), "accounts.profile", "person"),
    Entry(N_("Notifications"), "accounts.notifications", "bell"),
    Entry(N_("Calendar feeds"), "feed_pages.index", "calendar", ("feed_pages.",)),
    Entry(N_("Strikes and trainings"), "standing.mine", "approve", ("standing.mine",)),
    Entry(N_("Access tokens"), "accounts.tokens", "key"),
)
FOOT_OF_VISITORS = (Entry(N_("Register"), "accounts.register", "person"),)
FOOT_OF_DEMONSTRATION = (Entry(N_("Letters sent"), "accounts.outgoing_mail", "mail"),)
FOOT = (
    Entry(N_("Public notices"), "notices.public", "report"),
    Entry(N_("Verify a proof"), "proofs.index", "seal"),
)
_EVERYBODYS = frozenset({guards.PUBLIC, guards.SIGNED_IN, guards.MEMBER})
SIGN_IN = "accounts.sign_in"
SIGN_OUT = "accounts.sign_out"


def hats_of(actor: Any) -> list[Hat]:
    """The hats this actor wears, in the order in which they are offered."""
    return [h for h in HATS if actor.organisation_kind in h.kinds and h.roles & actor.roles]


def _open(entry: Entry, actor: Any) -> bool:
    """Whether there is such a page and this actor may enter it."""
    if entry.endpoint not in current_app.view_functions:
        return False
    who = guards.declared(current_app, entry.endpoint, "GET") or frozenset()
    return actor is None or bool(who & _EVERYBODYS) or any(role.value in who for role in actor.roles)


def href(endpoint: str, organisation: str | None = None) -> str:
    """Address of an entry; pages of an organisation get its code."""
    rules = list(current_app.url_map.iter_rules(endpoint))
    if organisation and any("organisation" in rule.arguments for rule in rules):
        return url_for(endpoint, organisation=organisation)
    return url_for(endpoint)


def covers(entry: Entry, endpoint: str) -> bool:
    return endpoint == entry.endpoint or any(
        endpoint == c or (c.endswith(".") and endpoint.startswith(c)) for c in entry.covers
    )


def current_entry(entries: tuple[Entry, ...]) -> Entry | None:
    """The entry of the page that is open: the exact one before one that only covers it."""
    endpoint = request.endpoint or ""
    exact = next((e for e in entries if e.endpoint == endpoint), None)
    return exact or next((e for e in entries if covers(e, endpoint)), None)


def shown(
    entries: tuple[Entry, ...], organisation: str | None = None, actor: Any = None
) -> Iterator[dict[str, Any]]:
    """The entries as the frame of a page shows them; with an actor only those that it may enter."""
    now = current_entry(entries)
    for entry in entries:
        if _open(entry, actor):
            yield {
                "label": translate(entry.label),
                "href": href(entry.endpoint, organisation),
                "icon": entry.icon,
                "current": entry is now,
                "endpoint": entry.endpoint,
                "count": 0,
            }


def first_page(actor: Any) -> str | None:
    """Address of the first screen of this actor: the work that waits."""
    for hat in hats_of(actor):
        for entry in hat.entries:
            if _open(entry, actor):
                return href(entry.endpoint, actor.organisation_code)
    return None


def wear(side: Side, actor: Any) -> None:
    """The hat for a page that either party of a booking opens: each reads it among the entries of its own side."""
    of_customer = side is Side.CUSTOMER
    g.hat = next((hat.name for hat in hats_of(actor) if (hat is _CUSTOMER) is of_customer), None)


def hat_now(actor: Any) -> Hat | None:
    """The hat that fits the open page, else the first one."""
    worn = hats_of(actor)
    asked = g.get("hat")
    for hat in worn:
        if hat.name == asked:
            return hat
    return next((h for h in worn if current_entry(h.entries) is not None), worn[0] if worn else None)
