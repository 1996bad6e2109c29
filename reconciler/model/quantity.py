"""Kubernetes quantities, exactly: rationals until a rule asks for an integer (spec scheduling §0.3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

_SYNTAX = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?\Z")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_SUFFIX_OF_EXPONENT = {exponent: suffix for suffix, exponent in _DECIMAL.items()}


class Format(StrEnum):
    """How a quantity was written, and so how sums of it are printed."""

    DECIMAL_SI = "DecimalSI"
    BINARY_SI = "BinarySI"
    DECIMAL_EXPONENT = "DecimalExponent"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount and the notation it came in. Compare `amount`; equal amounts may differ in notation."""

    amount: Fraction
    format: Format = Format.DECIMAL_SI

    @property
    def value(self) -> int:
        """Whole units, rounded away from zero."""
        return _away_from_zero(self.amount)

    @property
    def milli_value(self) -> int:
        """Thousandths, rounded away from zero."""
        return _away_from_zero(self.amount * 1000)

    def __str__(self) -> str:
        return canonical(self)


@lru_cache(maxsize=65536, typed=True)
def parse_quantity(text: str | float) -> Quantity:
    """The quantity that `text` states (a YAML number is accepted as Kubernetes does). Raises ValueError."""
    match = _SYNTAX.match(str(text))
    if match is None:  # also a YAML boolean: str(True) is no number
        raise ValueError(f"not a quantity: {text!r}")
    sign, digits, suffix, exponent = match.groups()
    amount = Fraction(digits if digits[-1] != "." else digits[:-1])
    notation = Format.DECIMAL_SI
    if suffix in _BINARY:
        amount *= 2 ** _BINARY[suffix]
        notation = Format.BINARY_SI
    elif suffix:
        amount *= Fraction(10) ** _DECIMAL[suffix]
    elif exponent is not None:
        amount *= Fraction(10) ** int(exponent)
        notation = Format.DECIMAL_EXPONENT
    # Kubernetes keeps nothing finer than a billionth: it rounds away from zero.
    nano = amount * 10**9
    if nano.denominator != 1:
        amount = Fraction(_away_from_zero(nano), 10**9)
    return Quantity(-amount if sign == "-" else amount, notation)


def canonical(quantity: Quantity) -> str:
    """The canonical text: no fraction, the largest suffix that divides exactly (Kubernetes' own serialisation)."""
    amount = quantity.amount
    if amount == 0:
        return "0"
    if quantity.format is Format.BINARY_SI and abs(amount) >= 1024 and amount.denominator == 1:
        suffix, whole = "", amount.numerator
        for name, power in _BINARY.items():
            if amount.numerator % (2**power) == 0:
                suffix, whole = name, amount.numerator // 2**power
        return f"{whole}{suffix}"
    exponent = 0
    while amount.denominator != 1:
        amount *= 1000
        exponent -= 3
    whole = amount.numerator
    while whole % 1000 == 0 and exponent < 18:
        whole //= 1000
        exponent += 3
    if quantity.format is Format.DECIMAL_EXPONENT:
        return f"{whole}e{exponent}" if exponent else str(whole)
    return f"{whole}{_SUFFIX_OF_EXPONENT[exponent]}"


def _away_from_zero(amount: Fraction) -> int:
    return ceil(amount) if amount > 0 else floor(amount)
