"""Sentences of prices, charges, statements, programmes and runs."""

from resource_hub.entrypoints.support.text import N_, NN_

SENTENCES = {
    # ---- notices
    "notice.pricing.tariff_submitted": N_("The tariff of %(name)s from %(since)s waits for your approval."),
    "notice.pricing.tariff_approved": N_("The tariff of %(name)s was approved; it holds from %(since)s."),
    "notice.pricing.tariff_refused": N_("The tariff of %(name)s was sent back: %(note)s"),
    "notice.billing.statement_issued": N_("Statement %(number)s of %(host)s: %(amount)s, due on %(due)s."),
    "notice.billing.statement_paid": N_("Statement %(number)s of %(host)s is paid."),
    "notice.billing.problem": N_("A use of %(customer)s has no price; the office sets it."),
    "notice.subsidy.quota_requested": N_("%(customer)s applies for %(amount)s of %(programme)s."),
    "notice.subsidy.quota_decided": N_("Your application to %(programme)s: %(state)s, %(amount)s. %(note)s"),
    "notice.subsidy.run_computed": N_("Payout run %(run)s over %(amount)s was computed; the sample is next."),
    "notice.subsidy.run_sampled": N_("Payout run %(run)s over %(amount)s waits for a second person."),
    "notice.subsidy.run_approved": N_("Payout run %(run)s was approved; the public notice is next."),
    "notice.subsidy.run_on_notice": N_(
        "%(amount)s for you from %(programme)s is on public notice until %(until)s."
    ),
    "notice.subsidy.run_paid": N_("%(amount)s from %(programme)s was paid to you."),
    "notice.subsidy.objection": N_("Somebody objects to payout run %(run)s."),
    "label.pricing.tariff_submitted": N_("A tariff waits for the office"),
    "label.pricing.tariff_approved": N_("A tariff was approved"),
    "label.pricing.tariff_refused": N_("A tariff was sent back"),
    "label.billing.statement_issued": N_("A statement was issued"),
    "label.billing.statement_paid": N_("A statement is paid"),
    "label.billing.problem": N_("A use has no price"),
    "label.subsidy.quota_requested": N_("Somebody applies for quota"),
    "label.subsidy.quota_decided": N_("An application for quota was decided"),
    "label.subsidy.run_computed": N_("A payout run was computed"),
    "label.subsidy.run_sampled": N_("A payout run waits for a second person"),
    "label.subsidy.run_approved": N_("A payout run was approved"),
    "label.subsidy.run_on_notice": N_("Support for you is on public notice"),
    "label.subsidy.run_paid": N_("Support was paid to you"),
    "label.subsidy.objection": N_("Somebody objects to a payout run"),
    # ---- rulebook
    "rulebook.unknown_scheme": N_("The rulebook has no scheme %(scheme)s."),
    "rulebook.not_in_force": N_("%(scheme)s has no version in force on %(day)s."),
    "rulebook.missing_parameter": N_(
        "The rulebook gives no readable value for “%(parameter)s” of %(scheme)s, version %(version)s (%(place)s)."
    ),
    # ---- prices
    "pricing.invalid_tariff": N_("The tariff cannot be applied as it stands."),
    "pricing.no_rate": N_("The tariff has no rate (%(place)s) for this class of customer."),
    "pricing.no_tariff": N_("No tariff is in force on %(day)s."),
    "pricing.on_request": N_("The host gives the price by hand."),
    "pricing.nothing_to_price": N_("Neither time nor samples were given, so no price can be computed."),
    "pricing.tariff_not_found": N_("There is no such tariff."),
    "pricing.tariffs_overlap": N_("Another approved tariff already starts on %(since)s."),
    "pricing.wrong_state": N_("The tariff is not in the state that this step needs."),
    "pricing.same_person": N_("You handed this tariff in yourself; a second person approves it."),
    "pricing.not_yours": N_("This tariff belongs to a resource that you do not look after."),
    "pricing.tariff.currency": N_("“%(value)s” is no currency code such as CNY."),
    "pricing.tariff.format": N_("The tariff is written in an unknown format (%(value)s)."),
    "pricing.tariff.unknown_key": N_("“%(key)s” is no part of a tariff."),
    "pricing.tariff.unknown_class": N_("“%(word)s” is no class of customer."),
    "pricing.tariff.unknown_extra": N_("The tariff has no surcharge “%(extra)s”."),
    "pricing.tariff.not_an_amount": N_("“%(value)s” is not an amount."),
    "pricing.tariff.negative": N_("%(value)s is below zero; a price cannot be."),
    "pricing.tariff.too_large": N_("%(value)s is larger than any price; probably mistyped."),
    "pricing.tariff.not_by_class": N_("Give amounts by class of customer."),
    "pricing.tariff.not_a_factor": N_("“%(value)s” is not a factor such as 0.8."),
    "pricing.tariff.factor_range": N_("The factor %(value)s lies outside 0 to 1000."),
    "pricing.tariff.not_a_whole_number": N_("“%(value)s” is not a whole number."),
    "pricing.tariff.out_of_range": N_("%(value)s lies outside %(least)s to %(most)s."),
    "pricing.tariff.not_a_choice": N_("“%(value)s” is none of: %(allowed)s."),
    "pricing.tariff.not_a_clock_time": N_("“%(value)s” is not a time of day such as 20:00."),
    "pricing.tariff.not_a_weekday": N_("Days are numbers from 1 (Monday) to 7 (Sunday)."),
    "pricing.tariff.band_rate": N_("A band needs either a factor or rates of its own."),
    "pricing.tariff.band_twice": N_("Two bands have the same code."),
    "pricing.tariff.bands_overlap": N_("The bands “%(first)s” and “%(second)s” overlap."),
    "pricing.tariff.step_rate": N_("A step needs a rate."),
    "pricing.tariff.step_twice": N_("Two steps begin at the same time."),
    "pricing.tariff.steps_alone": N_(
        "Steps cannot stand beside bands or daily prices: the price would be ambiguous."
    ),
    "pricing.tariff.first_block_price": N_("The first block needs a price."),
    "pricing.tariff.first_block_alone": N_("A first block cannot stand beside bands or steps."),
    "pricing.tariff.break_twice": N_("Two quantity breaks begin at the same number."),
    "pricing.tariff.extra_amount": N_("The surcharge needs an amount or a factor."),
    "pricing.tariff.extra_code": N_("“%(value)s” cannot be the code of a surcharge."),
    "pricing.tariff.extra_twice": N_("Two surcharges have the same code."),
    "pricing.tariff.penalty_fee": N_("Say how high the fee is."),
    "pricing.tariff.penalty_times": N_("Only the fee of a no-show grows, in %(most)s steps at most."),
    "pricing.tariff.round_to": N_("%(value)s cannot be a step of rounding."),
    "pricing.tariff.no_rate": N_(
        "The tariff has no rate at all: give one per hour, day, sample or order, or choose “ask”."
    ),
    "pricing.tariff.needs_hour": N_("Bands, steps and the staff rate need a rate per hour."),
    "pricing.tariff.needs_sample": N_("Quantity breaks need a price per sample."),
    "pricing.tariff.threshold": N_("The threshold must be shorter than the unit of %(unit)s minutes."),
    "pricing.tariff.since_past": N_(
        "The first day %(since)s has passed (today is %(today)s): prices of what has happened cannot change."
    ),
    # ---- lines of a price
    "pricing.line.time": N_("%(seconds)s at %(rate)s an hour"),
    "pricing.line.time_band": N_("%(name)s: %(seconds)s at %(rate)s an hour"),
    "pricing.line.time_step": N_("Beyond %(after_minutes)s minutes: %(seconds)s at %(rate)s an hour"),
    "pricing.line.first_block": N_("First %(minutes)s minutes"),
    "pricing.line.staff": N_("Staff: %(seconds)s at %(rate)s an hour"),
    "pricing.line.days": NN_("%(days)s day at %(rate)s", "%(days)s days at %(rate)s", "days"),
    "pricing.line.samples": NN_(
        "%(samples)s sample at %(rate)s", "%(samples)s samples at %(rate)s", "samples"
    ),
    "pricing.line.samples_break": N_("%(samples)s samples at %(rate)s (from %(from)s on)"),
    "pricing.line.extra_hour": N_("%(name)s: %(seconds)s at %(rate)s an hour"),
    "pricing.line.extra_items": N_("%(name)s: %(count)s at %(rate)s"),
    "pricing.line.extra_fee": N_("%(name)s"),
    "pricing.line.extra_factor": N_("%(name)s (× %(factor)s)"),
    "pricing.line.minimum": N_("Up to the minimum of %(minimum)s"),
    "pricing.line.start_fee": N_("Start fee"),
    "pricing.line.no_show": N_("No-show fee"),
    "pricing.line.no_show_repeated": N_(
        "No-show fee, number %(number)s within %(days)s days: %(times)s times"
    ),
    "pricing.line.no_show_booked": N_("No-show: the price of the booked time"),
    "pricing.line.cancellation": N_("Fee for late cancellation"),
    "pricing.line.given_back": N_("Fee for time given back late"),
    "pricing.line.cancellation_booked": N_("Late cancellation: the price of the booked time"),
    "pricing.line.manual": N_("Priced by hand: %(note)s"),
    # ---- the tariff read back
    "pricing.says.ask": N_("The host gives a price for each order by hand."),
    "pricing.says.hour": N_("An hour costs %(amounts)s."),
    "pricing.says.staff_hour": N_("When staff runs the instrument, an hour costs in addition %(amounts)s."),
    "pricing.says.day": N_("A started day (24 h) costs %(amounts)s."),
    "pricing.says.sample": N_("A sample costs %(amounts)s."),
    "pricing.says.sample_break": N_("From %(count)s samples on, each of them costs %(amounts)s."),
    "pricing.says.first_block": N_("The first %(minutes)s minutes cost %(amounts)s, however short the use."),
    "pricing.says.band_factor": N_("%(name)s (%(days)s, %(start)s–%(end)s): %(percent)s of the hourly rate."),
    "pricing.says.band_hour": N_("%(name)s (%(days)s, %(start)s–%(end)s): an hour costs %(amounts)s."),
    "pricing.says.step": N_("Beyond %(minutes)s minutes an hour costs %(amounts)s."),
    "pricing.says.unit": N_("Time counts in started units of %(minutes)s minutes."),
    "pricing.says.unit_threshold": N_(
        "Time counts in units of %(minutes)s minutes; a rest of less than %(threshold)s minutes is not counted."
    ),
    "pricing.says.minimum_minutes": N_("At least %(minutes)s minutes are charged."),
    "pricing.says.minimum": N_("An order costs at least %(amounts)s, before fees."),
    "pricing.says.start_fee": N_("Each order carries a start fee of %(amounts)s."),
    "pricing.says.class_factor": N_("For %(word)s every price counts %(percent)s."),
    "pricing.says.extra_factor": N_("%(name)s: %(percent)s of the price of time and samples."),
    "pricing.says.extra_hour": N_("%(name)s: per hour in addition %(amounts)s."),
    "pricing.says.extra_order": N_("%(name)s: per order %(amounts)s."),
    "pricing.says.extra_sample": N_("%(name)s: per sample %(amounts)s."),
    "pricing.says.extra_item": N_("%(name)s: each %(amounts)s, from %(count)s on."),
    "pricing.says.extra_item_and_sample": N_("%(name)s: each and per sample %(amounts)s, from %(count)s on."),
    "pricing.says.charge_on_use": N_("What was used is charged."),
    "pricing.says.charge_on_reserved": N_("What was booked is charged, used or not."),
    "pricing.says.charge_on_longer": N_("What was booked is charged, and what was used beyond it."),
    "pricing.says.cut_to_minute": N_("Start and end are cut to the minute."),
    "pricing.says.no_show_none": N_("A no-show costs nothing."),
    "pricing.says.no_show_fee": N_("A no-show costs %(amounts)s."),
    "pricing.says.no_show_repeated": N_(
        "A no-show costs %(amounts)s; for the first, second and further ones of a person within %(days)s days so many"
        " times: %(times)s."
    ),
    "pricing.says.no_show_booked": N_("A no-show costs the price of the booked time."),
    "pricing.says.cancellation_none": N_("Cancelling costs nothing."),
    "pricing.says.cancellation_fee": N_(
        "Cancelling less than %(notice_minutes)s before the start costs %(amounts)s; moving or shortening costs the"
        " part of it that is given back."
    ),
    "pricing.says.cancellation_booked": N_(
        "Cancelling less than %(notice_minutes)s before the start costs the price of the booked time; moving or"
        " shortening costs that of the part that is given back."
    ),
    "pricing.says.rounding": N_("The total is rounded once, at the end, to %(to)s (%(mode)s)."),
    # ---- billing
    "billing.statement_not_found": N_("There is no such statement."),
    "billing.charge_not_found": N_("There is no such charge."),
    "billing.not_yours": N_("The books of this institution are kept by its office."),
    "billing.invalid_payment": N_("The payment cannot be recorded like this."),
    "billing.payment_twice": N_("A payment with the reference %(reference)s was recorded before."),
    "billing.period_open": N_("The month is not over; its statements can be issued from %(over_on)s on."),
    "billing.not_a_problem": N_("This charge has a price already."),
    "billing.payment.currency": N_("The statement is in %(wanted)s."),
    "billing.payment.differs": N_("The two amounts differ."),
    "billing.payment.nothing": N_("The amount must be above zero."),
    "billing.payment.too_much": N_("Only %(open)s is open."),
    "billing.payment.reference": N_("Give the reference of the bank."),
    "billing.payment.future": N_("%(day)s has not come yet."),
    "billing.manual.note": N_("Say how the price was found."),
    "billing.overdue": NN_(
        "%(statements)s statement over %(amount)s is overdue by more than %(days)s days.",
        "%(statements)s statements over %(amount)s are overdue by more than %(days)s days.",
        "statements",
    ),
    # ---- support
    "subsidy.programme_not_found": N_("There is no such programme."),
    "subsidy.run_not_found": N_("There is no such payout run."),
    "subsidy.claim_not_found": N_("There is no such claim."),
    "subsidy.quota_not_found": N_("There is no such voucher quota."),
    "subsidy.not_the_funder": N_("This is the work of another role of the funder."),
    "subsidy.wrong_run_state": N_("The run is not in the state that this step needs."),
    "subsidy.same_person": N_("You computed this run yourself; a second person approves it."),
    "subsidy.run_blocked": N_("Something stands in the way of the next step."),
    "subsidy.nothing_to_pay": N_("No claim accrued from %(since)s until before %(until)s."),
    "subsidy.budget_exhausted": N_("The programme's money for the year does not reach for %(amount)s."),
    "subsidy.quota_exhausted": N_("Your voucher quota does not reach for %(amount)s."),
    "subsidy.invalid_quota": N_("The application cannot be taken like this."),
    "subsidy.quota_exists": N_("There is an application for %(year)s already."),
    "subsidy.invalid_programme": N_("The programme cannot be changed like this."),
    "subsidy.replay_differs": N_("Computing the run again gave other figures."),
    "subsidy.programme.scheme": N_("%(scheme)s is no scheme of support."),
    "subsidy.programme.code_taken": N_("The code %(code)s already stands for another programme."),
    "subsidy.programme.not_unreadable": N_(
        "“%(name)s” can be read in the document; it is not entered by hand."
    ),
    "subsidy.programme.budget_bound": N_("%(bound)s is already held, accrued or paid."),
    "subsidy.quota.not_in_force": N_("The programme is not in force today."),
    "subsidy.quota.firms_only": N_("Only firms may apply."),
    "subsidy.quota.amount": N_("The amount must be above zero and not more than was asked for."),
    "subsidy.quota.cap_per_application": N_("One application may ask for at most %(most)s."),
    "subsidy.quota.cap_holding": N_("At most %(most)s may be held at once."),
    "subsidy.quota.cap_per_year": N_("A firm gets at most %(most)s a year."),
    "subsidy.quota.declaration": N_("Declare whether you are tied to a host."),
    "subsidy.quota.decided": N_("The application was decided already."),
    "subsidy.quota.note": N_("Say why it is refused."),
    "subsidy.run.not_in_force": N_("The programme has no rules in force on %(day)s."),
    "subsidy.run.samples_open": NN_(
        "%(lines)s drawn line is not checked yet.", "%(lines)s drawn lines are not checked yet.", "lines"
    ),
    "subsidy.run.samples_wrong": NN_(
        "%(lines)s drawn line was found wrong.", "%(lines)s drawn lines were found wrong.", "lines"
    ),
    "subsidy.run.lines_withdrawn": NN_(
        "The use behind %(lines)s line was corrected since.",
        "The use behind %(lines)s lines was corrected since.",
        "lines",
    ),
    "subsidy.run.objections_open": NN_(
        "%(objections)s objection is not answered yet.",
        "%(objections)s objections are not answered yet.",
        "objections",
    ),
    "subsidy.run.notice_runs": N_("The public notice runs until the end of %(until)s."),
    "subsidy.run.note_needed": N_("Say why."),
    "subsidy.run.objection_text": N_("Write what you object to."),
    "subsidy.run.budget_differs": N_("The budget of %(year)s does not hold what the run pays."),
    "subsidy.clawback.corrected": N_("The use was corrected after it had been paid."),
    # ---- why a charge gets nothing
    "subsidy.refused.customer_kind": N_("The programme is not for this kind of customer."),
    "subsidy.refused.own_use": N_("The programme supports use by others than the host only."),
    "subsidy.refused.firm_size": N_("The firm's size class is %(size)s; the programme is for: %(allowed)s."),
    "subsidy.refused.firm_marks": N_("The firm has none of the qualifications asked for (%(allowed)s)."),
    "subsidy.refused.firm_area": N_("The firm is not registered in the programme's area."),
    "subsidy.refused.host_area": N_("The host is not in the programme's area."),
    "subsidy.refused.service_class": N_("The programme does not support this kind of service."),
    "subsidy.refused.purpose": N_("Use for this purpose is excluded: %(purpose)s."),
    "subsidy.refused.same_owner": N_("User and host are the same legal person."),
    "subsidy.refused.related_parties": N_("The firm declared that it is tied to the host."),
    "subsidy.refused.declaration_missing": N_("The declaration about ties to hosts is missing."),
    "subsidy.refused.barred": N_("The customer is barred until %(until)s."),
    "subsidy.refused.host_barred": N_("The host is barred until %(until)s."),
    "subsidy.refused.host_standing": N_("The host's evaluation grade does not qualify."),
    "subsidy.refused.grade": N_("The evidence grade is %(grade)s; at least %(least)s is needed."),
    "subsidy.refused.claimed_elsewhere": N_("The document %(number)s was claimed before."),
    "subsidy.refused.instrument_value": N_("The original value %(value)s is below %(least)s."),
    "subsidy.refused.instrument_value_unknown": N_("The original value is not known; %(least)s is needed."),
    "subsidy.refused.exclusive": N_(
        "It does not go together with %(scheme)s, which already supports this use."
    ),
    "subsidy.refused.both_sides": N_("The other side already gets support for this use (%(scheme)s)."),
    "subsidy.refused.no_quota": N_("No voucher quota was granted for this year."),
    "subsidy.refused.quota_used_up": N_("The voucher quota is used up."),
    "subsidy.refused.budget": N_("The programme's money for %(year)s is used up."),
    "subsidy.refused.too_small": N_("The claim lies below the smallest of %(least)s."),
    "subsidy.refused.nothing_left": N_("Caps and other support leave nothing to grant."),
    "subsidy.refused.check": N_("Refused after a check (run %(run)s): %(note)s"),
    # ---- how an amount came about
    "subsidy.step.base": N_("Base %(exact)s"),
    "subsidy.step.deduction": N_("less %(off)s (%(factor)s times other support) = %(exact)s"),
    "subsidy.step.rate": N_("× %(rate)s = %(exact)s"),
    "subsidy.step.tiers": N_("by tiers (%(tiers)s) = %(exact)s"),
    "subsidy.step.cumulative": N_(
        "by tiers (%(tiers)s) on the year so far (%(before)s before), "
        "less %(granted_before)s granted before = %(exact)s"
    ),
    "subsidy.step.cap_per_person": N_("cap of %(each)s a person = %(exact)s"),
    "subsidy.step.cap_per_service": N_("cap per service = %(exact)s"),
    "subsidy.step.cap_per_year": N_("what is left of the yearly cap of %(cap)s = %(exact)s"),
    "subsidy.step.quota": N_("what is left of the voucher quota = %(exact)s"),
    "subsidy.step.others": N_("what others leave (%(others)s given before) = %(exact)s"),
    "subsidy.step.rounded": N_("rounded = %(exact)s"),
    "subsidy.step.own_cap": N_("cap of %(payer)s: %(limit)s"),
    "subsidy.step.on_top": N_("%(payer)s adds %(added)s = %(exact)s"),
    # ---- flags of a run
    "subsidy.flag.withdrawn": NN_(
        "The use behind %(lines)s line was corrected after the run was computed.",
        "The use behind %(lines)s lines was corrected after the run was computed.",
        "lines",
    ),
    "subsidy.flag.sample_wrong": NN_(
        "A check found %(lines)s line wrong.", "Checks found %(lines)s lines wrong.", "lines"
    ),
    "subsidy.flag.no_session": NN_(
        "%(lines)s line has no session behind it.", "%(lines)s lines have no session behind them.", "lines"
    ),
    "subsidy.flag.unverified_source": NN_(
        "%(lines)s line rests on a source that is not verified.",
        "%(lines)s lines rest on sources that are not verified.",
        "lines",
    ),
    "subsidy.flag.weak_evidence": NN_(
        "%(lines)s line has evidence grade D.", "%(lines)s lines have evidence grade D.", "lines"
    ),
    "subsidy.flag.concentration": N_("One customer gets %(percent)s %% of the money."),
    "subsidy.flag.crowded_day": NN_(
        "On %(days)s day one customer has more than five lines.",
        "On %(days)s days one customer has more than five lines.",
        "days",
    ),
}

REMEDIES = {
    "rulebook.missing_parameter": N_(
        "The funder can enter the value on the programme's page; it is then marked as entered."
    ),
    "pricing.no_rate": N_("Ask the host for a price, or choose another way of use."),
    "pricing.no_tariff": N_("Ask the host for a price."),
    "pricing.on_request": N_("Send the request; the host answers with a price."),
    "pricing.nothing_to_price": N_("Choose a time, or give the number of samples."),
    "pricing.tariffs_overlap": N_("Choose another first day."),
    "pricing.same_person": N_("Ask a colleague of the office."),
    "pricing.tariff.since_past": N_("Choose today or a later day."),
    "pricing.tariff.steps_alone": N_("Keep either the steps or the bands and daily prices."),
    "billing.payment_twice": N_(
        "Look at the payments of this customer; correct the reference if it is another payment."
    ),
    "billing.payment.too_much": N_("Record the open amount here, and the rest on another statement."),
    "billing.overdue": N_("Pay the statements, or talk to the institution's office."),
    "billing.not_yours": N_("Ask the institution's office."),
    "subsidy.same_person": N_("Ask the colleague who approves payouts."),
    "subsidy.quota_exhausted": N_("Book without the voucher, or apply for more."),
    "subsidy.budget_exhausted": N_("Book without this support; the page shows the new price."),
    "subsidy.nothing_to_pay": N_("Choose another period."),
    "subsidy.run.samples_open": N_("A reviewer checks them on this page."),
    "subsidy.run.samples_wrong": N_(
        "Cancel the run: wrong lines are refused, the others wait for the next run."
    ),
    "subsidy.run.lines_withdrawn": N_("Cancel the run and compute it again."),
    "subsidy.run.objections_open": N_("Answer them on this page."),
    "subsidy.run.notice_runs": N_("Payment can be recorded on the day after."),
    "subsidy.refused.declaration_missing": N_("Declare it on the support page when applying for quota."),
    "subsidy.refused.no_quota": N_("Apply for quota on the support page."),
    "subsidy.refused.firm_size": N_("Keep the firm's facts up to date on the team page."),
    "subsidy.refused.grade": N_("Check in and out at the instrument next time: it lifts the grade."),
    "subsidy.refused.instrument_value_unknown": N_("The host enters the original value of the instrument."),
    "subsidy.wrong_run_state": N_("Reload the page; somebody may have gone a step further."),
}
