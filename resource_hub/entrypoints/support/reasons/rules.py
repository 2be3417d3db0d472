"""Sentences of the rules of the house that go beyond one booking: named hours, quotas in them, coming and staying."""

from resource_hub.entrypoints.support.text import N_, NN_, NP_

SENTENCES = {
    # ---- what is wrong with a document
    "availability.rules_whole_days": N_("Booking by the day knows whole days only."),
    "availability.rules_no_such_hours": N_("There are no hours called “%(code)s”."),
    "availability.rules_quota_counts_bookings": N_(
        "What runs at one moment is counted in bookings, not in hours."
    ),
    "availability.rules_quota_one_booking": N_(
        "One booking is of one instrument: it has no others to count."
    ),
    "availability.rules_quota_counts_hours": N_(
        "What one booking may take is counted in hours, not in bookings."
    ),
    "availability.rules_hours_length": N_("Named hours end after they begin, and within a day."),
    # ---- why an order is refused
    "booking.lead_days": NN_(
        "Book at least %(days)s working day ahead: from %(earliest)s on.",
        "Book at least %(days)s working days ahead: from %(earliest)s on.",
        "days",
    ),
    "booking.too_few_days": NN_(
        "At least %(least)s day; asked for: %(asked)s.",
        "At least %(least)s days; asked for: %(asked)s.",
        "least",
    ),
    "booking.too_many_days": NN_(
        "At most %(most)s day; asked for: %(asked)s.",
        "At most %(most)s days; asked for: %(asked)s.",
        "most",
    ),
    "availability.closed_more": NN_(
        "There is one more reason of this kind in the time that you chose.",
        "There are %(count)s more reasons of this kind in the time that you chose.",
        "count",
    ),
    "booking.quota_more": NN_(
        "The same holds for one more day, week or month.",
        "The same holds for %(count)s more days, weeks or months.",
        "count",
    ),
    "booking.whole_days": N_("This is booked by whole days, from midnight to midnight."),
    "booking.hours_before_free": N_(
        "%(name)s can be booked once %(before)s before it is taken; from %(start)s to %(end)s nobody has booked."
    ),
    "booking.own_account": N_("Everybody books for themselves here."),
    "booking.no_extend": N_("A booking here cannot be made longer."),
    "booking.quota_bookings_concurrent": NN_(
        "At most %(limit)s booking at a time per %(per)s.",
        "At most %(limit)s bookings at a time per %(per)s.",
        "limit",
    ),
    "booking.quota_minutes_booking": N_(
        "At most %(limit_seconds)s in one booking; asked for: %(asked_seconds)s."
    ),
    "booking.quota_minutes_booking_inside": N_(
        "At most %(limit_seconds)s in %(hours)s in one booking; asked for: %(asked_seconds)s."
    ),
    "booking.quota_minutes_day_inside": N_(
        "Quota in %(hours)s per %(per)s and day: %(limit_seconds)s. Booked %(used_seconds)s, asked %(asked_seconds)s (%(since)s)."
    ),
    "booking.quota_minutes_week_inside": N_(
        "Quota in %(hours)s per %(per)s and week: %(limit_seconds)s. Booked %(used_seconds)s, asked %(asked_seconds)s (week of %(since)s)."
    ),
    "booking.quota_minutes_month_inside": N_(
        "Quota in %(hours)s per %(per)s and month: %(limit_seconds)s. Booked %(used_seconds)s, asked %(asked_seconds)s (from %(since)s)."
    ),
    "booking.quota_minutes_future_inside": N_(
        "At most %(limit_seconds)s in %(hours)s booked ahead per %(per)s. Booked %(used_seconds)s, asked %(asked_seconds)s."
    ),
    "booking.quota_bookings_day_inside": NN_(
        "At most %(limit)s booking in %(hours)s per %(per)s and day (%(since)s).",
        "At most %(limit)s bookings in %(hours)s per %(per)s and day (%(since)s).",
        "limit",
    ),
    "booking.quota_bookings_week_inside": NN_(
        "At most %(limit)s booking in %(hours)s per %(per)s and week (week of %(since)s).",
        "At most %(limit)s bookings in %(hours)s per %(per)s and week (week of %(since)s).",
        "limit",
    ),
    "booking.quota_bookings_month_inside": NN_(
        "At most %(limit)s booking in %(hours)s per %(per)s and month (from %(since)s).",
        "At most %(limit)s bookings in %(hours)s per %(per)s and month (from %(since)s).",
        "limit",
    ),
    "booking.quota_bookings_future_inside": NN_(
        "At most %(limit)s booking in %(hours)s ahead per %(per)s.",
        "At most %(limit)s bookings in %(hours)s ahead per %(per)s.",
        "limit",
    ),
    "booking.quota_bookings_concurrent_inside": NN_(
        "At most %(limit)s booking at a time in %(hours)s per %(per)s.",
        "At most %(limit)s bookings at a time in %(hours)s per %(per)s.",
        "limit",
    ),
    "booking.barred": NN_(
        "Barred from booking until %(until)s: %(strikes)s strike counts.",
        "Barred from booking until %(until)s: %(strikes)s strikes count.",
        "strikes",
    ),
    "booking.horizon_inside": N_("In %(hours)s one may book %(days)s days ahead, until %(last)s."),
    "availability.rules_no_such_group": N_("There is no such group at your institution."),
    "house.ahead": N_("Up to %(days)s days ahead: %(whom)s."),
    "house.ahead_inside": N_("In %(hours)s up to %(days)s days ahead: %(whom)s."),
    "house.horizon_else": N_("Else one may book %(days)s days ahead."),
    "booking.barred_for_good": NN_(
        "Barred from booking until the laboratory lifts it: %(strikes)s strike counts.",
        "Barred from booking until the laboratory lifts it: %(strikes)s strikes count.",
        "strikes",
    ),
    "booking.not_barred": N_("Nobody is barred here any more; somebody may have lifted it already."),
    "notice.booking.bar_lifted": N_("%(resource)s: your bar was lifted, you may book again. %(reason)s"),
    "label.booking.bar_lifted": N_("A bar of mine was lifted"),
    # ---- answers by several
    "availability.rules_step_twice": N_("Each of them answers once at most."),
    "booking.answer_not_yours": N_("This answer is wanted of: %(who)s."),
    "booking.answer_second_person": N_("You have answered already; another person gives the next answer."),
    "notice.booking.answer_wanted": N_(
        "%(customer)s asks for %(resource)s (%(number)s): your answer is wanted by %(until)s."
    ),
    "notice.booking.series_answer_wanted": NN_(
        "%(customer)s asks for %(bookings)s day of a series of %(resource)s: your answer is wanted by %(until)s.",
        "%(customer)s asks for %(bookings)s days of a series of %(resource)s: your answer is wanted by %(until)s.",
        "bookings",
    ),
    "notice.booking.answer_reminder": N_("%(resource)s (%(number)s, %(customer)s): answer by %(until)s."),
    "notice.booking.answer_escalated": N_(
        "%(resource)s (%(number)s, %(customer)s): nobody answered by %(until)s; you may answer now."
    ),
    "notice.booking.series_answer_reminder": NN_(
        "%(resource)s (%(customer)s): %(bookings)s day of a series waits for your answer; answer by %(until)s.",
        "%(resource)s (%(customer)s): %(bookings)s days of a series wait for your answer; answer by %(until)s.",
        "bookings",
    ),
    "notice.booking.series_answer_escalated": NN_(
        "%(resource)s (%(customer)s): nobody answered for %(bookings)s day of a series by %(until)s; you may answer now.",
        "%(resource)s (%(customer)s): nobody answered for %(bookings)s days of a series by %(until)s; you may answer now.",
        "bookings",
    ),
    "label.booking.answer_wanted": N_("My answer to a request is wanted"),
    "label.booking.series_answer_wanted": N_("My answer to days of a series is wanted"),
    "label.booking.series_answer_reminder": N_("Days of a series that wait for my answer are due soon"),
    "label.booking.series_answer_escalated": N_(
        "Days of a series were not answered in time and I may answer them"
    ),
    "label.booking.answer_reminder": N_("A request that waits for my answer is due soon"),
    "label.booking.answer_escalated": N_("A request was not answered in time and I may answer it"),
    # ---- strikes
    "booking.no_such_strike": N_("There is no such strike, or it is not for you."),
    "booking.no_such_number": N_("There is no booking with this number at your institution."),
    "booking.strike_given_before": N_("A strike for misuse was given for this booking already."),
    "booking.strike_text": N_("Write why, at most %(most)s characters."),
    "booking.strike_no_appeal": N_("An appeal is possible once, while the strike counts."),
    "booking.strike_second_person": N_("Who gave a strike, or has it, does not decide on it."),
    "booking.strike_decided": N_("It has been decided already, or nobody has appealed."),
    "notice.booking.strike_given": N_(
        "%(resource)s: a strike was noted for %(kind)s. It counts until %(expires)s; you may appeal."
    ),
    "notice.booking.strike_appealed": N_("%(person)s appeals against a strike (%(resource)s, %(kind)s)."),
    "notice.booking.strike_upheld": N_("%(resource)s: your strike stays. %(decision)s"),
    "notice.booking.strike_lifted": N_("%(resource)s: your strike was lifted. %(decision)s"),
    "label.booking.strike_given": N_("A strike was noted for me"),
    "label.booking.strike_appealed": N_("Somebody appeals against a strike"),
    "label.booking.strike_upheld": N_("My appeal was turned down"),
    "label.booking.strike_lifted": N_("A strike of mine was lifted"),
    # ---- trainings
    "usage.untrained": N_("Self-use needs a training that holds today; yours is missing or has expired."),
    "availability.rules_no_such_training": N_("There is no training with this code at your institution."),
    "accounts.unknown_training": N_("There is no such training."),
    "accounts.training_code": N_("A code of Latin letters, digits and hyphens, such as sem-basic."),
    "accounts.training_months": N_("Between 0 and %(most)s months; 0 means for good."),
    "accounts.training_exists": N_("There is a training with the code %(code)s already."),
    "accounts.training_nobody": N_("Nobody is registered with this address."),
    "accounts.training_own": N_("Nobody confirms their own training."),
    "accounts.training_future": N_("A training that has not been yet cannot be confirmed."),
    "accounts.training_until": N_("It would end before it begins."),
    "accounts.training_reason": N_("Give a reason of at most %(most)s characters; the person reads it."),
    "accounts.training_changed": N_(
        "Somebody else changed this training meanwhile, or it was revoked already."
    ),
    "notice.accounts.training_granted": N_(
        "%(organisation)s: your training “%(training)s” holds until %(until)s."
    ),
    "notice.accounts.training_granted_for_good": N_("%(organisation)s: your training “%(training)s” holds."),
    "notice.accounts.training_revoked": N_(
        "%(organisation)s: your training “%(training)s” was revoked. %(reason)s"
    ),
    "notice.accounts.training_expiring": N_(
        "%(organisation)s: your training “%(training)s” holds until %(until)s only; ask for a new one in time."
    ),
    "label.accounts.training_granted": N_("A training of mine was confirmed"),
    "label.accounts.training_granted_for_good": N_("A training of mine was confirmed for good"),
    "label.accounts.training_revoked": N_("A training of mine was revoked"),
    "label.accounts.training_expiring": N_("A training of mine expires soon"),
    # ---- the house rules read back
    "house.approval_outside_steps": N_("Bookings from outside wait for answers, one after another:"),
    "house.approval_always_steps": N_("Every booking waits for answers, one after another:"),
    "house.step": N_("%(who)s, within %(hours)s hours."),
    "house.step_above": N_("%(who)s, within %(hours)s hours, where more than %(above)s is to pay."),
    "house.answer_working": N_("Hours to answer run from 9:00 to 17:00 on working days."),
    "house.remind": N_("Who is to answer is reminded %(hours)s hours before the term."),
    "house.offer": N_(
        "Freed time is kept for the first in line for %(offer_seconds)s, near its start for half of what is left."
    ),
    "house.first_in_line": N_(
        "Whose booking the laboratory cancels because time closes, as after a failure, is first in line for the same hours"
        " once they are free again."
    ),
    "house.hand_over": NN_(
        "Another organisation has %(hours)s hour to take a booking over; until then it stays with who booked.",
        "Another organisation has %(hours)s hours to take a booking over; until then it stays with who booked.",
        "hours",
    ),
    "house.escalate": N_("Who is silent is joined by those above, who have %(hours)s more hours."),
    "house.strike_for": N_("A strike is noted for: %(what)s. It counts for %(days)s days."),
    "house.strike_late_cancel": N_(
        "Who cancels, or gives time back by moving or shortening, less than %(notice_seconds)s before the start gets a"
        " strike; it counts for %(days)s days."
    ),
    "house.strike_over_booked": N_(
        "Who works alone and has booked more than %(percent)s per cent beyond the use gets a strike; it counts for"
        " %(days)s days."
    ),
    "house.strike_off": N_(
        "Who works alone and uses more than %(off_seconds)s less or more than was booked gets a strike; it counts for"
        " %(days)s days."
    ),
    "house.strike_everywhere": N_("Strikes on all instruments of the institution count here."),
    "house.by_day": NN_(
        "Booked by the day, from midnight to midnight; at least %(least)s day.",
        "Booked by the day, from midnight to midnight; at least %(least)s days.",
        "least",
    ),
    "house.most_days": NN_(
        "A booking lasts at most %(most)s day.", "A booking lasts at most %(most)s days.", "most"
    ),
    "house.lead_days": NN_(
        "Book at least %(days)s working day ahead.", "Book at least %(days)s working days ahead.", "days"
    ),
    "house.times": N_("%(name)s is %(days)s, %(hours)s."),
    "house.times_after": N_("%(name)s can be booked only once %(before)s before it is taken."),
    "house.quota_minutes_booking": N_("One booking of a %(per)s takes at most %(limit_seconds)s."),
    "house.quota_bookings_concurrent": NN_(
        "Each %(per)s may have %(limit)s booking at a time.",
        "Each %(per)s may have %(limit)s bookings at a time.",
        "limit",
    ),
    "house.quota_minutes_day_inside": N_("In %(hours)s each %(per)s may book %(limit_seconds)s a day."),
    "house.quota_minutes_week_inside": N_("In %(hours)s each %(per)s may book %(limit_seconds)s a week."),
    "house.quota_minutes_month_inside": N_("In %(hours)s each %(per)s may book %(limit_seconds)s a month."),
    "house.quota_minutes_future_inside": N_(
        "In %(hours)s each %(per)s may have %(limit_seconds)s booked ahead."
    ),
    "house.quota_minutes_booking_inside": N_(
        "In %(hours)s one booking of a %(per)s takes at most %(limit_seconds)s."
    ),
    "house.quota_bookings_day_inside": NN_(
        "In %(hours)s each %(per)s may make %(limit)s booking a day.",
        "In %(hours)s each %(per)s may make %(limit)s bookings a day.",
        "limit",
    ),
    "house.quota_bookings_week_inside": NN_(
        "In %(hours)s each %(per)s may make %(limit)s booking a week.",
        "In %(hours)s each %(per)s may make %(limit)s bookings a week.",
        "limit",
    ),
    "house.quota_bookings_month_inside": NN_(
        "In %(hours)s each %(per)s may make %(limit)s booking a month.",
        "In %(hours)s each %(per)s may make %(limit)s bookings a month.",
        "limit",
    ),
    "house.quota_bookings_future_inside": NN_(
        "In %(hours)s each %(per)s may have %(limit)s booking ahead.",
        "In %(hours)s each %(per)s may have %(limit)s bookings ahead.",
        "limit",
    ),
    "house.quota_bookings_concurrent_inside": NN_(
        "In %(hours)s each %(per)s may have %(limit)s booking at a time.",
        "In %(hours)s each %(per)s may have %(limit)s bookings at a time.",
        "limit",
    ),
    "availability.rules_bar": N_("Say what follows in one step at least, and in %(most)s at most."),
    "availability.rules_bar_never": N_("No strike is noted for one of these, so it would never bar."),
    "availability.rules_bar_within": N_("A strike counts for %(days)s days only."),
    "house.bar": NN_(
        "%(count)s strike for %(what)s within %(within)s days bars from booking %(ladder)s.",
        "%(count)s strikes for %(what)s within %(within)s days bar from booking %(ladder)s.",
        "count",
    ),
    "house.bar_ladder": NN_(
        "%(count)s strike for %(what)s within %(within)s days bars from booking, each further one by the next step:"
        " %(ladder)s.",
        "%(count)s strikes for %(what)s within %(within)s days bar from booking, each further one by the next step:"
        " %(ladder)s.",
        "count",
    ),
    "house.points": N_("Points of a strike: %(costs)s; each other one is 1 point."),
    "house.bar_points": NN_(
        "%(count)s point for %(what)s within %(within)s days bars from booking %(ladder)s.",
        "%(count)s points for %(what)s within %(within)s days bar from booking %(ladder)s.",
        "count",
    ),
    "house.bar_points_ladder": NN_(
        "%(count)s point for %(what)s within %(within)s days bars from booking, each further strike by the next step:"
        " %(ladder)s.",
        "%(count)s points for %(what)s within %(within)s days bar from booking, each further strike by the next step:"
        " %(ladder)s.",
        "count",
    ),
    "house.bar_warning": NP_("bar", "only a warning"),
    "house.bar_days": NN_("for %(count)s day", "for %(count)s days", "count"),
    "house.bar_months": NN_("for %(count)s month", "for %(count)s months", "count"),
    "house.bar_lifted": NP_("bar", "until the laboratory lifts it"),
    "house.gap_reach": N_(
        "Between two bookings of one person at least %(gap_seconds)s must lie (%(reach)s)."
    ),
    "house.own_account": N_("Everybody books for themselves, not for others."),
    "house.debt_here": N_("Who owes this institution a statement that is long overdue cannot book."),
    "house.debt_anywhere": N_("Who owes anybody here a statement that is long overdue cannot book."),
    "house.samples_most": N_("At most %(most)s samples in one order."),
    "house.change_until_no_extend": N_(
        "Moving is possible until %(notice_seconds)s before the start; a booking cannot be made longer."
    ),
    "house.no_extend": N_("A booking cannot be made longer."),
    "house.check_in_early": N_("Checking in opens %(minutes)s minutes before the start."),
    "house.rotating_code": N_("Checking in takes the changing code on the screen at the instrument."),
    "house.late_grace": N_("Who comes up to %(minutes)s minutes after the start is not late."),
    "house.no_show_kept": N_(
        "Who does not come at all is a no-show; the slot stays theirs to its end, however late they come."
    ),
    "house.logout_grace": N_("Who forgets to check out is checked out %(minutes)s minutes after the end."),
}

REMEDIES = {
    "booking.answer_not_yours": N_("Wait for their answer, or ask them."),
    "booking.answer_second_person": N_("Ask a colleague."),
    "usage.untrained": N_(
        "Ask the laboratory for the training, or for somebody to run the instrument for you."
    ),
    "accounts.training_nobody": N_("Ask the person which address they registered with."),
    "accounts.training_own": N_("Ask a colleague."),
    "accounts.unknown_training": N_("Look at the list of trainings."),
    "accounts.training_changed": N_("Look at the training as it is now."),
    "accounts.training_exists": N_("Use that one, or choose another code."),
    "accounts.training_future": N_("Confirm it on the day of the training or later."),
    "accounts.training_until": N_("Choose a later day, or leave it empty."),
    "booking.barred": N_("Appeal under “Strikes and trainings” in your account, or ask the laboratory."),
    "booking.horizon_inside": N_("Choose an earlier time or other hours, or come back later."),
    "booking.barred_for_good": N_(
        "Ask the laboratory to lift it, or appeal under “Strikes and trainings” in your account."
    ),
    "booking.strike_second_person": N_("Ask a colleague who looks after the instrument."),
    "booking.no_such_number": N_("The number stands on the booking’s page, such as B26-7KQ2-M9XA."),
    "booking.lead_days": N_("Choose a later day, or ask the laboratory to book for you."),
    "booking.too_few_days": N_("Choose more days."),
    "booking.too_many_days": N_("Choose fewer days, or two bookings."),
    "booking.whole_days": N_("Choose a first and a last day."),
    "booking.hours_before_free": N_("Book those hours too, or choose another time."),
    "booking.own_account": N_("Let them sign in and book."),
    "booking.no_extend": N_("Book another time beside it."),
    "booking.quota_bookings_concurrent": N_("Choose another time, or put yourself on the waiting list."),
    "booking.quota_bookings_concurrent_inside": N_(
        "Choose another time, or put yourself on the waiting list."
    ),
    "availability.closed_more": N_("Choose a shorter time, or several bookings inside the opening hours."),
    "booking.quota_more": N_("Choose a shorter time."),
    "booking.quota_minutes_booking": N_("Choose a shorter time, or two bookings."),
    "booking.quota_minutes_booking_inside": N_("Choose a shorter time, or other hours."),
    "booking.quota_minutes_day_inside": N_("Choose another day, a shorter time or other hours."),
    "booking.quota_minutes_week_inside": N_("Choose another week, a shorter time or other hours."),
    "booking.quota_minutes_month_inside": N_("Choose another month, a shorter time or other hours."),
    "booking.quota_minutes_future_inside": N_(
        "Wait until one of your bookings is over, or choose other hours."
    ),
    "booking.quota_bookings_day_inside": N_("Choose another day or other hours."),
    "booking.quota_bookings_week_inside": N_("Choose another week or other hours."),
    "booking.quota_bookings_month_inside": N_("Choose another month or other hours."),
    "booking.quota_bookings_future_inside": N_(
        "Wait until one of your bookings is over, or choose other hours."
    ),
}
