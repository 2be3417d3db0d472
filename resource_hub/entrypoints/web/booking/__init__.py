"""Pages of booking: the calendar of a resource, the order, one's bookings, the host's answers."""

from __future__ import annotations

from resource_hub.entrypoints.web.booking import (
    acting,
    approving,
    changing,
    detail,
    dividing,
    hand_overs,
    hosting,
    lists,
    on_behalf,
    ordering,
    public,
    ratings,
    results,
    series_answers,
    series_days,
    walk_ins,
)
from resource_hub.entrypoints.web.booking.blueprints import blueprint, bookings, calendar, orders, requests
from resource_hub.entrypoints.web.booking.series import series
from resource_hub.entrypoints.web.booking.waiting import waiting

__all__ = [
    "acting", "approving", "blueprint", "bookings", "calendar", "changing", "detail", "dividing", "hand_overs",
    "hosting",
    "lists", "on_behalf", "ordering", "orders", "public", "ratings", "requests", "results", "series", "series_answers",
    "series_days",
    "waiting", "walk_ins",
]  # fmt: skip
