"""What people are told: ``notice.<kind>`` is the sentence, ``letter.<kind>`` what a letter adds to it, ``label.<kind>``
what the page of notifications calls it."""

from resource_hub.entrypoints.support.text import N_

SENTENCES = {
    "notice.accounts.confirm_address": N_("Please confirm your address"),
    "notice.accounts.already_registered": N_("You have an account already"),
    "notice.accounts.reset_password": N_("Choose a new password"),
    "notice.accounts.password_changed": N_("Your password was changed."),
    "notice.accounts.invited": N_("%(organisation)s invites you as %(role)s"),
    "notice.accounts.api_token_created": N_(
        "A new access token, %(name)s, was made for you at %(organisation)s."
    ),
    "notice.accounts.firm_to_check": N_(
        "%(organisation)s registered with the doubtful code %(code)s; it waits for a check."
    ),
    "notice.accounts.firm_accepted": N_("%(organisation)s was accepted: %(reason)s"),
    "notice.accounts.firm_rejected": N_("The registration of %(organisation)s was refused: %(reason)s"),
    "notice.accounts.join_asked": N_("%(person)s asks to join %(organisation)s."),
    "notice.accounts.join_accepted": N_("You are now %(role)s at %(organisation)s."),
    "notice.accounts.join_refused": N_("%(organisation)s refused your request to join."),
    "notice.accounts.joined": N_("%(person)s accepted the invitation to %(organisation)s."),
    "notice.accounts.role_changed": N_("Your roles at %(organisation)s were changed."),
    "notice.accounts.removed": N_("You are no longer a member of %(organisation)s."),
    "notice.accounts.handed_over": N_("%(person)s left %(organisation)s; you take over the open work."),
    "label.accounts.password_changed": N_("Your password was changed"),
    "label.accounts.api_token_created": N_("A new access token was made for you"),
    "label.accounts.firm_to_check": N_("A registration waits for a check"),
    "label.accounts.firm_accepted": N_("Your firm was accepted"),
    "label.accounts.firm_rejected": N_("The registration of your firm was refused"),
    "label.accounts.join_asked": N_("Somebody asks to join"),
    "label.accounts.join_accepted": N_("Your request to join was accepted"),
    "label.accounts.join_refused": N_("Your request to join was refused"),
    "label.accounts.joined": N_("Somebody accepted an invitation"),
    "label.accounts.role_changed": N_("Your roles were changed"),
    "label.accounts.removed": N_("You are no longer a member"),
    "label.accounts.handed_over": N_("You take over somebody's open work"),
    "letter.accounts.confirm_address": N_(
        "You registered with this address. Open the link to confirm that it is yours; it holds for three days. "
        "If it was not you, do nothing."
    ),
    "letter.accounts.already_registered": N_(
        "Somebody, perhaps you, tried to register with this address, but it has an account already. Sign in as "
        "usual, or choose a new password by the link; it holds for two hours. If it was not you, do nothing."
    ),
    "letter.accounts.reset_password": N_(
        "Open the link to choose a new password; it holds for two hours and works once. If you did not ask for it, do "
        "nothing: your password stays as it is."
    ),
    "letter.accounts.password_changed": N_(
        "All other browsers were signed out. If it was not you, choose a new password at once by the link on "
        "the sign-in page."
    ),
    "letter.accounts.invited": N_(
        "Open the link to accept; it holds for 14 days and works for this address only."
    ),
}
