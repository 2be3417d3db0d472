"""What doors of several areas need: the resource in the address, a span as sent, reasons as short sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import marshmallow as ma
from flask import g

from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import sentences
from resource_hub.kernel.errors import Invalid, Reason
from resource_hub.kernel.time import TimeSpan


class WhySchema(ma.Schema):
    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)


def seen_resource(host: str, code: str) -> ResourceRecord:
    """A resource that this reader may see."""
    return catalogue.visible(catalogue.resource_of(host, code), g.get("actor"))


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
