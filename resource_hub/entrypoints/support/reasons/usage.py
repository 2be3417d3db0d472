"""Sentences of usage: refusals at the instrument and at the desk, what to look at, notices."""

from resource_hub.entrypoints.support.text import N_

SENTENCES = {
    "usage.no_such_session": N_("There is no such session here."),
    "usage.no_such_unit": N_("There is no such unit here."),
    "usage.no_such_fault": N_("There is no such fault here."),
    "usage.no_such_entry": N_("There is no such sealed entry here."),
    "usage.unit_busy": N_("Somebody is in, and their time runs until %(until)s."),
    "usage.wrong_state": N_("This is not possible while the session is: %(state)s."),
    "usage.already_sealed": N_("These hours are sealed."),
    "usage.check_in_refused": N_("You cannot start here now."),
    "usage.entry_invalid": N_("This entry cannot be right."),
    "usage.code_wrong": N_("This code is not on the screen any more."),
    "usage.device_unknown": N_("This device is not known, or was revoked."),
    "usage.stale": N_("The session changed after you looked at it."),
    "usage.too_early": N_("It is too early: the booking may be started from %(from)s."),
    "usage.booking_over": N_("The booking ended at %(end)s."),
    "usage.released": N_("Nobody came in time, so the slot was released."),
    "usage.already_over": N_("This use is over already."),
    "usage.booking_not_approved": N_("The booking is not approved: %(state)s."),
    "usage.rotating_code_wanted": N_(
        "This laboratory asks for the changing code on the screen at the machine."
    ),
    "usage.for_whom": N_("It is not said for which customer the use is."),
    "usage.ends_before_start": N_("It ends before it starts."),
    "usage.in_the_future": N_("It lies in the future."),
    "usage.negative": N_("A figure is below zero."),
    "usage.parts_exceed_whole": N_("Set-up, post-processing and idle time are longer than the use."),
    "usage.no_span": N_("It has no start and end."),
    "usage.corrected_already": N_("This entry was corrected already."),
    "usage.reason_wanted": N_("A correction needs a reason."),
    "usage.name_wanted": N_("The device needs a name."),
    "usage.text_wanted": N_("Say what is wrong."),
    "usage.severity_unknown": N_("Choose how bad it is."),
    "usage.order_wanted": N_("Choose the order that this use served."),
    "usage.signal_too_long": N_("A signal covers at most %(days)s days."),
    "usage.sequence_wanted": N_("Each signal needs the device's own number."),
    "usage.look.not_booked": N_("Nobody had booked this time."),
    "usage.look.overrun": N_("The use ran into the next booking and was ended by it."),
    "usage.look.forgotten_log_out": N_("The log-out was forgotten; the end is the booking's end plus grace."),
    "usage.look.late_entry": N_("Something was entered too late to count as proof."),
    "usage.look.not_checked_in": N_("Nobody checked in; the hours are the machine's."),
    "usage.look.machine_ran": N_("The machine ran although the booking counts as a no-show."),
    "usage.look.disputed": N_("The customer disputes it."),
    "usage.look.grade_e": N_("Nothing proves this use well enough: grade E."),
    "usage.look.longer": N_("It ran %(minutes)s minutes longer than booked."),
    "usage.look.shorter": N_("It was %(minutes)s minutes shorter than booked."),
    "notice.usage.log_out_forgotten": N_(
        "You did not log out of %(resource)s; the use was ended at %(end)s."
    ),
    "letter.usage.log_out_forgotten": N_(
        "If you left earlier, say so before the day is confirmed: open the session and dispute its hours."
    ),
    "notice.usage.fault_note": N_("%(resource)s: something is odd. %(text)s"),
    "notice.usage.fault_limited": N_("%(resource)s works with limits: %(text)s"),
    "notice.usage.fault_down": N_("%(resource)s does not work: %(text)s"),
    "letter.usage.fault_note": N_("Somebody at the instrument reported it."),
    "letter.usage.fault_limited": N_("Somebody at the instrument reported it."),
    "letter.usage.fault_down": N_(
        "Somebody at the instrument reported it. Bookings are not moved by this alone."
    ),
    "notice.usage.root_signed": N_("%(chain)s of %(institution)s: root of %(day)s, up to row %(position)s"),
    "letter.usage.root_signed": N_(
        "Keep this letter. Newest link: %(head)s. Signature: %(signature)s. With it you can show later that nothing before "
        "it was changed."
    ),
}

REMEDIES = {
    "usage.no_such_session": N_("Check the address, or open it from the list."),
    "usage.no_such_unit": N_("Scan the code on the machine again, or ask the laboratory for a new label."),
    "usage.unit_busy": N_("Wait until they stop, or call the laboratory."),
    "usage.already_sealed": N_("The host can seal a correction; write to it from the booking."),
    "usage.stale": N_("Look at it again as it stands now, then confirm."),
    "usage.too_early": N_("Come back then; the page can stay open."),
    "usage.booking_over": N_("Start without a booking, or ask the laboratory to enter the use."),
    "usage.released": N_("If the unit is free you may start without a booking; the laboratory sees it."),
    "usage.already_over": N_("To go on, start without a booking."),
    "usage.booking_not_approved": N_("Ask the laboratory to answer the request."),
    "usage.rotating_code_wanted": N_("Scan the code on the screen beside the machine."),
    "usage.for_whom": N_("Choose the firm or group that pays."),
    "usage.device_unknown": N_("Register the device on the page of devices and use its new token."),
    "usage.corrected_already": N_("Correct the newest entry."),
    "usage.wrong_state": N_("Open the session to see what can be done now."),
    "usage.parts_exceed_whole": N_("Check start and end, or lower the parts."),
}
