"""What the pages about one resource share: the blueprints, who may enter, which resource is meant."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, g, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import forms
from resource_hub.entrypoints.web.catalogue import hooks
from resource_hub.infra import clock
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint("availability", __name__)
calendar_days = Blueprint("calendar_days", __name__)
MANAGES = (Role.MANAGER, Role.DEPUTY, Role.OFFICE, Role.INSTITUTION_ADMIN)


def _links(organisation: str, record: ResourceRecord) -> list[tuple[str, str]]:
    if record.takes_access_requests:
        return []
    about: dict[str, Any] = {"organisation": organisation, "resource_id": record.key.id}
    return [
        (_("Opening hours and closures"), url_for("availability.hours", **about)),
        (_("House rules"), url_for("availability.rules", **about)),
        (_("Calendars kept elsewhere"), url_for("calendars.index", **about)),
    ]


hooks.manage_links.append(_links)


def managed(resource_id: UUID) -> ResourceRecord:
    """The resource, when the actor looks after it.

    Raises:
        NotFound, NotYourResource
    """
    key = HostKey(g.actor.organisation_id, resource_id)
    service.may_manage(key, g.actor)
    record = catalogue.resource(key)
    forms.remember_zone(record.zone)
    return record


def today_of(record: ResourceRecord) -> date:
    return local_day(clock.now(), zone(record.zone))
