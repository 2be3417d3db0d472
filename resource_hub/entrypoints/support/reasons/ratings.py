"""Sentences of ratings, and what people are told of them."""

from resource_hub.entrypoints.support.text import N_

SENTENCES = {
    "booking.rating_stars": N_("A rating is a figure from %(least)s to %(most)s."),
    "booking.rating_words": N_("At most %(most)s characters."),
    "booking.rating_text": N_("Say it in 1 to %(most)s characters."),
    "booking.rating_too_early": N_("Only what was used is rated."),
    "booking.rating_closed": N_("Ratings could be given until %(until)s."),
    "booking.rating_shown": N_("Both ratings can be read; nothing is changed any more."),
    "booking.rating_none": N_("There is no rating to be read here."),
    "booking.rating_answered": N_("It was answered already."),
    "booking.rating_reported": N_("It was reported before."),
    "notice.booking.rate_asked": N_("How was it? Rate %(resource)s, %(number)s, until %(until)s."),
    "notice.booking.rate_asked_at_host": N_(
        "How was %(customer)s? Rate the use of %(resource)s, %(number)s, until %(until)s."
    ),
    "label.booking.rate_asked": N_("After a use: rate the host"),
    "label.booking.rate_asked_at_host": N_("After a use of our resources: rate the customer"),
    "notice.booking.rating_given": N_(
        "%(resource)s, %(number)s: the other side has rated. Rate too, and both can be read."
    ),
    "notice.booking.ratings_shown": N_("%(resource)s, %(number)s: the ratings can be read now."),
    "notice.booking.rating_answered": N_("%(resource)s, %(number)s: the host answered your rating."),
    "notice.booking.rating_reported": N_("A rating was reported: %(resource)s, %(number)s."),
    "notice.booking.rating_hidden": N_(
        "%(resource)s, %(number)s: the platform hid a rating. Reason: %(reason)s"
    ),
    "notice.booking.rating_kept": N_(
        "%(resource)s, %(number)s: the platform left a reported rating as it is. Reason: %(reason)s"
    ),
    "label.booking.rating_given": N_("The other side of an order has rated"),
    "label.booking.ratings_shown": N_("Ratings of an order can be read"),
    "label.booking.rating_answered": N_("A host answered my rating"),
    "label.booking.rating_reported": N_("A rating was reported to the platform"),
    "label.booking.rating_hidden": N_("The platform hid a rating"),
    "label.booking.rating_kept": N_("The platform left a reported rating as it is"),
}
