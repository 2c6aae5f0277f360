"""Kubernetes quantities, such as `500m` of cpu or `1Gi` of memory, as exact numbers.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from fractions import Fraction
from functools import lru_cache

MIB = 1 << 20

_FORM = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
    r"(?:(?P<suffix>[numkMGTPE]|[KMGTPE]i)|[eE](?P<exponent>[+-]?[0-9]{1,2}))?"
)
_BINARY = {f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {letter: Fraction(1000) ** power for power, letter in enumerate("kMGTPE", 1)}
_SMALL = {letter: Fraction(1000) ** -power for power, letter in enumerate("mun", 1)}
_SUFFIXES = _BINARY | _DECIMAL | _SMALL


@lru_cache(maxsize=1024)  # the same few amounts stand in most releases
def amount(quantity: str) -> Fraction:
    """How much a quantity is: cores for cpu, bytes for memory.

    Raises:
        ValueError: It is no quantity.
    """
    match = _FORM.fullmatch(quantity)
    if match is None:
        raise ValueError(f"found {quantity!r}, expected a quantity such as 500m or 1Gi")
    scale = _SUFFIXES.get(match["suffix"] or "", Fraction(1))
    return Fraction(match["number"]) * scale * Fraction(10) ** int(match["exponent"] or 0)
