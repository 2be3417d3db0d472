"""Evidence grades: one table of all combinations. Pure.

Source: design §3 "Evidence grade". What matches no row is E.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from resource_hub.domain.usage.terms import (
    USER_ACTION_BY_ACCEPTANCE,
    EvidenceFact,
    EvidenceKind,
    Grade,
    GradeReason,
    Mode,
    OperatorEntry,
    SessionSource,
)
from resource_hub.kernel.time import TimeSpan, merge

# (signal, user action, booking, documented operator entry within the term) → grade.
# A signal counts here only where it agrees with the user's action or with the booking; a booking counts only where
# it agrees with the signal. A booking adds nothing to a user's action: alone it proves nothing.
TABLE: Mapping[tuple[bool, bool, bool, bool], Grade] = MappingProxyType(
    {
        (True, True, True, True): Grade.A,
        (True, True, True, False): Grade.A,
        (True, True, False, True): Grade.B,
        (True, True, False, False): Grade.B,
        (True, False, True, True): Grade.B,
        (True, False, True, False): Grade.B,
        (False, True, True, True): Grade.C,
        (False, True, True, False): Grade.C,
        (False, True, False, True): Grade.C,
        (False, True, False, False): Grade.C,
        (True, False, False, True): Grade.D,
        (False, False, True, True): Grade.D,
        (False, False, False, True): Grade.D,
    }
)


def grade_of(signal: bool, user_action: bool, booking: bool, operator: OperatorEntry) -> Grade:
    documented = operator is OperatorEntry.DOCUMENTED
    return TABLE.get((signal, user_action, booking, documented), Grade.E)


def spans_agree(left: TimeSpan, right: TimeSpan) -> bool:
    """Two accounts of one use agree when they share at least half of the shorter one.

    So a machine that ran 40 minutes inside a booking of three hours agrees with it, and one that ran mostly after
    the booking's end does not.
    """
    shared = left.intersection(right)
    return shared is not None and shared.seconds * 2 >= min(left.seconds, right.seconds)


def _any_agrees(pieces: Iterable[TimeSpan], whole: TimeSpan | None) -> bool:
    """Whether pieces, taken together, share half of the shorter side with the whole."""
    if whole is None:
        return False
    merged = merge(pieces)
    total = sum(p.seconds for p in merged)
    shared = sum(s.seconds for p in merged if (s := p.intersection(whole)) is not None)
    return shared > 0 and shared * 2 >= min(total, whole.seconds)


def user_span(evidence: Iterable[EvidenceFact], mode: str, recorded: TimeSpan | None) -> TimeSpan | None:
    """When, by the customer's own people, the use took place; None when they did nothing that counts.

    Self-use: from the first check-in to the last check-out (or the recorded end, where the log-out was forgotten).
    Staff-run and send-in: the customer's acceptance speaks for the recorded time.
    """
    facts = [e for e in evidence if e.by_customer and not e.late]
    if mode in {m.value for m in USER_ACTION_BY_ACCEPTANCE}:
        return recorded if any(e.kind is EvidenceKind.ACCEPTANCE for e in facts) else None
    starts = [e.occurred_at for e in facts if e.kind is EvidenceKind.CHECK_IN]
    ends = [e.occurred_at for e in facts if e.kind is EvidenceKind.CHECK_OUT]
    start = min(starts, default=recorded.start if recorded and ends else None)
    end = max(ends, default=recorded.end if recorded and starts else None)
    if start is None or end is None:
        return None
    if end <= start:
        return recorded
    return TimeSpan(start, end)


def operator_entry(evidence: Iterable[EvidenceFact]) -> OperatorEntry:
    """The best operator entry there is; a document counts from whoever attached it within the term."""
    facts = list(evidence)
    entries = [e for e in facts if e.kind is EvidenceKind.OPERATOR_ENTRY]
    if not entries:
        return OperatorEntry.NONE
    in_time = [e for e in entries if not e.late]
    if not in_time:
        return OperatorEntry.LATE
    documented = any(e.document_digest for e in in_time) or any(
        e.kind is EvidenceKind.DOCUMENT and not e.late for e in facts
    )
    return OperatorEntry.DOCUMENTED if documented else OperatorEntry.UNDOCUMENTED


def grade_session(
    evidence: Iterable[EvidenceFact],
    *,
    mode: str,
    booked: TimeSpan | None,
    recorded: TimeSpan | None,
    source: str = SessionSource.BOOKING,
) -> GradeReason:
    """The grade of a session with what it was judged on.

    ``booked`` is the span that the customer booked, ``recorded`` what the session says happened. Bulk history is E
    whatever it brings. A delivery (no recorded span) has no machine and is judged on acceptance and documents.
    """
    facts = list(evidence)
    operator = operator_entry(facts)
    if source == SessionSource.BULK:
        return GradeReason(Grade.E, False, False, False, operator, bulk=True)
    if mode == Mode.DELIVERY:
        accepted = any(e.kind is EvidenceKind.ACCEPTANCE and e.by_customer and not e.late for e in facts)
        return GradeReason(
            grade_of(False, accepted, booked is not None, operator),
            False,
            accepted,
            booked is not None,
            operator,
        )
    signals = [e.span for e in facts if e.kind is EvidenceKind.MACHINE_SIGNAL and e.span and not e.late]
    user = user_span(facts, mode, recorded)
    with_user = bool(signals) and _any_agrees(signals, user)
    with_booking = bool(signals) and _any_agrees(signals, booked)
    both = (
        with_user and with_booking and user is not None and booked is not None and spans_agree(user, booked)
    )
    if both:
        flags = (True, True, True)
    elif with_user:
        flags = (True, True, False)
    elif with_booking:
        # The user's own action says something else than machine and booking; the stronger pair counts.
        flags = (True, False, True)
    else:
        flags = (
            False,
            user is not None,
            booked is not None and user is not None and spans_agree(user, booked),
        )
    return GradeReason(grade_of(*flags, operator), *flags, operator)
