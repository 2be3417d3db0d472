"""Words for what happened to results of an order."""

from resource_hub.entrypoints.support.text import N_

WORDS = {
    "booking.event.results_delivered": N_("Results delivered"),
    "booking.event.result_ended": N_("A result was taken back"),
}
