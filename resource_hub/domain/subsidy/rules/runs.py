"""Rules of payout runs: the exact bytes of a line, the digest of a run, the draw of the sample, flags (pure)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from resource_hub.domain.subsidy.terms import ClaimLineRecord, RunFlag, RunLineRecord
from resource_hub.kernel.canonical import canonical_bytes, digest

LINE_FORMAT = 1


def line_bytes(claim: ClaimLineRecord, *, programme: str, host: str, customer: str) -> bytes:
    """A claim line as it is frozen: everything that decides its amount, and nothing drawn in the run. Format 1."""
    return canonical_bytes(
        {
            "format": LINE_FORMAT,
            "programme": programme,
            "host": host,
            "claim": str(claim.key.id),
            "charge": str(claim.charge_id),
            "entry": str(claim.entry_id) if claim.entry_id else None,
            "customer": customer,
            "beneficiary": str(claim.beneficiary_id),
            "day": claim.day.isoformat(),
            "base_minor": claim.base.minor,
            "amount_minor": claim.amount.minor,
            "currency": claim.amount.currency,
            "rule_version": claim.rule_version,
            "facts": dict(claim.facts),
            "steps": [step.as_json() for step in claim.steps],
            "citations": [citation.as_json() for citation in claim.citations],
        }
    )


def run_digest(programme: str, start: str, end: str, lines: Sequence[bytes]) -> bytes:
    """Digest of a run: programme, period, then every line in order."""
    return digest(b"run/1", programme.encode(), start.encode(), end.encode(), *lines)


def sample_size(lines: int, rate: Fraction) -> int:
    """At least the rate, at least one line; never more than there are."""
    return min(lines, max(1, -(-lines * rate.numerator // rate.denominator))) if lines else 0


def draw(seed: str, positions: Sequence[int], size: int) -> list[int]:
    """The positions drawn: smallest digests of seed and position. Anybody with the seed can draw again."""

    def key(position: int) -> bytes:
        return hashlib.sha256(f"{seed}:{position}".encode()).digest()

    return sorted(sorted(positions, key=key)[:size])


def flags(lines: Sequence[RunLineRecord], withdrawn: int = 0) -> list[RunFlag]:
    """What a reviewer should look at, heaviest first."""
    found: list[RunFlag] = []
    if withdrawn:
        found.append(RunFlag("withdrawn", 100, {"lines": withdrawn}))
    wrong = tuple(line.position for line in lines if line.sampled == "wrong")
    if wrong:
        found.append(RunFlag("sample_wrong", 95, {"lines": len(wrong)}, wrong))
    unverified = tuple(line.position for line in lines if _unverified(line.body))
    if unverified:
        found.append(RunFlag("unverified_source", 60, {"lines": len(unverified)}, unverified))
    weak = tuple(line.position for line in lines if _facts(line.body).get("grade") == "D")
    if weak:
        found.append(RunFlag("weak_evidence", 50, {"lines": len(weak)}, weak))
    nothing = tuple(line.position for line in lines if not line.body.get("entry"))
    if nothing:
        found.append(RunFlag("no_session", 80, {"lines": len(nothing)}, nothing))
    found += _concentration(lines)
    found += _crowded_days(lines)
    return sorted(found, key=lambda flag: (-flag.weight, flag.code))


def _facts(body: Mapping[str, Any]) -> Mapping[str, Any]:
    facts: Mapping[str, Any] = body["facts"]["facts"]
    return facts


def _unverified(body: Mapping[str, Any]) -> bool:
    return any(citation["mark"] in ("G", "MEM") for citation in body["citations"])


def _concentration(lines: Sequence[RunLineRecord]) -> list[RunFlag]:
    """One customer with more than half of the money, where there are several lines."""
    total = sum(line.amount.minor for line in lines)
    by_customer: Counter[str] = Counter()
    for line in lines:
        by_customer[str(line.customer_id)] += line.amount.minor
    if len(lines) < 5 or len(by_customer) < 2 or not total:
        return []
    customer, amount = by_customer.most_common(1)[0]
    if amount * 2 <= total:
        return []
    mine = tuple(line.position for line in lines if str(line.customer_id) == customer)
    return [RunFlag("concentration", 40, {"customer_id": customer, "percent": amount * 100 // total}, mine)]


def _crowded_days(lines: Sequence[RunLineRecord]) -> list[RunFlag]:
    """More than five lines of one customer on one day."""
    days: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        days.setdefault((str(line.customer_id), line.body["day"]), []).append(line.position)
    crowded = [positions for positions in days.values() if len(positions) > 5]
    if not crowded:
        return []
    return [
        RunFlag(
            "crowded_day",
            30,
            {"days": len(crowded)},
            tuple(sorted(p for positions in crowded for p in positions)),
        )
    ]
