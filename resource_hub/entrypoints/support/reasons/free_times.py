"""Sentences of a search for free time."""

from resource_hub.entrypoints.support.text import N_

SENTENCES = {
    "availability.invalid_wish": N_("A time like this cannot be looked for."),
    "availability.wish_year": N_("A year between %(first)s and %(last)s is needed."),
    "availability.wish_days": N_("The last day lies before the first."),
    "availability.wish_too_many_days": N_("At most %(most)s days at a time."),
    "availability.wish_length": N_("At least %(least)s minutes, at most %(most_days)s days."),
    "availability.wish_part": N_("A part of the day begins on that day and lasts at most 24 hours."),
    "availability.wish_longer_than_part": N_("That part of the day is shorter than the time that is needed."),
}
