"""What doors of several areas need: resource and row in the address, a span as sent, reasons as short sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import sentences
from resource_hub.kernel.errors import Invalid, NotFound, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

# Who keeps the hours, rules, calendars and units of a resource.
KEEPS = (Role.MANAGER, Role.DEPUTY, Role.OFFICE, Role.INSTITUTION_ADMIN)


class WhySchema(ma.Schema):
    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)


def seen_resource(host: str, code: str) -> ResourceRecord:
    """A resource that this reader may see."""
    return catalogue.visible(catalogue.resource_of(host, code), g.get("actor"))


def kept(host: str, code: str) -> ResourceRecord:
    """A resource that the token's person keeps.

    Raises:
        NotFound: it is another host's. NotYourResource: the person's roles do not reach it.
    """
    record = catalogue.resource_of(host, code)
    availability.may_manage(record.key, g.actor)
    return record


def host_key(host: str, row_id: UUID) -> HostKey:
    """The whole key of a host's row from its address."""
    return HostKey(accounts.organisation(host).id, row_id)


def own_house(host: str) -> None:
    """What is asked of a host by its own people only.

    Raises:
        NotFound: the token is of another organisation.
    """
    if accounts.organisation(host).id != g.actor.organisation_id:
        raise NotFound()


def span_of(start: datetime, end: datetime, place: str = "end", most_days: int = 366) -> TimeSpan:
    """A span as sent.

    Raises:
        Invalid: the end is not after the start, or nothing lasts so long.
    """
    if end <= start:
        raise Invalid(Reason("booking.end_before_start", {}, place))
    if end - start > timedelta(days=most_days):
        raise Invalid(Reason("availability.span_too_long", {"days": most_days}, place))
    return TimeSpan(start, end)


def told(reasons: Sequence[Reason]) -> list[dict[str, str]]:
    """Reasons as short sentences."""
    return [{"code": t.code, "detail": t.sentence} for t in sentences.tell_all(reasons)]


def times_out(alternatives: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Other times that would do, as values of ``AlternativeSchema``."""
    return [
        {
            "unit_id": UUID(one["unit_id"]),
            "start": datetime.fromisoformat(one["start"]),
            "end": datetime.fromisoformat(one["end"]),
        }
        for one in alternatives
    ]
