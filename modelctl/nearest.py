"""Hints for a name that is not known: the nearest one that is, or the names that there are."""

import difflib
from collections.abc import Iterable

_SHOWN = 8  # names; a longer list would hide the rest of the message


def hint(wrong: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """`did you mean NAME?`; where none is near, `otherwise`, or the first few that are known."""
    names = list(known)
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(wrong.casefold(), folded, n=1)
    if near:
        return f"did you mean {folded[near[0]]}?"
    if otherwise or not names:
        return otherwise or "there is none yet"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"known: {', '.join(names[:_SHOWN])}{more}"
