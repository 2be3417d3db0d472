"""The office's tables: what the ministry, the national platform and the institution itself want, as CSV and XLSX.

Figures come from the same record as the pages, so a file says what the screen says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from flask import Blueprint, Response, g, render_template, url_for
from werkzeug.exceptions import NotFound

from resource_hub.adapters import xlsx
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.terms import InputCode, Unit, rounded
from resource_hub.domain.assessment.year import InstitutionYear, InstrumentYear
from resource_hub.entrypoints.support import exports, figures, formatting
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.text import N_, translate
from resource_hub.entrypoints.web.assessment import asked_period, period_tabs
from resource_hub.kernel.money import round_minor
from resource_hub.reports import booked_actual, nrii

blueprint = Blueprint("reports", __name__, url_prefix="/o/<organisation>/reports")
OFFICE = (Role.OFFICE, Role.INSTITUTION_ADMIN)

Table = tuple[Sequence[str], Iterable[Sequence[Any]]]


@blueprint.url_value_preprocessor
def _keep(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    g.hat = "office"


def _whole_hours(seconds: int) -> int:
    """Whole hours, half up: the ministry's table takes integers only."""
    return round_minor(Fraction(seconds, 3600), ROUND_HALF_UP)


def _hours(seconds: int) -> Decimal:
    """Hours with two decimals, half up."""
    return Decimal(round_minor(Fraction(seconds, 36), ROUND_HALF_UP)).scaleb(-2)


# ---- the ministry's table SJ3 -------------------------------------------------------------------------------------

SJ3_HEAD = (
    "学校代码", "仪器编号", "分类号", "仪器名称", "单价", "型号", "规格", "使用机时:教学", "使用机时:科研",
    "使用机时:社会服务", "使用机时:其中开放使用机时", "测样数", "培训人员数:学生", "培训人员数:教师", "培训人员数:其他",
    "教学实验项目数", "科研项目数", "社会服务项目数", "获奖情况:国家级", "获奖情况:省部级", "发明专利:教师",
    "发明专利:学生", "论文情况:三大检索", "论文情况:核心刊物", "负责人姓名",
)  # fmt: skip


def sj3(year: InstitutionYear) -> Table:
    """基表三 SJ3: one row an instrument of at least 400,000 yuan.

    What nobody entered is written as 0, as the ministry's tool reads a blank. Open use is what other legal persons
    used: our reading, the column's definition was not seen.
    """
    host = accounts.organisation(year.institution_id)
    school = str(host.settings.get("school_code", ""))
    limit = year.rules.form.report_threshold
    listing = nrii.listings(year.institution_id)

    def rows() -> Iterable[Sequence[Any]]:
        for each in year.instruments:
            facts = each.facts
            value = facts.original_value
            if value is None or value.currency != limit.currency or value < limit:
                continue
            more = listing[facts.resource_id]
            purpose = facts.hours.by_purpose

            def entered(code: InputCode, of: InstrumentYear = each) -> int:
                return of.facts.inputs.get(code) or 0

            yield (
                school, facts.code, facts.class_code or "", facts.name_zh or facts.name_en, value.amount, more.model,
                more.specification, _whole_hours(purpose.get("teaching", 0)),
                _whole_hours(purpose.get("research", 0)), _whole_hours(purpose.get("social_service", 0)),
                _whole_hours(facts.hours.external), facts.hours.samples, entered(InputCode.TRAINED_STUDENTS),
                entered(InputCode.TRAINED_TEACHERS), entered(InputCode.TRAINED_OTHERS),
                entered(InputCode.PROJECTS_TEACHING), entered(InputCode.PROJECTS_RESEARCH),
                entered(InputCode.PROJECTS_SERVICE), entered(InputCode.AWARDS_NATIONAL),
                entered(InputCode.AWARDS_PROVINCIAL), entered(InputCode.PATENTS_TEACHERS),
                entered(InputCode.PATENTS_STUDENTS), entered(InputCode.PAPERS_INDEXED),
                entered(InputCode.PAPERS_CORE), more.contact,
            )  # fmt: skip

    return SJ3_HEAD, rows()


# ---- the national platform's single instrument --------------------------------------------------------------------

NRII_HEAD = (
    "cname", "ename", "innerId", "insCode", "instrCategory", "instrSource", "instrSupervise", "worth", "nation",
    "manufacturer", "instrVersion", "beginDate", "type", "technical", "status", "requirement", "fee", "serviceUrl",
    "runMachine", "serviceMachine", "serviceIncome", "insideDepart", "city", "contact", "phone", "email", "shareMode",
    "auditStatus",
)  # fmt: skip


def national(year: InstitutionYear) -> Table:
    """Record type 4, single instrument: the fields that this hub knows; worth in 10,000 yuan with two decimals."""
    host = accounts.organisation(year.institution_id)
    listing = nrii.listings(year.institution_id)

    def rows() -> Iterable[Sequence[Any]]:
        for each in year.in_ratios:
            facts, more = each.facts, listing[each.facts.resource_id]
            assert facts.original_value is not None
            address = url_for("shell.landing", _external=True) + f"hosts/{host.code}/resources/{facts.code}"
            yield (
                facts.name_zh or facts.name_en, facts.name_en, facts.code, host.uscc or host.code,
                nrii.category(facts.class_code), more.source, more.customs, nrii.worth(facts.original_value),
                more.country, more.maker, more.model, more.begin_on.isoformat() if more.begin_on else "",
                more.purpose_type, more.specification, more.status, more.rules or "无", "无", address,
                _hours(facts.hours.effective), _hours(facts.hours.external),
                nrii.worth(facts.income.external), more.department, more.city, more.contact, more.phone, more.email,
                2 if facts.open_outside else 1, -1,
            )  # fmt: skip

    return NRII_HEAD, rows()


# ---- our own tables -----------------------------------------------------------------------------------------------

_OWN = (
    ("hours.effective", Unit.SECONDS),
    ("hours.external", Unit.SECONDS),
    ("ratio.utilisation", Unit.PERCENT),
    ("ratio.sharing", Unit.PERCENT),
    ("income.external", Unit.MONEY),
    ("income.internal", Unit.MONEY),
    ("count.entries", Unit.COUNT),
)


def own(year: InstitutionYear) -> Table:
    """Every figure of every instrument; hours as whole seconds, the score as its range."""
    head = ["code", "name_zh", "name_en", "original_value", "currency"]
    head += [code + ("_seconds" if unit is Unit.SECONDS else "") for code, unit in _OWN]
    head += ["benefit.low", "benefit.high", "grades", "scheme_versions", "as_of"]
    versions = f"{year.rules.form_version.code}@{year.rules.form_version.version}"
    versions += f" {year.rules.national_version.code}@{year.rules.national_version.version}"

    def rows() -> Iterable[Sequence[Any]]:
        for each in year.instruments:
            facts, total = each.facts, each.total
            cells: list[Any] = [
                facts.code,
                facts.name_zh,
                facts.name_en,
                facts.original_value.amount if facts.original_value is not None else None,
                facts.original_value.currency if facts.original_value is not None else "",
            ]
            for code, unit in _OWN:
                value = each.measures[code].value
                cells.append(figures.cell(value.point if value else None, unit))
            value = total.value if total else None
            cells += [
                rounded(value.low, Unit.POINTS) if value else None,
                rounded(value.high, Unit.POINTS) if value else None,
                " ".join(grade.value for grade in each.grades),
                versions,
                year.as_of.isoformat(),
            ]
            yield cells

    return head, rows()


def summary(year: InstitutionYear) -> Table:
    """The institution's figures with formula and source."""
    head = ("code", "name", "low", "high", "unit", "formula", "sources", "verified", "scheme", "as_of")

    def rows() -> Iterable[Sequence[Any]]:
        for code, figure in sorted(year.figures().items()):
            value = figure.value
            yield (
                code, figures.label(code),
                figures.cell(value.low if value else None, figure.unit),
                figures.cell(value.high if value else None, figure.unit),
                figure.currency or figure.unit.value, figures.formula(figure),
                formatting.listed(f"{c.document} {c.article}".strip() for c in figure.citations),
                figure.verified, f"{figure.scheme.code}@{figure.scheme.version}" if figure.scheme else "",
                year.as_of.isoformat(),
            )  # fmt: skip

    return head, rows()


def booked(year: InstitutionYear) -> Table:
    """Booked against used, in whole seconds."""
    head = (
        "code", "name_zh", "name_en", "sessions", "booked_seconds", "used_seconds", "effective_seconds",
        "overrun_seconds", "no_shows", "without_booking",
    )  # fmt: skip
    rows = booked_actual.by_resource(year.institution_id, year.period.since, year.period.until)
    return head, [
        (
            row.code, row.name_zh, row.name_en, row.sessions, row.booked_seconds, row.used_seconds,
            row.effective_seconds, row.overrun_seconds, row.no_shows, row.unbooked,
        )
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """A table of the page of reports."""

    name: str
    title: str
    about: str
    make: Callable[[InstitutionYear], Table]


REPORTS = (
    Report(
        "figures",
        N_("Figures of the institution"),
        N_("Every figure with formula, source and version."),
        summary,
    ),
    Report("instruments", N_("Instruments of the year"), N_("Hours to the second, income, score."), own),
    Report(
        "sj3",
        N_("Ministry table SJ3, valuable instruments"),
        N_(
            "Columns as the ministry's tool reads them; instruments worth 400,000 yuan or more; per school year."
        ),
        sj3,
    ),
    Report(
        "nrii",
        N_("National platform, single instruments"),
        N_("Fields of record type 4 that this hub knows; instruments worth 500,000 yuan or more."),
        national,
    ),
    Report(
        "booked-used",
        N_("Booked against used"),
        N_("Reserved, used, overrun, no-shows and use without a booking, by instrument."),
        booked,
    ),
)


@blueprint.get("")
@allows(*OFFICE)
def index(organisation: str) -> str:
    """All tables of a year."""
    period = asked_period()
    rows = booked_actual.by_resource(g.actor.organisation_id, period.since, period.until)
    return render_template(
        "reports/index.html",
        reports=REPORTS,
        period=period,
        tabs=period_tabs(period, ".index", organisation=organisation),
        booked=rows,
        translate=translate,
    )


@blueprint.get("/<name>.<any(csv, xlsx):ending>")
@allows(*OFFICE)
def download(organisation: str, name: str, ending: str) -> Response:
    period = asked_period()
    report = next((each for each in REPORTS if each.name == name), None)
    if report is None:
        raise NotFound()
    year = service.year(g.actor.organisation_id, period, by=g.actor)
    head, rows = report.make(year)
    file_name = f"{g.actor.organisation_code}-{name}-{period.label}.{ending}"
    if ending == "csv":
        return exports.csv_response(file_name, head, rows)
    return exports.file_response(file_name, xlsx.workbook([(name, head, rows)]), xlsx.MEDIA_TYPE)
