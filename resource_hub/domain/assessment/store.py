"""Queries of assessment: entered figures and frozen scores. Rows in, facts out; no commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from resource_hub.domain.assessment.rules.periods import around
from resource_hub.domain.assessment.tables import AssessmentInput, ScoreRun
from resource_hub.domain.assessment.terms import (
    FrozenScore,
    InputCode,
    InputEntry,
    Inputs,
    PeriodKind,
    RatedClass,
)
from resource_hub.infra.ids import new_id
from resource_hub.kernel.keys import HostKey

INSTITUTION = "institution"
RATED_CLASS = "rated_class"
_CODES = {code.value for code in InputCode}


def _latest(
    session: Session, institution_id: UUID, scheme: str, period: date, subjects: Sequence[str] | None
) -> dict[str, dict[str, tuple[str, int]]]:
    """The newest value and version of every item, by subject. An empty value means: taken back."""
    newest = (
        select(
            AssessmentInput.subject,
            AssessmentInput.item,
            func.max(AssessmentInput.version).label("version"),
        )
        .where(
            AssessmentInput.institution_id == institution_id,
            AssessmentInput.scheme == scheme,
            AssessmentInput.period == period,
        )
        .group_by(AssessmentInput.subject, AssessmentInput.item)
    )
    if subjects is not None:
        newest = newest.where(AssessmentInput.subject.in_(list(subjects)))
    top = newest.subquery()
    rows = session.execute(
        select(AssessmentInput.subject, AssessmentInput.item, AssessmentInput.value, AssessmentInput.version)
        .join(
            top,
            (AssessmentInput.subject == top.c.subject)
            & (AssessmentInput.item == top.c.item)
            & (AssessmentInput.version == top.c.version),
        )
        .where(
            AssessmentInput.institution_id == institution_id,
            AssessmentInput.scheme == scheme,
            AssessmentInput.period == period,
        )
    )
    found: dict[str, dict[str, tuple[str, int]]] = defaultdict(dict)
    for subject, item, value, version in rows:
        found[subject][item] = (value, version)
    return found


def lock_resource(session: Session, key: HostKey) -> None:
    """Serialise writers of one instrument's form; on SQLite the unit is the only writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text("SELECT 1 FROM resource WHERE institution_id = :host AND id = :id FOR NO KEY UPDATE"),
            {"host": key.institution_id, "id": key.id},
        )


def lock_institution(session: Session, institution_id: UUID) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text("SELECT 1 FROM organisation WHERE id = :host FOR NO KEY UPDATE"), {"host": institution_id}
        )


def inputs(
    session: Session,
    institution_id: UUID,
    scheme: str,
    period: date,
    resource_ids: Sequence[UUID] | None = None,
) -> dict[UUID, Inputs]:
    """What was entered about instruments, by resource; those without an entry are not in it."""
    subjects = None if resource_ids is None else [str(each) for each in resource_ids]
    found = {}
    for subject, items in _latest(session, institution_id, scheme, period, subjects).items():
        if subject == INSTITUTION:
            continue
        values = {item: int(value) for item, (value, _) in items.items() if item in _CODES and value}
        rated = items.get(RATED_CLASS, ("", 0))[0]
        found[UUID(subject)] = Inputs(
            values, RatedClass(rated) if rated else None, max(version for _, version in items.values())
        )
    return found


def earlier_classes(
    session: Session,
    institution_id: UUID,
    scheme: str,
    before: date,
    resource_ids: Sequence[UUID] | None = None,
) -> dict[UUID, RatedClass]:
    """The class said last for an earlier period, by resource: instruments rarely change theirs."""
    query = select(AssessmentInput.resource_id, AssessmentInput.value).where(
        AssessmentInput.institution_id == institution_id,
        AssessmentInput.scheme == scheme,
        AssessmentInput.item == RATED_CLASS,
        AssessmentInput.period < before,
        AssessmentInput.value != "",
    )
    if resource_ids is not None:
        query = query.where(AssessmentInput.resource_id.in_(list(resource_ids)))
    query = query.order_by(AssessmentInput.period, AssessmentInput.version)
    return {row.resource_id: RatedClass(row.value) for row in session.execute(query) if row.resource_id}


def entered(session: Session, institution_id: UUID, scheme: str, period: date) -> tuple[dict[str, str], int]:
    """Parameters that the institution set for a period, as text, and the version of that form."""
    items = _latest(session, institution_id, scheme, period, [INSTITUTION]).get(INSTITUTION, {})
    version = max((version for _, version in items.values()), default=0)
    return {item: value for item, (value, _) in items.items() if value}, version


def history(
    session: Session, institution_id: UUID, scheme: str, period: date, subject: str
) -> list[InputEntry]:
    """Every entry of a form, newest first."""
    rows = session.scalars(
        select(AssessmentInput)
        .where(
            AssessmentInput.institution_id == institution_id,
            AssessmentInput.scheme == scheme,
            AssessmentInput.period == period,
            AssessmentInput.subject == subject,
        )
        .order_by(AssessmentInput.version.desc(), AssessmentInput.item)
    )
    return [
        InputEntry(row.item, row.value, row.version, row.note, row.entered_by, row.entered_at) for row in rows
    ]


def add_inputs(
    session: Session,
    institution_id: UUID,
    scheme: str,
    period: date,
    resource_id: UUID | None,
    changes: Mapping[str, str],
    version: int,
    note: str,
    by: UUID | None,
    at: datetime,
) -> None:
    """Append one row per changed item; the unique key refuses a second writer of the same version."""
    for item in sorted(changes):
        session.add(
            AssessmentInput(
                institution_id=institution_id,
                id=new_id(),
                scheme=scheme,
                period=period,
                resource_id=resource_id,
                subject=str(resource_id) if resource_id else INSTITUTION,
                item=item,
                value=changes[item],
                version=version,
                note=note,
                entered_by=by,
                entered_at=at,
            )
        )
    session.flush()


def add_score(session: Session, score: ScoreRun) -> None:
    session.add(score)
    session.flush()


def _frozen(row: ScoreRun) -> FrozenScore:
    kind = PeriodKind(row.document["facts"]["period_kind"])
    return FrozenScore(
        key=HostKey(row.institution_id, row.id),
        period=around(kind, row.period).since,
        period_kind=kind,
        scheme=row.scheme,
        scheme_version=row.scheme_version,
        as_of=row.as_of,
        low=row.low,
        high=row.high,
        grade=row.grade,
        digest=bytes(row.digest).hex(),
        created_by=row.created_by,
        created_at=row.created_at,
        document=row.document,
        body=bytes(row.body),
    )


def score(session: Session, key: HostKey) -> FrozenScore | None:
    row = session.get(ScoreRun, (key.institution_id, key.id))
    return None if row is None else _frozen(row)


def scores(session: Session, institution_id: UUID, period: date | None = None) -> list[FrozenScore]:
    """Frozen self-assessments, newest first."""
    query = select(ScoreRun).where(ScoreRun.institution_id == institution_id, ScoreRun.state == "frozen")
    if period is not None:
        query = query.where(ScoreRun.period == period)
    return [
        _frozen(row)
        for row in session.scalars(query.order_by(ScoreRun.created_at.desc(), ScoreRun.id.desc()))
    ]
