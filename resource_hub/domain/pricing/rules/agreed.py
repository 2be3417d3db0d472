"""The price of an order for which the host named one by hand (pure).

It is for the order as a whole: neither the time that was really used nor the share of a session changes it, and an
order with several sessions pays it with the first of them. Not coming and cancelling cost nothing: nobody named a fee.
"""

from __future__ import annotations

from fractions import Fraction

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.pricing.terms import AgreedPrice, Occasion, Price, PriceLine, UseFacts
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money


def agreed_price(
    agreed: AgreedPrice, customer_class: CustomerClass, use: UseFacts, *, paid: bool = False
) -> Price:
    """What a use costs under an agreed price; ``paid`` says that an earlier session of the order bears it."""
    named = {"quote": agreed.number, "version": agreed.version}
    zero = Money.zero(agreed.currency)
    if use.occasion is Occasion.NO_SHOW:
        line = PriceLine(Reason("pricing.line.agreed_no_show", named), Fraction(0), zero)
        return Price(zero, (line,), customer_class)
    if use.occasion is not Occasion.USE:
        return Price(zero, (), customer_class)
    if paid:
        line = PriceLine(Reason("pricing.line.agreed_before", named), Fraction(0), zero)
        return Price(zero, (line,), customer_class)
    lines = tuple(
        PriceLine(Reason("pricing.line.agreed", {**named, "text": text}), Fraction(amount.minor), amount)
        for text, amount in agreed.lines
    )
    return Price(agreed.total, lines, customer_class)
