"""The "when" of a search, as it stands in the address: how long, between which days, in which part of the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.errors import InvalidWish
from resource_hub.domain.availability.terms import FIRST_YEAR, LAST_YEAR, FreeTime, Wish
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import formatting, guards, sentences
from resource_hub.entrypoints.web.booking.reading_forms import span_fields
from resource_hub.infra import clock
from resource_hub.kernel.time import local_day, zone
from resource_hub.reports import free_times

# Minutes of the host's wall clock.
PARTS: dict[str, tuple[int, int]] = {
    "any": (0, 1440),
    "day": (540, 1080),
    "morning": (480, 720),
    "afternoon": (720, 1080),
    "evening": (1080, 1380),
    "night": (1320, 1920),
}
LENGTHS = (30, 60, 120, 180, 240, 480, 1440, 2880)
USUAL_DAYS = 7


@dataclass(frozen=True, slots=True)
class When:
    """What stands in the fields, the wish made of it (None: no time is looked for), and what is wrong with it."""

    minutes: int | None
    first: date
    last: date
    part: str
    wish: Wish | None
    faults: tuple[sentences.Told, ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """For links that keep the search for time."""
        if self.minutes is None:
            return {}
        part = self.part if self.part != "any" else None
        return {
            "length": self.minutes, "from": self.first.isoformat(), "until": self.last.isoformat(), "part": part,
        }  # fmt: skip


def asked() -> When:
    """The search for time in the address. Without a length there is none; without days it is the next week."""
    today = local_day(clock.now(), zone(formatting.default_zone()))
    first = _day("from") or today
    last = _day("until") or max(first, today) + timedelta(days=USUAL_DAYS - 1)
    text = request.args.get("length", "")
    minutes = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else None
    part = request.args.get("part", "any")
    part = part if part in PARTS else "any"
    if not minutes:
        return When(None, first, last, part, None)
    starts, ends = PARTS[part]
    person = guards.person()
    mine = accounts.customers_of(person.id) if person is not None else []
    inside, customers = free_times.inside_of(mine), frozenset(one.id for one in mine)
    wish = Wish(first, last, minutes * 60, starts, ends, inside, customers)
    try:
        availability.check_wish(wish)
    except InvalidWish as error:
        return When(minutes, first, last, part, None, tuple(sentences.tell_all(error)))
    return When(minutes, first, last, part, wish)


def _day(name: str) -> date | None:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def length_text(minutes: int) -> str:
    if minutes < 60:
        return _("%(count)s min", count=minutes)
    if minutes % 1440 == 0:
        return _("%(count)s × 24 h", count=minutes // 1440) if minutes > 1440 else _("24 h")
    return _("%(count)s h", count=f"{minutes / 60:g}")


def fields(when: When) -> dict[str, Any]:
    """What the form offers."""
    offered = sorted({*LENGTHS, *([when.minutes] if when.minutes else [])})
    return {
        "lengths": [(minutes, length_text(minutes)) for minutes in offered],
        "parts": [
            ("any", _("any time of day")),
            ("day", _("by day, 9 to 18")),
            ("morning", _("mornings, 8 to 12")),
            ("afternoon", _("afternoons, 12 to 18")),
            ("evening", _("evenings, 18 to 23")),
            ("night", _("nights, 22 to 8")),
        ],
    }


def link_to(record: ResourceRecord, free: FreeTime) -> str:
    """The calendar of a resource with a free time chosen."""
    values: dict[str, Any] = {
        key: value for key, value in span_fields(free.span, record.zone).items() if value
    }
    address = url_for(
        "booking.calendar",
        host=record.host_code,
        code=record.code,
        week=values["start_day"],
        unit=free.unit_id,
        **values,
    )
    return f"{address}#choose"
