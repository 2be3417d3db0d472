"""What a laboratory publishes: weekly hours, closures, extra openings, maintenance, house rules; and special days."""

from __future__ import annotations

from resource_hub.entrypoints.web.availability import (
    exceptions,
    hours,
    outside_hours,
    protected,
    repeating,
    rules,
    special_days,
)
from resource_hub.entrypoints.web.availability.blueprints import blueprint, calendar_days

__all__ = [
    "blueprint",
    "calendar_days",
    "exceptions",
    "hours",
    "outside_hours",
    "protected",
    "repeating",
    "rules",
    "special_days",
]
