"""The door to availability. What others may call stands here; the work is done in the files beside it."""

from __future__ import annotations

from resource_hub.domain.availability.holding import (
    drop_lapsed_holds,
    end_early,
    lock,
    move,
    occupy,
    rebuild,
    release,
    settle,
    taken,
)
from resource_hub.domain.availability.planning import (
    Plan,
    days_of,
    house_rules,
    is_working_day,
    may_occupy,
    monday,
    plan,
    plans,
    reasons_against,
    rules_history,
    special_days,
    warm,
    week,
    weeks,
    working_day_after,
    working_days_after,
    zone_of,
)
from resource_hub.domain.availability.publishing import (
    Hit,
    HoursChanged,
    RulesChanged,
    add_exception,
    calendar_year,
    ensure_windows,
    enter_day,
    exception,
    exceptions,
    forget_day,
    hours_digest,
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
from resource_hub.domain.availability.rules.document import read as read_rules
from resource_hub.domain.availability.rules.document import sentences as rules_sentences
from resource_hub.domain.availability.rules.document import write as write_rules
from resource_hub.domain.availability.searching import (
    alternatives,
    alternatives_json,
    free_times,
    free_units,
    hours_free,
    next_free,
)

__all__ = [
    "Hit", "HoursChanged", "Plan", "RulesChanged", "add_exception", "alternatives", "alternatives_json",
    "calendar_year", "days_of", "drop_lapsed_holds", "end_early", "ensure_windows", "enter_day", "exception",
    "exceptions", "forget_day", "free_times", "free_units", "hours_digest", "hours_free", "house_rules",
    "is_working_day", "kept_span", "lock", "may_manage", "may_occupy", "monday", "move", "next_free", "occupy",
    "plan", "plans", "preview_exception", "preview_hours", "read_rules", "reasons_against", "rebuild",
    "release", "remove_exception", "roll_windows", "rules_history", "rules_sentences", "save_hours",
    "save_rules", "set_hours_directly", "settle", "special_days", "taken", "warm", "week", "weekly_hours",
    "weeks", "working_day_after", "working_days_after", "write_rules", "zone_of",
]  # fmt: skip
