"""Sentences of accounts: signing in, registering, codes, roles, sizes."""

from resource_hub.entrypoints.support.text import N_

SENTENCES = {
    "accounts.unknown_organisation": N_("There is no such organisation, or it is not for you."),
    "accounts.unknown_person": N_("There is no such person here."),
    "accounts.unknown_customer": N_("There is no such customer here."),
    "accounts.unknown_request": N_("There is no such request here."),
    "accounts.sign_in_refused": N_("Address and password do not fit together."),
    "accounts.too_many_tries": N_("Too many failed tries for this address."),
    "accounts.address_not_confirmed": N_("Your address is not confirmed yet."),
    "accounts.hashing_busy": N_("Very many people are signing in just now."),
    "accounts.password_weak": N_("This password is too easy to guess."),
    "accounts.password_short": N_("The password needs at least %(min)s characters."),
    "accounts.password_long": N_("The password may have at most %(max)s characters."),
    "accounts.password_common": N_("This password is among the first that anybody would try."),
    "accounts.password_personal": N_("The password must not be your own name or address."),
    "accounts.password_wrong": N_("This is not your present password."),
    "accounts.password_differs": N_("The two passwords are not the same."),
    "accounts.link_expired": N_("This link cannot be used any more."),
    "accounts.email_invalid": N_("Write an e-mail address, such as name@example.org."),
    "accounts.language_unknown": N_("Choose one of the languages."),
    "accounts.name_length": N_("Give a name of at most %(max)s characters."),
    "accounts.name_missing": N_("Give a name, in Chinese or in English."),
    "accounts.token_term": N_("A token may hold between 1 and %(max)s days."),
    "accounts.bad_input": N_("Something in the form cannot be right."),
    "accounts.changed": N_("This was changed by somebody else while you had it open."),
    "accounts.not_yours": N_("Your role does not reach that far."),
    "accounts.uscc.length": N_("A unified social credit code has 18 characters; this one has %(length)s."),
    "accounts.uscc.letters": N_(
        "These characters are not used in a unified social credit code: %(letters)s."
    ),
    "accounts.uscc.format": N_(
        "The first eight characters are figures in nearly every code; here they are not."
    ),
    "accounts.uscc.inner_check": N_(
        "The 17th character does not agree: %(expected)s was expected, %(found)s stands there."
    ),
    "accounts.uscc.check": N_(
        "The last character does not agree: %(expected)s was expected, %(found)s stands there."
    ),
    "accounts.uscc.not_enterprise": N_(
        "This is not the code of an enterprise; those begin with 91, 92 or 93."
    ),
    "accounts.uscc.invalid": N_("This cannot be a unified social credit code."),
    "accounts.uscc.suspect": N_("The check digits of this code do not agree."),
    "accounts.uscc_taken": N_("The code %(code)s belongs to an organisation here already."),
    "accounts.firm_exists": N_("The firm with the code %(code)s is registered here already."),
    "accounts.code_invalid": N_("Use lower-case letters, figures and hyphens, such as ustc."),
    "accounts.code_taken": N_("The short name %(code)s is taken."),
    "accounts.name_taken": N_("This name is taken."),
    "accounts.group_exists": N_("There is a group named %(name)s already."),
    "accounts.zone_unknown": N_("%(zone)s is not a time zone; write one such as Asia/Shanghai."),
    "accounts.website_invalid": N_("Write the address with https:// in front."),
    "accounts.place_invalid": N_("Write degrees between -%(limit)s and %(limit)s."),
    "accounts.reason_needed": N_("Say why; the reason is kept and shown."),
    "accounts.day_in_future": N_("This day is still ahead."),
    "accounts.already_member": N_("This person is a member already."),
    "accounts.already_answered": N_("This was answered already."),
    "accounts.already_initialised": N_("This database has its first administrator already."),
    "accounts.organisation_not_active": N_("This organisation cannot be joined at the moment."),
    "accounts.role_refused": N_("This role cannot be given."),
    "accounts.role_of_other_kind": N_("An organisation of this kind has no such role."),
    "accounts.role_not_yours_to_give": N_("You may not give or take this role."),
    "accounts.limit_only_approver": N_("Only an approver has a limit."),
    "accounts.department_not_for_role": N_("This role always reaches the whole organisation."),
    "accounts.department_not_yours": N_("Your own role does not reach this laboratory."),
    "accounts.unknown_department": N_("There is no such laboratory here."),
    "accounts.unknown_group": N_("There is no such group here."),
    "accounts.has_administrator": N_("This organisation has an administrator, who invites the others."),
    "accounts.last_administrator": N_("The last administrator cannot leave."),
    "accounts.hand_over_needed": N_("There is open work: %(work)s."),
    "accounts.successor_unknown": N_("The colleague who takes over must be a member."),
    "accounts.merge_not_a_member": N_("Choose one of the organisations of this proposal."),
    "accounts.source_key_missing": N_("The row has no key of its own."),
    "accounts.source_key_twice": N_("The key %(key)s stands twice."),
    "accounts.size.unknown_sector": N_("Choose the sector from the list."),
    "accounts.size.missing": N_("Without this figure the size cannot be told."),
    "accounts.size.no_table": N_("No table of sizes was in force on %(day)s."),
    "accounts.size.reached": N_("reaches every bound of this class"),
    "accounts.size.missed": N_("misses a bound of this class"),
    "accounts.tech_sme.not_resident": N_("The firm is not resident in mainland China."),
    "accounts.tech_sme.staff": N_("%(staff)s people work there; at most %(max)s are allowed."),
    "accounts.tech_sme.sales": N_("Sales are above %(max)s yuan."),
    "accounts.tech_sme.assets": N_("Assets are above %(max)s yuan."),
    "accounts.tech_sme.banned_line": N_("The line of business is excluded."),
    "accounts.tech_sme.serious_breach": N_("A serious breach is on record."),
    "accounts.tech_sme.no_staff_points": N_(
        "Fewer than one in ten are technical staff: no points for staff."
    ),
    "accounts.tech_sme.score": N_("%(score)s points; %(needed)s are needed."),
}

REMEDIES = {
    "accounts.unknown_organisation": N_("Check the address, or choose an organisation at the top left."),
    "accounts.sign_in_refused": N_("Try again, or choose a new password by the link below."),
    "accounts.too_many_tries": N_("Wait a quarter of an hour, or choose a new password."),
    "accounts.address_not_confirmed": N_(
        "Open the link in the letter that we sent you; you can ask for another one below."
    ),
    "accounts.hashing_busy": N_("Nothing was lost. Try again in a few seconds."),
    "accounts.password_short": N_("A few words that do not belong together are easy to remember."),
    "accounts.link_expired": N_("Ask for a new one; only the newest link works, and each works once."),
    "accounts.uscc.length": N_("Copy it from the business licence."),
    "accounts.uscc.letters": N_("I, O, S, V and Z are never used: look for 1, 0, 5 or 2."),
    "accounts.uscc.check": N_("Compare it with the business licence, character by character."),
    "accounts.uscc.inner_check": N_("Compare it with the business licence, character by character."),
    "accounts.uscc.not_enterprise": N_(
        "Universities and institutes are set up by the platform; write to us."
    ),
    "accounts.uscc.suspect": N_("If the licence really says so, tick the box: our staff will look at it."),
    "accounts.firm_exists": N_("Ask to join it; its administrator answers."),
    "accounts.changed": N_("Compare both versions below; what you typed is kept."),
    "accounts.not_yours": N_("Ask the administrator of your organisation."),
    "accounts.role_not_yours_to_give": N_("Ask the administrator of your organisation."),
    "accounts.already_member": N_("Look at the list of members; a further role is given there."),
    "accounts.already_answered": N_("Load the page again to see the answer."),
    "accounts.already_initialised": N_("Sign in with it, or let it invite others."),
    "accounts.last_administrator": N_("Make somebody else an administrator first."),
    "accounts.hand_over_needed": N_("Choose the colleague who takes it over."),
    "accounts.size.missing": N_("Add it, or leave the class open."),
}
