"""Words for stored values of quotes given by hand."""

from resource_hub.entrypoints.support.text import N_, NP_

WORDS = {
    "booking.inquiry.asked": N_("waiting for a price"),
    "booking.inquiry.given": NP_("inquiry", "waiting for the customer"),
    "booking.inquiry.accepted": NP_("quote", "accepted"),
    "booking.inquiry.declined": NP_("quote", "declined"),
    "booking.inquiry.refused": NP_("quote", "refused by the host"),
    "booking.inquiry.withdrawn": NP_("inquiry", "taken back"),
    "booking.inquiry.expired": NP_("quote", "expired"),
    "booking.given.given": NP_("quote", "open"),
    "booking.given.accepted": NP_("quote", "accepted"),
    "booking.given.declined": NP_("quote", "declined"),
    "booking.given.withdrawn": NP_("quote", "withdrawn"),
    "booking.given.replaced": NP_("quote", "replaced"),
    "booking.given.expired": NP_("quote", "expired"),
}
