"""What can go wrong in the catalogue, each with a code."""

from __future__ import annotations

from resource_hub.kernel import errors


class ResourceNotFound(errors.NotFound):
    code = "catalogue.resource_not_found"


class ChangeNotFound(errors.NotFound):
    code = "catalogue.change_not_found"


class ImportNotFound(errors.NotFound):
    code = "catalogue.import_not_found"


class FileNotInStore(errors.NotFound):
    code = "catalogue.file_not_found"


class ListingInvalid(errors.Invalid):
    """The contents cannot be what was meant; each reason names its field."""

    code = "catalogue.listing_invalid"


class CodeTaken(errors.Conflict):
    code = "catalogue.code_taken"


class ListingStale(errors.Stale):
    code = "catalogue.listing_stale"


class UnitChanged(errors.Stale):
    """Somebody else changed the unit since it was read."""

    code = "catalogue.unit_changed"


class WrongState(errors.Conflict):
    """The listing or change is not in a state that allows this."""

    code = "catalogue.wrong_state"


class NotYours(errors.Forbidden):
    """Known to this institution, but not for this role or department."""

    code = "catalogue.not_yours"


class SamePerson(errors.Refused):
    """Who submitted a change does not approve it."""

    code = "catalogue.same_person"


class FileRefused(errors.Invalid):
    """An upload whose bytes, size or name cannot be taken."""

    code = "catalogue.file_refused"


class SheetRefused(errors.Invalid):
    """An import file that cannot be read as a whole; its reasons name the line and the remedy."""

    code = "catalogue.sheet_refused"


class MappingInvalid(errors.Invalid):
    code = "catalogue.mapping_invalid"
