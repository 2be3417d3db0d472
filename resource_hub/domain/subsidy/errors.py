"""What can go wrong with support."""

from __future__ import annotations

from resource_hub.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused


class ProgrammeNotFound(NotFound):
    code = "subsidy.programme_not_found"


class RunNotFound(NotFound):
    code = "subsidy.run_not_found"


class ClaimNotFound(NotFound):
    code = "subsidy.claim_not_found"


class QuotaNotFound(NotFound):
    code = "subsidy.quota_not_found"


class WrongRunState(Conflict):
    """The run is not in the state that this step needs; values say which it is in and what comes next."""

    code = "subsidy.wrong_run_state"


class SamePerson(Forbidden):
    """Who computed a run may not approve it: a second person has to."""

    code = "subsidy.same_person"


class RunBlocked(Refused):
    """Something stands in the way of the next step; every reason says who can clear it."""

    code = "subsidy.run_blocked"


class NothingToPay(Refused):
    code = "subsidy.nothing_to_pay"


class BudgetExhausted(Refused):
    """The programme's money for the year does not cover this."""

    code = "subsidy.budget_exhausted"


class QuotaExhausted(Refused):
    """What the customer was granted for the year does not cover this."""

    code = "subsidy.quota_exhausted"


class InvalidQuota(Invalid):
    code = "subsidy.invalid_quota"


class QuotaExists(Conflict):
    code = "subsidy.quota_exists"


class InvalidProgramme(Invalid):
    code = "subsidy.invalid_programme"


class ReplayDiffers(Conflict):
    """Computing a past run again gave other figures. Something that must not change has changed."""

    code = "subsidy.replay_differs"


class NotTheFunder(Forbidden):
    """The work is the funder's, or needs another of its roles."""

    code = "subsidy.not_the_funder"
