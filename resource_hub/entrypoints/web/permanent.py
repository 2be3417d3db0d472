"""Permanent addresses of a host's rows open in the organisation in which their reader may see them."""

from __future__ import annotations

from collections.abc import Callable

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, OrganisationKind
from resource_hub.entrypoints.support import guards
from resource_hub.kernel.errors import NotFound


def reader_of(look: Callable[[Actor], object], missing: type[NotFound]) -> Actor:
    """The signed-in person as the one of its actors that may see a row; as a customer before as a host.

    Raises:
        NotFound: none of them may, or there is no such row.
    """
    person = guards.person()
    assert person is not None
    actors = [accounts.actor(person.id, seat.organisation.code) for seat in accounts.seats(person.id)]
    actors.sort(key=lambda a: a.organisation_kind is OrganisationKind.INSTITUTION)
    for by in actors:
        try:
            look(by)
        except missing:
            continue
        return by
    raise missing()
