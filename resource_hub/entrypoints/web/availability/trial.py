"""A draft of house rules tried on the bookings of the last months, as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking import service as booking
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import formatting, sentences
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.lists import Row, rows_of
from resource_hub.kernel.errors import Reason

USUAL_MONTHS = 6


@dataclass(frozen=True, slots=True)
class BarRow:
    person: str
    customer: str
    since: datetime
    until: datetime | None
    strikes: int
    zone: str


@dataclass(frozen=True, slots=True)
class TrialPage:
    trial: booking.Trial
    months: int
    months_offered: tuple[int, ...]
    by_rule: list[tuple[str, int]]
    listed: list[tuple[Row, list[sentences.Told]]]
    bars: list[BarRow]


def tried(record: ResourceRecord, draft: HouseDocument, form: Form) -> TrialPage:
    months = int(form.choice("trial_months", [str(n) for n in booking.TRIAL_MONTHS]) or USUAL_MONTHS)
    trial = booking.try_rules(record.key, draft, by=g.actor, months=months)
    found = booking.records([one.order.key for one in trial.listed])
    rows = {row.record.key: row for row in rows_of(list(found.values()))}
    return TrialPage(
        trial,
        months,
        booking.TRIAL_MONTHS,
        [(rule_name(reason), count) for reason, count in trial.by_rule],
        [
            (rows[one.order.key], sentences.tell_all(one.reasons))
            for one in trial.listed
            if one.order.key in rows
        ],
        bar_rows(trial.bars, record),
    )


def bar_rows(bars: Sequence[booking.TriedBar], record: ResourceRecord) -> list[BarRow]:
    """Bars with the names of those whom they would have kept out."""
    people = accounts.people({one.person_id for one in bars})
    customers = accounts.customers({one.customer_id for one in bars})
    rows = []
    for one in bars:
        person, customer = people.get(one.person_id), customers.get(one.customer_id)
        rows.append(
            BarRow(
                formatting.plain(person.name) if person else "–",
                formatting.plain(customer.name_in(formatting.language())) if customer else "–",
                one.bar.since,
                one.bar.until,
                one.strikes,
                record.zone,
            )
        )
    return rows


def rule_name(reason: Reason) -> str:
    """The rule behind a refusal, in a few words."""
    kind = reason.code.removeprefix("booking.")
    if not kind.startswith("quota_"):
        return word("booking.rule", kind)
    period = word("booking.quota_period", kind.split("_")[2])
    if "hours" in reason.values:
        return _("Quota in %(hours)s, %(period)s", hours=_named(reason.values["hours"]), period=period)
    return _("Quota, %(period)s", period=period)


def _named(names: object) -> str:
    return formatting.named({"name": names})
