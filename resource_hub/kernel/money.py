"""Money: whole minor units with a currency. No floats, no silent rounding, no mixing of currencies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from fractions import Fraction

# Digits after the point per ISO 4217; what is not listed has two.
_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0}
# More before the point than any column holds; refused before it is counted out.
_MOST_DIGITS = 17


class MoneyError(ValueError):
    """An amount that cannot be what was asked: a fraction of a minor unit, a float, mixed currencies."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in whole minor units (fen for CNY).

    ``Money(1250, "CNY")`` is 12.50 yuan. Addition and comparison work between equal currencies only; everything
    that could lose a fraction names its rounding.
    """

    minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise MoneyError(f"minor units must be a whole number, not {self.minor!r}")
        if len(self.currency) != 3 or not self.currency.isupper():
            raise MoneyError(f"currency must be an ISO 4217 code, not {self.currency!r}")

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str = "CNY") -> Money:
        """Exact amount from major units: ``Money.of("12.50")``.

        Raises:
            MoneyError: for floats, for text that is no number, for more digits than the currency has, and for amounts
                that no column holds.
        """
        if isinstance(amount, float):
            raise MoneyError("a float is not an amount of money; pass text or Decimal")
        try:
            value = Decimal(amount)
        except InvalidOperation:
            raise MoneyError(f"not an amount: {amount!r}") from None
        if not value.is_finite() or value.adjusted() > _MOST_DIGITS:
            raise MoneyError(f"not an amount: {amount!r}")
        scaled = value.scaleb(_EXPONENTS.get(currency, 2))
        if scaled != scaled.to_integral_value():
            raise MoneyError(f"{amount} has more digits than {currency} knows")
        return cls(int(scaled), currency)

    @classmethod
    def cny(cls, amount: str | int | Decimal) -> Money:
        return cls.of(amount, "CNY")

    @classmethod
    def zero(cls, currency: str = "CNY") -> Money:
        return cls(0, currency)

    @classmethod
    def sum(cls, amounts: Iterable[Money], currency: str = "CNY") -> Money:
        total = cls(0, currency)
        for amount in amounts:
            total = total + amount
        return total

    @classmethod
    def by_currency(cls, amounts: Iterable[Money]) -> tuple[Money, ...]:
        """A sum for each currency, in the order in which they come; sums of several currencies are never mixed."""
        found: dict[str, Money] = {}
        for amount in amounts:
            found[amount.currency] = found.get(amount.currency, cls(0, amount.currency)) + amount
        return tuple(found.values())

    def _same(self, other: object) -> Money:
        if not isinstance(other, Money):
            raise TypeError(f"money and {type(other).__name__} do not mix")
        if other.currency != self.currency:
            raise MoneyError(f"{self.currency} and {other.currency} do not mix")
        return other

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, factor: int) -> Money:
        if isinstance(factor, bool) or not isinstance(factor, int):
            raise TypeError("money times a whole number only; use share() for fractions")
        return Money(self.minor * factor, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other).minor

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other).minor

    def __bool__(self) -> bool:
        raise TypeError("an amount is neither true nor false; compare it with Money.zero()")

    @property
    def is_zero(self) -> bool:
        return self.minor == 0

    @property
    def is_negative(self) -> bool:
        return self.minor < 0

    def or_zero_if_negative(self) -> Money:
        return self if self.minor > 0 else Money(0, self.currency)

    def share(self, ratio: Decimal | Fraction | int, rounding: str) -> Money:
        """This amount times an exact ratio, rounded to whole minor units by a named `decimal` rounding."""
        if isinstance(ratio, float):
            raise MoneyError("a float is not a ratio; pass Decimal or Fraction")
        return Money(round_minor(Fraction(self.minor) * Fraction(ratio), rounding), self.currency)

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Parts in proportion to the weights that add up to this amount exactly.

        The cents left over go to the parts with the largest remainders, earlier parts first.
        """
        total = sum(weights)
        if total <= 0 or any(w < 0 for w in weights):
            raise MoneyError("weights must be non-negative and not all zero")
        floors = [self.minor * w // total for w in weights]
        rest = self.minor - sum(floors)
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(self.minor * weights[i] % total), i))
        for i in by_remainder[:rest]:
            floors[i] += 1
        return [Money(f, self.currency) for f in floors]

    @property
    def amount(self) -> Decimal:
        """Major units as an exact decimal, for the edge (pages, files, API)."""
        return Decimal(self.minor).scaleb(-_EXPONENTS.get(self.currency, 2))

    def as_json(self) -> dict[str, int | str]:
        """The stored form, as reasons carry it: ``{"minor": 1250, "currency": "CNY"}``."""
        return {"minor": self.minor, "currency": self.currency}

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def round_minor(value: Fraction, rounding: str = ROUND_HALF_UP) -> int:
    """Round an exact fraction of minor units to whole ones, by a named `decimal` rounding."""
    whole, rest = divmod(value.numerator, value.denominator)
    if rest == 0:
        return whole
    # One digit decides every named rounding: below, at or above one half. So no fraction is cut before it counts.
    doubled = rest * 2
    digit = "0.25" if doubled < value.denominator else "0.5" if doubled == value.denominator else "0.75"
    with localcontext() as context:
        context.prec = len(str(whole)) + 4
        return int((Decimal(whole) + Decimal(digit)).quantize(Decimal(1), rounding=rounding))
