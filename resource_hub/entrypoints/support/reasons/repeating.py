"""Sentences of closures and maintenance on many dates."""

from resource_hub.entrypoints.support.text import N_

SENTENCES = {
    "availability.dates_none": N_("No date is left."),
    "availability.dates_too_many": N_("At most %(most)s dates at a time."),
    "availability.dates_overlap": N_("One date would reach into the next."),
}

REMEDIES: dict[str, str] = {}
