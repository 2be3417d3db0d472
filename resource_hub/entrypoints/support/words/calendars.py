"""Words of calendars that are read."""

from resource_hub.entrypoints.support.text import N_, NP_

WORDS = {
    "availability.calendar.read": NP_("calendar", "read"),
    "availability.calendar.partly": N_("read in part"),
    "availability.calendar.failing": N_("not readable"),
    "availability.calendar.waiting": N_("waits to be read"),
}
