"""Sentences and remedies of series and the waiting list, and what people are told of them."""

from resource_hub.entrypoints.support.text import N_, NN_

SENTENCES = {
    "booking.series_clash": NN_(
        "%(clashes)s day cannot be had as it stands.",
        "%(clashes)s days cannot be had as they stand.",
        "clashes",
    ),
    "booking.series_interval": N_("It repeats every 1 to %(most)s days, weeks or months."),
    "booking.series_end_missing": N_("Say after how many times or on which day it ends."),
    "booking.series_count": N_("A series has 2 to %(most)s days."),
    "booking.series_until_first": N_("The last day lies after the first."),
    "booking.series_weekdays": N_("A weekday cannot be read."),
    "booking.series_one_day": N_("With this end it would be one day only."),
    "booking.series_nothing_left": N_("No day is left."),
    "booking.series_own": N_("You have this time already."),
    "booking.series_no_such_time": N_("The clock is put forward over this time on %(day)s."),
    "booking.series_day_not_left_out": N_(
        "%(day)s was not left out: the day is booked, or somebody else’s by now."
    ),
    "booking.series_all_gone": N_("All days of this series are somebody else’s by now."),
    "booking.series_day_over": N_("This day has begun, is over or was cancelled."),
    "booking.series_same_time": N_("This is the time that it has."),
    "booking.series_nothing_ahead": N_("Nothing is ahead that could be cancelled."),
    "booking.series_nothing_waits": N_("Nothing waits for an answer."),
    "booking.series_none_chosen": N_("No day is chosen."),
    "booking.series_unanswered": NN_(
        "%(days)s day could not be answered.", "%(days)s days could not be answered.", "days"
    ),
    "booking.helper_in_the_way": N_("%(helper)s, which is booked together with it, is in the way:"),
    "booking.follows_its_order": N_("This was booked together with an instrument and follows its order."),
    "catalogue.links_most": N_("At most %(most)s resources can come along."),
    "catalogue.link_unfit": N_("Only what is booked by time and belongs to the same host can come along."),
    "catalogue.link_chain": N_("What comes along with something cannot have helpers of its own."),
    "booking.override_not_yours": N_(
        "Only who decides at the host sets rules aside, and only for a customer."
    ),
    "accounts.no_such_firm": N_("No registered firm has this credit code."),
    "notice.accounts.walk_in_asked": N_(
        "%(host)s asks whether “%(walk_in)s”, for whom it booked, is one of yours."
    ),
    "notice.accounts.walk_in_joined": N_("%(firm)s took over the bookings of “%(walk_in)s”."),
    "notice.accounts.walk_in_refused": N_("%(firm)s says that “%(walk_in)s” is none of its own."),
    "label.accounts.walk_in_asked": N_("A host asks whether a walk-in is ours"),
    "label.accounts.walk_in_joined": N_("A firm took over a walk-in"),
    "label.accounts.walk_in_refused": N_("A firm does not know a walk-in"),
    "booking.hand_over_changed": N_("The booking was changed after it was offered."),
    "notice.booking.booked_for_you": N_(
        "%(resource)s: the host booked for you (%(number)s). You may change or cancel it."
    ),
    "label.booking.booked_for_you": N_("A host booked for me"),
    "booking.hand_over_to_be_taken": N_("Another organisation has to take it: offer it."),
    "booking.hand_over_same": N_("Within one organisation a booking is handed over without an offer."),
    "booking.hand_over_open": N_("It is offered already."),
    "booking.hand_over_over": N_("This offer is over."),
    "notice.booking.hand_over_offered": N_(
        "%(resource)s: %(customer)s offers you its booking from %(start)s to %(end)s. Answer by %(until)s."
    ),
    "notice.booking.hand_over_withdrawn": N_("%(resource)s: %(customer)s took its offer of a booking back."),
    "notice.booking.hand_over_accepted": N_("%(resource)s: %(taker)s took over your booking %(number)s."),
    "notice.booking.hand_over_accepted_at_host": N_(
        "%(resource)s: %(taker)s took over the booking %(number)s of %(customer)s."
    ),
    "notice.booking.hand_over_declined": N_(
        "%(resource)s: %(taker)s does not take over your booking %(number)s. Reason: %(reason)s."
    ),
    "notice.booking.hand_over_expired": N_(
        "%(resource)s: %(taker)s did not answer in time; the booking %(number)s stays yours."
    ),
    "notice.booking.hand_over_expired_for_taker": N_("%(resource)s: the offer of %(customer)s is over."),
    "label.booking.hand_over_offered": N_("A booking is offered to me"),
    "label.booking.hand_over_withdrawn": N_("An offer of a booking was taken back"),
    "label.booking.hand_over_accepted": N_("Another organisation took my booking over"),
    "label.booking.hand_over_accepted_at_host": N_(
        "A booking that I look after went to another organisation"
    ),
    "label.booking.hand_over_declined": N_("Another organisation does not take my booking"),
    "label.booking.hand_over_expired": N_("My offer of a booking was not answered"),
    "label.booking.hand_over_expired_for_taker": N_("An offer of a booking to me is over"),
    "booking.not_ahead": N_("It has begun, is over, or has no time."),
    "booking.split_outside": N_("Choose a moment inside the booked time."),
    "booking.split_helper_gone": N_(
        "%(helper)s comes along with this booking and cannot be booked with the instrument any more; the second half would be without it."
    ),
    "notice.booking.handed_over": N_(
        "%(resource)s: the booking %(number)s was handed over to you or your colleague."
    ),
    "label.booking.handed_over": N_("A booking was handed over"),
    "notice.booking.handed_away": N_(
        "%(resource)s: the booking %(number)s was handed over and is no longer yours."
    ),
    "label.booking.handed_away": N_("My booking was handed over to somebody else"),
    "booking.waiting_too_narrow": N_("So much time does not fit between these two moments."),
    "booking.waiting_too_wide": N_("At most %(days)s days at once."),
    "booking.waiting_most": NN_(
        "One person can wait for %(most)s time of a resource at once.",
        "One person can wait for %(most)s times of a resource at once.",
        "most",
    ),
    "booking.waiting_over": N_("You do not wait for this any more."),
    "booking.offer_over": N_("This is not kept for you any more."),
    "notice.booking.offered": N_(
        "%(resource)s: %(start)s to %(end)s became free and is kept for you until %(until)s."
    ),
    "notice.booking.offer_missed": N_(
        "%(resource)s: the time that was kept for you went to the next in line. Stand in line again if you still need it."
    ),
    "notice.booking.first_in_line": N_(
        "%(resource)s: should %(start)s to %(end)s be free again, you are first in line; you wait for it already."
    ),
    "notice.booking.offer_withdrawn": N_(
        "%(resource)s: %(start)s to %(end)s is not kept for you any more, as the laboratory needs the time. You stand in line again at your old place."
    ),
    "notice.booking.freed": N_("%(resource)s: %(start)s to %(end)s became free. Nothing is kept for you."),
    "notice.booking.freed_before": N_(
        "%(resource)s: the time before your booking %(number)s became free, from %(start)s on."
    ),
    "notice.booking.fee_waived": N_(
        "%(resource)s: somebody took the time of your cancelled booking %(number)s; the fee of %(fee)s is not owed."
    ),
    "notice.booking.part_waived": N_(
        "%(resource)s: somebody took the time that you gave back of booking %(number)s, %(start)s to %(end)s; the fee of %(fee)s is not owed."
    ),
    "label.booking.offered": N_("Time is kept for me from the waiting list"),
    "label.booking.offer_missed": N_("Time that was kept for me went to the next"),
    "label.booking.first_in_line": N_("I am first in line for time that closed"),
    "label.booking.offer_withdrawn": N_("The laboratory took back time that was kept for me"),
    "label.booking.freed": N_("Time became free that I asked to be told of"),
    "label.booking.freed_before": N_("The time before my booking became free"),
    "label.booking.fee_waived": N_("A cancellation fee is not owed"),
    "label.booking.part_waived": N_("A fee for time that I gave back late is not owed"),
    "notice.booking.series_booked": NN_(
        "%(resource)s: %(bookings)s day of your series is booked.",
        "%(resource)s: %(bookings)s days of your series are booked.",
        "bookings",
    ),
    "notice.booking.series_booked_at_host": NN_(
        "%(customer)s booked a series of %(bookings)s day of %(resource)s.",
        "%(customer)s booked a series of %(bookings)s days of %(resource)s.",
        "bookings",
    ),
    "notice.booking.series_requested": NN_(
        "%(resource)s: %(bookings)s day of your series waits for an answer.",
        "%(resource)s: %(bookings)s days of your series wait for an answer.",
        "bookings",
    ),
    "notice.booking.series_requested_at_host": NN_(
        "%(customer)s asks for %(bookings)s day of a series of %(resource)s.",
        "%(customer)s asks for %(bookings)s days of a series of %(resource)s.",
        "bookings",
    ),
    "notice.booking.series_handed_over": NN_(
        "%(resource)s: %(bookings)s day of a series was handed over to you or your colleague.",
        "%(resource)s: %(bookings)s days of a series were handed over to you or your colleague.",
        "bookings",
    ),
    "notice.booking.series_handed_away": NN_(
        "%(resource)s: %(bookings)s day of your series was handed over and is no longer yours.",
        "%(resource)s: %(bookings)s days of your series were handed over and are no longer yours.",
        "bookings",
    ),
    "notice.booking.series_expired": NN_(
        "%(resource)s: nobody answered in time; %(bookings)s day of your series has lapsed.",
        "%(resource)s: nobody answered in time; %(bookings)s days of your series have lapsed.",
        "bookings",
    ),
    "notice.booking.series_expired_at_host": NN_(
        "%(bookings)s day of a series of %(customer)s for %(resource)s lapsed without an answer.",
        "%(bookings)s days of a series of %(customer)s for %(resource)s lapsed without an answer.",
        "bookings",
    ),
    "notice.booking.series_changed": NN_(
        "%(resource)s: %(bookings)s day of the series was moved.",
        "%(resource)s: %(bookings)s days of the series were moved.",
        "bookings",
    ),
    "notice.booking.series_changed_at_host": NN_(
        "%(customer)s moved %(bookings)s day of a series of %(resource)s.",
        "%(customer)s moved %(bookings)s days of a series of %(resource)s.",
        "bookings",
    ),
    "notice.booking.series_changed_by_host": NN_(
        "%(by)s moved %(bookings)s day of a series of %(customer)s, %(resource)s.",
        "%(by)s moved %(bookings)s days of a series of %(customer)s, %(resource)s.",
        "bookings",
    ),
    "notice.booking.series_cancelled": NN_(
        "%(resource)s: %(bookings)s day of the series was cancelled. Reason: %(reason)s.",
        "%(resource)s: %(bookings)s days of the series were cancelled. Reason: %(reason)s.",
        "bookings",
    ),
    "notice.booking.series_cancelled_at_host": NN_(
        "%(customer)s cancelled %(bookings)s day of a series of %(resource)s.",
        "%(customer)s cancelled %(bookings)s days of a series of %(resource)s.",
        "bookings",
    ),
    "notice.booking.series_cancelled_by_host": NN_(
        "%(by)s cancelled %(bookings)s day of a series of %(customer)s, %(resource)s. Reason: %(reason)s.",
        "%(by)s cancelled %(bookings)s days of a series of %(customer)s, %(resource)s. Reason: %(reason)s.",
        "bookings",
    ),
    "notice.booking.series_approved": NN_(
        "%(resource)s: %(bookings)s day of your series is confirmed.",
        "%(resource)s: %(bookings)s days of your series are confirmed.",
        "bookings",
    ),
    "notice.booking.series_approved_at_host": NN_(
        "%(resource)s: %(bookings)s day of the series of %(customer)s is confirmed.",
        "%(resource)s: %(bookings)s days of the series of %(customer)s are confirmed.",
        "bookings",
    ),
    "notice.booking.series_rejected": NN_(
        "%(resource)s: %(bookings)s day of your series was refused: %(reason)s",
        "%(resource)s: %(bookings)s days of your series were refused: %(reason)s",
        "bookings",
    ),
    "label.booking.series_booked": N_("My series was booked"),
    "label.booking.series_booked_at_host": N_("Somebody booked a series of an instrument that I look after"),
    "label.booking.series_requested": N_("My series waits for an answer"),
    "label.booking.series_requested_at_host": N_(
        "Somebody asks for a series of an instrument that I look after"
    ),
    "label.booking.series_handed_over": N_("A series was handed over"),
    "label.booking.series_handed_away": N_("My series was handed over to somebody else"),
    "label.booking.series_expired": N_("My series has lapsed without an answer"),
    "label.booking.series_expired_at_host": N_(
        "A series of an instrument that I look after has lapsed without an answer"
    ),
    "label.booking.series_changed": N_("My series was moved"),
    "label.booking.series_changed_at_host": N_("A series of an instrument that I look after was moved"),
    "label.booking.series_changed_by_host": N_(
        "A colleague moved a series of an instrument that I look after"
    ),
    "label.booking.series_cancelled": N_("Days of my series were cancelled"),
    "label.booking.series_cancelled_at_host": N_(
        "Days of a series of an instrument that I look after were cancelled"
    ),
    "label.booking.series_cancelled_by_host": N_(
        "A colleague cancelled days of a series of an instrument that I look after"
    ),
    "label.booking.series_approved": N_("My series is confirmed"),
    "label.booking.series_approved_at_host": N_("A series of an instrument that I look after is confirmed"),
    "label.booking.series_rejected": N_("My series was refused"),
}

REMEDIES = {
    "booking.split_helper_gone": N_("Keep the booking whole, or ask the host to let it come along again."),
    "booking.hand_over_changed": N_("Ask for a new offer, or offer it again."),
    "booking.hand_over_to_be_taken": N_(
        "Offer it on the page “Split or hand over”; the other organisation answers."
    ),
    "booking.hand_over_same": N_("Choose the person under “Hand over”."),
    "booking.hand_over_open": N_("Wait for the answer, or take the offer back first."),
    "booking.hand_over_over": N_("Ask for a new offer, or offer it again."),
    "booking.override_not_yours": N_("Ask the manager to book, or keep the rules."),
    "accounts.no_such_firm": N_("Ask the firm to register first, or check the code."),
    "booking.helper_in_the_way": N_("Choose a time at which all of them are free."),
    "booking.follows_its_order": N_("Change the order of the instrument."),
    "booking.waiting_too_narrow": N_("Choose a wider stretch or a shorter time."),
    "booking.waiting_too_wide": N_("Choose an earlier end."),
    "booking.waiting_most": N_("Give up one of these places, or wait for a wider stretch of time."),
    "booking.offer_over": N_("Stand in line again."),
    "booking.series_none_chosen": N_("Tick the days that you answer."),
    "booking.series_unanswered": N_("Look at each day again: its reason stands beside it."),
    "booking.series_clash": N_("Leave these days out or give them another time."),
    "booking.series_count": N_("Choose an earlier end; the next series can follow it."),
    "booking.series_no_such_time": N_("Leave this day out or give it another time."),
    "booking.series_day_not_left_out": N_("Look at the series as it is now."),
    "booking.series_all_gone": N_("Book the day by itself."),
    "booking.series_own": N_("Leave this day out."),
    "booking.series_day_over": N_("Choose a day that is still ahead."),
}
