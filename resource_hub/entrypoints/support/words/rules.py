"""Words for stored values of the rules of the house."""

from resource_hub.entrypoints.support.text import N_, NP_

WORDS = {
    "booking.quota_per_outside.person": NP_("quota", "person from outside"),
    "booking.quota_per_outside.customer": NP_("quota", "customer from outside"),
    "booking.quota_per_inside.person": NP_("quota", "person of the institution"),
    "booking.quota_per_inside.customer": NP_("quota", "group of the institution"),
    "booking.quota_whom.all": N_("everybody"),
    "booking.quota_whom.outside": N_("customers from outside"),
    "booking.quota_whom.inside": N_("people of the institution"),
    "booking.quota_period.concurrent": NP_("quota", "at a time"),
    "booking.quota_period.booking": NP_("quota", "in one booking"),
    "booking.debt.here": N_("Overdue statements of this institution"),
    "booking.debt.anywhere": N_("Overdue statements of any institution here"),
    "booking.debt.never": N_("Debts keep nobody from booking"),
    "availability.days.all": NP_("days", "every day"),
    "availability.days.workdays": NP_("days", "Monday to Friday"),
    "availability.days.weekend": NP_("days", "Saturday and Sunday"),
    "availability.days.0": N_("Monday"),
    "availability.days.1": N_("Tuesday"),
    "availability.days.2": N_("Wednesday"),
    "availability.days.3": N_("Thursday"),
    "availability.days.4": N_("Friday"),
    "availability.days.5": N_("Saturday"),
    "availability.days.6": N_("Sunday"),
}
