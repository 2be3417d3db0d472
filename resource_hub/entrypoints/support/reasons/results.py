"""Sentences and remedies of results, and what people are told of them."""

from resource_hub.entrypoints.support.text import N_, NN_

SENTENCES = {
    "booking.result_past": N_("The last day is today (%(today)s) at the earliest."),
    "booking.result_too_long": N_("A result is kept for at most %(days)s days."),
    "booking.result_files": N_("1 to %(most)s files are delivered at a time."),
    "booking.result_too_early": N_("There is nothing to deliver yet: the order is %(state)s."),
    "booking.result_over": N_("The file is no longer to be had; its last day was %(until)s."),
    "booking.result_is_delivered": N_("A result is delivered with a last day."),
    "notice.booking.results_delivered": NN_(
        "%(resource)s, %(number)s: %(files)s result file was delivered, to be had until the end of %(until)s.",
        "%(resource)s, %(number)s: %(files)s result files were delivered, to be had until the end of %(until)s.",
        "files",
    ),
    "notice.booking.result_expiring": N_(
        "%(resource)s, %(number)s: the result “%(file)s” is deleted after %(until)s. Fetch it before."
    ),
    "notice.booking.result_ended": N_(
        "%(resource)s, %(number)s: the host took the result “%(file)s” back: %(reason)s"
    ),
    "label.booking.results_delivered": N_("Results were delivered"),
    "label.booking.result_expiring": N_("A result is deleted soon"),
    "label.booking.result_ended": N_("A host took a result back"),
}

REMEDIES = {
    "booking.result_over": N_("Ask the host to deliver it again."),
}
