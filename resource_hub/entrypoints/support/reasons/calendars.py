"""Sentences of calendars that are read as busy time: why one is not read, what in it cannot be, what people are told."""

from resource_hub.entrypoints.support.text import N_, NN_

SENTENCES = {
    "availability.external": N_("Taken by an event in the laboratory's own calendar."),
    "calendar.refused": N_("This calendar cannot be read."),
    "calendar.away": N_("This calendar cannot be had now."),
    "calendar.not_found": N_("There is no such calendar here."),
    "calendar.too_many_calendars": N_("At most %(most)s calendars a resource."),
    "calendar.looked_too_often": N_(
        "The people of your institution had %(most)s calendars fetched within an hour; that is the most."
    ),
    "calendar.zone_known": N_("No event waits for what the time zone “%(zone)s” stands for."),
    "calendar.changed": N_("Somebody else said what its time zones stand for while you had it open."),
    "calendar.zone": N_("“%(zone)s” is no time zone of the IANA database."),
    # ---- the file
    "calendar.not_a_calendar": N_("What came is no iCalendar file."),
    "calendar.cut_off": N_("The file ends in the middle of an entry."),
    "calendar.too_large": N_("It is larger than %(megabytes)s MB."),
    "calendar.too_many_events": N_("It has more than %(most)s events."),
    "calendar.too_many_occurrences": N_("Written out, it has more than %(most)s occurrences."),
    "calendar.too_heavy": N_("Reading it took more time or memory than a calendar is given."),
    "calendar.file_gone": N_("The file is no longer in the store."),
    # ---- one event
    "calendar.rule_too_fine": N_(
        "Line %(line)s, “%(summary)s”: it comes again by the hour or finer (%(frequency)s), which is not read."
    ),
    "calendar.event_broken": N_("Line %(line)s, “%(summary)s”: its times cannot be read."),
    "calendar.event_without_start": N_("Line %(line)s, “%(summary)s”: it has no start."),
    "calendar.event_backwards": N_("Line %(line)s, “%(summary)s”: it ends before it begins."),
    "calendar.event_too_long": N_("Line %(line)s, “%(summary)s”: it is longer than %(days)s days."),
    "calendar.event_too_heavy": N_(
        "Line %(line)s, “%(summary)s”: writing out its recurrence takes too long."
    ),
    "calendar.unknown_zone": NN_(
        "Nobody knows the time zone “%(zone)s”; %(events)s event is left out.",
        "Nobody knows the time zone “%(zone)s”; %(events)s events are left out.",
        "events",
    ),
    "calendar.more_faults": NN_(
        "%(count)s further event could not be read.",
        "%(count)s further events could not be read.",
        "count",
    ),
    # ---- the address
    "calendar.url_broken": N_("This is no address."),
    "calendar.url_scheme": N_("Only addresses that begin with http or https are asked, not %(scheme)s."),
    "calendar.url_password": N_(
        "The address holds a user name; addresses are shown, so that it would be seen."
    ),
    "calendar.url_inside": N_(
        "%(host)s is %(address)s, an address inside a network; only public addresses are asked."
    ),
    "calendar.url_downgrade": N_("It leads on from https to http."),
    "calendar.url_redirects": N_("It leads on more than %(most)s times."),
    "calendar.url_status": N_("The other side answered with status %(status)s."),
    "calendar.url_encoding": N_("What came is packed in a way that is not read (%(encoding)s)."),
    "calendar.url_certificate": N_("The certificate of %(host)s does not hold."),
    "calendar.url_unknown_host": N_("The name %(host)s has no address."),
    "calendar.url_no_answer": N_("%(host)s does not answer."),
    "calendar.url_slow": N_("%(host)s answers too slowly."),
    # ---- what people are told
    "notice.availability.calendar_clash": NN_(
        "%(calendar)s has an event in the time of %(count)s booking of %(resource)s. The booking stands.",
        "%(calendar)s has events in the time of %(count)s bookings of %(resource)s. The bookings stand.",
        "count",
    ),
    "notice.availability.calendar_failed": N_(
        "The calendar %(calendar)s of %(resource)s could not be read three times in a row."
    ),
    "label.availability.calendar_clash": N_("A linked calendar clashes with bookings"),
    "label.availability.calendar_failed": N_("A linked calendar cannot be read"),
}

REMEDIES = {
    "calendar.not_found": N_("Look at the calendars of this resource: it may have been taken away."),
    "calendar.away": N_("What was read before stays; it is tried again."),
    "calendar.file_gone": N_("Take the calendar away and upload its file again."),
    "calendar.too_heavy": N_("Export only the time from today on."),
    "calendar.event_broken": N_("Correct it in the calendar program."),
    "calendar.event_without_start": N_("Correct it in the calendar program."),
    "calendar.event_backwards": N_("Correct it in the calendar program."),
    "calendar.event_too_long": N_("Correct it in the calendar program."),
    "calendar.event_too_heavy": N_("Enter it as one long event, or by the day."),
    "calendar.url_broken": N_("Copy the address that the calendar program gives out for subscribing."),
    "calendar.url_downgrade": N_("Copy the address that the calendar program gives out for subscribing."),
    "calendar.url_redirects": N_("Copy the address that the calendar program gives out for subscribing."),
    "calendar.url_encoding": N_("Ask whoever runs that calendar, or upload the file."),
    "calendar.url_certificate": N_("Ask whoever runs that calendar, or upload the file."),
    "calendar.not_a_calendar": N_("Give the address or file of the calendar itself, not of its page."),
    "calendar.cut_off": N_("Export it again."),
    "calendar.too_large": N_("Export only the time from today on."),
    "calendar.too_many_events": N_("Export only the time from today on."),
    "calendar.too_many_occurrences": N_("Split it, or give its recurring events an end."),
    "calendar.rule_too_fine": N_("Enter it as one long event, or by the day."),
    "calendar.unknown_zone": N_("Say which zone is meant."),
    "calendar.zone": N_("Write it as Asia/Shanghai or Europe/Berlin."),
    "calendar.looked_too_often": N_(
        "Try again from %(until)s on. Calendars that are taken up are read every quarter of an hour by themselves."
    ),
    "calendar.zone_known": N_("Look at the calendar again: it says which names of zones nobody knows."),
    "calendar.changed": N_("Look at the calendar as it is now and say it again."),
    "calendar.too_many_calendars": N_("Take one away that is not needed any more."),
    "calendar.url_scheme": N_("Copy the address that the calendar program gives out for subscribing."),
    "calendar.url_password": N_("Use an address with a secret in it, or upload the file."),
    "calendar.url_inside": N_("Upload the file, or ask whoever runs this site to allow that network."),
    "calendar.url_status": N_("Look whether the calendar is still shared at this address."),
    "calendar.url_no_answer": N_("What was read before stays; it is tried again."),
    "calendar.url_slow": N_("What was read before stays; it is tried again."),
    "calendar.url_unknown_host": N_("Look for a slip in the address."),
}
