"""Sentences and remedies of quotes given by hand, and what people are told of them."""

from resource_hub.entrypoints.support.text import N_

SENTENCES = {
    "booking.no_such_inquiry": N_("There is no such quote, or it is not for you."),
    "booking.inquiry_not_needed": N_("The price stands in the tariff; nothing has to be asked."),
    "booking.inquiry_length": N_("Say how many hours are wanted."),
    "booking.inquiry_samples": N_("Say how many samples there are."),
    "booking.inquiry_description": N_("Say what is needed."),
    "booking.inquiry_days": N_("The second day lies before the first."),
    "booking.inquiry_reason": N_("A reason of at most %(most)s characters is needed."),
    "booking.inquiry_state": N_("This is not possible: the inquiry is “%(state)s”."),
    "booking.given_newer": N_("The host has named another price since."),
    "booking.given_second_person": N_("Who asks for or accepts a price does not name it."),
    "booking.given_lines": N_("A quote has 1 to %(most)s lines."),
    "booking.given_line_text": N_("Say what the amount is for, in at most %(most)s characters."),
    "booking.given_currency": N_("Prices here are in %(currency)s."),
    "booking.given_amount": N_("An amount is more than zero."),
    "booking.given_too_much": N_("The sum is too large to be right."),
    "booking.given_past": N_("The last day is today (%(today)s) at the earliest."),
    "booking.given_too_long": N_("A quote is open for at most %(days)s days."),
    "booking.given_not_accepted": N_("The quote has not been accepted."),
    "booking.given_used": N_("Another order was made at this price."),
    "booking.given_order_over": N_("The last day to order at the price of %(number)s was %(until)s."),
    "booking.again_not_over": N_("The price of %(number)s is not over, or an order was made at it."),
    "booking.asked_again": N_("%(number)s was asked again; the new inquiry takes its place."),
    "booking.again_for_other": N_("What is asked again is for the same customer."),
    "booking.given_other_kind": N_("The quote was given for: %(kind)s."),
    "booking.given_other_mode": N_("The quote was given for another way of use: %(mode)s."),
    "booking.given_longer": N_("The quote was given for at most %(most_seconds)s."),
    "booking.given_more_samples": N_("The quote was given for at most %(most)s samples."),
    "booking.given_not_divided": N_("The price was named for the order as a whole and for this customer."),
    "pricing.line.agreed": N_("Quote %(quote)s, version %(version)s: %(text)s"),
    "pricing.line.agreed_no_show": N_(
        "Quote %(quote)s, version %(version)s: nobody came, and no fee was named for that"
    ),
    "pricing.line.agreed_before": N_("Quote %(quote)s, version %(version)s: charged with an earlier session"),
    "notice.booking.inquiry_asked": N_("%(customer)s asks for a quote: %(resource)s (%(number)s)."),
    "notice.booking.inquiry_given": N_(
        "%(resource)s: the host names %(total)s for %(number)s (version %(version)s), open until the end of %(until)s."
    ),
    "notice.booking.inquiry_taken_back": N_(
        "%(resource)s: the host withdrew the price for %(number)s. Reason: %(reason)s"
    ),
    "notice.booking.inquiry_refused": N_("%(resource)s: the host names no price for %(number)s: %(reason)s"),
    "notice.booking.inquiry_accepted": N_(
        "%(customer)s accepted the quote %(number)s of %(total)s: %(resource)s."
    ),
    "notice.booking.inquiry_declined": N_(
        "%(customer)s declined the quote %(number)s of %(total)s: %(resource)s. Reason: %(reason)s"
    ),
    "notice.booking.inquiry_withdrawn": N_("%(customer)s took the inquiry %(number)s back: %(resource)s."),
    "label.booking.inquiry_asked": N_("Somebody asks for a quote"),
    "label.booking.inquiry_given": N_("A host named the price that I asked for"),
    "label.booking.inquiry_taken_back": N_("A host withdrew a price"),
    "label.booking.inquiry_refused": N_("A host names no price"),
    "label.booking.inquiry_accepted": N_("A customer accepted a quote"),
    "label.booking.inquiry_declined": N_("A customer declined a quote"),
    "label.booking.inquiry_withdrawn": N_("A customer took an inquiry back"),
}

REMEDIES = {
    "booking.inquiry_not_needed": N_("Book at the price of the tariff."),
    "booking.given_newer": N_("Look at the newest version first."),
    "booking.given_longer": N_("Choose a shorter time, or ask for another quote."),
    "booking.given_more_samples": N_("Send fewer samples, or ask for another quote."),
    "booking.given_used": N_("Ask for another quote."),
    "booking.given_order_over": N_("Ask again on the page of the quote; what was asked for is filled in."),
    "booking.again_not_over": N_("Accept it or order at it, or take it back."),
    "booking.asked_again": N_("Go on with the new inquiry."),
    "booking.given_not_divided": N_("Cancel it and ask for another quote."),
}
