"""How the kubelet makes the environment of a container from what a pod says, step by step.

Source: Kubernetes, third_party/forked/golang/expansion/expand.go.
"""

from collections.abc import Iterable


def environment(written: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Every variable with the value that the process gets."""
    known: dict[str, str] = {}
    found = []
    for name, value in written:
        known[name] = _expanded(value, known)
        found.append((name, known[name]))
    return found


def _expanded(text: str, known: dict[str, str]) -> str:
    found, cursor = "", 0
    while cursor < len(text):
        if text[cursor] != "$" or cursor + 1 == len(text):
            found, cursor = found + text[cursor], cursor + 1
            continue
        read, is_name, taken = _read(text[cursor + 1 :])
        found += known.get(read, f"$({read})") if is_name else read
        cursor += 1 + taken
    return found


def _read(rest: str) -> tuple[str, bool, int]:
    """What stands behind a `$`, whether it names a variable, and how long it is."""
    if rest[0] == "$":
        return "$", False, 1
    if rest[0] != "(":
        return "$" + rest[0], False, 1
    end = rest.find(")", 1)
    return ("$(", False, 1) if end < 0 else (rest[1:end], True, end + 1)
