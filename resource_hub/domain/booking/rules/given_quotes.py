"""Quotes given by hand: what a host may name, and which order such a price is for (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from resource_hub.domain.booking.inquiry_words import InquiryState, QuoteLine, Wish
from resource_hub.domain.booking.terms import Asked, BookingKind
from resource_hub.kernel.errors import Reason

MOST_LINES = 20
LONGEST_LINE = 200
LONGEST_VALID = timedelta(days=366)
# Ten thousand million in the usual currency: more is a slip of the finger.
MOST_MINOR = 10**12

MAY_GIVE = frozenset({InquiryState.ASKED, InquiryState.GIVEN, InquiryState.DECLINED, InquiryState.EXPIRED})
MAY_DECIDE = frozenset({InquiryState.GIVEN})
MAY_REFUSE = frozenset({InquiryState.ASKED, InquiryState.DECLINED, InquiryState.EXPIRED})
MAY_TAKE_BACK = frozenset({InquiryState.ASKED, InquiryState.GIVEN, InquiryState.EXPIRED})


def faults_of_wish(wish: Wish) -> list[Reason]:
    """What is missing before a host could name a price."""
    found = []
    if wish.kind is BookingKind.WINDOW and wish.length_seconds <= 0:
        found.append(Reason("booking.inquiry_length", {}, "length"))
    if wish.kind is BookingKind.SAMPLES and wish.samples <= 0:
        found.append(Reason("booking.inquiry_samples", {}, "samples"))
    if not wish.description.strip():
        found.append(Reason("booking.inquiry_description", {}, "description"))
    if wish.wanted_from and wish.wanted_until and wish.wanted_until < wish.wanted_from:
        found.append(Reason("booking.inquiry_days", {}, "wanted_until"))
    return found


def faults_of_quote(
    lines: Sequence[QuoteLine], currency: str, valid_until: date, today: date
) -> list[Reason]:
    """Everything that is wrong with a price before a customer may see it: each amount is positive."""
    found = []
    if not 0 < len(lines) <= MOST_LINES:
        found.append(Reason("booking.given_lines", {"most": MOST_LINES}, "amount1"))
    for number, line in enumerate(lines, 1):
        if not line.text.strip() or len(line.text) > LONGEST_LINE:
            found.append(Reason("booking.given_line_text", {"most": LONGEST_LINE}, f"text{number}"))
        if line.amount.currency != currency:
            found.append(Reason("booking.given_currency", {"currency": currency}, f"amount{number}"))
        if line.amount.minor <= 0:
            found.append(Reason("booking.given_amount", {}, f"amount{number}"))
    if sum(line.amount.minor for line in lines) > MOST_MINOR:
        found.append(Reason("booking.given_too_much", {}, "amount1"))
    if valid_until < today:
        found.append(Reason("booking.given_past", {"today": today.isoformat()}, "valid_until"))
    elif valid_until > today + LONGEST_VALID:
        found.append(Reason("booking.given_too_long", {"days": LONGEST_VALID.days}, "valid_until"))
    return found


def misfits(wish: Wish, asked: Asked) -> list[Reason]:
    """Why an order is not what the price was named for: another kind or way of use, longer, or more samples."""
    found = []
    if asked.kind is not wish.kind:
        found.append(
            Reason("booking.given_other_kind", {"kind": {"word": ["booking.kind", wish.kind.value]}})
        )
    elif wish.mode is not None and asked.kind is not BookingKind.ACCESS and asked.mode is not wish.mode:
        found.append(
            Reason("booking.given_other_mode", {"mode": {"word": ["booking.mode", wish.mode.value]}}, "mode")
        )
    if (
        wish.kind is BookingKind.WINDOW
        and asked.span is not None
        and asked.span.seconds > wish.length_seconds
    ):
        found.append(Reason("booking.given_longer", {"most_seconds": wish.length_seconds}, "time"))
    if asked.samples > wish.samples:
        found.append(Reason("booking.given_more_samples", {"most": wish.samples}, "samples"))
    return found
