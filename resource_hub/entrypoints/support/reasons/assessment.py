"""Sentences of assessment: refusals, what is missing in a figure, and the formulas in words."""

from resource_hub.entrypoints.support.text import N_, NN_

SENTENCES = {
    "assessment.no_such_figure": N_("There is no such figure here."),
    "assessment.no_such_period": N_(
        "%(period)s is no year: write 2025 for a calendar year, 2024-2025 for a school year."
    ),
    "assessment.no_such_assessment": N_("There is no such self-assessment."),
    "assessment.not_for_role": N_("The figures of the whole institution are for its office."),
    "assessment.bad_inputs": N_("Some of the figures cannot be right."),
    "assessment.inputs_changed": N_("Somebody else saved this form after you opened it."),
    "assessment.nothing_to_freeze": N_("No instrument is in the scope of a scheme in this year."),
    "assessment.period_still_open": N_("The year runs until %(until)s; its figures still change."),
    "assessment.input_out_of_bounds": N_("This must lie between 0 and %(most)s."),
    "assessment.more_functions_used": N_("%(used)s functions used of %(original)s cannot be."),
    "assessment.rate_out_of_bounds": N_("The rate must lie between 0 and %(most)s points per 1,000 yuan."),
    "backup.unreadable": N_("This file is no backup, or it was damaged or changed: %(what)s."),
    "backup.other_schema": N_(
        "The backup was made at schema %(archive)s; this database stands at %(database)s."
    ),
    "backup.not_empty": N_("Nothing is ever overwritten, and there is something already: %(where)s."),
    # Why a figure is a range, or cannot be said.
    "assessment.input_missing": N_("Not entered yet: %(name)s."),
    "assessment.rated_class_missing": N_(
        "The class of the instrument is not said, so its rated hours are not known."
    ),
    "assessment.internal_rate_unknown": N_(
        "The points for internal income cannot be read in any copy of the form. Until the institution enters its rate"
        " they are not scored."
    ),
    "assessment.accepted_on_missing": NN_(
        "%(count)s instrument has no acceptance date.",
        "%(count)s instruments have no acceptance date.",
        "count",
    ),
    "assessment.no_instruments": N_("No instrument is in scope."),
    "assessment.other_currencies": NN_(
        "%(count)s instrument earned in another currency; that income is not in the sum.",
        "%(count)s instruments earned in another currency; that income is not in the sum.",
        "count",
    ),
    "assessment.weights_unknown": N_(
        "The weights of version %(version)s were not found in any source. No score is made up."
    ),
    "assessment.weights_disagree": N_(
        "Sources disagree: the form gives research %(form)s %%, its supplement prints %(supplement)s, with which the"
        " weights would add up to %(sum)s. The form is followed."
    ),
    "assessment.experts_decide": N_("Part of this score is given by experts on site."),
    # Formulas.
    "assessment.formula.effective_hours": N_(
        "Set-up + measuring + necessary post-processing; idle running is not counted."
    ),
    "assessment.formula.external_hours": N_("The part of the effective hours that other legal persons used."),
    "assessment.formula.rated_hours": N_(
        "Hours a day × days a week × 40 weeks, by the class of the instrument."
    ),
    "assessment.formula.utilisation": N_("Effective hours ÷ %(base)s h. May exceed 100 %%."),
    "assessment.formula.sharing": N_("External hours ÷ effective hours; 0 when there were none."),
    "assessment.formula.mean_effective": NN_(
        "Effective hours of %(count)s instrument, used or not, ÷ %(count)s.",
        "Effective hours of all %(count)s instruments, used or not, ÷ %(count)s.",
        "count",
    ),
    "assessment.formula.mean_external": NN_(
        "External hours of %(count)s instrument, used or not, ÷ %(count)s.",
        "External hours of all %(count)s instruments, used or not, ÷ %(count)s.",
        "count",
    ),
    "assessment.formula.mean_utilisation": NN_(
        "Mean over %(count)s instrument of effective hours ÷ %(base)s h.",
        "Mean over %(count)s instruments of effective hours ÷ %(base)s h.",
        "count",
    ),
    "assessment.formula.unit_sharing": N_(
        "Mean external hours ÷ mean effective hours. The mean of the instruments' own rates is another figure."
    ),
    "assessment.formula.mean_sharing": NN_(
        "Mean over %(count)s instrument of its own sharing rate.",
        "Mean over %(count)s instruments of their own sharing rates.",
        "count",
    ),
    "assessment.formula.bookable": N_("%(count)s of %(of)s instruments take bookings or samples."),
    "assessment.formula.opening": N_(
        "%(count)s of %(of)s instruments that should be open are open to outside users."
    ),
    "assessment.formula.late_listing": N_(
        "%(count)s of %(of)s instruments were reported later than 30 working days after acceptance."
    ),
    "assessment.formula.entries": N_(
        "Sealed sessions of the period, each counted on the day on which it ended."
    ),
    "assessment.formula.instruments": N_(
        "Instruments and facilities worth %(threshold)s yuan or more, used or not."
    ),
    "assessment.formula.income_external": N_(
        "Charges to other legal persons, before any support, by the day of use."
    ),
    "assessment.formula.income_internal": N_("Charges to the institution's own groups, by the day of use."),
    "assessment.formula.benefit_total": N_("Σ weight × subtotal, each subtotal at most 100."),
    "assessment.formula.benefit_mean": NN_(
        "The score of %(count)s instrument. The form itself judges single instruments.",
        "Plain mean of the scores of %(count)s instruments. The form itself judges single instruments.",
        "count",
    ),
    "assessment.formula.benefit_hours": N_("Effective hours ÷ rated hours × 100, at most 100."),
    "assessment.formula.benefit_people": N_(
        "%(operator)s points a person who operates alone, %(assisted)s a person who does part of a test, 1 per"
        " %(group)s people shown; at most 100."
    ),
    "assessment.formula.benefit_research": N_(
        "%(national)s points a national award, %(provincial)s a provincial one, %(school)s a school one, %(paper)s a"
        " core paper; at most 100."
    ),
    "assessment.formula.benefit_income": N_(
        "%(external)s points per 1,000 yuan from outside, and the institution's rate for income from inside;"
        " at most 100."
    ),
    "assessment.formula.benefit_functions": N_(
        "By the share of functions used: all 60, from 80 %% 48, 60 %% 36, 40 %% 24, 20 %% 12; %(new)s points a new"
        " function; at most 100."
    ),
    "assessment.formula.national_total": N_("Not published: neither weights nor benchmark hours were found."),
}

REMEDIES = {
    "assessment.no_such_period": N_("Choose a year at the top of the page."),
    "assessment.not_for_role": N_("Open one instrument of your laboratory, or ask your office."),
    "assessment.inputs_changed": N_("Compare both below, then save again."),
    "assessment.period_still_open": N_("Keep it when the year is over."),
    "assessment.nothing_to_freeze": N_("Enter original values of the instruments first."),
    "assessment.more_functions_used": N_("Correct one of the two numbers."),
    "assessment.input_missing": N_("Enter it on the instrument's form."),
    "assessment.rated_class_missing": N_("Choose the class on the instrument's form."),
    "assessment.internal_rate_unknown": N_("The office enters the rate on the page of the year."),
    "assessment.accepted_on_missing": N_("Enter the date in the listing."),
    "backup.unreadable": N_("Take another copy of the file, or an earlier backup."),
    "backup.other_schema": N_("Restore with the release that made it, then upgrade."),
    "backup.not_empty": N_("Restore into a new, migrated database and an empty instance folder."),
}
