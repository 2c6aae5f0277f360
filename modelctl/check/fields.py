"""Which fields of a document differ from what they were before."""

import json
from collections.abc import Iterator

from modelctl.finding import Pointer
from modelctl.repo.scalars import short


def differing(before: object, after: object, at: Pointer = ()) -> Iterator[Pointer]:
    """Pointers to the innermost fields where two values differ, in the order of the value after.

    A list that became longer or shorter differs as a whole.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in (*after, *(key for key in before if key not in after)):
            if key in before and key in after:
                yield from differing(before[key], after[key], (*at, key))
            else:
                yield (*at, key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differing(old, new, (*at, index))
    elif _text(before) != _text(after):
        yield at


def named(at: Pointer) -> str:
    """A field as people write its name: `graph.inputs[0].shape`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
    return "".join(parts).removeprefix(".")


def shown(value: object, at: Pointer) -> str:
    """What a value has at a pointer, in few characters; `none` where it has nothing there."""
    for part in at:
        has = part in value if isinstance(value, dict) else isinstance(value, list)
        if not has:
            return "none"
        value = value[part]  # type: ignore[index]  # it is one of the two
    return short(_text(value))


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
