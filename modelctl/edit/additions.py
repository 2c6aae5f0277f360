"""A team or an environment more, as text: a new last item of its list; every other line stays."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from modelctl.edit.entries import YamlText
from modelctl.errors import EditRefusedError
from modelctl.repo.characters import escaped
from modelctl.repo.documents import Document, parse


@dataclass(frozen=True, slots=True)
class NewTeam:
    """What `argocd/teams.yaml` says of a team; no `environments` are all of them."""

    name: str
    groups: Sequence[str]
    description: str = ""
    environments: Sequence[str] = ()
    quota: str = ""  # as the file has it, in braces


@dataclass(frozen=True, slots=True)
class NewEnvironment:
    """What `argocd/environments.yaml` says of an environment on its first day."""

    name: str
    hostname: str
    engine: str = "argocd"
    registries: Sequence[str] = ()
    store: str | None = None


def team_lines(team: NewTeam) -> list[str]:
    """The fields of a team, one a line."""
    return [
        f"name: {plain(team.name)}",
        f"description: {plain(team.description or f'Models of the team {team.name}.')}",
        f"groups: {_flow(team.groups)}",
        *([f"environments: {_flow(team.environments)}"] if team.environments else []),
        *([f"quota: {team.quota}"] if team.quota else []),
    ]


def environment_lines(environment: NewEnvironment) -> list[str]:
    """The fields of an environment, one a line."""
    listener = "http" if environment.engine == "local" else "https"
    gateway = f"name: models, namespace: gateway, listener: {listener}"
    registries = environment.registries
    return [
        f"name: {plain(environment.name)}",
        f"engine: {environment.engine}",
        "template: v2",
        f"gateway: {{{gateway}, hostname: {plain(environment.hostname)}}}",
        *([f"registries: {_flow(registries)}"] if registries else []),
        *([f"store: {json.dumps(environment.store)}"] if environment.store else []),
    ]


def item(lines: Iterable[str]) -> list[str]:
    """The lines of one item of a list at the top of a file, indented by two."""
    first, *others = lines
    return [f"  - {first}", *(f"    {line}" for line in others)]


def with_item(document: Document, text: str, key: str, lines: Sequence[str]) -> str:
    """The text of a typed file with an item more in one of its lists.

    Raises:
        EditRefusedError: The file is written in a way that cannot be edited safely.
    """
    before = document.value if isinstance(document.value, dict) else {}
    edited = YamlText(document, text).with_item((key,), lines)
    added, _ = parse("", "\n".join(lines).encode())
    wanted = {**before, key: [*before.get(key, ()), added.value if added else None]}
    if edited.document.value != wanted:
        raise EditRefusedError(
            f"{document.path}: its layout cannot be edited safely; write by hand below {key}:\n"
            + "\n".join(item(lines))
        )
    return edited.text


def named(document: Document | None, key: str) -> Collection[str]:
    """The names in one of the lists of a typed file; none where it cannot be read."""
    value = document.value if document is not None else None
    items = value.get(key) if isinstance(value, dict) else None
    mappings = (each for each in items if isinstance(each, dict)) if isinstance(items, list) else ()
    return [str(each.get("name")) for each in mappings]


def plain(text: str) -> str:
    """Text as YAML has it: in quotes where it would be read as anything else."""
    document, faults = parse("", f"[{text}]".encode())
    is_plain = document is not None and not faults and document.value == [text]
    return text if is_plain else escaped(json.dumps(text, ensure_ascii=False))


def _flow(words: Iterable[str]) -> str:
    return f"[{', '.join(map(plain, words))}]"
