"""What assessment refuses with."""

from __future__ import annotations

from resource_hub.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Stale


class NoSuchFigure(NotFound):
    code = "assessment.no_such_figure"


class NoSuchPeriod(Invalid):
    code = "assessment.no_such_period"


class NoSuchAssessment(NotFound):
    code = "assessment.no_such_assessment"


class NotForRole(Forbidden):
    code = "assessment.not_for_role"


class BadInputs(Invalid):
    """The form's values cannot be; each reason names its field."""

    code = "assessment.bad_inputs"


class InputsChanged(Stale):
    """Somebody saved the form after it was opened; ``values`` carry both versions."""

    code = "assessment.inputs_changed"


class NothingToFreeze(Conflict):
    """No instrument is in the scheme's scope in that period."""

    code = "assessment.nothing_to_freeze"


class PeriodStillOpen(Conflict):
    """A year is frozen only when it is over."""

    code = "assessment.period_still_open"
