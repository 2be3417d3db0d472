"""What usage may refuse, each with a code. Sentences: ``entrypoints/support/reasons/usage.py``."""

from __future__ import annotations

from resource_hub.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused, Stale


class NoSuchSession(NotFound):
    code = "usage.no_such_session"


class NoSuchUnit(NotFound):
    code = "usage.no_such_unit"


class UnitBusy(Conflict):
    """Somebody is in already, and their booking still runs."""

    code = "usage.unit_busy"


class WrongState(Conflict):
    code = "usage.wrong_state"


class AlreadySealed(Conflict):
    """A sealed use changes by a correction only."""

    code = "usage.already_sealed"


class CheckInRefused(Refused):
    code = "usage.check_in_refused"


class EntryInvalid(Invalid):
    code = "usage.entry_invalid"


class CodeWrong(Invalid):
    """A rotating code that is not, or no longer, on the screen."""

    code = "usage.code_wrong"


class DeviceUnknown(Forbidden):
    code = "usage.device_unknown"


class StaleSession(Stale):
    """The session changed since it was looked at; ``values`` carry both versions."""

    code = "usage.stale"


class NoSuchFault(NotFound):
    code = "usage.no_such_fault"


class NoSuchEntry(NotFound):
    code = "usage.no_such_entry"
