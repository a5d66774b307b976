"""Arithmetic of models: every result is exact, or it is an error.

Python's own operators round to 28 digits, ``-amount`` too, and an amount has up to 48.
"""

from collections.abc import Iterable
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from functools import reduce
from math import floor

# The product of two amounts has 96 digits; beyond that there is room for the sum of very many.
EXACT = Context(prec=120, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])


def plus(left: Decimal | int, right: Decimal | int) -> Decimal:
    return EXACT.add(left, right)


def minus(left: Decimal | int, right: Decimal | int) -> Decimal:
    return EXACT.subtract(left, right)


def times(left: Decimal | int, right: Decimal | int) -> Decimal:
    return EXACT.multiply(left, right)


def negated(value: Decimal) -> Decimal:
    return EXACT.minus(value)


def sum_of(values: Iterable[Decimal]) -> Decimal:
    """Returns the sum, 0 where there is nothing."""
    return reduce(plus, values, Decimal(0))


def rounded(value: Fraction, places: int) -> Decimal:
    """Returns a fraction as so many decimal places, halves away from zero."""
    units = floor(abs(value) * 10**places + Fraction(1, 2))
    return Decimal(units if value >= 0 else -units).scaleb(-places, EXACT)
