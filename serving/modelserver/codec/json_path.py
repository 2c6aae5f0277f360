"""The place of a byte in a JSON text, such as `inputs[0].data[3]`, to name it in an error."""

import re

MAX_SCAN_BYTES = 24 << 10
"""A mistake further into a text is named by its byte alone: the event loop waits for this."""

MAX_DEPTH = 64
"""Of a place that lies deeper only the outer steps are named."""

# A run of elements, a bracket or colon, or a string, whole or cut off.
_TOKEN = re.compile(rb'(?:[^\[\]{}:,"]*+,)++|[\[\]{}:]|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_SHOWN_STEPS = 6  # of a path; no field of the protocol lies deeper


def place(body: bytes, offset: int, most: int = MAX_SCAN_BYTES) -> str:
    """The path of the value that byte `offset` is in; empty for the body itself or too far in."""
    if offset > most:
        return ""
    steps: list[str | int | None] = []
    text = b""
    for token in _TOKEN.finditer(body, 0, offset):
        if len(steps) > MAX_DEPTH:
            break
        text = _follow(steps, token.group(), text)
    return _format(steps)


def _follow(steps: list[str | int | None], token: bytes, text: bytes) -> bytes:
    """Take one token into `steps`; the last string that was seen, which a colon makes a key."""
    if token == b"[":
        steps.append(0)
    elif token == b"{":
        steps.append(None)
    elif token in {b"]", b"}"}:
        if steps:
            steps.pop()
    elif token == b":" and steps:
        steps[-1] = text.decode("utf-8", "replace")
    elif token.endswith(b",") and steps and not token.startswith(b'"'):
        last = steps[-1]
        steps[-1] = last + token.count(b",") if isinstance(last, int) else None
    elif token.startswith(b'"'):
        return token.strip(b'"')
    return text


def _format(steps: list[str | int | None]) -> str:
    shown = [step for step in steps if step is not None]
    more = "..." if len(shown) > _SHOWN_STEPS else ""
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in shown[:_SHOWN_STEPS]]
    return ("".join(parts) + more).removeprefix(".")
