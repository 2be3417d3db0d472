"""What only people know of the demonstration's year: figures entered, one rate set, one self-assessment kept."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.errors import NothingToFreeze
from resource_hub.domain.assessment.rules import periods
from resource_hub.domain.assessment.terms import (
    BENEFIT_INPUTS,
    InputCode,
    InstrumentFacts,
    Period,
    PeriodKind,
    RatedClass,
)
from resource_hub.entrypoints.demo.world import World
from resource_hub.infra.keeping import keeping
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey

SEED = 20250831
# Of ten instruments so many have their form filled in whole, and so many in part; the rest waits for the visitor.
WHOLE, PART = 6, 2


def tell(world: World) -> int:
    """Enter figures for the school year that ended last; returns how many instruments have a form now."""
    with keeping():
        return _tell(world, random.Random(SEED))


def _tell(world: World, draw: random.Random) -> int:
    count = 0
    for number, host in enumerate(world.hosts()):
        office = world.offices.get(host)
        if office is None:
            continue
        now = service.current_period(office.organisation_id, PeriodKind.SCHOOL_YEAR)
        ended = periods.neighbour(now, -1)
        for period in (periods.neighbour(ended, -1), ended):
            with unit_of_work() as unit, unit.at(min(unit.now, _filled_in(period))):
                found = service.year(office.organisation_id, period, by=office)
                for place, each in enumerate(found.scored):
                    count += _enter(office, each.facts, period, (place + number) % 10, draw)
        if number % 3 == 0:
            service.set_internal_rate(
                office.organisation_id, ended, Fraction(2), version=0, note="校设备字〔2024〕12号", by=office
            )
        try:
            service.freeze(office.organisation_id, periods.neighbour(ended, -1), by=office)
        except NothingToFreeze:
            continue
    return count


def _filled_in(period: Period) -> datetime:
    """Three weeks into September, in the morning."""
    return datetime.combine(period.until + timedelta(days=20), time(2), UTC)


def _enter(office: Actor, facts: InstrumentFacts, period: Period, place: int, draw: random.Random) -> int:
    if place >= WHOLE + PART:
        return 0
    original = draw.randint(4, 12)
    values: dict[InputCode, int | None] = {
        InputCode.OPERATORS: draw.randint(0, 9),
        InputCode.ASSISTED: draw.randint(0, 14),
        InputCode.SHOWN: draw.randint(0, 9) * 15,
        InputCode.AWARDS_NATIONAL: 1 if draw.random() < 0.04 else 0,
        InputCode.AWARDS_PROVINCIAL: 1 if draw.random() < 0.15 else 0,
        InputCode.AWARDS_SCHOOL: draw.randint(0, 2),
        InputCode.PAPERS_CORE: draw.randint(0, 16),
        InputCode.FUNCTIONS_ORIGINAL: original,
        InputCode.FUNCTIONS_USED: draw.randint(original // 3, original),
        InputCode.FUNCTIONS_NEW: draw.randint(0, 2),
        InputCode.TRAINED_STUDENTS: draw.randint(5, 60),
        InputCode.TRAINED_TEACHERS: draw.randint(0, 6),
        InputCode.PROJECTS_RESEARCH: draw.randint(1, 12),
        InputCode.PAPERS_INDEXED: draw.randint(0, 9),
    }
    if place >= WHOLE:
        for code in BENEFIT_INPUTS[3:7]:
            del values[code]
    service.save_inputs(
        HostKey(office.organisation_id, facts.resource_id),
        period,
        values,
        draw.choice(
            [RatedClass.INSTRUMENT_GENERAL, RatedClass.INSTRUMENT_GENERAL, RatedClass.INSTRUMENT_SPECIAL]
        ),
        version=facts.inputs.version,
        note="院系汇总",
        by=office,
    )
    return 1
