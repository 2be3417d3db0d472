"""The door to booking. What others may call stands here; the work is done in the files beside it."""

from __future__ import annotations

from resource_hub.domain.booking.invitations import INVITATION, Answer, Outcome, answered
from resource_hub.domain.booking.invitations import key_of as invited_to
from resource_hub.domain.booking.managing import (
    CancelPreview,
    ChangePreview,
    advance,
    approve,
    attach,
    cancel,
    cancel_preview,
    change,
    change_preview,
    finished,
    lapse_due,
    missed,
    propose,
    reject,
    say,
    started,
)
from resource_hub.domain.booking.ordering import (
    DECIDES,
    STAFF,
    alternatives,
    fitted,
    hold,
    is_staff,
    judge,
    prepare,
    request,
    sweep_keys,
)
from resource_hub.domain.booking.publishing import (
    HitBooking,
    preview_exception,
    preview_hours,
    publish_exception,
    publish_hours,
)
from resource_hub.domain.booking.quoting import (
    Preview,
    buyer,
    cancellation_fee,
    compute,
    day_of,
    may_buy_for,
    no_show_fee,
    preview,
    quote,
    quote_of,
)
from resource_hub.domain.booking.reading import (
    Detail,
    asked_of,
    booking,
    booking_for,
    bookings_at,
    bookings_of,
    calendar,
    detail,
    due_to_start,
    file_of,
    judged_by_clock,
    next_start_of,
    of_resources,
    records,
    requests,
    side_of,
    sums_of,
    viewer_of,
    waiting_count,
)
from resource_hub.domain.booking.telling import SUBSCRIPTIONS

__all__ = [
    "DECIDES", "INVITATION", "STAFF", "SUBSCRIPTIONS", "Answer", "CancelPreview", "ChangePreview", "Detail",
    "HitBooking", "Outcome", "Preview", "advance", "alternatives", "answered", "approve", "asked_of", "attach",
    "booking", "booking_for", "bookings_at", "bookings_of", "buyer", "calendar", "cancel", "cancel_preview",
    "cancellation_fee", "change", "change_preview", "compute", "day_of", "detail", "due_to_start", "file_of",
    "finished", "fitted", "hold", "invited_to", "is_staff", "judge", "judged_by_clock", "lapse_due", "may_buy_for",
    "missed", "next_start_of", "no_show_fee", "of_resources", "prepare", "preview", "preview_exception",
    "preview_hours", "propose", "publish_exception", "publish_hours", "quote", "quote_of", "records", "reject",
    "request", "requests", "say", "side_of", "started", "sums_of", "sweep_keys", "viewer_of", "waiting_count",
]  # fmt: skip
