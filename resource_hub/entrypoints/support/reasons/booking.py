"""Sentences of availability and booking: why a time cannot be had, the house rules read back, what people are told."""

from resource_hub.entrypoints.support.text import N_, NN_

SENTENCES = {
    # ---- what a cell of the calendar says
    "availability.taken": N_("Taken."),
    "availability.mine": N_("Your booking."),
    "availability.held": N_("Kept for you while you book."),
    "availability.maintenance": N_("Maintenance."),
    "availability.unit_out_of_use": N_("Its unit goes out of use."),
    "availability.setup": N_("Set-up of the next booking."),
    "availability.teardown": N_("Tear-down of the booking before."),
    "availability.past": N_("This time has passed."),
    "availability.protected": N_("Protected hours: kept for customers from outside."),
    "availability.no_hours": N_("No opening hours are published yet."),
    "availability.closed_day": N_("Not open on this day."),
    "availability.closed_hours": N_("Outside opening hours; open %(hours)s on this day."),
    "availability.closed_holiday": N_("Closed for %(name)s."),
    "availability.closed_holiday_provisional": N_(
        "Closed for %(name)s; this year's holidays are provisional."
    ),
    "availability.closed_closure": N_("Closed: %(why)s."),
    "availability.closed_closure_plain": N_("Closed by the laboratory."),
    "availability.no_unit": N_("There is no unit that could be booked."),
    "availability.no_such_unit": N_("This unit does not belong to the instrument, or is out of use."),
    "availability.slot_taken": N_("The time from %(start)s to %(end)s is taken."),
    # ---- publishing
    "availability.not_yours": N_("This resource belongs to a department that you do not look after."),
    "availability.invalid_hours": N_("The opening hours cannot be kept like this."),
    "availability.rules_changed": N_("Somebody else wrote house rules after you read them."),
    "availability.hours_changed": N_("Somebody else changed the opening hours while you had them open."),
    "availability.hours_granularity": N_("Times go by %(minutes)s minutes."),
    "availability.hours_out_of_range": N_("A stretch begins on a weekday between 00:00 and 23:55."),
    "availability.hours_end_before_start": N_("It ends before it begins."),
    "availability.hours_too_long": N_("A stretch ends on the next day at the latest."),
    "availability.hours_dates": N_("It would end before its first day."),
    "availability.days_missing": N_("Tick the weekdays."),
    "availability.hours_overlap": N_("It overlaps line %(other)s."),
    "availability.bad_day": N_("This day cannot be entered like this."),
    "availability.day_for_itself": N_("A workday cannot make up for itself."),
    "availability.days_range": N_("The last day lies at most a month after the first."),
    "availability.notice_unread": N_("No line with days off or make-up workdays could be read."),
    "availability.exception_past": N_("It has ended already."),
    "availability.exception_too_long": N_("At most a year at a time."),
    "availability.invalid_rules": N_("The house rules cannot be kept like this."),
    "availability.rules_in_force": N_("A version of the rules that is or was in force never changes."),
    "availability.rules_past": N_("New rules hold from today (%(today)s) at the earliest."),
    "availability.rules_today": N_(
        "A version is in force since %(since)s already; let the next one begin tomorrow."
    ),
    "availability.rules_unknown": N_("“%(key)s” is no rule."),
    "availability.rules_format": N_("These rules are written in another format (%(format)s)."),
    "availability.rules_number": N_("A whole number between %(least)s and %(most)s is needed."),
    "availability.rules_value": N_("This value cannot be read."),
    "availability.rules_step": N_("The step is a multiple of %(minutes)s minutes."),
    "availability.rules_most_below_least": N_(
        "The longest booking (%(most)s min) is shorter than the shortest (%(least)s min)."
    ),
    "availability.rules_lead_beyond_horizon": N_(
        "Nothing could be booked: one may book only %(days)s days ahead."
    ),
    "availability.rules_field_twice": N_("The code %(code)s stands twice."),
    # ---- why an order is refused
    "booking.refused": N_("This cannot be booked as it stands."),
    "booking.invalid": N_("Something is missing or cannot be right."),
    "booking.not_found": N_("There is no such booking, or it is not yours."),
    "booking.not_yours": N_("This is for the other side, or for people who look after the instrument."),
    "booking.stale": N_("Somebody changed this booking while you had it open."),
    "booking.wrong_state": N_("“%(act)s” is not possible: the order is %(state)s."),
    "booking.person_not_theirs": N_("This person does not act for the customer."),
    "availability.span_too_long": N_("At most %(days)s days can be asked for at once."),
    "booking.key_reused": N_("This key was used before for another request."),
    "booking.quote_lapsed": N_("The quote was valid until %(until)s."),
    "booking.quote_for_other": N_("The quote was made for something else."),
    "booking.not_bookable": N_("This cannot be booked at the moment."),
    "booking.not_open_to_outside": N_("This is for the host's own people only."),
    "booking.mode_not_offered": N_("%(mode)s is not offered here."),
    "booking.in_past": N_("This time has passed."),
    "booking.end_before_start": N_("The end is not after the start."),
    "booking.lead": N_("Book at least %(lead_seconds)s ahead: from %(earliest)s on."),
    "booking.horizon": N_("One may book %(days)s days ahead, until %(last)s."),
    "booking.too_short": N_("At least %(least_seconds)s; asked for: %(asked_seconds)s."),
    "booking.too_long": N_("At most %(most_seconds)s; asked for: %(asked_seconds)s."),
    "booking.length_step": N_("The length goes by %(step)s minutes."),
    "booking.start_step": N_("Bookings begin on a multiple of %(step)s minutes."),
    "booking.gap": N_(
        "Between two bookings of one person at least %(gap_seconds)s must lie; there is one from %(start)s to %(end)s."
    ),
    "booking.training": N_("Self-use needs a passed training."),
    "booking.time_missing": N_("Choose a time."),
    "booking.customer_missing": N_("Say for whom you book."),
    "booking.no_customer": N_("You cannot book for this organisation."),
    "booking.customer_not_yours": N_("You cannot book for this customer."),
    "booking.samples_missing": N_("Say how many samples you send."),
    "booking.samples_most": N_("At most %(most)s samples in one order."),
    "booking.purpose_missing": N_("Say what you need it for."),
    "booking.hazard_missing": N_(
        "Say whether what you bring is dangerous; “none of these” is an answer too."
    ),
    "booking.hazard_unknown": N_("A kind of danger is not in the list."),
    "booking.hazard_contradicts": N_("“None of these” and a danger cannot both be right."),
    "booking.hazard_note_missing": N_("Name the substances and how they are handled."),
    "booking.answer_missing": N_("The host asks: %(name)s."),
    "booking.too_many_files": N_("At most %(most)s documents at once."),
    "booking.reason_missing": N_("Give a reason; the customer reads it."),
    "booking.message_length": N_("Write something, at most %(most)s characters."),
    "booking.hits_undecided": N_("Bookings are hit that nobody has decided on."),
    "booking.hit_undecided": N_("Say what becomes of this booking."),
    "booking.hit_by_maintenance": N_("Maintenance takes the unit: this booking moves or is cancelled."),
    "booking.move_dearer": N_("At that time it would cost the customer %(after)s instead of %(before)s."),
    "booking.cancel_started": N_("It has begun; what has begun is ended at the instrument."),
    "booking.cancel_until": N_("Cancelling here is possible until %(notice_seconds)s before the start."),
    "booking.fee_rose": N_("Cancelling would cost %(fee)s by now."),
    "booking.change_fee_rose": N_("The time that is given back so late costs %(fee)s."),
    "booking.change_running_start": N_("It has begun: the start stays, the end can move."),
    "booking.change_started": N_("It has begun; it can no longer be moved to another time."),
    "booking.change_into_past": N_("It would end in the past."),
    "booking.change_until": N_(
        "Moving is possible until %(notice_seconds)s before the start; extending into free time still is."
    ),
    "booking.no_time_to_change": N_("This order has no time to move."),
    "booking.no_such_step": N_("There is no such step."),
    "booking.quota_minutes_day": N_(
        "Quota per %(per)s and day: %(limit_seconds)s. Booked %(used_seconds)s, asked %(asked_seconds)s (%(since)s)."
    ),
    "booking.quota_minutes_week": N_(
        "Quota per %(per)s and week: %(limit_seconds)s. Booked %(used_seconds)s, asked %(asked_seconds)s (week of %(since)s)."
    ),
    "booking.quota_minutes_month": N_(
        "Quota per %(per)s and month: %(limit_seconds)s. Booked %(used_seconds)s, asked %(asked_seconds)s (from %(since)s)."
    ),
    "booking.quota_minutes_future": N_(
        "At most %(limit_seconds)s booked ahead per %(per)s. Booked %(used_seconds)s, asked %(asked_seconds)s."
    ),
    "booking.quota_bookings_day": NN_(
        "At most %(limit)s booking per %(per)s and day (%(since)s).",
        "At most %(limit)s bookings per %(per)s and day (%(since)s).",
        "limit",
    ),
    "booking.quota_bookings_week": NN_(
        "At most %(limit)s booking per %(per)s and week (week of %(since)s).",
        "At most %(limit)s bookings per %(per)s and week (week of %(since)s).",
        "limit",
    ),
    "booking.quota_bookings_month": NN_(
        "At most %(limit)s booking per %(per)s and month (from %(since)s).",
        "At most %(limit)s bookings per %(per)s and month (from %(since)s).",
        "limit",
    ),
    "booking.quota_bookings_future": NN_(
        "At most %(limit)s booking ahead per %(per)s.",
        "At most %(limit)s bookings ahead per %(per)s.",
        "limit",
    ),
    # ---- the house rules read back
    "house.length": N_(
        "A booking lasts at least %(least_seconds)s; starts and lengths go by %(step)s minutes."
    ),
    "house.most": N_("A booking lasts at most %(most_seconds)s."),
    "house.lead": N_("Book at least %(lead_seconds)s ahead."),
    "house.lead_mode": N_("%(mode)s: book at least %(lead_seconds)s ahead."),
    "house.horizon": NN_("One may book %(days)s day ahead.", "One may book %(days)s days ahead.", "days"),
    "house.setup": N_(
        "%(setup)s minutes before and %(teardown)s minutes after a booking are kept for set-up and tear-down."
    ),
    "house.gap": N_("Between two bookings of one person at least %(gap_seconds)s must lie."),
    "house.approval_never": N_("Bookings that keep the rules are confirmed at once."),
    "house.approval_outside": N_("Bookings from outside wait for an answer, at most %(hours)s hours."),
    "house.approval_always": N_("Every booking waits for an answer, at most %(hours)s hours."),
    "house.silence_lapse": N_("Without an answer by then the request lapses."),
    "house.silence_consent": N_("Without an answer by then the booking counts as confirmed."),
    "house.quota_minutes_day": N_("Each %(per)s may book %(limit_seconds)s a day."),
    "house.quota_minutes_week": N_("Each %(per)s may book %(limit_seconds)s a week."),
    "house.quota_minutes_month": N_("Each %(per)s may book %(limit_seconds)s a month."),
    "house.quota_minutes_future": N_("Each %(per)s may have %(limit_seconds)s booked ahead."),
    "house.quota_bookings_day": NN_(
        "Each %(per)s may make %(limit)s booking a day.",
        "Each %(per)s may make %(limit)s bookings a day.",
        "limit",
    ),
    "house.quota_bookings_week": NN_(
        "Each %(per)s may make %(limit)s booking a week.",
        "Each %(per)s may make %(limit)s bookings a week.",
        "limit",
    ),
    "house.quota_bookings_month": NN_(
        "Each %(per)s may make %(limit)s booking a month.",
        "Each %(per)s may make %(limit)s bookings a month.",
        "limit",
    ),
    "house.quota_bookings_future": NN_(
        "Each %(per)s may have %(limit)s booking ahead.",
        "Each %(per)s may have %(limit)s bookings ahead.",
        "limit",
    ),
    "house.training": N_("Self-use needs a passed training."),
    "house.hazard": N_("Say with each booking whether what you bring is dangerous."),
    "house.field": N_("Asked with each booking: %(name)s."),
    "house.cancel_until": N_(
        "Cancelling is possible until %(notice_seconds)s before the start; the tariff says what it costs."
    ),
    "house.cancel_any_time": N_("Cancelling is possible until the start; the tariff says what it costs."),
    "house.change_until": N_("Moving is possible until %(notice_seconds)s before the start."),
    "house.no_show": N_(
        "Who has not come %(minutes)s minutes after the start is a no-show, and the slot is free again."
    ),
    # ---- what people are told
    "notice.booking.requested": N_("%(resource)s: your request %(number)s waits for the host's answer."),
    "notice.booking.requested_at_host": N_("%(customer)s asks for %(resource)s (%(number)s)."),
    "notice.booking.approved": N_("%(resource)s: your booking %(number)s is confirmed."),
    "notice.booking.approved_at_host": N_("%(customer)s booked %(resource)s (%(number)s)."),
    "notice.booking.approved_by_host": N_("%(by)s booked %(resource)s for %(customer)s (%(number)s)."),
    "notice.booking.rejected": N_("%(resource)s: your request %(number)s was refused: %(reason)s"),
    "notice.booking.cancelled": N_(
        "%(resource)s: the booking %(number)s was cancelled. Reason: %(reason)s. Fee: %(fee)s."
    ),
    "notice.booking.cancelled_at_host": N_("%(customer)s cancelled %(resource)s (%(number)s)."),
    "notice.booking.cancelled_by_host": N_(
        "%(by)s cancelled the booking %(number)s of %(customer)s, %(resource)s. Reason: %(reason)s."
    ),
    "notice.booking.changed": N_("%(resource)s: the booking %(number)s was changed."),
    "notice.booking.changed_at_host": N_("%(customer)s changed the booking %(number)s of %(resource)s."),
    "notice.booking.changed_by_host": N_(
        "%(by)s changed the booking %(number)s of %(customer)s, %(resource)s."
    ),
    "notice.booking.expired": N_(
        "%(resource)s: nobody answered your request %(number)s in time; it has lapsed."
    ),
    "notice.booking.expired_at_host": N_(
        "The request %(number)s of %(customer)s for %(resource)s lapsed without an answer."
    ),
    "notice.booking.received": N_("%(resource)s: your samples have arrived (%(number)s)."),
    "notice.booking.delivered": N_("%(resource)s: your order %(number)s was delivered."),
    "notice.booking.no_show": N_(
        "%(resource)s: nobody came to the booking %(number)s; it counts as a no-show."
    ),
    "notice.booking.message": N_("New message about %(number)s, %(resource)s."),
    "notice.booking.attached": N_("A document was added to %(number)s, %(resource)s."),
    "notice.booking.decline_costs": N_(
        "%(resource)s: you declined %(number)s in your calendar, but the booking stands. Cancelling it now costs"
        " %(fee)s; you decide on its page."
    ),
    "notice.booking.decline_too_late": N_(
        "%(resource)s: you declined %(number)s in your calendar, but it is too late to cancel; the booking stands."
        " Write to the laboratory on its page."
    ),
    "label.booking.decline_costs": N_("I declined in my calendar, and cancelling would cost something"),
    "label.booking.decline_too_late": N_("I declined in my calendar too late to cancel"),
    "label.booking.requested": N_("My request was sent"),
    "notice.booking.outside_hours": NN_(
        "%(resource)s: %(bookings)s booking lies outside the opening hours by the new calendar of holidays. Say what becomes of it.",
        "%(resource)s: %(bookings)s bookings lie outside the opening hours by the new calendar of holidays. Say what becomes of them.",
        "bookings",
    ),
    "label.booking.outside_hours": N_("Holidays leave bookings of my instruments outside the hours"),
    "label.booking.requested_at_host": N_("Somebody asks for an instrument that I look after"),
    "label.booking.approved": N_("My booking is confirmed"),
    "label.booking.approved_at_host": N_("Somebody booked an instrument that I look after"),
    "label.booking.approved_by_host": N_("A colleague booked an instrument that I look after for somebody"),
    "label.booking.rejected": N_("My request was refused"),
    "label.booking.cancelled": N_("My booking was cancelled"),
    "label.booking.cancelled_at_host": N_("A booking of an instrument that I look after was cancelled"),
    "label.booking.cancelled_by_host": N_(
        "A colleague cancelled a booking of an instrument that I look after"
    ),
    "label.booking.changed": N_("My booking was changed"),
    "label.booking.changed_at_host": N_("A booking of an instrument that I look after was changed"),
    "label.booking.changed_by_host": N_("A colleague changed a booking of an instrument that I look after"),
    "label.booking.expired": N_("My request lapsed"),
    "label.booking.expired_at_host": N_("A request lapsed because nobody answered"),
    "label.booking.received": N_("My samples have arrived"),
    "label.booking.delivered": N_("My order was delivered"),
    "label.booking.no_show": N_("My booking counts as a no-show"),
    "label.booking.message": N_("A message about a booking"),
    "label.booking.attached": N_("A document about a booking"),
}

REMEDIES = {
    "availability.no_unit": N_("Ask the host when it can be booked again."),
    "availability.no_such_unit": N_("Choose one of the resource's units, or none to take any."),
    "availability.not_yours": N_("Ask the institution's administrator, or the manager of that department."),
    "availability.hours_granularity": N_("Begin and end on the grid of minutes."),
    "availability.hours_end_before_start": N_("Let it end later, or on the next day."),
    "availability.hours_overlap": N_("Join the two stretches, or shorten one of them."),
    "availability.exception_past": N_("Enter one that has not ended yet."),
    "availability.exception_too_long": N_("Change the weekly hours instead."),
    "availability.rules_past": N_("Choose today or a later day."),
    "availability.rules_today": N_("Let the new version begin tomorrow or later."),
    "booking.quote_for_other": N_("Ask for a new price."),
    "booking.not_bookable": N_("Write to the host, or search for another resource."),
    "booking.not_open_to_outside": N_("Write to the host, or search for another resource."),
    "booking.mode_not_offered": N_("Choose one of the ways of use that the resource offers."),
    "booking.end_before_start": N_("Choose a later end."),
    "booking.no_customer": N_("Ask your organisation's administrator for the role of a booker."),
    "booking.customer_not_yours": N_("Choose one of your own customers."),
    "booking.samples_most": N_("Order fewer, or in several orders."),
    "booking.cancel_started": N_("Write to the host."),
    "booking.change_running_start": N_("Keep the start and choose another end."),
    "booking.change_started": N_(
        "Check in at the instrument: the end can move then. The host can still give you another time; write to them."
    ),
    "booking.change_into_past": N_("Choose an end that is still ahead."),
    "availability.slot_taken": N_("Choose another time."),
    "availability.closed_hours": N_("Choose a time inside the opening hours."),
    "availability.closed_day": N_("Choose another day."),
    "availability.closed_holiday": N_("Choose another day."),
    "availability.closed_holiday_provisional": N_(
        "Ask the laboratory; the notice of that year is not published yet."
    ),
    "availability.closed_closure": N_("Choose another time."),
    "availability.closed_closure_plain": N_("Choose another time."),
    "availability.protected": N_("Choose a time outside the protected hours."),
    "availability.no_hours": N_("Ask the laboratory; the contact stands on the instrument's page."),
    "availability.rules_changed": N_("Look at the rules as they are now and enter your change again."),
    "booking.move_dearer": N_("Choose another time, or let it stay."),
    "booking.hit_undecided": N_("Choose whether it stays, moves or is cancelled."),
    "booking.hit_by_maintenance": N_("Choose whether it moves or is cancelled."),
    "availability.day_for_itself": N_("Name the day off whose work it makes up, or leave it empty."),
    "availability.hours_changed": N_("Look at the hours as they are now and enter your change again."),
    "booking.refused": N_("Change what the reasons name."),
    "booking.in_past": N_("Choose a later time."),
    "booking.lead": N_("Choose a later time, or ask the laboratory to book for you."),
    "booking.horizon": N_("Choose an earlier time, or come back later."),
    "booking.too_short": N_("Choose a longer time."),
    "booking.too_long": N_("Choose a shorter time, or two bookings."),
    "booking.length_step": N_("Choose a length on the step."),
    "booking.start_step": N_("Choose a start on the step."),
    "booking.gap": N_("Choose a time further away."),
    "booking.training": N_("Choose staff-run or send-in samples, or ask the laboratory for a training."),
    "booking.quota_minutes_day": N_("Choose another day or a shorter time."),
    "booking.quota_minutes_week": N_("Choose another week or a shorter time."),
    "booking.quota_minutes_month": N_("Choose another month or a shorter time."),
    "booking.quota_minutes_future": N_("Wait until one of your bookings is over, or shorten one."),
    "booking.quota_bookings_day": N_("Choose another day."),
    "booking.quota_bookings_week": N_("Choose another week."),
    "booking.quota_bookings_month": N_("Choose another month."),
    "booking.quota_bookings_future": N_("Wait until one of your bookings is over."),
    "booking.cancel_until": N_("Call the laboratory."),
    "booking.change_until": N_("Call the laboratory, or cancel and book anew."),
    "booking.fee_rose": N_("Look at the fee and decide again."),
    "booking.change_fee_rose": N_("Look at the fee and decide again."),
    "booking.stale": N_("Look at it as it is now and decide again."),
    "booking.wrong_state": N_("Look at it as it is now."),
    "booking.quote_lapsed": N_("Ask for a new quote."),
    "booking.person_not_theirs": N_("Name somebody of the customer, or leave the person out."),
    "availability.span_too_long": N_("Ask for a shorter span."),
    "booking.key_reused": N_("Use a new key for a new request."),
}
