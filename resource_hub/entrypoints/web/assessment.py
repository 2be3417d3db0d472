"""The office's year: figures against the schemes, what is missing, watch-lists, and every figure explained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerClass, Role
from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.rules import national, periods
from resource_hub.domain.assessment.terms import (
    BENEFIT_INPUTS,
    TABLE_INPUTS,
    Figure,
    InputCode,
    Period,
    PeriodKind,
    RatedClass,
    Rows,
    WatchCode,
)
from resource_hub.domain.assessment.year import Gap, InstitutionYear, InstrumentYear
from resource_hub.entrypoints.support import charts, exports, figures, formatting, forms, paging, words
from resource_hub.entrypoints.support.guards import allows
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.reports import usage_rows

blueprint = Blueprint("assessment", __name__, url_prefix="/o/<organisation>/year")
blueprint.record_once(lambda state: figures.install(state.app))

OFFICE = (Role.OFFICE, Role.INSTITUTION_ADMIN)
WITH_LABORATORY = (*OFFICE, Role.MANAGER, Role.DEPUTY)
ROWS_SHOWN = 50
# Gaps that only the benefit form has.
FORM_GAPS = ("inputs", "rated_class", "internal_rate")
# Figures of the first screen, in the order of the national indicators.
HEADLINES = (
    "hours.mean_effective",
    "ratio.mean_utilisation",
    "hours.mean_external",
    "ratio.unit_sharing",
    "ratio.opening",
    "ratio.late_listing",
)


@blueprint.url_value_preprocessor
def _keep(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """The office's hat is on, also for people who wear several."""
    g.hat = "office"


def _host() -> Any:
    if "host" not in g:
        g.host = accounts.organisation(g.actor.organisation_id)
        g.zone = g.host.zone
    return g.host


def asked_period() -> Period:
    """``?period=2025`` or ``2024-2025``; the calendar year of now when nothing is said."""
    _host()
    label = request.args.get("period")
    if label:
        return periods.parse(label)
    return service.current_period(g.actor.organisation_id, PeriodKind.CALENDAR_YEAR)


def period_tabs(period: Period, endpoint: str, **values: Any) -> list[dict[str, Any]]:
    """The two schemes with their own kinds of year."""
    tabs = []
    for kind, title in (
        (PeriodKind.CALENDAR_YEAR, _("National evaluation")),
        (PeriodKind.SCHOOL_YEAR, _("Benefit form")),
    ):
        other = period if kind is period.kind else periods.around(kind, _middle(period))
        tabs.append(
            {
                "title": f"{title} · {other.label}",
                "href": url_for(endpoint, period=other.label, **values),
                "current": kind is period.kind,
            }
        )
    return tabs


def _middle(period: Period) -> date:
    """A day that lies in the year people mean when they change the kind: the one in which most of it falls."""
    return date(period.since.year, 3, 1) if period.kind is PeriodKind.CALENDAR_YEAR else period.until


def _neighbours(period: Period, endpoint: str, **values: Any) -> list[dict[str, str]]:
    return [
        {"label": other.label, "href": url_for(endpoint, period=other.label, **values)}
        for other in (periods.neighbour(period, -1), periods.neighbour(period, 1))
    ]


@blueprint.get("")
@allows(*OFFICE)
def year(organisation: str) -> str:
    """The first screen of the office."""
    period = asked_period()
    found = service.year(g.actor.organisation_id, period, by=g.actor)
    values = {"organisation": organisation}
    rows = Rows(found.institution_id, period.since, period.until)
    return render_template(
        "assessment/year.html",
        year=found,
        period=period,
        national=period.kind is PeriodKind.CALENDAR_YEAR,
        tabs=period_tabs(period, ".year", **values),
        neighbours=_neighbours(period, ".year", **values),
        headlines=[found.measures[code] for code in HEADLINES if code in found.measures],
        figure_href=_figure_href(organisation, period),
        months=month_chart(usage_rows.months(rows), organisation, period),
        compared=_compared(found),
        frozen=service.frozen_scores(g.actor.organisation_id, period, by=g.actor),
        instruments=_instruments(found),
        missing=_missing(organisation, found),
        rate_version=found.entered_version,
    )


def _instruments(found: InstitutionYear) -> paging.Page[InstrumentYear]:
    """Instruments by use, most first; the page after place so many."""
    ordered = sorted(found.instruments, key=lambda each: (-each.facts.hours.effective, each.facts.code))
    asked = paging.unpack(paging.asked_after(), int)
    start = max(0, asked[0]) if asked else 0
    limit = paging.asked_limit(ROWS_SHOWN)
    shown = ordered[start : start + limit]
    more = start + limit < len(ordered)
    return paging.Page(shown, paging.pack([start + limit]) if more else None, len(ordered))


def _figure_href(organisation: str, period: Period, resource_id: UUID | None = None) -> Callable[[str], str]:
    def href(code: str) -> str:
        if resource_id is None:
            return url_for(".figure", organisation=organisation, code=code, period=period.label)
        return url_for(
            ".instrument_figure",
            organisation=organisation,
            resource_id=resource_id,
            code=code,
            period=period.label,
        )

    return href


def _missing(organisation: str, found: InstitutionYear) -> list[dict[str, Any]]:
    """What keeps figures open: of this year, and on the national page also of the form that is due next."""
    rows = []
    years = [found]
    if found.period.kind is PeriodKind.CALENDAR_YEAR:
        ended = periods.neighbour(periods.around(PeriodKind.SCHOOL_YEAR, found.today), -1)
        years.insert(0, service.year(found.institution_id, ended, by=g.actor))
    for each in years:
        school = each.period.kind is PeriodKind.SCHOOL_YEAR
        for gap in each.gaps:
            if (
                school
                and (gap.code in FORM_GAPS or each is found)
                or not school
                and gap.code not in FORM_GAPS
            ):
                rows.append(
                    {"gap": gap, "period": each.period, "href": _gap_href(organisation, each.period, gap)}
                )
    return rows


def _gap_href(organisation: str, period: Period, gap: Gap) -> str:
    if gap.code in ("inputs", "rated_class"):
        return url_for(
            ".inputs",
            organisation=organisation,
            resource_id=gap.resource_ids[0],
            period=period.label,
            next="1",
        )
    page = url_for(".year", organisation=organisation, period=period.label)
    return page + ("#rate" if gap.code == "internal_rate" else "#instruments")


def _compared(found: InstitutionYear) -> list[dict[str, Any]]:
    """Own means beside the published national ones; None of them a target."""
    published = found.published
    if published is None:
        return []
    rows = []
    for code, hours in (
        ("hours.mean_effective", published.mean_effective_hours),
        ("hours.mean_external", published.mean_external_hours),
    ):
        figure = found.measures.get(code)
        if figure is None or hours is None:
            continue
        share = national.against(figure, hours)
        rows.append(
            {
                "figure": figure,
                "published": hours * 3600,
                "share": None if share is None else share / 100,
                "citation": published.citation,
            }
        )
    return rows


def _short_month(month: date) -> str:
    """``3月`` or ``Mar``: the year stands above the chart, and twelve longer names do not fit on a phone."""
    written = formatting.month(month)
    return f"{month.month}月" if formatting.language() == "zh" else written.split()[0]


def month_chart(
    months: list[usage_rows.MonthHours], organisation: str, period: Period, resource_id: UUID | None = None
) -> charts.Chart | None:
    """Effective hours of each month by customer class; None without any use."""
    if not any(month.total for month in months):
        return None
    present = [each for each in CustomerClass if any(m.by_class.get(each.value) for m in months)]
    return charts.Chart(
        kind="stacked",
        title=_("Effective hours by month and customer"),
        categories=[_short_month(month.month) for month in months],
        category_label=_("Month"),
        unit=_("hours"),
        form="hours",
        series=[
            charts.Series(words.word("accounts.class", each), [m.by_class.get(each.value, 0) for m in months])
            for each in present
        ],
    )


def week_chart(load: list[list[int]]) -> charts.Chart | None:
    """Load by weekday and hour of the day in the host's zone."""
    if not any(any(row) for row in load):
        return None
    monday = date(2024, 1, 1)
    return charts.Chart(
        kind="heat",
        title=_("When it runs: effective hours by weekday and hour"),
        categories=[str(hour) for hour in range(24)],
        category_label=_("Hour"),
        unit=_("hours"),
        form="hours",
        series=[
            charts.Series(formatting.weekday(date.fromordinal(monday.toordinal() + day)), load[day])
            for day in range(7)
        ],
    )


# ---- a figure, explained ------------------------------------------------------------------------------------------


@blueprint.get("/figures/<code>")
@allows(*OFFICE)
def figure(organisation: str, code: str) -> str:
    period = asked_period()
    found = service.figure(g.actor.organisation_id, None, code, period, by=g.actor)
    return _explained(organisation, period, found, None)


@blueprint.get("/<uuid:resource_id>/figures/<code>")
@allows(*WITH_LABORATORY)
def instrument_figure(organisation: str, resource_id: UUID, code: str) -> str:
    period = asked_period()
    one = service.instrument_year(HostKey(g.actor.organisation_id, resource_id), period, by=g.actor)
    found = service.figure(g.actor.organisation_id, resource_id, code, period, by=g.actor)
    return _explained(organisation, period, found, one)


def _explained(organisation: str, period: Period, found: Figure, one: InstrumentYear | None) -> str:
    host = _host()
    page: paging.Page[Any] | None = None
    totals = None
    if found.rows is not None and (found.rows.resource_ids or one is not None):
        asked = paging.unpack(paging.asked_after(), date, UUID)
        after = (asked[0], asked[1]) if asked else None
        limit = paging.asked_limit(ROWS_SHOWN)
        rows = usage_rows.page(found.rows, host.zone, after=after, limit=limit)
        page = paging.page_of(rows, limit, lambda row: (row.day, row.key.id))
        totals = _totals(found.rows)
    resource_id = one.facts.resource_id if one else None
    return render_template(
        "assessment/figure.html",
        figure=found,
        shown=figures.show(found),
        period=period,
        one=one,
        page=page,
        totals=totals,
        host=host,
        figure_href=_figure_href(organisation, period, resource_id),
        customers=_customer_names(page.items if page else ()),
        proof_href=url_for(
            ".proof", organisation=organisation, code=found.code, period=period.label, resource=resource_id
        ),
    )


def _totals(rows: Rows) -> dict[str, Any]:
    """Seconds by grade behind a figure, from the same rollup that made it."""
    by_grade: dict[str, int] = {}
    for month in usage_rows.months(rows):
        for grade, seconds in month.by_grade.items():
            by_grade[grade] = by_grade.get(grade, 0) + seconds
    return {"by_grade": sorted(by_grade.items()), "seconds": sum(by_grade.values())}


def _customer_names(rows: Any) -> dict[UUID, str]:
    found = accounts.customers({row.customer_id for row in rows})
    return {customer_id: formatting.named(customer) for customer_id, customer in found.items()}


@blueprint.get("/figures/<code>/proof.csv")
@allows(*WITH_LABORATORY)
def proof(organisation: str, code: str) -> Response:
    """Every sealed entry behind a figure, exact to the second; adds up to the figure."""
    period = asked_period()
    host = _host()
    resource = request.args.get("resource")
    found = service.figure(
        g.actor.organisation_id, UUID(resource) if resource else None, code, period, by=g.actor
    )
    head = (
        "entry_id", "session_id", "resource", "day", "starts_at", "ends_at", "customer_class", "purpose", "grade",
        "effective_seconds", "counted_seconds", "samples",
    )  # fmt: skip

    def lines() -> Any:
        if found.rows is None:
            return
        for row in usage_rows.every(found.rows, host.zone):
            yield (
                str(row.key.id), str(row.session_id), row.resource_code, row.day.isoformat(),
                row.starts_at.isoformat() if row.starts_at else "", row.ends_at.isoformat() if row.ends_at else "",
                row.customer_class, row.purpose, row.grade, row.effective_seconds, row.counted_seconds, row.samples,
            )  # fmt: skip

    return exports.csv_response(f"{host.code}-{code}-{period.label}.csv", head, lines())


# ---- one instrument -----------------------------------------------------------------------------------------------


@blueprint.get("/<uuid:resource_id>")
@allows(*WITH_LABORATORY)
def instrument(organisation: str, resource_id: UUID) -> str:
    period = asked_period()
    one = service.instrument_year(HostKey(g.actor.organisation_id, resource_id), period, by=g.actor)
    rows = Rows(g.actor.organisation_id, period.since, period.until, (resource_id,))
    values = {"organisation": organisation, "resource_id": resource_id}
    return render_template(
        "assessment/instrument.html",
        one=one,
        period=period,
        tabs=period_tabs(period, ".instrument", **values),
        neighbours=_neighbours(period, ".instrument", **values),
        figure_href=_figure_href(organisation, period, resource_id),
        months=month_chart(usage_rows.months(rows), organisation, period, resource_id),
        week=week_chart(usage_rows.week_load(rows, _host().zone)),
        purposes=sorted(one.facts.hours.by_purpose.items(), key=lambda pair: -pair[1]),
        grades=sorted(one.facts.hours.by_grade.items()),
    )


@blueprint.get("/<uuid:resource_id>/inputs")
@allows(*WITH_LABORATORY)
def inputs(organisation: str, resource_id: UUID) -> str:
    """What only people know about an instrument's year."""
    period = asked_period()
    one = service.instrument_year(HostKey(g.actor.organisation_id, resource_id), period, by=g.actor)
    standing = one.facts.inputs
    form = forms.Form(
        {
            **standing.values,
            "rated_class": (standing.rated_class or one.facts.earlier_class or ""),
            "version": standing.version,
        }
    )
    return _inputs_page(organisation, period, one, form)


def _inputs_page(organisation: str, period: Period, one: InstrumentYear, form: forms.Form) -> str:
    key = HostKey(g.actor.organisation_id, one.facts.resource_id)
    return render_template(
        "assessment/inputs.html",
        one=one,
        form=form,
        period=period,
        benefit_inputs=BENEFIT_INPUTS,
        table_inputs=TABLE_INPUTS,
        rated_classes=[(each.value, words.word("assessment.rated_class", each)) for each in RatedClass],
        history=service.input_history(key, period, by=g.actor),
        action=url_for(
            ".save_inputs",
            organisation=organisation,
            resource_id=one.facts.resource_id,
            period=period.label,
            next=request.args.get("next"),
        ),
        back=url_for(
            ".instrument", organisation=organisation, resource_id=one.facts.resource_id, period=period.label
        ),
    )


@blueprint.post("/<uuid:resource_id>/inputs")
@allows(*WITH_LABORATORY)
@forms.once
def save_inputs(organisation: str, resource_id: UUID) -> AnyResponse | tuple[str, int]:
    period = asked_period()
    key = HostKey(g.actor.organisation_id, resource_id)
    form = forms.Form.sent()
    values: dict[InputCode, int | None] = {
        code: form.whole(code.value, most=service.MOST_OF_ONE_INPUT) for code in InputCode
    }
    rated = form.text("rated_class")
    note = form.text("note", longest=500) or ""
    version = form.whole("version") or 0
    if rated and rated not in RatedClass.__members__.values():
        form.note("rated_class", "form.not_a_choice")
    if form.ok:
        try:
            service.save_inputs(
                key,
                period,
                values,
                RatedClass(rated) if rated else None,
                version=version,
                note=note,
                by=g.actor,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved. The score counts it from now on."))
            return redirect(_after_saving(organisation, period, key), 303)
    one = service.instrument_year(key, period, by=g.actor)
    return _inputs_page(organisation, period, one, form), form.status


def _after_saving(organisation: str, period: Period, key: HostKey) -> str:
    """Back to the instrument; with ``?next`` straight to the next one that lacks something."""
    if request.args.get("next") and g.actor.has(*OFFICE):
        found = service.year(key.institution_id, period, by=g.actor)
        for each in found.scored:
            if each.facts.resource_id != key.id and each.inputs_missing:
                return url_for(
                    ".inputs",
                    organisation=organisation,
                    resource_id=each.facts.resource_id,
                    period=period.label,
                    next="1",
                )
    return url_for(".instrument", organisation=organisation, resource_id=key.id, period=period.label)


# ---- the institution's own rate, frozen self-assessments ----------------------------------------------------------


@blueprint.post("/rate")
@allows(*OFFICE)
@forms.once
def save_rate(organisation: str) -> AnyResponse:
    """The points per 1,000 yuan of internal income, which no copy of the form shows."""
    period = asked_period()
    form = forms.Form.sent()
    rate = form.decimal("internal_rate", most="100")
    note = form.text("note", longest=500) or ""
    if form.ok:
        try:
            service.set_internal_rate(
                g.actor.organisation_id,
                period,
                None if rate is None else Fraction(rate),
                version=form.whole("version") or 0,
                note=note,
                by=g.actor,
            )
            flash(_("The rate is set; scores that were ranges because of it are exact now."))
        except DomainError as error:
            form.refuse(error)
    for told in form.errors:
        flash(f"{told.sentence} {told.remedy}", "bad")
    return redirect(url_for(".year", organisation=organisation, period=period.label) + "#rate", 303)


@blueprint.post("/freeze")
@allows(*OFFICE)
@forms.once
def freeze(organisation: str) -> AnyResponse:
    """Keep the year's figures as they are, with all that is needed to recompute them."""
    period = asked_period()
    key = service.freeze(g.actor.organisation_id, period, by=g.actor)
    flash(_("Kept. Anyone can recompute it from the file."))
    return redirect(url_for(".frozen", organisation=organisation, score_id=key.id), 303)


@blueprint.get("/kept/<uuid:score_id>")
@allows(*OFFICE)
def frozen(organisation: str, score_id: UUID) -> str:
    """A kept self-assessment, recomputed on the spot from its own facts and rules."""
    _host()
    key = HostKey(g.actor.organisation_id, score_id)
    kept = service.frozen_score(key, by=g.actor)
    since = date.fromisoformat(kept.document["facts"]["since"])
    return render_template(
        "assessment/frozen.html",
        kept=kept,
        period=periods.around(kept.period_kind, since),
        replay=service.replay(key, by=g.actor),
        result=kept.document["result"],
    )


@blueprint.get("/kept/<uuid:score_id>.json")
@allows(*OFFICE)
def frozen_file(organisation: str, score_id: UUID) -> Response:
    """The exact bytes that were hashed."""
    kept = service.frozen_score(HostKey(g.actor.organisation_id, score_id), by=g.actor)
    name = f"{kept.document['host']}-{kept.period.isoformat()}-{kept.digest[:12]}.json"
    return exports.file_response(name, kept.body, "application/json")


@blueprint.get("/watch/<name>")
@allows(*OFFICE)
def watch(organisation: str, name: str) -> str:
    """One watch-list, whole."""
    from werkzeug.exceptions import NotFound

    period = asked_period()
    if name not in set(WatchCode):
        raise NotFound()
    found = service.year(g.actor.organisation_id, period, by=g.actor)
    return render_template(
        "assessment/watch.html",
        code=WatchCode(name),
        period=period,
        rows=found.watches.get(WatchCode(name), []),
    )
