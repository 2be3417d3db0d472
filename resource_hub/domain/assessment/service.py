"""Assessment: the only door to the figures of a year, to what people enter for them, and to frozen self-assessments.

Roles: the institution's office and administrators see everything; managers and deputies see and fill in the instruments
of their departments. Nobody outside the institution gets in here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.assessment import facts_json, ports, schemes, store
from resource_hub.domain.assessment.errors import (
    BadInputs,
    InputsChanged,
    NoSuchAssessment,
    NoSuchFigure,
    NotForRole,
    NothingToFreeze,
    PeriodStillOpen,
)
from resource_hub.domain.assessment.rules import periods
from resource_hub.domain.assessment.rules import watch as watch_rules
from resource_hub.domain.assessment.tables import ScoreRun
from resource_hub.domain.assessment.terms import (
    Figure,
    FrozenScore,
    InputCode,
    InputEntry,
    Inputs,
    InstrumentFacts,
    Period,
    RatedClass,
    Replay,
)
from resource_hub.domain.assessment.year import InstitutionYear, InstrumentYear, Rules
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.rules.working_days import working_days_after
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.errors import Reason, refuse_if
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import zone

OFFICE = (Role.OFFICE, Role.INSTITUTION_ADMIN)
LABORATORY = (Role.MANAGER, Role.DEPUTY)
SCORE_FORMAT = 1
MOST_OF_ONE_INPUT = 1_000_000


def _may_see(by: Actor, institution_id: UUID, *, whole: bool) -> None:
    """Office for the institution's figures; laboratories for single instruments too."""
    if by.organisation_id != institution_id:
        raise NoSuchFigure()
    if not by.has(*OFFICE) and (whole or not by.has(*LABORATORY)):
        raise NotForRole()


def _may_see_instrument(by: Actor, facts: InstrumentFacts) -> None:
    if not by.has(*OFFICE) and not by.reaches(facts.department_id):
        raise NoSuchFigure(resource=str(facts.resource_id))


def _build(
    institution_id: UUID, period: Period, resource_ids: Sequence[UUID] | None, at: datetime
) -> InstitutionYear:
    """The one function behind every figure."""
    session = reading()
    host = accounts.organisation(institution_id)
    entered, entered_version = store.entered(session, institution_id, schemes.BENEFIT, period.since)
    rules = Rules.of(period, entered)
    typed = store.inputs(session, institution_id, schemes.BENEFIT, period.since, resource_ids)
    classes = store.earlier_classes(session, institution_id, schemes.BENEFIT, period.until, resource_ids)
    today = at.astimezone(zone(host.zone)).date()
    instruments = []
    listed = ports.facts().instruments(institution_id, period.since, period.until, resource_ids)
    due_of = _listing_dues(
        rules, host.jurisdiction, [each.accepted_on for each in listed if each.accepted_on]
    )
    for facts in listed:
        whole = replace(
            facts,
            inputs=typed.get(facts.resource_id, Inputs()),
            earlier_class=classes.get(facts.resource_id),
        )
        due = due_of[facts.accepted_on] if facts.accepted_on is not None else None
        instruments.append(
            InstrumentYear(whole, period, rules, institution_id, at, due, min(today, period.until))
        )
    return InstitutionYear(
        institution_id, period, rules, at, today, tuple(instruments), entered, entered_version
    )


def _listing_dues(rules: Rules, jurisdiction: str, accepted: Sequence[date]) -> dict[date, date]:
    """Last day in time for each acceptance date; the calendar is asked once for all of them."""
    if not accepted:
        return {}
    # Thirty working days lie within three months, whatever the holidays.
    last = max(accepted) + timedelta(days=rules.watch.listing_working_days * 2 + 30)
    special = availability.special_days(jurisdiction, min(accepted), last)
    return {
        day: watch_rules.listing_due(
            rules.watch, day, lambda start, n: working_days_after(start, n, special.get)
        )
        for day in set(accepted)
    }


def current_period(institution_id: UUID, kind: periods.PeriodKind) -> Period:
    """The calendar or school year of now in the host's zone."""
    host = accounts.organisation(institution_id)
    return periods.around(kind, clock.now().astimezone(zone(host.zone)).date())


def year(institution_id: UUID, period: Period, *, by: Actor) -> InstitutionYear:
    """All figures, gaps and watch-lists of an institution's year.

    Raises:
        NoSuchFigure: not the actor's institution.
        NotForRole: neither office nor administrator.
    """
    _may_see(by, institution_id, whole=True)
    return _build(institution_id, period, None, clock.now())


def instrument_year(key: HostKey, period: Period, *, by: Actor) -> InstrumentYear:
    """All figures of one instrument's year.

    Raises:
        NoSuchFigure: no such instrument in that period, or not for this actor.
    """
    _may_see(by, key.institution_id, whole=False)
    found = _build(key.institution_id, period, [key.id], clock.now()).instrument(key.id)
    _may_see_instrument(by, found.facts)
    return found


def indicators(
    institution_id: UUID, resource_id: UUID | None, period: Period, *, by: Actor
) -> dict[str, Figure]:
    """Every figure by code, of the institution or of one instrument. Units: as each figure says."""
    if resource_id is None:
        return year(institution_id, period, by=by).figures()
    return instrument_year(HostKey(institution_id, resource_id), period, by=by).figures()


def figure(institution_id: UUID, resource_id: UUID | None, code: str, period: Period, *, by: Actor) -> Figure:
    """One figure with formula, version, as-of time and the question for its rows.

    Raises:
        NoSuchFigure: no figure of that code here.
    """
    found = indicators(institution_id, resource_id, period, by=by)
    if code not in found:
        raise NoSuchFigure(figure=code)
    return found[code]


def score(
    scheme: str, institution_id: UUID, resource_id: UUID | None, period: Period, *, by: Actor
) -> Figure:
    """Total under a scheme (``benefit`` or ``national``); a range, or unknown with reasons, while things are open."""
    if scheme == "national":
        return figure(institution_id, None, "national.total", period, by=by)
    code = "benefit.mean" if resource_id is None else "benefit.total"
    return figure(institution_id, resource_id, code, period, by=by)


# ---- what people enter ------------------------------------------------------------------------------------------


def input_history(key: HostKey, period: Period, *, by: Actor) -> list[InputEntry]:
    """Who entered what, newest first."""
    instrument_year(key, period, by=by)
    return store.history(reading(), key.institution_id, schemes.BENEFIT, period.since, str(key.id))


def save_inputs(
    key: HostKey,
    period: Period,
    values: Mapping[InputCode, int | None],
    rated_class: RatedClass | None,
    *,
    version: int,
    note: str = "",
    by: Actor,
) -> int:
    """Append what changed in an instrument's form; returns its new version. None takes an entry back.

    Raises:
        InputsChanged: somebody saved in between; the values carry what stands there now.
        BadInputs: a negative or absurd number, or more functions used than there are.
    """
    with unit_of_work() as unit:
        now = instrument_year(key, period, by=by)
        store.lock_resource(unit.session, key)
        standing = store.inputs(unit.session, key.institution_id, schemes.BENEFIT, period.since, [key.id])
        before = standing.get(key.id, Inputs())
        if before.version != version:
            raise InputsChanged(
                theirs={
                    **before.values,
                    "rated_class": before.rated_class.value if before.rated_class else "",
                },
                version=before.version,
                mine={code.value: value for code, value in values.items()},
            )
        refuse_if(_faults(values, before), BadInputs)
        changes = {
            code.value: "" if value is None else str(value)
            for code, value in values.items()
            if before.get(code) != value
        }
        if rated_class is not before.rated_class:
            changes[store.RATED_CLASS] = rated_class.value if rated_class else ""
        if not changes:
            return before.version
        store.add_inputs(
            unit.session,
            key.institution_id,
            schemes.BENEFIT,
            period.since,
            key.id,
            changes,
            before.version + 1,
            note,
            by.person_id,
            unit.now,
        )
        unit.audit(
            "assessment.inputs_saved",
            key.institution_id,
            f"{now.facts.code}:{period.label}",
            {"items": sorted(changes), "version": before.version + 1},
            person_id=by.person_id,
        )
        return before.version + 1


def _faults(values: Mapping[InputCode, int | None], before: Inputs) -> list[Reason]:
    reasons = [
        Reason("assessment.input_out_of_bounds", {"most": MOST_OF_ONE_INPUT}, code.value)
        for code, value in values.items()
        if value is not None and not 0 <= value <= MOST_OF_ONE_INPUT
    ]

    def after(code: InputCode) -> int | None:
        return values[code] if code in values else before.get(code)

    original, used = after(InputCode.FUNCTIONS_ORIGINAL), after(InputCode.FUNCTIONS_USED)
    if original is not None and used is not None and used > original:
        reasons.append(
            Reason(
                "assessment.more_functions_used",
                {"used": used, "original": original},
                InputCode.FUNCTIONS_USED.value,
            )
        )
    return reasons


def set_internal_rate(
    institution_id: UUID,
    period: Period,
    points_per_thousand: Fraction | None,
    *,
    version: int,
    note: str,
    by: Actor,
) -> int:
    """Set the points per 1,000 yuan of internal income, which no copy of the form shows; None takes it back.

    Raises:
        BadInputs: negative, or above 100 points per 1,000 yuan.
        InputsChanged: somebody saved in between.
    """
    _may_see(by, institution_id, whole=True)
    if points_per_thousand is not None and not 0 <= points_per_thousand <= 100:
        raise BadInputs(Reason("assessment.rate_out_of_bounds", {"most": 100}, "internal_rate"))
    with unit_of_work() as unit:
        store.lock_institution(unit.session, institution_id)
        before, standing = store.entered(unit.session, institution_id, schemes.BENEFIT, period.since)
        if standing != version:
            raise InputsChanged(theirs=before, version=standing)
        text = "" if points_per_thousand is None else str(points_per_thousand / 1000)
        if before.get(schemes.INTERNAL_RATE, "") == text:
            return standing
        store.add_inputs(
            unit.session,
            institution_id,
            schemes.BENEFIT,
            period.since,
            None,
            {schemes.INTERNAL_RATE: text},
            standing + 1,
            note,
            by.person_id,
            unit.now,
        )
        unit.audit(
            "assessment.internal_rate_set",
            institution_id,
            period.label,
            {"points_per_yuan": text},
            person_id=by.person_id,
        )
        return standing + 1


# ---- frozen self-assessments ------------------------------------------------------------------------------------


def _document(found: InstitutionYear, host_code: str) -> dict[str, Any]:
    """Inputs, rules and result of a score in one canonical document; no clock and no id drawn in the run."""
    return {
        "format": SCORE_FORMAT,
        "host": host_code,
        "facts": {
            "period_kind": found.period.kind.value,
            "since": found.period.since.isoformat(),
            "until": found.period.until.isoformat(),
            "judged_on": found.judged_on.isoformat(),
            "entered": dict(found.entered),
            "instruments": [
                {
                    **facts_json.dump(each.facts),
                    "listing_due": None if each.listing_due is None else each.listing_due.isoformat(),
                }
                for each in found.instruments
            ],
        },
        "rules": {
            "versions": {
                schemes.BENEFIT: found.rules.form_version.version,
                schemes.NATIONAL: found.rules.national_version.version,
            },
            "digests": dict(found.rules.digests),
        },
        "result": _result(found),
    }


def _result(found: InstitutionYear) -> dict[str, Any]:
    summary = found.benefit
    return {
        "benefit": {
            "mean": summary.mean.as_json(),
            "grades": {grade.value: count for grade, count in summary.grades.items()},
            "undecided": summary.undecided,
            "instruments": [
                {"resource": str(each.facts.resource_id), "total": each.total.as_json()}
                for each in found.scored
                if each.total is not None
            ],
        },
        "national": {code: figure.as_json() for code, figure in sorted(found.measures.items())},
    }


def freeze(institution_id: UUID, period: Period, *, by: Actor) -> HostKey:
    """Keep the institution's figures as they are now, with everything needed to recompute them.

    Raises:
        PeriodStillOpen: the year is not over in the host's zone.
        NothingToFreeze: no instrument is in scope.
    """
    _may_see(by, institution_id, whole=True)
    with unit_of_work() as unit:
        store.lock_institution(unit.session, institution_id)
        found = _build(institution_id, period, None, unit.now)
        if not found.over:
            raise PeriodStillOpen(until=period.until.isoformat())
        if not found.scored and not found.in_ratios:
            raise NothingToFreeze()
        document = _document(found, accounts.organisation(institution_id).code)
        body = canonical_bytes(document)
        mean = found.benefit.mean
        key = HostKey(institution_id, new_id())
        store.add_score(
            unit.session,
            ScoreRun(
                institution_id=institution_id,
                id=key.id,
                scheme=schemes.BENEFIT,
                scheme_version=found.rules.form_version.version,
                period=period.since,
                resource_id=None,
                state="frozen",
                as_of=unit.now,
                document=document,
                low="" if mean.low is None else str(mean.low),
                high="" if mean.high is None else str(mean.high),
                grade="",
                body=body,
                digest=digest(body),
                created_by=by.person_id,
                created_at=unit.now,
            ),
        )
        unit.audit(
            "assessment.frozen",
            institution_id,
            period.label,
            {"score": str(key.id), "digest": digest(body).hex()},
            person_id=by.person_id,
        )
        unit.publish(
            "assessment.frozen",
            f"{institution_id}:{key.id}",
            {"institution_id": str(institution_id), "score_id": str(key.id)},
        )
        return key


def frozen_scores(institution_id: UUID, period: Period | None = None, *, by: Actor) -> list[FrozenScore]:
    """Self-assessments kept so far, newest first."""
    _may_see(by, institution_id, whole=True)
    return store.scores(reading(), institution_id, period.since if period else None)


def frozen_score(key: HostKey, *, by: Actor) -> FrozenScore:
    _may_see(by, key.institution_id, whole=True)
    found = store.score(reading(), key)
    if found is None:
        raise NoSuchAssessment(id=str(key.id))
    return found


def replay(key: HostKey, *, by: Actor) -> Replay:
    """Recompute a frozen score from its own facts with its own version of the rules, and compare."""
    return replayed(frozen_score(key, by=by))


def from_file(body: bytes, document: Mapping[str, Any], told_digest: str | None = None) -> FrozenScore:
    """A kept self-assessment from its file, for recomputing it without a database.

    ``told_digest`` is what was handed over beside the file; without one the file's own digest is taken.

    Raises:
        KeyError, ValueError, TypeError: the document is no kept self-assessment.
    """
    facts = document["facts"]
    kind = periods.PeriodKind(facts["period_kind"])
    mean = document["result"]["benefit"]["mean"]["value"] or ["", ""]
    nowhere = UUID(int=0)
    moment = datetime.combine(date.fromisoformat(facts["judged_on"]), time(), UTC)
    return FrozenScore(
        key=HostKey(nowhere, nowhere),
        period=date.fromisoformat(facts["since"]),
        period_kind=kind,
        scheme=schemes.BENEFIT,
        scheme_version=document["rules"]["versions"][schemes.BENEFIT],
        as_of=moment,
        low=mean[0],
        high=mean[1],
        grade="",
        digest=told_digest.lower() if told_digest else digest(body).hex(),
        created_by=None,
        created_at=moment,
        document=document,
        body=body,
    )


def replayed(frozen: FrozenScore) -> Replay:
    """The replay itself: needs the document and the rulebook, no database."""
    document = frozen.document
    facts = document["facts"]
    period = periods.around(periods.PeriodKind(facts["period_kind"]), date.fromisoformat(facts["since"]))
    rules = Rules.of(period, facts["entered"], document["rules"]["versions"])
    judged_on = date.fromisoformat(facts["judged_on"])
    institution_id = frozen.key.institution_id
    instruments = tuple(
        InstrumentYear(
            facts_json.load(row),
            period,
            rules,
            institution_id,
            frozen.as_of,
            None if row["listing_due"] is None else date.fromisoformat(row["listing_due"]),
            judged_on,
        )
        for row in facts["instruments"]
    )
    again = InstitutionYear(
        institution_id, period, rules, frozen.as_of, judged_on, instruments, facts["entered"], 0
    )
    return Replay(
        digest_agrees=digest(frozen.body).hex() == frozen.digest
        and canonical_bytes(dict(document)) == frozen.body,
        result_agrees=canonical_bytes(_result(again)) == canonical_bytes(document["result"]),
        rules_agree=dict(rules.digests) == document["rules"]["digests"],
    )
