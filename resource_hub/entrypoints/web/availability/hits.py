"""Bookings that a change would hit, as rows of a form: what may become of each, and what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from resource_hub.domain.availability.terms import FreeTime
from resource_hub.domain.booking.service import HitBooking
from resource_hub.domain.booking.terms import Fate, Verdict
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import formatting, sentences
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.web.booking.lists import Row, rows_of
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan


@dataclass(frozen=True, slots=True)
class HitRow:
    """One hit booking on the page."""

    id: UUID
    row: Row | None
    span: TimeSpan
    why: list[sentences.Told]
    fates: tuple[str, ...]
    times: list[tuple[str, str]]
    chosen: str

    @property
    def version(self) -> int | None:
        return self.row.record.version if self.row else None


def _time(free: FreeTime, hit: HitBooking) -> tuple[str, str]:
    """A time as it is chosen; the unit is named where it is another one."""
    text = formatting.span(free.span, year=False)
    if free.unit_id != hit.held.unit_id:
        unit = catalogue.unit(HostKey(free.key.institution_id, free.unit_id))
        text = f"{text} · {unit.name(formatting.language())}"
    return _value(free.span), text


def hit_rows(hits: Sequence[HitBooking], form: Form) -> list[HitRow]:
    rows = {row.record.key: row for row in rows_of([hit.record for hit in hits if hit.record])}
    result = []
    for hit in hits:
        row = rows.get(hit.record.key) if hit.record else None
        holder = hit.held.holder_id
        usual = Fate.STAYS.value if Fate.STAYS in hit.fates else ""
        result.append(
            HitRow(
                holder,
                row,
                hit.record.span if hit.record and hit.record.span else hit.held.span,
                sentences.tell_all(hit.reasons),
                tuple(one.value for one in hit.fates),
                [_time(free, hit) for free in hit.times],
                form.value(f"fate.{holder}") or usual,
            )
        )
    return result


def settling_page(
    record: ResourceRecord,
    form: Form,
    hits: Sequence[HitBooking],
    *,
    title: str,
    lead: str,
    button: str,
    action: str,
    back: str,
    kept: Sequence[str] = (),
    nothing: str = "",
) -> tuple[str, int]:
    """Bookings that something would hit, each to be settled, on a page of its own.

    Args:
        lead: what is about to happen. kept: fields of the form that are sent again as they are.
        nothing: what stands there where no booking does and there is nothing to confirm.
    """
    html = render_template(
        "availability/settle.html",
        record=record,
        form=form,
        hits=hit_rows(hits, form),
        title=title,
        lead=lead,
        button=button,
        action=action,
        back=back,
        kept=kept,
        nothing=nothing,
        back_label=_("Opening hours"),
        organisation=(request.view_args or {})["organisation"],
    )
    return html, form.status


def taking_back(
    record: ResourceRecord, form: Form, hits: Sequence[HitBooking], *, action: str, back: str
) -> tuple[str, int]:
    """Bookings in time that closes again when an extra opening is taken back."""
    return settling_page(
        record,
        form,
        hits,
        title=_("Take the extra opening back"),
        lead=_("This time closes again."),
        button=_("Take back"),
        action=action,
        back=back,
    )


def _value(span: TimeSpan) -> str:
    return f"{span.start.isoformat()}/{span.end.isoformat()}"


def _span(text: str | None) -> TimeSpan | None:
    try:
        start, end = map(datetime.fromisoformat, (text or "").split("/"))
        return TimeSpan(start, end)
    except (ValueError, TypeError):
        return None


def typed_verdicts(form: Form) -> dict[UUID, Verdict]:
    """What was chosen for each booking that stood on the page."""
    found = {}
    for name in form.typed or ():
        if not name.startswith("fate."):
            continue
        try:
            holder = UUID(name.removeprefix("fate."))
        except ValueError:
            continue
        fate = form.choice(name, Fate)
        if fate:
            found[holder] = Verdict(
                Fate(fate),
                _span(form.text(f"time.{holder}")) if fate == Fate.MOVES else None,
                form.whole(f"version.{holder}"),
            )
    return found


def settled(hits: int) -> str:
    """What became of the bookings, after publishing."""
    if not hits:
        return ""
    return formatting.between_sentences() + ngettext(
        "%(num)d booking was settled as chosen; whoever moves or is cancelled is told.",
        "%(num)d bookings were settled as chosen; whoever moves or is cancelled is told.",
        hits,
    )
