"""The environment of a container as the kubelet makes it of what is written.

`$(NAME)` stands for the value of a variable that is written before, and for itself where there is
none; `$$` stands for one `$`.

Source: Kubernetes, third_party/forked/golang/expansion.
"""

import re
from collections.abc import Mapping, Sequence

_MARKED = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expanded(written: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Every variable with the value that a process gets."""
    known: dict[str, str] = {}
    found = []
    for name, text in written:
        known[name] = _value(text, known)
        found.append((name, known[name]))
    return tuple(found)


def _value(text: str, known: Mapping[str, str]) -> str:
    def replaced(mark: re.Match[str]) -> str:
        name = mark[1]
        return "$" if name is None else known.get(name, mark[0])

    return _MARKED.sub(replaced, text)
