"""Filters for containerd's files: data to TOML and back, and words of its unit."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def _string(text: str) -> str:
    """A basic string: JSON's escapes, but for the one control character that JSON lets stand."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _value(value: object) -> str:
    """One TOML value. Raises TypeError for what TOML, or this writer, has no form for."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return _string(str(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    raise TypeError(
        f"containerd_toml: found {type(value).__name__}, expected a string, number, boolean or "
        "list of these; give tables as mappings"
    )


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """A table's own values, then its tables, each under its full name."""
    values = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    if path and (values or not table):
        yield ""
        yield f"[{'.'.join(_key(name) for name in path)}]"
    for name, value in values.items():
        yield f"{_key(name)} = {_value(value)}"
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _lines(value, (*path, name))


def to_toml(table: Mapping[str, Any]) -> str:
    """The table as TOML text, in the order given; ends with a newline."""
    return "\n".join(_lines(table, ())).lstrip("\n") + "\n"


def from_toml(text: str) -> dict[str, Any]:
    """The data of a TOML text. Raises ValueError with line and column when it is none."""
    return tomllib.loads(str(text))


def unread_keys(written: Mapping[str, Any], merged: Mapping[str, Any], path: str = "") -> list[str]:
    """Keys of a written configuration that containerd did not take into its merged one.

    `containerd config dump` ends well with a key that it does not know, and leaves it out.
    """
    found: list[str] = []
    for name, value in written.items():
        whole = f"{path}.{name}" if path else name
        if name not in merged:
            found.append(whole)
        elif isinstance(value, Mapping) and isinstance(merged[name], Mapping):
            found += unread_keys(value, merged[name], whole)
    return found


def unit_word(text: str) -> str:
    """One quoted word of a systemd unit: `%` begins a specifier there, backslash and `"` an escape.

    A password in a proxy's address is percent-encoded, so that `%` is what it often has.
    """
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


class FilterModule:
    """What Ansible asks for the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {
            "containerd_to_toml": to_toml,
            "containerd_from_toml": from_toml,
            "containerd_unread_keys": unread_keys,
            "containerd_unit_word": unit_word,
        }
