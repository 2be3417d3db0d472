"""The door to availability. What others may call stands here; the work is done in the files beside it."""

from __future__ import annotations

from resource_hub.domain.availability.calendars import (
    Due,
    add_calendar,
    calendar,
    calendars,
    check_zone,
    claim_due,
    clashes,
    fill_after_clashes,
    read_again,
    reading_span,
    remove_calendar,
    say_zones,
)
from resource_hub.domain.availability.calendars import failed as calendar_failed
from resource_hub.domain.availability.calendars import settle as settle_calendar
from resource_hub.domain.availability.calendars import unchanged as calendar_unchanged
from resource_hub.domain.availability.fitting import checked as check_wish
from resource_hub.domain.availability.fitting import first_fits, fitting
from resource_hub.domain.availability.holding import (
    end_early,
    hold_until,
    lock,
    lock_with_helpers,
    move,
    occupy,
    rebuild,
    release,
    settle,
    taken,
)
from resource_hub.domain.availability.planning import (
    Plan,
    booked_near,
    days_of,
    house_rules,
    is_provisional,
    is_working_day,
    may_occupy,
    monday,
    plan,
    plans,
    reasons_against,
    rules_history,
    rules_numbered,
    special_days,
    warm,
    week,
    weeks,
    working_day_after,
    working_days_after,
    zone_of,
)
from resource_hub.domain.availability.publishing import (
    Draft,
    Hit,
    HoursChanged,
    NotYourResource,
    Outsiders,
    RulesChanged,
    add_exception,
    check_exception,
    ensure_windows,
    exception,
    exception_draft,
    exceptions,
    hours_digest,
    hours_draft,
    kept_span,
    may_manage,
    preview_exception,
    preview_hours,
    remove_exception,
    roll_windows,
    save_hours,
    save_rules,
    set_hours_directly,
    weekly_hours,
)
from resource_hub.domain.availability.repeating import add_dates, date_of, preview_dates, remove_dates
from resource_hub.domain.availability.rules.document import read as read_rules
from resource_hub.domain.availability.rules.document import write as write_rules
from resource_hub.domain.availability.rules.notice import ReadNotice
from resource_hub.domain.availability.rules.notice import read as read_notice
from resource_hub.domain.availability.rules.sentences import sentences as rules_sentences
from resource_hub.domain.availability.rules.shares import DayShare, day_shares
from resource_hub.domain.availability.searching import (
    alternatives,
    alternatives_json,
    free_times,
    free_units,
    hours_free,
    next_free,
)
from resource_hub.domain.availability.slot_store import Around
from resource_hub.domain.availability.special_days import calendar_year, enter_days, forget_day

__all__ = [
    "Around", "DayShare", "Draft", "Due", "Hit", "HoursChanged", "NotYourResource", "Outsiders", "Plan", "ReadNotice",
    "RulesChanged", "add_calendar", "add_dates", "add_exception", "alternatives", "alternatives_json",
    "booked_near", "calendar", "calendar_failed", "calendar_unchanged", "calendar_year", "calendars",
    "check_exception", "check_wish", "check_zone", "claim_due", "clashes", "date_of", "day_shares", "days_of",
    "end_early", "ensure_windows", "enter_days", "exception", "exception_draft",
    "exceptions", "fill_after_clashes", "first_fits", "fitting", "forget_day", "free_times", "free_units",
    "hold_until", "hours_digest", "hours_draft", "hours_free", "house_rules", "is_provisional", "is_working_day",
    "kept_span", "lock", "lock_with_helpers", "may_manage", "may_occupy", "monday", "move", "next_free", "occupy",
    "plan", "plans",
    "preview_dates", "preview_exception", "preview_hours", "read_again", "read_notice", "read_rules",
    "reading_span", "reasons_against", "rebuild", "release", "remove_calendar", "remove_dates",
    "remove_exception", "roll_windows", "rules_history", "rules_numbered", "rules_sentences", "save_hours",
    "save_rules", "say_zones", "set_hours_directly", "settle", "settle_calendar", "special_days", "taken", "warm",
    "week", "weekly_hours", "weeks", "working_day_after", "working_days_after", "write_rules", "zone_of",
]  # fmt: skip
