"""The life of an order as one table: from which state, by which act and whom, to which state (pure).

What is not in the table cannot happen. Window orders take the first path, sample orders and access requests their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from resource_hub.domain.booking.errors import WrongState
from resource_hub.domain.booking.terms import Act, BookingKind, BookingState, Side
from resource_hub.kernel.errors import Reason

W, S, A = BookingKind.WINDOW, BookingKind.SAMPLES, BookingKind.ACCESS
B = BookingState
_CUSTOMER, _HOST, _SYSTEM = frozenset({Side.CUSTOMER}), frozenset({Side.HOST}), frozenset({Side.SYSTEM})
_BOTH = _CUSTOMER | _HOST


@dataclass(frozen=True, slots=True)
class Step:
    to: BookingState
    who: frozenset[Side]


def _for(
    kinds: tuple[BookingKind, ...], state: B, act: Act, to: B, who: frozenset[Side]
) -> dict[tuple[BookingKind, BookingState, Act], Step]:
    return {(kind, state, act): Step(to, who) for kind in kinds}


STEPS: Mapping[tuple[BookingKind, BookingState, Act], Step] = {
    # A hold keeps a slot while somebody fills in the form.
    **_for((W,), B.HELD, Act.REQUEST, B.REQUESTED, _BOTH),
    **_for((W,), B.HELD, Act.CANCEL, B.CANCELLED, _BOTH),
    **_for((W,), B.HELD, Act.LAPSE, B.EXPIRED, _SYSTEM),
    # The host's answer; with silence as consent the clock may say yes.
    **_for((W, S, A), B.REQUESTED, Act.APPROVE, B.APPROVED, _HOST | _SYSTEM),
    **_for((W, S, A), B.REQUESTED, Act.REJECT, B.REJECTED, _HOST),
    **_for((W, S, A), B.REQUESTED, Act.CANCEL, B.CANCELLED, _BOTH),
    **_for((W, S, A), B.REQUESTED, Act.LAPSE, B.EXPIRED, _SYSTEM),
    **_for((W,), B.REQUESTED, Act.CHANGE, B.REQUESTED, _BOTH),
    # Time on an instrument: usage reports what really happened.
    **_for((W,), B.APPROVED, Act.CHANGE, B.APPROVED, _BOTH),
    **_for((W, S, A), B.APPROVED, Act.CANCEL, B.CANCELLED, _BOTH),
    **_for((W,), B.APPROVED, Act.START, B.IN_USE, _HOST | _SYSTEM),
    **_for((W,), B.APPROVED, Act.MISS, B.NO_SHOW, _HOST | _SYSTEM),
    **_for((W,), B.IN_USE, Act.CHANGE, B.IN_USE, _BOTH),
    **_for((W,), B.IN_USE, Act.FINISH, B.DONE, _HOST | _SYSTEM),
    # A late proof (an offline tap, a recorder's upload) takes a no-show back.
    **_for((W,), B.NO_SHOW, Act.START, B.IN_USE, _HOST | _SYSTEM),
    # Samples: approved → received → in progress → delivered → done.
    **_for((S,), B.APPROVED, Act.RECEIVE, B.RECEIVED, _HOST),
    **_for((S,), B.RECEIVED, Act.BEGIN, B.IN_PROGRESS, _HOST | _SYSTEM),
    **_for((S,), B.RECEIVED, Act.CANCEL, B.CANCELLED, _HOST),
    **_for((S,), B.IN_PROGRESS, Act.DELIVER, B.DELIVERED, _HOST),
    # Access to something untimed: approved → delivered → done.
    **_for((A,), B.APPROVED, Act.BEGIN, B.IN_PROGRESS, _HOST),
    **_for((A,), B.APPROVED, Act.DELIVER, B.DELIVERED, _HOST),
    **_for((A,), B.IN_PROGRESS, Act.DELIVER, B.DELIVERED, _HOST),
    **_for((S, A), B.DELIVERED, Act.FINISH, B.DONE, _CUSTOMER | _SYSTEM),
}

# The way that each kind usually goes, for the steps shown on its page.
PATHS: Mapping[BookingKind, tuple[BookingState, ...]] = {
    W: (B.REQUESTED, B.APPROVED, B.IN_USE, B.DONE),
    S: (B.REQUESTED, B.APPROVED, B.RECEIVED, B.IN_PROGRESS, B.DELIVERED, B.DONE),
    A: (B.REQUESTED, B.APPROVED, B.DELIVERED, B.DONE),
}


def step(kind: BookingKind, state: BookingState, act: Act, side: Side) -> BookingState:
    """The state after an act.

    Raises:
        WrongState: the act is not open in this state, or not to this side.
    """
    found = STEPS.get((kind, state, act))
    if found is None or side not in found.who:
        raise not_open(act, state)
    return found.to


def not_open(act: Act, state: BookingState) -> WrongState:
    """The refusal of an act that a state does not allow."""
    values = {
        "act": {"word": ["booking.act", act.value]},
        "state": {"word": ["booking.state", state.value]},
    }
    return WrongState(Reason("booking.wrong_state", values))


@cache
def open_acts(kind: BookingKind, state: BookingState, side: Side) -> frozenset[Act]:
    """What a side may do now, as far as the state goes; rules and terms may still say no."""
    return frozenset(
        act for (k, s, act), found in STEPS.items() if k is kind and s is state and side in found.who
    )
