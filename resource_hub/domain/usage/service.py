"""The door to usage. What others may call stands here; the work is done in the files beside it."""

from __future__ import annotations

from resource_hub.domain.usage.bulk import import_bulk
from resource_hub.domain.usage.clockwork import (
    close_overdue,
    mark_no_shows,
    on_booking_changed,
    on_booking_ended,
    open_expected,
)
from resource_hub.domain.usage.closing import (
    CLOSES_DAYS,
    Correction,
    Verdict,
    close_day,
    correct,
    mark_no_show,
    queue_for_sealer,
    seal_overdue,
)
from resource_hub.domain.usage.entering import (
    LineEntry,
    OperatorEntry,
    accept,
    dispute,
    record_operator_entry,
)
from resource_hub.domain.usage.looking import (
    BoardItem,
    CloseLine,
    DayBoard,
    Lane,
    OpenDay,
    SessionView,
    close_lines,
    day_board,
    entries,
    entry,
    entry_ids_of_session,
    open_days,
    session_view,
    sessions_of_booking,
    sessions_of_customer,
    unit_now,
)
from resource_hub.domain.usage.sealer import backlog as sealer_backlog
from resource_hub.domain.usage.sealer import (
    chain_page,
    link_batch,
    link_due,
    note_verified,
    roots,
    sign_roots,
    verified,
)
from resource_hub.domain.usage.signals import (
    Received,
    Signal,
    add_device,
    close_fault,
    devices,
    receive_signals,
    report_fault,
    revoke_device,
)
from resource_hub.domain.usage.taps import check_in, check_out
from resource_hub.domain.usage.telling import tell_fault, tell_forgotten, tell_root

SUBSCRIPTIONS = {
    "booking.cancelled": [("usage.void_session", on_booking_ended)],
    "booking.rejected": [("usage.void_session", on_booking_ended)],
    "booking.changed": [("usage.follow_booking", on_booking_changed)],
    "usage.log_out_forgotten": [("usage.tell_forgotten", tell_forgotten)],
    "usage.fault_reported": [("usage.tell_fault", tell_fault)],
    "usage.root_signed": [("usage.tell_root", tell_root)],
}

__all__ = [
    "CLOSES_DAYS", "SUBSCRIPTIONS", "BoardItem", "CloseLine", "Correction", "DayBoard", "Lane", "LineEntry",
    "OpenDay", "OperatorEntry", "Received", "SessionView", "Signal", "Verdict", "accept", "add_device", "chain_page",
    "check_in", "check_out", "close_day", "close_fault", "close_lines", "close_overdue", "correct", "day_board",
    "devices", "dispute", "entries", "entry", "entry_ids_of_session", "import_bulk", "link_batch", "link_due",
    "mark_no_show", "mark_no_shows", "note_verified", "open_days", "open_expected", "queue_for_sealer",
    "receive_signals", "record_operator_entry", "report_fault", "revoke_device", "roots", "seal_overdue",
    "sealer_backlog", "session_view", "sessions_of_booking", "sessions_of_customer", "sign_roots", "unit_now",
    "verified",
]  # fmt: skip
