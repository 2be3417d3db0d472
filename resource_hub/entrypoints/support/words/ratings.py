"""Words for what is rated."""

from resource_hub.entrypoints.support.text import N_, NP_

WORDS = {
    "booking.aspect.equipment": N_("State of the equipment"),
    "booking.aspect.support": NP_("rating", "Support by the staff"),
    "booking.aspect.punctuality": N_("Punctuality"),
    "booking.aspect.results": N_("Quality of the results"),
    "booking.aspect.preparation": N_("Preparation of the samples"),
    "booking.aspect.care": N_("Care of the equipment"),
    "booking.aspect.communication": N_("Communication"),
}
