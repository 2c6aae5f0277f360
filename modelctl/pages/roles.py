"""The README of each role, from its argument specs and its ownership manifest."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HEADER = "<!-- Made by `python -m modelctl.cli.pages` from meta/argument_specs.yml; edit that. -->"
# Ansible's markup in descriptions: `C(code)`, `V(value)`, `O(option)`, `E(variable)`, `M(module)`.
MARKUP = re.compile(r"\b[CVOEM]\(([^)]*)\)")
INLINE_CHARACTERS = 60  # a longer default would make the table unreadable


@dataclass(frozen=True, slots=True)
class Role:
    """What a role's own files say about it."""

    name: str
    description: str
    specs: dict[str, Any]
    ownership: dict[str, Any]


def read(folder: Path) -> Role:
    """The role in a folder, from three files in its `meta/`: main, argument specs, ownership."""

    def document(name: str) -> dict[str, Any]:
        parsed: dict[str, Any] = yaml.safe_load((folder / "meta" / name).read_text("utf-8"))
        return parsed

    return Role(
        folder.name,
        document("main.yml")["galaxy_info"]["description"],
        document("argument_specs.yml")["argument_specs"],
        document("ownership.yml"),
    )


def prose(text: str | list[str]) -> str:
    """A description as Markdown: Ansible's markup becomes code, a list becomes sentences."""
    joined = " ".join(text) if isinstance(text, list) else text
    return MARKUP.sub(r"`\1`", " ".join(joined.split()))


def cell(text: str) -> str:
    """The text with every bar escaped, which would else end its cell of a table."""
    return text.replace("|", "\\|")


def typed(option: dict[str, Any]) -> str:
    """Type of an option with its elements: `list of dict`."""
    kind: str = option.get("type", "str")
    return f"{kind} of {option['elements']}" if "elements" in option else kind


def default_of(option: dict[str, Any]) -> str:
    """The default as one cell; for a long value, where it stands: `defaults/main.yml`."""
    if option.get("required"):
        return "required"
    if "default" not in option:
        return ""
    value = option["default"]
    shown = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n...\n")
    shown = shown.strip()
    if isinstance(value, str) and "{{" in value:
        shown = " ".join(value.split())
    if len(shown) > INLINE_CHARACTERS:
        return "see defaults/main.yml"
    return f"`{shown}`"


def meaning(option: dict[str, Any]) -> str:
    """The description with the choices."""
    told = prose(option.get("description", ""))
    if "choices" not in option:
        return told
    choices = ", ".join(f"`{choice}`" for choice in option["choices"])
    return f"{told} One of {choices}."


def rows(options: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """One table row an option, its own options after it."""
    for name, option in options.items():
        shown = f"{prefix}{name}"
        columns = (f"`{shown}`", typed(option), default_of(option), meaning(option))
        yield "| " + " | ".join(cell(column) for column in columns) + " |"
        below = "[]." if option.get("elements") == "dict" else "."
        yield from rows(option.get("options", {}), f"{shown}{below}")


def entry_point(role: str, name: str, spec: dict[str, Any]) -> list[str]:
    """Section of one entry point."""
    title = "Variables" if name == "main" else f"`tasks_from: {name}`"
    lines = [f"## {title}", ""]
    if name != "main":
        lines += [prose(spec.get("description", spec.get("short_description", ""))), ""]
    options = spec.get("options", {})
    if not options:
        return [*lines, f"Reads the variables of `{role}` above.", ""]
    lines += ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
    return [*lines, *rows(options), ""]


def owned(ownership: dict[str, Any]) -> list[str]:
    """Section of what the role alone writes."""
    lines = ["## Owns", ""]
    for kind in ("paths", "units", "packages"):
        named = ", ".join(f"`{name}`" for name in ownership.get(kind, []))
        lines.append(f"- {kind}: {named or 'none'}")
    kept = "kept" if ownership.get("keep_on_reset") else "removed"
    return [*lines, "", f"Role `reset`: {kept}.", ""]


def page(role: Role) -> str:
    """The README of a role."""
    main = role.specs.get("main", {})
    lines = [HEADER, "", f"# {role.name}", "", f"{prose(role.description).rstrip('.')}.", ""]
    if main.get("description"):
        told = main["description"]
        for paragraph in told if isinstance(told, list) else [told]:
            lines += [prose(paragraph), ""]
    for name, spec in role.specs.items():
        lines += entry_point(role.name, name, spec)
    return "\n".join([*lines, *owned(role.ownership)])


def pages(project: Path) -> dict[Path, str]:
    """Every README that the roles of a project should have."""
    found = sorted((project / "roles").glob("*/meta/argument_specs.yml"))
    return {path.parents[1] / "README.md": page(read(path.parents[1])) for path in found}
