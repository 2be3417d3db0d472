"""Words for stored values of series and the waiting list."""

from resource_hub.entrypoints.support.text import N_

WORDS = {
    "booking.series.live": N_("running"),
    "booking.series.over": N_("past"),
    "booking.series.cancelled": N_("cancelled"),
    "booking.series.left_out": N_("left out"),
    "booking.series.handed_over": N_("handed over"),
    "booking.stays.over": N_("begun, over or cancelled"),
    "booking.stays.by_hand": N_("moved by hand, stays"),
    "booking.stays.chosen": N_("stays where it is"),
    "booking.stays.left_out": N_("left out"),
    "booking.stays.handed_over": N_("handed over"),
    "booking.waiting_kind.queue": N_("kept for the first in line"),
    "booking.waiting_kind.alert": N_("you are told only"),
    "booking.waiting.waiting": N_("in line"),
    "booking.waiting.offered": N_("offered"),
    "booking.waiting.booked": N_("booked"),
    "booking.waiting.missed": N_("offer ran out"),
    "booking.waiting.left": N_("given up"),
    "booking.waiting.over": N_("nothing became free"),
    "booking.event.split": N_("Split"),
    "booking.event.split_into": N_("The rest became a booking of its own"),
    "booking.event.split_from": N_("Split off from another booking"),
    "booking.event.fee_waived": N_("Fee not owed: the time was taken"),
}
