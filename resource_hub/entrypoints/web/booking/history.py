"""What happened to an order, in sentences: who did what and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from flask_babel import gettext as _

from resource_hub.domain.booking.terms import EventRecord
from resource_hub.entrypoints.support import formatting, money_text, sentences
from resource_hub.entrypoints.support.words import word
from resource_hub.kernel.time import TimeSpan


def history(events: Iterable[EventRecord], people: Any) -> list[SimpleNamespace]:
    items = []
    for event in events:
        who = people.get(event.person_id) if event.person_id else None
        details = event.details
        text = str(details.get("note") or details.get("reason") or "")
        if details.get("automatic"):
            text = _("It keeps the house rules, so nobody had to be asked.")
        if event.kind in ("changed", "proposed") and details.get("from"):
            spans = [TimeSpan(*map(datetime.fromisoformat, details[side])) for side in ("from", "to")]
            before, after = (formatting.span(s, year=False) for s in spans)
            text = _("%(before)s → %(after)s", before=before, after=after) + (f" · {text}" if text else "")
        if details.get("by_host") and event.kind == "requested":
            text = _("The host booked for the customer.")
        if event.kind == "overridden":
            rules = formatting.said(told.sentence for told in sentences.tell_all(details["rules"]))
            text = _("%(rules)s Set aside because: %(why)s", rules=rules, why=text)
        if event.kind in ("cancelled", "changed") and (fees := money_text.owed(details.get("fee"))):
            text = formatting.said([text, _("Fee: %(fee)s", fee=money_text.sums(fees))])
        items.append(
            SimpleNamespace(
                at=event.at,
                title=word("booking.event", event.kind),
                text=text,
                who=who.name if who else "",
                entered_at=None,
                tone={"approved": "good", "finished": "good", "rejected": "bad", "missed": "bad"}.get(
                    event.kind, "info"
                ),
                href=None,
            )
        )
    return items
