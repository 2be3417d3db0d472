"""Sentences of closures and maintenance on many dates."""

from resource_hub.entrypoints.support.text import N_, NN_

SENTENCES = {
    "availability.dates_none": N_("No date is left."),
    "availability.dates_too_many": N_("At most %(most)s dates at a time."),
    "availability.dates_overlap": N_("One date would reach into the next."),
    "availability.date_hits": NN_(
        "%(start)s: %(count)s booking stands there.", "%(start)s: %(count)s bookings stand there.", "count"
    ),
}

REMEDIES = {
    "availability.date_hits": N_(
        "Leave this date out, or enter it by itself and say what becomes of the bookings."
    ),
}
