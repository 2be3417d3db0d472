"""Places in the catalogue's pages that other areas fill.

``resource_context``: functions of a record that give names to the templates included on the resource page
(``booking/_panel.html``, ``booking/_week.html``). ``manage_links``: functions of an organisation's code and a record
that give ``(label, href)`` of pages about this resource (hours, rules, tariffs). ``approval_context``: functions of the
actor and the part of the approvals that is shown by itself ('' on the page of all) that give names to further parts of
that page (``tariffs/_approvals.html``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.catalogue.terms import ResourceRecord

resource_context: list[Callable[[ResourceRecord], dict[str, Any]]] = []
manage_links: list[Callable[[str, ResourceRecord], Iterable[tuple[str, str]]]] = []
approval_context: list[Callable[[Actor, str], dict[str, Any]]] = []


def about(record: ResourceRecord) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for hook in resource_context:
        result.update(hook(record))
    return result


def links(organisation: str, record: ResourceRecord) -> list[tuple[str, str]]:
    return [link for hook in manage_links for link in hook(organisation, record)]


def approvals(by: Actor, view: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for hook in approval_context:
        result.update(hook(by, view))
    return result
