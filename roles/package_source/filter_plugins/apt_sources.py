"""Filter of role package_source: sources of the host that name a repository of the role.

apt refuses all work when two files give one repository different keys, so they are found before
anything is written.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Entry = tuple[str, str]

_LINE = re.compile(r"^\s*deb(?:-src)?\s+(?:\[[^]]*]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)")
_SWITCHED_OFF = {"no", "false", "0", "off", "disable"}


def conflicts(
    read: list[Mapping[str, str]], *, wanted: list[Mapping[str, Any]], architecture: str
) -> dict[str, list[str]]:
    """Files of the host that name a repository of `wanted`: `taken_over` and `refused` ones.

    `read` is what module slurp gave: `item`, the path, and `content`, in base 64. A file with
    nothing else in it is taken over; one that holds other repositories too is refused, a sentence
    each, because a person has to take it apart.
    """
    ours = {
        _entry(repository["uri"], suite, architecture)
        for repository in wanted
        for suite in repository["suites"]
    }
    found: dict[str, list[str]] = {"taken_over": [], "refused": []}
    for file in read:
        path, text = file["item"], base64.b64decode(file["content"]).decode(errors="replace")
        named = set(entries(path, text, architecture=architecture))
        if named and named <= ours:
            found["taken_over"].append(path)
        elif shared := sorted(f"{uri} {suite}" for uri, suite in named & ours):
            found["refused"].append(f"{path} names {', '.join(shared)} beside others")
    return found


def entries(path: str, text: str, *, architecture: str) -> Iterator[Entry]:
    """Address and suite of every repository that is switched on in a file of apt's sources."""
    pairs = _of_stanzas(text) if path.endswith(".sources") else _of_lines(text)
    for uri, suite in pairs:
        yield _entry(uri, suite, architecture)


def _of_lines(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        if match := _LINE.match(line):
            yield match["uri"], match["suite"]


def _of_stanzas(text: str) -> Iterator[Entry]:
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", kept):
        folded = re.sub(r"\n[ \t]+", " ", stanza)
        fields = {
            name.strip().lower(): value.strip()
            for name, colon, value in (line.partition(":") for line in folded.splitlines())
            if colon
        }
        if fields.get("enabled", "yes").lower() in _SWITCHED_OFF:
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield uri, suite


def _entry(uri: str, suite: str, architecture: str) -> Entry:
    """One form for an address that apt takes for the same, whichever scheme it comes by."""
    place = uri.replace("$(ARCH)", architecture).rstrip("/").partition("://")[2]
    return place or uri.rstrip("/"), suite.strip("./") or "/"


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter functions by the name that templates use."""
        return {"package_source_conflicts": conflicts}
