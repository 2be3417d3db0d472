"""What can go wrong with prices."""

from __future__ import annotations

from resource_hub.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused


class InvalidTariff(Invalid):
    """A tariff that cannot be applied; each reason names the place in the form."""

    code = "pricing.invalid_tariff"


class NoRate(Refused):
    """The tariff has no rate for this customer class and way of use. Never read as free of charge."""

    code = "pricing.no_rate"


class NoTariff(Refused):
    """No approved tariff is in force on that day."""

    code = "pricing.no_tariff"


class PriceOnRequest(Refused):
    """The tariff says "ask": the host gives the price by hand."""

    code = "pricing.on_request"


class NothingToPrice(Refused):
    """The facts hold no time, no samples and no items, so there is nothing to compute a price from."""

    code = "pricing.nothing_to_price"


class TariffNotFound(NotFound):
    code = "pricing.tariff_not_found"


class TariffsOverlap(Conflict):
    """Another approved tariff of the resource starts on the same day."""

    code = "pricing.tariffs_overlap"


class WrongTariffState(Conflict):
    """The tariff is not in the state that this step needs."""

    code = "pricing.wrong_state"


class SamePerson(Refused):
    """Who wrote the tariff may not be the one who approves it."""

    code = "pricing.same_person"


class NotYourTariff(Forbidden):
    """The tariff is of a resource that this person does not look after, or approving is the office's work."""

    code = "pricing.not_yours"
