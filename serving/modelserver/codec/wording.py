"""The messages of msgspec in the words of JSON: what was found, and what was expected."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from modelserver.errors import UnknownModel, UnknownRelease

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `\$?(?P<path>.*)`)?", re.DOTALL)
_GOT = re.compile(r"Expected `(?P<expected>[^`]*)`, got `(?P<found>[^`]*)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")

_MAX_QUOTED = 64  # characters

# Names of types as msgspec has them, and as clients know them.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "array": "an array",
        "bool": "true or false",
        "float": "a number",
        "int": "a whole number",
        "null": "null",
        "object": "an object",
        "str": "a string",
    }
)


def found_and_expected(
    error: msgspec.ValidationError, expected: str | None = None
) -> tuple[str, str]:
    """The path below the decoded value, and the problem.

    `expected` says what an element must be, where msgspec knows only its type.
    """
    matched = _MESSAGE.fullmatch(str(error))
    what = matched["what"] if matched else str(error)
    path = (matched["path"] or "") if matched else ""
    missing = _MISSING.fullmatch(what)
    if missing:
        return f"{path}.{missing['name']}", "is missing"
    got = _GOT.fullmatch(what)
    if got is None:
        return path, f"out of range, expected {expected}" if expected else _lower(what)
    found = _WORDS.get(got["found"], got["found"])
    found += " with a fraction" if got["found"] == "float" else ""
    if expected is None or got["expected"] == "array":
        expected = " or ".join(
            _WORDS.get(part.strip(), part.strip()) for part in got["expected"].split("|")
        )
    return path, f"found {found}, expected {expected}"


def _lower(text: str) -> str:
    return (text[:1].lower() + text[1:]).replace("`", "")


def quoted(text: str) -> str:
    """A client's own words, quoted and cut: an error never sends a large body back."""
    return repr(text if len(text) <= _MAX_QUOTED else text[:_MAX_QUOTED] + "...")


def unknown(model: str, release: str, *, served: tuple[str, str]) -> UnknownModel | UnknownRelease:
    """The error for a request that is for another model or release than those that are served."""
    if model != served[0]:
        return UnknownModel(f"model: found {model[:80]!r}, expected {served[0]!r}")
    return UnknownRelease(f"release: found {release[:80]!r}, expected {served[1]!r}")
