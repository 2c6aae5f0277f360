"""What a plain YAML scalar means where all readers agree, and why it is refused where they do not.

Source: YAML 1.2.2, section 10.3 (core schema), and the type repository of YAML 1.1 for what its
readers take for something else.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

Scalar = str | int | float | bool | None

_MAX_INTEGER_DIGITS = 18  # any such number fits into 64 bits
_SHOWN_CHARACTERS = 40  # of a value in a message
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?")
_NULL = ("", "~", "null")
_BOOLEANS = {"true": True, "false": False}
_MAY_BE_AMBIGUOUS = re.compile(r"(?i)[-+.0-9=<]|.{1,5}\Z")  # saves most words the eight below
_AMBIGUOUS = (
    (
        re.compile(r"(?i)y|n|yes|no|on|off|true|false"),
        "is a boolean to some readers and text to others",
        "write true or false, or quote it",
    ),
    (
        re.compile(r"(?i)null"),
        "is null to some readers and text to others",
        "write null, or quote it",
    ),
    (
        re.compile(r"[-+]?0[0-9_]+|[-+]?0[oxb][0-9a-fA-F_]+"),
        "is octal, hexadecimal or binary to some readers",
        "write a decimal number without leading zeros, or quote it",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        "is a number in base 60 to some readers",
        "quote it",
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?"),
        "is a date to some readers",
        "quote it",
    ),
    (
        re.compile(r"(?i)[-+]?\.(?:inf|nan)"),
        "is infinity or not a number to some readers",
        "write a finite number, or quote it",
    ),
    (
        re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?"),
        "is a number to some readers and text to others",
        "write it like 1000, 0.5 or 1.0e-5, or quote it",
    ),
    (
        re.compile(r"=|<<"),
        "has a meaning of its own to some readers",
        "quote it",
    ),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a plain scalar has no one meaning, and what to write instead."""

    message: str
    remedy: str


def plain(text: str) -> tuple[Scalar, Fault | None]:
    """The value of an unquoted scalar, and the fault that makes it doubtful."""
    return _word(text) if len(text) <= _SHOWN_CHARACTERS else _plain(text)


@lru_cache(maxsize=4096)  # most scalars of a repository are the same few keys and words
def _word(text: str) -> tuple[Scalar, Fault | None]:
    return _plain(text)


def _plain(text: str) -> tuple[Scalar, Fault | None]:
    if text in _NULL:
        return None, None
    if text in _BOOLEANS:
        return _BOOLEANS[text], None
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _float(text)
    return text, _ambiguity(text) if _MAY_BE_AMBIGUOUS.match(text) else None


def key(text: str) -> Fault | None:
    """Why an unquoted key is doubtful: it must be text to every reader."""
    value, fault = plain(text)
    if fault is None and not isinstance(value, str):
        return Fault(f"found the key {short(text)}, which is not text", "quote it")
    return fault


def short(text: str) -> str:
    """The text, cut where a message would grow long."""
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _ambiguity(text: str) -> Fault | None:
    for pattern, fault, remedy in _AMBIGUOUS:
        if pattern.fullmatch(text):
            return Fault(f"found {short(text)}, which {fault}", remedy)
    return None


def _integer(text: str) -> tuple[int, Fault | None]:
    digits = len(text.lstrip("-"))
    if digits > _MAX_INTEGER_DIGITS:
        message = f"found a number of {digits} digits, expected at most {_MAX_INTEGER_DIGITS}"
        return 0, Fault(message, "quote it, or write fewer")
    return int(text), None


def _float(text: str) -> tuple[float, Fault | None]:
    number = float(text)
    if math.isinf(number):
        return 0.0, Fault(f"found {short(text)}, which is out of range", "write a finite number")
    return number, None
