"""What can go wrong in accounts. Each error has a code; sentences stand in the catalogue of messages."""

from __future__ import annotations

from resource_hub.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused, Stale


class UnknownOrganisation(NotFound):
    code = "accounts.unknown_organisation"


class UnknownPerson(NotFound):
    code = "accounts.unknown_person"


class UnknownCustomer(NotFound):
    code = "accounts.unknown_customer"


class UnknownQualification(NotFound):
    code = "accounts.unknown_training"


class UnknownRequest(NotFound):
    """A request to join, an invitation, a proposal, a token or a role that is not there, or not for this reader."""

    code = "accounts.unknown_request"


class SignInRefused(Refused):
    """Wrong address or wrong password; which of the two is never said."""

    code = "accounts.sign_in_refused"


class WeakPassword(Invalid):
    code = "accounts.password_weak"


class WrongPassword(Invalid):
    """The present password, asked again before a change."""

    code = "accounts.password_wrong"


class LinkExpired(Refused):
    """An invitation, reset or confirmation link that is unknown, used or too old; which of these is not said."""

    code = "accounts.link_expired"


class CodeInvalid(Invalid):
    """A credit code whose shape is wrong; never overridden."""

    code = "accounts.uscc.invalid"


class CodeSuspect(Refused):
    """A credit code whose check digits do not agree; may be handed in for the platform's staff to judge."""

    code = "accounts.uscc.suspect"


class FirmExists(Conflict):
    """A firm with this code is registered already; one can ask to join it."""

    code = "accounts.firm_exists"


class NameTaken(Conflict):
    code = "accounts.name_taken"


class AlreadyMember(Conflict):
    code = "accounts.already_member"


class AlreadyAnswered(Conflict):
    code = "accounts.already_answered"


class AlreadyInitialised(Conflict):
    code = "accounts.already_initialised"


class NotYours(Forbidden):
    """The role does not reach that far."""

    code = "accounts.not_yours"


class RoleRefused(Refused):
    code = "accounts.role_refused"


class LastAdministrator(Refused):
    code = "accounts.last_administrator"


class HandOverNeeded(Refused):
    """Work that stays behind needs a colleague who takes it."""

    code = "accounts.hand_over_needed"


class BadInput(Invalid):
    """Fields that are missing or cannot be; each reason names its field."""

    code = "accounts.bad_input"


class Changed(Stale):
    code = "accounts.changed"


class NotActive(Refused):
    """The organisation is waiting for a check, was refused or merged."""

    code = "accounts.organisation_not_active"
