"""Words for stored values of series and the waiting list."""

from resource_hub.entrypoints.support.text import N_

WORDS = {
    "booking.series.live": N_("running"),
    "booking.series.over": N_("past"),
    "booking.series.cancelled": N_("cancelled"),
    "booking.series.left_out": N_("left out"),
    "booking.stays.over": N_("begun, over or cancelled"),
    "booking.stays.by_hand": N_("moved by hand, stays"),
    "booking.stays.chosen": N_("stays where it is"),
    "booking.stays.left_out": N_("left out"),
}
