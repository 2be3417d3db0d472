"""Which rules of the house its own people may set aside when they book for a customer (pure).

Not what protects others: a closed laboratory, what is dangerous, a resource that is not to be had.
"""

from __future__ import annotations

from collections.abc import Sequence

from resource_hub.kernel.errors import Reason

LONGEST = 500
WAIVABLE = frozenset(
    {
        "booking.too_short", "booking.too_long", "booking.too_few_days", "booking.too_many_days", "booking.whole_days",
        "booking.length_step", "booking.start_step", "booking.training", "booking.samples_most",
        "booking.answer_missing", "billing.overdue",
    }
)  # fmt: skip


def waivable(reasons: Sequence[Reason]) -> bool:
    """Whether all of them can be set aside; none is nothing to set aside."""
    return bool(reasons) and all(reason.code in WAIVABLE for reason in reasons)


def left_over(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """What stands against an order even so."""
    return tuple(reason for reason in reasons if reason.code not in WAIVABLE)
