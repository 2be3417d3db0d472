"""What can go wrong with charges, statements and payments."""

from __future__ import annotations

from resource_hub.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused


class StatementNotFound(NotFound):
    code = "billing.statement_not_found"


class ChargeNotFound(NotFound):
    code = "billing.charge_not_found"


class NotYourAccount(Forbidden):
    code = "billing.not_yours"


class InvalidPayment(Invalid):
    code = "billing.invalid_payment"


class PaymentTwice(Conflict):
    """A payment with this reference was recorded before."""

    code = "billing.payment_twice"


class PeriodOpen(Refused):
    """The month is not over, or its days are not sealed yet."""

    code = "billing.period_open"


class NotAProblem(Conflict):
    """The charge has a price, or the problem was solved already."""

    code = "billing.not_a_problem"
