"""What the pages of a funder share: who may do what, whose page it is, the day there."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, request
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.subsidy import service
from resource_hub.entrypoints.support import sentences
from resource_hub.entrypoints.support.forms import remember_zone
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import FunderKey
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint("funder", __name__)

Answer = str | Response | tuple[str, int]
PEOPLE = service.FUNDERS_PEOPLE
ADMIN = (Role.FUNDER_ADMIN,)
COMPUTES = (Role.REVIEWER, Role.FUNDER_ADMIN)
APPROVES = (Role.FUNDER_APPROVER,)


@blueprint.url_value_preprocessor
def _hat(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    g.hat = "funder"


def me() -> UUID:
    """The funder whose page it is; its zone is that of the page."""
    funder_id: UUID = g.actor.organisation_id
    if "funder" not in g:
        g.funder = accounts.organisation(funder_id)
        remember_zone(g.funder.zone)
    return funder_id


def today() -> date:
    """The day that it is there."""
    me()
    return local_day(clock.now(), zone(g.funder.zone))


def tell(error: DomainError) -> None:
    """Every reason of a refusal, on the next page."""
    for told in sentences.tell_all(error):
        flash(told.whole, "error")


def this_year() -> int:
    """The year in the address, else the present one."""
    try:
        return max(2000, min(2100, int(request.args.get("year", ""))))
    except ValueError:
        return today().year


def own_programme(programme_id: UUID) -> Any:
    """A programme of this funder.

    Raises:
        NotFound: there is none such here.
    """
    found = service.programme(programme_id)
    if found.funder_id != me():
        raise NotFound()
    return found


def run_key(run_id: UUID) -> FunderKey:
    """A run by its id in the address: another funder's is not found."""
    return FunderKey(me(), run_id)
