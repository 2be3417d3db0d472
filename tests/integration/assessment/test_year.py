"""Figures of a year from the database: one function, one value, explained by its rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.errors import (
    BadInputs,
    InputsChanged,
    NoSuchFigure,
    NotForRole,
    PeriodStillOpen,
)
from resource_hub.domain.assessment.rules.periods import calendar_year, school_year
from resource_hub.domain.assessment.terms import BENEFIT_INPUTS, InputCode, RatedClass, Rows, WatchCode
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.reports import booked_actual, usage_rows
from tests.builders import accounts
from tests.builders.assessment import HOUR, seed_charge, seed_instrument, seed_use

pytestmark = pytest.mark.usefixtures("in_app")
YEAR, SCHOOL = calendar_year(2025), school_year(2024)
NOW = datetime(2026, 1, 3, 2, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _time():
    with clock.fixed(NOW):
        yield


@pytest.fixture
def scene(in_app):
    host = accounts.make_institution(code="ustc")
    firm = accounts.make_firm()
    group = accounts.make_group(host)
    office = accounts.make_actor(host, Role.OFFICE)
    return host, accounts.customer_of(firm), group, office


def used(host, resource_id, customer, day, hours, customer_class="firm_small", **more):
    start = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    return seed_use(
        host, resource_id, customer.id, start, hours * HOUR, customer_class=customer_class, **more
    )


def test_hours_income_and_ratios_of_an_institution(scene):
    host, firm, group, office = scene
    sem, xrd = seed_instrument(host, "SEM"), seed_instrument(host, "XRD")
    seed_instrument(host, "CHEAP", value="499999")
    used(host, sem, firm, date(2025, 3, 5), 10)
    used(host, sem, group, date(2025, 3, 6), 30, "own_group", purpose="teaching")
    used(host, xrd, group, date(2024, 12, 1), 99, "own_group")
    seed_charge(host, sem, firm.id, date(2025, 3, 5), "3000.50")
    seed_charge(host, sem, group.id, date(2025, 3, 6), "900", "own_group")
    found = service.year(host.id, YEAR, by=office)
    assert found.measures["count.instruments"].value.point == 2
    assert found.measures["hours.mean_effective"].value.point == 20 * HOUR
    assert found.measures["hours.mean_external"].value.point == 5 * HOUR
    assert str(found.measures["ratio.unit_sharing"].low) == "25.0"
    assert str(found.measures["ratio.mean_sharing"].low) == "12.5"
    assert found.income["income.external"].value.point == 300050
    assert found.income["income.internal"].value.point == 90000
    assert found.published.data_year == 2024
    assert found.as_of == NOW


def test_a_figure_has_one_value_wherever_it_is_asked_for(scene):
    host, firm, _group, office = scene
    sem = seed_instrument(host, "SEM")
    used(host, sem, firm, date(2025, 3, 5), 7)
    by_year = service.year(host.id, YEAR, by=office).instrument(sem).figures()
    alone = service.instrument_year(HostKey(host.id, sem), YEAR, by=office).figures()
    asked = service.indicators(host.id, sem, YEAR, by=office)
    assert by_year == alone == asked
    assert service.figure(host.id, sem, "hours.effective", YEAR, by=office) == alone["hours.effective"]


def test_use_over_midnight_and_over_the_edge_adds_up_row_by_row(scene):
    host, firm, group, office = scene
    sem = seed_instrument(host, "SEM")
    # 22:00 on 31 December 2025 to 03:00 in Shanghai: two hours in 2025, three in 2026.
    seed_use(host, sem, firm.id, datetime(2025, 12, 31, 14, tzinfo=UTC), 5 * HOUR)
    # Into 2025 from 2024, with idle time: 4 h of which 2 h count, half of them after midnight.
    seed_use(
        host,
        sem,
        group.id,
        datetime(2024, 12, 31, 14, tzinfo=UTC),
        4 * HOUR,
        customer_class="own_group",
        effective=2 * HOUR,
    )
    figure = service.figure(host.id, sem, "hours.effective", YEAR, by=office)
    rows = list(usage_rows.every(figure.rows, host.zone))
    assert figure.value.point == 3 * HOUR
    assert usage_rows.total_seconds(rows) == figure.value.point
    assert [row.counted_seconds for row in rows] == [HOUR, 2 * HOUR]
    external = service.figure(host.id, sem, "hours.external", YEAR, by=office)
    assert usage_rows.total_seconds(list(usage_rows.every(external.rows, host.zone))) == external.value.point
    load = usage_rows.week_load(figure.rows, host.zone)
    assert sum(map(sum, load)) == 7 * HOUR  # whole uses, whatever the edge of the year
    assert (load[1][22], load[2][22]) == (30 * 60, HOUR)  # 31 December 2024 was a Tuesday, 2025 a Wednesday


def test_months_and_pages_of_rows(scene):
    host, firm, _group, _office = scene
    sem = seed_instrument(host, "SEM")
    for day in (1, 8, 15, 22):
        used(host, sem, firm, date(2025, 6, day), 2)
    rows = Rows(host.id, YEAR.since, YEAR.until, (sem,))
    months = usage_rows.months(rows)
    assert len(months) == 12
    assert months[5].by_class == {"firm_small": 8 * HOUR}
    first = usage_rows.page(rows, host.zone, limit=2)
    assert [row.day.day for row in first] == [22, 15, 8]
    rest = usage_rows.page(rows, host.zone, after=(first[1].day, first[1].key.id), limit=2)
    assert [row.day.day for row in rest] == [8, 1]
    report = booked_actual.by_resource(host.id, YEAR.since, YEAR.until)
    assert [(row.sessions, row.used_seconds, row.unbooked) for row in report] == [(4, 8 * HOUR, 4)]


def test_a_corrected_entry_is_neither_counted_nor_listed_twice(scene):
    from resource_hub.domain.usage.tables import UsageEntry
    from resource_hub.infra.database import reading

    host, firm, _group, office = scene
    sem = seed_instrument(host, "SEM")
    used(host, sem, firm, date(2025, 6, 2), 5)
    row = reading().query(UsageEntry).one()
    with unit_of_work() as unit:
        from resource_hub.domain.usage import terms as usage
        from resource_hub.domain.usage.entries import ToSeal, take_back, write_entries

        facts = usage.EntryFacts(
            host_code=host.code, resource_id=sem, unit_id=None, session_id=row.session_id, line=1, revision=1,
            kind=usage.EntryKind.USE, corrects=None, source=usage.SessionSource.WALK_UP, source_ref=None,
            mode="self_use", state="sealed", booking_id=None, customer_id=firm.id, customer_class="firm_small",
            purpose="research", starts_at=row.starts_at, ends_at=row.ends_at, zone=host.zone, day=row.day,
            hours=usage.Hours(measuring=5 * HOUR), session_effective_seconds=5 * HOUR, samples=0,
            grade=usage.Grade.A,
        )  # fmt: skip
        corrected = replace(
            facts,
            revision=2,
            kind=usage.EntryKind.CORRECTION,
            corrects=str(row.id),
            hours=usage.Hours(measuring=3 * HOUR),
        )
        take_back(unit.session, host.id, [ToSeal(facts, row.line_id, True)])
        write_entries(
            unit.session,
            host.id,
            [ToSeal(corrected, row.line_id, True, row.id)],
            sealed_at=NOW,
            sealing_day=row.day,
        )
    figure = service.figure(host.id, sem, "hours.effective", YEAR, by=office)
    rows = list(usage_rows.every(figure.rows, host.zone))
    assert figure.value.point == 3 * HOUR == usage_rows.total_seconds(rows)
    assert len(rows) == 1


# ---- inputs -------------------------------------------------------------------------------------------------------


def test_inputs_close_the_range_and_keep_their_history(scene):
    host, firm, _group, office = scene
    sem = seed_instrument(host, "SEM")
    used(host, sem, firm, date(2024, 10, 1), 700)
    seed_charge(host, sem, firm.id, date(2024, 10, 1), "15000")
    key = HostKey(host.id, sem)
    before = service.instrument_year(key, SCHOOL, by=office)
    assert not before.total.exact
    values = dict.fromkeys(BENEFIT_INPUTS, 0) | {
        InputCode.OPERATORS: 5, InputCode.ASSISTED: 8, InputCode.SHOWN: 60, InputCode.AWARDS_PROVINCIAL: 1,
        InputCode.PAPERS_CORE: 4, InputCode.FUNCTIONS_ORIGINAL: 10, InputCode.FUNCTIONS_USED: 8,
        InputCode.FUNCTIONS_NEW: 2,
    }  # fmt: skip
    version = service.save_inputs(key, SCHOOL, values, RatedClass.INSTRUMENT_GENERAL, version=0, by=office)
    after = service.instrument_year(key, SCHOOL, by=office)
    assert after.total.exact
    assert after.total.value.point == Fraction("17.5") + Fraction("15.2") + 20 + Fraction("11.25") + Fraction(
        "3.4"
    )
    assert before.total.value.contains(after.total.value.point)
    # Taking back an entry opens it again; nothing is overwritten.
    service.save_inputs(
        key, SCHOOL, {InputCode.PAPERS_CORE: None}, RatedClass.INSTRUMENT_GENERAL, version=version, by=office
    )
    history = service.input_history(key, SCHOOL, by=office)
    assert [h.value for h in history if h.item == "papers_core"] == ["", "4"]
    assert service.instrument_year(key, SCHOOL, by=office).inputs_missing == [InputCode.PAPERS_CORE]
    # Another year is another form.
    assert service.instrument_year(key, school_year(2023), by=office).facts.inputs.version == 0


def test_two_people_at_one_form(scene):
    host, _firm, _group, office = scene
    key = HostKey(host.id, seed_instrument(host, "SEM"))
    service.save_inputs(key, SCHOOL, {InputCode.OPERATORS: 3}, None, version=0, by=office)
    with pytest.raises(InputsChanged) as refused:
        service.save_inputs(key, SCHOOL, {InputCode.OPERATORS: 4}, None, version=0, by=office)
    assert refused.value.values["theirs"]["operators"] == 3
    # Saving what stands there already makes no new version.
    assert service.save_inputs(key, SCHOOL, {InputCode.OPERATORS: 3}, None, version=1, by=office) == 1


def test_inputs_that_cannot_be_are_all_named_at_once(scene):
    host, _firm, _group, office = scene
    key = HostKey(host.id, seed_instrument(host, "SEM"))
    with pytest.raises(BadInputs) as refused:
        service.save_inputs(
            key,
            SCHOOL,
            {InputCode.OPERATORS: -1, InputCode.FUNCTIONS_ORIGINAL: 2, InputCode.FUNCTIONS_USED: 3},
            None,
            version=0,
            by=office,
        )
    assert {reason.place for reason in refused.value.reasons} == {"operators", "functions_used"}


def test_the_institution_enters_the_unreadable_rate(scene):
    host, _firm, group, office = scene
    sem = seed_instrument(host, "SEM")
    seed_charge(host, sem, group.id, date(2025, 2, 1), "10000", "own_group")
    item = service.figure(host.id, sem, "benefit.income", SCHOOL, by=office)
    assert (item.value.low, item.value.high) == (0, 100)
    assert [gap.code for gap in service.year(host.id, SCHOOL, by=office).gaps if gap.code == "internal_rate"]
    service.set_internal_rate(host.id, SCHOOL, Fraction(2), version=0, note="校发〔2020〕1号", by=office)
    item = service.figure(host.id, sem, "benefit.income", SCHOOL, by=office)
    assert item.value.point == 20
    # It holds for that year only.
    assert not service.figure(host.id, sem, "benefit.income", school_year(2025), by=office).missing


# ---- who may see ----------------------------------------------------------------------------------------------------


def test_only_the_institutions_own_people_see_figures(scene):
    host, _firm, _group, _office = scene
    lab = accounts.make_department(host)
    other_lab = accounts.make_department(host)
    mine = seed_instrument(host, "MINE", department_id=lab.id)
    theirs = seed_instrument(host, "THEIRS", department_id=other_lab.id)
    person = accounts.make_person(roles=[(host, Role.MANAGER, {"department_id": lab.id})])
    manager = accounts.actor(person, host)
    assert service.instrument_year(HostKey(host.id, mine), YEAR, by=manager)
    with pytest.raises(NoSuchFigure):
        service.instrument_year(HostKey(host.id, theirs), YEAR, by=manager)
    with pytest.raises(NotForRole):
        service.year(host.id, YEAR, by=manager)
    stranger = accounts.make_actor(accounts.make_institution(), Role.OFFICE)
    with pytest.raises(NoSuchFigure):
        service.year(host.id, YEAR, by=stranger)


# ---- watch-lists ---------------------------------------------------------------------------------------------------


def test_watch_lists_of_an_institution(scene):
    host, firm, _group, office = scene
    late = seed_instrument(host, "LATE", listed_on=date(2024, 1, 2))
    seed_instrument(host, "IDLE")
    busy = seed_instrument(host, "BUSY")
    used(host, busy, firm, date(2023, 5, 1), 1)
    used(host, busy, firm, date(2025, 5, 1), 1500)
    used(host, late, firm, date(2025, 5, 1), 1500)
    found = service.year(host.id, YEAR, by=office)
    names = {code: [each.facts.code for each, _ in rows] for code, rows in found.watches.items()}
    assert names[WatchCode.LATE_LISTING] == ["LATE"]
    assert names[WatchCode.IDLE] == ["IDLE"]
    assert names[WatchCode.LATE_FIRST_USE] == ["IDLE", "LATE"]
    # 30 working days after 1 March 2023, over the Qingming holiday.
    assert found.instrument(late).listing_due == date(2023, 4, 13)
    assert str(found.measures["ratio.late_listing"].low) == "33.3"


# ---- frozen self-assessments ---------------------------------------------------------------------------------------


def test_a_frozen_year_replays_to_the_same_bytes(scene):
    host, firm, _group, office = scene
    sem = seed_instrument(host, "SEM")
    used(host, sem, firm, date(2024, 10, 1), 700)
    key = service.freeze(host.id, SCHOOL, by=office)
    kept = service.frozen_score(key, by=office)
    assert service.replay(key, by=office).agrees
    # What happens later changes the year, not what was kept.
    used(host, sem, firm, date(2024, 11, 1), 100)
    assert service.frozen_score(key, by=office).body == kept.body
    again = service.freeze(host.id, SCHOOL, by=office)
    assert service.frozen_score(again, by=office).digest != kept.digest
    assert [score.key for score in service.frozen_scores(host.id, SCHOOL, by=office)] == [again, key]


def test_freezing_the_same_facts_gives_the_same_digest(scene):
    host, firm, _group, office = scene
    sem = seed_instrument(host, "SEM")
    used(host, sem, firm, date(2024, 10, 1), 700)
    first = service.frozen_score(service.freeze(host.id, SCHOOL, by=office), by=office)
    with clock.fixed(datetime(2026, 2, 1, tzinfo=UTC)):
        second = service.frozen_score(service.freeze(host.id, SCHOOL, by=office), by=office)
    assert first.digest == second.digest
    assert first.as_of != second.as_of


def test_a_changed_document_does_not_replay(scene):
    host, firm, _group, office = scene
    sem = seed_instrument(host, "SEM")
    used(host, sem, firm, date(2024, 10, 1), 700)
    key = service.freeze(host.id, SCHOOL, by=office)
    kept = service.frozen_score(key, by=office)
    document = {**kept.document, "result": {**kept.document["result"]}}
    document["result"]["benefit"] = {**document["result"]["benefit"], "undecided": 7}
    replayed = service.replayed(replace(kept, document=document))
    assert not replayed.digest_agrees
    assert not replayed.result_agrees
    assert replayed.rules_agree


def test_a_year_that_still_runs_is_not_kept(scene):
    host, _firm, _group, office = scene
    seed_instrument(host, "SEM")
    with pytest.raises(PeriodStillOpen):
        service.freeze(host.id, calendar_year(2026), by=office)
    # In Shanghai the year 2025 ends eight hours before it does in Greenwich.
    with clock.fixed(datetime(2025, 12, 31, 15, 59, tzinfo=UTC)), pytest.raises(PeriodStillOpen):
        service.freeze(host.id, YEAR, by=office)
    with clock.fixed(datetime(2025, 12, 31, 16, 0, tzinfo=UTC)):
        service.freeze(host.id, YEAR, by=office)


def test_entered_figures_are_never_changed_in_place(scene, database):
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    host, _firm, _group, office = scene
    key = HostKey(host.id, seed_instrument(host, "SEM"))
    service.save_inputs(key, SCHOOL, {InputCode.OPERATORS: 3}, None, version=0, by=office)
    with database.engine(owner=True) as engine, pytest.raises(DBAPIError):
        with engine.begin() as connection:
            connection.execute(text("UPDATE assessment_input SET value = '9'"))
